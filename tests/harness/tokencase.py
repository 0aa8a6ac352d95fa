# SPDX-License-Identifier: Apache-2.0
"""A device with its keys in SoftHSM behind a shim that misbehaves on order, a bus, and a watchdog."""

import json

from harness import agent, case
from harness.agent import Agent
from harness.bus import Bus
from harness.fdstore import FdStore
from harness.process import SLOWER, program, run
from harness.service import Service
from harness.token import Shim, SoftHsm

CLOUD_TAG = 16842753
KEYGEN = {"cloudAccessKeyGeneration": {"secTag": CLOUD_TAG}}
IDENTITY = "onboardd identity"
WATCHDOG_S = 3 * SLOWER


class TokenCase(case.Case):
    def setUp(self):
        super().setUp()
        self.token = SoftHsm(self)
        self.shim = Shim(self, self.token)
        self.service = Service(self, self.pki()).start()
        self.bus = Bus(self)
        self.store = FdStore(self.directory)
        self.addCleanup(self.store.close)
        self.agent = Agent(self, self.service.coap_port, self.pki().root, env=self.shim.env,
                           identity={"key": self.token.uri}, **self.shim.config())
        self.agent.set("cloud", key=self.token.uri)
        self.agent.set("provisioning", retry_max="2s")
        self.service.import_identity(self.agent.init())

    # The daemon, as those beside it see it

    def start(self):
        self.daemon = self.agent.start_daemon(env={
            **self.bus.env, **self.store.env, "WATCHDOG_USEC": WATCHDOG_S * 1000000, "WATCHDOG_PID": None})

    def status(self):
        return json.loads(run([program("onboardctl"), "status", "--json"], self.bus.env))

    def wait_state(self, state, why=""):
        self.daemon.wait_line(rf"state old=\S+ new={state} trace=\S+ why=\".*{why}")

    def claim(self):
        self.service.rest.claim(agent.token_of(self.agent.once(expect=agent.EXIT_UNCLAIMED)))

    def queue(self, n=1):
        return [self.service.rest.add_command(self.agent.uuid, KEYGEN) for _ in range(n)]

    def assert_all_answered(self, commands):
        for command in commands:
            value = self.service.rest.command(self.agent.uuid, command)
            self.assertNotIn(value["status"], ("PENDING", "IN_PROGRESS", "FAILED"), value)

    def assert_stopped(self):
        self.daemon.popen.terminate()
        self.assertEqual(self.daemon.wait(), agent.EXIT_DONE, self.daemon.output())
