"""Tokens under the unit: its sandbox lets the keeper run a program and read a credential."""

from conftest import journal, systemctl
from message import get
from wire import wait_until

USE = "[request-headers]\nX-Token = ${token:mine}\n[token:mine]\n"


def test_command(service, origin, connect):
    """A program runs as the service does, without a privilege, and its output is the token."""
    service.configure(origin, USE + "type = command\ncommand = /bin/sh -c \"echo token-of-$(id -u | wc -l)\"\n")
    service.start()
    assert connect().exchange(get()).status == 200
    assert origin.requests[-1].values(b"X-Token") == [b"token-of-1"]


def test_client_secret_is_a_credential(service, origin, connect):
    """${cred:name} in client_secret; a token endpoint that cannot be reached is told by the journal and the status."""
    service.credential("token", "only the endpoint may see this")
    settings = "type = oauth2\ntoken_url = http://127.0.0.1:9/token\nclient_id = me\nclient_secret = ${cred:token}\n"
    service.configure(origin, USE + settings + "wait = off\n")
    service.start()
    wait_until(lambda: "token mine: " in journal(), "the journal says so")
    assert connect().exchange(get()).status == 502
    assert "only the endpoint" not in journal() + systemctl("status", "authbridge.service")
