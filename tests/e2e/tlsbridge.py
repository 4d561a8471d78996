"""What tests of a bridge whose clients speak TLS share."""

import os
import socket
import ssl

import pytest

TLS = "https://127.0.0.1:0"

plain_alone = pytest.mark.skipif(
    os.environ.get("E2E_LISTEN") == "https", reason="is about what a plain socket does by itself"
)


def context_of(certificates, show=None, version=None, **settings):
    """A client's context that believes the suite's authority, and shows a certificate if told which."""
    context = ssl.create_default_context(cafile=certificates.authority.pem)
    if show:
        context.load_cert_chain(show.pem, show.key)
    if version:
        context.minimum_version = context.maximum_version = version
    for name, value in settings.items():
        setattr(context, name, value)
    return context


def host_and_port(bridge):
    """Its address as host and port."""
    host, _, port = bridge.address.removeprefix("https://").rpartition(":")
    return host, int(port)


def plain(bridge):
    """A connection to it on which no TLS is spoken."""
    sock = socket.create_connection(host_and_port(bridge), 10)
    sock.settimeout(10)
    return sock


def shown(bridge):
    """The certificate that it shows, in DER."""
    return ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate(host_and_port(bridge)))


def der(certificate):
    return ssl.PEM_cert_to_DER_cert(certificate.pem.read_text())
