# SPDX-License-Identifier: Apache-2.0
"""Another network, or another address, after a failure and while connected: in a network namespace of its own."""

import ctypes
import os
import signal
import unittest

from harness import agent, case
from harness.agent import Agent
from harness.bus import Bus
from harness.process import run
from harness.service import Service
from lifecycle.life import Life

CLONE_NEWNET = 0x40000000
SERVER = "192.0.2.1"
ADDRESSES = ("198.51.100.1", "198.51.100.2")


def ip(*words):
    run(["ip", *words])


def setUpModule():
    """Of this thread alone, and so of what it starts."""
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
        raise unittest.SkipTest(f"no network namespace: {os.strerror(ctypes.get_errno())}")
    ip("link", "set", "lo", "up")
    ip("addr", "add", SERVER + "/32", "dev", "lo")
    move(0)


def move(to):
    """The machine has one address, and its way out and to the server go from there."""
    ip("addr", "replace", ADDRESSES[to] + "/32", "dev", "lo")
    ip("route", "replace", "local", SERVER, "dev", "lo", "table", "local", "src", ADDRESSES[to])
    gone = ADDRESSES[1 - to]
    if gone in run(["ip", "-4", "-o", "addr", "show"]):
        ip("addr", "del", gone + "/32", "dev", "lo")
    # Last: a device that hears of it finds all of it as it is to stay.
    ip("route", "replace", "default", "dev", "lo", "src", ADDRESSES[to])


class Network(Life):
    """Nothing is tried again by itself within the time of a test."""

    def setUp(self):
        case.Case.setUp(self)
        self.at = 0
        move(0)
        self.bus = Bus(self)
        self.service = Service(self, self.pki(), coap=SERVER).start()
        self.rest = self.service.rest
        self.device = Agent(self, self.service.coap_port, self.pki().root,
                            provisioning={"address": SERVER, "retry-first": "1h", "retry-max": "1h",
                                          "handshake-timeout": "3s"},
                            cloud={"retry-first": "1h", "retry-max": "1h", "attempts": "1"},
                            network={"wait-for-default-route": "yes"})
        self.row = self.device.init()

    def settle(self):
        self.service.import_identity(self.row)
        self.rest.claim(agent.token_of(self.device.once(expect=agent.EXIT_UNCLAIMED)), ["nrf-cloud-onboarding"])

    def change(self):
        """Another address, and with it another way out; the number of the line before."""
        after = self.mark()
        self.at = 1 - self.at
        move(self.at)
        self.daemon.wait_line("network default-route=yes", after=after)
        return after

    def assert_comes_back(self, after):
        self.wait_idle(after)
        self.assertEqual(self.begun(after), ["network is back"])

    def test_a_server_that_could_not_be_reached_is_tried_on_the_next_network(self):
        self.settle()
        self.service.stop(goodbye=False)
        self.begin()
        self.daemon.wait_line("new=backing-off")
        self.service.start()
        self.assert_comes_back(self.change())

    def silence(self):
        """The server answers nobody."""
        self.service.process.send_signal(signal.SIGSTOP)

    def speak(self):
        self.service.process.send_signal(signal.SIGCONT)

    def test_a_refusal_is_tried_on_the_next_network(self):
        self.begin()
        self.daemon.wait_line("new=(failed|backing-off)")
        self.service.import_identity(self.row)
        after = self.change()
        self.daemon.wait_line("new=unclaimed", after=after)
        self.assertEqual(self.begun(after), ["network is back"])

    def test_a_cloud_that_could_not_be_reached_is_tried_on_the_next_network(self):
        self.settle()
        self.device.set("cloud", server="localhost", address=SERVER, port=9)
        self.begin()
        self.daemon.wait_line("new=degraded")
        after = self.change()
        self.daemon.wait_line("old=validating new=degraded", after=after)
        self.assertEqual(self.begun(after), ["network is back"])

    def test_a_network_that_changes_while_a_cycle_fails_is_not_missed(self):
        self.settle()
        self.silence()
        self.begin()
        self.daemon.wait_line("new=connecting")
        after = self.change()
        self.daemon.wait_line("new=backing-off", after=after)
        self.speak()
        self.wait_idle(after)
        self.assertEqual(self.begun(after), ["network is back"])

    def test_a_network_that_stays_as_it_is_begins_nothing(self):
        self.settle()
        self.start()
        after = self.change()
        self.ctl("provision", "--wait")
        self.assertEqual(self.begun(after), ["asked for: bus"])

    def test_a_device_that_stays_connected_finds_back_from_another_address(self):
        self.settle()
        self.device.set("cloud", poll="300ms", retry_first="100ms", retry_max="1s")
        self.start()
        self.daemon.wait_line("step name=poll")
        for _ in range(2):
            after = self.change()
            self.daemon.wait_line("step name=poll", after=after + 1)
        self.ctl("status", "--wait", "idle")
        self.assertEqual(self.status()["cloud"], "validated")
        self.assertEqual(self.begun(), ["started"])


if __name__ == "__main__":
    case.main()
