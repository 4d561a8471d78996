"""A real nginx as a target: static files over http or https, on a port that was free when it started."""

import os
import socket
import subprocess

from wire import DEADLINE, wait_until

CONFIG = """
daemon off;
worker_processes 1;
{user}
error_log stderr;
pid {folder}/nginx.pid;
events {{ worker_connections 64; }}
http {{
    access_log off;
    types {{ text/plain txt; application/octet-stream bin; }}
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    gzip on;
    gzip_types text/plain;
    gzip_min_length 1;
    server {{
        listen 127.0.0.1:{port}{tls};
        server_name target.example;
        {certificate}
        location / {{ root {files}; }}
        location /show {{ default_type text/plain; return 200 "$http_host $http_authorization"; }}
    }}
}}
"""


class Nginx:
    """One nginx process. It inherits a listening socket, so that no port need be guessed."""

    def __init__(self, folder, files, certificate=None):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
            self.url = f"http{'s' if certificate else ''}://127.0.0.1:{port}"
            config = folder / "nginx.conf"
            lines = f"ssl_certificate {certificate.pem}; ssl_certificate_key {certificate.key};" if certificate else ""
            tls = " ssl" if certificate else ""
            user = "user root;" if os.geteuid() == 0 else ""
            config.write_text(
                CONFIG.format(folder=folder, files=files, port=port, tls=tls, certificate=lines, user=user)
            )
            self.log = open(folder / "nginx.log", "w+b")
            self.process = subprocess.Popen(
                ["nginx", "-p", folder, "-e", "stderr", "-c", config],
                env={**os.environ, "NGINX": f"{listener.fileno()};", "PATH": "/usr/sbin:" + os.environ["PATH"]},
                pass_fds=[listener.fileno()],
                stdin=subprocess.DEVNULL,
                stderr=self.log,
            )
        wait_until(lambda: (folder / "nginx.pid").exists() or self.process.poll() is not None, "nginx runs")
        assert self.process.poll() is None, (folder / "nginx.log").read_text()

    def stop(self):
        self.process.terminate()
        self.process.wait(DEADLINE)
        self.log.close()
