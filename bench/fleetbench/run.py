# SPDX-License-Identifier: Apache-2.0
"""One phase of one variant: a fresh service and a fresh fleet, measured from the first arrival until
the last device has ended."""

import os
import shutil
import time

from fleetbench.library import Library
from fleetbench.service import Failure, Service
from fleetbench.simulator import HANDSHAKES, Simulator

STORES = "/dev/shm"
PHASES = ("library", "handshake", "provisioning", "validation")
KILL_AT = 0.3


def quantile(ordered, q):
    return ordered[min(len(ordered) - 1, int(q * len(ordered)))] if ordered else None


class Progress:
    """A line that is written over, and whatever else is to happen at a point of a run."""

    def __init__(self, out, label, devices, hook):
        self.out, self.label, self.devices, self.hook = out, label, devices, hook

    def __call__(self, event):
        self.hook(event)
        text = (f"{self.label}: {event['seconds']:5.1f} s  arrived {event['arrived']}  "
                f"done {event['done']}/{self.devices}  lost {event['lost']}")
        if event["restarts"]:
            text += f"  restarts {event['restarts']}"
        self.out.progress(text)


class Run:
    def __init__(self, options, out, work, pki, binaries):
        self.options, self.out, self.work, self.pki = options, out, work, pki
        self.binaries = binaries

    def phase(self, dtls, store, nodes, phase):
        """The figures of one phase."""
        stores = os.path.join(STORES, f"onboard-fleet-{os.getpid()}")
        store.clear()
        service = simulator = None
        cpus = self.options.cpus()
        os.mkdir(stores, 0o700)
        try:
            service = self._service(dtls, store, nodes, phase)
            self.out.progress(f"{dtls} {store.name} {nodes}: {self.options.devices} devices are born")
            simulator = Simulator(self.binaries.simulator(), self.work, stores, self.pki, service,
                                  self.options, phase, cpus[-1])
            if phase not in HANDSHAKES:
                self._claim(service, simulator)
            return {**self._measure(dtls, store, service, simulator, phase), "nodes": nodes}
        finally:
            if simulator:
                simulator.kill()
            if service:
                service.stop()
            shutil.rmtree(stores, ignore_errors=True)

    def _service(self, dtls, store, nodes, phase):
        cpus = self.options.cpus()
        if phase == "library":
            return Library(dtls, self.work, self.pki, cpus[0])
        return Service(self.binaries.service(dtls), self.work, self.pki, store, nodes,
                       self.options.service_arguments(), cpus[:1],
                       self.options.wrapper if phase == self.options.wrapped_phase else ())

    def _claim(self, service, simulator):
        self.out.progress("identities are imported, devices are claimed")
        identities = os.path.join(self.work, "identities.csv")
        with open(identities, "w", encoding="ascii") as f:
            f.write(simulator.read("identities.csv"))
        service.import_identities(identities)
        service.rest.claim(simulator.read("tokens").split())

    def _hook(self, service):
        killed = []

        def hook(event):
            if self.options.kill_node and not killed and \
                    event["done"] >= KILL_AT * self.options.devices:
                service.nodes[-1].kill()
                killed.append(event["seconds"])
        return hook, killed

    def _measure(self, dtls, store, service, simulator, phase):
        hook, killed = self._hook(service)
        label = f"{dtls} {store.name} {len(service.nodes)} {phase}"
        cpu, database = service.cpu_s(), store.cpu_s()
        memory, client = service.memory_kb(), simulator.cpu_s()
        began = time.monotonic()
        simulator.run(Progress(self.out, label, self.options.devices, hook))
        found = {"dtls": dtls, "store": store.name, "nodes": len(service.nodes), "phase": phase,
                 "service_cpu_s": service.cpu_s() - cpu, "database_cpu_s": store.cpu_s() - database,
                 "memory_kb": service.memory_kb() - memory, "memory_idle_kb": memory,
                 "client_cpu_s": simulator.cpu_s() - client,
                 "elapsed_s": time.monotonic() - began}
        if killed:
            found["killed_at_s"] = killed[0]
        result = simulator.finish()
        for node in service.nodes[:-1] if killed else service.nodes:
            if not node.is_alive():
                raise Failure(f"a node of the service died: {node.log}")
        found.update(self._summary(result))
        if phase not in HANDSHAKES:
            found.update(self._answers(service))
        return found

    def _summary(self, result):
        devices = result["devices"]
        done = [d for d in devices if d["state"] == "done"]
        lost = [d for d in devices if d["state"] != "done"]
        ended = sorted(d["ended"] for d in done)
        provisioned = sorted(d["provisioned"] for d in done if d["provisioned"] is not None)
        admitted = sorted(d["ended"] - d["admitted"] for d in done if d["admitted"] is not None)
        first = sorted(d["provisioned"] - d["admitted"] for d in done
                       if d["admitted"] is not None and d["provisioned"] is not None)
        found = {"devices": len(devices), "done": len(done), "lost": len(lost),
                 "why_lost": sorted({d.get("why", d["state"]) for d in lost})[:5],
                 "wall_s": result["wall_s"], "restarts": result["restarts"],
                 "restarts_per_device": [d["restarts"] for d in devices],
                 "retries": sum(d["retries"] for d in devices), "network": result["network"],
                 "seed": result["seed"], "ended_ms": ended}
        for name, values in (("ended", ended), ("provisioned", provisioned),
                             ("admitted", admitted), ("admitted_provisioned", first)):
            found[name] = {q: quantile(values, v) for q, v in
                           (("p50", .5), ("p95", .95), ("p99", .99), ("max", 1))}
        return found

    @staticmethod
    def _answers(service):
        answers, per_node = service.answers()
        per_device = {}
        for (device, _), _ in answers.items():
            per_device[device] = per_device.get(device, 0) + 1
        counts = sorted(set(per_device.values()))
        return {"answered_twice": sum(len(digests) > 1 for digests in answers.values()),
                "answers_of_nodes": per_node, "answered_devices": len(per_device),
                "answers_per_device": counts}


def problems(found):
    """What must never be, whatever the faults: as sentences."""
    told = []
    if found["done"] != found["devices"]:
        told.append(f"{found['devices'] - found['done']} of {found['devices']} devices did not end "
                    f"well: {found['why_lost']}")
    if found["phase"] in HANDSHAKES:
        return told
    if found["answered_twice"]:
        told.append(f"{found['answered_twice']} commands have two different answers")
    if found["answered_devices"] != found["devices"]:
        told.append(f"answers of {found['answered_devices']} devices were logged")
    if len(found["answers_per_device"]) != 1:
        told.append(f"devices answered different numbers of commands: "
                    f"{found['answers_per_device']}")
    return told
