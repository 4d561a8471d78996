"""Certificates for the tests: an authority of their own, made with the openssl command."""

import ssl
import subprocess
from pathlib import Path

AUTHORITY_CONFIG = """
[ca]
default_ca = tests
[tests]
database = {folder}/{name}.index
new_certs_dir = {folder}
rand_serial = yes
unique_subject = no
default_md = sha256
policy = any
copy_extensions = copy
[any]
commonName = supplied
"""
LOCAL_NAMES = "DNS:localhost,DNS:bridge.test,IP:127.0.0.1,IP:::1"


def openssl(*arguments):
    """Runs openssl; says what it printed, as octets."""
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


class Certificate:
    """A certificate and its key, as files."""

    def __init__(self, folder, name):
        self.pem = folder / f"{name}.pem"
        self.key = folder / f"{name}.key"

    def server(self, client_authority=None):
        """A server's TLS context with this certificate; one that demands a client certificate if told whose."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.pem, self.key)
        if client_authority:
            context.load_verify_locations(client_authority.pem)
            context.verify_mode = ssl.CERT_REQUIRED
        return context

    def public_key_pin(self):
        """The hash of its public key in the form that curl and authbridge take: sha256//BASE64."""
        public = self.pem.with_suffix(".public")
        public.write_bytes(openssl("x509", "-in", self.pem, "-noout", "-pubkey"))
        der, digest = public.with_suffix(".der"), public.with_suffix(".digest")
        openssl("pkey", "-pubin", "-in", public, "-outform", "der", "-out", der)
        openssl("dgst", "-sha256", "-binary", "-out", digest, der)
        return "sha256//" + openssl("base64", "-in", digest).decode().strip()


class Authority(Certificate):
    """A certificate authority that issues what a test asks for."""

    def __init__(self, folder: Path, name="authority"):
        super().__init__(folder, name)
        self.folder = folder
        self.config = folder / f"{name}.cnf"
        self.config.write_text(AUTHORITY_CONFIG.format(folder=folder, name=name))
        (folder / f"{name}.index").touch()
        openssl("req", "-x509", *self._new_key(self), "-subj", f"/CN={name}", "-days", 2, "-out", self.pem)

    def issue(
        self, name, alternative_names=LOCAL_NAMES, start="20200101000000Z", end="20990101000000Z", common_name=None
    ):
        """Issues a certificate with these alternative names, or none, valid between these times."""
        certificate = Certificate(self.folder, name)
        request = self.folder / f"{name}.csr"
        names = ("-addext", f"subjectAltName={alternative_names}") if alternative_names else ()
        subject = ("-subj", f"/CN={common_name or name}")
        openssl("req", "-new", *self._new_key(certificate), *subject, *names, "-out", request)
        validity = ("-startdate", start, "-enddate", end)
        signer = ("-config", self.config, "-cert", self.pem, "-keyfile", self.key)
        openssl("ca", "-batch", "-notext", *signer, *validity, "-in", request, "-out", certificate.pem)
        return certificate

    @staticmethod
    def _new_key(certificate):
        return ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", certificate.key)


class Certificates:
    """What the suite needs, made once."""

    def __init__(self, folder):
        self.authority = Authority(folder)
        self.stranger = Authority(folder, "stranger")
        self.good = self.authority.issue("good")
        self.expired = self.authority.issue("expired", end="20200102000000Z")
        self.wrong_name = self.authority.issue("wrong-name", "DNS:other.example")
        self.untrusted = self.stranger.issue("untrusted")
        self.client = self.authority.issue("client")
