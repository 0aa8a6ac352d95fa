# SPDX-License-Identifier: Apache-2.0
"""A server with connection ids (tests/interop/cid_front.c) before one without: what devices say goes on to the service."""

from harness.process import Process, program


class CidFront:
    def __init__(self, case, pki, server_port, address="127.0.0.1", cid=True):
        argv = [program("cid-front"), pki.cert, pki.key, "0", "300", server_port, address]
        self.process = case.watch(Process(argv + ([] if cid else ["no-cid"]), name="cid-front"))
        self.port = int(self.process.wait_line(r"^ready (\d+)").group(1))

    def events(self, name):
        return [e for e in self.process.json_lines() if e["event"] == name]
