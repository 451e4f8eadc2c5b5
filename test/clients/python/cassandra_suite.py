"""The cases of the suite with the Python driver for Cassandra: `cassandra_suite.py SETTINGS CASES`, both JSON, the second in a file.

Prints a line of JSON for each step: what came of it.
"""

import hashlib
import json
import ssl
import sys
import time

from cassandra import ConsistencyLevel
from cassandra.auth import PlainTextAuthProvider
from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile
from cassandra.concurrent import execute_concurrent
from cassandra.policies import WhiteListRoundRobinPolicy
from cassandra.query import BatchStatement, BatchType, SimpleStatement

SETTINGS = json.loads(sys.argv[1])
SESSIONS = {}


def connect(keyspace, user, password):
    profile = ExecutionProfile(
        load_balancing_policy=WhiteListRoundRobinPolicy([SETTINGS["host"]]),
        request_timeout=60,
        row_factory=lambda names, rows: [(names, row) for row in rows],
    )
    context = ssl.create_default_context(cafile=SETTINGS["authority"]) if SETTINGS["authority"] else None
    cluster = Cluster(
        [SETTINGS["host"]],
        port=SETTINGS["port"],
        protocol_version=SETTINGS["version"],
        compression=SETTINGS["compression"] or False,
        auth_provider=PlainTextAuthProvider(user, password) if user else None,
        ssl_context=context,
        execution_profiles={EXEC_PROFILE_DEFAULT: profile},
        schema_event_refresh_window=0.05,
    )
    try:
        return cluster.connect(keyspace)
    except Exception:
        cluster.shutdown()
        raise


def open_session(step):
    SESSIONS[step["name"]] = connect(
        step.get("keyspace"), step.get("user", SETTINGS["user"]), step.get("password", SETTINGS["password"])
    )


def value_of(value, i):
    """A value of the suite; those of `many` name the one that they are of."""
    if value == "$i":
        return i
    if isinstance(value, str):
        return value.replace("$i", str(i))
    if isinstance(value, dict):
        return blob(value["blob"])
    return value


def blob(size):
    """Bytes that do not compress, the same in each language, in blocks that repeat."""
    block = bytearray()
    x = 1
    for _ in range(min(size, 65537)):
        x = (x * 1103515245 + 12345) % 2**31
        block.append(x >> 16 & 255)
    return (bytes(block) * (size // 65537 + 1))[:size]


def text(value):
    if isinstance(value, bytes) and len(value) > 64:
        return f"{len(value)} bytes {hashlib.sha256(value).hexdigest()[:16]}"
    return repr(value)


def row_text(row):
    names, values = row
    return " ".join(f"{name}={text(value)}" for name, value in zip(names, values))


def statement_of(session, asked, i=0):
    if "values" in asked or asked.get("prepare"):
        return session.prepare(asked["cql"]).bind([value_of(value, i) for value in asked.get("values", [])])
    return SimpleStatement(asked["cql"])


def execute(session, statement, step):
    if "consistency" in step:
        statement.consistency_level = getattr(ConsistencyLevel, step["consistency"])
    if "page" in step:
        statement.fetch_size = step["page"]
    clock = session.cluster.timestamp_generator
    if "timestamp" in step:
        session.cluster.timestamp_generator = lambda: step["timestamp"]
    payload = {key: value.encode() for key, value in step["payload"].items()} if "payload" in step else None
    told = {"rows": [], "pages": []}
    state = None
    while True:
        options = {"trace": step.get("trace", False), "custom_payload": payload, "paging_state": state}
        future = session.execute_async(statement, **options)
        result = future.result()
        rows = [row_text(row) for row in result.current_rows]
        told["rows"] += rows
        told["pages"].append(len(rows))
        told["warnings"] = future.warnings
        told["payload"] = {key: value.hex() for key, value in (future.custom_payload or {}).items()}
        if step.get("trace"):
            told["traced"] = len(result.get_query_trace(max_wait_sec=20).events) > 0
        state = result.paging_state
        if state is None or "page" not in step:
            break
    session.cluster.timestamp_generator = clock
    return told


def run(step):
    session = SESSIONS[step.get("on", "main")]
    return execute(session, statement_of(session, step), step)


def copy(step):
    session = SESSIONS["main"]
    _, values = session.execute(step["select"])[0]
    return execute(session, session.prepare(step["insert"]).bind(list(values)), step)


def batch(step):
    session = SESSIONS[step.get("on", "main")]
    whole = BatchStatement(batch_type=getattr(BatchType, step["kind"].upper()))
    for asked in step["statements"]:
        whole.add(statement_of(session, asked))
    return execute(session, whole, step)


def many(step):
    sessions = [SESSIONS[name] for name in step["sessions"]]
    prepared = [session.prepare(step["cql"]) for session in sessions]
    futures = []
    for i in range(step["count"]):
        at = i % len(sessions)
        values = [value_of(value, i) for value in step["values"]]
        futures.append(sessions[at].execute_async(prepared[at], values))
    rows = [" ".join(row_text(row) for row in future.result()) for future in futures]
    return {"rows": rows[:1], "digest": hashlib.sha256("\n".join(rows).encode()).hexdigest()}


def event(step):
    other = connect(SETTINGS["keyspace"], SETTINGS["user"], SETTINGS["password"])
    try:
        other.execute(step["cql"])
        deadline = time.time() + 20
        while time.time() < deadline:
            if step["table"] in SESSIONS["main"].cluster.metadata.keyspaces[SETTINGS["keyspace"]].tables:
                return {"rows": []}
            time.sleep(0.02)
        raise TimeoutError("no event")
    finally:
        other.cluster.shutdown()


def close(step):
    session = SESSIONS.pop(step["name"], None)
    if session:
        session.cluster.shutdown()


DO = {"run": run, "copy": copy, "batch": batch, "many": many, "event": event, "open": open_session, "close": close}

SESSIONS["main"] = connect(SETTINGS["keyspace"], SETTINGS["user"], SETTINGS["password"])
print(json.dumps({"version": SESSIONS["main"].cluster.protocol_version}))
for case in json.load(open(sys.argv[2])):
    for index, step in enumerate(case["steps"]):
        try:
            told = DO[step["do"]](step) or {}
        except Exception as error:
            told = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps({"case": case["name"], "step": index, **told}), flush=True)
for session in SESSIONS.values():
    session.cluster.shutdown()
