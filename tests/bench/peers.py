"""The proxies: how each is told, as its documentation advises, to do the one job that is measured.

Each listens on a port of 127.0.0.1, keeps connections to its clients and to the target, writes Host and one
Authorization field, verifies the target's certificate, buffers nothing and logs no access.
"""

import os
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from service import Service, free_port
from targets import TOKEN

IS_ROOT = os.geteuid() == 0
SPARE_WORKERS = 16


@dataclass(frozen=True)
class Job:
    """What a proxy is to do: for how many clients at a time, before which target."""

    target: object
    clients: int
    port: int
    folder: Path
    tools: Path
    binary: Path

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return path


@dataclass(frozen=True)
class Peer:
    """A proxy by name. `command` writes its configuration and says what to run; `version`, how to ask for that."""

    name: str
    command: Callable
    version: tuple = ()
    is_floor: bool = False

    def start(self, target, clients, folder, tools, binary):
        folder = folder / f"{self.name.replace(' ', '-')}-{target.name}-{clients}"
        folder.mkdir(parents=True, exist_ok=True)
        job = Job(target, clients, free_port(), folder, tools, binary)
        home = {"HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "XDG_DATA_HOME": str(folder)}
        return Service(self.command(job), job.port, folder, home)

    def named_version(self):
        done = subprocess.run(self.version, capture_output=True, text=True, check=True)
        found = re.search(r"\d+\.\d+[^\s)]*", done.stdout + done.stderr)
        return f"{self.name} {found.group()}"


# ---- authbridge ----

AUTHBRIDGE = """
[proxy]
listen = 127.0.0.1:{port}
target = {target.scheme}://127.0.0.1:{target.port}
host = {target.authority}
{more}
[request-headers]
Authorization = {token}
[log]
level = warning
access = off
"""
AUTHBRIDGE_TLS = "[tls]\nca_file = {target.trusted}\nserver_name = localhost\n"


def authbridge(job, more=""):
    text = AUTHBRIDGE.format(port=job.port, target=job.target, token=TOKEN, more=more)
    if job.target.is_tls:
        text += AUTHBRIDGE_TLS.format(target=job.target)
    return [job.binary, "-c", job.write("proxy.ini", text)]


def authbridge_recycle(job):
    """Apache's processes are not replaced at all."""
    return authbridge(job, "recycle = 1000")


def recycles(binary, folder):
    """Whether the binary knows that setting."""
    probe = folder / "recycle.ini"
    probe.write_text("[proxy]\ntarget = http://127.0.0.1:1\nrecycle = 1000\n")
    return subprocess.run([binary, "-c", probe, "--check"], capture_output=True, check=False).returncode == 0


# ---- nginx ----

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
    tcp_nodelay on;
    keepalive_requests 100000000;
    keepalive_timeout 300s;
    client_max_body_size 0;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    upstream target {{
        server 127.0.0.1:{target.port};
        keepalive 128;
        keepalive_requests 100000000;
        keepalive_timeout 300s;
    }}
    server {{
        listen 127.0.0.1:{port} backlog=1024;
        location / {{
            proxy_pass {target.scheme}://target;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host {target.authority};
            proxy_set_header Authorization "{token}";
            proxy_buffering off;
            proxy_request_buffering off;
            {tls}
        }}
    }}
}}
"""
NGINX_TLS = """proxy_ssl_verify on;
            proxy_ssl_trusted_certificate {target.trusted};
            proxy_ssl_name localhost;
            proxy_ssl_server_name on;"""


def nginx(job):
    user = "user root;" if IS_ROOT else ""
    tls = NGINX_TLS.format(target=job.target) if job.target.is_tls else ""
    text = NGINX.format(folder=job.folder, port=job.port, target=job.target, token=TOKEN, user=user, tls=tls)
    return ["nginx", "-p", job.folder, "-e", "stderr", "-c", job.write("nginx.conf", text)]


# ---- HAProxy ----

HAPROXY = """
global
    maxconn 4000
defaults
    mode http
    timeout connect 10s
    timeout client 300s
    timeout server 300s
    timeout http-keep-alive 300s
frontend clients
    bind 127.0.0.1:{port} backlog 1024
    http-request set-header Host {target.authority}
    http-request set-header Authorization "{token}"
    default_backend target
backend target
    http-reuse always
    server target 127.0.0.1:{target.port} pool-purge-delay 300s {tls}
"""
HAPROXY_TLS = "ssl verify required ca-file {target.trusted} sni str(localhost)"


def haproxy(job):
    tls = HAPROXY_TLS.format(target=job.target) if job.target.is_tls else ""
    text = HAPROXY.format(port=job.port, target=job.target, token=TOKEN, tls=tls)
    return ["haproxy", "-db", "-f", job.write("haproxy.cfg", text)]


# ---- Apache, prefork ----

APACHE_MODULES = ("mpm_prefork", "authz_core", "headers", "proxy", "proxy_http", "ssl")
APACHE = """
ServerRoot {folder}
ServerName localhost
DefaultRuntimeDir {folder}
PidFile {folder}/apache.pid
ErrorLog {folder}/error.log
LogLevel error
{modules}
{user}
Listen 127.0.0.1:{port}
StartServers {workers}
ServerLimit {workers}
MaxRequestWorkers {workers}
MaxSpareServers {workers}
MaxConnectionsPerChild 0
KeepAlive On
MaxKeepAliveRequests 0
KeepAliveTimeout 300
Timeout 300
RequestHeader set Authorization "{token}"
ProxyAddHeaders Off
{tls}
ProxyPass "/" "{target.scheme}://{target.authority}/" enablereuse=on keepalive=on flushpackets=on
"""
APACHE_TLS = """SSLProxyEngine On
SSLProxyVerify require
SSLProxyCheckPeerName on
SSLProxyCACertificateFile {target.trusted}"""


def apache(job):
    modules = "\n".join(f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so" for name in APACHE_MODULES)
    text = APACHE.format(
        folder=job.folder,
        modules=modules,
        user="User www-data\nGroup www-data" if IS_ROOT else "",
        port=job.port,
        workers=job.clients + SPARE_WORKERS,
        token=TOKEN,
        target=job.target,
        tls=APACHE_TLS.format(target=job.target) if job.target.is_tls else "",
    )
    return ["apache2", "-DFOREGROUND", "-f", job.write("apache.conf", text)]


# ---- Caddy ----

CADDY = """
{{
    admin off
    auto_https off
}}
http://:{port} {{
    bind 127.0.0.1
    reverse_proxy {target.scheme}://127.0.0.1:{target.port} {{
        header_up Host {target.authority}
        header_up Authorization "{token}"
        flush_interval -1
        transport http {{
            keepalive 300s
            keepalive_idle_conns 1000
            keepalive_idle_conns_per_host 1000
            compression off
            versions 1.1
            {tls}
        }}
    }}
}}
"""
CADDY_TLS = """tls_trusted_ca_certs {target.trusted}
            tls_server_name localhost"""


def caddy(job):
    tls = CADDY_TLS.format(target=job.target) if job.target.is_tls else ""
    text = CADDY.format(port=job.port, target=job.target, token=TOKEN, tls=tls)
    return ["caddy", "run", "--adapter", "caddyfile", "--config", job.write("Caddyfile", text)]


# ---- floors: what a process for each connection costs without what authbridge does about it ----


def forkrelay(job):
    return [job.tools / "forkrelay", job.port, job.target.port]


def cabundle(job):
    return [job.tools / "cabundle", job.port, f"https://{job.target.authority}/", job.target.trusted]


OURS = Peer("authbridge", authbridge)
RECYCLING = Peer("authbridge recycle=1000", authbridge_recycle)
NGINX_PEER = Peer("nginx", nginx, ("nginx", "-v"))
HAPROXY_PEER = Peer("HAProxy", haproxy, ("haproxy", "-v"))
APACHE_PEER = Peer("Apache prefork", apache, ("apache2", "-v"))
CADDY_PEER = Peer("Caddy", caddy, ("caddy", "version"))
OTHERS = (NGINX_PEER, HAPROXY_PEER, APACHE_PEER, CADDY_PEER)
FORKRELAY = Peer("bare fork relay", forkrelay, is_floor=True)
CABUNDLE = Peer("CA parsed per child", cabundle, is_floor=True)
