# SPDX-License-Identifier: Apache-2.0
"""Runs of the simulator: it prepares, waits, runs, waits, and leaves its result in a file."""

import json
import os
import resource
import selectors
import subprocess

from fleetbench import usage
from fleetbench.service import Failure, tail

CONFIG = """[provisioning]
server = localhost
address = 127.0.0.1
port = {port}
root-ca = {pki}/root-ca.pem
transport = coap
{provisioning}
[cloud]
validate = {validate}
[network]
wait-for-default-route = no
[daemon]
state-directory = {stores}
"""


HANDSHAKES = ("library", "handshake")  # phases in which devices do nothing else

DESCRIPTORS_EACH = 8
DESCRIPTORS_MORE = 1024


def processes_for(devices):
    """A store has three files, a session has two: a process cannot have them all."""
    _, limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    each = max(1, (limit - DESCRIPTORS_MORE) // DESCRIPTORS_EACH)
    return -(-devices // each)


class Process:
    """A part of the fleet, which prepares itself when made."""

    def __init__(self, argv, log):
        self.log = log
        self._log_file = open(log, "wb")
        self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=self._log_file, bufsize=0)
        self.progress = {}
        self._rest = b""
        os.set_blocking(self.process.stdout.fileno(), False)

    def events(self):
        """What it said; raises when it has ended."""
        data = self.process.stdout.read()
        if data == b"":
            self.process.wait()
            raise Failure(f"the simulator ended with {self.process.returncode}:\n{tail(self.log)}")
        *lines, self._rest = (self._rest + (data or b"")).split(b"\n")
        return [json.loads(line) for line in lines]

    def say(self, word):
        try:
            self.process.stdin.write(word + b"\n")
        except BrokenPipeError:
            pass

    def end(self):
        self.say(b"end")
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()
        self._log_file.close()

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class Simulator:
    """The whole fleet. Prepared when made. `work` is cleared by its owner; stores lie in memory."""

    def __init__(self, binary, work, stores, pki, service, options, phase, cpu=None):
        self.work, self.phase, self.cpu = work, phase, cpu
        config = os.path.join(work, "onboardd.conf")
        with open(config, "w", encoding="ascii") as f:
            f.write(CONFIG.format(port=service.port, pki=pki, stores=stores,
                                  validate="no" if phase == "provisioning" else "yes",
                                  provisioning="\n".join(options.agent)))
        n = processes_for(options.devices)
        self.parts = [os.path.join(work, f"part-{i}") for i in range(n)]
        self.processes = []
        for i, part in enumerate(self.parts):
            os.makedirs(part, exist_ok=True)
            first = options.devices * i // n
            argv = [binary, "--config", config, "--dir", stores, "--first", str(first),
                    "--devices", str(options.devices * (i + 1) // n - first),
                    "--identities", f"{part}/identities.csv", "--tokens", f"{part}/tokens",
                    "--result", f"{part}/result.json", "--arrive", str(options.arrive),
                    "--active", str(-(-options.active // n)), "--seed", str(options.seed),
                    "--limit", str(options.limit)]
            for node in service.nodes:
                argv += ["--node", node.address]
            argv += ["--handshakes"] if phase in HANDSHAKES else options.fault_arguments()
            self.processes.append(Process(argv, f"{part}/simulator.log"))
        try:
            self._wait("prepared", lambda event: None)
        except BaseException:
            self.kill()
            raise

    def _wait(self, name, on_progress):
        """Until all have said it. The sum of what they have come to goes to on_progress."""
        with selectors.DefaultSelector() as selector:
            for process in self.processes:
                selector.register(process.process.stdout, selectors.EVENT_READ, process)
            while selector.get_map():
                for key, _ in selector.select():
                    process = key.data
                    for event in process.events():
                        if event["event"] == name:
                            selector.unregister(key.fileobj)
                        elif event["event"] == "progress":
                            process.progress = event
                            on_progress(self._sum())

    def _sum(self):
        parts = [p.progress for p in self.processes if p.progress]
        total = {"seconds": max(p["seconds"] for p in parts)}
        for name in ("arrived", "done", "lost", "retries", "restarts"):
            total[name] = sum(p[name] for p in parts)
        return total

    def read(self, name):
        """A file of all parts."""
        texts = []
        for part in self.parts:
            with open(os.path.join(part, name), encoding="ascii") as f:
                texts.append(f.read())
        return "".join(texts)

    def cpu_s(self):
        return sum(usage.cpu_s(p.process.pid) for p in self.processes)

    def run(self, on_progress):
        for process in self.processes:
            if self.cpu is not None:
                os.sched_setaffinity(process.process.pid, {self.cpu})
        for process in self.processes:
            process.say(b"go")
        self._wait("done", on_progress)

    def finish(self):
        """The result, after sessions were closed."""
        for process in self.processes:
            process.end()
        parts = []
        for part in self.parts:
            with open(f"{part}/result.json", encoding="ascii") as f:
                parts.append(json.load(f))
        result = {"seed": parts[0]["seed"], "wall_s": max(p["wall_s"] for p in parts),
                  "restarts": sum(p["restarts"] for p in parts), "network": None,
                  "devices": [d for p in parts for d in p["devices"]]}
        if parts[0]["network"]:
            result["network"] = {k: sum(p["network"][k] for p in parts)
                                 for k in parts[0]["network"]}
        return result

    def kill(self):
        for process in self.processes:
            process.kill()
