/** Paths of PEM files, as a topology names them. */
export interface TlsPaths {
  readonly certificate?: string
  readonly key?: string
  readonly authority?: string
}

const tls = (paths: TlsPaths, indent: string, more: readonly string[] = []): string => {
  const lines = [
    ...(paths.authority === undefined ? [] : [`certificate_authority_path: ${JSON.stringify(paths.authority)}`]),
    ...(paths.certificate === undefined ? [] : [`certificate_path: ${JSON.stringify(paths.certificate)}`]),
    ...(paths.key === undefined ? [] : [`private_key_path: ${JSON.stringify(paths.key)}`]),
    ...more,
  ]
  return `${indent}tls:\n${lines.map((line) => `${indent}  ${line}\n`).join('')}`
}

/** Valkey -> ValkeySinkSingle; null is an end in the clear. `more`: further lines of the source. */
export function tlsTopology(
  listen: string,
  upstream: string,
  source: TlsPaths | null,
  sink: (TlsPaths & { readonly verifyHostname: boolean }) | null,
  more: readonly string[] = [],
): string {
  return `sources:
  - Valkey:
      name: "valkey"
      listen_addr: "${listen}"
${source === null ? '' : tls(source, '      ')}${more.map((line) => `      ${line}\n`).join('')}      chain:
        - ValkeySinkSingle:
            name: "sink"
            remote_address: "${upstream}"
            connect_timeout_ms: 3000
${sink === null ? '' : tls(sink, '            ', [`verify_hostname: ${sink.verifyHostname}`])}`
}
