import { isLoopback } from '../config/addresses.ts'
import type { CheckedTopology } from '../config/checked.ts'

/** Descriptors that a process has open before its first client. */
const OWN_DESCRIPTORS = 64
/** A client's connection, and the one to a server that it may have for itself. */
const DESCRIPTORS_PER_CLIENT = 2

/** What an operator should know about a topology that is right all the same. */
export function warningsFor(topology: CheckedTopology, descriptorLimit: number | null): string[] {
  const warnings: string[] = []
  let needed = OWN_DESCRIPTORS
  for (const source of topology.sources) {
    needed += source.connectionLimit * DESCRIPTORS_PER_CLIENT
    if (source.tls === undefined && !isLoopback(source.listen.host)) {
      warnings.push(
        `[${source.name}] listens at ${source.listenText} without TLS: whoever can reach it can read and change what passes`,
      )
    }
  }
  if (descriptorLimit !== null && descriptorLimit < needed) {
    warnings.push(
      `this process may open ${descriptorLimit} file descriptors, but the connection limits of the topology need up to ${needed}: raise the limit (ulimit -n) or lower connection_limit`,
    )
  }
  return warnings
}
