import type { Address, Connection, ConnectionHandler, Listener } from '../../src/world/world.ts'
import type { SimWorld } from '../../src/sim/world.ts'
import {
  ABANDON,
  BEGIN,
  CANCEL,
  COMMIT,
  DATA,
  DONE,
  ECHO,
  encode,
  END,
  ERROR,
  GET,
  HEAD,
  headerAt,
  HEADER_BYTES,
  FRAME_BYTES_MAX,
  HELLO,
  INTERIM,
  KEY,
  KIND_NAMES,
  NEWS,
  NO_STREAM,
  NOTE,
  OK,
  PUBLISH,
  PUT,
  ROW,
  ROWS,
  SLOWLY,
  STEP,
  STREAM,
  SUBSCRIBE,
  SWITCH,
  SYNC,
  TAIL,
  UNSUBSCRIBE,
  UNTIL_CLOSE,
  Unwrapper,
  UPLOAD,
  USE,
  VALUE,
  WAIT,
  wrap,
} from './format.ts'
import type { Arriving, HardServerOptions, Request } from './requests.ts'

const SPACES = 3

/** A server of the hard protocol. What it holds survives a crash. */
export class HardServer {
  readonly sim: SimWorld
  readonly options: HardServerOptions
  readonly spaces = Array.from({ length: SPACES }, () => new Map<string, string>())
  readonly sessions = new Set<ServerSession>()
  connections = 0
  /** Kinds of requests that it takes and never answers. */
  readonly ignored = new Set<number>()
  #listener: Listener | null = null
  #address: Address | null = null

  constructor(sim: SimWorld, options: HardServerOptions) {
    this.sim = sim
    this.options = options
  }

  async listen(address: Address): Promise<Address> {
    this.#listener = await this.sim.world.net.listen(address, (connection) => {
      this.sessions.add(new ServerSession(this, connection, ++this.connections))
    })
    this.#address = this.#listener.address
    return this.#address
  }

  /** Its connections are gone, and nobody listens. */
  crash(): void {
    this.sim.net.kill(this.#address!)
    for (const session of this.sessions) session.onClose()
  }

  async close(): Promise<void> {
    await this.#listener!.close()
    for (const session of [...this.sessions]) session.connection.destroy()
  }
}

class ServerSession implements ConnectionHandler {
  readonly connection: Connection
  readonly topics = new Set<string>()
  readonly #server: HardServer
  readonly #id: number
  #bytes: Buffer = Buffer.alloc(0)
  #unwrapper: Unwrapper | null = null
  #space = 0
  #transaction: Request[] | null = null
  /** Steps of a group since it began; -1: one failed. */
  #steps = 0
  /** Without streams: requests wait for those before them. */
  readonly #queue: Request[] = []
  #busy = false
  readonly #arriving = new Map<number, Arriving>()
  /** Where frames alternate: requests that are not whole. */
  readonly #partial = new Map<number, Request>()
  /** What cancels what it waits for. */
  readonly #waits = new Set<() => void>()
  #gone = false
  #ending = false

  constructor(server: HardServer, connection: Connection, id: number) {
    this.#server = server
    this.#id = id
    this.connection = connection
    connection.handler = this
  }

  onData(bytes: Buffer, start: number, end: number): void {
    if (this.#ending) return
    const pushed = bytes.subarray(start, end)
    this.#bytes = Buffer.concat([this.#bytes, this.#unwrapper === null ? pushed : this.#unwrapper.add(pushed)])
    this.#read()
  }

  onDrain(): void {
    this.connection.resume()
  }

  onEnd(): void {
    this.connection.destroy()
  }

  onClose(): void {
    this.#gone = true
    this.#server.sessions.delete(this)
  }

  #read(): void {
    for (let header = headerAt(this.#bytes, 0); header !== null; header = headerAt(this.#bytes, 0)) {
      const size = HEADER_BYTES + header.length
      if (this.#bytes.length < size) return
      const { kind, stream, flags } = header
      const text = this.#bytes.toString('latin1', HEADER_BYTES, size)
      const request = { kind, stream, text, ended: (flags & END) !== 0 }
      this.#bytes = this.#bytes.subarray(size)
      if (KIND_NAMES[kind] === undefined || kind > DATA) throw new Error(`a server got kind ${kind}`)
      this.#came(request)
    }
  }

  #came(request: Request): void {
    if (this.#server.ignored.has(request.kind)) return
    if (this.#server.options.order === 'streams') this.#cameInStreams(request)
    else if (this.#server.options.order === 'any' || request.kind === CANCEL) this.#executeSometime(request)
    else {
      this.#queue.push(request)
      this.#executeNext()
    }
  }

  /** Frames of several messages alternate. */
  #cameInStreams(request: Request): void {
    const { kind, stream, text, ended } = request
    const partial = this.#partial.get(stream)
    if (kind === ABANDON) {
      const isOwed = this.#arriving.get(stream)?.refused === false || (partial !== undefined && partial.kind !== NOTE)
      this.#arriving.delete(stream)
      this.#partial.delete(stream)
      if (isOwed) this.#send(ERROR, 'abandoned', stream)
    } else if (kind === STREAM || kind === UPLOAD || this.#arriving.has(stream)) this.#executeFrame(request)
    else {
      const whole = partial === undefined ? request : { ...partial, text: partial.text + text, ended }
      if (ended) {
        this.#partial.delete(stream)
        this.#executeSometime(whole)
      } else this.#partial.set(stream, whole)
    }
  }

  #executeSometime(request: Request): void {
    const { sim } = this.#server
    // What changes the connection takes its place among the requests, as its wire says.
    const now = [SWITCH, USE, BEGIN, COMMIT, HELLO, SUBSCRIBE, UNSUBSCRIBE, CANCEL, NOTE].includes(request.kind)
    if (now || sim.random.chance(0.3)) this.#execute(request, () => {})
    else sim.schedule.add(sim.nowMs + sim.random.next() * 5, () => this.#execute(request, () => {}))
  }

  #executeNext(): void {
    if (this.#busy) return
    const request = this.#queue.shift()
    if (request === undefined) return
    this.#busy = true
    this.#execute(request, () => {
      this.#busy = false
      this.#executeNext()
    })
  }

  // --- messages of several frames

  #executeFrame(request: Request): void {
    const { stream, text, ended } = request
    let arriving = this.#arriving.get(stream)
    if (request.kind !== DATA) {
      arriving = { request, bytes: 0, refused: false }
      this.#arriving.set(stream, arriving)
      if (request.kind === STREAM) this.#send(ECHO, text, stream, ended ? END : 0)
      if (request.kind === UPLOAD && text.startsWith('no')) {
        arriving.refused = true
        this.#send(ERROR, 'refused', stream)
      }
    }
    if (arriving === undefined) throw new Error('more of a request that never began')
    arriving.bytes += text.length
    if (arriving.request.kind === STREAM && request.kind === DATA) this.#send(DATA, text, stream, ended ? END : 0)
    if (!ended) return
    this.#arriving.delete(stream)
    if (arriving.request.kind === UPLOAD && !arriving.refused) this.#send(OK, String(arriving.bytes), stream)
  }

  // --- execution

  #execute(request: Request, done: () => void): void {
    if (this.#gone) return
    const { kind, stream, text } = request
    const { sim } = this.#server
    if (kind === WAIT) this.#wait(request, done)
    else if (kind === TAIL) this.#tail(request)
    else if (kind === SLOWLY) {
      const count = sim.random.between(1, 3)
      for (let i = 1; i <= count; i++) {
        sim.schedule.add(sim.nowMs + i, () => {
          if (this.#gone) return
          this.#send(INTERIM, `${i} of ${count}`, stream)
          if (i < count) return
          this.#value(GET, text, stream)
          done()
        })
      }
    } else {
      this.#executeAtOnce(request)
      done()
    }
  }

  #executeAtOnce(request: Request): void {
    const { kind, stream, text } = request
    if (kind === STREAM || kind === UPLOAD || kind === DATA) this.#executeFrame(request)
    else if (kind === GET || kind === HEAD) this.#value(kind, text, stream)
    else if (kind === PUT || kind === NOTE) this.#write(request)
    else if (kind === ROWS) {
      for (let i = 0; i < Number(text); i++) this.#send(ROW, `${i}`, stream, 0)
      this.#send(DONE, text, stream)
    } else if (kind === STEP) this.#step(request)
    else if (kind === SYNC) {
      this.#send(DONE, String(Math.max(this.#steps, 0)), stream)
      this.#steps = 0
    } else if (kind === SUBSCRIBE) {
      this.topics.add(text)
      this.#send(NEWS, `sub ${text}`, stream)
    } else if (kind === UNSUBSCRIBE) {
      this.topics.delete(text)
      this.#send(NEWS, `unsub ${text}`, stream)
    } else if (kind === PUBLISH) this.#publish(request)
    else if (kind === CANCEL) this.#cancel(text)
    else if (kind === HELLO) this.#send(KEY, `c${this.#id}`, stream)
    else this.#changeConnection(request)
  }

  #changeConnection({ kind, stream, text }: Request): void {
    if (kind === SWITCH) {
      this.#send(OK, '', stream)
      this.#unwrapper ??= new Unwrapper()
    } else if (kind === USE) {
      const known = Number(text) < this.#server.spaces.length
      if (known) this.#space = Number(text)
      this.#send(known ? OK : ERROR, known ? '' : 'no such space', stream)
    } else if (kind === BEGIN) {
      this.#transaction = []
      this.#send(OK, '', stream)
    } else if (kind === COMMIT) {
      const writes = this.#transaction
      this.#transaction = null
      for (const write of writes ?? []) this.#apply(write, true)
      this.#send(writes === null ? ERROR : OK, String(writes?.length ?? 'nothing began'), stream)
    } else throw new Error(`a server got ${KIND_NAMES[kind]}`)
  }

  #value(kind: number, key: string, stream: number): void {
    const value = this.#server.spaces[this.#space]!.get(key)
    if (value === undefined) this.#send(ERROR, 'not found', stream)
    else this.#send(VALUE, kind === HEAD ? '' : value, stream, END, value.length)
  }

  #write(request: Request): void {
    if (this.#transaction !== null) this.#transaction.push(request)
    else this.#apply(request, false)
    if (request.kind === PUT) this.#send(OK, '', request.stream)
  }

  #apply(request: Request, inTransaction: boolean): void {
    const at = request.text.indexOf('=')
    this.#server.spaces[this.#space]!.set(request.text.slice(0, at), request.text.slice(at + 1))
    this.#server.options.onExecute(this.#id, this.#space, request, inTransaction)
  }

  #step(request: Request): void {
    if (this.#steps < 0) return
    if (request.text.startsWith('bad')) {
      this.#send(ERROR, `step ${this.#steps} is bad`, request.stream)
      this.#steps = -1
    } else {
      this.#steps++
      this.#server.options.onExecute(this.#id, this.#space, request, true)
    }
  }

  #publish({ text, stream }: Request): void {
    const at = text.indexOf('=')
    let count = 0
    for (const session of this.#server.sessions) {
      if (!session.topics.has(text.slice(0, at))) continue
      count++
      session.#send(NEWS, `${text.slice(0, at)}: ${text.slice(at + 1)}`, NO_STREAM)
    }
    this.#send(OK, String(count), stream)
  }

  #wait({ text, stream }: Request, done: () => void): void {
    const { sim } = this.#server
    const settle = (kind: number, reply: string) => {
      if (this.#gone || !this.#waits.delete(cancel)) return
      timer.cancel()
      this.#send(kind, reply, stream)
      done()
    }
    const cancel = () => settle(ERROR, 'cancelled')
    const timer = sim.schedule.add(sim.nowMs + Number(text), () => settle(OK, ''))
    this.#waits.add(cancel)
  }

  #cancel(key: string): void {
    for (const session of this.#server.sessions)
      if (`c${session.#id}` === key) for (const cancel of [...session.#waits]) cancel()
  }

  /** The value comes in pieces, and the connection ends. */
  #tail({ text, stream }: Request): void {
    const value = this.#server.spaces[this.#space]!.get(text) ?? ''
    const { sim } = this.#server
    this.#send(VALUE, '', stream, UNTIL_CLOSE)
    this.#ending = true
    const middle = value.length >> 1
    sim.schedule.add(sim.nowMs + 1, () => this.#sendRaw(Buffer.from(value.slice(0, middle), 'latin1')))
    sim.schedule.add(sim.nowMs + 2, () => {
      this.#sendRaw(Buffer.from(value.slice(middle), 'latin1'))
      this.connection.end()
    })
  }

  #send(kind: number, text: string, stream: number, flags = END, length = -1): void {
    // Nothing can be told from a body that the end of the connection ends.
    if (this.#ending) return
    const { order } = this.#server.options
    if (order === 'streams' && text.length > FRAME_BYTES_MAX && kind !== NEWS)
      this.#sendSplit(kind, text, stream, flags)
    else this.#sendRaw(encode(kind, text, order === 'request-order' ? 0 : stream, flags, length))
  }

  /** In several frames, between which others may come. */
  #sendSplit(kind: number, text: string, stream: number, flags: number): void {
    const { random, schedule, nowMs } = this.#server.sim
    let atMs = nowMs
    for (let at = 0; at < text.length; at += FRAME_BYTES_MAX) {
      const piece = text.slice(at, at + FRAME_BYTES_MAX)
      const bytes = encode(at === 0 ? kind : DATA, piece, stream, at + piece.length === text.length ? flags : 0)
      atMs += random.chance(0.5) ? 0 : random.next()
      schedule.add(atMs, () => this.#sendRaw(bytes))
    }
  }

  #sendRaw(bytes: Buffer): void {
    if (this.#gone || bytes.length === 0) return
    if (!this.connection.write(this.#unwrapper === null ? bytes : wrap(bytes))) this.connection.pause()
  }
}
