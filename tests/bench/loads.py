"""The loads: each is put on one port, and says what it measured and how many requests went wrong, by kind."""

import json
import socket
import subprocess
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

WRK_SCRIPT = Path(__file__).with_name("wrk.lua")
CLIENT_FIELDS = ("User-Agent: bench", "Accept: */*")
WRK_THREADS = 2
SPARE_SECONDS = 60
ANSWER = "answer"  # the kind of error that is a wrong answer, or none


def _result_of(command, seconds):
    """Runs a load to its end; its last line is the result. Errors that it does not tell apart are wrong answers."""
    words = [str(word) for word in command]
    done = subprocess.run(words, capture_output=True, text=True, timeout=seconds + SPARE_SECONDS, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(words)}: status {done.returncode}: {done.stderr or done.stdout}")
    result = json.loads(done.stdout.splitlines()[-1])
    errors = result["errors"]
    result["errors"] = Counter(errors if isinstance(errors, dict) else {ANSWER: errors})
    return result


def wrk(port, path, length, connections, seconds, more_fields):
    """Kept connections, each with one request at a time."""
    fields = [word for field in (*more_fields, *CLIENT_FIELDS) for word in ("-H", field)]
    threads = min(WRK_THREADS, connections)
    result = _result_of(
        ["wrk", "-t", threads, "-c", connections, "-d", f"{seconds}s", "-s", WRK_SCRIPT, *fields]
        + [f"http://127.0.0.1:{port}{path}"],
        seconds,
    )
    if result["requests"] == 0 or result["bytes"] < result["requests"] * length:
        result["errors"][ANSWER] += 1  # without its content
    return result


def fresh(tools, port, path, length, clients, pause_ms, seconds, more_fields):
    """A new connection for each request; each client pauses between two of them."""
    fields = (*more_fields, *CLIENT_FIELDS, "Connection: close")
    result = _result_of([tools / "fresh", port, clients, seconds, pause_ms, path, length, *fields], seconds)
    if result["requests"] == 0:
        result["errors"][ANSWER] += 1
    return result


def bulk(tools, port, kind, size):
    """One large transfer: download, upload or chunked."""
    fields = (f"Host: 127.0.0.1:{port}", *CLIENT_FIELDS)
    return _result_of([tools / "bulk", port, kind, "/bulk", size, *fields], 0)


def _exchange(connection, port, path, length):
    """One request on a connection that stays open; whether the answer was right."""
    lines = (f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", *CLIENT_FIELDS, "", "")
    connection.sendall("\r\n".join(lines).encode())
    received = b""
    while b"\r\n\r\n" not in received:
        piece = connection.recv(65536)
        if not piece:
            return False
        received += piece
    head, _, content = received.partition(b"\r\n\r\n")
    while len(content) < length:
        piece = connection.recv(65536)
        if not piece:
            return False
        content += piece
    return head.startswith(b"HTTP/1.1 200 ") and len(content) == length


def held_open(port, path, length, count, look):
    """Has one exchange on each of so many connections, and calls `look` while all are idle; says what it saw, and
    the errors."""
    wrong = 0
    with ExitStack() as stack:
        for _ in range(count):
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", port), SPARE_SECONDS))
            wrong += not _exchange(connection, port, path, length)
        return look(), Counter({ANSWER: wrong})
