import { basename } from 'node:path'
import type { CheckedTopology, CheckedTransform } from '../config/checked.ts'
import { ConfigError } from '../config/diagnostics.ts'
import type { Versions } from '../config/user-kinds.ts'
import { filesOf } from '../config/user-modules.ts'
import type { Counter, Log, Metrics } from '../core/kind.ts'
import { FileWatch } from './file-watch.ts'

export interface ReloadOptions {
  readonly topology: CheckedTopology
  readonly log: Log
  readonly metrics: Metrics
  /** Reads and checks the topology with these versions of users' modules. Throws ConfigError. */
  check(versions: Versions): Promise<CheckedTopology>
  /** Gives all threads the stages that the topology has otherwise, or none of them. Rejects with the reason. */
  swap(topology: CheckedTopology): Promise<void>
  /** Takes the last swap back: the topology before it. */
  revert(topology: CheckedTopology): void
}

/** A topology, and the versions that it was made of. */
interface Edition {
  readonly topology: CheckedTopology
  readonly versions: Versions
}

/** Gives sessions the new version of a transform of a user's own when its file is saved; one that is no good leaves all as it was. */
export class Reload {
  readonly #options: ReloadOptions
  readonly #watch: FileWatch
  readonly #modules: readonly string[]
  readonly #succeeded: Counter
  readonly #failed: Counter
  readonly #reverted: Counter
  #now: Edition
  /** What the last swap came in the place of. */
  #before: Edition
  /** Highest version of any module so far. */
  #version = 0
  /** Files that changed and have not been looked at. */
  readonly #changed = new Set<string>()
  #busy = false

  constructor(options: ReloadOptions) {
    this.#options = options
    this.#now = this.#before = { topology: options.topology, versions: new Map() }
    const counter = (outcome: string) => options.metrics.counter('shotover_transform_reloads_count', { outcome })
    this.#succeeded = counter('succeeded')
    this.#failed = counter('failed')
    this.#reverted = counter('reverted')
    this.#modules = modulesOf(options.topology)
    this.#watch = new FileWatch((files) => this.#noticed(files))
  }

  /** Resolves when every file that makes up a user's transform is watched. */
  async start(): Promise<void> {
    await this.#watch.add(this.#modules.flatMap(filesOf))
  }

  close(): void {
    this.#watch.close()
  }

  /** The version that was swapped in last threw so often that the one before does its work on one thread. */
  givenUp(error: string): void {
    if (this.#now === this.#before) return
    const names = this.#modules.filter((module) => this.#now.versions.get(module) !== this.#before.versions.get(module))
    this.#now = this.#before
    this.#reverted.add(1)
    this.#options.log.warn(`${namesOf(names)} threw too often: the version before serves again`, { error })
    this.#options.revert(this.#now.topology)
  }

  #noticed(files: readonly string[]): void {
    for (const file of files) this.#changed.add(file)
    if (!this.#busy) void this.#work()
  }

  async #work(): Promise<void> {
    this.#busy = true
    while (this.#changed.size > 0) {
      const files = [...this.#changed]
      this.#changed.clear()
      const modules = this.#modules.filter((module) => filesOf(module).some((file) => files.includes(file)))
      if (modules.length > 0) await this.#reload(modules)
    }
    this.#busy = false
  }

  async #reload(modules: readonly string[]): Promise<void> {
    const { log, check, swap } = this.#options
    const before = this.#now
    const versions = new Map(before.versions)
    this.#version++
    for (const module of modules) versions.set(module, this.#version)
    try {
      const topology = await check(versions)
      await swap(topology)
      this.#before = before
      this.#now = { topology, versions }
      this.#succeeded.add(1)
      log.info(`${namesOf(modules)} was saved: sessions get the new version`)
    } catch (error) {
      this.#failed.add(1)
      const reason = error instanceof ConfigError ? error.describe() : (error as Error).message
      log.warn(`${namesOf(modules)} was saved and can't be used: the version before goes on serving`, { error: reason })
    }
    // It may consist of other files now.
    await this.#watch.add(modules.flatMap(filesOf))
  }
}

/** Files of users' transforms that a topology names. */
export function modulesOf({ sources }: CheckedTopology): string[] {
  return [...new Set(sources.flatMap(({ chain }) => modulesIn(chain)))]
}

function modulesIn(chain: readonly CheckedTransform[]): string[] {
  return chain.flatMap(({ module, chains }) => [
    ...(module === undefined ? [] : [module]),
    ...Object.values(chains ?? {}).flatMap((within) => modulesIn(within.chain)),
  ])
}

const namesOf = (modules: readonly string[]) => modules.map((module) => basename(module)).join(', ')
