"""What the Python driver for Cassandra does: `cassandra_functional.py PORT VERSION COMPRESSION [USER PASSWORD]`.

Prints `ok NAME` or `failed NAME: WHY` for each case.
"""

import datetime
import decimal
import sys
import time
import traceback
import uuid

from cassandra import ConsistencyLevel, InvalidRequest
from cassandra.auth import PlainTextAuthProvider
from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile
from cassandra.concurrent import execute_concurrent_with_args
from cassandra.policies import WhiteListRoundRobinPolicy
from cassandra.protocol import SyntaxException
from cassandra.query import BatchStatement, BatchType, SimpleStatement, dict_factory
from cassandra.util import Duration

PORT = int(sys.argv[1])
VERSION = int(sys.argv[2])
COMPRESSION = {"none": False}.get(sys.argv[3], sys.argv[3])
KEYSPACE = "functional_python"
REPLICATION = "{'class': 'SimpleStrategy', 'replication_factor': 1}"

CASES = []


def case(function):
    CASES.append(function)
    return function


def same(actual, expected):
    if actual != expected:
        raise AssertionError(f"{actual!r:.300} instead of {expected!r:.300}")


def fails(kind, function):
    try:
        value = function()
    except kind:
        return
    raise AssertionError(f"{value!r} instead of {kind.__name__}")


def connect():
    profile = ExecutionProfile(
        load_balancing_policy=WhiteListRoundRobinPolicy(["127.0.0.1"]),
        request_timeout=60,
        row_factory=dict_factory,
    )
    auth = PlainTextAuthProvider(sys.argv[4], sys.argv[5]) if len(sys.argv) > 5 else None
    return Cluster(
        ["127.0.0.1"],
        port=PORT,
        protocol_version=VERSION,
        compression=COMPRESSION,
        auth_provider=auth,
        execution_profiles={EXEC_PROFILE_DEFAULT: profile},
        schema_event_refresh_window=0.05,
    )


@case
def version(s):
    same(s.cluster.protocol_version, VERSION)


@case
def types(s):
    values = {
        "a": ("ascii", "abc"),
        "b": ("bigint", -(2**63)),
        "c": ("blob", bytes(range(256))),
        "d": ("boolean", True),
        "e": ("decimal", decimal.Decimal("-1234567890.0987654321")),
        "f": ("double", -1.5e300),
        "g": ("float", 0.5),
        "h": ("inet", "10.1.2.3"),
        "i": ("int", -(2**31)),
        "j": ("text", "жук 🐛"),
        "l": ("timestamp", datetime.datetime(2009, 2, 13, 23, 31, 30, 123000)),
        "m": ("timeuuid", uuid.UUID("50554d6e-29bb-11e5-b345-feff819cdc9f")),
        "n": ("uuid", uuid.UUID("12345678-1234-4234-8234-1234567890ab")),
        "o": ("varint", -(2**128)),
        "p": ("list<int>", [1, 2, 3]),
        "q": ("set<text>", {"a", "b"}),
        "r": ("map<text, int>", {"x": 1}),
        "t": ("frozen<tuple<int, text>>", (1, "one")),
    }
    if VERSION >= 4:
        values["u"] = ("smallint", -32768)
        values["v"] = ("tinyint", -128)
    if VERSION >= 5:
        values["w"] = ("duration", Duration(1, 2, 3))
    columns = ", ".join(f"{name} {kind}" for name, (kind, _) in values.items())
    s.execute(f"CREATE TABLE types (k int PRIMARY KEY, {columns})")
    names = list(values)
    marks = ", ".join("?" for _ in names)
    insert = s.prepare(f"INSERT INTO types (k, {', '.join(names)}) VALUES (1, {marks})")
    s.execute(insert, [values[name][1] for name in names])
    row = s.execute("SELECT * FROM types WHERE k = 1").one()
    for name in names:
        actual = row[name]
        expected = values[name][1]
        if name in "qr":
            same(str(sorted(actual)), str(sorted(expected)))
        elif name == "p":
            same(list(actual), expected)
        else:
            same(actual, expected)


@case
def prepared(s):
    s.execute("CREATE TABLE prepared (k int PRIMARY KEY, v text)")
    insert = s.prepare("INSERT INTO prepared (k, v) VALUES (?, ?)")
    select = s.prepare("SELECT v FROM prepared WHERE k = ?")
    for ok, why in execute_concurrent_with_args(s, insert, [(k, f"v{k}") for k in range(300)], concurrency=100):
        same((ok, why if not ok else None), (True, None))
    results = execute_concurrent_with_args(s, select, [(k,) for k in range(300)], concurrency=100)
    same([result.one()["v"] for _, result in results], [f"v{k}" for k in range(300)])
    s.execute("ALTER TABLE prepared ADD w int")
    same(s.execute(s.prepare("SELECT * FROM prepared WHERE k = 1")).one(), {"k": 1, "v": "v1", "w": None})


@case
def batches(s):
    s.execute("CREATE TABLE batches (k int, c int, v text, PRIMARY KEY (k, c))")
    insert = s.prepare("INSERT INTO batches (k, c, v) VALUES (?, ?, ?)")
    batch = BatchStatement(batch_type=BatchType.UNLOGGED)
    for c in range(300):
        batch.add(insert, (1, c, "v" * 20))
    batch.add(SimpleStatement("DELETE FROM batches WHERE k = 1 AND c = 7"))
    s.execute(batch)
    same(s.execute("SELECT count(*) FROM batches").one()["count"], 299)


@case
def paging(s):
    statement = SimpleStatement("SELECT c FROM batches WHERE k = 1", fetch_size=17)
    same([row["c"] for row in s.execute(statement)], [c for c in range(300) if c != 7])


@case
def light_weight_transactions(s):
    s.execute("CREATE TABLE lwt (k int PRIMARY KEY, v int)")
    same(s.execute("INSERT INTO lwt (k, v) VALUES (1, 1) IF NOT EXISTS").was_applied, True)
    same(s.execute("INSERT INTO lwt (k, v) VALUES (1, 2) IF NOT EXISTS").was_applied, False)


@case
def errors(s):
    fails(SyntaxException, lambda: s.execute("SELEC 1"))
    fails(InvalidRequest, lambda: s.execute("SELECT * FROM nothing"))


@case
def tracing(s):
    trace = s.execute("SELECT * FROM prepared WHERE k = 2", trace=True, timeout=60).get_query_trace()
    same(len(trace.events) > 0, True)


@case
def large_rows(s):
    s.execute("CREATE TABLE large (k int PRIMARY KEY, v text)")
    value = "0123456789" * 1_000_000
    insert = s.prepare("INSERT INTO large (k, v) VALUES (?, ?)")
    s.execute(insert, (1, value))
    futures = [s.execute_async("SELECT v FROM large WHERE k = 1") for _ in range(3)]
    futures += [s.execute_async("SELECT v FROM prepared WHERE k = 3") for _ in range(30)]
    texts = [future.result().one()["v"] for future in futures]
    same([text == value for text in texts[:3]], [True] * 3)
    same(texts[3:], ["v3"] * 30)


@case
def random_values(s):
    import os

    s.execute("CREATE TABLE random (k int PRIMARY KEY, v blob)")
    insert = s.prepare("INSERT INTO random (k, v) VALUES (?, ?)")
    values = [os.urandom(size) for size in (0, 1, 100, 65_000, 65_600, 131_000, 131_071, 131_072, 300_000)]
    for k, value in enumerate(values):
        s.execute(insert, (k, value))
    for k, value in enumerate(values):
        same(s.execute("SELECT v FROM random WHERE k = %s", (k,)).one()["v"] == value, True)


@case
def keyspaces(s):
    s.execute("USE system")
    same(len(s.execute("SELECT * FROM local").all()), 1)
    s.execute(f"USE {KEYSPACE}")
    same(s.execute("SELECT v FROM prepared WHERE k = 5").one()["v"], "v5")


@case
def events(s):
    other = connect()
    try:
        t = other.connect(KEYSPACE)
        t.execute("CREATE TABLE announced (k int PRIMARY KEY)")
        tables = s.cluster.metadata.keyspaces[KEYSPACE].tables
        deadline = time.time() + 20
        while "announced" not in tables and time.time() < deadline:
            time.sleep(0.02)
            tables = s.cluster.metadata.keyspaces[KEYSPACE].tables
        same("announced" in tables, True)
    finally:
        other.shutdown()


@case
def consistency(s):
    statement = SimpleStatement("SELECT v FROM prepared WHERE k = 1", consistency_level=ConsistencyLevel.LOCAL_QUORUM)
    same(s.execute(statement).one()["v"], "v1")


cluster = connect()
session = cluster.connect()
session.execute(f"DROP KEYSPACE IF EXISTS {KEYSPACE}")
session.execute(f"CREATE KEYSPACE {KEYSPACE} WITH replication = {REPLICATION}")
session.set_keyspace(KEYSPACE)
for run in CASES:
    name = run.__name__.replace("_", " ")
    try:
        run(session)
        print(f"ok {name}", flush=True)
    except Exception as error:
        why = " | ".join([*traceback.format_exception_only(error), *traceback.format_tb(error.__traceback__)[-1:]])
        print(f"failed {name}: {' '.join(why.split())}", flush=True)
cluster.shutdown()
