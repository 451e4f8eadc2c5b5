import { setTimeout as wait } from 'node:timers/promises'
import { RawClient } from './raw-client.ts'

/** Several clients, a step a line: `A PING` sends and reads one reply, `A< ` reads one more, `A! ` sends what blocks. */
export const SCENES: Record<string, string[]> = {
  'a blocked pop is served by a push': ['A! BLPOP q 0', 'B RPUSH q x y', 'A<', 'B LRANGE q 0 -1'],
  'the longest waiting client is served first': ['A! BLPOP q 0', 'B! BRPOP q 0', 'C RPUSH q 1 2', 'A<', 'B<'],
  'a client that waits for several keys gets the one that came': ['A! BLPOP a b c 0', 'B RPUSH b x', 'A<'],
  'a value of another type wakes nobody': ['A! BLPOP q 0', 'B SET q x', 'B DEL q', 'B RPUSH q y', 'A<'],
  'a transaction wakes who waits when it is over': [
    'A! BLPOP q 0',
    'B MULTI',
    'B RPUSH q x',
    'B DEL q',
    'B RPUSH q z',
    'B EXEC',
    'A<',
    'B EXISTS q',
  ],
  'a blocked move hands on to who waits for its target': [
    'A! BLPOP t 0',
    'B! BLMOVE s t LEFT LEFT 0',
    'C RPUSH s x',
    'B<',
    'A<',
  ],
  'a blocked move to a key of another type fails': [
    'A SET t x',
    'B! BLMOVE s t LEFT LEFT 0',
    'C RPUSH s x',
    'B<',
    'C LLEN s',
  ],
  'a sorted set serves who waits for it': [
    'A! BZPOPMIN z 0',
    'B ZADD z 5 m 3 n',
    'A<',
    'B! BZMPOP 0 1 y MAX COUNT 5',
    'A ZADD y 1 p 2 q',
    'B<',
  ],
  'a stream serves who waits for it': ['A! XREAD BLOCK 0 STREAMS s $', 'B XADD s 5-1 f v', 'A<'],
  'what was sent behind a blocking command runs after it': ['A! BLPOP q 0', 'A+ PING', 'B RPUSH q x', 'A<', 'A<'],
  'SWAPDB serves who waits': ['B SELECT 1', 'B RPUSH q x', 'A! BLPOP q 0', 'B SWAPDB 0 1', 'A<'],
  'RENAME serves who waits': ['B RPUSH other x', 'A! BLPOP q 0', 'B RENAME other q', 'A<'],
  'messages reach channel, pattern and shard listeners': [
    'A SUBSCRIBE c',
    'B PSUBSCRIBE c*',
    'C SSUBSCRIBE c',
    'D PUBLISH c hello',
    'A<',
    'B<',
    'D SPUBLISH c shard',
    'C<',
    'D PUBLISH cc x',
    'B<',
    'D PUBSUB NUMSUB c cc',
    'D PUBSUB SHARDNUMSUB c',
    'D PUBSUB NUMPAT',
  ],
  'RESP3 listeners get pushes and may go on': [
    'A HELLO 3',
    'A SUBSCRIBE c',
    'B PUBLISH c x',
    'A<',
    'A SET k v',
    'A PING',
  ],
  'a watched key that another client changes aborts': [
    'A SET k 1',
    'A WATCH k',
    'B SET k 2',
    'A MULTI',
    'A GET k',
    'A EXEC',
    'A MULTI',
    'A GET k',
    'A EXEC',
  ],
  'a watched key is not broken by a read, nor by another database': [
    'A SET k 1',
    'A WATCH k',
    'B GET k',
    'B SELECT 1',
    'B SET k 2',
    'A MULTI',
    'A GET k',
    'A EXEC',
  ],
  'FLUSHALL breaks a watch on a key that existed': ['A SET k 1', 'A WATCH k', 'B FLUSHALL', 'A MULTI', 'A EXEC'],
  'FLUSHALL does not break a watch on a missing key': ['A WATCH k', 'B FLUSHALL', 'A MULTI', 'A EXEC'],
  'a watched key is broken by EXPIRE and by RENAME onto it': [
    'A SET k 1',
    'A WATCH k',
    'B EXPIRE k 100',
    'A MULTI',
    'A EXEC',
    'A WATCH k',
    'B SET o 1',
    'B RENAME o k',
    'A MULTI',
    'A EXEC',
  ],
  'tracking tells of a change, once per read': [
    'A HELLO 3',
    'A CLIENT TRACKING ON',
    'A GET k',
    'B SET k 1',
    'A<',
    'B SET k 2',
    'A GET k',
    'B DEL k',
    'A<',
    'A PING',
  ],
  'tracking tells the writer itself, after its reply': [
    'A HELLO 3',
    'A CLIENT TRACKING ON',
    'A GET k',
    'A SET k 1',
    'A<',
    'A PING',
  ],
  'tracking with NOLOOP spares the writer': [
    'A HELLO 3',
    'A CLIENT TRACKING ON NOLOOP',
    'A GET k',
    'A SET k 1',
    'A PING',
  ],
  'broadcast tracking tells of a prefix': [
    'A HELLO 3',
    'A CLIENT TRACKING ON BCAST PREFIX a',
    'B SET b 1',
    'B SET ab 1',
    'A<',
    'A PING',
  ],
  'opt-in tracking wants to be told': [
    'A HELLO 3',
    'A CLIENT TRACKING ON OPTIN',
    'A GET x',
    'A CLIENT CACHING YES',
    'A GET k',
    'B SET x 1',
    'B SET k 1',
    'A<',
    'A PING',
  ],
}

/** A client of a scene, and how many of its replies were read. */
class Actor {
  readonly client: RawClient
  #read = 0

  constructor(client: RawClient) {
    this.client = client
  }

  /** The next reply, without what differs from connection to connection. */
  async next(): Promise<string> {
    return mask(await this.client.shown(this.#read++))
  }
}

/** Plays the steps; returns what each client was told, to the last reply. */
export async function playScene(port: number, steps: readonly string[]): Promise<string[]> {
  const actors = new Map<string, Actor>()
  const control = await RawClient.open(port)
  await control.ask('FLUSHALL')
  let blocked = 0
  const transcript: string[] = []
  for (const step of steps) {
    const [name, how] = [step[0]!, step[1]]
    const actor = actors.get(name) ?? new Actor(await RawClient.open(port))
    actors.set(name, actor)
    if (how !== '<') actor.client.send(...step.slice(2).trim().split(' '))
    if (how === '!') await untilBlocked(control, ++blocked)
    else if (how === '<' || how === ' ') transcript.push(`${step}: ${await actor.next()}`)
    if (how === '<' && blocked > 0) blocked--
  }
  for (const [name, actor] of actors) transcript.push(`${name} at the end: ${await lastWords(actor)}`)
  for (const { client } of [...actors.values(), { client: control }]) client.destroy()
  return transcript
}

/** All that was not read. */
async function lastWords(actor: Actor): Promise<string> {
  actor.client.send('QUIT')
  const words: string[] = []
  for (let word = await actor.next(); word !== 'closed'; word = await actor.next()) words.push(word)
  return words.join(' ')
}

/** HELLO tells of versions and ids, a monitor of times and addresses. */
function mask(reply: string): string {
  if (reply.includes('"server"')) return reply[0]!
  return reply.replace(/^\+"\d+\.\d+ \[(\d+) [^\]]*\]/, '+"<time> [$1 <address>]')
}

async function untilBlocked(control: RawClient, count: number): Promise<void> {
  for (let tries = 0; tries < 1000; tries++) {
    const before = control.replies.length
    control.send('INFO', 'clients')
    await control.until(before + 1)
    if (Number(/blocked_clients:(\d+)/.exec(control.replies[before]!.reply.text ?? '')?.[1]) >= count) return
    await wait(2)
  }
  throw new Error(`no ${count} clients blocked`)
}
