# SPDX-License-Identifier: Apache-2.0
"""onboard-service as the bench starts it: one node or several, each with its log in a file."""

import http.client
import json
import os
import re
import signal
import subprocess
import threading

from fleetbench import usage

READY_S = 60
TAG = "nrf-cloud-onboarding"
CSV_ROWS = 1000


class Failure(Exception):
    """Something that the bench needs did not happen."""


class Node:
    """One process. It listens on an address of its own, all on one port."""

    def __init__(self, binary, state, address, port, pki, log, options=(), cpu=None, wrapper=()):
        self.address = address
        self.log = log
        argv = [*wrapper, binary, "serve", "--state", state, "--coap", f"{address}:{port}",
                "--rest", "127.0.0.1:0", "--cert", f"{pki}/server.pem", "--key",
                f"{pki}/server.key", "--root-ca", f"{pki}/root-ca.pem", *options]
        self._log_file = open(log, "wb")
        self.process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=self._log_file,
                                        preexec_fn=usage.pin(cpu))
        timer = threading.Timer(READY_S, self.process.kill)
        timer.start()
        line = self.process.stdout.readline().decode()
        timer.cancel()
        found = re.match(r"ready coap=\S+:(\d+) rest=\S+:(\d+)", line)
        if not found:
            self.process.kill()
            raise Failure(f"{' '.join(argv)} did not start:\n{tail(log)}")
        self.port, self.rest_port = int(found.group(1)), int(found.group(2))

    @property
    def pid(self):
        return self.process.pid

    def is_alive(self):
        return self.process.poll() is None

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        if self.is_alive():
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(READY_S)
            except subprocess.TimeoutExpired:
                self.kill()
        self.process.stdout.close()
        self._log_file.close()


class Rest:
    """An owner on one connection."""

    def __init__(self, port, key):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=READY_S)
        self.key = key

    def call(self, method, path, body=None, content_type="application/json"):
        headers = {"Authorization": "Bearer " + self.key}
        if body is not None:
            headers["Content-Type"] = content_type
        self.connection.request(method, "/v1" + path, body, headers)
        answer = self.connection.getresponse()
        text = answer.read()
        return answer.status, text

    def claim(self, tokens):
        """By lists of a thousand, or one by one where the service takes no lists."""
        rows = "".join(f'"{t}","{TAG}"\n' for t in tokens[:1])
        status, text = self.call("POST", "/claimed-devices", rows, "text/csv")
        if status != 200:
            for token in tokens:
                self._claim_one(token)
            return
        self._check(text, 1)
        for i in range(1, len(tokens), CSV_ROWS):
            part = tokens[i:i + CSV_ROWS]
            status, text = self.call("POST", "/claimed-devices",
                                     "".join(f'"{t}","{TAG}"\n' for t in part), "text/csv")
            if status != 200:
                raise Failure(f"a list of claims was answered {status}: {text.decode()}")
            self._check(text, len(part))

    @staticmethod
    def _check(text, n):
        answer = json.loads(text)
        if len(answer["claimedIds"]) != n:
            raise Failure(f"claims failed: {answer['failed'][:3]}")

    def _claim_one(self, token):
        status, text = self.call("POST", "/claimed-devices",
                                 json.dumps({"claimToken": token, "tags": [TAG]}))
        if status not in (200, 201):
            raise Failure(f"a claim was answered {status}: {text.decode()}")


class Service:
    """The nodes on one store."""

    def __init__(self, binary, work, pki, store, nodes=1, options=(), cpus=(None,), wrapper=()):
        self.binary = binary
        self.state = os.path.join(work, "service")
        self.store = store
        self.nodes = []
        port = 0
        for n in range(nodes):
            node = Node(binary, self.state, f"127.0.0.{n + 1}", port, pki,
                        os.path.join(work, f"node-{n + 1}.log"),
                        [*store.options(), *options], cpus[n % len(cpus)],
                        wrapper if n == 0 else ())
            port = node.port
            self.nodes.append(node)
        self.port = port
        key = self._run("apikey", "create", "--role", "admin", "--name", "bench").split()[-1]
        self.rest = Rest(self.nodes[0].rest_port, key)

    def _run(self, *verb):
        argv = [self.binary, *verb[:2], "--state", self.state, *self.store.options(), *verb[2:]]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Failure(f"{' '.join(argv)}: {done.stderr}")
        return done.stdout

    def import_identities(self, path):
        self._run("identity", "import", path)

    def cpu_s(self):
        return sum(usage.cpu_s(n.pid) for n in self.nodes if n.is_alive())

    def memory_kb(self):
        return sum(usage.memory_kb(n.pid) for n in self.nodes if n.is_alive())

    def answers(self):
        """{(device, command): digests of what it was answered with}, from the logs, and how many
        each node has seen."""
        found, per_node = {}, []
        pattern = re.compile(r"device=(\S+) trace=\S+ answer=(\S+) digest=(\w+)")
        for node in self.nodes:
            per_node.append(0)
            with open(node.log, encoding="utf-8", errors="replace") as f:
                for line in f:
                    hit = pattern.search(line)
                    if hit:
                        found.setdefault(hit.group(1, 2), set()).add(hit.group(3))
                        per_node[-1] += 1
        return found, per_node

    def stop(self):
        for node in self.nodes:
            node.stop()


def tail(path, n=20):
    try:
        with open(path, encoding="utf-8", errors="replace") as f:
            return "".join(f.readlines()[-n:])
    except OSError as e:
        return str(e)
