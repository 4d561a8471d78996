"""What README.md's list of changes makes of a message, computed from its octets and apart from the daemon's code.

It reads valid messages only. A case that is to be refused never comes here.
"""

import re
from dataclasses import dataclass

ADDED_DATE = b"Date: \0added\0"
DATE_FORM = (
    rb"Date: (Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4}"
    rb" \d\d:\d\d:\d\d GMT"
)
ONE_CONNECTION = (b"connection", b"proxy-connection", b"keep-alive")
NEVER_IN_TRAILERS = (
    *ONE_CONNECTION,
    *(b"content-length", b"transfer-encoding", b"host", b"te", b"trailer", b"upgrade", b"expect", b"max-forwards"),
    b"proxy-authorization",
)


@dataclass(frozen=True)
class Settings:
    """What proxy.ini says; a field with the value None is removed."""

    authority: bytes
    base_path: bytes = b""
    request_fields: tuple = ()
    response_fields: tuple = ()
    origins: tuple = ()  # of [cors], which also exposes X-Count


@dataclass(frozen=True)
class Message:
    """A request at the target: its head as it is, its content decoded, its trailer lines."""

    head: bytes
    content: bytes = b""
    trailers: bytes = b""


class Fields:
    """The field lines of a head, in order."""

    def __init__(self, lines):
        self.lines = [(*self._split(line), line) for line in lines]

    @staticmethod
    def _split(line):
        name, _, value = line.partition(b":")
        return name, value.strip(b" \t")

    def items(self, name):
        """The elements of every copy of a field that is a list, in lower case."""
        values = [value for field, value, _ in self.lines if field.lower() == name]
        return [item.strip(b" \t").lower() for value in values for item in value.split(b",") if item.strip(b" \t")]

    def first(self, name):
        return next((value for field, value, _ in self.lines if field.lower() == name), None)

    def has(self, name):
        return self.first(name) is not None

    @property
    def nominated(self):
        """The fields that Connection names; TE is written anew."""
        return {option for option in self.items(b"connection") if option != b"te"}


class Request:
    """A valid request, taken apart."""

    def __init__(self, octets):
        while octets.startswith(b"\r\n"):
            octets = octets[2:]
        head, _, self.body = octets.partition(b"\r\n\r\n")
        start, *lines = head.split(b"\r\n")
        self.method, self.target, version = start.split(b" ")
        self.is_1_0 = version == b"HTTP/1.0"
        self.fields = Fields(lines)

    @property
    def offers(self):
        """The protocols that it would upgrade to and that may be tunnelled."""
        if self.is_1_0 or b"upgrade" not in self.fields.items(b"connection"):
            return []
        values = [value for name, value, _ in self.fields.lines if name.lower() == b"upgrade"]
        offers = [offer.strip(b" \t") for value in values for offer in value.split(b",")]
        return [offer for offer in offers if offer and not re.match(rb"(?i)h2c|http/|tls/", offer)]

    @property
    def persists(self):
        options = self.fields.items(b"connection")
        return b"close" not in options and (not self.is_1_0 or b"keep-alive" in options)


def alike(a, b):
    """Whether two names count as one: all characters but letters and digits are the same."""
    return re.sub(rb"[^a-z0-9]", b"-", a.lower()) == re.sub(rb"[^a-z0-9]", b"-", b.lower())


def is_configured(fields, name):
    return any(alike(name, configured) for configured, _ in fields)


def _configured_lines(fields):
    return [name + b": " + value for name, value in fields if value is not None]


def _head(start, lines):
    return b"\r\n".join([start, *lines]) + b"\r\n\r\n"


# ---- requests ----


def _origin_form(request):
    absolute = re.fullmatch(rb"(?i)https?://[^/?]*(.*)", request.target)
    if not absolute:
        return request.target
    path = absolute[1]
    if path.startswith(b"/"):
        return path
    return b"*" if request.method == b"OPTIONS" and not path else b"/" + path


def _request_line_of(request, name, value, line, settings, seen):
    """The line that a field becomes, None where it is taken out."""
    low = name.lower()
    if low == b"host":
        return name + b": " + settings.authority
    if low == b"content-length":
        return None if low in seen else name + b": " + value
    if low == b"transfer-encoding":
        return name + b": chunked"
    if low in (*ONE_CONNECTION, b"te", b"proxy-authorization"):
        return None
    if low == b"upgrade":
        offers = [offer.strip(b" \t") for offer in value.split(b",")]
        kept = [offer for offer in offers if offer in request.offers]
        return name + b": " + b", ".join(kept) if kept else None
    if low in request.fields.nominated or is_configured(settings.request_fields, name):
        return None
    if low == b"expect" and request.is_1_0:
        return None
    if low == b"max-forwards" and request.method == b"OPTIONS" and value.isdigit():
        return name + b": %d" % (int(value) - 1)
    return line


def _written_anew(request):
    trailers = [b"TE: trailers"] if b"trailers" in request.fields.items(b"te") else []
    options = ([b"TE"] if trailers else []) + ([b"Upgrade"] if request.offers else [])
    return trailers + ([b"Connection: " + b", ".join(options)] if options else [])


def decode_chunked(octets):
    """The content of a chunked body, its trailer lines, and what stands behind it."""
    content = b""
    while True:
        size, _, octets = octets.partition(b"\r\n")
        length = int(re.match(rb"[0-9a-fA-F]+", size)[0], 16)
        if length == 0:
            break
        content += octets[:length]
        assert octets[length : length + 2] == b"\r\n"
        octets = octets[length + 2 :]
    lines = []
    while not octets.startswith(b"\r\n"):
        line, _, octets = octets.partition(b"\r\n")
        lines.append(line)
    return content, lines, octets[2:]


def chunk_data(octets):
    """The content in the beginning of a chunked body, as far as it goes."""
    content = b""
    while match := re.match(rb"([0-9a-fA-F]+)(?:;[^\r\n]*)?\r\n", octets):
        length = int(match[1], 16)
        content += octets[match.end() : match.end() + length]
        octets = octets[match.end() + length + 2 :]
    return content


def _content(request, settings):
    if not request.fields.has(b"transfer-encoding"):
        return request.body, b""
    content, lines, rest = decode_chunked(request.body)
    assert rest == b"", f"octets behind the request: {rest!r}"
    kept = [
        line
        for name, _, line in Fields(lines).lines
        if name.lower() not in NEVER_IN_TRAILERS
        and not any(alike(name, framing) for framing in (b"content-length", b"transfer-encoding"))
        and name.lower() not in request.fields.nominated
        and not is_configured(settings.request_fields, name)
    ]
    return content, b"".join(line + b"\r\n" for line in kept)


def forwarded_head(request, settings):
    """The head of the request as the target must see it."""
    target = _origin_form(request)
    base = b"" if target == b"*" else settings.base_path
    lines = [] if request.fields.has(b"host") else [b"Host: " + settings.authority]
    seen = set()
    for name, value, line in request.fields.lines:
        becomes = _request_line_of(request, name, value, line, settings, seen)
        seen.add(name.lower())
        if becomes is not None:
            lines.append(becomes)
    lines += _written_anew(request) + _configured_lines(settings.request_fields)
    return _head(request.method + b" " + base + target + b" HTTP/1.1", lines)


def forwarded(request, settings):
    """The request as the target must see it."""
    return Message(forwarded_head(request, settings), *_content(request, settings))


def canonical_messages(octets):
    """The requests in what a target received. Their framing must be canonical: no extension, nothing left over."""
    messages = []
    while octets:
        head, end, octets = octets.partition(b"\r\n\r\n")
        assert end, f"not a whole head: {head!r}"
        fields = Fields(head.split(b"\r\n")[1:])
        content = trailers = b""
        if fields.has(b"transfer-encoding"):
            assert fields.items(b"transfer-encoding") == [b"chunked"] and not fields.has(b"content-length")
            _check_canonical_chunks(octets)
            content, lines, octets = decode_chunked(octets)
            trailers = b"".join(line + b"\r\n" for line in lines)
        elif fields.has(b"content-length"):
            length = int(fields.first(b"content-length"))
            assert len(octets) >= length, f"content cut short: {octets!r} of {length}"
            content, octets = octets[:length], octets[length:]
        messages.append(Message(head + end, content, trailers))
    return messages


def _check_canonical_chunks(octets):
    while True:
        size, end, octets = octets.partition(b"\r\n")
        assert end and re.fullmatch(rb"0|[1-9a-f][0-9a-f]*", size), f"not a canonical chunk size: {size!r}"
        length = int(size, 16)
        if length == 0:
            return
        octets = octets[length + 2 :]


# ---- responses ----


@dataclass(frozen=True)
class Passed:
    """A response as the client must see it, with ADDED_DATE where a Date is put in, and how its connection goes on."""

    head: bytes
    content: bytes
    persists: bool


class Response:
    """One valid response head, taken apart, and all that follows it."""

    def __init__(self, octets):
        head, _, self.rest = octets.partition(b"\r\n\r\n")
        start, *lines = head.split(b"\r\n")
        self.version, _, status = start.partition(b" ")
        code, _, self.reason = status.partition(b" ")
        self.status = int(code)
        self.fields = Fields(lines)

    @property
    def has_framing(self):
        return self.status >= 200 and self.status != 204

    def framing(self, method):
        if self.status == 101:
            return "tunnel"
        if method == b"HEAD" or not self.has_framing or self.status == 304:
            return "none"
        if self.fields.has(b"transfer-encoding"):
            return "chunked"
        return "length" if self.fields.has(b"content-length") else "close"


def _response_line_of(response, name, line, settings, is_1_0, seen):
    low = name.lower()
    if low in ONE_CONNECTION:
        return None
    if low == b"upgrade":
        return line if response.status in (101, 426) else None
    if low == b"content-length":
        return line if response.has_framing and low not in seen else None
    if low == b"transfer-encoding":
        return line if response.has_framing and not is_1_0 else None
    if low in response.fields.nominated and low != b"date":
        return None
    is_interim = response.status < 200 and response.status != 101
    return None if not is_interim and is_configured(settings.response_fields, name) else line


def _connection(response, persists, is_1_0):
    options = []
    if not persists and response.status != 101:
        options.append(b"close")
    elif is_1_0:
        options.append(b"keep-alive")
    if response.status in (101, 426):
        options.append(b"Upgrade")
    return [b"Connection: " + b", ".join(options)] if options else []


def _adds_to_vary(response, settings):
    """Whether Origin is to be added to what the target's Vary says."""
    listed = set() if b"vary" in response.fields.nominated else set(response.fields.items(b"vary"))
    return bool(settings.origins) and not listed & {b"*", b"origin"}


def _cors_lines(settings, request):
    origins = [value for name, value, _ in request.fields.lines if name.lower() == b"origin"]
    if len(origins) != 1 or origins[0] not in settings.origins:
        return []
    prefix = b"Access-Control-"
    return [prefix + b"Allow-Origin: " + origins[0], prefix + b"Expose-Headers: X-Count"]


def passed_head(response, settings, request, persists):
    seen = set()
    lines = []
    is_final = response.status >= 200 or response.status == 101
    adds_to_vary = is_final and _adds_to_vary(response, settings)
    for name, value, line in response.fields.lines:
        if is_final and settings.origins and name.lower().startswith(b"access-control-"):
            continue
        if adds_to_vary and name.lower() == b"vary" and b"vary" not in response.fields.nominated:
            lines.append(name + b": " + (value + b", " if value else b"") + b"Origin")
            adds_to_vary = False
            continue
        becomes = _response_line_of(response, name, line, settings, request.is_1_0, seen)
        seen.add(name.lower())
        if becomes is not None:
            lines.append(becomes)
    if is_final:
        has_date = response.fields.has(b"date") or is_configured(settings.response_fields, b"Date")
        if not has_date and response.status != 101:
            lines.append(ADDED_DATE)
        lines += _connection(response, persists, request.is_1_0)
        lines += _cors_lines(settings, request) + ([b"Vary: Origin"] if adds_to_vary else [])
        lines += _configured_lines(settings.response_fields)
    return _head(b"HTTP/1.1 %d " % response.status + response.reason, lines)


def passed(octets, request, settings, whole=True):
    """What the client must see of a target's reply to that request: interim responses and the final one.

    whole: whether all of the request had come when the target began to answer.
    """
    response = Response(octets)
    interim = b""
    while response.status < 200 and response.status != 101:
        if not request.is_1_0:
            interim += passed_head(response, settings, request, True)
        response = Response(response.rest)
    framing = response.framing(request.method)
    unchunks = framing == "chunked" and request.is_1_0
    persists = whole and request.persists and framing not in ("close", "tunnel") and not unchunks
    content = decode_chunked(response.rest)[0] if unchunks else response.rest
    return Passed(interim + passed_head(response, settings, request, persists), content, persists)


def pattern(octets):
    """A regular expression for expected octets in which a Date may stand that the bridge has put in."""
    return re.compile(re.escape(octets).replace(re.escape(ADDED_DATE), DATE_FORM), re.DOTALL)
