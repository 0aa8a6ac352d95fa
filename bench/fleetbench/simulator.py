# SPDX-License-Identifier: Apache-2.0
"""One run of the simulator: it prepares, waits, runs, waits, and leaves its result in a file."""

import json
import os
import subprocess

from fleetbench import usage
from fleetbench.service import Failure, tail

CONFIG = """[provisioning]
server = localhost
address = 127.0.0.1
port = {port}
root-ca = {pki}/root-ca.pem
{provisioning}
[cloud]
validate = {validate}
[network]
wait-for-default-route = no
[daemon]
state-directory = {stores}
"""


class Simulator:
    """Prepared when made. `work` is cleared by its owner; stores lie in memory."""

    def __init__(self, binary, work, stores, pki, service, options, phase, cpu=None):
        self.work, self.phase = work, phase
        self.identities = os.path.join(work, "identities.csv")
        self.tokens = os.path.join(work, "tokens")
        self.result = os.path.join(work, "result.json")
        self.log = os.path.join(work, "simulator.log")
        config = os.path.join(work, "onboardd.conf")
        with open(config, "w", encoding="ascii") as f:
            f.write(CONFIG.format(port=service.port, pki=pki, stores=stores,
                                  validate="no" if phase == "provisioning" else "yes",
                                  provisioning="\n".join(options.agent)))
        argv = [binary, "--config", config, "--devices", str(options.devices), "--dir", stores,
                "--identities", self.identities, "--tokens", self.tokens, "--result", self.result,
                "--arrive", str(options.arrive), "--active", str(options.active),
                "--seed", str(options.seed), "--limit", str(options.limit)]
        for node in service.nodes:
            argv += ["--node", node.address]
        if phase == "handshake":
            argv.append("--handshakes")
        else:
            argv += options.fault_arguments()
        self._log_file = open(self.log, "wb")
        self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=self._log_file, preexec_fn=usage.pin(cpu), text=True)
        self._wait("prepared", lambda event: None)

    def _wait(self, name, on_progress):
        for line in self.process.stdout:
            event = json.loads(line)
            if event["event"] == name:
                return
            on_progress(event)
        self.process.wait()
        raise Failure(f"the simulator ended with {self.process.returncode}:\n{tail(self.log)}")

    def _say(self, word):
        try:
            self.process.stdin.write(word + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass

    def run(self, on_progress):
        self._say("go")
        self._wait("done", on_progress)

    def finish(self):
        """The result, after sessions were closed."""
        self._say("end")
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()
        self._log_file.close()
        with open(self.result, encoding="ascii") as f:
            return json.load(f)

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
