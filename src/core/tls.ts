import type { z } from 'zod'
import type { Connector, TlsFiles } from '../world/world.ts'
import type { Env, Zod } from './kind.ts'

const path = (z: Zod, text: string) => z.string().min(1).describe(`${text} A PEM file.`)

/** `tls:` of a source. */
export const sourceTls = (z: Zod) =>
  z
    .strictObject({
      certificate_path: path(z, 'The certificate that clients see, followed by those between it and its authority.'),
      private_key_path: path(z, 'Its private key: PKCS#8, PKCS#1 or SEC1, not encrypted.'),
      certificate_authority_path: path(z, 'Clients must have a certificate that one of these vouches for.').optional(),
    })
    .describe('Clients speak TLS. Absent: in the clear.')

const sinkSchemas = new WeakSet<object>()

/** `tls:` of a sink. A kind has `sinkTls(z).optional()` among its options, in whatever place: its files are checked and watched there. */
export function sinkTls(z: Zod) {
  const schema = z
    .strictObject({
      certificate_authority_path: path(z, "One of these must vouch for the server's certificate."),
      verify_hostname: z
        .boolean()
        .describe("Whether the server's certificate must be for the host that is connected to."),
      certificate_path: path(z, 'The certificate to show to the server, for where it asks for one.').optional(),
      private_key_path: path(z, 'Its private key: PKCS#8, PKCS#1 or SEC1, not encrypted.').optional(),
    })
    .describe('Servers speak TLS. Absent: in the clear.')
  sinkSchemas.add(schema)
  return schema
}

/** Did `sinkTls` make this schema? */
export function isSinkTls(schema: object): boolean {
  return sinkSchemas.has(schema)
}

export type SourceTls = z.infer<ReturnType<typeof sourceTls>>
export type SinkTls = z.infer<ReturnType<typeof sinkTls>>

/** The files that a `tls:` names. */
export function tlsFiles(tls: SourceTls | SinkTls): TlsFiles {
  return {
    certificate: tls.certificate_path ?? null,
    privateKey: tls.private_key_path ?? null,
    authority: tls.certificate_authority_path ?? null,
  }
}

/** What a sink with this `tls:` opens its connections with. Throws where its files can't be used. */
export function connectorOf(tls: SinkTls | undefined, { world, limits }: Env): Connector {
  if (tls === undefined) return world.net
  if (world.secure === undefined) throw new Error('there is no TLS in this world')
  return world.secure({
    files: tlsFiles(tls),
    verifyHostname: tls.verify_hostname,
    handshakeTimeoutMs: limits.tlsHandshakeTimeoutMs,
  })
}
