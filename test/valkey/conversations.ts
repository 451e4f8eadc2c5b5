/** One step: requests typed as one would, or one of another client's, what the server then sends, and what the wire says of it. */
export interface Step {
  readonly sent?: readonly string[]
  readonly other?: string
  readonly received: string
  readonly told: string
}

/**
 * Conversations with Redis 7.0, recorded. The reply of HELLO 3 is shortened, and time and address in MONITOR's lines are made up.
 * `test/real` holds them against a running server.
 */
export const CONVERSATIONS: Record<string, readonly Step[]> = {
  'requests and replies': [
    {
      sent: ['PING', 'SET k v', 'GET k', 'GET nokey', 'LRANGE nolist 0 -1'],
      received: '+PONG\r\n+OK\r\n$1\r\nv\r\n$-1\r\n*0\r\n',
      told: 'reply 1, reply 2, reply 3, reply 4, reply 5, clean',
    },
    {
      sent: ['INCR k', 'ECHO x'],
      received: '-ERR value is not an integer or out of range\r\n$1\r\nx\r\n',
      told: 'reply 6, reply 7, clean',
    },
  ],
  'channels are confirmed one by one': [
    {
      sent: ['SUBSCRIBE a b', 'PING'],
      received:
        '*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n*3\r\n$9\r\nsubscribe\r\n$1\r\nb\r\n:2\r\n*2\r\n$4\r\npong\r\n$0\r\n\r\n',
      told: 'reply 1 .., part 1, reply 2, dirty',
    },
    { other: 'PUBLISH a hello', received: '*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$5\r\nhello\r\n', told: 'push, dirty' },
    {
      sent: ['SUBSCRIBE a', 'UNSUBSCRIBE', 'UNSUBSCRIBE', 'GET k'],
      received:
        '*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:2\r\n*3\r\n$11\r\nunsubscribe\r\n$1\r\na\r\n:1\r\n*3\r\n$11\r\nunsubscribe\r\n$1\r\nb\r\n:0\r\n*3\r\n$11\r\nunsubscribe\r\n$-1\r\n:0\r\n$-1\r\n',
      told: 'reply 3, reply 4 .., part 4, reply 5, reply 6, clean',
    },
  ],
  'channels, patterns and shard channels are counted apart': [
    {
      sent: ['PSUBSCRIBE p* q*', 'SUBSCRIBE a', 'SSUBSCRIBE s'],
      received:
        '*3\r\n$10\r\npsubscribe\r\n$2\r\np*\r\n:1\r\n*3\r\n$10\r\npsubscribe\r\n$2\r\nq*\r\n:2\r\n*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:3\r\n*3\r\n$10\r\nssubscribe\r\n$1\r\ns\r\n:1\r\n',
      told: 'reply 1 .., part 1, reply 2, reply 3, dirty',
    },
    {
      sent: ['UNSUBSCRIBE', 'PING'],
      received: '*3\r\n$11\r\nunsubscribe\r\n$1\r\na\r\n:2\r\n*2\r\n$4\r\npong\r\n$0\r\n\r\n',
      told: 'reply 4, reply 5, dirty',
    },
    {
      other: 'PUBLISH q1 x',
      received: '*4\r\n$8\r\npmessage\r\n$2\r\nq*\r\n$2\r\nq1\r\n$1\r\nx\r\n',
      told: 'push, dirty',
    },
    { other: 'SPUBLISH s x', received: '*3\r\n$8\r\nsmessage\r\n$1\r\ns\r\n$1\r\nx\r\n', told: 'push, dirty' },
    { sent: ['SUNSUBSCRIBE'], received: '*3\r\n$12\r\nsunsubscribe\r\n$1\r\ns\r\n:0\r\n', told: 'reply 6, dirty' },
    {
      sent: ['PUNSUBSCRIBE', 'GET k'],
      received: '*3\r\n$12\r\npunsubscribe\r\n$2\r\np*\r\n:1\r\n*3\r\n$12\r\npunsubscribe\r\n$2\r\nq*\r\n:0\r\n$-1\r\n',
      told: 'reply 7 .., part 7, reply 8, clean',
    },
  ],
  'unsubscribing by name, known or not': [
    {
      sent: ['SUBSCRIBE a b', 'UNSUBSCRIBE c a', 'PUNSUBSCRIBE x y'],
      received:
        '*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n*3\r\n$9\r\nsubscribe\r\n$1\r\nb\r\n:2\r\n*3\r\n$11\r\nunsubscribe\r\n$1\r\nc\r\n:2\r\n*3\r\n$11\r\nunsubscribe\r\n$1\r\na\r\n:1\r\n*3\r\n$12\r\npunsubscribe\r\n$1\r\nx\r\n:1\r\n*3\r\n$12\r\npunsubscribe\r\n$1\r\ny\r\n:1\r\n',
      told: 'reply 1 .., part 1, reply 2 .., part 2, reply 3 .., part 3, dirty',
    },
    { sent: ['UNSUBSCRIBE b'], received: '*3\r\n$11\r\nunsubscribe\r\n$1\r\nb\r\n:0\r\n', told: 'reply 4, clean' },
    {
      sent: ['SUNSUBSCRIBE u v', 'ECHO x'],
      received:
        '*3\r\n$12\r\nsunsubscribe\r\n$1\r\nu\r\n:0\r\n*3\r\n$12\r\nsunsubscribe\r\n$1\r\nv\r\n:0\r\n$1\r\nx\r\n',
      told: 'reply 5 .., part 5, reply 6, clean',
    },
  ],
  'a subscription that is refused': [
    {
      sent: ['SUBSCRIBE', 'PING', 'SSUBSCRIBE', 'GET k'],
      received:
        "-ERR wrong number of arguments for 'subscribe' command\r\n+PONG\r\n-ERR wrong number of arguments for 'ssubscribe' command\r\n$-1\r\n",
      told: 'reply 1, reply 2, reply 3, reply 4, clean',
    },
  ],
  'a subscriber over RESP3': [
    { sent: ['HELLO 3'], received: '%1\r\n$5\r\nproto\r\n:3\r\n', told: 'reply 1, clean' },
    {
      sent: ['SUBSCRIBE a b', 'PING', 'GET nokey'],
      received: '>3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n>3\r\n$9\r\nsubscribe\r\n$1\r\nb\r\n:2\r\n+PONG\r\n_\r\n',
      told: 'reply 2 .., part 2, reply 3, reply 4, dirty',
    },
    { other: 'PUBLISH b x', received: '>3\r\n$7\r\nmessage\r\n$1\r\nb\r\n$1\r\nx\r\n', told: 'push, dirty' },
    {
      sent: ['UNSUBSCRIBE', 'UNSUBSCRIBE a b', 'GET nokey'],
      received:
        '>3\r\n$11\r\nunsubscribe\r\n$1\r\na\r\n:1\r\n>3\r\n$11\r\nunsubscribe\r\n$1\r\nb\r\n:0\r\n>3\r\n$11\r\nunsubscribe\r\n$1\r\na\r\n:0\r\n>3\r\n$11\r\nunsubscribe\r\n$1\r\nb\r\n:0\r\n_\r\n',
      told: 'reply 5 .., part 5, reply 6 .., part 6, reply 7, clean',
    },
  ],
  'a transaction': [
    { sent: ['MULTI', 'SET k v'], received: '+OK\r\n+QUEUED\r\n', told: 'reply 1, reply 2, dirty' },
    {
      sent: ['GET k', 'EXEC', 'PING'],
      received: '+QUEUED\r\n*2\r\n+OK\r\n$1\r\nv\r\n+PONG\r\n',
      told: 'reply 3, reply 4, reply 5, clean',
    },
  ],
  'a transaction discarded': [
    {
      sent: ['WATCH k', 'MULTI', 'GET k'],
      received: '+OK\r\n+OK\r\n+QUEUED\r\n',
      told: 'reply 1, reply 2, reply 3, dirty',
    },
    { sent: ['DISCARD', 'PING'], received: '+OK\r\n+PONG\r\n', told: 'reply 4, reply 5, clean' },
  ],
  'a transaction that fails': [
    {
      sent: ['MULTI', 'NOSUCH', 'EXEC'],
      received:
        "+OK\r\n-ERR unknown command 'NOSUCH', with args beginning with: \r\n-EXECABORT Transaction discarded because of previous errors.\r\n",
      told: 'reply 1, reply 2, reply 3, clean',
    },
    {
      sent: ['MULTI', 'EXEC more', 'EXEC'],
      received:
        "+OK\r\n-EXECABORT Transaction discarded because of: wrong number of arguments for 'exec' command\r\n-ERR EXEC without MULTI\r\n",
      told: 'reply 4, reply 5, reply 6, clean',
    },
  ],
  'a watched key that changes': [
    { sent: ['WATCH k'], received: '+OK\r\n', told: 'reply 1, dirty' },
    { other: 'SET k other', received: '', told: 'dirty' },
    {
      sent: ['MULTI', 'GET k', 'EXEC'],
      received: '+OK\r\n+QUEUED\r\n*-1\r\n',
      told: 'reply 2, reply 3, reply 4, clean',
    },
  ],
  'watching ends': [
    { sent: ['WATCH k', 'UNWATCH'], received: '+OK\r\n+OK\r\n', told: 'reply 1, reply 2, clean' },
    { sent: ['WATCH k', 'EXEC'], received: '+OK\r\n-ERR EXEC without MULTI\r\n', told: 'reply 3, reply 4, dirty' },
    {
      sent: ['MULTI', 'WATCH x', 'DISCARD'],
      received: '+OK\r\n-ERR WATCH inside MULTI is not allowed\r\n+OK\r\n',
      told: 'reply 5, reply 6, reply 7, clean',
    },
  ],
  'a subscription in a transaction': [
    {
      sent: ['MULTI', 'SUBSCRIBE a b', 'PING'],
      received: '+OK\r\n+QUEUED\r\n+QUEUED\r\n',
      told: 'reply 1, reply 2, reply 3, dirty',
    },
    {
      sent: ['EXEC'],
      received:
        '*2\r\n*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n*3\r\n$9\r\nsubscribe\r\n$1\r\nb\r\n:2\r\n*2\r\n$4\r\npong\r\n$0\r\n\r\n',
      told: 'reply 4 .., part 4, dirty',
    },
    {
      sent: ['PING', 'UNSUBSCRIBE', 'GET nokey'],
      received:
        '*2\r\n$4\r\npong\r\n$0\r\n\r\n*3\r\n$11\r\nunsubscribe\r\n$1\r\na\r\n:1\r\n*3\r\n$11\r\nunsubscribe\r\n$1\r\nb\r\n:0\r\n$-1\r\n',
      told: 'reply 5, reply 6 .., part 6, reply 7, clean',
    },
  ],
  'subscriptions and their ends in a transaction': [
    {
      sent: ['MULTI', 'SUBSCRIBE a b', 'UNSUBSCRIBE', 'ECHO x', 'UNSUBSCRIBE', 'ECHO y'],
      received: '+OK\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n',
      told: 'reply 1, reply 2, reply 3, reply 4, reply 5, reply 6, dirty',
    },
    {
      sent: ['EXEC', 'GET nokey'],
      received:
        '*5\r\n*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n*3\r\n$9\r\nsubscribe\r\n$1\r\nb\r\n:2\r\n*3\r\n$11\r\nunsubscribe\r\n$1\r\na\r\n:1\r\n*3\r\n$11\r\nunsubscribe\r\n$1\r\nb\r\n:0\r\n$1\r\nx\r\n*3\r\n$11\r\nunsubscribe\r\n$-1\r\n:0\r\n$1\r\ny\r\n$-1\r\n',
      told: 'reply 7 .., part 7 .., part 7, reply 8, clean',
    },
  ],
  'one channel in a transaction': [
    {
      sent: ['MULTI', 'SUBSCRIBE a', 'EXEC'],
      received: '+OK\r\n+QUEUED\r\n*1\r\n*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n',
      told: 'reply 1, reply 2, reply 3, dirty',
    },
    {
      sent: ['UNSUBSCRIBE', 'GET nokey'],
      received: '*3\r\n$11\r\nunsubscribe\r\n$1\r\na\r\n:0\r\n$-1\r\n',
      told: 'reply 4, reply 5, clean',
    },
  ],
  'a subscription in a transaction over RESP3': [
    { sent: ['HELLO 3'], received: '%1\r\n$5\r\nproto\r\n:3\r\n', told: 'reply 1, clean' },
    {
      sent: ['MULTI', 'SUBSCRIBE a b', 'ECHO x', 'EXEC'],
      received:
        '+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n>3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n>3\r\n$9\r\nsubscribe\r\n$1\r\nb\r\n:2\r\n$1\r\nx\r\n',
      told: 'reply 2, reply 3, reply 4, reply 5 .., part 5, dirty',
    },
    {
      sent: ['PING', 'UNSUBSCRIBE', 'GET nokey'],
      received:
        '+PONG\r\n>3\r\n$11\r\nunsubscribe\r\n$1\r\na\r\n:1\r\n>3\r\n$11\r\nunsubscribe\r\n$1\r\nb\r\n:0\r\n_\r\n',
      told: 'reply 6, reply 7 .., part 7, reply 8, clean',
    },
  ],
  'state set in a transaction': [
    { sent: ['HELLO 3'], received: '%1\r\n$5\r\nproto\r\n:3\r\n', told: 'reply 1, clean' },
    {
      sent: ['MULTI', 'CLIENT TRACKING ON', 'GET k'],
      received: '+OK\r\n+QUEUED\r\n+QUEUED\r\n',
      told: 'reply 2, reply 3, reply 4, dirty',
    },
    { sent: ['EXEC'], received: '*2\r\n+OK\r\n_\r\n', told: 'reply 5, dirty' },
    { sent: ['CLIENT TRACKING OFF'], received: '+OK\r\n', told: 'reply 6, dirty' },
  ],
  'replies off and on again': [
    {
      sent: ['CLIENT REPLY OFF', 'PING', 'NOSUCH', 'CLIENT REPLY FOO', 'CLIENT REPLY SKIP'],
      received: '',
      told: 'silent 1, silent 2, silent 3, silent 4, silent 5, dirty',
    },
    { sent: ['CLIENT REPLY ON', 'PING'], received: '+OK\r\n+PONG\r\n', told: 'reply 6, reply 7, dirty' },
  ],
  'one reply skipped': [
    {
      sent: ['CLIENT REPLY SKIP', 'PING', 'ECHO 1'],
      received: '$1\r\n1\r\n',
      told: 'silent 1, silent 2, reply 3, clean',
    },
    { sent: ['PING'], received: '+PONG\r\n', told: 'reply 4, clean' },
  ],
  'skipping twice': [
    {
      sent: ['CLIENT REPLY SKIP', 'CLIENT REPLY SKIP', 'ECHO 1', 'ECHO 2'],
      received: '$1\r\n2\r\n',
      told: 'silent 1, silent 2, silent 3, reply 4, clean',
    },
  ],
  'skipping, then replies on': [
    {
      sent: ['CLIENT REPLY SKIP', 'CLIENT REPLY ON', 'ECHO 1'],
      received: '+OK\r\n$1\r\n1\r\n',
      told: 'silent 1, reply 2, reply 3, clean',
    },
  ],
  'skipping, then replies off': [
    {
      sent: ['CLIENT REPLY SKIP', 'CLIENT REPLY OFF', 'ECHO 1'],
      received: '',
      told: 'silent 1, silent 2, silent 3, dirty',
    },
    { sent: ['CLIENT REPLY ON', 'ECHO 2'], received: '+OK\r\n$1\r\n2\r\n', told: 'reply 4, reply 5, clean' },
  ],
  'a reply mode that does not exist': [
    {
      sent: [
        'CLIENT REPLY FOO',
        'CLIENT REPLY',
        'CLIENT REPLY ON more',
        'CLIENT REPLY SKIP',
        'CLIENT REPLY FOO',
        'ECHO 1',
      ],
      received:
        "-ERR syntax error\r\n-ERR wrong number of arguments for 'client|reply' command\r\n-ERR wrong number of arguments for 'client|reply' command\r\n$1\r\n1\r\n",
      told: 'reply 1, reply 2, reply 3, silent 4, silent 5, reply 6, clean',
    },
  ],
  'replies off, then RESET': [
    { sent: ['CLIENT REPLY OFF', 'PING'], received: '', told: 'silent 1, silent 2, dirty' },
    { sent: ['RESET', 'ECHO 1'], received: '+RESET\r\n$1\r\n1\r\n', told: 'reply 3, reply 4, clean' },
  ],
  'skipping RESET': [
    {
      sent: ['CLIENT REPLY SKIP', 'RESET', 'ECHO 1'],
      received: '$1\r\n1\r\n',
      told: 'silent 1, silent 2, reply 3, dirty',
    },
  ],
  'a subscription with replies off': [
    {
      sent: ['CLIENT REPLY OFF', 'SUBSCRIBE a b', 'SUBSCRIBE'],
      received: '*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n*3\r\n$9\r\nsubscribe\r\n$1\r\nb\r\n:2\r\n',
      told: 'silent 1, silent 2, silent 3, push, push, dirty',
    },
    { other: 'PUBLISH a x', received: '*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\nx\r\n', told: 'push, dirty' },
    {
      sent: ['UNSUBSCRIBE', 'CLIENT REPLY ON', 'ECHO 1'],
      received:
        '*3\r\n$11\r\nunsubscribe\r\n$1\r\na\r\n:1\r\n*3\r\n$11\r\nunsubscribe\r\n$1\r\nb\r\n:0\r\n+OK\r\n$1\r\n1\r\n',
      told: 'silent 4, push, push, reply 5, reply 6, clean',
    },
  ],
  'a subscription whose reply is skipped': [
    {
      sent: ['CLIENT REPLY SKIP', 'SUBSCRIBE a b', 'ECHO 1'],
      received:
        "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n*3\r\n$9\r\nsubscribe\r\n$1\r\nb\r\n:2\r\n-ERR Can't execute 'echo': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context\r\n",
      told: 'silent 1, silent 2, push, push, reply 3, dirty',
    },
    {
      sent: ['UNSUBSCRIBE', 'ECHO 2'],
      received: '*3\r\n$11\r\nunsubscribe\r\n$1\r\na\r\n:1\r\n*3\r\n$11\r\nunsubscribe\r\n$1\r\nb\r\n:0\r\n$1\r\n2\r\n',
      told: 'reply 4 .., part 4, reply 5, clean',
    },
  ],
  'a transaction whose first reply is skipped': [
    {
      sent: ['CLIENT REPLY SKIP', 'MULTI', 'ECHO 1'],
      received: '+QUEUED\r\n',
      told: 'silent 1, silent 2, reply 3, dirty',
    },
    { sent: ['EXEC', 'ECHO 2'], received: '*1\r\n$1\r\n1\r\n$1\r\n2\r\n', told: 'reply 4, reply 5, clean' },
  ],
  'a transaction with replies off': [
    {
      sent: ['CLIENT REPLY OFF', 'MULTI', 'ECHO 1', 'EXEC'],
      received: '',
      told: 'silent 1, silent 2, silent 3, silent 4, dirty',
    },
    { sent: ['CLIENT REPLY ON', 'ECHO 2'], received: '+OK\r\n$1\r\n2\r\n', told: 'reply 5, reply 6, clean' },
  ],
  'a watch with replies off': [
    {
      sent: ['CLIENT REPLY OFF', 'WATCH k', 'CLIENT REPLY ON'],
      received: '+OK\r\n',
      told: 'silent 1, silent 2, reply 3, dirty',
    },
    { sent: ['UNWATCH'], received: '+OK\r\n', told: 'reply 4, clean' },
  ],
  'a database chosen with replies off': [
    {
      sent: ['CLIENT REPLY OFF', 'SELECT 3', 'CLIENT REPLY ON'],
      received: '+OK\r\n',
      told: 'silent 1, silent 2, reply 3, dirty',
    },
    { sent: ['PING'], received: '+PONG\r\n', told: 'reply 4, dirty' },
  ],
  'the monitor': [
    { sent: ['MONITOR'], received: '+OK\r\n', told: 'reply 1, opaque' },
    { other: 'ECHO seen', received: '+1700000000.123456 [0 127.0.0.1:5000] "ECHO" "seen"\r\n', told: 'push, opaque' },
    { sent: ['RESET', 'ECHO 2'], received: '+RESET\r\n$1\r\n2\r\n', told: 'reply 2, reply 3, clean' },
  ],
  'RESET ends everything': [
    {
      sent: ['WATCH k', 'MULTI', 'GET k'],
      received: '+OK\r\n+OK\r\n+QUEUED\r\n',
      told: 'reply 1, reply 2, reply 3, dirty',
    },
    { sent: ['RESET'], received: '+RESET\r\n', told: 'reply 4, clean' },
    { sent: ['SUBSCRIBE a'], received: '*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n', told: 'reply 5, dirty' },
    { sent: ['RESET', 'GET k'], received: '+RESET\r\n$-1\r\n', told: 'reply 6, reply 7, clean' },
  ],
  'client tracking over RESP3': [
    { sent: ['HELLO 3'], received: '%1\r\n$5\r\nproto\r\n:3\r\n', told: 'reply 1, clean' },
    { sent: ['CLIENT TRACKING ON', 'GET k'], received: '+OK\r\n_\r\n', told: 'reply 2, reply 3, dirty' },
    { other: 'SET k 1', received: '>2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\nk\r\n', told: 'push, dirty' },
    { sent: ['CLIENT TRACKING OFF', 'PING'], received: '+OK\r\n+PONG\r\n', told: 'reply 4, reply 5, dirty' },
  ],
  'what is kept from eviction': [
    { sent: ['CLIENT NO-EVICT ON', 'PING'], received: '+OK\r\n+PONG\r\n', told: 'reply 1, reply 2, dirty' },
    { sent: ['CLIENT NO-EVICT OFF'], received: '+OK\r\n', told: 'reply 3, clean' },
  ],
  'commands that nobody knows': [
    {
      sent: ['NOSUCH a', 'CLIENT NOSUCH', 'PING'],
      received:
        "-ERR unknown command 'NOSUCH', with args beginning with: 'a' \r\n-ERR unknown subcommand 'NOSUCH'. Try CLIENT HELP.\r\n+PONG\r\n",
      told: 'reply 1, reply 2, reply 3, clean',
    },
  ],
  'attributes do not make it dirty': [
    {
      sent: ['SELECT 3', 'CLIENT SETNAME x', 'AUTH x', 'SELECT 0', 'CLIENT GETNAME'],
      received:
        '+OK\r\n+OK\r\n-ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?\r\n+OK\r\n$1\r\nx\r\n',
      told: 'reply 1, reply 2, reply 3, reply 4, reply 5, clean',
    },
  ],
  replication: [
    {
      sent: ['PING', 'REPLCONF listening-port 7777', 'PING'],
      received: '+PONG\r\n+OK\r\n+PONG\r\n',
      told: 'reply 1, silent 2, silent 3, push, opaque',
    },
  ],
}
