"""What tests that look at memory, or need a hand in the background, share."""

import re
import threading
from pathlib import Path


def memory(pid, name):
    """A figure from the process's status, in KiB."""
    return int(re.search(rf"{name}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())[1])


def in_background(function, *arguments):
    thread = threading.Thread(target=function, args=arguments, daemon=True)
    thread.start()
    return thread
