"""What tests that look at memory, or need a hand in the background, share."""

import os
import re
import threading
from pathlib import Path

# For a daemon whose memory is looked at: under AddressSanitizer, what was freed would else count as in use.
FREE_AT_ONCE = {"ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=1"}


def memory(pid, name):
    """A figure from the process's status, in KiB."""
    return int(re.search(rf"{name}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())[1])


def in_background(function, *arguments):
    thread = threading.Thread(target=function, args=arguments, daemon=True)
    thread.start()
    return thread
