# SPDX-License-Identifier: Apache-2.0
"""A device with an owner: the real service, the real daemon on a bus of its own, and onboardctl."""

import json
import os
import shutil
import stat

from harness import agent, case
from harness.agent import Agent
from harness.bus import Bus
from harness.process import Process, finish, program, run
from harness.service import Service

CLOUD_TAG = 16842753
EXPORT = 'export "app"'


class Owned(case.Case):
    bus_policy = ""

    def setUp(self):
        super().setUp()
        self.bus = Bus(self, policy=self.bus_policy)
        self.service = Service(self, self.pki()).start()
        self.rest = self.service.rest
        self.device = Agent(self, self.service.coap_port, self.pki().root)
        self.daemon = None

    def script(self, name, *lines):
        """An executable shell script: its path."""
        path = self.path(name)
        with open(path, "w", encoding="ascii") as f:
            f.write("\n".join(["#!/bin/sh", *lines]) + "\n")
        os.chmod(path, 0o755)
        return path

    def lines(self, name):
        """What scripts wrote there."""
        if not os.path.exists(self.path(name)):
            return []
        with open(self.path(name), encoding="ascii") as f:
            return f.read().splitlines()

    def claim(self, tags=("nrf-cloud-onboarding",)):
        """Imported and claimed; the daemon does not run yet."""
        self.service.import_identity(self.device.init())
        self.rest.claim(agent.token_of(self.device.once(expect=agent.EXIT_UNCLAIMED)), tags)

    def start(self, until=r"old=[a-z-]+ new=idle", env=None, argv_prefix=()):
        self.daemon = self.device.start_daemon(env={**self.bus.env, **(env or {})}, argv_prefix=argv_prefix)
        if until:
            self.daemon.wait_line(until)
        return self.daemon

    def restart(self, **options):
        self.assertEqual(self.daemon.end(), 0, self.daemon.output())
        return self.start(**options)

    def ctl(self, *arguments, expect=0):
        done = finish([program("onboardctl"), *arguments], env=self.bus.env)
        self.assertEqual(done.returncode, expect, f"onboardctl {arguments}\n{done.stdout}\n{done.stderr}")
        return done.stdout + done.stderr

    def begin_ctl(self, *arguments):
        return self.watch(Process([program("onboardctl"), *arguments], env=self.bus.env, name="onboardctl"))

    def status(self):
        return json.loads(self.ctl("status", "--json"))

    def tags(self):
        return {c["tag"] for c in json.loads(self.ctl("credentials", "list", "--json"))}

    def unsealed(self, tag, kind):
        """A secret of the store of an agent that does not run, in the clear."""
        copy = self.path("copy")
        shutil.copytree(self.device.state, copy)
        try:
            return bytes.fromhex(run([program("unseal"), copy, str(tag), str(kind)]).strip())
        finally:
            shutil.rmtree(copy)

    def state_bytes(self):
        """Everything in the state directory and what is exported: {path: content}."""
        found = {}
        for top in (self.device.state, self.path("exported")):
            for folder, _, files in os.walk(top):
                for name in files:
                    path = os.path.join(folder, name)
                    if stat.S_ISREG(os.lstat(path).st_mode):
                        with open(path, "rb") as f:
                            found[path] = f.read()
        return found

    def add_keygen(self):
        """A new key for the cloud, and the end of provisioning: the ids of the two commands."""
        first = self.rest.add_command(self.device.uuid, {"cloudAccessKeyGeneration": {"secTag": CLOUD_TAG}})
        return first, self.rest.add_command(self.device.uuid, {"finished": {}})
