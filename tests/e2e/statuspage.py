"""The bridge's status listener, as tests ask it."""

import json
import re

from message import get
from wire import wait_until

STATUS = "[status]\nlisten = 127.0.0.1:0\n"
SAMPLE = re.compile(r"(authbridge_\w+)(?:\{(.*)\})? (\S+)")


class StatusPage:
    """Asks a bridge's status listener, with a connection for each request unless told which."""

    def __init__(self, bridge, connect, address=None):
        self.bridge = bridge
        self.connect = connect
        self.address = address or bridge.message("status page on ").rpartition(" ")[2]

    def get(self, path, fields=b"", client=None):
        """A GET with the Host that a client on this machine would send."""
        request = b"GET " + path.encode() + b" HTTP/1.1\r\nHost: localhost\r\n" + fields + b"\r\n"
        if client:
            return client.exchange(request)
        client = self.connect(self.address)
        try:
            return client.exchange(request)
        finally:
            client.close()

    def report(self):
        """What /status says, decoded."""
        answer = self.get("/status")
        assert answer.status == 200 and answer.values(b"Content-Type") == [b"application/json"]
        return json.loads(answer.content)

    def metrics(self):
        """What /metrics says: {name{labels}: value}."""
        answer = self.get("/metrics")
        assert answer.status == 200 and answer.values(b"Content-Type")[0].startswith(b"text/plain; version=0.0.4")
        samples = {}
        for line in answer.content.decode().splitlines():
            if not line.startswith("#"):
                name, labels, value = SAMPLE.fullmatch(line).groups()
                key = f"{name}{{{labels}}}" if labels else name
                assert key not in samples, f"{key} stands twice"
                samples[key] = float(value)
        return samples

    def wait_for(self, key, value):
        """Waits until a metric has that value, for a child counts after its client has the answer; says them all."""
        last = {}

        def has_come():
            last.update(self.metrics())
            return last[key] == value

        try:
            wait_until(has_come, f"{key} is {value}")
        except AssertionError as failure:
            raise AssertionError(f"{failure}; it is {last.get(key)}") from None
        return last

    def wait_for_requests(self, count):
        """Waits until so many exchanges have been counted; says all metrics."""
        last = {}

        def have_come():
            last.update(self.metrics())
            return sum(with_label(last, "authbridge_requests_total").values()) == count

        wait_until(have_come, f"{count} requests are counted")
        return last


def with_label(metrics, name):
    """The samples of one metric by their labels, those that are 0 left out."""
    return {key[len(name) + 1 : -1]: value for key, value in metrics.items() if key.startswith(name + "{") and value}


def request(method, fields=b"", content=b""):
    """A request with any method."""
    return get(fields=fields).replace(b"GET", method, 1) + content
