"""Compares what a case came to with what must become of it."""

import re

import model
from case import CLOSED, KEPT, Abandoned, Answered, BadGateway, EarlyAnswer, Forwarded, Refused, ResponseCut, UploadCut
from play import PROBE, PROBE_ANSWER

ANSWER = re.compile(
    rb"HTTP/1\.1 (?P<status>\d{3}) [^\r\n]+\r\n(?P<fields>(?:[^\r\n]+\r\n)*)\r\n(?P<content>authbridge: [^\n]*\n)?",
    re.DOTALL,
)


class Fault(AssertionError):
    """Something that must not be so."""


def _must(condition, complaint):
    if not condition:
        raise Fault(complaint)


class Judge:
    """Goes through the octets that the client saw, step by step, and gathers what the target must have seen."""

    def __init__(self, case, seen, settings):
        self.case = case
        self.seen = seen
        self.settings = settings
        self.left = seen.client
        self.expected = []  # at the target
        self.last_is_partial = False
        self.then = KEPT

    def judge(self):
        """Raises Fault at the first difference."""
        for step in self.case.steps:
            _must(self.then == KEPT, "the table expects a step after the connection's end")
            self._judge_step(step)
        if self.case.leaves:
            self.then = CLOSED
        self._judge_end()
        self._judge_target()

    def _judge_step(self, step):
        expect = step.expect
        if isinstance(expect, Forwarded):
            self._expect_passed(step)
        elif isinstance(expect, Refused):
            self._expect_answer(step, expect.statuses)
            self.then = expect.then
        elif isinstance(expect, Answered):
            self._expect_answer(step, {expect.status})
            self.then = expect.then
        elif isinstance(expect, UploadCut):
            self._expect_answer(step, expect.statuses)
            self._expect_partial_request(step)
        elif isinstance(expect, BadGateway):
            self._expect_request(step)
            self._skip_interims(step)
            self._expect_answer(step, {502})
            self.then = expect.then
        elif isinstance(expect, ResponseCut):
            self._expect_request(step)
            self._expect_cut(step, expect)
        elif isinstance(expect, EarlyAnswer):
            passed = model.passed(step.reply.on_head, model.Request(step.whole), self.settings, whole=False)
            self._take_octets(passed.head, passed.content)
            self._expect_partial_request(step)
            self.then = CLOSED
        elif isinstance(expect, Abandoned):
            self._expect_partial_request(step)

    # ---- the client's side ----

    def _take(self, pattern, complaint):
        match = pattern.match(self.left)
        _must(match, f"{complaint}\nthe client saw {self.left!r}")
        self.left = self.left[match.end() :]
        return match

    def _take_octets(self, head, content=b""):
        """Expected octets come next; only in the head can there be a Date that the bridge has put in."""
        self._take(model.pattern(head), f"the client must see the head {head!r}")
        _must(self.left.startswith(content), f"the client must see {content!r}, not {self.left!r}")
        self.left = self.left[len(content) :]

    def _expect_passed(self, step):
        self._expect_request(step)
        request = model.Request(step.whole)
        passed = model.passed(step.reply.on_head + step.reply.final, request, self.settings)
        self._take_octets(passed.head, passed.content)
        self.then = KEPT if passed.persists else CLOSED

    def _expect_answer(self, step, statuses):
        answer = self._take(ANSWER, "an answer of the bridge must come")
        _must(int(answer["status"]) in statuses, f"status {answer['status']!r}, not one of {sorted(statuses)}")
        fields = model.Fields(answer["fields"].split(b"\r\n")[:-1])
        if int(answer["status"]) >= 300:
            _must((fields.first(b"proxy-status") or b"").startswith(b"authbridge; error="), "no Proxy-Status")
        _must(re.fullmatch(model.DATE_FORM, b"Date: " + (fields.first(b"date") or b"")), "no Date")
        is_head = step.request.lstrip(b"\r\n").startswith(b"HEAD ")
        content = answer["content"] or b""
        length = fields.first(b"content-length")
        if int(answer["status"]) == 204:
            _must(length is None and not content, "content, or its length, where none may be")
        else:
            whole = length == b"%d" % len(content) or (is_head and content == b"" and length is not None)
            _must(whole, f"Content-Length {length}, content {content!r}")
        self.then = CLOSED
        closes = b"close" in fields.items(b"connection")
        _must(closes == (not self.seen.kept), "Connection: close, and the connection is kept, or the other way round")

    def _skip_interims(self, step):
        while re.match(rb"HTTP/1\.1 1\d\d ", self.left):
            self.left = self.left.partition(b"\r\n\r\n")[2]

    def _expect_cut(self, step, expect):
        request = model.Request(step.whole)
        head, _, content = step.reply.final.partition(b"\r\n\r\n")
        response = model.Response(head + b"\r\n\r\n")
        framing = response.framing(request.method)
        unchunks = framing == "chunked" and request.is_1_0
        persists = request.persists and framing != "close" and not unchunks
        head = model.passed_head(response, self.settings, request, persists)
        self._take_octets(head)
        if unchunks:
            content = model.chunk_data(content)
        _must(content.startswith(self.left), f"the client must see a part of {content!r}, not {self.left!r}")
        if expect.passed is not None:
            _must(len(self.left) == expect.passed, f"{len(self.left)} octets of content came, not {expect.passed}")
        self.left = b""
        self.then = CLOSED
        _must(self.seen.ending in expect.ending, f"the end is {self.seen.ending}")

    def _judge_end(self):
        kept = model.passed(PROBE_ANSWER, model.Request(PROBE), self.settings)
        if self.then == KEPT:
            _must(self.seen.kept, f"the connection must be kept; its end: {self.seen.ending}")
            _must(self.left == kept.head + kept.content, f"the client also saw {self.left!r}")
        else:
            _must(not self.seen.kept, "the connection must not be kept")
            _must(self.left == b"", f"the client also saw {self.left!r}")
            _must(self.seen.ending != "silence", "the connection must end")
        _must(self.seen.target_left, "a connection to the target outlives the client's")
        followed = self.case.steps if self.seen.kept else self.case.steps[:-1]
        spoilt = sum(1 for step in followed if step.reply.behind)
        _must(self.seen.connections > spoilt or not spoilt, "a connection with octets behind a response was used again")

    # ---- the target's side ----

    def _expect_request(self, step):
        self.expected.append(model.forwarded(model.Request(step.whole), self.settings))

    def _expect_partial_request(self, step):
        self.expected.append(model.forwarded_head(model.Request(step.whole), self.settings))
        self.last_is_partial = True

    def _judge_target(self):
        received = self.seen.target
        if self.seen.kept:
            probe = model.forwarded(model.Request(PROBE), self.settings).head
            _must(received.endswith(probe), f"the target must see the probe in the end, not {received!r}")
            received = received[: -len(probe)]
        partial = self.expected.pop() if self.last_is_partial else None
        if partial is not None and partial in received:
            received, _, content = received.rpartition(partial)
            self._judge_partial(partial, content)
        elif partial is not None and received and not self.expected:
            raise Fault(f"the target must see {partial!r}, not {received!r}")
        seen = model.canonical_messages(received)
        _must(seen == self.expected, f"the target must see {self.expected!r}\nit saw {seen!r}")

    def _judge_partial(self, head, content):
        step = self.case.steps[-1]
        sent = model.Request(step.whole).body
        if isinstance(step.expect, UploadCut) or not is_complete(head, sent):
            _must(not is_complete(head, content), f"the target saw a complete request: {head + content!r}")
        else:
            _must(content == sent, f"the target must see {sent!r}, not {content!r}")


def is_complete(head, content):
    """Whether the content of a request at the target is all that its head announces."""
    fields = model.Fields(head.split(b"\r\n")[1:-2])
    if fields.has(b"transfer-encoding"):
        return re.search(rb"(^|\r\n)0+\r\n([^\r\n]+\r\n)*\r\n$", content) is not None
    return len(content) >= int(fields.first(b"content-length") or b"0")


def judge(case, seen, settings):
    """Raises Fault where what was seen is not what the case expects."""
    Judge(case, seen, settings).judge()
