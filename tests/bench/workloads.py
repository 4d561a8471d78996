"""What is measured, and what it should come to."""

from collections.abc import Callable
from dataclasses import dataclass, field

import loads
from peers import CABUNDLE, FORKRELAY, RECYCLING
from targets import FILES

MEGABYTE = 1e6
KILOBYTE = 1e3
MICROSECONDS = 1e6
LESS, MORE = "less", "more"


@dataclass(frozen=True)
class Plan:
    """How long and how often; the goals are the same."""

    rounds: int
    seconds: int
    bulk_bytes: int
    idle_connections: int = 500


FULL = Plan(rounds=5, seconds=4, bulk_bytes=1 << 30)
QUICK = Plan(rounds=1, seconds=1, bulk_bytes=1 << 28)


@dataclass(frozen=True)
class Bench:
    """What a measurement is made with: the proxy as a service, its target, the plan, the helpers."""

    service: object
    peer: object
    target: object
    plan: Plan
    tools: object


# ---- measurements: each says its figures, and the errors by kind ----


def fields_of(bench, others=()):
    """What the client has to send itself where nothing in between does, or else others."""
    return bench.target.fields if bench.peer.is_floor else others


def keep_alive(name, connections):
    def measure(bench):
        service = bench.service
        before = service.cpu_seconds()
        found = loads.wrk(service.port, f"/{name}", FILES[name], connections, bench.plan.seconds, fields_of(bench))
        service.settle()
        requests = max(found["requests"], 1)
        cpu = (service.cpu_seconds() - before) * MICROSECONDS / requests
        figures = {
            "rate": requests / found["seconds"],
            "latency": found["median_us"],
            "cpu": None if bench.peer.is_floor else cpu,  # whose children nobody waits for
        }
        return figures, found["errors"]

    return measure


PAUSE_MS = 10  # of the one client, so that it measures how long an answer takes, not how many there can be


def fresh(clients, pause_ms=0):
    def measure(bench):
        port = bench.service.port
        fields = fields_of(bench, (f"Host: 127.0.0.1:{port}",))
        found = loads.fresh(bench.tools, port, "/1k", FILES["1k"], clients, pause_ms, bench.plan.seconds, fields)
        bench.service.settle()
        return {"rate": found["requests"] / found["seconds"], "latency": found["median_us"]}, found["errors"]

    return measure


def bulk(kind):
    def measure(bench):
        found = loads.bulk(bench.tools, bench.service.port, kind, bench.plan.bulk_bytes)
        return {"rate": found["bytes"] / found["seconds"] / MEGABYTE}, found["errors"]

    return measure


def idle(bench):
    count = bench.plan.idle_connections
    pss, errors = loads.held_open(bench.service.port, "/1k", FILES["1k"], count, bench.service.pss_bytes)
    return {"memory": None if pss is None else pss / count / KILOBYTE}, errors


@dataclass(frozen=True)
class Run:
    """A load on each proxy in turn. Proxies are told to expect so many clients."""

    target: str
    measure: Callable
    clients: int = 64
    floors: tuple = ()
    is_fresh: bool = False
    is_once: bool = False  # it does not vary from round to round


RUNS = {
    "latency": Run("http", keep_alive("1k", 1)),
    "keep-alive": Run("http", keep_alive("1k", 64), floors=(FORKRELAY,)),
    "keep-alive-tls": Run("https", keep_alive("1k", 64)),
    "100k": Run("http", keep_alive("100k", 16)),
    "download": Run("http", bulk("download")),
    "upload": Run("sink", bulk("upload")),
    "chunked": Run("sink", bulk("chunked")),
    "fresh-one-tls": Run("https", fresh(1, PAUSE_MS), is_fresh=True),
    "fresh": Run("http", fresh(8), floors=(FORKRELAY,), is_fresh=True),
    "fresh-tls": Run("https", fresh(8), floors=(CABUNDLE,), is_fresh=True),
    "idle": Run("http", idle, clients=500, is_once=True),
    "idle-tls": Run("https", idle, clients=500, is_once=True),
}


# ---- the table ----


@dataclass(frozen=True)
class Goal:
    """authbridge's figure over a peer's: at least `factor` where more is better, at most where less is."""

    factor: float
    against: str  # a peer's name, or BEST
    of: str = ""  # authbridge under other settings


@dataclass(frozen=True)
class Cap:
    """A figure that authbridge's must not exceed, whatever the peers do."""

    limit: float


BEST = "best peer"


@dataclass(frozen=True)
class Row:
    """A figure of a run, by which proxies are compared."""

    title: str
    run: str
    figure: str
    unit: str
    better: str
    goals: tuple = field(default=())


ROWS = (
    Row("keep-alive, 1 KiB, 1 connection: median latency", "latency", "latency", "µs", LESS, (Goal(0.95, "nginx"),)),
    Row(
        "keep-alive, 1 KiB, 64 connections",
        "keep-alive",
        "rate",
        "/s",
        MORE,
        (Goal(0.9, "nginx"), Goal(1.5, "Apache prefork"), Goal(3, "Caddy")),
    ),
    Row(
        "keep-alive, 1 KiB, 64 connections, https target",
        "keep-alive-tls",
        "rate",
        "/s",
        MORE,
        (Goal(0.85, "nginx"),),
    ),
    Row(
        "keep-alive, 1 KiB, 64 connections: CPU per request",
        "keep-alive",
        "cpu",
        "µs",
        LESS,
        (Goal(1.2, "nginx"),),
    ),
    Row("100 KiB responses, 16 connections", "100k", "rate", "/s", MORE, (Goal(1, "HAProxy"), Goal(2, "nginx"))),
    Row("one large download", "download", "rate", "MB/s", MORE, (Goal(1, BEST),)),
    Row("one large upload, with length", "upload", "rate", "MB/s", MORE, (Goal(1, BEST),)),
    Row("one large upload, chunked", "chunked", "rate", "MB/s", MORE, (Goal(1, BEST),)),
    Row(
        "fresh connection, https target, 1 client: median time",
        "fresh-one-tls",
        "latency",
        "µs",
        LESS,
        (Goal(1.2, "nginx"),),
    ),
    Row(
        "fresh connections, 8 clients, http target",
        "fresh",
        "rate",
        "/s",
        MORE,
        (Goal(0.5, FORKRELAY.name), Goal(0.9, "Apache prefork", of=RECYCLING.name)),
    ),
    Row("fresh connections, 8 clients, https target", "fresh-tls", "rate", "/s", MORE, (Goal(12, CABUNDLE.name),)),
    Row("500 idle connections: memory of each", "idle", "memory", "KB", LESS, (Cap(300),)),
    Row("500 idle connections, https target: memory of each", "idle-tls", "memory", "KB", LESS, (Cap(700),)),
)
