import { parseArgs } from 'node:util'

export const USAGE = `npm run bench -- [options]

  --full              every cell: GET and SET, 100 B and 16 KB, pipelines of 1, 16 and 64
  --only a,b          only these targets (direct is always measured): ours, peers, ours0, ours2, ours5,
                      ours10, ours-hooks, ours-onion, haproxy, twemproxy, envoy, shotover
  --tls               in TLS: from the client, and on both sides; targets are ours-tls, ours-tls-both, and so for
                      haproxy, envoy and shotover
  --cassandra         prepared SELECTs by key, before Cassandra and before a node that costs next to nothing, instead; targets are
                      ours-single, ours-single2, ours-cluster, haproxy, envoy, shotover-single, shotover-cluster
  --p 1,16            only these pipelines
  --cells 1x128,8x32v5  only these cells of --cassandra: connections x requests in flight on each, version of the protocol
  --seconds 0.7       load per cell, target and round, after a warm-up of a third of it
  --requests N        a fixed number of requests per cell instead
  --connections 50    clients
  --rounds 3          measure everything this often and take the means; with --cassandra 2
  --record            make this run the baseline (bench/baseline.json)
  --no-results        do not append to bench/RESULTS.md

  --bar NAME          one of the programs under bench/bars instead of the table; "all" for each of them in turn
  --through NAME      the target that the bar looks at, default ours0

SHOTOVER_BIN names a binary of the original to measure beside.
Exit: 0 all that was asked for was measured and held; 1 a bar was missed or ours did not start; 2 wrong usage.`

export interface Options {
  readonly full: boolean
  readonly tls: boolean
  readonly cassandra: boolean
  readonly only: readonly string[] | null
  readonly pipelines: readonly number[] | null
  readonly cells: readonly string[] | null
  readonly seconds: number
  readonly requests: number | null
  readonly connections: number
  readonly rounds: number
  readonly record: boolean
  readonly results: boolean
  readonly bar: string | null
  readonly through: string
}

export class UsageError extends Error {}

function positive(name: string, text: string, whole: boolean): number {
  const value = Number(text)
  if (!Number.isFinite(value) || value <= 0 || (whole && !Number.isInteger(value))) {
    throw new UsageError(`--${name} takes a positive ${whole ? 'whole ' : ''}number, not ${JSON.stringify(text)}`)
  }
  return value
}

const words = (text: string | undefined): string[] | null => text?.split(',').filter((word) => word !== '') ?? null

/** Reads the command line; null when only help was asked for. Throws UsageError. */
export function parseOptions(argv: string[]): Options | null {
  const string = { type: 'string' } as const
  const flag = { type: 'boolean', default: false } as const
  let values
  try {
    values = parseArgs({
      args: argv,
      allowNegative: true,
      options: {
        full: flag,
        tls: flag,
        cassandra: flag,
        only: string,
        p: string,
        cells: string,
        seconds: { ...string, default: '0.7' },
        requests: string,
        connections: { ...string, default: '50' },
        rounds: string,
        record: flag,
        results: { type: 'boolean', default: true },
        bar: string,
        through: { ...string, default: 'ours0' },
        help: { ...flag, short: 'h' },
      },
    }).values
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
  if (values.help) return null
  if (values.cassandra && (values.tls || values.full || values.record || values.p !== undefined))
    throw new UsageError('--cassandra has cells of its own, in the clear, and no baseline')
  return {
    full: values.full,
    tls: values.tls,
    cassandra: values.cassandra,
    only: words(values.only),
    cells: words(values.cells),
    pipelines: words(values.p)?.map((text) => positive('p', text, true)) ?? null,
    seconds: positive('seconds', values.seconds, false),
    requests: values.requests === undefined ? null : positive('requests', values.requests, true),
    connections: positive('connections', values.connections, true),
    rounds: positive('rounds', values.rounds ?? (values.cassandra ? '2' : '3'), true),
    record: values.record,
    results: values.results,
    bar: values.bar ?? null,
    through: values.through,
  }
}
