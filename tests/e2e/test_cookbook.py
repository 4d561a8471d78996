"""docs/COOKBOOK.md: each recipe as it stands there, with the curl commands that it shows."""

import os
import re
import shlex
import socket
import subprocess

import pytest
from bridge import REPOSITORY, SECRET, environment
from haproxy import Haproxy
from message import Head, response
from target import answering
from tokenserver import CLIENT_ID, CLIENT_SECRET
from wire import DEADLINE

DOCUMENT = (REPOSITORY / "docs" / "COOKBOOK.md").read_text()
RECIPES = {
    int(number): text
    for number, text in re.findall(r"^## (\d+)\. .*?\n(.*?)(?=^## |\Z)", DOCUMENT, re.MULTILINE | re.DOTALL)
}

# Addresses that no other run of the tests uses, so that the ports can stay as they are in the document.
OWN = f"{64 + os.getpid() // 256 % 64}.{os.getpid() % 256}"


def block(number, kind):
    """A recipe's block of that kind."""
    return re.search(rf"^```{kind}\n(.*?)^```$", RECIPES[number], re.MULTILINE | re.DOTALL)[1]


def replaced(text, replacements):
    """The text with each of these replaced; each must be there."""
    for old, new in replacements.items():
        assert old in text, f"the document has no {old}"
        text = text.replace(old, new)
    return text


class Kitchen:
    """What a recipe is cooked with: its bridge, files, targets, and curl."""

    def __init__(self, folder, start_bridge, start_target):
        self.folder = folder
        self.start_bridge = start_bridge
        self.start_target = start_target
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]

    def secret(self, name, text):
        """A file that only the bridge may read; says its path."""
        path = self.folder / name
        path.write_text(f"{text}\n")
        path.chmod(0o600)
        return str(path)

    def target(self, answer=None, **settings):
        """One that answers every request with its own text."""
        return self.start_target(**settings).serve(answering(answer or response(content=b"from the target")))

    def start(self, number, replacements, port=":8080"):
        """Starts the recipe's bridge."""
        self.replacements = {port: f":{self.port}"}
        return self.start_bridge(text=replaced(block(number, "ini"), {**self.replacements, **replacements}))

    def curl(self, number):
        """Runs the recipe's commands; says the head and the content of each answer."""
        answers = []
        for command in block(number, "sh").splitlines():
            words = shlex.split(replaced(command, self.replacements))
            assert words[0] == "curl"
            done = subprocess.run(
                ["curl", "-sS", "--max-time", str(DEADLINE), *words[1:]],
                capture_output=True,
                env=environment(),
                check=True,
            )
            head, end, content = done.stdout.partition(b"\r\n\r\n")
            answers.append((Head(head + end), content))
        return answers


@pytest.fixture
def kitchen(tmp_path, start_bridge, start_target):
    return Kitchen(tmp_path, start_bridge, start_target)


def seen(target, name):
    """What the target saw in that field, request by request."""
    return [request.values(name) for request in target.requests]


def lines(target):
    return [request.head.start_line for request in target.requests]


def test_there_are_eight():
    assert sorted(RECIPES) == list(range(1, 9))
    for text in RECIPES.values():
        assert "```ini\n" in text and "```sh\n" in text


def test_static_token(kitchen):
    target = kitchen.target()
    token = kitchen.secret("token", SECRET)
    kitchen.start(1, {"https://preprod.example.com": target.url, "/etc/authbridge/token": token})
    ((head, content),) = kitchen.curl(1)
    assert head.status == 200 and content == b"from the target"
    assert lines(target) == [b"GET /orders/17 HTTP/1.1"]
    assert seen(target, b"Authorization") == [[b"Bearer " + SECRET.encode()]]
    assert seen(target, b"Host") == [[target.authority]]


def test_oauth(kitchen, start_token_server):
    server = start_token_server()
    target = kitchen.start_target().serve(answering(server.guard(response(content=b"from the target"))))
    kitchen.start(
        2,
        {
            "https://preprod.example.com": target.url,
            "https://id.example.com/oauth2/token": server.url,
            "client_id = bridge": f"client_id = {CLIENT_ID}",
            "/etc/authbridge/client-secret": kitchen.secret("client-secret", CLIENT_SECRET),
        },
    )
    ((head, content),) = kitchen.curl(2)
    assert head.status == 200 and content == b"from the target"
    assert server.asked[0].parameters["scope"] == "orders:read orders:write"


def test_command(kitchen):
    target = kitchen.target()
    program = kitchen.folder / "vault"
    program.write_text(f'#!/bin/sh\n[ "$*" = "read -field=token secret/preprod" ] && echo {SECRET}\n')
    program.chmod(0o700)
    kitchen.start(3, {"https://preprod.example.com": target.url, "/usr/local/bin/vault": str(program)})
    ((head, _),) = kitchen.curl(3)
    assert head.status == 200
    assert seen(target, b"X-Api-Key") == [[SECRET.encode()]]


def test_front_end(kitchen):
    target = kitchen.start_target()
    moved = b"Location: %s/new\r\nSet-Cookie: __Host-sid=1; Path=/; Secure; SameSite=None\r\n" % target.url.encode()
    target.serve(answering(response(b"302 Found", moved)))
    token = kitchen.secret("token", SECRET)
    kitchen.start(4, {"https://api.preprod.example.com": target.url, "/etc/authbridge/token": token})
    ((head, _),) = kitchen.curl(4)
    assert head.status == 302
    assert head.values(b"Location") == [f"http://localhost:{kitchen.port}/new".encode()]
    assert b"secure" not in head.values(b"Set-Cookie")[0].lower()
    assert head.values(b"Access-Control-Allow-Origin") == [b"http://localhost:3000"]
    assert head.values(b"Access-Control-Allow-Credentials") == [b"true"]


def test_read_only(kitchen, connect):
    target = kitchen.target()
    token = kitchen.secret("readonly-token", SECRET)
    bridge = kitchen.start(5, {"https://api.example.com": target.url, "/etc/authbridge/readonly-token": token})
    ((head, _),) = kitchen.curl(5)
    assert head.status == 405
    assert head.values(b"Allow") == [b"GET, HEAD, OPTIONS"]
    assert not target.requests
    assert connect(bridge).exchange(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").status == 200


def test_twenty_services(kitchen, connect):
    names = {
        "payments": "https://payments.preprod.example.com",
        "refunds": "https://refunds.preprod.example.com",
        "search": "http://search.preprod.example.com:8983",
        "maps": "https://maps.example.net",
        "mail": "https://mail.example.org",
    }
    targets = {name: kitchen.target(response(content=name.encode())) for name in names}
    files = {name: kitchen.secret(name, f"{SECRET}-{name}") for name in ("payments-token", "refunds-token", "maps-key")}
    files["mail-basic"] = kitchen.secret("mail-basic", SECRET)
    own = {url: targets[name].url for name, url in names.items()}
    bridge = kitchen.start(6, {**own, **{f"/etc/authbridge/{name}": path for name, path in files.items()}})
    answers = kitchen.curl(6)
    assert [head.status for head, _ in answers] == [200] * 5
    assert [content for _, content in answers] == [name.encode() for name in names]
    assert lines(targets["payments"]) == [b"GET /17 HTTP/1.1"]
    assert lines(targets["refunds"]) == [b"GET /payments/refunds/17 HTTP/1.1"]
    assert seen(targets["payments"], b"Authorization") == [[f"Bearer {SECRET}-payments-token".encode()]]
    assert seen(targets["maps"], b"X-Api-Key") == [[f"{SECRET}-maps-key".encode()]]
    assert seen(targets["search"], b"Authorization") == [[]]
    assert all(len(values) == 1 for target in targets.values() for values in seen(target, b"X-Request-Id"))
    client = connect(bridge)
    assert client.exchange(b"GET /other HTTP/1.1\r\nHost: a\r\n\r\n").status == 404
    assert client.exchange(b"DELETE /payments/17 HTTP/1.1\r\nHost: a\r\n\r\n").status == 405


def test_mutual_tls(kitchen, certificates):
    target = kitchen.target(tls=certificates.good.server(certificates.authority))
    kitchen.start(
        7,
        {
            "https://partner.example.com": target.url,
            "/etc/authbridge/client.pem": str(certificates.client.pem),
            "/etc/authbridge/client.key": str(certificates.client.key),
            "/etc/authbridge/partner-ca.pem": str(certificates.authority.pem),
        },
    )
    ((head, content),) = kitchen.curl(7)
    assert head.status == 200 and content == b"from the target"


def test_behind_haproxy(kitchen):
    target = kitchen.target()
    balancer, bridge = f"127.{OWN}.7", f"127.{OWN}.11"
    token = kitchen.secret("token", SECRET)
    kitchen.start(
        8,
        {
            "10.20.0.0/16": "127.0.0.0/8",
            "10.0.0.7": balancer,
            "10.0.0.11": bridge,
            "https://preprod.example.com": target.url,
            "/etc/authbridge/token": token,
        },
        port=":8081",
    )
    admin = kitchen.folder / "admin.sock"
    addresses = {":8081": f":{kitchen.port}", "10.0.0.7": balancer, "10.0.0.11": bridge}
    config = f"global\n    stats socket {admin} mode 600 level admin\n" + replaced(block(8, "haproxy"), addresses)
    haproxy = Haproxy(kitchen.folder, config, admin)
    try:
        kitchen.replacements = {"10.0.0.7": balancer}
        ((head, content),) = kitchen.curl(8)
    finally:
        haproxy.stop()
    assert head.status == 200 and content == b"from the target"
    assert seen(target, b"X-Forwarded-For")[0][0].startswith(b"127.")
