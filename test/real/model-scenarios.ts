// Table of commands and what must be alike about their replies.
/**
 * Each scenario runs on a connection and an empty store of its own, on the model and on a real server, and must give the same
 * bytes. Words are separated by blanks; `''` is the empty one. A line that begins with `~` has a reply whose order is the
 * server's own: only its elements are compared. One that begins with `?` has a reply that varies: only its type is compared.
 */
export const SCENARIOS: Record<string, string> = {
  strings: `
    SET k v
    GET k
    GET missing
    SET k v2 NX
    SET missing v XX
    SET k v3 XX GET
    SET n v NX GET
    SET k v EX 100
    TTL k
    SET k v KEEPTTL
    TTL k
    SET k v
    TTL k
    SET k v EX 0
    SET k v EX -1
    SET k v EX x
    SET k v EX 1 PX 1
    SET k v NX XX
    SET k v EX
    SET k v PXAT 99999999999999
    PEXPIRETIME k
    SET k v EXAT 99999999999
    EXPIRETIME k
    SETEX k 10 v
    SETEX k 0 v
    PSETEX k -5 v
    SETNX k v
    SETNX k2 v
    GETSET k w
    GETDEL k
    GETDEL k
    SET k v
    GETEX k EX 100
    TTL k
    GETEX k PERSIST
    TTL k
    GETEX k FOO
    GETEX k EX 1 PX
    MSET a 1 b 2
    MSET a 1 b
    MGET a b missing
    MSETNX a 1 c 2
    MSETNX c 1 d 2
    APPEND a xyz
    STRLEN a
    STRLEN missing
    SETRANGE a 5 hello
    SETRANGE a -1 x
    SETRANGE new 0 ''
    EXISTS new
    GETRANGE a 0 3
    GETRANGE a -3 -1
    GETRANGE a 3 1
    GETRANGE a 100 200
    GETRANGE a -100 2
    GETRANGE a -100 -90
    SUBSTR a 0 1
    LPUSH list 1
    GET list
    SET list v GET
    APPEND list x
    MGET list a
    SET list over
    GET list
    GET
    SET k
    GETRANGE a x 1`,
  counters: `
    INCR n
    INCRBY n 41
    DECR n
    DECRBY n 100
    GET n
    SET n 9223372036854775807
    INCR n
    DECRBY n -9223372036854775808
    SET n x
    INCR n
    SET n 01
    INCR n
    INCRBY n 1.5
    INCRBYFLOAT f 10.5
    INCRBYFLOAT f 0.25
    INCRBYFLOAT f -1.0e2
    INCRBYFLOAT f x
    SET f abc
    INCRBYFLOAT f 1
    HINCRBY h f 5
    HINCRBY h f -7
    HSET h s text
    HINCRBY h s 1
    HINCRBYFLOAT h f 1.5
    HINCRBYFLOAT h s 1`,
  bits: `
    SETBIT b 7 1
    GETBIT b 7
    GETBIT b 100
    SETBIT b 100 1
    STRLEN b
    BITCOUNT b
    BITCOUNT b 0 0
    BITCOUNT b 5 30 BIT
    BITCOUNT b 0
    BITPOS b 1
    BITPOS b 0
    BITPOS b 1 1
    BITPOS b 1 2 3
    BITPOS b 2
    BITPOS missing 1
    BITPOS missing 0
    SETBIT b -1 1
    SETBIT b 1 2
    SET x abc
    SET y abd
    BITOP AND r x y
    GET r
    BITOP OR r x y
    BITOP XOR r x y
    BITOP NOT r x
    BITOP NOT r x y
    BITOP FOO r x
    BITOP AND r missing`,
  keys: `
    MSET a 1 b 2
    EXISTS a b a c
    DEL a c
    UNLINK b
    DBSIZE
    SET a 1
    TYPE a
    TYPE missing
    RENAME a b
    RENAME a b
    RENAMENX b c
    SET b 1
    RENAMENX b c
    COPY b d
    COPY b d
    COPY b d REPLACE
    COPY b e DB 3
    COPY b b
    MOVE b 3
    MOVE b 3
    MOVE c 99
    MOVE c 0
    SELECT 3
    ~KEYS *
    SELECT 16
    SELECT x
    SELECT 0
    ~KEYS *
    KEYS nothing*
    ?RANDOMKEY
    OBJECT ENCODING c
    OBJECT ENCODING missing
    ?OBJECT REFCOUNT c
    OBJECT FOO c
    OBJECT
    TOUCH c d
    SWAPDB 0 3
    ~KEYS *
    SWAPDB 0 99
    SWAPDB x 1
    FLUSHDB FOO
    FLUSHDB ASYNC
    DBSIZE
    FLUSHALL
    SCAN 0
    SCAN x
    SCAN 0 COUNT 0
    SCAN 0 FOO bar
    SET scanned 1
    SCAN 0 MATCH scan* COUNT 100
    SCAN 0 TYPE hash`,
  expiry: `
    SET k v
    TTL k
    TTL missing
    EXPIRE k 100
    TTL k
    EXPIRE k 50 GT
    EXPIRE k 200 GT
    EXPIRE k 300 LT
    EXPIRE k 50 NX
    EXPIRE k 60 XX
    EXPIRE k 1 FOO
    EXPIRE k 1 NX XX
    EXPIRE k 1 GT LT
    PERSIST k
    PERSIST k
    PEXPIRE k 100000
    EXPIREAT k 99999999999
    EXPIRETIME k
    PEXPIREAT k 99999999999999
    PEXPIRETIME k
    EXPIRE k -1
    EXISTS k
    EXPIRE missing 10
    EXPIRE k x
    SET k v
    EXPIRE k 9223372036854775807
    EXPIRETIME missing
    PTTL missing`,
  hashes: `
    HSET h a 1 b 2
    HSET h a 3 c 4
    HSET h a
    HGET h a
    HGET h missing
    HGET missing a
    HMGET h a x b
    HMSET h d 5
    HGETALL h
    HKEYS h
    HVALS h
    HLEN h
    HEXISTS h a
    HEXISTS h x
    HSTRLEN h a
    HSETNX h a 9
    HSETNX h e 9
    HDEL h a b x
    HRANDFIELD h 0
    HRANDFIELD missing
    HRANDFIELD missing 5
    HSCAN h 0
    HSCAN missing 0
    HDEL h c d e
    EXISTS h
    HGETALL h
    SET s v
    HGET s a
    HSET s a 1`,
  lists: `
    RPUSH l a b c
    LPUSH l z y
    LLEN l
    LRANGE l 0 -1
    LRANGE l -2 -1
    LRANGE l 5 10
    LRANGE missing 0 -1
    LINDEX l 0
    LINDEX l -1
    LINDEX l 10
    LSET l 0 first
    LSET l 10 x
    LSET missing 0 x
    LINSERT l BEFORE a before
    LINSERT l AFTER c after
    LINSERT l AFTER nope x
    LINSERT missing AFTER a x
    LINSERT l FOO a x
    LRANGE l 0 -1
    RPUSH d a b a b a
    LREM d 2 a
    LRANGE d 0 -1
    LREM d -1 b
    LREM d 0 a
    LRANGE d 0 -1
    LTRIM l 1 3
    LRANGE l 0 -1
    LPOP l
    RPOP l
    LPOP l 5
    LPOP l
    LPOP l 1
    LPOP l -1
    LPUSHX l a
    RPUSHX l a
    RPUSH l a b c d e a
    LPOS l a
    LPOS l a RANK -1
    LPOS l a COUNT 0
    LPOS l a COUNT 1 RANK 2
    LPOS l a RANK 0
    LPOS l x
    LPOS l x COUNT 1
    LPOS l a COUNT -1
    LPOS l a MAXLEN -1
    LMOVE l m LEFT RIGHT
    LMOVE l m FOO RIGHT
    LMOVE missing m LEFT RIGHT
    RPOPLPUSH l m
    RPOPLPUSH l l
    LRANGE m 0 -1
    LMPOP 2 nope l LEFT
    LMPOP 1 l RIGHT COUNT 2
    LMPOP 1 nope LEFT
    LMPOP 0 l LEFT
    LMPOP 1 l FOO
    BLPOP l 0
    RPUSH l again
    BLPOP nope l 0
    BRPOP nope nope2 0.01
    BLPOP l x
    BLPOP l -1
    RPUSH l x
    BLMOVE l m LEFT LEFT 1
    BRPOPLPUSH nope m 0.01
    RPUSH l x y
    BLMPOP 0.01 1 l LEFT COUNT 5
    BLMPOP 0.01 1 l LEFT
    SET s v
    LPUSH s a
    BLPOP s 0.01`,
  sets: `
    SADD s a b c
    SADD s a d
    SCARD s
    SISMEMBER s a
    SISMEMBER s x
    SMISMEMBER s a x b
    ~SMEMBERS s
    SMEMBERS missing
    SREM s a x
    SADD t b c e
    ~SINTER s t
    ~SUNION s t
    ~SDIFF s t
    SINTERSTORE r s t
    SUNIONSTORE r s t
    SDIFFSTORE r s t
    SDIFFSTORE r s s
    EXISTS r
    SINTERCARD 2 s t
    SINTERCARD 2 s t LIMIT 1
    SINTERCARD 0 s
    SINTERCARD 5 s t
    SMOVE s t d
    SMOVE s t x
    ~SMEMBERS t
    SADD one x
    SPOP one
    SPOP one
    SPOP one 2
    SRANDMEMBER one
    SRANDMEMBER one 3
    SADD one x
    SRANDMEMBER one -3
    SPOP one -1
    SSCAN missing 0
    SADD one x
    SSCAN one 0
    OBJECT ENCODING s
    SET str v
    SADD str a
    SINTER s str`,
  zsets: `
    ZADD z 1 a 2 b 3 c
    ZADD z 1 a 5 b
    ZADD z CH 2 a 6 b
    ZADD z NX 9 a 4 d
    ZADD z XX 9 nope
    ZADD z GT CH 1 a
    ZADD z LT CH 1 a
    ZADD z INCR 2 a
    ZADD z NX INCR 2 a
    ZADD z NX XX 1 a
    ZADD z GT LT 1 a
    ZADD z INCR 1 a 2 b
    ZADD z x a
    ZADD z 1
    ZSCORE z a
    ZSCORE z nope
    ZMSCORE z a nope
    ZCARD z
    ZCOUNT z 3 5
    ZCOUNT z (3 +inf
    ZCOUNT z x 5
    ZRANGE z 0 -1
    ZRANGE z 0 -1 WITHSCORES
    ZRANGE z 0 1 REV
    ZRANGE z 3 +inf BYSCORE
    ZRANGE z +inf 3 BYSCORE REV LIMIT 0 2
    ZRANGE z - + BYLEX
    ZRANGE z 0 1 LIMIT 0 1
    ZREVRANGE z 0 1 WITHSCORES
    ZRANGEBYSCORE z -inf +inf WITHSCORES LIMIT 1 2
    ZREVRANGEBYSCORE z +inf -inf LIMIT 0 1
    ZRANK z a
    ZREVRANK z a
    ZRANK z nope
    ZINCRBY z 2.5 a
    ZINCRBY z x a
    ZREM z b nope
    ZPOPMIN z
    ZPOPMAX z
    ZADD z 1 a 2 b 3 c
    ZPOPMIN z 2
    ZPOPMIN z -1
    ZPOPMIN missing
    ZADD q 0 a 0 b 0 c 0 d
    ZRANGEBYLEX q [b (d
    ZRANGEBYLEX q - +
    ZRANGEBYLEX q b d
    ZREVRANGEBYLEX q + (b
    ZLEXCOUNT q [b +
    ZREMRANGEBYRANK q 0 0
    ZREMRANGEBYSCORE q 0 0
    EXISTS q
    ZADD z 1 a 2 b
    ZRANGESTORE dst z 0 0
    ZRANGE dst 0 -1
    ZSCAN dst 0
    BZPOPMIN z 0
    BZPOPMAX nope 0.01
    ZADD z 1 a 2 b
    ZMPOP 1 z MIN COUNT 2
    ZMPOP 1 z MIN
    BZMPOP 0.01 1 z MAX
    SET s v
    ZADD s 1 a`,
  transactions: `
    MULTI
    SET a 1
    INCR a
    GET a
    EXEC
    EXEC
    DISCARD
    MULTI
    MULTI
    SET a x
    INCR a
    EXEC
    GET a
    MULTI
    NOPE
    SET a y
    EXEC
    GET a
    MULTI
    GET
    EXEC
    MULTI
    SET a z
    DISCARD
    GET a
    WATCH a
    SET a 1
    MULTI
    SET a 2
    EXEC
    GET a
    WATCH a
    UNWATCH
    SET a 3
    MULTI
    GET a
    EXEC
    WATCH a
    MULTI
    WATCH b
    GET a
    EXEC
    WATCH missing
    SET missing v
    MULTI
    EXEC
    WATCH a
    DEL a
    MULTI
    EXEC
    MULTI
    EXEC
    MULTI
    BLPOP nothing 0
    SELECT 2
    SET there 1
    EXEC
    GET there
    MULTI
    HELLO 3
    GET there
    ?EXEC
    GET missing`,
  'pub/sub, RESP2': `
    SUBSCRIBE a b
    PSUBSCRIBE p*
    PING
    PING hello
    GET k
    SUBSCRIBE a
    UNSUBSCRIBE a
    SSUBSCRIBE shard
    SUNSUBSCRIBE
    UNSUBSCRIBE
    PUNSUBSCRIBE
    PING
    UNSUBSCRIBE
    PUBLISH a x
    PUBSUB CHANNELS
    PUBSUB NUMSUB a b
    PUBSUB NUMPAT
    PUBSUB FOO
    PUBSUB`,
  'pub/sub, RESP3': `
    ?HELLO 3
    SUBSCRIBE a
    GET k
    PSUBSCRIBE p*
    PING
    UNSUBSCRIBE
    UNSUBSCRIBE
    PUBSUB SHARDCHANNELS
    SPUBLISH a x`,
  'RESP3 types': `
    ?HELLO 3
    GET missing
    BLPOP missing 0.01
    HSET h a 1
    HGETALL h
    HRANDFIELD h 1 WITHVALUES
    SADD s a
    SMEMBERS s
    SPOP s 1
    ZADD z 1.5 a
    ZSCORE z a
    ZRANGE z 0 -1 WITHSCORES
    ZADD z INCR 1 a
    ZPOPMIN z
    ZADD z 1 a
    ZPOPMIN z 1
    CONFIG GET maxmemory
    LPOP missing 1
    LMPOP 1 missing LEFT
    CLIENT TRACKINGINFO
    WATCH h
    HSET h a 2
    MULTI
    EXEC
    XADD x 1-1 f v
    XREAD STREAMS x 0
    XREAD STREAMS x 5
    ?HELLO 2
    GET missing`,
  connection: `
    PING
    PING hello
    PING a b
    ECHO hello
    ECHO
    CLIENT SETNAME me
    CLIENT GETNAME
    ?CLIENT ID
    ?CLIENT INFO
    ?CLIENT LIST
    CLIENT LIST TYPE pubsub
    CLIENT LIST FOO
    CLIENT KILL ID 999999
    CLIENT KILL 1.2.3.4:5
    CLIENT KILL FOO bar
    CLIENT NO-EVICT ON
    CLIENT NO-EVICT FOO
    CLIENT UNBLOCK 999999
    CLIENT UNBLOCK x
    CLIENT GETREDIR
    CLIENT CACHING YES
    CLIENT TRACKING ON
    CLIENT TRACKING FOO
    CLIENT FOO
    CLIENT
    SELECT 1
    HELLO 4
    HELLO x
    HELLO 2 FOO
    ?HELLO 2 SETNAME you
    CLIENT GETNAME
    AUTH secret
    AUTH nobody secret
    AUTH a b c
    ACL WHOAMI
    RESET
    CLIENT GETNAME
    QUIT`,
  'CLIENT REPLY': `
    CLIENT REPLY FOO
    CLIENT REPLY SKIP
    PING skipped
    PING not
    CLIENT REPLY OFF
    PING gone
    CLIENT REPLY SKIP
    CLIENT REPLY ON
    PING back
    CLIENT REPLY OFF
    NOPE
    SUBSCRIBE a
    PUBLISH b x
    UNSUBSCRIBE a
    CLIENT REPLY ON
    MULTI
    CLIENT REPLY OFF
    GET a
    EXEC
    GET a
    CLIENT REPLY ON
    CLIENT REPLY SKIP
    MULTI
    SET a 1
    EXEC`,
  server: `
    ?COMMAND COUNT
    ?INFO
    ?TIME
    COMMAND INFO nope
    COMMAND FOO
    CONFIG GET maxmemory
    CONFIG GET nothing
    CONFIG SET maxmemory-policy noeviction
    CONFIG SET nope 1
    CONFIG
    CONFIG FOO
    WAIT 0 0
    SLOWLOG LEN
    CLUSTER INFO
    NOPE
    NOPE a b c
    nope 'x' y
    FLUSHALL FOO
    MEMORY USAGE missing`,
  streams: `
    XADD s 1-1 f v
    XADD s 1-1 f v
    XADD s 1-* f v
    XADD s 5 f v g w
    XADD s 0-0 f v
    XADD s x f v
    XADD s * f
    XADD nope NOMKSTREAM * f v
    XLEN s
    XRANGE s - +
    XRANGE s 1 1
    XRANGE s (1-1 + COUNT 1
    XREVRANGE s + -
    XREVRANGE s + - COUNT 1
    XREAD COUNT 1 STREAMS s 0
    XREAD STREAMS s nope 1-1 0
    XREAD BLOCK 10 STREAMS s $
    XREAD STREAMS s
    XREAD STREAMS s nope 1
    XDEL s 1-1 9-9
    XTRIM s MAXLEN 1
    XLEN s
    XADD s MAXLEN 1 6-1 a b
    XRANGE s - +
    TYPE s
    SET str v
    XADD str * f v`,
  'inline commands and odd framing': `
    !PING\\r\\n
    !SET k "a b\\\\n\\\\x41"\\r\\nGET k\\n
    !\\r\\n\\r\\nPING\\r\\n
    !*0\\r\\n*-1\\r\\nPING\\r\\n
    !ECHO 'it\\\\'s'\\r\\n`,
  'bad framing: quotes': `
    !ECHO "open\\r\\n`,
  'bad framing: bulk expected': `
    !*1\\r\\n:5\\r\\n`,
  'bad framing: count': `
    !*x\\r\\n`,
  'bad framing: huge count': `
    !*2147483648\\r\\n`,
  'bad framing: length': `
    !*1\\r\\n$-5\\r\\n`,
  'bad framing: huge length': `
    !*1\\r\\n$9223372036854775807\\r\\n`,
}
