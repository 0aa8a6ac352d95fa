# SPDX-License-Identifier: Apache-2.0
"""One cell of the matrix: a claimed device behind a bad link, three commands that wait for it, and a cycle from power-on to
validated access; when asked to, NAT gives it another port after the session was put away and before its results go."""

import dataclasses
import os
import signal
import time

from harness import agent
from harness.agent import Agent, Run
from harness.link import Link

CLOUD_TAG, OTHER_TAG = 16842753, 4711
TAG = "matrix"
DUPLICATE, LATE = 10, 10  # percent
LIMIT_S = int(os.environ.get("ONBOARD_NETWORK_LIMIT_S", "900"))


@dataclasses.dataclass(frozen=True)
class Cell:
    loss: int  # percent, each way
    duplicate: int
    late: int
    rtt: int  # ms
    mtu: int  # of the device's link; the server knows nothing of it, and nobody tells it
    family: int  # 4 or 6
    rebinds: bool

    def __str__(self):
        return (f"loss={self.loss}% twice={self.duplicate}% late={self.late}% rtt={self.rtt}ms mtu={self.mtu} "
                f"IPv{self.family}{' NAT rebinds' if self.rebinds else ''}")

    def exists(self):
        return self.family == 4 or self.mtu >= 1280  # RFC 8200 §5


VALUES = {"loss": (0, 5, 20), "duplicate": (0, DUPLICATE), "late": (0, LATE), "rtt": (1, 300, 2000),
          "mtu": (576, 1280, 1500), "family": (4, 6), "rebinds": (False, True)}


@dataclasses.dataclass
class Outcome:
    cell: Cell
    faults: list  # what is wrong with it
    time_s: float = 0
    up: dict = dataclasses.field(default_factory=dict)
    down: dict = dataclasses.field(default_factory=dict)
    full: int = 0
    abbreviated: int = 0
    retransmissions: int = 0
    pauses: int = 0  # times that the agent gave up for a while


def add_rule(rest, certificate):
    rest.add_rule(TAG, TAG, [
        {"cloudAccessKeyGeneration": {"secTag": CLOUD_TAG}},
        {"clientCertificate": {"secTag": OTHER_TAG, "content": certificate}},
        {"finished": {}}])


def claimed(case, service, name):
    """A device that has an owner, over the loopback."""
    device = Agent(case, service.coap_port, case.pki().root, name=name)
    for section in ("provisioning", "cloud"):
        del device.sections[section]["retry-first"]  # the product's own
    service.import_identity(device.init())
    service.rest.claim(agent.token_of(device.once(expect=agent.EXIT_UNCLAIMED)), [TAG])
    return device


def run_cell(case, service, number, cell, provisioning=None, **settings):
    """The outcome; faults is empty when the device ended onboarded, and as it should. Keys of its [provisioning] and settings
    of the link besides."""
    device = claimed(case, service, f"device-{number}")
    device.set("provisioning", **(provisioning or {}))
    link = Link(case, number, **{**dict(
        device_mtu=cell.mtu, nat=cell.rebinds, mtu=cell.mtu, delay=cell.rtt / 2, loss=cell.loss, duplicate=cell.duplicate,
        late=cell.late, late_by=max(10, cell.rtt / 4), seed=number), **settings})
    device.set("provisioning", address=link.server.v6 if cell.family == 6 else link.server.v4)
    began = time.monotonic()
    process = device.start_once("--timeout", str(LIMIT_S), argv_prefix=link.device.argv_prefix(),
                                env=agent.struck("saved", signal.SIGSTOP) if cell.rebinds else None)
    if cell.rebinds:
        process.wait_stopped(LIMIT_S)
        link.rebind()
        process.send_signal(signal.SIGCONT)
    run = Run(process, process.wait(LIMIT_S + 30))
    outcome = Outcome(cell, [], time.monotonic() - began)
    link_stats = link.close()
    outcome.up, outcome.down = link_stats["up"], link_stats["down"]
    judge(outcome, run, service.rest.commands(device.uuid), process)
    return outcome


def judge(outcome, run, commands, process):
    faults = outcome.faults
    for name in ("provisioning", "cloud_connection"):
        counted = run.status.get(name) or {}
        outcome.full += counted.get("handshakes_full", 0)
        outcome.abbreviated += counted.get("handshakes_abbreviated", 0)
        outcome.retransmissions += counted.get("retransmissions", 0)
    outcome.pauses = sum(state in ("backing-off", "waiting-to-validate") for state in run.states())
    if run.exit != agent.EXIT_DONE or run.status.get("cloud") != "validated":
        faults.append(f"not onboarded: exit {run.exit}, {run.result}\n{process.output()}")
    if [c["status"] for c in commands] != ["SUCCEEDED"] * 3:
        faults.append(f"commands: {[(c['status'], c.get('error')) for c in commands]}")
    for way in ("up", "down"):
        counted = getattr(outcome, way)
        if counted["fragments"]:
            faults.append(f"{counted['fragments']} IP fragments {way}")
        if counted["too_big"]:
            faults.append(f"{counted['too_big']} datagrams too big for the path {way}")
