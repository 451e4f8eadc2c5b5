import { setTimeout as wait } from 'node:timers/promises'
import { parseExposition, type Exposition } from '../../src/observability/exposition-parser.test.ts'
import { startProxy, type Proxy, type ProxyOptions } from './proxy.ts'
import { drawPort } from './servers.ts'

const WAIT_MS = 8000
const DRAWS_MAX = 20

export type Labels = Readonly<Record<string, string>>

/** The metrics of a proxy, as a scraper sees them. */
export class Metrics {
  readonly url: string

  constructor(port: number) {
    this.url = `http://127.0.0.1:${port}/metrics`
  }

  /** Everything; throws where a strict reader would refuse it. */
  async scrape(): Promise<Exposition> {
    return parseExposition(await (await fetch(this.url)).text())
  }

  /** Replaces the filter of the log. */
  async putFilter(text: string): Promise<void> {
    const response = await fetch(new URL('/filter', this.url), { method: 'PUT', body: text })
    if (!response.ok) throw new Error(await response.text())
  }

  /** The sum of the series of this name that have these labels and maybe others; undefined where there are none. */
  async read(name: string, labels: Labels = {}): Promise<number | undefined> {
    const { series } = await this.scrape()
    const meant = series.filter(
      (one) => one.name === name && Object.entries(labels).every(([label, text]) => one.labels[label] === text),
    )
    return meant.length === 0 ? undefined : meant.reduce((sum, { value }) => sum + value, 0)
  }

  /** Waits until it has this value, or one that is meant. Rejects when that takes too long. */
  async until(name: string, labels: Labels, meant: number | ((value: number) => boolean)): Promise<void> {
    const isMeant = typeof meant === 'number' ? (value: number) => value === meant : meant
    let value: number | undefined
    for (const deadline = Date.now() + WAIT_MS; Date.now() < deadline; await wait(10)) {
      value = await this.read(name, labels)
      if (value !== undefined && isMeant(value)) return
    }
    throw new Error(`${name}${JSON.stringify(labels)} is ${value}, which is not meant`)
  }
}

export interface Metered extends AsyncDisposable {
  readonly proxy: Proxy
  readonly metrics: Metrics
}

/** Starts a proxy that has metrics. */
export async function startMetered(options: ProxyOptions): Promise<Metered> {
  for (let draw = 1; ; draw++) {
    const port = drawPort()
    const config = `observability_interface: "127.0.0.1:${port}"\n${options.config ?? ''}`
    const proxy = await startProxy({ ...options, config })
    const taken = proxy.logs.some(({ message }) => message.startsWith('Metrics HTTP server failed'))
    if (!taken) {
      const end = async () => void (await proxy.kill())
      return { proxy, metrics: new Metrics(port), [Symbol.asyncDispose]: end }
    }
    await proxy.kill()
    if (draw === DRAWS_MAX) throw new Error(`no port for the metrics: ${proxy.output}`)
  }
}
