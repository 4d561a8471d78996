"""What tests that look at memory, or need a hand in the background, share."""

import os
import re
import threading
from pathlib import Path

# For a daemon whose memory is looked at: under AddressSanitizer, what was freed would else count as in use.
FREE_AT_ONCE = {"ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=0:thread_local_quarantine_size_kb=0"}


def memory(pid, name):
    """A figure from the process's status, in KiB."""
    return int(re.search(rf"{name}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())[1])


def cpu_seconds(pid):
    """The processor time that a process has used."""
    user, system = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def writable_memory(pid):
    """All that a process can have written to; for root, as the daemon's processes are hidden from its own user."""
    parts = []
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as file:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            span, access, *_ = line.split()
            start, end = (int(number, 16) for number in span.split("-"))
            if access.startswith("rw-p") and end - start < 1 << 26:  # AddressSanitizer's own are larger
                file.seek(start)
                parts.append(file.read(end - start))
    return b"".join(parts)


def in_background(function, *arguments):
    thread = threading.Thread(target=function, args=arguments, daemon=True)
    thread.start()
    return thread
