"""Other proxies, each told to do what authbridge does: pass on, write Host, and where asked set some fields.

They are Debian's packages, with defaults wherever nothing else is needed, on ports of 127.0.0.1, with configurations
and files in a folder of their own.
"""

import os
import re
import subprocess
from dataclasses import dataclass

from corpus import KEY, TOKEN
from service import Service, free_port

IS_ROOT = os.geteuid() == 0
SETTINGS = ("plain", "inject")

NGINX = """
daemon off;
worker_processes 1;
{user}
error_log stderr;
pid {folder}/nginx.pid;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    underscores_in_headers on;
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://127.0.0.1:{target};
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_buffering off;
            proxy_request_buffering off;
            proxy_next_upstream off;
            proxy_pass_header Date;
            {more}
        }}
    }}
}}
"""
NGINX_MORE = {
    "plain": "proxy_pass_header Server;",
    "inject": f"""proxy_set_header Authorization "{TOKEN.decode()}";
            proxy_set_header X-Api-Key "{KEY.decode()}";
            proxy_set_header X-Debug "";
            add_header X-Served-By authbridge always;""",
}

HAPROXY = """
global
    maxconn 256
defaults
    mode http
    timeout connect 10s
    timeout client 60s
    timeout server 60s
frontend clients
    bind 127.0.0.1:{port}
    http-request set-header Host 127.0.0.1:{target}
    {more}
    default_backend target
backend target
    http-reuse never
    retries 0
    server target 127.0.0.1:{target}
"""
HAPROXY_MORE = {
    "plain": "",
    "inject": f"""http-request set-header Authorization "{TOKEN.decode()}"
    http-request set-header X-Api-Key "{KEY.decode()}"
    http-request del-header X-Debug
    http-response set-header X-Served-By authbridge
    http-response del-header Server""",
}

APACHE_MODULES = ("mpm_event", "authz_core", "headers", "proxy", "proxy_http")
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
AllowEncodedSlashes NoDecode
ProxyAddHeaders Off
ProxyPass "/" "http://127.0.0.1:{target}/" disablereuse=on nocanon
{more}
"""
APACHE_MORE = {
    "plain": "",
    "inject": f"""RequestHeader set Authorization "{TOKEN.decode()}"
RequestHeader set X-Api-Key "{KEY.decode()}"
RequestHeader unset X-Debug
Header always set X-Served-By authbridge
Header always unset Server""",
}

CADDY = """
{{
    admin off
    auto_https off
}}
http://:{port} {{
    bind 127.0.0.1
    reverse_proxy http://127.0.0.1:{target} {{
        header_up Host 127.0.0.1:{target}
        header_up -X-Forwarded-For
        header_up -X-Forwarded-Proto
        header_up -X-Forwarded-Host
        {more}
        flush_interval -1
        transport http {{
            keepalive off
            compression off
            versions 1.1
        }}
    }}
}}
"""
CADDY_MORE = {
    "plain": "",
    "inject": f"""header_up Authorization "{TOKEN.decode()}"
        header_up X-Api-Key "{KEY.decode()}"
        header_up -X-Debug
        header_down X-Served-By authbridge
        header_down -Server""",
}


def _nginx(folder, config):
    return ["nginx", "-p", folder, "-e", "stderr", "-c", config]


def _haproxy(_, config):
    return ["haproxy", "-db", "-f", config]


def _apache(_, config):
    return ["apache2", "-DFOREGROUND", "-f", config]


def _caddy(_, config):
    return ["caddy", "run", "--adapter", "caddyfile", "--config", config]


@dataclass(frozen=True)
class Peer:
    """A proxy by name: its configuration, what that has more for a setting, how it is run and asked for its version."""

    name: str
    text: str
    more: dict
    command: object
    version: tuple
    user: str = ""

    def start(self, setting, target, folder):
        folder = folder / f"{self.name}-{setting}"
        folder.mkdir()
        port = free_port()
        values = {"folder": folder, "port": port, "target": target, "user": self.user if IS_ROOT else ""}
        values["modules"] = "\n".join(
            f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so" for name in APACHE_MODULES
        )
        config = folder / "config"
        config.write_text(self.text.format(more=self.more[setting], **values))
        home = {"HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "XDG_DATA_HOME": str(folder)}
        return Service(self.command(folder, config), port, folder, home)

    def named_version(self):
        done = subprocess.run(self.version, capture_output=True, text=True, check=True)
        return f"{self.name} {re.search(r'[0-9]+[.][0-9]+[^ )]*', done.stdout + done.stderr)[0].strip()}"


PEERS = (
    Peer("nginx", NGINX, NGINX_MORE, _nginx, ("nginx", "-v"), "user root;"),
    Peer("HAProxy", HAPROXY, HAPROXY_MORE, _haproxy, ("haproxy", "-v")),
    Peer("Apache", APACHE, APACHE_MORE, _apache, ("apache2", "-v"), "User www-data\nGroup www-data"),
    Peer("Caddy", CADDY, CADDY_MORE, _caddy, ("caddy", "version")),
)
