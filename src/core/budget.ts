/** Bytes that sessions of one thread may hold for clients that do not take them, and how many they hold. */
export class Budget {
  used = 0
  readonly max: number

  constructor(max: number) {
    this.max = max
  }

  get exceeded(): boolean {
    return this.used > this.max
  }
}
