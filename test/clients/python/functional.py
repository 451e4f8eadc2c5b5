"""What redis-py does, on the port given: `functional.py PORT RESP`. Prints `ok NAME` or `failed NAME: WHY` for each case."""

import asyncio
import os
import sys
import threading
import traceback

import redis
import redis.asyncio

PORT = int(sys.argv[1])
RESP = int(sys.argv[2])

CASES = []


def case(function):
    CASES.append(function)
    return function


def connect(**options):
    return redis.Redis(host="127.0.0.1", port=PORT, protocol=RESP, socket_timeout=10, **options)


def same(actual, expected):
    if actual != expected:
        raise AssertionError(f"{actual!r} instead of {expected!r}")


def fails(text, function):
    try:
        value = function()
    except redis.RedisError as error:
        if text not in str(error):
            raise AssertionError(f"{error} does not say {text!r}") from error
        return
    raise AssertionError(f"{value!r} instead of an error")


@case
def strings(r):
    same(r.set("k", "v", ex=100), True)
    same(r.get("k"), b"v")
    same(r.get("nothing"), None)
    same(r.mset({"a": 1, "b": 2}), True)
    same(r.mget("a", "nothing", "b"), [b"1", None, b"2"])
    same(r.incrby("a", 41), 42)
    same(r.ttl("k") > 0, True)
    same(r.getrange("k", 0, 0), b"v")
    same(r.setnx("k", "w"), False)


@case
def collections(r):
    same(r.hset("h", mapping={"a": 1, "b": 2}), 2)
    same(r.hgetall("h"), {b"a": b"1", b"b": b"2"})
    same(r.hgetall("nothing"), {})
    same(r.rpush("l", "a", "b", "c"), 3)
    same(r.lrange("l", 0, -1), [b"a", b"b", b"c"])
    same(r.sadd("s", "a", "b"), 2)
    same(r.smembers("s"), {b"a", b"b"})
    same(r.zadd("z", {"a": 1.5, "b": 2}), 2)
    same(r.zscore("z", "a"), 1.5)
    same([member for member, *_ in r.zrange("z", 0, -1, withscores=True)], [b"a", b"b"])
    same(r.xadd("x", {"f": "v"}, id="1-1"), b"1-1")
    same(r.xrange("x"), [(b"1-1", {b"f": b"v"})])
    same(r.setbit("bits", 7, 1), 0)
    same(r.bitcount("bits"), 1)
    same(r.pfadd("p", "a"), 1)


@case
def pipelines(r):
    with r.pipeline(transaction=False) as pipe:
        for i in range(1000):
            pipe.set(f"k{i}", i).get(f"k{i}")
        replies = pipe.execute()
    same(replies[1::2], [str(i).encode() for i in range(1000)])
    with r.pipeline(transaction=False) as pipe:
        replies = pipe.set("s", "v").lpush("s", "x").get("s").execute(raise_on_error=False)
    same([replies[0], type(replies[1]).__name__, replies[2]], [True, "ResponseError", b"v"])


@case
def transactions(r):
    with r.pipeline() as pipe:
        same(pipe.set("k", 1).incr("k").get("k").execute(), [True, 2, b"2"])
    with r.pipeline() as pipe:
        pipe.watch("k")
        r.set("k", 10)
        pipe.multi()
        pipe.set("k", 3)
        fails("Watched variable changed", pipe.execute)
    same(r.get("k"), b"10")
    with r.pipeline() as pipe:
        pipe.set("s", "x").incr("s")
        fails("not an integer", pipe.execute)
    same(r.transaction(lambda pipe: (pipe.multi(), pipe.incr("k")), "k"), [11])


@case
def blocking(r):
    waits = []
    waiter = threading.Thread(target=lambda: waits.append(connect().blpop("q", 10)))
    waiter.start()
    other = connect()
    while not any(client.get("cmd") == "blpop" for client in other.client_list()):
        pass
    same(other.rpush("q", "x"), 1)
    waiter.join()
    same(tuple(waits[0]), (b"q", b"x"))
    same(r.blpop("nothing", 0.05), None)
    same(r.blmove("nothing", "t", 0.05), None)


@case
def publish_and_subscribe(r):
    channel = r.pubsub()
    channel.subscribe("c", "d")
    channel.psubscribe("p*")
    kinds = [channel.get_message(timeout=5)["type"] for _ in range(3)]
    same(kinds, ["subscribe", "subscribe", "psubscribe"])
    same(connect().publish("c", "one"), 1)
    same(channel.get_message(timeout=5)["data"], b"one")
    same(connect().publish("pp", "two"), 1)
    same(channel.get_message(timeout=5)["data"], b"two")
    channel.unsubscribe()
    channel.punsubscribe()
    same({channel.get_message(timeout=5)["type"] for _ in range(3)}, {"unsubscribe", "punsubscribe"})
    same(connect().publish("c", "nobody"), 0)
    channel.subscribe("c")
    same(channel.get_message(timeout=5)["type"], "subscribe")
    same(connect().publish("c", "again"), 1)
    same(channel.get_message(timeout=5)["data"], b"again")
    channel.close()
    shard = r.pubsub()
    shard.ssubscribe("s")
    same(shard.get_message(timeout=5)["type"], "ssubscribe")
    same(connect().spublish("s", "three"), 1)
    same(shard.get_message(timeout=5)["data"], b"three")
    shard.close()


@case
def monitoring(r):
    with r.monitor() as monitor:
        connect().set("seen", "x")
        while "seen" not in monitor.next_command()["command"]:
            pass


@case
def scripts(r):
    twice = r.register_script("return {KEYS[1], ARGV[1] * 2}")
    same(twice(keys=["k"], args=[21]), [b"k", 42])
    sha = r.script_load("return redis.call('incr', KEYS[1])")
    same(r.evalsha(sha, 1, "n"), 1)
    same(r.script_exists(sha), [True])
    fails("No matching script", lambda: r.evalsha("0" * 40, 0))
    same(r.function_load("#!lua name=lib\nredis.register_function('f', function(k, a) return a[1] end)", replace=True), b"lib")
    same(r.fcall("f", 0, "x"), b"x")
    same(r.function_flush(), True)


@case
def databases_and_names(r):
    third = connect(db=3, client_name="me")
    same(third.set("k", "three"), True)
    same(r.get("k"), None)
    same(third.get("k"), b"three")
    same(third.client_getname(), "me" if isinstance(third.client_getname(), str) else b"me")
    one = r.client()
    same(one.execute_command("SELECT", 3), True)
    same(one.get("k"), b"three")
    same(one.execute_command("RESET"), one.execute_command("RESET"))
    same(one.get("k"), None)
    fails("DB index is out of range", lambda: connect(db=99).ping())


@case
def large_and_binary(r):
    for size in (0, 1, 65536, 1 << 20, 16 << 20):
        value = os.urandom(min(size, 4096)) * (size // 4096) if size >= 4096 else os.urandom(size)
        same(r.set("large", value), True)
        same(r.get("large") == value, True)
    key = bytes(range(256))
    same(r.set(key, key), True)
    same(r.get(key), key)


@case
def scans(r):
    with r.pipeline() as pipe:
        for i in range(500):
            pipe.set(f"scan:{i}", i)
        pipe.execute()
    same(len(set(r.scan_iter("scan:*", count=50))), 500)
    same(r.dbsize(), 500)


@case
def errors(r):
    same(r.set("k", "v"), True)
    fails("wrong kind of value", lambda: r.lpush("k", "x"))
    fails("unknown command", lambda: r.execute_command("NOPE"))
    fails("unknown command", lambda: r.execute_command("JSON.GET", "k"))
    fails("wrong number of arguments", lambda: r.execute_command("GET"))
    fails("invalid username-password", lambda: connect(username="nobody", password="x").ping())
    same(r.get("k"), b"v")


@case
def questions(r):
    same("redis_version" in r.info("server"), True)
    same("maxmemory" in r.config_get("maxmemory"), True)
    same(r.wait(0, 0), 0)
    same(r.ping(), True)
    same(r.echo("x"), b"x")
    same(len(r.time()), 2)
    same(r.object("encoding", "nothing"), None)
    same(r.command_count() > 200, True)


@case
def many_threads(r):
    wrong = []

    def work(name):
        for i in range(100):
            value = f"{name}:{i}".encode()
            r.set(name, value)
            if r.get(name) != value:
                wrong.append(value)

    threads = [threading.Thread(target=work, args=(f"thread{i}",)) for i in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    same(wrong, [])


@case
def asyncio_client(_):
    async def work():
        async with redis.asyncio.Redis(host="127.0.0.1", port=PORT, protocol=RESP) as r:
            same(await r.set("k", "v"), True)
            values = await asyncio.gather(*(r.incr("n") for _ in range(50)))
            same(sorted(values), list(range(1, 51)))
            async with r.pipeline(transaction=True) as pipe:
                same(await pipe.set("k", 1).incr("k").execute(), [True, 2])
            async with r.pubsub() as channel:
                await channel.subscribe("c")
                same((await channel.get_message(timeout=5))["type"], "subscribe")
                await r.publish("c", "x")
                same((await channel.get_message(timeout=5))["data"], b"x")

    asyncio.run(work())


def main():
    for function in CASES:
        name = function.__name__
        client = connect()
        try:
            client.flushall()
            function(client)
            print(f"ok {name}", flush=True)
        except Exception as error:  # each case is told apart, whatever it met
            where = traceback.extract_tb(error.__traceback__)[-1]
            text = " ".join(f"{type(error).__name__}: {error}".split())
            print(f"failed {name}: {text} ({os.path.basename(where.filename)}:{where.lineno})", flush=True)
        finally:
            client.close()


main()
