"""A real HAProxy in front of the bridges, run with a configuration that a test gives it."""

import csv
import socket
import subprocess

from wire import DEADLINE, wait_until


class Haproxy:
    """One HAProxy process in the foreground. It is asked and told over its admin socket."""

    def __init__(self, folder, config, admin_socket):
        self.admin_socket = admin_socket
        self.log = folder / "haproxy.log"
        (folder / "haproxy.cfg").write_text(config)
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                ["/usr/sbin/haproxy", "-db", "-f", folder / "haproxy.cfg"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        try:
            wait_until(lambda: admin_socket.exists() or self.process.poll() is not None, "HAProxy runs")
            assert self.process.poll() is None, self.log.read_text()
        except BaseException:
            self.stop()
            raise

    def command(self, text):
        """Sends one command to the admin socket; says the answer."""
        with socket.socket(socket.AF_UNIX) as admin:
            admin.settimeout(DEADLINE)
            admin.connect(str(self.admin_socket))
            admin.sendall(text.encode() + b"\n")
            answer = b""
            while data := admin.recv(65536):
                answer += data
        return answer.decode()

    def servers(self):
        """The state of each server: {"bridge1": "UP", ...}."""
        rows = csv.DictReader(self.command("show stat").lstrip("# ").splitlines())
        return {row["svname"]: row["status"] for row in rows if row["svname"] not in ("FRONTEND", "BACKEND")}

    def wait_for(self, **states):
        """Waits until these servers have these states: wait_for(bridge1="UP")."""
        wait_until(lambda: states.items() <= self.servers().items(), f"the servers are {states}")

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(DEADLINE)
