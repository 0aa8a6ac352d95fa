# SPDX-License-Identifier: Apache-2.0
"""The device under test: onboardd with Wi-Fi and BLE, and onboard-service behind the access points."""

import contextlib
import json
import os
import shutil
import sqlite3

from harness.agent import Agent
from harness.process import Failure, finish, program, run
from harness.service import Rest, Service
from lab.guest import wifi
from lab.guest.terminal import Terminal

NAME = "org.onboardd"
PATH = "/org/onboardd"
WIFI = "org.onboardd.Wifi1"
# Of wlan0: mac80211_hwsim counts from 02:00:00:00:00:00.
ADVERTISED_NAME = "PV000000"
NO_SERVICE_PORT = 5684


class _Rest(Rest):
    def call(self, method, path, body=None):
        with wifi.namespace():
            return super().call(method, path, body)


def make_service(case):
    """onboard-service, where the device gets by Wi-Fi alone."""
    service = Service(case, case.pki(), coap=wifi.GATEWAY, argv_prefix=wifi.inside()).start()
    service.rest = _Rest(service.rest.base, service.rest.api_key)
    return service


class Device:
    def __init__(self, case, bus, service=None, **options):
        """options: keys of [wifi]."""
        self.case = case
        self.bus = bus
        self.service = service
        port = service.coap_port if service else NO_SERVICE_PORT
        self.agent = Agent(case, port, case.pki().root, name="device")
        self.agent.set("provisioning", address=wifi.GATEWAY)
        self.agent.set("network", wait_for_default_route="yes")
        self.agent.set("wifi", enable="yes", interface=wifi.INTERFACE, adapter="hci0", retry_first="500ms", retry_max="2s",
                       **options)
        row = self.agent.init()
        if service:
            service.import_identity(row)
        self.process = None

    def start(self):
        """Starts onboardd; it is on the bus when this returns."""
        self.process = self.agent.start_daemon()
        self.bus.wait_name(NAME)
        return self

    def stop(self):
        """SIGTERM; onboardd is gone, and has removed its advertisement."""
        status = self.process.end()
        self.case.assertEqual(status, 0)
        self.bus.wait_name(NAME, False)

    def restart(self):
        self.stop()
        return self.start()

    def kill(self):
        self.process.popen.kill()
        self.process.wait()
        self.bus.wait_name(NAME, False)

    def status(self):
        """Of Wi-Fi, as `onboardctl wifi status --json`."""
        return json.loads(self.bus.call(NAME, PATH, WIFI, "Status")[0])

    def until(self, check, what, limit_s=60):
        """The status, once check() takes it."""
        last = {}

        def look():
            last.update(self.status())
            return last if check(last) else None
        try:
            return self.bus.until(look, what, limit_s)
        except Failure as failure:
            raise Failure(f"{failure}; the last status was {last}") from failure

    def wait_advertising(self):
        return self.until(lambda s: s["advertising"], "the device advertises")

    def wait_stage(self, stage, limit_s=60):
        return self.until(lambda s: s["stage"] == stage, f"stage {stage}", limit_s)

    def ctl(self, *arguments, stdin_text="", expect=0):
        """Standard output of onboardctl."""
        done = finish([program("onboardctl"), *arguments], stdin_text=stdin_text, limit_s=120)
        self.case.assertEqual(done.returncode, expect, f"onboardctl {' '.join(arguments)}\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def connect(self, ssid, passphrase, *options, expect=0):
        """By the owner's command, without BLE."""
        return self.ctl("wifi", "connect", ssid, *options, stdin_text=passphrase + "\n", expect=expect)

    def configurator(self, *options, adapter="hci1"):
        """`onboardctl wifi configure` at a terminal, in its machine-readable form."""
        return Terminal(self.case, [program("onboardctl"), "wifi", "configure", "--adapter", adapter, "--device",
                                    ADVERTISED_NAME, "--json", *options])

    def configure(self, *options, adapter="hci1", expect=0):
        """(events, standard error) of one that asks nothing."""
        done = finish([program("onboardctl"), "wifi", "configure", "--adapter", adapter, "--device", ADVERTISED_NAME,
                       "--json", *options], limit_s=120)
        self.case.assertEqual(done.returncode, expect, f"{done.stdout}\n{done.stderr}")
        return [json.loads(line) for line in done.stdout.splitlines()], done.stderr

    def passphrase_file(self, passphrase):
        path = self.case.path("passphrase")
        with open(path, "w", encoding="utf-8", opener=lambda p, f: os.open(p, f, 0o600)) as f:
            f.write(passphrase + "\n")
        return path

    def holds(self, text):
        """Whether any file below the state directory has the text in it."""
        needle = text.encode()
        for folder, _, files in os.walk(self.agent.state):
            for name in files:
                with open(os.path.join(folder, name), "rb") as f:
                    if needle in f.read():
                        return True
        return False

    def networks(self):
        """How many the store keeps. onboardd has it locked, so that a copy is read."""
        copy = self.case.path("copy")
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(self.agent.state, copy)
        with contextlib.closing(sqlite3.connect(os.path.join(copy, "store.db"))) as db:
            return db.execute("SELECT count(*) FROM secret WHERE name = 'wifi/config'").fetchone()[0]

    def is_validated(self):
        return json.loads(run([program("onboardctl"), "status", "--json"]))["cloud"] == "validated"
