"""The targets that all proxies are measured against: nginx over http and https, and a sink for uploads."""

import os
import ssl
from dataclasses import dataclass
from pathlib import Path

from certs import Authority
from service import Service, free_port

TOKEN = "Bearer the-benchmark-and-nobody-else"
SYSTEM_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
FILES = {"1k": 1024, "100k": 100 * 1024}

NGINX = """
daemon off;
worker_processes auto;
worker_rlimit_nofile 8192;
{user}
error_log stderr;
pid {folder}/nginx.pid;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    open_file_cache max=100 inactive=1h;
    open_file_cache_valid 1h;
    keepalive_requests 100000000;
    keepalive_timeout 300s;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    ssl_certificate {certificate.pem};
    ssl_certificate_key {certificate.key};
    ssl_session_cache shared:bench:10m;
    server {{
        listen 127.0.0.1:{http_port} backlog=1024;
        listen 127.0.0.1:{https_port} ssl backlog=1024;
        return 421;
    }}
    server {{
        listen 127.0.0.1:{http_port};
        listen 127.0.0.1:{https_port} ssl;
        server_name localhost;
        if ($http_authorization != "{token}") {{ return 401; }}
        location / {{ root {files}; }}
    }}
}}
"""


@dataclass(frozen=True)
class Target:
    """Where a proxy's requests go. Its Host must be `authority`, its Authorization must be TOKEN."""

    name: str
    scheme: str
    port: int
    trusted: Path

    @property
    def authority(self):
        return f"localhost:{self.port}"

    @property
    def is_tls(self):
        return self.scheme == "https"

    @property
    def fields(self):
        """What a client must send that is not helped by a proxy."""
        return (f"Host: {self.authority}", f"Authorization: {TOKEN}")


def _write_files(folder, bulk_bytes):
    folder.mkdir(parents=True, exist_ok=True)
    for name, size in FILES.items():
        (folder / name).write_bytes(b"x" * size)
    with open(folder / "bulk", "wb") as bulk:
        bulk.truncate(bulk_bytes)


def _write_trusted(folder, authority):
    """The system's certificates and ours: a bundle of the size that a proxy has to do with."""
    system = SYSTEM_CERTIFICATES if SYSTEM_CERTIFICATES.exists() else Path(ssl.get_default_verify_paths().cafile)
    trusted = folder / "trusted.pem"
    trusted.write_bytes(system.read_bytes() + b"\n" + authority.pem.read_bytes())
    return trusted


def start(stack, folder, tools, bulk_bytes):
    """Starts the targets; they end with the stack. Says them by name."""
    folder.mkdir(parents=True, exist_ok=True)
    authority = Authority(folder)
    trusted = _write_trusted(folder, authority)
    _write_files(folder / "files", bulk_bytes)
    ports = {"http": free_port(), "https": free_port(), "sink": free_port()}
    config = folder / "nginx.conf"
    config.write_text(
        NGINX.format(
            folder=folder,
            files=folder / "files",
            certificate=authority.issue("localhost"),
            http_port=ports["http"],
            https_port=ports["https"],
            token=TOKEN,
            user="user root;" if os.geteuid() == 0 else "",
        )
    )
    nginx = Service(["nginx", "-p", folder, "-e", "stderr", "-c", config], ports["https"], folder / "nginx")
    stack.callback(nginx.stop)
    sink = Service([tools / "sink", ports["sink"], f"Authorization: {TOKEN}"], ports["sink"], folder / "sink")
    stack.callback(sink.stop)
    schemes = {"http": "http", "https": "https", "sink": "http"}
    return {name: Target(name, schemes[name], port, trusted) for name, port in ports.items()}
