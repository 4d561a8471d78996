"""Content-Length, Transfer-Encoding, chunks, trailers, expectations, and the classes of request smuggling."""

from case import (
    Case,
    Forwarded,
    Refused,
    Reply,
    Step,
    UploadCut,
    abandons,
    answered_early,
    cuts_upload,
    passes,
    refuses,
    shown,
)
from message import OK, get, post, post_chunked, response

HOST = b"Host: client.example\r\n"
HELLO = b"5\r\nhello\r\n0\r\n\r\n"
SMUGGLED = get(b"/smuggled")


def framed(*fields, content=b"", version=b"HTTP/1.1", method=b"POST"):
    lines = b"".join(line + b"\r\n" for line in fields)
    return method + b" / " + version + b"\r\n" + HOST + lines + b"\r\n" + content


def coded(value, content=HELLO):
    return framed(b"Transfer-Encoding:" + value, content=content)


LENGTH = "RFC 9110 8.6"
LENGTHS = [
    passes("length 5", LENGTH, post(b"hello")),
    passes("length 0", LENGTH, post(b"")),
    passes("POST without a length", "RFC 9112 6.3", framed()),
    passes("GET with content", "RFC 9110 9.3.1", framed(b"Content-Length: 5", content=b"hello", method=b"GET")),
    passes("DELETE with content", "RFC 9110 9.3.5", framed(b"Content-Length: 5", content=b"hello", method=b"DELETE")),
    passes("HEAD with content", "RFC 9110 9.3.2", framed(b"Content-Length: 5", content=b"hello", method=b"HEAD")),
    passes("length with white space around it", "RFC 9112 5", framed(b"Content-Length: \t 5\t ", content=b"hello")),
    passes("length without white space", "RFC 9112 5", framed(b"Content-Length:5", content=b"hello")),
    passes("length with leading zeros", LENGTH, framed(b"Content-Length: 0005", content=b"hello")),
    passes("name in other case", LENGTH, framed(b"cOnTeNt-lEnGtH: 5", content=b"hello")),
    passes(
        "two equal lengths",
        "RFC 9112 6.3",
        framed(b"Content-Length: 5", b"X: y", b"content-length: 5", content=b"hello"),
    ),
    passes("three equal lengths", "RFC 9112 6.3", framed(*[b"Content-Length: 5"] * 3, content=b"hello")),
    passes("content that looks like a request", LENGTH, post(SMUGGLED)),
    passes("content of NUL and all other octets", LENGTH, post(bytes(range(256)))),
    passes("content, then a request", "RFC 9112 9.3.2", [post(b"hello"), get(b"/2")]),
    passes("content of 100 KB, then a request", "RFC 9112 9.3.2", [post(bytes(range(256)) * 400), get(b"/2")]),
    passes(
        "content from HTTP/1.0", "RFC 9112 6.3", framed(b"Content-Length: 5", content=b"hello", version=b"HTTP/1.0")
    ),
    *(
        refuses(f"Content-Length: {shown(value)}", LENGTH, 400, framed(b"Content-Length: " + value, content=b"hello"))
        for value in (
            *(
                b"+5",
                b"-5",
                b"-0",
                b"+0",
                b"5 5",
                b"5\t5",
                b"0x5",
                b"0x10",
                b"5h",
                b"5.0",
                b"5e0",
                b"1_0",
                b"",
                b" ",
                b"five",
            ),
            *(
                b"5,5",
                b"5, 5",
                b"5,6",
                b",5",
                b"5,",
                b"5;5",
                b'"5"',
                b"'5'",
                b"5\x0b",
                b"\x0b5",
                b"5\0",
                b"\xb2",
                b"\xd9\xa5",
            ),
            *(
                b"\xef\xbc\x95",
                b"5%",
                b"%35",
                b"0b101",
                b"0o5",
                b"5u",
                b"NaN",
                b"inf",
                b"5\xa0",
                b"\xa05",
                b"5)",
                b"(5)",
                b"5-6",
            ),
            *(b"9223372036854775808", b"18446744073709551616", b"18446744073709551621", b"4294967301" * 2, b"9" * 100),
        )
    ),
    refuses(
        "two different lengths",
        "RFC 9112 6.3",
        400,
        framed(b"Content-Length: 5", b"Content-Length: 6", content=b"hello"),
    ),
    refuses(
        "two different lengths, one 0",
        "smuggling: CL.CL",
        400,
        framed(b"Content-Length: 0", b"Content-Length: 44") + SMUGGLED,
    ),
    refuses(
        "lengths 5 and 05", "RFC 9112 6.3", 400, framed(b"Content-Length: 5", b"Content-Length: 05", content=b"hello")
    ),
    refuses(
        "two lengths, one no number",
        "RFC 9112 6.3",
        400,
        framed(b"Content-Length: 5", b"Content-Length: x", content=b"hello"),
    ),
    refuses(
        "two lengths, one empty",
        "RFC 9112 6.3",
        400,
        framed(b"Content-Length: 5", b"Content-Length:", content=b"hello"),
    ),
    refuses("length under a name with a space", "RFC 9112 5.1", 400, framed(b"Content-Length : 5", content=b"hello")),
    refuses("length under a name with a tab", "RFC 9112 5.1", 400, framed(b"Content-Length\t: 5", content=b"hello")),
    refuses(
        "length with an underscore in its name",
        "underscore collisions",
        400,
        framed(b"Content_Length: 5", content=b"hello"),
    ),
    refuses(
        "length beside its name with an underscore",
        "underscore collisions",
        400,
        framed(b"Content-Length: 5", b"Content_Length: 0", content=b"hello"),
    ),
    refuses("length folded", "smuggling: CL.0", 400, framed(b"Content-Length:\r\n 5", content=b"hello")),
    passes("a field that only begins like a length", LENGTH, framed(b"Content-Lengthy: 5", b"X-Content-Length: 7")),
    refuses(
        "length behind a NUL in its name", "smuggling: 0.CL", 400, framed(b"\0Content-Length: 5", content=b"hello")
    ),
]

CODING = "RFC 9112 6.1"
CODINGS = [
    passes("chunked", CODING, coded(b" chunked")),
    *(
        passes(f"Transfer-Encoding:{shown(value)}", CODING, coded(value))
        for value in (b"chunked", b" Chunked", b" CHUNKED", b"\tchunked\t", b"   chunked   ", b" cHuNkEd")
    ),
    passes("name of the coding's field in other case", CODING, framed(b"tRANSFER-eNCODING: chunked", content=HELLO)),
    passes("chunked GET", CODING, framed(b"Transfer-Encoding: chunked", content=HELLO, method=b"GET")),
    passes("chunked with no content", "RFC 9112 7.1", post_chunked(b"0\r\n\r\n")),
    passes("chunked, then a request", "RFC 9112 9.3.2", [post_chunked(HELLO), get(b"/2")]),
    passes("chunked with no content, then a request", "RFC 9112 9.3.2", [post_chunked(b"0\r\n\r\n"), get(b"/2")]),
    *(
        refuses(f"Transfer-Encoding:{shown(value)}", CODING, status, coded(value))
        for value, status in (
            (b" chunked, chunked", 400),
            (b" chunked, gzip", 400),
            (b" chunked, identity", 400),
            (b" chunked,", 400),
            (b" ,chunked", 400),
            (b" chunked chunked", 400),
            (b" chunked;", 400),
            (b" chunked;q=1", 400),
            (b' "chunked"', 400),
            (b" 'chunked'", 501),
            (b" chunked\x0b", 400),
            (b" \x0bchunked", 400),
            (b"\x0cchunked", 400),
            (b" chunked\0", 400),
            (b" chunked\x7f", 400),
            (b" chunked\r", 400),
            (b"\n chunked", 400),
            (b" \xa0chunked", 400),
            (b" chunked\xff", 400),
            (b" chun\xe7ked", 400),
            (b" xchunked", 501),
            (b" chunkedx", 501),
            (b" chunk", 501),
            (b" chunke", 501),
            (b" x-chunked", 501),
            (b" identity", 501),
            (b" identity, chunked", 501),
            (b" gzip, chunked", 501),
            (b" gzip", 501),
            (b" deflate, gzip, chunked", 501),
            (b" trailers, chunked", 501),
            (b" cow", 501),
            (b" cow, chunked", 501),
            (b"", 400),
            (b" ", 400),
            (b" ,", 400),
            (b" (chunked)", 400),
            (b" chunked (comment)", 400),
            (b" [chunked]", 400),
            (b" {chunked}", 400),
            (b" \\chunked", 400),
            (b" chunked/1", 400),
            (b": chunked", 400),
            (b" chunked\r\n ", 400),
            (b"\r\n chunked", 400),
        )
    ),
    refuses(
        "coding in two fields, chunked twice", CODING, 400, framed(*[b"Transfer-Encoding: chunked"] * 2, content=HELLO)
    ),
    refuses(
        "coding in two fields, chunked first",
        CODING,
        400,
        framed(b"Transfer-Encoding: chunked", b"Transfer-Encoding: cow", content=HELLO),
    ),
    refuses(
        "coding in two fields, chunked last",
        CODING,
        501,
        framed(b"Transfer-Encoding: cow", b"Transfer-Encoding: chunked", content=HELLO),
    ),
    refuses(
        "coding in two fields, one empty",
        CODING,
        400,
        framed(b"Transfer-Encoding: chunked", b"Transfer-Encoding:", content=HELLO),
    ),
    refuses(
        "chunked in HTTP/1.0", CODING, 400, framed(b"Transfer-Encoding: chunked", content=HELLO, version=b"HTTP/1.0")
    ),
    refuses("gzip in HTTP/1.0", CODING, 400, framed(b"Transfer-Encoding: gzip", content=HELLO, version=b"HTTP/1.0")),
    refuses(
        "chunked under a name with a space",
        "smuggling: TE.TE",
        400,
        framed(b"Transfer-Encoding : chunked", content=HELLO),
    ),
    refuses(
        "chunked under a name with a tab",
        "smuggling: TE.TE",
        400,
        framed(b"Transfer-Encoding\t: chunked", content=HELLO),
    ),
    refuses(
        "chunked under an indented name",
        "smuggling: TE.TE",
        400,
        framed(b"X: y", b" Transfer-Encoding: chunked", content=HELLO),
    ),
    refuses(
        "chunked under a name with an underscore",
        "underscore collisions",
        400,
        framed(b"Transfer_Encoding: chunked", content=HELLO),
    ),
    refuses(
        "chunked under a name with a dot",
        "underscore collisions",
        400,
        framed(b"Transfer.Encoding: chunked", content=HELLO),
    ),
    refuses(
        "chunked under a quoted name", "smuggling: TE.TE", 400, framed(b'"Transfer-Encoding": chunked', content=HELLO)
    ),
    refuses(
        "chunked behind a bare LF", "smuggling: TE.TE", 400, framed(b"X: y\nTransfer-Encoding: chunked", content=HELLO)
    ),
    refuses(
        "chunked behind a bare CR", "smuggling: TE.TE", 400, framed(b"X: y\rTransfer-Encoding: chunked", content=HELLO)
    ),
    refuses(
        "chunked behind an empty name", "smuggling: TE.TE", 400, framed(b":Transfer-Encoding: chunked", content=HELLO)
    ),
    passes(
        "a field that only resembles the coding's",
        CODING,
        framed(b"X-Transfer-Encoding: chunked", b"Transfer-Encodings: chunked"),
    ),
]

BOTH = "RFC 9112 6.3"
SMUGGLING = [
    refuses("CL.TE", BOTH, 400, framed(b"Content-Length: 6", b"Transfer-Encoding: chunked", content=b"0\r\n\r\nG")),
    refuses(
        "TE.CL",
        BOTH,
        400,
        framed(b"Transfer-Encoding: chunked", b"Content-Length: 4", content=b"5c\r\n" + SMUGGLED + b"0\r\n\r\n"),
    ),
    refuses("both, length 0", BOTH, 400, framed(b"Content-Length: 0", b"Transfer-Encoding: chunked", content=HELLO)),
    refuses(
        "both, and the length is wrong",
        BOTH,
        400,
        framed(b"Content-Length: x", b"Transfer-Encoding: chunked", content=HELLO),
    ),
    refuses(
        "both, and the coding is unknown",
        BOTH,
        400,
        framed(b"Content-Length: 5", b"Transfer-Encoding: cow", content=b"hello"),
    ),
    refuses(
        "both, and the coding is identity",
        BOTH,
        400,
        framed(b"Content-Length: 5", b"Transfer-Encoding: identity", content=b"hello"),
    ),
    refuses(
        "both, and the coding is empty",
        BOTH,
        400,
        framed(b"Content-Length: 5", b"Transfer-Encoding:", content=b"hello"),
    ),
    refuses(
        "both, in HTTP/1.0",
        BOTH,
        400,
        framed(b"Content-Length: 5", b"Transfer-Encoding: chunked", content=HELLO, version=b"HTTP/1.0"),
    ),
    refuses(
        "both, the length nominated by Connection",
        BOTH,
        400,
        framed(b"Connection: Content-Length", b"Content-Length: 5", b"Transfer-Encoding: chunked", content=HELLO),
    ),
    refuses(
        "TE.TE, the second obfuscated",
        "smuggling: TE.TE",
        400,
        framed(b"Transfer-Encoding: chunked", b"Transfer-encoding: x", content=HELLO),
    ),
    refuses(
        "TE.TE with a space, and a length",
        "smuggling: TE.TE",
        400,
        framed(b"Content-Length: 4", b"Transfer-Encoding : chunked", content=HELLO),
    ),
    passes("CL.0: the content of a POST to a static path", "smuggling: CL.0", [post(SMUGGLED), get(b"/2")]),
    passes(
        "the length nominated by Connection stays",
        "RFC 9110 7.6.1",
        framed(b"Connection: Content-Length", b"Content-Length: 5", content=b"hello"),
    ),
    passes(
        "the coding nominated by Connection stays",
        "RFC 9110 7.6.1",
        framed(b"Connection: close, Transfer-Encoding", b"Transfer-Encoding: chunked", content=HELLO),
    ),
    refuses(
        "0.CL: a length hidden by a fold",
        "smuggling: 0.CL",
        400,
        framed(b"X: y\r\n Content-Length: 44", content=SMUGGLED),
    ),
    refuses(
        "HTTP/1.1 request behind a CL of another line end",
        "smuggling",
        400,
        framed(b"Content-Length: 5\n", content=b"hello"),
    ),
]

CHUNK = "RFC 9112 7.1"
EXTENSION = "RFC 9112 7.1.1"
TRAILER = "RFC 9112 7.1.2"
GOOD_CHUNKS = [
    passes("many chunks", CHUNK, post_chunked(b"1\r\nh\r\n1\r\ne\r\n3\r\nllo\r\n0\r\n\r\n")),
    passes("size with leading zeros", CHUNK, post_chunked(b"005\r\nhello\r\n000\r\n\r\n")),
    passes("size of 16 digits", CHUNK, post_chunked(b"0000000000000005\r\nhello\r\n0000000000000000\r\n\r\n")),
    passes("size in capitals", CHUNK, post_chunked(b"A\r\n0123456789\r\n0\r\n\r\n")),
    passes("size in lower case", CHUNK, post_chunked(b"a\r\n0123456789\r\n0\r\n\r\n")),
    passes("chunk of 70,000 octets", CHUNK, post_chunked(b"%x\r\n%s\r\n0\r\n\r\n" % (70_000, b"ab" * 35_000))),
    passes("chunks of CR, LF and digits", CHUNK, post_chunked(b"9\r\n\r\n0\r\n\r\n\r\n\r\n0\r\n\r\n")),
    passes("extension", EXTENSION, post_chunked(b"5;a=b\r\nhello\r\n0\r\n\r\n")),
    passes("extension without a value", EXTENSION, post_chunked(b"5;a\r\nhello\r\n0;b\r\n\r\n")),
    passes("extension in quotes", EXTENSION, post_chunked(b'5;a="b;c"\r\nhello\r\n0\r\n\r\n')),
    passes("extension with white space before it", EXTENSION, post_chunked(b"5 ;a=b\r\nhello\r\n0\r\n\r\n")),
    passes("extension with white space within", EXTENSION, post_chunked(b"5;\ta = b\r\nhello\r\n0\r\n\r\n")),
    passes("several extensions", EXTENSION, post_chunked(b"5;a;b=c;d\r\nhello\r\n0;e=f\r\n\r\n")),
    passes("extension of 256 octets", EXTENSION, post_chunked(b"5;" + b"a" * 255 + b"\r\nhello\r\n0\r\n\r\n")),
    passes("trailer", TRAILER, post_chunked(b"5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n", b"Trailer: X-Sum\r\n")),
    passes("trailer that was not announced", "Go ReverseProxy", post_chunked(b"5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n")),
    passes(
        "several trailers, duplicates, empty",
        TRAILER,
        post_chunked(b"0\r\nX-A: 1\r\nx-a:2\r\nX-B:\r\nX-C: \xe4\r\n\r\n"),
    ),
    passes(
        "trailers that are framing are left out",
        "RFC 9110 6.5.1",
        post_chunked(b"0\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\nX-A: 1\r\n\r\n"),
    ),
    passes(
        "trailers that route are left out",
        "RFC 9110 6.5.1",
        post_chunked(b"0\r\nHost: evil.example\r\nConnection: X-A\r\nTE: trailers\r\nX-A: 1\r\n\r\n"),
    ),
    passes(
        "trailers that resemble framing are left out",
        "underscore collisions",
        post_chunked(b"0\r\nContent_Length: 5\r\nTransfer_Encoding: x\r\nX-A: 1\r\n\r\n"),
    ),
    passes(
        "trailer that Connection names is left out",
        "RFC 9110 7.6.1",
        post_chunked(b"0\r\nX-A: 1\r\nX-B: 2\r\n\r\n", b"Connection: X-A\r\n"),
    ),
    passes("trailers, then a request", "RFC 9112 9.3.2", [post_chunked(b"0\r\nX-A: 1\r\n\r\n"), get(b"/2")]),
]

BAD_CHUNKS = [
    *(
        cuts_upload(f"chunk {shown(octets)}", CHUNK, post_chunked(octets + b"hello\r\n0\r\n\r\n"))
        for octets in (
            *(
                b"0x5\r\n",
                b"+5\r\n",
                b"-5\r\n",
                b" 5\r\n",
                b"\t5\r\n",
                b"5 \r\n",
                b"5\t\r\n",
                b"5 5\r\n",
                b"5g\r\n",
                b"g\r\n",
                b"\r\n",
            ),
            *(
                b"5.0\r\n",
                b"5,\r\n",
                b'"5"\r\n',
                b"5\0\r\n",
                b"\x005\r\n",
                b"5\x0b\r\n",
                b"5_\r\n",
                b"5h\r\n",
                b"0X5\r\n",
                b"#5\r\n",
            ),
            *(
                b"00000000000000005\r\n",
                b"10000000000000005\r\n",
                b"8000000000000000\r\n",
                b"ffffffffffffffff\r\n",
                b"f" * 40 + b"\r\n",
            ),
            *(
                b"5\n",
                b"5\r",
                b"5\r\r\n",
                b"5\n\r",
                b"5\r\n\r\n",
                b"5\n\n",
                b"\xef\xbc\x95\r\n",
                b"\xb2\r\n",
                b";a\r\n",
                b";5\r\n",
                b"5\xa0\r\n",
            ),
            *(
                b"5;a=\0\r\n",
                b"5;a\rb\r\n",
                b"5;a\nb\r\n",
                b"5;\n",
                b"5;a=b\n",
                b"5;a=\x7f\r\n",
                b"5;a\x0b\r\n",
                b"5 a\r\n",
                b"5a b\r\n",
            ),
            *(b"5;" + b"a" * 256 + b"\r\n", b"5;" + b"a" * 20_000 + b"\r\n", b"5 " + b" " * 300 + b";a\r\n"),
        )
    ),
    cuts_upload("data longer than its size", CHUNK, post_chunked(b"4\r\nhello\r\n0\r\n\r\n")),
    cuts_upload("data shorter than its size", CHUNK, post_chunked(b"6\r\nhello\r\n0\r\n\r\n")),
    cuts_upload("data ends in LF", CHUNK, post_chunked(b"5\r\nhello\n0\r\n\r\n")),
    cuts_upload("data ends in CR", CHUNK, post_chunked(b"5\r\nhello\r0\r\n\r\n")),
    cuts_upload("data without a line end", CHUNK, post_chunked(b"5\r\nhello0\r\n\r\n")),
    cuts_upload("data ends in two other octets", CHUNK, post_chunked(b"5\r\nhelloXX0\r\n\r\n")),
    cuts_upload("last chunk ends in LF", CHUNK, post_chunked(b"5\r\nhello\r\n0\n\r\n")),
    cuts_upload("last chunk without its size", CHUNK, post_chunked(b"5\r\nhello\r\n\r\n\r\n")),
    cuts_upload("body ends in LF", CHUNK, post_chunked(b"5\r\nhello\r\n0\r\n\n")),
    cuts_upload("body ends in CR", CHUNK, post_chunked(b"5\r\nhello\r\n0\r\n\r" + SMUGGLED)),
    cuts_upload("body ends in another octet", CHUNK, post_chunked(b"5\r\nhello\r\n0\r\n\rX")),
    cuts_upload("body ends at once in a request", CHUNK, post_chunked(b"0\r\n" + SMUGGLED)),
    *(
        cuts_upload(f"trailer {shown(octets)}", TRAILER, post_chunked(b"0\r\n" + octets + b"\r\n"))
        for octets in (
            *(
                b"X-A\r\n",
                b"X-A : a\r\n",
                b" X-A: a\r\n",
                b": a\r\n",
                b"X-A: a\n",
                b"X-A: a\r",
                b"X-A: a\r\n b\r\n",
                b"X-A: a\0\r\n",
            ),
            *(
                b"X-A: a\x0b\r\n",
                b"X-A: a\rb\r\n",
                b"X A: a\r\n",
                b"X\0A: a\r\n",
                b"X-A: a\x7f\r\n",
                b"X\xc4: a\r\n",
                b"\0\r\n",
                b"X-A: \x1b\r\n",
            ),
        )
    ),
    cuts_upload(
        "trailers over the head's limit", TRAILER, post_chunked(b"0\r\n" + b"X-A: 1234567890\r\n" * 5000 + b"\r\n")
    ),
    cuts_upload(
        "a request behind a broken chunk is not served", CHUNK, post_chunked(b"5\r\nhelloX\r\n0\r\n\r\n") + SMUGGLED
    ),
    Case(
        "a broken chunk in the second request",
        CHUNK,
        (
            Step(get(b"/1"), Forwarded()),
            Step(post_chunked(b"5\r\nhello\r\nx\r\n\r\n") + SMUGGLED, UploadCut(frozenset({400})), Reply(b"")),
        ),
    ),
    Case(
        "both framings in the second request",
        BOTH,
        (
            Step(post(b"hello"), Forwarded()),
            Step(
                framed(b"Content-Length: 5", b"Transfer-Encoding: chunked", content=HELLO) + SMUGGLED,
                Refused(frozenset({400})),
            ),
        ),
    ),
]

EXPECT = "RFC 9110 10.1.1"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
HEAD_OF_FIVE = framed(b"Expect: 100-continue", b"Content-Length: 5")
EXPECTATIONS = [
    passes(
        "100-continue, content sent at once",
        EXPECT,
        framed(b"Expect: 100-continue", b"Content-Length: 5", content=b"hello"),
    ),
    Case(
        "100-continue, content sent after 100",
        EXPECT,
        (Step(HEAD_OF_FIVE, Forwarded(), Reply(OK, on_head=CONTINUE), b"hello"),),
    ),
    Case(
        "100-continue, chunked content sent after 100",
        EXPECT,
        (
            Step(
                framed(b"Expect: 100-Continue", b"Transfer-Encoding: chunked"),
                Forwarded(),
                Reply(OK, on_head=CONTINUE),
                HELLO,
            ),
        ),
    ),
    passes(
        "100-continue from HTTP/1.0 is taken out",
        EXPECT,
        framed(b"Expect: 100-continue", b"Content-Length: 5", content=b"hello", version=b"HTTP/1.0"),
    ),
    passes("another expectation from HTTP/1.0 is taken out", EXPECT, framed(b"Expect: other", version=b"HTTP/1.0")),
    passes("100-continue without content", EXPECT, get(fields=b"Expect: 100-continue\r\n")),
    passes(
        "100-continue nominated by Connection ends here",
        "RFC 9110 7.6.1",
        get(fields=b"Connection: Expect\r\nExpect: 100-continue\r\n"),
    ),
    *(
        refuses(
            f"Expect: {shown(value)}", EXPECT, 417, framed(b"Expect: " + value, b"Content-Length: 5", content=b"hello")
        )
        for value in (
            b"other",
            b"100-continue, other",
            b"100-continue;q=1",
            b"200-ok",
            b"x100-continue",
            b'"100-continue"',
        )
    ),
]

REFUSAL = response(b"413 Too Large", content=b"no")
EARLY = [
    answered_early("a final answer instead of 100", EXPECT, HEAD_OF_FIVE, REFUSAL),
    answered_early("100, then a final answer before the content", EXPECT, HEAD_OF_FIVE, CONTINUE + REFUSAL),
    answered_early("a final answer before the content", "RFC 9112 9.5", framed(b"Content-Length: 5"), REFUSAL),
    answered_early(
        "a final answer within the content", "RFC 9112 9.5", framed(b"Content-Length: 9", content=b"hello"), REFUSAL
    ),
    answered_early("a final answer within chunks", "RFC 9112 9.5", post_chunked(b"5\r\nhello\r\n"), REFUSAL),
    answered_early(
        "204 before the content", "RFC 9112 9.5", framed(b"Content-Length: 5"), b"HTTP/1.1 204 X\r\nDate: a\r\n\r\n"
    ),
]

LIMIT = "RFC 9110 15.5.14"
LIMITS = [
    passes("content at its limit", LIMIT, post(b"0123456789"), setting="small"),
    refuses("content over its limit", LIMIT, 413, post(b"0123456789a"), setting="small"),
    refuses(
        "content over its limit, expecting 100",
        LIMIT,
        413,
        framed(b"Expect: 100-continue", b"Content-Length: 11"),
        setting="small",
    ),
    refuses("content of 2^63-1", LIMIT, 413, framed(b"Content-Length: 9223372036854775807"), setting="small"),
    passes("chunks at their limit", LIMIT, post_chunked(b"5\r\n01234\r\n5\r\n56789\r\n0\r\n\r\n"), setting="small"),
    cuts_upload(
        "chunks over their limit", LIMIT, post_chunked(b"5\r\n01234\r\n6\r\n56789a\r\n0\r\n\r\n"), 413, setting="small"
    ),
    passes(
        "extensions do not count as content",
        LIMIT,
        post_chunked(b"5;aaaaaaaaaaaaaaaaaaaa\r\n01234\r\n0\r\n\r\n"),
        setting="small",
    ),
    cuts_upload(
        "trailers over the limit of a head",
        LIMIT,
        post_chunked(b"0\r\nX-A: " + b"a" * 1100 + b"\r\n\r\n"),
        setting="small",
    ),
]

INCOMPLETE = [
    abandons(
        "client ends within content of a length", "RFC 9112 6.3", framed(b"Content-Length: 50", content=b"hello"), "FIN"
    ),
    abandons("client ends within a chunk", "RFC 9112 7.1", post_chunked(b"50\r\nhello"), "FIN"),
    abandons("client ends before the last chunk", "RFC 9112 7.1", post_chunked(b"5\r\nhello\r\n"), "FIN"),
    abandons("client ends within the last chunk", "RFC 9112 7.1", post_chunked(b"5\r\nhello\r\n0\r\n"), "FIN"),
    abandons("client ends within a trailer", "RFC 9112 7.1", post_chunked(b"0\r\nX-A: a"), "FIN"),
    abandons(
        "client breaks off within content", "Go ReverseProxy", framed(b"Content-Length: 50", content=b"hello"), "RST"
    ),
    abandons("client breaks off within chunks", "Go ReverseProxy", post_chunked(b"5\r\nhello\r\n"), "RST"),
]

CASES = LENGTHS + CODINGS + SMUGGLING + GOOD_CHUNKS + BAD_CHUNKS + EXPECTATIONS + EARLY + LIMITS + INCOMPLETE
