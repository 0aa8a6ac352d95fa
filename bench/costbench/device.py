# SPDX-License-Identifier: Apache-2.0
"""The agent itself: cold start, an idle hour, and how cost grows with the commands."""

import os
import re
import time

from costbench import profile, servers
from costbench.links import quantile
from harness import agent, cbor
from harness.agent import Agent
from harness.bus import Bus
from harness.link import Link
from harness.peer import Peer
from harness.relay import Relay
from harness.service import Service

TOKEN = r"([A-Za-z0-9_-]{76}\.[A-Za-z0-9_-]{103})"
CLOUD_TAG = 16842753
COUNTS = (1, 3, 10, 30, 100)
CHAINS = (2, 4, 6)
BATCH = 10  # what the agent asks for at once
TAGS = 30  # a store takes 40 credentials


def _plain(device):
    """With the timers that a device has, not those of tests."""
    for section in ("provisioning", "cloud"):
        for key in ("retry-first", "unclaimed-poll"):
            device.sections[section].pop(key, None)
    device.set("daemon", log_level="info")
    return device


def cold_start(case, runs):
    """Seconds from the start of a device that has an identity to its claim token on the terminal."""
    found = {}
    service = Service(case, case.pki(), coap="0.0.0.0").start()
    for rtt in (1, 300):
        link = Link(case, 200 + (rtt > 1), delay=rtt / 2)
        taken = []
        for n in range(runs):
            device = _plain(Agent(case, service.coap_port, case.pki().root, name=f"cold-{rtt}-{n}"))
            device.set("provisioning", address=link.server.v4)
            service.import_identity(device.init())
            began = time.monotonic()
            process = device.start_once("--timeout", "60", argv_prefix=link.device.argv_prefix())
            process.wait_line(TOKEN)
            taken.append(time.monotonic() - began)
            process.end()
        found[rtt] = {"p50_s": quantile(taken, 0.5), "max_s": max(taken)}
    return service, found


def _usage(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as f:
        fields = f.read().rpartition(")")[2].split()
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        woken = sum(int(n) for n in re.findall(r"ctxt_switches:\s+(\d+)", f.read()))
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"), woken


def idle(case, service, seconds):
    """An onboarded daemon that has nothing to do: memory, and what an hour of it would cost, from so many seconds."""
    service.rest.add_rule("one key", "one-key", [{"cloudAccessKeyGeneration": {"secTag": CLOUD_TAG}}, {"finished": {}}])
    device = _plain(Agent(case, service.coap_port, case.pki().root, name="idle"))
    service.import_identity(device.init())
    service.rest.claim(agent.token_of(device.once(expect=agent.EXIT_UNCLAIMED)), ["one-key"])
    daemon = device.start_daemon(env=Bus(case).env)
    daemon.wait_line(r"\bnew=idle\b")
    time.sleep(2)
    cpu, woken = _usage(daemon.pid)
    time.sleep(seconds)
    cpu_after, woken_after = _usage(daemon.pid)
    with open(f"/proc/{daemon.pid}/smaps_rollup", encoding="ascii") as f:
        sizes = dict(re.findall(r"^(\w+): +(\d+) kB", f.read(), re.M))
    made_of = profile.resident(daemon.pid)
    daemon.end()
    return {"made_of": made_of, "rss_kb": int(sizes["Rss"]), "pss_kb": int(sizes["Pss"]), "anonymous_kb": int(sizes["Anonymous"]),
            "watched_s": seconds, "cpu_s_per_hour": (cpu_after - cpu) * 3600 / seconds,
            "wakeups_per_hour": (woken_after - woken) * 3600 / seconds}


def read_text(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def _growth(case, bodies, label):
    peer = Peer(case, case.pki(), "openssl", bodies=bodies).start()
    relay = Relay(peer.port)
    device = _plain(Agent(case, relay.port, case.pki().root, name=label, cloud={"validate": "no"}))
    device.init()
    began = time.monotonic()
    peak = case.path(label + ".peak")
    process = device.start_once("--timeout", "60", argv_prefix=[servers.installed("time"), "-f", "%M", "-o", peak])
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.monotonic() - began
    c = relay.conversation()
    relay.close()
    peer.stop()
    results = len(peer.results())
    assert os.waitstatus_to_exitcode(status) == 0 and results == sum(len(body) for body in bodies), process.output()
    return {"wall_s": wall, "cpu_ms": 1000 * (usage.ru_utime + usage.ru_stime), "bytes": c.bytes,
            "datagrams": c.datagrams_up + c.datagrams_down, "peak_kb": int(read_text(peak).split()[-1])}


def _write(case, correlation, tag, certificates=1):
    return cbor.at_command(correlation, "%CMNG", f'0,{tag},0,"{read_text(case.pki().root) * certificates}"')


def growth(case):
    """Of n commands that write a certificate each, and of one command that writes so many of them."""
    rows = []
    for n in COUNTS:
        commands = [_write(case, f"w-{i}", 100 + i % TAGS) for i in range(n)] + [cbor.finished("f")]
        bodies = [commands[i:i + BATCH] for i in range(0, len(commands), BATCH)]
        rows.append({"commands": n, "certificates": 1, **_growth(case, bodies, f"growth-{n}")})
    for n in CHAINS:
        rows.append({"commands": 1, "certificates": n,
                     **_growth(case, [[_write(case, "w", 100, n), cbor.finished("f")]], f"growth-s{n}")})
    return rows
