"""Real clients and a real web server: curl, requests, wget, Node, git, nginx, and a stream of events."""

import hashlib
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from bridge import SECRET, environment
from gitserver import GitServer
from message import DATE, response
from nginx import Nginx
from target import answering

CONTENT = os.urandom(300_000)
TEXT = "one line of many\n" * 5000
PROGRAM_SECONDS = 60


def echo(request):
    """Answers with the content of the request, and with its start line in a field."""
    return response(fields=b"X-Start-Line: " + request.head.start_line + b"\r\n", content=request.content)


@pytest.fixture
def echoing(start_target):
    """A target that answers with what it was sent."""
    return start_target().serve(answering(echo))


@pytest.fixture
def program(tmp_path):
    """Runs a program to its end; says what it printed, as octets. It must succeed."""

    def run(*command, env=None, stdin=b""):
        home = {"HOME": str(tmp_path), **(env or {})}
        command = [str(part) for part in command]
        done = subprocess.run(
            command, input=stdin, capture_output=True, timeout=PROGRAM_SECONDS, cwd=tmp_path, env=environment(home)
        )
        assert done.returncode == 0, done.stderr.decode(errors="replace")
        return done.stdout

    return run


@pytest.fixture
def files(tmp_path):
    """A folder with content.bin and text.txt, for a web server to serve."""
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "content.bin").write_bytes(CONTENT)
    (folder / "text.txt").write_text(TEXT)
    return folder


@pytest.fixture(params=["http", "https"])
def web(request, start_bridge, tmp_path, files, certificates):
    """A bridge in front of nginx, over http and over https."""
    nginx = Nginx(tmp_path, files, certificates.good if request.param == "https" else None)
    settings = f"[tls]\nca_file = {certificates.authority.pem}\n[request-headers]\nAuthorization = Bearer {SECRET}\n"
    try:
        yield start_bridge(nginx.url, settings)
    finally:
        nginx.stop()


class TestCurl:
    def test_plain(self, program, web):
        assert program("curl", "-sS", "--fail", f"{web.url}/content.bin") == CONTENT

    def test_host_and_authorization(self, program, web):
        target = web.config.read_text().partition("target = ")[2].splitlines()[0].partition("//")[2]
        shown = program("curl", "-sS", "-H", "Authorization: evil", f"{web.url}/show").decode()
        assert shown == f"{target} Bearer {SECRET}"

    def test_several_on_one_connection(self, program, web):
        urls = [f"{web.url}/content.bin", f"{web.url}/text.txt", f"{web.url}/content.bin"]
        assert program("curl", "-sS", "--fail", *urls) == CONTENT + TEXT.encode() + CONTENT

    def test_compressed(self, program, web, tmp_path):
        head = tmp_path / "head"
        got = program("curl", "-sS", "--compressed", "-D", head, f"{web.url}/text.txt")
        assert got == TEXT.encode() and b"content-encoding: gzip" in head.read_bytes().lower()

    def test_not_compressed_unless_asked(self, program, web, tmp_path):
        head = tmp_path / "head"
        assert program("curl", "-sS", "-D", head, f"{web.url}/text.txt") == TEXT.encode()
        assert b"content-encoding" not in head.read_bytes().lower()

    def test_range(self, program, web):
        assert program("curl", "-sS", "--fail", "-r", "1000-1999", f"{web.url}/content.bin") == CONTENT[1000:2000]

    def test_resumed_download(self, program, web, tmp_path):
        (tmp_path / "part").write_bytes(CONTENT[:100_000])
        program("curl", "-sS", "--fail", "-C", "-", "-o", "part", f"{web.url}/content.bin")
        assert (tmp_path / "part").read_bytes() == CONTENT

    def test_head(self, program, web):
        assert b"Content-Length: 300000" in program("curl", "-sS", "-I", f"{web.url}/content.bin")

    @pytest.mark.parametrize(
        "options",
        [
            [],
            ["-H", "Transfer-Encoding: chunked"],
            ["-H", "Expect: 100-continue"],
            ["-H", "Expect: 100-continue", "-H", "Transfer-Encoding: chunked"],
            ["--http1.0", "-H", "Expect:"],
        ],
        ids=" ".join,
    )
    def test_upload(self, program, start_bridge, echoing, options):
        url = start_bridge(echoing).url
        got = program("curl", "-sS", "--fail", "--data-binary", "@-", *options, f"{url}/up", stdin=CONTENT)
        assert got == CONTENT
        assert echoing.requests[0].head.start_line == b"POST /up HTTP/1.1"

    def test_put_of_a_pipe(self, program, start_bridge, echoing):
        assert program("curl", "-sS", "--fail", "-T", "-", f"{start_bridge(echoing).url}/up", stdin=CONTENT) == CONTENT
        assert echoing.requests[0].values(b"Transfer-Encoding") == [b"chunked"]

    def test_form_upload(self, program, start_bridge, echoing, files):
        form = f"file=@{files}/content.bin"
        assert CONTENT in program("curl", "-sS", "--fail", "-F", form, start_bridge(echoing).url)

    def test_http_2_offer_is_passed_over(self, program, start_bridge, echoing):
        assert program("curl", "-sS", "--fail", "--http2", "-d", "hello", start_bridge(echoing).url) == b"hello"

    def test_unix_socket(self, program, start_bridge, echoing, tmp_path):
        start_bridge(echoing, listen=f"unix:{tmp_path}/socket")
        command = ("curl", "-sS", "--fail", "--unix-socket", tmp_path / "socket", "-d", "hello", "http://any/")
        assert program(*command) == b"hello"


class TestOtherClients:
    def test_wget(self, program, web):
        assert program("wget", "-q", "-O", "-", f"{web.url}/content.bin") == CONTENT

    def test_wget_several(self, program, web, tmp_path):
        program("wget", "-q", "-P", "got", f"{web.url}/content.bin", f"{web.url}/text.txt")
        assert (tmp_path / "got/content.bin").read_bytes() == CONTENT
        assert (tmp_path / "got/text.txt").read_text() == TEXT

    def test_wget_post(self, program, start_bridge, echoing):
        assert program("wget", "-q", "-O", "-", "--post-data=hello", start_bridge(echoing).url) == b"hello"

    def test_requests(self, web):
        with requests.Session() as session:
            session.trust_env = False
            for _ in range(3):
                answer = session.get(f"{web.url}/text.txt", timeout=10)
                assert answer.text == TEXT and answer.headers["Content-Encoding"] == "gzip"
            assert session.get(f"{web.url}/none", timeout=10).status_code == 404

    @pytest.mark.parametrize("data", [CONTENT, lambda: iter([CONTENT[:99], CONTENT[99:]])], ids=["length", "chunked"])
    def test_requests_upload(self, start_bridge, echoing, data):
        with requests.Session() as session:
            session.trust_env = False
            answer = session.post(start_bridge(echoing).url, data=data() if callable(data) else data, timeout=10)
            assert answer.content == CONTENT

    def test_node_fetch(self, program, start_bridge, echoing):
        script = """
            const url = process.argv[1];
            for (const size of [0, 1, 70000, 3000000]) {
                const sent = 'a'.repeat(size);
                const answer = await fetch(url, { method: 'POST', body: sent, headers: { 'X-A': 'a' } });
                if (answer.status !== 200 || await answer.text() !== sent) throw new Error(`wrong at ${size}`);
            }
            const stream = new ReadableStream({
                start(control) { control.enqueue(new TextEncoder().encode('hello')); control.close(); },
            });
            const answer = await fetch(url, { method: 'POST', body: stream, duplex: 'half' });
            console.log(await answer.text());
        """
        assert program("node", "--input-type=module", "-e", script, start_bridge(echoing).url) == b"hello\n"
        assert echoing.requests[-1].values(b"Transfer-Encoding") == [b"chunked"]


class TestGit:
    def test_clone_and_push(self, program, start_bridge, tmp_path):
        root = tmp_path / "repositories"
        root.mkdir()
        program("git", "init", "-q", "--bare", "-b", "main", root / "project.git")
        program("git", "-C", root / "project.git", "config", "http.receivepack", "true")
        server = GitServer(root)
        me = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_TERMINAL_PROMPT": "0"}
        me |= {f"GIT_{who}_{what}": "x@example" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        try:
            bridge = start_bridge(server.url, "[request-headers]\nAuthorization = Basic eDp5\n")
            program("git", "clone", "-q", f"{bridge.url}/project.git", "first", env=me)
            (tmp_path / "first/content").write_bytes(os.urandom(3_000_000))
            program("git", "-C", "first", "add", "content", env=me)
            program("git", "-C", "first", "commit", "-q", "-m", "content", env=me)
            program("git", "-C", "first", "push", "-q", "origin", "HEAD:main", env=me)
            program("git", "clone", "-q", f"{bridge.url}/project.git", "second", env=me)
        finally:
            server.stop()
        assert (tmp_path / "second/content").read_bytes() == (tmp_path / "first/content").read_bytes()
        assert server.framings == {"length", "chunked"}


class TestEvents:
    """Each event must be at the client before the target sends the next one."""

    HEAD = b"HTTP/1.1 200 OK\r\n" + DATE + b"Content-Type: text/event-stream\r\nCache-Control: no-cache\r\n"

    def test_to_a_raw_client(self, client, target):
        client.send(b"GET /events HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n")
        upstream = target.accept()
        upstream.send(self.HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        client.read_head()
        for number in range(20):
            event = b"data: %d\n\n" % number
            upstream.send(b"%x\r\n%s\r\n" % (len(event), event))
            client.read_until(event + b"\r\n")

    def test_to_curl(self, bridge, target, tmp_path):
        command = ["curl", "-sSN", "--max-time", "20", f"{bridge.url}/events"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment({"HOME": str(tmp_path)})) as curl:
            upstream = target.accept()
            upstream.read_head()
            upstream.send(self.HEAD + b"\r\n")
            for number in range(20):
                upstream.send(b"data: %d\n\n" % number)
                assert curl.stdout.readline() + curl.stdout.readline() == b"data: %d\n\n" % number
            upstream.close()
            assert curl.stdout.read() == b"" and curl.wait(10) == 0


class TestConcurrency:
    def test_many_clients_get_their_own_answers(self, start_bridge, echoing, connect):
        bridge = start_bridge(echoing)

        def talk(number):
            client = connect(bridge)
            for turn in range(10):
                content = hashlib.sha256(b"%d/%d" % (number, turn)).digest() * (1 + number * 37 % 200)
                head = b"POST /%d/%d HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (number, turn, len(content))
                answer = client.exchange(head + content)
                assert answer.content == content
                assert answer.values(b"X-Start-Line") == [b"POST /%d/%d HTTP/1.1" % (number, turn)]
            client.close()
            return number

        with ThreadPoolExecutor(40) as pool:
            assert list(pool.map(talk, range(40))) == list(range(40))
        assert bridge.access(400)["status"] == "200"
