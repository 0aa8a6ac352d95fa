# SPDX-License-Identifier: Apache-2.0
"""The floor as the library's users have it: coap-server of libcoap itself, which does nothing but
the handshakes. It stands where a Service stands."""

import os
import random
import shutil
import socket
import subprocess
import time

from fleetbench import usage
from fleetbench.service import READY_S, Failure, tail


def _free_port():
    """An even port whose successor is free too: coap-server takes both."""
    for _ in range(100):
        port = random.randrange(20000, 30000, 2)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as a, \
                socket.socket(socket.AF_INET, socket.SOCK_STREAM) as b:
            try:
                a.bind(("127.0.0.1", port + 1))
                b.bind(("127.0.0.1", port + 1))
                return port
            except OSError:
                continue
    raise Failure("no free port for coap-server")


def _listens(port):
    with open("/proc/net/udp", encoding="ascii") as f:
        return f":{port:04X} " in f.read()


class Library:
    def __init__(self, dtls, work, pki, cpu=None):
        program = shutil.which("coap-server-" + dtls)
        if not program:
            raise Failure(f"coap-server-{dtls} is not there: apt-get install libcoap3-bin")
        self.nodes, self.address = [self], "127.0.0.1"
        self.log = os.path.join(work, "coap-server.log")
        port = _free_port()
        self.port = port + 1
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [program, "-A", self.address, "-p", str(port), "-n", "-v", "3",
                 "-c", f"{pki}/server.pem", "-j", f"{pki}/server.key"],
                stdout=log, stderr=log, preexec_fn=usage.pin(cpu))
        until = time.monotonic() + READY_S
        while not _listens(self.port):
            if not self.is_alive() or time.monotonic() > until:
                self.stop()
                raise Failure(f"{program} did not start:\n{tail(self.log)}")
            time.sleep(0.01)

    def is_alive(self):
        return self.process.poll() is None

    def cpu_s(self):
        return usage.cpu_s(self.process.pid)

    def memory_kb(self):
        return usage.memory_kb(self.process.pid)

    def stop(self):
        self.process.kill()
        self.process.wait()
