import type { CheckedTopology, CheckedTransform } from './checked.ts'
import type { TlsFiles } from '../world/world.ts'
import { isSecret } from './options.ts'

/** The topology as one line for the log. Of users' transforms only the names of the options are shown, of secrets nothing. */
export function describeTopology(topology: CheckedTopology): string {
  return JSON.stringify({
    sources: topology.sources.map(
      ({
        type,
        name,
        listenText,
        connectionLimit,
        hardConnectionLimit,
        proxyProtocol,
        idleTimeoutSeconds,
        tls,
        chain,
      }) => ({
        [type]: {
          name,
          listen_addr: listenText,
          connection_limit: connectionLimit,
          hard_connection_limit: hardConnectionLimit,
          timeout: idleTimeoutSeconds,
          ...(tls === undefined ? {} : { tls: describeTls(tls) }),
          ...(proxyProtocol === true ? { proxy_protocol: true } : {}),
          chain: chain.map(describeTransform),
        },
      }),
    ),
  })
}

/** Where the files are is no secret. */
function describeTls({ certificate, privateKey, authority }: TlsFiles): unknown {
  return {
    certificate_path: certificate,
    private_key_path: privateKey,
    ...(authority === null ? {} : { certificate_authority_path: authority }),
  }
}

function describeTransform({ type, name, options, module }: CheckedTransform): unknown {
  const shown =
    module === undefined
      ? withoutSecrets(options)
      : { module, options: Object.keys((options ?? {}) as Record<string, unknown>) }
  return { [type]: { name, ...(shown as Record<string, unknown>) } }
}

function withoutSecrets(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutSecrets)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, isSecret(key) ? '...' : withoutSecrets(item)]),
  )
}
