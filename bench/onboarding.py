#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What an onboarding costs on this machine, agent against onboard-service on loopback: bytes, round
trips, time from claim to validated access, memory of the idle daemon. Prints one JSON object.

    ONBOARD_BUILD_DIR=build/release PYTHONPATH=tests bench/onboarding.py [RUNS]
"""

import json
import os
import random
import re
import statistics
import sys
import threading
import time

from harness import agent, case
from harness.agent import Agent
from harness.bus import Bus
from harness.process import program, run
from harness.relay import Relay
from harness.service import Service

CLOUD_TAG = 16842753
TOKEN = r"([A-Za-z0-9_-]{76}\.[A-Za-z0-9_-]{103})"


def at_quantile(values, q):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(q * len(ordered)))]


class Bench(case.Case):
    def runTest(self):
        service = Service(self, self.pki()).start()
        service.rest.add_rule("one key", "one-key", [
            {"cloudAccessKeyGeneration": {"secTag": CLOUD_TAG}}, {"finished": {}}])
        found = {"runs": self.runs, "first_provisioning": self.bytes_of_one(service),
                 "claim_to_validated_s": self.latency(service), "idle_daemon": self.memory(service),
                 "onboardd_text_bytes": int(run(["size", program("onboardd")]).split()[6])}
        print(json.dumps(found, indent=2))

    def known(self, service, name, **sections):
        device = Agent(self, service.coap_port, self.pki().root, name=name, **sections)
        for section in ("provisioning", "cloud"):
            for key in ("retry-first", "unclaimed-poll"):
                device.sections[section].pop(key, None)
        device.set("daemon", log_level="info")
        service.import_identity(device.init())
        return device

    def bytes_of_one(self, service):
        device = self.known(service, "counted")
        service.rest.claim(agent.token_of(device.once(expect=agent.EXIT_UNCLAIMED)), ["one-key"])
        relay, cloud = Relay(service.coap_port), Relay(service.coap_port)
        device.set("provisioning", port=relay.port)
        device.set("cloud", server="localhost", address="127.0.0.1", port=cloud.port)
        device.once(expect=agent.EXIT_DONE)
        counted = {name: {"bytes": c.bytes, "datagrams": c.datagrams_up + c.datagrams_down,
                          "full_handshakes": c.full_handshakes}
                   for name, c in (("provisioning", relay.conversation()),
                                   ("validation", cloud.conversation()))}
        relay.close()
        cloud.close()
        return counted

    def latency(self, service):
        """Devices that wait unclaimed, each claimed at a random moment of its poll."""
        taken = []
        for n in range(self.runs):
            device = self.known(service, f"timed-{n}")
            process = device.start_once("--wait-claim", "--timeout", "100")
            token = process.wait_line(TOKEN).group(1)
            wait = threading.Event()
            wait.wait(random.random() * 5)
            began = time.monotonic()
            service.rest.claim(token, ["one-key"])
            assert process.wait(100) == agent.EXIT_DONE, process.output()
            taken.append(time.monotonic() - began)
        return {"p50": round(statistics.median(taken), 2),
                "p95": round(at_quantile(taken, 0.95), 2), "max": round(max(taken), 2)}

    def memory(self, service):
        device = self.known(service, "idle")
        service.rest.claim(agent.token_of(device.once(expect=agent.EXIT_UNCLAIMED)), ["one-key"])
        daemon = device.start_daemon(env=Bus(self).env)
        daemon.wait_line(r"\bnew=idle\b")
        with open(f"/proc/{daemon.pid}/smaps_rollup", encoding="ascii") as f:
            sizes = dict(re.findall(r"^(\w+): +(\d+) kB", f.read(), re.M))
        return {k: int(sizes[v]) for k, v in
                (("rss_kb", "Rss"), ("pss_kb", "Pss"), ("anonymous_kb", "Anonymous"))}


if __name__ == "__main__":
    Bench.runs = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    os.environ.setdefault("ONBOARD_BUILD_DIR", "build/release")
    case.unittest.main(argv=sys.argv[:1], defaultTest="Bench", verbosity=0)
