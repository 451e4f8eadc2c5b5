import type { Registry } from './metrics.ts'

/** From now on snapshots have the memory that objects of this thread take. */
export function collectThreadMemory(registry: Registry, thread: string): void {
  registry.collect((add) => {
    const { heapUsed, external } = process.memoryUsage()
    add('shotover_heap_used_bytes', { thread }, heapUsed)
    add('shotover_external_bytes', { thread }, external)
  })
}

/** From now on snapshots have the memory of the process: one thread of it says so. */
export function collectProcessMemory(registry: Registry): void {
  registry.collect((add) => add('shotover_process_resident_bytes', {}, process.memoryUsage.rss()))
}
