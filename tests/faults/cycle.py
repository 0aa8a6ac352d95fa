# SPDX-License-Identifier: Apache-2.0
"""A device's life against the real service, in phases that a fault can be put into, and what must
hold whatever was struck:

    boot       onboardd --init: store, sealing key, identity
    unclaimed  the first --once: root CA, handshake, claim token
    cycle      claimed: keys, certificates, a config, finished, validation
    again      the same credentials anew, over those that were validated
    reseal     the sealing key comes from systemd instead of the state directory
"""

import base64
import contextlib
import hashlib
import json
import os
import re
import shutil
import sqlite3
import subprocess
import tempfile
import threading

from harness import agent, strace
from harness.agent import Agent
from harness.fdstore import FdStore
from harness.process import Failure, program
from harness.service import Service
from points import NotReached, Violation

PHASES = ("boot", "unclaimed", "cycle", "again", "reseal")
EXPECTED = {"boot": 0, "unclaimed": agent.EXIT_UNCLAIMED, "cycle": 0, "again": 0, "reseal": 0}
CLOUD_TAG, OTHER_TAG, CSR_TAG = 16842753, 4711, 4712
ROOT_CA_TAG = 189298
ROOT_CA, CLIENT_CERTIFICATE, PRIVATE_KEY = 0, 1, 2
KEPT = ["lock", "seal.key", "store.db"]
RESEALED = ["lock", "store.db"]
INTERVAL = {"first": "3600", "second": "7200"}
LIMIT_S = 60
# What is installed, not what is built for the other tests: without sanitizers, which ptrace and a
# failing malloc do not go with, and fast.
BUILD = os.environ.get("ONBOARD_RELEASE_DIR") or os.path.join(
    os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "build", "release")

# Nothing here needs a real disk, and thousands of fsyncs would wait for one.
if "TMPDIR" not in os.environ and os.access("/dev/shm", os.W_OK):
    tempfile.tempdir = "/dev/shm"

QUICK = {
    "provisioning": {"retry-first": "10ms", "retry-max": "100ms", "unclaimed-poll": "10ms", "ack-timeout": "1s",
                     "answer-timeout": "5s"},
    "cloud": {"retry-first": "10ms", "retry-max": "100ms"},
    "daemon": {"log-level": "info"},
}


class World:
    """The service, with a rule for each of the two rounds of provisioning."""

    def __init__(self, case):
        self.case = case
        self.pki = case.pki()
        self.service = Service(case, self.pki)
        self.service.binary = os.path.join(BUILD, "service", "onboard-service")
        self.service.start()
        with open(self.pki.root, encoding="ascii") as root, open(self.pki.cert, encoding="ascii") as leaf:
            self.certificates = {"first": root.read()}
            # The second must go on opening the cloud.
            self.certificates["second"] = self.certificates["first"] + leaf.read()
        for name in ("first", "second"):
            self.service.rest.add_rule(name, name, self.requests(name))
        self._answers, self._n_lines = {}, 0
        self._lock = threading.Lock()

    def requests(self, name):
        return [{"cloudAccessKeyGeneration": {"secTag": CLOUD_TAG}},
                {"clientPrivateKeyGeneration": {"secTag": OTHER_TAG}},
                {"certificateSigningRequest": {"secTag": CSR_TAG, "attributes": "O=x,CN=y",
                                               "keyUsage": "101010000"}},
                {"serverCertificate": {"secTag": CLOUD_TAG, "content": self.certificates[name]}},
                {"clientCertificate": {"secTag": OTHER_TAG, "content": self.certificates[name]}},
                {"config": {"provisioning/interval-sec": INTERVAL[name]}},
                {"finished": {}}]

    def answers(self, uuid, wanted):
        """{correlation: digests of what the device ever said to it}, once all of `wanted` are among
        them. The service writes each down before it acknowledges it."""
        def all_there(lines):
            with self._lock:
                for _, text in lines[self._n_lines:]:
                    match = re.search(r"device=(\S+) trace=\S+ answer=(\S+) digest=(\S+)", text)
                    if match:
                        self._answers.setdefault(match[1], {}).setdefault(match[2], set()).add(match[3])
                self._n_lines = max(self._n_lines, len(lines))
                found = self._answers.get(uuid, {})
                return found if wanted <= set(found) else None
        return self.service.process.wait_for(all_there, f"answers to {wanted} of {uuid}", limit_s=10)


class Outcome:
    """What one start of onboardd came to."""

    def __init__(self, done, trace):
        self.status, self.out, self.err, self.trace = done.returncode, done.stdout, done.stderr, trace
        self.events = [json.loads(line) for line in self.out.splitlines() if line.startswith("{")]
        results = [e for e in self.events if e.get("event") == "result"]
        self.result = results[-1] if results else {}
        self.report = self.result.get("status", {})

    def describe(self):
        steps = [f"{e['old']}>{e['new']}: {e['why']}" for e in self.events if e["event"] == "state"]
        return f"exit {self.status}\n" + "\n".join(steps[-6:]) + f"\n{self.out[-600:]}\n{self.err[-1200:]}"


class Device:
    def __init__(self, world, name):
        self.world = world
        self.name = name.replace(" ", "-")
        self.folder = tempfile.mkdtemp(prefix="device-", dir=world.case.directory)
        self.agent = Agent(world.case, world.service.coap_port, world.pki.root, name=os.path.join(self.folder, "state"),
                           **QUICK)
        self.agent.binary = os.path.join(BUILD, "agent", "onboardd")
        self.agent.set("cloud", server="localhost", address="127.0.0.1", port=world.service.coap_port)
        self.state = self.agent.state
        self.loads = os.path.join(self.folder, "loads")
        self.rows = set()  # what --init printed, ever
        self.token = None
        self.claimed = []
        self.fds = FdStore(self.folder)
        self.phase = None  # the last one that was started
        self.credentials = os.path.join(self.folder, "credentials")
        os.mkdir(self.credentials)
        with open(os.path.join(self.credentials, "onboardd.seal"), "wb") as f:
            f.write(os.urandom(32))

    def close(self):
        self.fds.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    # --- running

    def start(self, phase, calls=(), inject=(), text_max=None, timeout_s=30, env=()):
        """One start of the agent in a phase that bring_to() prepared."""
        self.phase = phase
        argv = [self.agent.binary, "--config", self.agent.config]
        argv += ["--init"] if phase == "boot" else ["--once", "--json", "--timeout", str(timeout_s)]
        watched = {"LD_PRELOAD": program("preload.so"), "ONBOARD_TEST_LOADS": self.loads, **dict(env)}
        if phase == "reseal":
            watched["CREDENTIALS_DIRECTORY"] = self.credentials
        self.fds.settle()
        prefix, handed, fds = self.fds.launch()
        trace = None
        if calls or inject:
            trace = os.path.join(self.folder, "trace")
            argv = strace.command(trace, argv, calls, inject, {**watched, **handed}, text_max)
            handed, prefix = {}, []
        else:
            handed.update(watched)
        try:
            done = subprocess.run([*prefix, *argv], env={**os.environ, **handed}, pass_fds=fds, text=True,
                                  errors="replace", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, timeout=LIMIT_S, check=False)
        except subprocess.TimeoutExpired as e:
            raise Violation(f"onboardd hangs: {(e.stdout or b'')[-600:]} {(e.stderr or b'')[-600:]}") from None
        if phase == "boot" and "," in done.stdout:
            self.rows.add(done.stdout.strip())
        return Outcome(done, trace)

    def pass_through(self, phase):
        """A phase without a fault, to its end."""
        outcome = self.start(phase)
        if outcome.status != EXPECTED[phase]:
            raise Violation(f"{phase} without a fault does not finish: {outcome.describe()}")
        self.after(phase, outcome)
        return outcome

    def after(self, phase, outcome):
        """What people do when a phase is over."""
        service = self.world.service
        if phase == "boot":
            if len(self.rows) != 1:
                raise Violation(f"not one identity but {self.rows}")
            service.import_identity(next(iter(self.rows)))
        elif phase == "unclaimed":
            self.token = outcome.report["claim_token"]
            self.claim("first")

    def claim(self, tag):
        self.world.service.rest.claim(self.token, [tag])
        self.claimed.append(tag)

    def bring_to(self, phase):
        for before in PHASES[:PHASES.index(phase)]:
            self.pass_through(before)
        if phase == "again":
            self.claim("second")

    def finish(self, phase):
        """The next starts after a fault in `phase`: the work is done, and all holds."""
        last = max(PHASES.index("cycle"), PHASES.index(phase))
        for next_one in PHASES[PHASES.index(phase):last + 1]:
            outcome = self.pass_through(next_one)
        self.check_end(outcome)

    # --- what must hold

    @property
    def uuid(self):
        return next(iter(self.rows)).split(",")[0]

    def told(self):
        """The lines that tests/faults/preload.c wrote, of all starts."""
        if not os.path.exists(self.loads):
            return []
        with open(self.loads, encoding="ascii") as f:
            return f.readlines()

    def query(self, sql, state=None):
        """Rows of the store, or of a copy of it; the log of a killed agent is part of it."""
        with contextlib.closing(sqlite3.connect(os.path.join(state or self.state, "store.db"))) as db:
            return db.execute(sql).fetchall()

    def keys(self):
        """{tag: SHA-256 of the public key that the service was told last}"""
        found = {}
        for command in self.world.service.rest.commands(self.uuid):
            for name, request in command["request"].items():
                pem = ((command["response"] or {}).get(name) or {}).get("publicKey")
                if pem:
                    der = base64.b64decode("".join(pem.split("-----")[2].split()))
                    found[request["secTag"]] = hashlib.sha256(der).digest()
        return found

    def check_struck(self):
        """Before the next start: whole credentials, answers that are theirs, and a key that the service
        lets in once there was one."""
        if not os.path.exists(os.path.join(self.state, "store.db")):
            return
        with tempfile.TemporaryDirectory(dir=self.folder) as copy:
            for name in os.listdir(self.state):
                shutil.copy2(os.path.join(self.state, name), copy)
            try:
                held = {digest for digest, in self.query("SELECT sha256 FROM credential", copy)}
                usable = {digest.hex() for digest, in self.query(
                    "SELECT sha256 FROM credential UNION SELECT sha256 FROM previous", copy)}
                answers = self.query("SELECT correlation, message FROM journal", copy)
            except sqlite3.Error as e:
                raise Violation(f"the store is damaged: {e}") from None
        if self.phase in ("again", "reseal"):
            cloud = self.world.service.rest.device(self.uuid)["cloudAccess"]
            if not cloud or cloud["keyId"] not in usable:
                raise Violation(f"neither the old nor the new key is the one that opens the cloud: {cloud}")
        for correlation, message in answers:
            key = _public_key(message or "")
            if key and hashlib.sha256(key).digest() not in held:
                raise Violation(f"the answer to {correlation} is of a key that the store does not hold")

    def check_end(self, outcome):
        rest = self.world.service.rest
        if outcome.report.get("cloud") != "validated" or outcome.report.get("pending_results") != 0:
            raise Violation(f"not validated, or results pending: {outcome.describe()}")
        left = sorted(os.listdir(self.state))
        if left != (RESEALED if self.phase == "reseal" else KEPT):
            raise Violation(f"in the state directory: {left}")
        commands = rest.commands(self.uuid)
        if len(commands) != sum(len(self.world.requests(tag)) for tag in self.claimed):
            raise Violation(f"{len(commands)} commands for {self.claimed}")
        for command in commands:
            if command["status"] != "SUCCEEDED":
                raise Violation(f"command {command['id']} is {command['status']}: {command['error']}")
        self._check_answers({c["id"] for c in commands})
        self._check_store()
        self._check_loads()

    def _check_answers(self, ids):
        try:
            answers = self.world.answers(self.uuid, ids)
        except Failure as e:
            raise Violation(f"not answered: {e}") from None
        for correlation, digests in answers.items():
            if len(digests) != 1:
                raise Violation(f"{correlation} was answered in {len(digests)} ways")

    def _check_store(self):
        held = {(tag, kind): digest for tag, kind, digest in self.query("SELECT tag, type, sha256 FROM credential")}
        certificate = self.world.certificates[self.claimed[-1]]
        wanted = {(tag, PRIVATE_KEY): digest for tag, digest in self.keys().items()}
        for place, digest in wanted.items():
            if held.get(place) != digest:
                raise Violation(f"the key in {place} is not the one that was answered")
        for place in ((CLOUD_TAG, ROOT_CA), (OTHER_TAG, CLIENT_CERTIFICATE)):
            if held.get(place) not in [hashlib.sha256(t.encode()).digest()
                                       for t in (certificate, certificate.strip())]:
                raise Violation(f"the certificate in {place} is not the one that was sent")
        if len(wanted) != 3 or not {(ROOT_CA_TAG, ROOT_CA)} < set(held):
            raise Violation(f"credentials: {sorted(held)}")
        cloud = self.world.service.rest.device(self.uuid)["cloudAccess"]
        if not cloud or cloud["keyId"] != held[CLOUD_TAG, PRIVATE_KEY].hex():
            raise Violation(f"the service lets another key in: {cloud}")
        if self.query("SELECT * FROM journal"):
            raise Violation("the journal is not empty")
        values = dict(self.query("SELECT name, text FROM value"))
        uuid, _, key = next(iter(self.rows)).split(",")
        digest = hashlib.sha256(base64.b64decode(key)).hexdigest()
        if (values["device-uuid"], values["identity-key"]) != (uuid, digest):
            raise Violation("the identity is not the one that was printed")
        if values.get("config/provisioning/interval-sec") != INTERVAL[self.claimed[-1]]:
            raise Violation(f"the config command left {values}")

    def _check_loads(self):
        loads = [line for line in self.told() if line.startswith("load")]
        if len(loads) != len(set(loads)):
            raise Violation("a saved session was loaded twice")


def _public_key(message):
    """The SubjectPublicKeyInfo that an answer to a key generation begins with."""
    text = message.split(".")[0]
    with contextlib.suppress(ValueError):
        der = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        if len(der) == 91 and der.startswith(b"\x30\x59\x30\x13"):
            return der
    return None


def reference(world, phase, calls):
    """The calls of a phase in which nothing fails, from the moment at which the agent's own code
    runs: [(call, n)], n as strace counts."""
    device = Device(world, "reference")
    try:
        device.bring_to(phase)
        outcome = device.start(phase, calls=sorted({*calls, "openat"}))
        if outcome.status != EXPECTED[phase]:
            raise NotReached(f"{phase}: {outcome.describe()}")
        found = strace.number(strace.read(outcome.trace))
        config = next(i for i, (c, _) in enumerate(found) if c.name == "openat" and device.agent.config in c.args)
        # strace counts each thread alone, and the first to come to n is struck: the same n of another thread is
        # the same point, or one of the loader's.
        known = {(c.name, n) for c, n in found[:config]}
        points = []
        for call, n in found[config:]:
            if call.name in calls and (call.name, n) not in known and device.loads not in call.args + call.result:
                known.add((call.name, n))
                points.append((call, n))
        return points
    finally:
        device.close()
