const NEEDED = 26

const major = Number(process.versions.node.split('.')[0])
if (major < NEEDED) {
  process.stderr.write(`shotover needs Node ${NEEDED} or newer; this is Node ${process.versions.node}\n`)
  process.exit(1)
}
const { runCommandLine } = await import('./cli/command-line.ts')
// Whatever is still open (listeners, timers) does not keep a process whose work is done.
process.exit(await runCommandLine(process.argv.slice(2)))
