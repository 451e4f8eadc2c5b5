import type { Exchange } from './exchange.ts'
import type { Frame } from './frame.ts'

/** What a frame from a server is to the exchanges in flight. */
export const MATCH_PUSH = 0
/** Whole reply, or the head of one whose further frames follow with MATCH_PART. */
export const MATCH_REPLY = 1
/** A further frame of a reply whose head was matched before. */
export const MATCH_PART = 2
/** The reply of an exchange that was abandoned, or bytes that belong to nobody: drop it. */
export const MATCH_DROP = 3

/** The connection carries nothing of its client. */
export const WIRE_CLEAN = 0
/** The connection carries a client's state: a transaction, a subscription. */
export const WIRE_DIRTY = 1
/** Bytes only from here: MONITOR, CONNECT, a replication stream. */
export const WIRE_OPAQUE = 2

/** The peer broke the protocol. `reply` is what a server of the protocol would send before it closes, where it sends anything. */
export class ProtocolError extends Error {
  readonly reply: Frame | null
  /** It happens in the normal course, as when a client tries a newer version first: worth a word in the log, and no warning. */
  readonly isRoutine: boolean
  constructor(message: string, reply: Frame | null = null, isRoutine = false) {
    super(message)
    this.name = 'ProtocolError'
    this.reply = reply
    this.isRoutine = isRoutine
  }
}

/** Outer frames, each of which carries messages side by side: see `Wire.enclosure`. */
export interface Enclosure {
  /** Outer frames that carry `bytes[start, end)`, whole messages one behind the other, in bytes that are nobody else's. */
  enclose(bytes: Buffer, start: number, end: number): Buffer
}

/** One per socket: cuts bytes into frames. It sees both directions, so the core never guesses what a frame answers. */
export interface Wire {
  /**
   * More bytes, lent: `bytes[start, end)` may be overwritten once `keep` was called. Only when `next` gave null, or after
   * `keep`, may more be pushed; what was not consumed before stays first in line.
   */
  push(bytes: Buffer, start: number, end: number): void
  /**
   * The next frame, or null when more bytes are needed. Frames are borrowed when they lie in lent bytes. A message larger
   * than the cut-through bound comes as a head and parts. Throws ProtocolError; the wire is of no use after that.
   */
  next(): Frame | null
  /** Copies whatever was pushed and not consumed, since its owner is about to overwrite it. */
  keep(): void
  /** Bytes pushed and not consumed. */
  readonly pending: number
  /**
   * Where the bytes that leave are not those that came: called for every frame, in the order in which they leave, right before it
   * is written; what it returns is written instead. Server side: requests and their parts, before `sent`. Client side: replies, their
   * parts, interim replies, and pushes, which have no exchange. Here ids are mapped and frames wrapped, and a wire that both sides
   * switch learns when. A borrowed frame may be changed where it lies, any other only in a copy.
   */
  leave?(frame: Frame, exchange: Exchange | null): Frame
  /**
   * Where messages travel in outer frames: what encloses those that leave in one write, each as `leave` gave it. Null: nothing does, as
   * yet. What `leave` itself changes here holds from the next frame on. Heads of large messages and their parts are `leave`'s to enclose.
   */
  readonly enclosure?: Enclosure | null
  /** The peer ended its stream. A frame that its end completes, else null. Throws ProtocolError where a frame was torn. */
  eof(): Frame | null
  /** WIRE_CLEAN, WIRE_DIRTY or WIRE_OPAQUE. Client side: WIRE_OPAQUE while only the end of the connection ends what is leaving. */
  state(): number
}

/** The wire of a connection to a client. */
export interface ClientSideWire extends Wire {
  /** The exchange's request was read. In the order of the bytes. Absent: it need not know. */
  read?(exchange: Exchange): void
  /** What left last ends the stream (a body that the end of the connection ends): the session ends with it. */
  readonly ended?: boolean
  /**
   * An exchange that the client gave up by a message of its own, which `next` passed over, or null. Asked until null whenever `next` has
   * been.
   */
  cancelled?(): Exchange | null
  /**
   * What comes next may be what those in flight wait for (the end of a group of requests, word that one is given up), so that it is read
   * though as many are in flight as may be. The wire then bounds how many.
   */
  readonly readsOn?: boolean
  /** Version of the protocol that the client has begun with, as metrics name it; null: it has not yet. */
  readonly version?: string | null
}

/** The wire of a connection to a server: matches what comes with the exchanges in flight. */
export interface ServerSideWire extends Wire {
  /** The exchange's request is being written. In the order of the bytes. */
  sent(exchange: Exchange): void
  /** Which exchange does the frame answer? The verdict stands in `matched`. An interim reply is a part. */
  match(frame: Frame): Exchange | null
  /** MATCH_PUSH ... MATCH_DROP: what the last `match` found. */
  readonly matched: number
  /**
   * An exchange that was sent and never gets a reply frame of its own (CLIENT REPLY OFF, acks=0), or null. Asked after `sent`, and after
   * `match` until null.
   */
  silent(): Exchange | null
  /** Exchanges that still expect a frame. */
  readonly inFlight: number
  /**
   * Where the protocol has it: what tells the server that the exchange, whose request it may not have got whole, is given up
   * (RST_STREAM), or null. `abandon` follows.
   */
  cancel?(exchange: Exchange): Frame | null
  /**
   * Where replies come in any order: a request of the proxy's own that a server answers at once, however long it works at others, on a
   * connection that has its attributes.
   */
  readonly probe?: (() => Frame) | undefined
  /** Nobody waits for the exchange any more; its slot stays, as a tombstone, until its reply came. */
  abandon(exchange: Exchange): void
  /** The exchanges in flight that somebody waits for, in the order in which they were sent. They stay. */
  waiting(): Exchange[]
  /**
   * Takes out all exchanges in flight that expect a frame and that somebody waits for; those that expect none come out of `silent`
   * afterwards, in the order in which they were sent. Called when the connection died.
   */
  takeAll(): Exchange[]
  /** How many exchanges may be in flight at once; what is more waits. Absent: any number. */
  readonly depth?: number
}

export type FailureKind = 'rejected' | 'overloaded' | 'unavailable' | 'timeout' | 'internal'

/** Read, Write ...: the words of QueryTypeFilter's lists. */
export type QueryType = 'Read' | 'Write' | 'ReadWrite' | 'SchemaChange' | 'PubSubMessage'

/**
 * For protocols whose requests are one query each, and one that `Frame.code` tells: transforms can look things up in tables by
 * code, made once, instead of asking the facet about every frame.
 */
export interface QueryCodes {
  /** Codes are 0 ... `count` - 1. */
  readonly count: number
  /** Name of the query. Codes may share one. */
  name(code: number): string
  type(code: number): QueryType
}

/** What generic transforms may ask about a request without decoding it themselves. */
export interface QueryFacet {
  readonly codes?: QueryCodes
  /** Name of the frame's query, `GET`; of the first one, where it has several. Names are bounded in number and length. */
  name(frame: Frame): string
  /** Appends the name of each query of the frame to `into`; returns how many. */
  names(frame: Frame, into: string[]): number
  /** Word for the `type` label of a query metric. */
  readonly metricType: string
  type(frame: Frame): QueryType
  /**
   * Keys that the request touches, as strings of bytes (latin1). Of the head of a large request those that have come: who must see all of
   * them says that he wants requests whole.
   */
  keys(frame: Frame): string[]
  /**
   * Each key of the request, a string of bytes (latin1), becomes what `rename` makes of it; all else stays as it is. Throws RangeError, and
   * has changed nothing, for the head of a large request where further keys may stand in what has not come. Absent where keys can't be
   * renamed.
   */
  renameKeys?(frame: Frame, rename: (key: string) => string): void
  /** How much of a rate limit the request uses up. */
  cost(frame: Frame): number
  /** May the request be executed twice without a difference? */
  idempotent(frame: Frame): boolean
  /** 1: from here to the request with -1 all stand or fall together (a transaction), so that none may be left out. 0: neither. */
  group?(frame: Frame): number
  /** Name of the user whose session it is once `reply` came to `request`; '' for who has not said who they are. Null: it stays. */
  login?(request: Frame, reply: Frame): string | null
}

export interface WireOptions {
  /** Frames larger than this come in parts. Infinity: never. */
  readonly cutThroughBytes: number
}

/** A protocol as the core sees it. `Body` is the decoded form of a frame. */
export interface Protocol<Body = unknown> {
  readonly name: string
  readonly orderToClient: 'request-order' | 'any'
  /** Versions that clients may begin with, as metrics name them; absent: there are none to tell apart. */
  readonly versions?: readonly string[]
  /**
   * Frames of several messages may alternate on one connection, both ways: each further frame of a message has its `stream`, and is
   * whole in itself (HTTP/2). Replies then come in any order.
   */
  readonly interleaves?: boolean
  clientWire(options: WireOptions): ClientSideWire
  serverWire(options: WireOptions): ServerSideWire
  /** Decodes on first use and keeps the result in `frame.body`. */
  body(frame: Frame): Body
  encode(body: Body, stream: number): Frame
  /** Replaces the value at `path` of the body by new bytes, in place; lengths and checksums are mended. */
  splice(frame: Frame, path: number, bytes: Buffer): void
  retag(frame: Frame, stream: number): void
  /** An error reply to `request`, or null where the protocol has none: then the session is closed. */
  failure(request: Frame, kind: FailureKind, message: string): Frame | null
  /** Does the reply say that its request failed? */
  isError(reply: Frame): boolean
  /** A reply that carries `text`, where the protocol has one that fits any request. */
  textReply?(request: Frame, text: string): Frame
  /** A request as one types it at a prompt. Throws where the line is none. Absent: requests of the protocol can't be typed. */
  typedRequest?(line: string): Frame
  /** One line for DebugPrinter and logs: the decoded form. */
  describe(frame: Frame): string
  readonly queries?: QueryFacet
}
