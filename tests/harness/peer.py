# SPDX-License-Identifier: Apache-2.0
"""The C peers of tests/peers: foreign provisioning servers on libcoap with OpenSSL or GnuTLS."""

import signal

from harness import cbor
from harness.process import Process, program

KINDS = ("openssl", "gnutls")


class Peer:
    def __init__(self, case, pki, kind, bodies=(), answers=(), options=()):
        self.case = case
        self.pki = pki
        self.kind = kind
        self.bodies = [b if isinstance(b, bytes) else cbor.encode(b) for b in bodies]
        self.answers = list(answers)
        self.options = list(options)
        self.port = 0
        self.process = None
        self.past = []

    def start(self):
        argv = [program(f"peer-{self.kind}"), "--cert", self.pki.cert, "--key", self.pki.key,
                "--port", str(self.port), *self.options]
        for body in self.bodies:
            argv += ["--body", body.hex()]
        for answer in self.answers:
            argv += ["--answer", answer]
        self.process = self.case.watch(Process(argv, name=f"peer-{self.kind}"))
        self.port = int(self.process.wait_line(r"^ready 127\.0\.0\.1:(\d+)").group(1))
        return self

    def stop(self, goodbye=True):
        self.process.end(signal.SIGTERM if goodbye else signal.SIGKILL)
        self.past += self.process.json_lines()
        self.process = None

    def restart(self, goodbye=True, answers=None):
        self.stop(goodbye)
        if answers is not None:
            self.answers = list(answers)
        return self.start()

    def lines(self):
        """All it said so far, with nothing still on its way through the pipe."""
        if not self.process:
            return self.past
        if self.process.popen.poll() is None:
            said = len(self.process.json_lines())
            self.process.send_signal(signal.SIGUSR1)
            self.process.wait_json(lambda e: e["event"] == "asked", "answer to SIGUSR1",
                                   after=said)
        return self.past + self.process.json_lines()

    def requests(self, step=None):
        """Handled requests in order. libcoap hands a retransmitted one to its handler again."""
        return [e for e in self.lines()
                if e["event"] == "request" and step in (None, e["step"])]

    def distinct_requests(self, step=None):
        """Without retransmissions and later blocks: each message id of a session once."""
        seen = {}
        for e in self.requests(step):
            seen.setdefault((e["session"], e["mid"]), e)
        return list(seen.values())

    def reports(self):
        """The decoded bodies of p/rsp, in order, retransmissions included."""
        return [cbor.decode(bytes.fromhex(e["payload"])) for e in self.requests("rsp")]

    def results(self):
        """{correlation id: set of the results that were ever reported for it}, as hex of CBOR."""
        found = {}
        for report in self.reports():
            for response in report:
                found.setdefault(response[0], set()).add(cbor.encode(response[1:]).hex())
        return found
