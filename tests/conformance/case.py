"""What a case of the conformance table is made of: requests, the target's replies, and what must become of them."""

from dataclasses import dataclass

from message import OK, get

BARE_OK = OK[:-2]  # for HEAD

KEPT, CLOSED = "kept", "closed"


@dataclass(frozen=True)
class Forwarded:
    """The target sees the request, and the client the reply, changed only as README.md says."""


@dataclass(frozen=True)
class Refused:
    """The bridge answers with one of these statuses; the target sees nothing of the request."""

    statuses: frozenset
    then: str = CLOSED


@dataclass(frozen=True)
class Answered:
    """The bridge answers for itself, and goes on; the target sees nothing of the request."""

    status: int
    then: str = KEPT


@dataclass(frozen=True)
class UploadCut:
    """The target sees the head and at most a part of the content, never its end; the client one of these statuses."""

    statuses: frozenset


@dataclass(frozen=True)
class BadGateway:
    """The target sees the request; the client gets a 502 of the bridge's."""

    then: str = KEPT


@dataclass(frozen=True)
class ResponseCut:
    """The client sees the reply up to where it broke, and then the end of the connection.

    `passed` is how much of the reply's content must have come, None where that is open.
    """

    passed: int | None = None
    ending: frozenset = frozenset({"FIN", "RST"})


@dataclass(frozen=True)
class EarlyAnswer:
    """The client sees the reply although it has not sent all of its content; then both connections end."""


@dataclass(frozen=True)
class Abandoned:
    """The client leaves: its request ends at the target too, and no more of it is there than the client had sent."""


@dataclass(frozen=True)
class Reply:
    """What the target sends once it has the whole request; on_head as soon as it has the head.

    behind are octets that belong to no response, sent together with the reply's last ones.
    ends: None keeps the connection, "FIN" and "RST" end it.
    """

    final: bytes = OK
    on_head: bytes = b""
    behind: bytes = b""
    ends: str | None = None


@dataclass(frozen=True)
class Step:
    """One request, what must become of it, and the reply in case that it reaches the target.

    after_interim is the part of the request that the client holds back until anything has come from the bridge.
    behind are octets that the client sends behind it, and that nobody must take for a request.
    """

    request: bytes
    expect: object
    reply: Reply = Reply()
    after_interim: bytes = b""
    behind: bytes = b""

    @property
    def whole(self):
        return self.request + self.after_interim


@dataclass(frozen=True)
class Case:
    """A row of the table: steps on one client connection, sent without waiting in between.

    leaves: how the client ends its direction once it has sent all: None (not at all), "FIN", "RST".
    """

    name: str
    source: str
    steps: tuple
    setting: str = "plain"
    leaves: str | None = None


def shown(octets):
    """Octets in a case's name."""
    text = ascii(octets.decode("latin-1"))[1:-1]
    return text if len(text) <= 40 else f"{text[:30]}... ({len(octets)} octets)"


def _reply(reply, ends=None):
    return reply if isinstance(reply, Reply) else Reply(reply, ends=ends)


def _statuses(statuses):
    return frozenset(statuses if isinstance(statuses, (set, frozenset)) else {statuses})


def _usual_reply(request):
    return BARE_OK if request.lstrip(b"\r\n").startswith(b"HEAD ") else OK


def passes(name, source, request, reply=None, ends=None, **more):
    """A request that is forwarded; or several, each with the same reply."""
    requests = request if isinstance(request, list) else [request]
    steps = (Step(each, Forwarded(), _reply(reply or _usual_reply(each), ends)) for each in requests)
    return Case(name, source, tuple(steps), **more)


def refuses(name, source, statuses, request, then=CLOSED, **more):
    """A request that is refused; what is pipelined behind it is never served."""
    return Case(name, source, (Step(request, Refused(_statuses(statuses), then)),), **more)


def refuses_later(name, source, statuses, first, second, **more):
    """A good request, and one behind it that is refused."""
    return Case(name, source, (Step(first, Forwarded()), Step(second, Refused(_statuses(statuses)))), **more)


def answers(name, source, status, request, then=KEPT, **more):
    """A request that the bridge answers for itself."""
    return Case(name, source, (Step(request, Answered(status, then)),), **more)


def cuts_upload(name, source, request, statuses=400, **more):
    """A request whose content proves to be broken after its head has gone on."""
    return Case(name, source, (Step(request, UploadCut(_statuses(statuses)), Reply(b"")),), **more)


def answered_early(name, source, request, reply, **more):
    """A request whose content is not there when the target answers; the client does not send it any more."""
    return Case(name, source, (Step(request, EarlyAnswer(), Reply(b"", on_head=reply)),), **more)


def abandons(name, source, request, leaves, reply=b"", **more):
    """A request that its client does not complete, or does not wait for."""
    return Case(name, source, (Step(request, Abandoned(), _reply(reply)),), leaves=leaves, **more)


def response_passes(name, source, reply, request=None, ends=None, behind=b"", **more):
    """A reply that is passed on; what stands behind it is not."""
    return passes(name, source, request or get(), Reply(reply, behind=behind, ends=ends), **more)


def response_refused(name, source, reply, request=None, ends=None, then=KEPT, **more):
    """A reply instead of which the client gets 502."""
    return Case(name, source, (Step(request or get(), BadGateway(then), _reply(reply, ends)),), **more)


def response_cut(name, source, reply, request=None, ends=None, passed=None, ending=("FIN", "RST"), **more):
    """A reply that breaks after its head has gone on."""
    expect = ResponseCut(passed, frozenset(ending))
    return Case(name, source, (Step(request or get(), expect, _reply(reply, ends)),), **more)
