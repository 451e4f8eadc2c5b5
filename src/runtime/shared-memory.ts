/** Memory that threads share, by key and size. Whoever asks again, in the place of a thread that died too, finds what stood in it. */
export class SharedMemory {
  readonly #byKey = new Map<string, SharedArrayBuffer>()

  get(key: string, bytes: number): SharedArrayBuffer {
    const place = `${bytes} ${key}`
    let memory = this.#byKey.get(place)
    if (memory === undefined) this.#byKey.set(place, (memory = new SharedArrayBuffer(bytes)))
    return memory
  }
}
