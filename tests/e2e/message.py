"""Message heads taken apart, and ready-made ones: what tests send and what they look for."""

import re

import pytest

DATE = b"Date: Mon, 23 Nov 2026 15:07:03 GMT\r\n"
OK = b"HTTP/1.1 200 OK\r\n" + DATE + b"Content-Length: 2\r\n\r\nok"
HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\nlink: </b>\r\n\r\n"


def row(name, *values):
    """A named row of a table of cases."""
    return pytest.param(*values, id=name)


class Head:
    """A request or response head: its start line, and its fields in order as pairs of octet strings."""

    def __init__(self, raw):
        assert raw.endswith(b"\r\n\r\n"), f"not a whole head: {raw!r}"
        self.raw = raw
        self.start_line, *lines = raw[:-4].split(b"\r\n")
        self.fields = [(name, value.strip(b" \t")) for name, _, value in (line.partition(b":") for line in lines)]

    @property
    def status(self):
        match = re.fullmatch(rb"HTTP/1\.[01] (\d{3}) .*", self.start_line, re.DOTALL)
        assert match, f"not a status line: {self.start_line!r}"
        return int(match[1])

    def values(self, name):
        """Every value of that field, in order."""
        return [value for field, value in self.fields if field.lower() == name.lower()]

    def names(self):
        """The field names in lower case, in order."""
        return [name.lower() for name, _ in self.fields]


def get(path=b"/", fields=b"", version=b"HTTP/1.1"):
    """A GET request; fields are whole lines, CRLF included."""
    return b"GET " + path + b" " + version + b"\r\nHost: client.example\r\n" + fields + b"\r\n"


def post(content, fields=b"", path=b"/"):
    """A POST request with its content announced by Content-Length."""
    return head_of_post(len(content), fields, path) + content


def head_of_post(length, fields=b"", path=b"/"):
    """The head of a POST request that announces so much content."""
    line = b"POST " + path + b" HTTP/1.1\r\nHost: client.example\r\n"
    return line + fields + b"Content-Length: %d\r\n\r\n" % length


def post_chunked(body=b"", fields=b"", path=b"/"):
    """The head of a chunked POST request, and as much of its body as is given."""
    line = b"POST " + path + b" HTTP/1.1\r\nHost: client.example\r\n"
    return line + fields + b"Transfer-Encoding: chunked\r\n\r\n" + body


def response(status=b"200 OK", fields=b"", content=b""):
    """A response with a Date and its content's length."""
    length = b"Content-Length: %d\r\n" % len(content)
    return b"HTTP/1.1 " + status + b"\r\n" + DATE + fields + length + b"\r\n" + content
