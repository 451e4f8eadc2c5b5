export type MetricType = 'counter' | 'gauge' | 'summary'

/** What is known of a metric beforehand. */
export interface Family {
  readonly type: MetricType
  readonly help: string
  /** The label whose values clients choose: past the bound of the family its value is `other`. */
  readonly openLabel?: string
}

const counter = (help: string, openLabel?: string): Family => ({ type: 'counter', help, openLabel })
const gauge = (help: string): Family => ({ type: 'gauge', help })
const summary = (help: string, openLabel?: string): Family => ({ type: 'summary', help, openLabel })

/** Every metric of the proxy itself, by name. The first part has the names that Shotover gave them. */
export const FAMILIES: Readonly<Record<string, Family>> = {
  connections_opened: counter('Connections of clients that were accepted.'),
  shotover_available_connections_count: gauge('Clients that a source would still take, as of its last accept.'),
  shotover_connections_accept_failures_count: counter('Errors of accepting a connection.'),
  shotover_listener_create_failures_count: counter('Failed attempts to listen again while running.'),
  shotover_chain_total_count: counter('Batches that went down a chain.'),
  shotover_chain_failures_count: counter('Errors that a chain met.'),
  shotover_chain_latency_seconds: summary(
    'Time from a batch going down a chain to its replies coming up.',
    'client_details',
  ),
  shotover_chain_requests_batch_size: summary('Requests in the batches that went down a chain.'),
  shotover_chain_responses_batch_size: summary('Replies in the batches that came up a chain.'),
  shotover_transform_total_count: counter('Batches that transforms of this type were given.'),
  shotover_transform_failures_count: counter('Errors of transforms of this type.'),
  shotover_transform_latency_seconds: summary(
    'Time from a batch entering a transform to its replies leaving it, everything further down included.',
  ),
  shotover_source_to_sink_latency_seconds: summary('Time from reading a request to writing it to the server.'),
  shotover_sink_to_source_latency_seconds: summary('Time from reading a reply to writing it to the client.'),
  shotover_client_protocol_version_count: counter(
    'Clients of Cassandra by the version of the protocol that they began with.',
  ),
  shotover_failed_requests_count: counter('Requests that were answered with an error, by the server or by the proxy.'),
  shotover_tee_dropped_messages_count: counter('Requests that a Tee did not send down its chain, for want of room.'),
  shotover_query_count: counter('Queries that a QueryCounter has seen.', 'query'),
  shotover_protected_values_count: counter('Values that a Protect encrypted or decrypted.'),
  shotover_protect_refusals_count: counter('Requests and replies that a Protect answered with an error.'),
  shotover_cache_hit_count: counter('Reads that a ValkeyCache answered.'),
  shotover_cache_miss_count: counter('Reads that a ValkeyCache looked for and did not find.'),
  shotover_cache_bypass_count: counter(
    'Reads that a ValkeyCache did not look for: its Valkey was not to be reached, or not to be trusted.',
  ),
  shotover_cache_failures_count: counter('What a ValkeyCache asked of its Valkey in vain, by what it was.'),
  shotover_throttled_requests_count: counter('Requests that a RequestThrottling refused, by the limit that did.'),

  shotover_requests_count: counter('Requests that clients sent.'),
  shotover_sessions: gauge('Clients that are connected.'),
  shotover_sessions_closed_count: counter('Connections of clients that ended, by reason.'),
  shotover_downstream_read_bytes: counter('Bytes that clients sent.'),
  shotover_downstream_written_bytes: counter('Bytes that were sent to clients.'),
  shotover_upstream_read_bytes: counter('Bytes that servers sent.'),
  shotover_upstream_written_bytes: counter('Bytes that were sent to servers.'),
  shotover_cut_throughs_count: counter('Large messages that passed in parts while they arrived.'),
  shotover_tls_handshakes_count: counter('TLS handshakes with clients that succeeded.'),
  shotover_tls_handshakes_pending: gauge('TLS handshakes with clients that are under way.'),
  shotover_tls_handshake_failures_count: counter('TLS handshakes with clients that failed, by reason.'),
  shotover_tls_certificate_not_after_seconds: gauge('When a certificate of the proxy ends, in seconds since 1970.'),
  shotover_tls_reloads_count: counter('Times that TLS files had changed and were read again.'),
  shotover_tls_reload_failures_count: counter('Times that TLS files had changed and could not be used.'),
  shotover_transform_reloads_count: counter("Times that the file of a user's transform was saved, by outcome."),
  shotover_cql_unparsed_count: counter('Statements of CQL that could not be parsed, and went on as they were.'),
  shotover_pauses_count: counter('Times that reading from a client stopped because it owed too much.'),
  shotover_swallowed_count: counter('Hand-overs by a transform of what it did not hold.'),
  shotover_upstreams: gauge(
    'Connections to servers that are open: shared by clients, or of one client alone (pinned).',
  ),
  shotover_upstream_connect_failures_count: counter('Connections to servers that could not be opened.'),
  shotover_upstream_deaths_count: counter('Connections to servers that ended, for whatever reason.'),
  shotover_in_flight: gauge('Requests that were sent to servers and have no reply yet.'),
  shotover_pins_count: counter('Times that a client got a connection to the server for itself, by reason.'),
  shotover_isolations_count: counter(
    'Times that a shared connection was taken from its clients because one held it up.',
  ),
  shotover_late_replies_count: counter('Replies that were dropped because nobody waited for them any more.'),
  shotover_out_of_rack_requests_count: counter(
    'Requests that went to another rack, since no server of their own rack has what they are about and can be reached.',
  ),
  shotover_retries_count: counter('Requests that were sent again on another connection.'),
  shotover_thread_restarts_count: counter('Core threads that died and were started again.'),
  shotover_thread_stalls_count: counter('Times that a thread did not answer for ten seconds.'),
  shotover_thread_hangs_count: counter('Core threads that were ended because they did not answer for a minute.'),
  shotover_access_log_dropped_count: counter(
    'Lines of the access log that were dropped: the file could not be written fast enough.',
  ),
  shotover_traces_count: counter('Requests that were traced.'),
  shotover_process_resident_bytes: gauge('Memory of the process that is resident.'),
  shotover_heap_used_bytes: gauge('Memory in use on the JavaScript heap of a thread.'),
  shotover_external_bytes: gauge('Memory outside the JavaScript heap that objects of a thread hold, buffers included.'),
}
