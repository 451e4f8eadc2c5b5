import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Certificates } from '../harness/certificates.ts'
import { program, versionLine } from '../harness/packages.ts'
import type { ProgramName } from '../harness/packages.ts'
import { drawPort } from '../harness/ports.ts'
import { placeOf, secured, untilReady } from './target.ts'
import type { Ends, Target } from './target.ts'

/** Where a peer listens and what it forwards to. */
export interface Route {
  readonly port: number
  readonly backendPort: number
  /** Absent: it listens in the clear. */
  readonly certificates: Certificates | undefined
  /** The server is spoken to in TLS. */
  readonly toServer: boolean
}

/** Another proxy: a program that takes a file. */
export interface Peer {
  readonly name: string
  readonly label: string
  readonly program: ProgramName
  /** Ending of its file's name, where it goes by that. */
  readonly ending: string
  /** Null: in the clear. */
  readonly ends: Ends | null
  config(route: Route): string
  /** `sparePort`: one that is free, for what is asked of the peer itself. */
  args(file: string, sparePort: number): string[]
  readonly versionArgument: string
  /** Its first group is the version. */
  readonly versionPattern: RegExp
  readonly versionName: string
}

export function peer(of: Peer): Target {
  const { name, label } = of
  return {
    name,
    label,
    ours: false,
    async start(around) {
      const { processes, log } = around
      const { certificates, backendPort, toServer } = secured(around, of.ends)
      const found = await program(of.program, log)
      const port = await drawPort()
      const file = join(processes.dir, `${name}.${of.ending}`)
      writeFileSync(file, of.config({ port, backendPort, certificates, toServer }))
      const running = processes.start(name, found.path, of.args(file, await drawPort()), { env: found.env })
      await untilReady(running, placeOf({ port, certificates }), around.answers)
      const version = of.versionPattern.exec(await versionLine(found, [of.versionArgument]))?.[1] ?? 'unknown'
      return { running, port, certificates, version: `${of.versionName} ${version}` }
    },
  }
}
