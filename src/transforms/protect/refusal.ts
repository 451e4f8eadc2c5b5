/** A request that can't be served without what is protected passing in the clear, or at all. The message is for the client. */
export class Refusal extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'Refusal'
  }
}

/** A value that came back can't be given to the client. The message is for the client, and tells of no value. */
export class UnreadableError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'UnreadableError'
  }
}

/** Something that is needed can't be had now: a key, the schema. The message is for the client. */
export class UnavailableError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'UnavailableError'
  }
}
