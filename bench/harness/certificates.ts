import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Authority } from '../../test/real/certificates.ts'
import type { Processes } from './processes.ts'

/** PEM files for a run: an authority, and a certificate for loopback that it vouches for. */
export interface Certificates {
  readonly authority: string
  readonly certificate: string
  readonly key: string
  /** Certificate and key in one file. */
  readonly both: string
  /** The authority's certificate itself. */
  readonly authorityPem: string
}

export function makeCertificates(processes: Processes): Certificates {
  const authority = Authority.make('Authority of the bench')
  const { certificate, key } = authority.issue()
  const file = (name: string, content: string): string => {
    const path = join(processes.dir, name)
    writeFileSync(path, content)
    return path
  }
  return {
    authority: file('authority.crt', authority.certificate),
    certificate: file('own.crt', certificate),
    key: file('own.key', key),
    both: file('own.pem', certificate + key),
    authorityPem: authority.certificate,
  }
}
