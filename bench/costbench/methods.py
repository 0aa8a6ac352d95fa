# SPDX-License-Identifier: Apache-2.0
"""The ways to make the exchange: POST 100 bytes, GET 200, a gap without the network, POST 100."""

import os
import subprocess
import threading
import time
from dataclasses import dataclass

from costbench.servers import installed
from harness.process import program

PAYLOAD = "p" * 100
GAP_S = 0.3
LIMIT_S = 120


@dataclass
class Outcome:
    ok: bool
    wall_s: float  # without the gap
    after_s: float  # of it, since the gap
    cpu_s: float
    said: str


@dataclass
class Place:
    """Where a client runs, and whom it asks."""
    prefix: list
    address: str
    coap: int
    https: int
    root: str


def _exchange(p):
    return [[program("costs-exchange"), "localhost", p.address, p.coap, p.root, PAYLOAD]]


def _coap_client(library):
    def argv(p):
        base = [installed(f"coap-client-{library}"), "-v", "6", "-B", "60", "-R", p.root]
        uri = f"coaps://{p.address}:{p.coap}/"
        return [[*base, "-m", "post", "-e", PAYLOAD, uri + "auth"], [*base, uri + "cmd"], None,
                [*base, "-m", "post", "-e", PAYLOAD, uri + "rsp"]]
    return argv


def _curl(p):
    one = ["-s", "-f", "--tlsv1.3", "--http1.1", "--cacert", p.root, "--resolve", f"localhost:{p.https}:{p.address}", "-o", "/dev/null"]
    base = f"https://localhost:{p.https}/"
    return [[installed("curl"), *one, "-d", PAYLOAD, base + "auth", "--next", *one, base + "cmd"], None,
            [installed("curl"), *one, "-d", PAYLOAD, base + "rsp"]]


def _https_kept(p):
    return [[program("costs-https"), f"https://localhost:{p.https}", f"localhost:{p.https}:{p.address}", p.root, PAYLOAD]]


# name: what it runs (None: the gap), and what tells that a request of it was answered when its exit status does not.
METHODS = {
    "onboardd": (_exchange, None),
    "onboardd, session lost": (_exchange, None),
    "coap-client (OpenSSL)": (_coap_client("openssl"), "c:2.0"),
    "coap-client (GnuTLS)": (_coap_client("gnutls"), "c:2.0"),
    "curl, two runs": (_curl, None),
    "libcurl, connection kept": (_https_kept, None),
}
LOST = "onboardd, session lost"  # NAT takes another port in the gap


def _finish(popen, sign, gap):
    """Runs one program to its end, through the gap if it says it is there: (answered, seconds of the gap, usage, output)."""
    timer = threading.Timer(LIMIT_S, popen.kill)
    timer.start()
    paused, said = 0.0, []
    for line in popen.stdout:
        said.append(line)
        if line == "gap\n":
            began = time.monotonic()
            gap()
            paused = time.monotonic() - began
            popen.stdin.write("\n")
            popen.stdin.flush()
    _, status, usage = os.wait4(popen.pid, 0)
    popen.returncode = os.waitstatus_to_exitcode(status)
    timer.cancel()
    text = "".join(said)
    return popen.returncode == 0 and (sign is None or sign in text), paused, usage, text


def run(name, place, gap):
    argvs, sign = METHODS[name]
    outcome = Outcome(True, 0.0, 0.0, 0.0, "")
    resumed = [0.0]

    def pause():
        gap()
        resumed[0] = time.monotonic()

    for argv in argvs(place):
        if argv is None:
            pause()
            continue
        began = time.monotonic()
        with subprocess.Popen([*place.prefix, *[str(a) for a in argv]], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, errors="replace") as popen:
            ok, paused, usage, said = _finish(popen, sign, pause)
        outcome.ok &= ok
        outcome.wall_s += time.monotonic() - began - paused
        outcome.cpu_s += usage.ru_utime + usage.ru_stime
        outcome.said += said
    outcome.after_s = time.monotonic() - resumed[0]
    return outcome
