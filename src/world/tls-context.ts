import { constants, createHash, hkdfSync } from 'node:crypto'
import { createSecureContext, type SecureContext } from 'node:tls'
import type { TlsMaterial } from './tls-files.ts'

/** Suites with forward secrecy and authenticated encryption, the ones that Shotover has. Of those of one kind the cheaper comes first. */
const CIPHERS = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':')

const TICKET_KEYS_BYTES = 48
/** How long a client may come back without a full handshake. */
const TICKET_SECONDS = 3600
/** Keys of tickets are used for so long: who gets hold of one can read no more than that. */
const TICKET_KEYS_MS = 24 * 3600 * 1000

const COMMON = {
  minVersion: 'TLSv1.2',
  maxVersion: 'TLSv1.3',
  ciphers: CIPHERS,
  // Ours counts, not that of the client.
  honorCipherOrder: true,
  // Whatever the file of authorities names is trusted, also where it is itself vouched for by something else.
  allowPartialTrustChain: true,
  secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
} as const

function ownMaterial({ certificate, privateKey, authority }: TlsMaterial) {
  return {
    ...(certificate === null ? {} : { cert: certificate }),
    ...(privateKey === null ? {} : { key: privateKey }),
    // Never the authorities of the system.
    ca: authority ?? [],
  }
}

/** What clients connect with. */
export function clientContext(material: TlsMaterial): SecureContext {
  return createSecureContext({ ...COMMON, ...ownMaterial(material) })
}

/**
 * What a server accepts with. Servers with the same material and secret take each other's tickets, in whatever thread they are;
 * with other authorities, or another certificate, a client's ticket is worth nothing.
 */
export function serverContext(material: TlsMaterial, secret: Uint8Array, period: number): SecureContext {
  const hash = createHash('sha256').update(JSON.stringify(material)).digest()
  const ticketKeys = hkdfSync('sha256', secret, hash, `session tickets ${period}`, TICKET_KEYS_BYTES)
  return createSecureContext({
    ...COMMON,
    ...ownMaterial(material),
    sessionIdContext: hash.toString('hex').slice(0, 32),
    sessionTimeout: TICKET_SECONDS,
    ticketKeys: Buffer.from(ticketKeys),
  })
}

/** Number of the period in which tickets have the same keys. */
export function ticketPeriod(): number {
  return Math.floor(Date.now() / TICKET_KEYS_MS)
}
