/**
 * What is asked of a server directly and through the proxy, each script on a connection of its own, to the same bytes. Lines as in
 * lines.ts. A script ends with QUIT, and the server's closing; one that begins with `@end` with the client's half-close instead;
 * with `@step` it is sent only line by line.
 */
export const SCENARIOS: Record<string, string> = {
  'framing: a count below zero, or zero, is nothing': `
    !*-1\\r\\n*0\\r\\n*-100\\r\\nPING\\r\\n
    !*0\\r\\n
    PING after`,
  'framing: requests glued and torn': `
    !*1\\r\\n$4\\r\\nPING\\r\\n*2\\r\\n$4\\r\\nPING\\r\\n$1\\r\\na\\r\\n*1\\r\\n
    !$4\\r\\nPI
    !NG\\r\\n*2\\r
    !\\n$4\\r\\nECHO\\r\\n$0\\r
    !\\n\\r
    !\\n
    PING`,
  'framing: binary arguments': `
    !*3\\r\\n$3\\r\\nSET\\r\\n$5\\r\\na\\x00\\r\\nb\\r\\n$6\\r\\n\\r\\n\\x00\\xff\\r\\n\\r\\n
    !*2\\r\\n$3\\r\\nGET\\r\\n$5\\r\\na\\x00\\r\\nb\\r\\n
    !*2\\r\\n$4\\r\\nECHO\\r\\n$8\\r\\n*1\\r\\n$4\\r\\n\\r\\n
    !*2\\r\\n$4\\r\\nECHO\\r\\n$6\\r\\n+OK\\r\\n$\\r\\n
    !*2\\r\\n$4\\r\\nECHO\\r\\n$0\\r\\n\\r\\n
    KEYS *`,
  'framing: any case of a command': `
    ping
    PiNg x
    sEt k v
    gEt k
    cLiEnT gEtNaMe
    client SETNAME n
    CLIENT getname
    sElEcT 1
    multi
    get k
    eXeC`,
  'framing: names that are longer than any command': `
    XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX
    CLIENT XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX
    PING`,
  'framing: empty words': `
    ''
    '' x
    GET ''
    SET '' v
    GET ''
    CLIENT ''
    PING ''`,
  'framing: a word with line ends in an error': `
    !*1\\r\\n$5\\r\\nA\\r\\nBC\\r\\n
    !*2\\r\\n$3\\r\\nFOO\\r\\n$4\\r\\n\\r\\n\\r\\n\\r\\n
    PING`,
  'framing: a torn request, then the end': `
    @end
    PING before
    !*2\\r\\n$3\\r\\nGET\\r\\n$10\\r\\nabc`,
  'framing: a torn count, then the end': `
    @end
    PING before
    !*2\\r`,
  'framing: a torn inline request, then the end': `
    @end
    PING before
    !PIN`,
  'framing: nothing, then the end': `
    @end
    !\\r\\n`,
  'framing: a count with sign': `!*+1\\r\\n$4\\r\\nPING\\r\\n`,
  'framing: a count with blank': `!* 1\\r\\n$4\\r\\nPING\\r\\n`,
  'framing: a count with leading zero': `!*01\\r\\n$4\\r\\nPING\\r\\n`,
  'framing: a count of -0': `!*-0\\r\\n$4\\r\\nPING\\r\\n`,
  'framing: a count with a letter': `!*1x\\r\\n$4\\r\\nPING\\r\\n`,
  'framing: no count': `!*\\r\\n$4\\r\\nPING\\r\\n`,
  'framing: a count of 2^31 - 1, then the end': `
    @end
    PING
    !*2147483647\\r\\n$4\\r\\nPING\\r\\n`,
  'framing: a count of 2^31': `!*2147483648\\r\\n`,
  'framing: a count of -2^63': `
    !*-9223372036854775808\\r\\n
    PING`,
  'framing: a count of 2^64': `!*18446744073709551616\\r\\n`,
  'framing: a length below zero': `
    PING
    !*1\\r\\n$-1\\r\\n`,
  'framing: a length with sign': `!*1\\r\\n$+4\\r\\nPING\\r\\n`,
  'framing: a length with blank': `!*1\\r\\n$ 4\\r\\nPING\\r\\n`,
  'framing: a length with leading zero': `!*1\\r\\n$04\\r\\nPING\\r\\n`,
  'framing: no length': `!*1\\r\\n$\\r\\n`,
  'framing: a length with a letter': `!*1\\r\\n$4a\\r\\nPING\\r\\n`,
  'framing: a length of 512 MB and one': `!*1\\r\\n$536870913\\r\\n`,
  'framing: a length of 512 MB, then the end': `
    @end
    PING
    !*2\\r\\n$4\\r\\nECHO\\r\\n$536870912\\r\\nabc`,
  'framing: a length of 2^63': `!*3\\r\\n$3\\r\\nSET\\r\\n$1\\r\\nk\\r\\n$9223372036854775808\\r\\n`,
  'framing: a length of 2^64': `!*2\\r\\n$3\\r\\nGET\\r\\n$18446744073709551616\\r\\n`,
  'framing: an array in a request': `!*2\\r\\n$4\\r\\nPING\\r\\n*1\\r\\n$1\\r\\na\\r\\n`,
  'framing: a simple string in a request': `!*1\\r\\n+PING\\r\\n`,
  'framing: an integer in a request': `!*2\\r\\n$3\\r\\nGET\\r\\n:5\\r\\n`,
  'framing: an unprintable type in a request': `!*1\\r\\n\\x01\\r\\n`,
  'framing: nesting': `!*1\\r\\n*1\\r\\n*1\\r\\n*1\\r\\n*1\\r\\n$4\\r\\nPING\\r\\n`,
  'framing: what came before garbage is answered': `
    SET a 1
    GET a
    !*1\\r\\n:5\\r\\n
    GET a`,
  'framing: RESP3 types are words of an inline request': `
    !%1\\r\\n
    !~1\\r\\n
    !>1\\r\\n
    !_\\r\\n
    !+OK\\r\\n
    !$5\\r\\n
    !:5\\r\\n
    !-ERR\\r\\n`,
  'inline: words, blanks and quotes': `
    !SET k v\\n
    !  GET   k  \\r\\n
    !\\tGET\\tk\\t\\r\\n
    !SET "" ''\\r\\n
    !GET ""\\r\\n
    !ECHO "a b"\\r\\n
    !ECHO 'a "b" c'\\r\\n
    !ECHO "\\\\x41\\\\x42\\\\r\\\\n\\\\t\\\\b\\\\a\\\\q\\\\""\\r\\n
    !ECHO "\\\\x4"\\r\\n
    !ECHO 'it\\\\'s'\\r\\n
    !\\r\\n
    !\\n
    !   \\r\\n
    !PING\\r\\n
    !ECHO \\xff\\xfe\\r\\n`,
  'inline: a transaction': `
    !MULTI\\r\\nSET a 1\\r\\nGET a\\r\\nEXEC\\r\\n
    !GET a\\r\\n`,
  'inline: an open quote': `!ECHO "a\\r\\n`,
  'inline: a quote that closes in mid-word': `!ECHO "a"b\\r\\n`,
  'inline: a quote that opens in mid-word': `!ECHO a"b c"\\r\\n`,
  'inline: HTTP GET': `
    !GET / HTTP/1.1\\r\\n
    !Accept: x\\r\\n
    PING`,
  'inline: HTTP, a host header': `
    @end @step
    !GET / HTTP/1.1\\r\\n
    !Host: x\\r\\n
    PING`,
  'inline: HTTP POST': `
    @end @step
    SET k v
    !POST / HTTP/1.1\\r\\n
    GET k`,
  'inline: QUIT': `!QUIT\\r\\nPING\\r\\n`,
  'quit: nothing after it is executed': `
    SET k 1
    QUIT
    SET k 2`,
  'quit: with words': `QUIT now`,
  'quit: in a transaction': `
    MULTI
    SET k 1
    QUIT`,
  'quit: of a subscriber': `
    SUBSCRIBE a
    QUIT`,
  'arguments: too few, too many': `
    GET
    GET a b
    SET a
    PING a b
    ECHO
    ECHO a b
    SELECT
    SELECT 1 2
    AUTH
    HELLO 3 AUTH
    HELLO 3 SETNAME
    HELLO 3 AUTH a
    HELLO 3 FOO
    HELLO 1
    HELLO 9
    HELLO three
    CLIENT SETNAME
    CLIENT SETNAME a b
    CLIENT GETNAME x
    CLIENT ID x
    CLIENT REPLY
    CLIENT REPLY MAYBE
    CLIENT REPLY ON x
    CLIENT TRACKING
    CLIENT NO-TOUCH ON
    CLIENT NOPE
    MULTI x
    EXEC
    EXEC x
    DISCARD
    WATCH
    UNWATCH x
    SUBSCRIBE
    PSUBSCRIBE
    SSUBSCRIBE
    BLPOP
    BLPOP a
    BLPOP a x
    BLPOP a -1
    WAIT
    WAIT 0
    WAIT x 0
    WAIT 0 -1
    XREAD
    XREAD BLOCK
    XREAD BLOCK x STREAMS a 0
    XREAD BLOCK -1 STREAMS a 0
    RESET x
    MONITOR x
    READONLY x
    SCRIPT
    SCRIPT NOPE
    FUNCTION
    OBJECT
    EVAL
    EVALSHA a
    DEBUG
    PING`,
  'names: what a session is called': `
    CLIENT GETNAME
    CLIENT SETNAME one
    CLIENT GETNAME
    !*3\\r\\n$6\\r\\nCLIENT\\r\\n$7\\r\\nSETNAME\\r\\n$3\\r\\na b\\r\\n
    CLIENT GETNAME
    CLIENT SETNAME a\\nb
    CLIENT GETNAME
    CLIENT SETNAME ''
    CLIENT GETNAME
    CLIENT SETNAME two
    SELECT 3
    CLIENT GETNAME
    #HELLO 3
    CLIENT GETNAME
    #HELLO 3 SETNAME three
    CLIENT GETNAME
    #HELLO 2 SETNAME four
    CLIENT GETNAME
    HELLO 2 SETNAME
    CLIENT GETNAME
    RESET
    CLIENT GETNAME`,
  'names: in a transaction': `
    CLIENT SETNAME before
    MULTI
    CLIENT GETNAME
    CLIENT SETNAME within
    CLIENT GETNAME
    EXEC
    CLIENT GETNAME
    MULTI
    CLIENT SETNAME never
    DISCARD
    CLIENT GETNAME`,
  'names: CLIENT LIST knows them': `
    CLIENT SETINFO LIB-NAME lib
    CLIENT SETINFO LIB-VER 1.0
    CLIENT SETINFO FOO x`,
  'databases: SELECT': `
    SET k zero
    SELECT 1
    SET k one
    GET k
    SELECT 0
    GET k
    SELECT 15
    GET k
    SELECT 16
    GET k
    SELECT -1
    SELECT x
    SELECT 00
    SELECT 01
    GET k
    SELECT 999999999999
    GET k
    DBSIZE`,
  'databases: SELECT in a transaction': `
    SET k zero
    MULTI
    SELECT 1
    SET k one
    GET k
    EXEC
    GET k
    DBSIZE
    MULTI
    SELECT 2
    DISCARD
    GET k
    MULTI
    SELECT 99
    SELECT 3
    EXEC
    GET k
    SET k three
    GET k
    SELECT 0
    GET k`,
  'databases: SELECT in a transaction that fails': `
    SELECT 2
    SET k two
    WATCH k
    SET k changed
    MULTI
    SELECT 0
    EXEC
    GET k
    MULTI
    SELECT 0
    NOPE
    EXEC
    GET k`,
  'databases: SWAPDB, MOVE and COPY': `
    SET k zero
    SELECT 1
    SET k one
    SWAPDB 0 1
    GET k
    SELECT 0
    GET k
    COPY k k2 DB 4
    MOVE k 5
    SELECT 4
    GET k2
    SELECT 5
    GET k
    FLUSHDB
    DBSIZE`,
  'databases: many SELECTs in one go': `
    SELECT 1
    SELECT 2
    SET a 2
    SELECT 3
    SET a 3
    SELECT 2
    GET a
    SELECT 3
    GET a
    SELECT 0
    GET a`,
  'versions: HELLO back and forth': `
    #HELLO
    #HELLO 3
    HGETALL nope
    GET nope
    #HELLO 2
    GET nope
    HSET h a 1
    HGETALL h
    #HELLO 3
    HGETALL h
    SELECT 1
    GET nope
    SELECT 0
    HGETALL h
    RESET
    GET nope
    HGETALL h`,
  'versions: HELLO in a transaction': `
    MULTI
    GET nope
    HELLO 3
    GET nope
    HELLO 2
    GET nope
    #EXEC
    GET nope
    MULTI
    HELLO 3
    #EXEC
    GET nope
    MULTI
    HELLO 2
    DISCARD
    GET nope`,
  'versions: HELLO that fails changes nothing': `
    HELLO 4
    GET nope
    HELLO 3 AUTH nobody nothing
    GET nope
    #HELLO 3
    HELLO 2 AUTH nobody nothing
    GET nope
    HELLO 2 SETNAME
    GET nope
    !*4\\r\\n$5\\r\\nHELLO\\r\\n$1\\r\\n2\\r\\n$7\\r\\nSETNAME\\r\\n$3\\r\\na b\\r\\n
    GET nope`,
  'versions: all types of RESP3': `
    #HELLO 3
    DEBUG PROTOCOL string
    DEBUG PROTOCOL integer
    DEBUG PROTOCOL double
    DEBUG PROTOCOL null
    DEBUG PROTOCOL array
    DEBUG PROTOCOL set
    DEBUG PROTOCOL map
    DEBUG PROTOCOL attrib
    DEBUG PROTOCOL push
    DEBUG PROTOCOL verbatim
    DEBUG PROTOCOL true
    DEBUG PROTOCOL false
    DEBUG PROTOCOL bignum
    ZADD z 1.5 a inf b -inf c
    ZRANGE z 0 -1 WITHSCORES
    GEOADD g 13.361389 38.115556 p
    GEOPOS g p nope
    GEODIST g p nope
    OBJECT HELP
    MEMORY HELP
    CLIENT TRACKINGINFO
    CONFIG GET maxmemory*
    COMMAND INFO get nope
    COMMAND DOCS get
    COMMAND GETKEYS mset a 1 b 2`,
  'versions: all types as RESP2': `
    DEBUG PROTOCOL string
    DEBUG PROTOCOL integer
    DEBUG PROTOCOL double
    DEBUG PROTOCOL null
    DEBUG PROTOCOL array
    DEBUG PROTOCOL set
    DEBUG PROTOCOL map
    DEBUG PROTOCOL attrib
    DEBUG PROTOCOL verbatim
    DEBUG PROTOCOL true
    DEBUG PROTOCOL false
    DEBUG PROTOCOL bignum
    COMMAND INFO get nope
    COMMAND DOCS get
    PING`,
  'replies: empty and null ones': `
    GET nope
    MGET nope nope2
    LRANGE nope 0 -1
    HGETALL nope
    SMEMBERS nope
    KEYS nope
    BLPOP nope 0.01
    LPOP nope
    LPOP nope 2
    SPOP nope
    ZPOPMIN nope
    RANDOMKEY
    SET e ''
    GET e
    ECHO ''
    EVAL 'return(nil)' 0
    EVAL return{} 0
    EVAL return(false) 0
    EVAL return(true) 0
    EVAL return{1,2,nil,4} 0
    EVAL return{1,{2,{3,{4}}}} 0
    EVAL return(3.99) 0
    LPOS nope x
    LPOS nope x COUNT 1
    XREAD COUNT 1 STREAMS nope 0
    ZRANK nope x
    ZRANDMEMBER nope
    ZRANDMEMBER nope 2
    OBJECT ENCODING nope
    DUMP nope
    GETDEL nope`,
  'replies: errors of all kinds': `
    NOPE
    GET
    SET k v
    LPUSH k a
    INCR k
    EVAL return(redis.error_reply('MYERR_text')) 0
    EVAL return(redis.status_reply('fine')) 0
    EVAL return(redis.error_reply('')) 0
    EVAL error('boom') 0
    EVAL return(redis.call('nope')) 0
    EVAL return(redis.call('get')) 0
    EVAL return(redis.pcall('lpush','k','v')) 1 k
    EVALSHA 0000000000000000000000000000000000000000 0
    EVAL bad( 0
    EVAL return 1
    EVAL return x
    FCALL nope 0
    RESTORE k 0 x
    DEBUG SLEEP
    CONFIG SET nope x
    CLUSTER INFO
    REPLICAOF NO
    OBJECT FREQ k`,
  'transactions: in a pipeline': `
    SET a 1
    MULTI
    INCR a
    INCR a
    EXEC
    GET a
    MULTI
    EXEC
    MULTI
    GET a
    DISCARD
    GET a
    EXEC
    DISCARD
    MULTI
    MULTI
    EXEC`,
  'transactions: errors inside': `
    SET k v
    MULTI
    INCR k
    SET k w
    LPUSH k x
    EXEC
    GET k
    MULTI
    SET k a
    NOPE
    EXEC
    GET k
    MULTI
    SET k
    SET k b
    EXEC
    GET k
    MULTI
    NOPE
    DISCARD
    GET k`,
  'transactions: WATCH': `
    SET k 1
    WATCH k
    GET k
    MULTI
    SET k 2
    EXEC
    WATCH k
    SET k 3
    MULTI
    SET k 4
    EXEC
    GET k
    WATCH k other
    SET other x
    UNWATCH
    MULTI
    GET k
    EXEC
    WATCH k
    SET k 5
    DISCARD
    MULTI
    EXEC
    WATCH k
    SET k 6
    MULTI
    DISCARD
    MULTI
    GET k
    EXEC
    WATCH k
    WATCH other
    MULTI
    WATCH k
    UNWATCH
    GET k
    EXEC`,
  'transactions: everything may stand inside': `
    MULTI
    PING
    BLPOP nope 0
    XREAD BLOCK 0 STREAMS nope $
    CLIENT GETNAME
    #CLIENT ID
    ECHO x
    EVAL return(1) 0
    PUBLISH c x
    SCRIPT LOAD return(1)
    CONFIG GET maxmemory
    WAIT 0 0
    OBJECT ENCODING nope
    FLUSHALL
    RANDOMKEY
    AUTH a
    AUTH a b
    MONITOR
    READONLY
    CLIENT SETNAME x
    ?EXEC
    CLIENT GETNAME
    PING`,
  'transactions: RESET inside': `
    SELECT 1
    SET k v
    MULTI
    GET k
    RESET
    GET k
    EXEC
    SELECT 1
    GET k`,
  'transactions: SUBSCRIBE inside, RESP3': `
    #HELLO 3
    MULTI
    SUBSCRIBE a b
    GET k
    EXEC
    PING
    UNSUBSCRIBE
    PING`,
  'transactions: SSUBSCRIBE inside is refused': `
    MULTI
    SSUBSCRIBE s
    EXEC
    PING
    MULTI
    GET k
    SSUBSCRIBE s t
    ECHO ssubscribe
    EXEC
    PING`,
  'transactions: large': `
    MULTI
    ${Array.from({ length: 300 }, (_, i) => `RPUSH l ${i}`).join('\n')}
    LLEN l
    EXEC
    LLEN l`,
  'subscriptions: one after the other, RESP2': `
    SUBSCRIBE a
    SUBSCRIBE b c
    PING
    PING x
    GET k
    SET k v
    SELECT 1
    MULTI
    EXEC
    CLIENT GETNAME
    ECHO x
    HELLO 3
    NOPE
    PSUBSCRIBE p* q*
    SSUBSCRIBE s t
    UNSUBSCRIBE a
    UNSUBSCRIBE nope
    SUNSUBSCRIBE s
    PUNSUBSCRIBE p*
    UNSUBSCRIBE
    SUNSUBSCRIBE
    PUNSUBSCRIBE
    GET k
    UNSUBSCRIBE
    PUNSUBSCRIBE
    SUNSUBSCRIBE
    PING
    SET k v
    GET k`,
  'subscriptions: the same twice': `
    SUBSCRIBE a a b a
    UNSUBSCRIBE a a
    UNSUBSCRIBE
    SUBSCRIBE a
    RESET
    PING
    GET k`,
  'subscriptions: hears itself, RESP3': `
    #HELLO 3
    SUBSCRIBE a
    PUBLISH a one
    GET k
    PSUBSCRIBE a*
    PUBLISH a two
    PUBLISH ab three
    SSUBSCRIBE a
    SPUBLISH a four
    MULTI
    PUBLISH a five
    SET k v
    EXEC
    UNSUBSCRIBE a
    PUBLISH a six
    PUNSUBSCRIBE
    SUNSUBSCRIBE
    PUBLISH a seven
    GET k
    SELECT 2
    GET k`,
  'subscriptions: left by RESET, RESP3': `
    #HELLO 3
    SUBSCRIBE a b
    PSUBSCRIBE c
    RESET
    PUBLISH a x
    GET k
    UNSUBSCRIBE`,
  'subscriptions: words in other places': `
    LPUSH l message c x
    LRANGE l 0 -1
    RPUSH m subscribe c
    LRANGE m 0 -1
    SUBSCRIBE c
    UNSUBSCRIBE c
    RPUSH n unsubscribe c
    LRANGE n 0 -1
    EVAL return{'message','a','b'} 0
    EVAL return{'pmessage','a','b','c'} 0
    #HELLO 3
    SUBSCRIBE c
    LRANGE l 0 -1
    LRANGE m 0 -1
    EVAL return{'message','a','b'} 0
    PUBLISH c message`,
  'CLIENT REPLY: SKIP, OFF and ON': `
    CLIENT REPLY ON
    CLIENT REPLY SKIP
    PING no
    PING yes
    CLIENT REPLY SKIP
    CLIENT REPLY SKIP
    PING no
    PING yes
    CLIENT REPLY OFF
    SET k v
    PING no
    NOPE
    CLIENT REPLY SKIP
    PING no
    CLIENT REPLY OFF
    CLIENT REPLY ON
    GET k
    PING`,
  'CLIENT REPLY: SKIP before what changes attributes': `
    CLIENT REPLY SKIP
    SELECT 1
    SET k one
    SELECT 0
    GET k
    CLIENT REPLY SKIP
    HELLO 3
    GET nope
    CLIENT REPLY SKIP
    CLIENT SETNAME n
    CLIENT GETNAME
    CLIENT REPLY SKIP
    CLIENT GETNAME
    GET nope`,
  'CLIENT REPLY: OFF, then all kinds of things': `
    CLIENT REPLY OFF
    SELECT 2
    SET k two
    MULTI
    INCR n
    EXEC
    WATCH k
    MULTI
    SET k x
    EXEC
    BLPOP nope 0.01
    CLIENT SETNAME off
    CLIENT REPLY ON
    GET k
    GET n
    CLIENT GETNAME
    SELECT 0
    GET k`,
  'CLIENT REPLY: OFF, then RESET': `
    CLIENT REPLY OFF
    PING
    RESET
    PING`,
  'CLIENT REPLY: OFF to the end': `
    @end
    SET k v
    CLIENT REPLY OFF
    GET k`,
  'CLIENT REPLY: SKIP before MULTI': `
    CLIENT REPLY SKIP
    MULTI
    SET a 1
    EXEC
    MULTI
    CLIENT REPLY SKIP
    SET a 2
    EXEC
    GET a`,
  'CLIENT REPLY: SKIP before blocking': `
    CLIENT REPLY SKIP
    BLPOP nope 0.01
    PING`,
  'blocking: that need not wait': `
    RPUSH l a b c d e f
    BLPOP l 0
    BRPOP l 0
    BLPOP nope l 0
    BLMOVE l m LEFT RIGHT 0
    BRPOPLPUSH l m 0
    BLMPOP 0 2 nope l LEFT COUNT 2
    LRANGE m 0 -1
    ZADD z 1 a 2 b 3 c
    BZPOPMIN z 0
    BZPOPMAX z 0
    BZMPOP 0 1 z MIN
    XADD s 1-1 f v
    XREAD BLOCK 0 STREAMS s 0
    XREAD COUNT 1 STREAMS s 0
    XGROUP CREATE s g 0
    XREADGROUP GROUP g c BLOCK 0 STREAMS s >
    XREADGROUP GROUP g c STREAMS s 0
    WAIT 0 0
    WAIT 0 10`,
  'blocking: that time out': `
    BLPOP nope 0.01
    BRPOP nope 0.01
    PING a
    BLMOVE nope m LEFT RIGHT 0.01
    BZPOPMIN nope 0.01
    XREAD BLOCK 1 STREAMS nope $
    PING b
    SET k v
    BLPOP k 0.01
    WAIT 1 1
    SET k w
    WAIT 1 1
    GET k`,
  'blocking: with others behind them in a pipeline': `
    SET a 1
    BLPOP nope 0.01
    GET a
    INCR a
    BLPOP nope 0.01
    INCR a
    GET a
    MULTI
    INCR a
    EXEC
    BLPOP nope 0.01
    GET a`,
  'tracking: own changes that are broadcast, RESP3': `@whole
    #HELLO 3
    CLIENT TRACKING ON BCAST PREFIX p
    SET p1 x
    SET q1 x
    CLIENT TRACKINGINFO
    CLIENT TRACKING OFF
    GET p1`,
  'tracking: own changes, RESP3': `
    #HELLO 3
    CLIENT TRACKING ON
    GET k
    SET k 1
    GET k
    CLIENT TRACKING OFF
    SET k 2
    GET k
    CLIENT TRACKING ON OPTIN
    CLIENT CACHING YES
    GET k
    SET k 3
    CLIENT TRACKING OFF
    CLIENT TRACKING ON OPTOUT
    CLIENT CACHING NO
    GET k
    SET k 4
    CLIENT GETREDIR
    CLIENT TRACKING OFF
    CLIENT GETREDIR
    CLIENT TRACKING ON NOLOOP
    GET k
    SET k 5
    RESET
    GET k`,
  'tracking: RESP2 needs a redirection': `
    CLIENT TRACKING ON
    CLIENT TRACKING ON REDIRECT 0
    CLIENT TRACKING ON REDIRECT 99999999
    CLIENT CACHING YES
    PING`,
  'connection: flags that stay': `
    CLIENT NO-EVICT ON
    PING
    CLIENT NO-EVICT OFF
    PING
    READONLY
    GET k
    READWRITE
    GET k
    ASKING
    GET k
    PING`,
  'connection: RESET': `
    SELECT 3
    SET k three
    CLIENT SETNAME n
    #HELLO 3
    WATCH k
    RESET
    CLIENT GETNAME
    GET nope
    GET k
    SELECT 3
    GET k
    RESET
    RESET
    PING`,
  'connection: AUTH without a password set': `
    AUTH x
    AUTH default x
    AUTH nobody x
    AUTH '' ''
    ACL WHOAMI
    PING`,
  'scripts: EVAL and its kin': `
    EVAL return(KEYS[1]..ARGV[1]) 1 a b
    SCRIPT LOAD return(redis.call('incr','n'))
    EVALSHA 8d0e5c1d9d4e8d9c4d8a4a3a0a0c8a1b2c3d4e5f 0
    SCRIPT EXISTS 0000000000000000000000000000000000000000
    EVAL return(redis.call('set',KEYS[1],ARGV[1])) 1 k v
    EVAL_RO return(redis.call('get',KEYS[1])) 1 k
    EVAL_RO return(redis.call('set',KEYS[1],'x')) 1 k
    EVAL return(redis.call('select',1)) 0
    GET k
    EVAL redis.setresp(3)return(redis.call('hgetall','nope')) 0
    SCRIPT FLUSH
    SCRIPT KILL
    FUNCTION LIST
    FUNCTION FLUSH
    GET k`,
  'scripts: functions': `
    !*3\\r\\n$8\\r\\nFUNCTION\\r\\n$4\\r\\nLOAD\\r\\n$77\\r\\n#!lua name=lib\\nredis.register_function('f',function(k,a)return k[1]..a[1]end)\\r\\n
    FCALL f 1 k v
    FCALL_RO f 1 k v
    FUNCTION LIST
    FUNCTION STATS
    FUNCTION DELETE lib
    FCALL f 1 k v
    FUNCTION DELETE lib
    FUNCTION KILL`,
  'unknown: as a module has them': `
    SET k v
    JSON.SET doc $ {}
    FT.SEARCH idx *
    GET k
    BF.ADD f x
    TS.ADD t 1 2
    MODULE LIST
    CLIENT FOO
    CONFIG FOO
    GET k`,
  'administration: what asks': `
    ?INFO
    ?INFO server
    ?INFO nope
    CONFIG GET maxmemory
    CONFIG GET no*such*thing
    CONFIG SET maxmemory-samples 5
    CONFIG RESETSTAT
    ?TIME
    ?LASTSAVE
    DBSIZE
    COMMAND COUNT
    ?COMMAND LIST
    COMMAND GETKEYS GET a
    COMMAND GETKEYS
    COMMAND DOCS nope
    ?SLOWLOG LEN
    SLOWLOG RESET
    LATENCY LATEST
    LATENCY RESET
    MEMORY USAGE nope
    MEMORY DOCTOR
    ?ROLE
    ACL WHOAMI
    ACL LIST
    ACL CAT
    ACL GETUSER default
    ACL GETUSER nobody
    ACL DRYRUN default get k
    ?ACL GENPASS
    OBJECT HELP
    CLUSTER INFO
    CLUSTER SLOTS
    PUBSUB CHANNELS
    PUBSUB NUMPAT
    CLIENT UNPAUSE
    CLIENT UNBLOCK 1
    LOLWUT VERSION 9
    ?DEBUG OBJECT nope
    PFADD h a b
    PFCOUNT h
    PFDEBUG ENCODING h
    SORT nope
    SORT nope STORE d
    DUMP nope
    GEOADD g 13.361389 38.115556 Palermo 15.087269 37.502669 Catania
    GEODIST g Palermo Catania
    GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 200 km ASC
    GEOHASH g Palermo Catania
    LCS nope nope2
    BITFIELD b SET u8 0 255 GET u8 0 INCRBY u8 0 1
    XINFO STREAM nope
    WAITAOF 0 0 0`,
  'streams: groups': `
    XADD s 1-1 a 1
    XADD s 2-1 b 2
    XGROUP CREATE s g 0
    XGROUP CREATE s g 0
    XGROUP CREATECONSUMER s g c
    XREADGROUP GROUP g c COUNT 1 STREAMS s >
    XREADGROUP GROUP g c STREAMS s >
    XREADGROUP GROUP g c STREAMS s >
    XPENDING s g
    XACK s g 1-1
    XPENDING s g
    XCLAIM s g d 0 2-1
    XAUTOCLAIM s g d 0 0
    XGROUP DELCONSUMER s g c
    XGROUP DESTROY s g
    XINFO GROUPS s
    XREADGROUP GROUP nope c STREAMS s >
    XREADGROUP GROUP g c BLOCK 1 STREAMS s >
    XLEN s`,
  'sizes: many arguments': `
    MSET ${Array.from({ length: 500 }, (_, i) => `key:${i} ${i}`).join(' ')}
    MGET ${Array.from({ length: 500 }, (_, i) => `key:${i}`).join(' ')}
    DEL ${Array.from({ length: 500 }, (_, i) => `key:${i}`).join(' ')}
    DBSIZE`,
  'sizes: around the bounds of reads and parts': `
    ${[1000, 16_383, 16_384, 65_000, 65_536, 65_537, 200_000].flatMap((size) => [`SET s ${'x'.repeat(size)}`, 'GET s', `ECHO ${'y'.repeat(size)}`, 'STRLEN s']).join('\n')}
    APPEND s ${'z'.repeat(70_000)}
    SELECT 1
    SET s ${'w'.repeat(100_000)}
    MULTI
    GET s
    SET s ${'v'.repeat(100_000)}
    GET s
    EXEC
    GET s`,
  'sizes: large replies amid small ones': `
    SETRANGE big 300000 x
    PING
    GET big
    PING
    GETRANGE big 0 100000
    GET big
    ECHO x
    LPUSH l a
    LRANGE l 0 -1`,
}
