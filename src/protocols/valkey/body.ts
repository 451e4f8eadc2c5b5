import type { Frame } from '../../core/frame.ts'
import { decodeReply } from './decode.ts'
import { decodeArguments } from './decode-request.ts'
import { REQUEST } from './resp.ts'
import type { Reply, Request } from './values.ts'

/** The decoded form of a frame. */
export type Body = Request | Reply

/** Decodes a request or a reply, once. The frame owns its bytes from then on, and so do the buffers in the body. */
export function body(frame: Frame): Body {
  if (frame.body === null) {
    frame.own()
    frame.body = frame.kind === REQUEST ? decodeArguments(frame) : decodeReply(frame)
  }
  return frame.body as Body
}

/** The arguments of a request; those that have arrived, where it is the head of a large one. */
export function argumentsOf(request: Frame): readonly Buffer[] {
  return (body(request) as Request).args
}

/** The value of a reply, or of a push. */
export function replyOf(response: Frame): Reply {
  return body(response) as Reply
}
