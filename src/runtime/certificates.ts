import { X509Certificate, randomBytes } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { causesOf, withCauses } from '../base/errors.ts'
import type { CheckedTls } from '../config/checked.ts'
import type { Counter, Log, Metrics } from '../core/kind.ts'
import { readTls, tlsKey, tlsPaths, type TlsMaterial } from '../world/tls-files.ts'
import type { TlsStart } from '../world/tls.ts'

/** How often the files are looked at. */
const LOOK_MS = 1000
const SECRET_BYTES = 32

export interface CertificatesOptions {
  /** What the topology has of TLS. */
  readonly tls: readonly CheckedTls[]
  readonly log: Log
  readonly metrics: Metrics
}

/** A set of files that belong together, and what was seen of it. */
interface Watched {
  readonly checked: CheckedTls
  readonly key: string
  /** Of the files as they were last read, and as they were last seen. */
  read: string
  seen: string
}

/** The TLS files of the process: reads them for all threads, and again when they change. One that can't be used changes nothing. */
export class Certificates {
  readonly start: TlsStart
  readonly #options: CertificatesOptions
  readonly #watched: readonly Watched[]
  readonly #reloads: Counter
  readonly #failures: Counter
  #timer: NodeJS.Timeout | null = null
  #closed = false

  private constructor(options: CertificatesOptions, start: TlsStart, watched: readonly Watched[]) {
    this.#options = options
    this.start = start
    this.#watched = watched
    this.#reloads = options.metrics.counter('shotover_tls_reloads_count', {})
    this.#failures = options.metrics.counter('shotover_tls_reload_failures_count', {})
  }

  /** Reads all files. Rejects with TlsFileError. */
  static async open(options: CertificatesOptions): Promise<Certificates> {
    const materials = new Map<string, TlsMaterial>()
    const watched: Watched[] = []
    for (const checked of options.tls) {
      const key = tlsKey(checked.files)
      // Looked at first: what changes meanwhile is read again.
      const read = await mark(checked)
      materials.set(key, await readTls(checked.files))
      watched.push({ checked, key, read, seen: read })
    }
    const certificates = new Certificates(options, { secret: randomBytes(SECRET_BYTES), materials }, watched)
    for (const { checked, key } of watched) certificates.#tellEnd(checked, materials.get(key)!)
    return certificates
  }

  /** Watches the files from now on; `onChange` is told which set holds something else. */
  watch(onChange: (key: string, material: TlsMaterial) => void): void {
    if (this.#closed) return
    this.#timer = setTimeout(() => void this.#look(onChange).then(() => this.watch(onChange)), LOOK_MS)
    this.#timer.unref()
  }

  close(): void {
    this.#closed = true
    if (this.#timer !== null) clearTimeout(this.#timer)
  }

  async #look(onChange: (key: string, material: TlsMaterial) => void): Promise<void> {
    for (const watched of this.#watched) {
      const now = await mark(watched.checked)
      // Files of a set are replaced one after the other: they are read once they lie still.
      const still = now === watched.seen
      watched.seen = now
      if (!still || now === watched.read) continue
      watched.read = now
      const material = await this.#reload(watched.checked)
      if (material === null) continue
      this.start.materials.set(watched.key, material)
      this.#tellEnd(watched.checked, material)
      onChange(watched.key, material)
    }
  }

  /** Says until when the certificate is one. */
  #tellEnd({ files, users }: CheckedTls, { certificate }: TlsMaterial): void {
    if (files.certificate === null || certificate === null) return
    const { log, metrics } = this.#options
    const end = Date.parse(new X509Certificate(certificate).validTo)
    metrics.gauge('shotover_tls_certificate_not_after_seconds', { file: files.certificate }).set(end / 1000)
    if (end < Date.now()) {
      log.warn(`The certificate of ${users.join(', ')} in ${files.certificate} ended on ${new Date(end).toISOString()}`)
    }
  }

  /** Null: they can't be used. */
  async #reload(checked: CheckedTls): Promise<TlsMaterial | null> {
    const { log } = this.#options
    const users = checked.users.join(', ')
    try {
      const material = await readTls(checked.files)
      this.#reloads.add(1)
      log.info(`The TLS files of ${users} have changed: new connections use the new ones`)
      return material
    } catch (error) {
      this.#failures.add(1)
      const text = `The TLS files of ${users} have changed and can't be used: those read before stay in use`
      log.error(withCauses(text, causesOf(error as Error)))
      return null
    }
  }
}

/** Differs where a file is another one, or was written to. */
async function mark({ files }: CheckedTls): Promise<string> {
  const marks = tlsPaths(files).map(async (path) => {
    try {
      const { ino, size, mtimeMs, ctimeMs } = await stat(path)
      return `${ino} ${size} ${mtimeMs} ${ctimeMs}`
    } catch (error) {
      return (error as NodeJS.ErrnoException).code ?? 'unknown'
    }
  })
  return (await Promise.all(marks)).join(', ')
}
