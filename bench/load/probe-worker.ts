import { connect } from 'node:net'
import { parentPort, workerData } from 'node:worker_threads'
import { ReplyReader, encodeRequest } from './resp-reader.ts'
import type { ProbeOptions, ProbeSamples } from './probe.ts'

/** One client that asks, waits for the reply and asks again; in a thread of its own, so that no other client's work delays it. */
function probe(options: ProbeOptions): void {
  const { port, args, pipeline, gapMs } = options
  const request = Buffer.concat(Array.from({ length: pipeline }, () => encodeRequest(args)))
  const socket = connect({ port, host: '127.0.0.1' })
  socket.setNoDelay(true)
  const sentAt: number[] = []
  const latenciesMs: number[] = []
  let asked = 0
  let open = 0
  let problem: string | null = null
  const ask = (): void => {
    asked = performance.now()
    open = pipeline
    socket.write(request)
  }
  const reader = new ReplyReader((reply) => {
    if (reply.type === '-' || reply.length < 0) problem ??= `it was answered ${reply.type}${reply.text}`
    if (--open > 0) return
    sentAt.push(performance.timeOrigin + asked)
    latenciesMs.push(performance.now() - asked)
    if (sentAt.length === 1) parentPort!.postMessage('started')
    if (gapMs === 0) ask()
    else setTimeout(ask, gapMs)
  })
  socket.on('connect', ask)
  socket.on('data', (chunk) => reader.push(chunk as Buffer))
  socket.on('error', (error) => (problem ??= error.message))
  socket.on('close', () => (problem ??= 'its connection was closed'))
  parentPort!.on('message', () => {
    // A request still out counts with the time that it has waited: a hang must not vanish from the figures.
    sentAt.push(performance.timeOrigin + asked)
    latenciesMs.push(performance.now() - asked)
    const samples: ProbeSamples = {
      sentAt: Float64Array.from(sentAt),
      latenciesMs: Float64Array.from(latenciesMs),
      problem,
    }
    parentPort!.postMessage(samples)
    process.exit()
  })
}

probe(workerData as ProbeOptions)
