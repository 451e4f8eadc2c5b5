import { SimRandom } from './random.ts'

/** How the simulated world behaves. Chances are probabilities in [0, 1]. */
export interface SimOptions {
  readonly seed: number
  /** Highest one-way base latency of a link; each link draws its own. */
  readonly latencyMs: number
  /** Chance per delivery that it is torn somewhere. */
  readonly tearChance: number
  /** Chance per delivery that both ends get ECONNRESET instead. */
  readonly resetChance: number
  /** Chance per delivery that the direction stops, for up to `clogMs`. */
  readonly clogChance: number
  readonly clogMs: number
  /** Chance that a connect is refused although somebody listens. */
  readonly refuseChance: number
  /** Bytes that the kernels hold per direction, drawn per link between the two. */
  readonly bufferBytesMin: number
  readonly bufferBytesMax: number
  /** Most I/O events in one turn. */
  readonly turnEvents: number
  /** Longest time that a turn takes: what arrives meanwhile is seen together. */
  readonly turnMs: number
  /** Most that a timer is late. */
  readonly timerLateMs: number
  /** Keep a line per event in `SimWorld.trace.lines`. */
  readonly trace: boolean
}

/** A calm world: some latency, torn reads, no faults. */
export const CALM: SimOptions = {
  seed: 1,
  latencyMs: 1,
  tearChance: 0.2,
  resetChance: 0,
  clogChance: 0,
  clogMs: 0,
  refuseChance: 0,
  bufferBytesMin: 64 * 1024,
  bufferBytesMax: 256 * 1024,
  turnEvents: 16,
  turnMs: 0.2,
  timerLateMs: 1,
  trace: false,
}

/** Draws a world from the seed: each kind of trouble is off half of the time, otherwise weighted wildly (swarm testing). */
export function swarm(seed: number, trace = false): SimOptions {
  // Not the world's own random, which starts from the same seed: its first draws must not repeat these.
  const random = new SimRandom(seed ^ 0x5eed5eed)
  const wild = (most: number): number => (random.chance(0.5) ? 0 : most * random.next() ** 3)
  const bufferBytesMin = random.pick([512, 4 * 1024, 64 * 1024])
  return {
    seed,
    latencyMs: random.pick([0.05, 1, 5, 40]),
    tearChance: random.pick([0, 0.1, 0.5, 1]),
    resetChance: wild(0.02),
    clogChance: wild(0.1),
    clogMs: random.pick([5, 50, 500]),
    refuseChance: wild(0.3),
    bufferBytesMin,
    bufferBytesMax: bufferBytesMin * random.pick([1, 2, 4]),
    turnEvents: random.pick([1, 4, 16, 64]),
    turnMs: random.pick([0, 0.1, 2]),
    timerLateMs: random.pick([0, 1, 20]),
    trace,
  }
}
