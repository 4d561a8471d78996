"""Cross-origin requests with [cors]: what is answered, what is refused, and what becomes of the target's own fields."""

from case import KEPT, answers, passes, refuses, response_passes
from message import HINTS, get, post, response

APP = b"https://app.example"
ORIGIN = b"Origin: " + APP + b"\r\n"
OTHER = b"Origin: https://other.example\r\n"
CROSS_SITE = b"Sec-Fetch-Site: cross-site\r\n"
ASKS = b"Access-Control-Request-Method: PUT\r\n"
FETCH = "Fetch, CORS protocol"
ALL_OF_IT = (
    b"access-control-allow-origin: *\r\nX-A: b\r\nACCESS-CONTROL-EXPOSE-HEADERS: X-A\r\nAccess-Control-Max-Age: 5\r\n"
)
INTERIM = HINTS.replace(b"link: </b>", b"Access-Control-Allow-Origin: *") + response(content=b"ok")


def options(fields):
    return b"OPTIONS /a HTTP/1.1\r\nHost: client.example\r\n" + fields + b"\r\n"


def vary(name, *lines, request=None):
    """A reply with these lines of Vary."""
    reply = response(fields=b"".join(line + b"\r\n" for line in lines), content=b"ok")
    return response_passes(f"cors: {name}", FETCH, reply, request or get(fields=ORIGIN), setting="cors")


CASES = [
    passes("cors: an allowed origin", FETCH, get(fields=ORIGIN), setting="cors"),
    passes("cors: no origin", FETCH, get(), setting="cors"),
    passes("cors: an allowed origin sends content", FETCH, post(b"hello", ORIGIN), setting="cors"),
    passes("cors: an allowed origin across sites", FETCH, get(fields=ORIGIN + CROSS_SITE), setting="cors"),
    passes("cors: the bridge's own host", FETCH, get(fields=b"Origin: http://client.example:81\r\n"), setting="cors"),
    passes("cors: OPTIONS that asks for nothing", FETCH, options(ORIGIN), setting="cors"),
    passes("cors: OPTIONS without an origin", FETCH, options(ASKS), setting="cors"),
    refuses("cors: another origin", FETCH, 403, get(fields=OTHER), then=KEPT, setting="cors"),
    refuses("cors: two origins", FETCH, 403, get(fields=ORIGIN + ORIGIN), then=KEPT, setting="cors"),
    refuses("cors: a preflight of another origin", FETCH, 403, options(OTHER + ASKS), then=KEPT, setting="cors"),
    refuses("cors: a link from another site", FETCH, 403, get(fields=CROSS_SITE), then=KEPT, setting="cors"),
    answers("cors: a preflight", FETCH, 204, options(ORIGIN + ASKS), setting="cors"),
    vary("the target's own fields are replaced", ALL_OF_IT[:-2]),
    vary("the target's own fields are taken out", ALL_OF_IT[:-2], request=get()),
    vary("Vary", b"Vary: Accept"),
    vary("Vary without an origin", b"vary:Accept ", request=get()),
    vary("Vary that is empty", b"Vary:"),
    vary("Vary that names it", b"Vary: accept,ORIGIN"),
    vary("Vary of everything", b"Vary: *"),
    vary("two of Vary", b"Vary: A", b"X-A: b", b"Vary: B"),
    vary("two of Vary, of which one names it", b"Vary: A", b"Vary: Origin"),
    vary("Vary that Connection names", b"Connection: Vary", b"Vary: Origin"),
    passes("cors: an interim response stays as it is", FETCH, get(fields=ORIGIN), INTERIM, setting="cors"),
    passes("cors: 304", FETCH, get(fields=ORIGIN), b"HTTP/1.1 304 Not Modified\r\nETag: a\r\n\r\n", setting="cors"),
    passes("without [cors] nothing is touched", FETCH, options(ASKS), response(fields=ALL_OF_IT, content=b"ok")),
]
