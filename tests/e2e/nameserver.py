"""A name server for the tests, and the way to a bridge that asks it and no other."""

import os
import random
import socket
import struct
import threading
from contextlib import suppress

from wire import DEADLINE

A, AAAA = 1, 28
NXDOMAIN, SERVFAIL = 3, 2
TIMEOUT, ATTEMPTS = 2, 2
RESOLVER_PATIENCE = TIMEOUT * ATTEMPTS  # in seconds, with a server that is silent

# Puts files of the test's in the place of the system's, for one program alone.
WITH_OWN_FILES = """
set -e
mount --bind "$1" "$(readlink -f /etc/resolv.conf)"
mount --bind "$2" "$(readlink -f /etc/nsswitch.conf)"
shift 2
exec "$@"
"""


class NameServer:
    """Answers by its `records`, {name: [addresses]}; with `failure` instead where that is set, None for silence.

    `asked` holds the names of the questions, in order.
    """

    ANSWERS = object()

    def __init__(self, folder):
        self.address = f"127.{random.randint(1, 254)}.{random.randint(1, 254)}.53"
        self.records = {}
        self.failure = self.ANSWERS
        self.asked = []
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind((self.address, 53))
        self.files = (folder / "resolv.conf", folder / "nsswitch.conf")
        self.files[0].write_text(f"nameserver {self.address}\noptions timeout:{TIMEOUT} attempts:{ATTEMPTS}\n")
        self.files[1].write_text("hosts: files dns\n")
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    @property
    def through(self):
        """The command by which a bridge is started that asks this server."""
        return ["unshare", "--mount", "sh", "-c", WITH_OWN_FILES, "sh", *map(str, self.files)]

    def close(self):
        with suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)
        with suppress(OSError):
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"", (self.address, 53))
        self.thread.join(DEADLINE)
        self.sock.close()

    def _serve(self):
        while True:
            try:
                query, peer = self.sock.recvfrom(4096)
            except OSError:
                return
            if not query:
                return
            reply = self._answer(query)
            if reply:
                self.sock.sendto(reply, peer)

    def _answer(self, query):
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1 : at + 1 + query[at]].decode())
            at += 1 + query[at]
        (kind,) = struct.unpack_from("!H", query, at + 1)
        name = ".".join(labels).lower()
        self.asked.append(name)
        if self.failure is None:
            return None
        failure = 0 if self.failure is self.ANSWERS else self.failure
        if not failure and name not in self.records:
            failure = NXDOMAIN
        family = {A: socket.AF_INET, AAAA: socket.AF_INET6}.get(kind)
        addresses = [] if failure else [one for one in self.records[name] if (":" in one) == (kind == AAAA)]
        records = b""
        for address in addresses if family else []:
            packed = socket.inet_pton(family, address)
            records += struct.pack("!HHHIH", 0xC00C, kind, 1, 0, len(packed)) + packed
        head = query[:2] + struct.pack("!HHHHH", 0x8180 | failure, 1, len(addresses), 0, 0)
        return head + query[12 : at + 5] + records


def is_possible():
    """Whether this machine lets a test have a mount name space and the port of name servers."""
    return os.geteuid() == 0
