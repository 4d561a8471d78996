"""Valid messages made up at random: every form of target, field and framing that the bridge serves."""

TOKEN_OCTETS = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-.^_`|~"
TARGET_OCTETS = bytes(octet for octet in range(0x21, 0x7F) if octet != ord("#"))
VALUE_OCTETS = bytes([9, *range(0x20, 0x7F), *range(0x80, 0x100)])
ANY_OCTETS = bytes(range(256))
MEANINGFUL = {
    *(b"host", b"connection", b"content-length", b"transfer-encoding", b"te", b"trailer", b"upgrade", b"expect"),
    *(b"keep-alive", b"proxy-connection", b"proxy-authorization", b"max-forwards", b"date", b"close"),
}
METHODS = [b"GET", b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"PATCH", b"OPTIONS", b"QUERY", b"get"]
SPACES = [b"", b" ", b" ", b" ", b"  ", b"\t", b" \t "]
AUTHORITIES = [b"a.example", b"A.example:8080", b"[::1]:1", b"127.0.0.1", b"a_b.example:"]
EXTENSIONS = [b"", b"", b"", b";a", b" ;a=b", b';a="b;c"', b";\ta = b;c"]
REQUEST_LINES = [
    *(b"Keep-Alive: timeout=5", b"Proxy-Connection: keep-alive", b"TE: trailers, gzip", b"te:gzip", b"Trailer: X-A"),
    *(
        b"Proxy-Authorization: Basic eDp5",
        b"Upgrade: a/1, h2c",
        b"Expect: 100-continue",
        b"Max-Forwards: 7",
        b"Close: a",
    ),
]
REQUEST_OPTIONS = [b"keep-alive", b"TE", b"Upgrade", b"Host", b"Content-Length", b"Max-Forwards", b"Expect"]
RESPONSE_LINES = [
    *(b"Keep-Alive: timeout=5", b"Proxy-Connection: close", b"Upgrade: h2c", b"Trailer: X-A", b"Close: a", b"TE: a"),
]
RESPONSE_OPTIONS = [b"keep-alive", b"close", b"Date", b"Content-Length", b"Transfer-Encoding", b"Upgrade"]
DATES = [[], [b"Date: Mon, 23 Nov 2026 15:07:03 GMT"], [b"date:yesterday "], [b"Date: a", b"Date: b"]]
INTERIMS = [b"100 Continue", b"102", b"103 Early Hints", b"199 \xff"]


class Maker:
    """Makes messages up. `chance` is a random.Random; the same one makes the same messages."""

    def __init__(self, chance):
        self.chance = chance

    def octets(self, alphabet, least, most):
        return bytes(self.chance.choices(alphabet, k=self.chance.randint(least, most)))

    def one_in(self, number):
        return self.chance.randrange(number) == 0

    def some(self, items, most):
        return self.chance.sample(items, self.chance.randint(0, most))

    # ---- parts ----

    def name(self):
        name = self.octets(TOKEN_OCTETS, 1, 12)
        return b"X-" + name if name.lower().replace(b"_", b"-") in MEANINGFUL else name

    def line(self):
        value = self.octets(VALUE_OCTETS, 0, 24).strip(b" \t")
        return self.name() + b":" + self.chance.choice(SPACES) + value + self.chance.choice(SPACES)

    def lines(self, most):
        lines = [self.line() for _ in range(self.chance.randint(0, most))]
        return lines + [self.chance.choice(lines).swapcase() for _ in range(self.chance.randint(0, 1)) if lines]

    def connection(self, lines, options):
        """Connection fields that name some of the lines, among options and empty elements."""
        if self.one_in(2):
            return []
        elements = [*(line.partition(b":")[0] for line in lines), *options, b"", b"x-not-there"]
        fields = []
        for _ in range(self.chance.randint(1, 2)):
            chosen = self.chance.choices(elements, k=self.chance.randint(0, 4))
            comma = self.chance.choice([b",", b", ", b" ,\t"])
            fields.append(b"Connection:" + self.chance.choice(SPACES) + comma.join(chosen))
        return fields

    def content(self):
        if self.one_in(10):
            return self.octets(ANY_OCTETS, 1, 16) * 1000
        return self.octets(ANY_OCTETS, 0, 100)

    def chunked(self, content):
        """Content in chunks, with extensions, sizes in any form, and trailers."""
        body, at = b"", 0
        while at < len(content):
            size = self.chance.randint(1, len(content) - at)
            form = self.chance.choice([b"%x", b"%x", b"%X", b"0%x", b"%016x"])
            body += form % size + self.chance.choice(EXTENSIONS) + b"\r\n" + content[at : at + size] + b"\r\n"
            at += size
        last = self.chance.choice([b"0", b"0", b"000", b"0;a=b"])
        return body + last + b"\r\n" + _joined(self.lines(2) if self.one_in(3) else []) + b"\r\n"

    def lengths(self, length):
        copies = [b"Content-Length: %d", b"content-length:%d ", b"CONTENT-LENGTH:  %d"]
        return [copy % length for copy in self.chance.choice([copies[:1], copies[:1], copies[1:], copies])]

    # ---- requests ----

    def target(self, method):
        form = self.chance.randrange(10)
        if method == b"OPTIONS" and form < 3:
            return b"*"
        path = b"/" + self.octets(TARGET_OCTETS, 0, 40)
        if form < 8:
            return path
        scheme = self.chance.choice([b"http://", b"HTTPS://"])
        return scheme + self.chance.choice(AUTHORITIES) + self.chance.choice([path, b"", b"?a=b"])

    def request(self):
        method = self.octets(TOKEN_OCTETS, 9, 32) if self.one_in(10) else self.chance.choice(METHODS)
        version = self.chance.choice([b"HTTP/1.1"] * 17 + [b"HTTP/1.2", b"HTTP/1.9", b"HTTP/1.0"])
        lines = self.lines(8)
        lines += self.some(REQUEST_LINES, 2)
        options = REQUEST_OPTIONS + [b"close"] * self.one_in(8)
        lines += self.connection(lines, options)
        framing, body = self._request_framing(version == b"HTTP/1.0")
        lines += framing
        if version != b"HTTP/1.0" or self.one_in(2):
            lines.append(b"Host:" + self.chance.choice(SPACES) + self.chance.choice(AUTHORITIES))
        self.chance.shuffle(lines)
        before = b"\r\n" * self.chance.choice([0, 0, 0, 0, 1, 2])
        start = method + b" " + self.target(method) + b" " + version
        return before + start + b"\r\n" + _joined(lines) + b"\r\n" + body

    def _request_framing(self, is_1_0):
        kind = self.chance.choice(["none", "length", "chunked"])
        if kind == "none":
            return [], b""
        content = self.content()
        if kind == "length" or is_1_0:
            return self.lengths(len(content)), content
        return [b"Transfer-Encoding:" + self.chance.choice(SPACES) + b"Chunked"], self.chunked(content)

    # ---- responses ----

    def interim(self):
        lines = self.lines(3)
        lines += self.connection(lines, [b"close"])
        return b"HTTP/1.1 " + self.chance.choice(INTERIMS) + b"\r\n" + _joined(lines) + b"\r\n"

    def response(self, is_head):
        """A reply, and whether the target ends the connection behind it."""
        status = self.chance.choice([200, 200, 204, 304, 426, self.chance.randint(200, 999)])
        bare = is_head or status in (204, 304)
        kind = self.chance.choice(["length"] * 12 + ["chunked"] * 12 + ["none" if bare else "close"])
        framing, body = self._response_framing(kind)
        version = b"HTTP/1.1" if kind == "chunked" else self.chance.choice([b"HTTP/1.1"] * 9 + [b"HTTP/1.0"])
        lines = self.lines(8)
        lines += self.some(RESPONSE_LINES, 2)
        lines += self.connection(lines, RESPONSE_OPTIONS)
        lines += framing + self.chance.choice(DATES)
        self.chance.shuffle(lines)
        reason = b"" if self.one_in(8) else b" " + self.octets(VALUE_OCTETS, 0, 16)
        interims = b"".join(self.interim() for _ in range(self.chance.choice([0, 0, 0, 1, 2, 5])))
        head = version + b" %d" % status + reason + b"\r\n" + _joined(lines) + b"\r\n"
        return interims + head + (b"" if bare else body), kind == "close"

    def _response_framing(self, kind):
        content = b"" if kind == "none" else self.content()
        if kind == "length":
            return self.lengths(len(content)), content
        if kind == "chunked":
            return [b"Transfer-Encoding: chunked"], self.chunked(content)
        return [], content

    def exchange(self):
        """A request, the reply to it, whether the target ends behind that, and how many octets go out in one piece."""
        request = self.request()
        reply, ends = self.response(request.lstrip(b"\r\n").startswith(b"HEAD "))
        return request, reply, ends, self._piece(), self._piece()

    def _piece(self):
        return None if self.one_in(2) else self.chance.randint(1, 300)


def _joined(lines):
    return b"".join(line + b"\r\n" for line in lines)
