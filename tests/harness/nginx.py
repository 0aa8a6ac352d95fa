# SPDX-License-Identifier: Apache-2.0
"""nginx, as an HTTPS server or as the proxy in front of one."""

import os
import shutil
import socket
import time

from harness.process import Failure, Process

READY_S = 20
CONFIGURATION = """daemon off; pid {dir}/pid; error_log stderr; worker_processes 1; {user}
events {{ worker_connections 1024; }}
http {{
    access_log off; client_body_temp_path {dir}/body; proxy_temp_path {dir}/proxy; fastcgi_temp_path {dir}/fastcgi;
    uwsgi_temp_path {dir}/uwsgi; scgi_temp_path {dir}/scgi; keepalive_timeout 300;
    server {{
        listen {listen}:{port} ssl; ssl_protocols TLSv1.3; ssl_certificate {cert}; ssl_certificate_key {key};
        {locations}
    }}
}}
"""


def _free_port():
    with socket.socket() as s:
        s.bind(("0.0.0.0", 0))
        return s.getsockname()[1]


class Nginx:
    """Serves these locations by TLS 1.3 on self.port."""

    def __init__(self, case, pki, locations, listen="0.0.0.0"):
        self.port = _free_port()
        directory = case.path("nginx")
        os.makedirs(directory)
        configuration = os.path.join(directory, "nginx.conf")
        with open(configuration, "w", encoding="ascii") as f:
            f.write(CONFIGURATION.format(dir=directory, listen=listen, port=self.port, cert=pki.cert, key=pki.key, locations=locations,
                                         user="user root;" if os.geteuid() == 0 else ""))
        nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/sbin")
        if not nginx:
            raise Failure("nginx is not installed: scripts/install-deps test")
        case.watch(Process([nginx, "-c", configuration, "-p", directory], name="nginx"))
        until = time.monotonic() + READY_S
        while not self._listens():
            if time.monotonic() > until:
                raise Failure("nginx did not start")
            time.sleep(0.02)

    def _listens(self):
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", self.port)) == 0
