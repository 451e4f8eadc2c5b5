import type { Frame } from '../../core/frame.ts'
import type { Protocol, Wire, WireOptions } from '../../core/protocol.ts'
import { encodeRequest } from './encode.ts'
import { failure } from './failure.ts'
import { ClientWire } from './wire-client.ts'
import { ServerWire } from './wire-server.ts'

export const valkey: Protocol<{ args: Buffer[] }> = {
  name: 'valkey',
  orderToClient: 'request-order',
  wire(side: 'client' | 'server', options: WireOptions): Wire {
    return side === 'client' ? new ClientWire(options.cutThroughBytes) : new ServerWire(options.cutThroughBytes)
  },
  body(frame: Frame) {
    return frame.body as { args: Buffer[] }
  },
  encode(body, _stream) {
    return encodeRequest(body.args)
  },
  splice() {},
  retag() {},
  failure,
  describe() {
    return ''
  },
}
