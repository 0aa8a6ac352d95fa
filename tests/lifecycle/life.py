# SPDX-License-Identifier: Apache-2.0
"""A claimed and provisioned device: the daemon, its service, and a relay between them that can hold a cycle."""

import contextlib
import json
import re
import shutil
import signal
import sqlite3

from harness import agent, case
from harness.agent import Agent
from harness.bus import Bus
from harness.process import finish, program
from harness.relay import HOLD, Relay
from harness.service import Service

IDLE = r"state old=[a-z-]+ new=idle "
BEGUN = r"new=waiting-for-network .*"


class Gate(Relay):
    """A relay in which what the device sends stays while it is held."""

    def __init__(self, server_port):
        self.is_held = False
        super().__init__(server_port, lambda _relay, datagram: HOLD if self.is_held and datagram.up else (0,))

    def hold(self):
        self.is_held = True

    def go_on(self):
        self.is_held = False
        self.release()


class Life(case.Case):
    service_options = ()
    relayed = True  # else the device talks to the service itself, and the relay is of no use

    def setUp(self):
        super().setUp()
        self.bus = Bus(self)
        self.service = Service(self, self.pki(), options=self.service_options).start()
        self.rest = self.service.rest
        self.relay = Gate(self.service.coap_port)
        self.addCleanup(self.relay.close)
        self.device = Agent(self, self.relay.port if self.relayed else self.service.coap_port, self.pki().root,
                            provisioning={"retry-first": "100ms", "retry-max": "1s", "ack-timeout": "1s"},
                            cloud={"retry-first": "100ms", "retry-max": "1s"})
        self.service.import_identity(self.device.init())
        self.rest.claim(agent.token_of(self.device.once(expect=agent.EXIT_UNCLAIMED)), ["nrf-cloud-onboarding"])
        self.daemon = None

    def start(self, env=None):
        """The daemon, at rest after its first cycle."""
        self.begin(env)
        self.wait_idle()
        return self.daemon

    def begin(self, env=None):
        self.daemon = self.device.start_daemon(env={**self.bus.env, **(env or {})})
        return self.daemon

    def mark(self):
        return len(self.daemon.lines)

    def wait_idle(self, after=0):
        return self.daemon.wait_line(IDLE, after=after)

    def crash(self):
        self.daemon.send_signal(signal.SIGKILL)
        self.daemon.wait()

    def hold(self):
        """What the device sends stays in the relay from now on."""
        self.relay.hold()

    def go_on(self):
        self.relay.go_on()

    def hold_cycle(self):
        """A cycle that somebody asked for, held in the middle."""
        self.hold()
        after = self.mark()
        self.ctl("provision")
        self.daemon.wait_line(r"new=(connecting|fetching|authenticating) ", after=after)
        return after

    def ctl(self, *arguments, expect=0):
        done = finish([program("onboardctl"), *arguments], env=self.bus.env)
        self.assertEqual(done.returncode, expect, f"{arguments}\n{done.stdout}\n{done.stderr}")
        return done.stdout + done.stderr

    def status(self):
        return json.loads(self.ctl("status", "--json"))

    def begun(self, after=0):
        """Why each cycle began, in order, from line number `after` on."""
        return [m.group(1) for _, text in self.daemon.lines[after:]
                if (m := re.search(r"old=(?:booting|idle|polling|degraded|backing-off|failed|unclaimed) "
                                   r"new=waiting-for-network .*why=\"(.*)\"", text))]

    # The shadow, as the owner sees it.

    def wish(self, **desired):
        self.rest.want(200, "PATCH", f"/devices/{self.device.uuid}/state", {"desired": desired})

    def shadow(self):
        return self.rest.device(self.device.uuid)["state"]

    # The store of a daemon that does not run.

    def value(self, name):
        shutil.rmtree(self.path("look"), ignore_errors=True)
        shutil.copytree(self.device.state, self.path("look"))
        with contextlib.closing(sqlite3.connect(self.path("look", "store.db"))) as db:
            row = db.execute("SELECT text FROM value WHERE name = ?", (name,)).fetchone()
            return row and row[0]

    def set_value(self, name, text):
        with contextlib.closing(sqlite3.connect(f"{self.device.state}/store.db")) as db:
            db.execute("INSERT INTO value (name, text) VALUES (?, ?)"
                       " ON CONFLICT (name) DO UPDATE SET text = excluded.text", (name, text))
            db.execute("DELETE FROM secret WHERE name = 'store/content'")
            db.commit()
