# SPDX-License-Identifier: Apache-2.0
"""What real agents go through, killed at the instants that matter, lost and refused, is a way through the
states of the model: else the model would prove something of another program."""

import os
import signal
import subprocess

from harness import agent, case, cbor
from harness.agent import Agent, Run, struck
from harness.fdstore import FdStore
from harness.peer import Peer
from harness.process import program

UUID = "89ed369b-0fed-4194-a703-aabb7fe8130b"
BODY = [*cbor.keygen(UUID + ".e", 4711), cbor.finished(UUID + ".f")]


def lines_of(process):
    return [f"{e['old']} {e['new']}" for e in process.json_lines() if e.get("event") == "state"]


class Traces(case.Case):
    n = 0

    def device(self, **peer):
        Traces.n += 1
        self.peer = Peer(self, self.pki(), "openssl", bodies=[BODY], **peer).start()
        folder = self.path(f"store{Traces.n}")
        os.mkdir(folder)
        self.store = FdStore(folder)
        self.addCleanup(self.store.close)
        return Agent(self, self.peer.port, self.pki().root, name=f"agent{Traces.n}", cloud={"validate": "no"},
                     provisioning={"transport": "coap", "retry-first": "10ms"})

    def start(self, device, where=None):
        prefix, env, fds = self.store.launch()
        return device.start_once("--timeout", "45", argv_prefix=prefix, pass_fds=fds,
                                 env={**env, **struck(where, signal.SIGKILL if where else None)})

    def finish(self, device):
        """The lines of a start that nothing disturbs."""
        process = self.start(device)
        self.assertEqual(Run(process, process.wait()).exit, agent.EXIT_DONE, process.output())
        return lines_of(process)

    def killed_at(self, where):
        device = self.device()
        process = self.start(device, where)
        self.assertEqual(process.wait(), -signal.SIGKILL, process.output())
        trace = [*lines_of(process), "kill", *self.finish(device)]
        self.store.close()
        self.peer.stop()
        return trace

    def answered(self, *answers):
        trace = self.finish(self.device(answers=answers))
        self.store.close()
        self.peer.stop()
        return trace

    def model(self, traces):
        paths = []
        for name, lines in traces.items():
            paths.append(self.path(name + ".trace"))
            with open(paths[-1], "w", encoding="ascii") as f:
                f.writelines(line + "\n" for line in lines)
        done = subprocess.run([program("model"), "--traces", *paths], text=True, stdout=subprocess.PIPE, check=False)
        print(done.stdout, end="", flush=True)
        return done

    def test_what_agents_go_through_is_in_the_model_and_what_none_does_is_not(self):
        traces = {f"killed-{where}": self.killed_at(where) for where in ("saved", "stored", "load", "loaded")}
        traces["undisturbed"] = self.answered()
        traces["report-forgotten"] = self.answered("rsp:1:4.01")
        traces["fetch-forgotten"] = self.answered("cmd:1:4.01")
        traces["busy"] = self.answered("auth:1:5.03", "rsp:1:5.03")
        self.assertIn("executing resuming", traces["undisturbed"])
        self.assertIn("reporting backing-off", traces["busy"])
        self.assertEqual(self.model(traces).returncode, 0)

        made_up = list(traces["undisturbed"])
        made_up.remove("executing resuming")
        self.assertIn("line 8: the model has no way for: resuming", self.model({"made-up": made_up}).stdout)


if __name__ == "__main__":
    case.main()
