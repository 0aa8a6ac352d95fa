# SPDX-License-Identifier: Apache-2.0
"""What the clients ask: coap-server of libcoap, and nginx. Both do nothing but answer."""

import os
import random
import shutil
import subprocess
import time

from harness.nginx import Nginx
from harness.process import Failure, Process, run

READY_S = 20
ANSWER = "c" * 200  # of the GET


def installed(name):
    path = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
    if not path:
        raise Failure(f"{name} is not installed: scripts/install-deps test")
    return path


def _wait_until(is_there, what):
    until = time.monotonic() + READY_S
    while not is_there():
        if time.monotonic() > until:
            raise Failure(f"{what} did not start")
        time.sleep(0.02)


class Coap:
    """DTLS 1.2 with a P-256 certificate; the resource cmd holds ANSWER, POST makes others."""

    def __init__(self, case, pki):
        base = random.randrange(20000, 30000, 2)
        self.port = base + 1
        case.watch(Process([installed("coap-server-openssl"), "-A", "0.0.0.0", "-p", base, "-n", "-d", "1000", "-v", "2",
                            "-c", pki.cert, "-j", pki.key], name="coap-server"))
        _wait_until(self._listens, "coap-server")
        run([installed("coap-client-openssl"), "-m", "put", "-e", ANSWER, "-R", pki.root,
             f"coaps://127.0.0.1:{self.port}/cmd"])

    def _listens(self):
        with open("/proc/self/net/udp", encoding="ascii") as f:
            return f":{self.port:04X} " in f.read()


def https(case, pki):
    """nginx with the same answers."""
    return Nginx(case, pki, f'location /cmd {{ return 200 "{ANSWER}"; }} location / {{ return 200; }}')


def text_of(name):
    """Bytes of code of an installed program, and of the libraries it loads besides the C library's."""
    path = installed(name) if not os.path.isabs(name) else name
    libraries = [line.split()[2] for line in run(["ldd", path]).splitlines() if "=> /" in line]
    common = ("libc.so", "libm.so", "libpthread", "libdl")
    sizes = [int(line.split()[0]) for line in
             run(["size", path, *[x for x in libraries if not os.path.basename(x).startswith(common)]]).splitlines()[1:]]
    return sizes[0], sum(sizes[1:])


def tool_version(name, *options):
    done = subprocess.run([installed(name), *options], capture_output=True, text=True, check=False)
    return (done.stdout + done.stderr).splitlines()[0].strip()
