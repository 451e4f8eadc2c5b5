/** Runs each, and says on standard output how it went, as `runCases` reads it. */
export async function tellCases(cases: Readonly<Record<string, () => Promise<void>>>): Promise<void> {
  for (const [name, run] of Object.entries(cases)) {
    try {
      await run()
      console.log(`ok ${name}`)
    } catch (error) {
      console.log(`failed ${name}: ${String((error as Error).message).replaceAll('\n', ' | ')}`)
    }
  }
}
