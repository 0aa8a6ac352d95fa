# SPDX-License-Identifier: Apache-2.0
"""onboardctl wifi: the owner's verbs on the device, and `configure` from elsewhere, over the air."""

import json
import os
import signal

from harness.agent import Agent
from harness.process import Process, finish, program
from lab.guest import case
from lab.guest.bus import SystemBus
from lab.guest.case import stage
from lab.guest.radios import Radios
from lab.guest.wifi import INTERFACE, PASSPHRASE, Wifi

NAME = "PV000000"  # by wlan0's address
PORT = 5684  # nobody serves there
IDENTITY, NETWORK, TIMEOUT, USAGE = 6, 4, 3, 64
GOOD = ["authentication", "association", "obtaining-ip", "connected"]
LIMIT_S = 120

bus = radios = wifi = None


def setUpModule():
    global bus, radios, wifi
    bus = SystemBus()
    radios = Radios(bus)
    wifi = Wifi(bus)


class Configurator(case.Case):
    def setUp(self):
        super().setUp()
        radios.forget_devices()

    def start(self, **options):
        agent = Agent(self, PORT, self.pki().root)
        agent.set("wifi", enable="yes", interface=INTERFACE, adapter="hci0", **options)
        agent.init()
        agent.start_daemon()
        bus.wait_name("org.onboardd")
        bus.until(lambda: self.status()["advertising"], "the device is on the air")

    def secret(self, name, text):
        path = self.path(name)
        with open(path, "w", encoding="ascii", opener=lambda p, f: os.open(p, f, 0o600)) as f:
            f.write(text + "\n")
        return path

    def ctl(self, *arguments, expect=0, stdin_text=""):
        """(standard output, standard error) of onboardctl wifi."""
        done = finish([program("onboardctl"), "wifi", *arguments], stdin_text=stdin_text, limit_s=LIMIT_S)
        self.assertEqual(done.returncode, expect, f"{arguments}\n{done.stdout}\n{done.stderr}")
        return done.stdout, done.stderr

    def status(self):
        return json.loads(self.ctl("status", "--json")[0])

    def configure(self, *arguments, expect=0, stdin_text=""):
        """(events, standard error) of `configure`."""
        out, err = self.ctl("configure", "--adapter", "hci1", "--device", NAME, "--json", *arguments,
                            expect=expect, stdin_text=stdin_text)
        return [json.loads(line) for line in out.splitlines()], err

    def results(self, events):
        return [e["reason"] or e["state"] for e in events if e["event"] == "result"]

    def test_the_owner_scans_connects_and_forgets(self):
        self.start()
        self.assertIn(f"advertising as {NAME}", self.ctl("status")[0])
        records = json.loads(self.ctl("scan", "--json")[0])
        found = {r["ssid"]: r for r in records}
        self.assertEqual((found["lab-wpa2"]["auth"], found["lab-wpa3"]["auth"], found["lab-open"]["auth"]),
                         ("wpa2-psk", "wpa3-psk", "open"))
        self.assertEqual(found["lab-\\xff\\x00\\xfe"]["ssid_hex"], "6c61622dff00fe")
        self.assertIn("lab-wpa2", self.ctl("scan")[0])
        stage("scanned")
        out, _ = self.ctl("connect", "lab-wpa2", stdin_text="wrong horse\n", expect=IDENTITY)
        self.assertIn("the password is wrong", out)
        self.assertFalse(self.status()["configured"])
        stage("a wrong password")
        _, err = self.ctl("connect", "lab-wpa2", stdin_text="short\n", expect=USAGE)
        self.assertIn("8 to 63", err)
        out, _ = self.ctl("connect", "lab-wpa2", "--passphrase-file", self.secret("key", PASSPHRASE))
        self.assertIn("connected", out)
        status = self.status()
        self.assertEqual((status["stage"], status["ssid"]), ("connected", "lab-wpa2"))
        self.assertEqual(status["address"], wifi.address())
        for verb in ([], ["wifi"]):
            text = finish([program("onboardctl"), *verb, "status"]).stdout
            self.assertRegex(text, r"(?m)^Wi-Fi: +connected to \"lab-wpa2\"")
        stage("connected")
        self.ctl("connect", "lab-\\xff\\x00\\xfe", "--auth", "open", "--volatile")
        self.assertTrue(self.status()["volatile"])
        self.ctl("forget")
        self.assertFalse(self.status()["configured"])

    def test_a_device_is_configured_and_told_to_forget_over_the_air(self):
        self.start()
        key = self.secret("key", PASSPHRASE)
        events, _ = self.configure("--list")
        self.assertEqual(events[0]["event"], "device")
        self.assertEqual((events[0]["name"], events[0]["provisioned"]), (NAME, False))
        networks = [e["ssid"] for e in events if e["event"] == "network"]
        self.assertEqual(len(networks), len(set(networks)))
        self.assertLessEqual({"lab-wpa2", "lab-wpa3", "lab-mixed", "lab-open", "lab-nodhcp"}, set(networks))
        stage("listed")
        events, _ = self.configure("--ssid", "lab-wpa2", stdin_text="wrong horse\n", expect=IDENTITY)
        self.assertEqual(self.results(events)[-1], "auth-error")
        stage("a wrong password")
        events, _ = self.configure("--ssid", "lab-wpa3", "--passphrase-file", key)
        self.assertEqual(self.results(events), GOOD)
        last = [e for e in events if e["event"] == "status"][-1]
        self.assertEqual((last["state"], last["ssid"], last["address"]), ("connected", "lab-wpa3", wifi.address()))
        stage("configured")
        # A success closes the window.
        done = finish([program("onboardctl"), "wifi", "configure", "--adapter", "hci1", "--device", NAME, "--forget"],
                      limit_s=LIMIT_S)
        self.assertIn(done.returncode, (NETWORK, IDENTITY), done.stderr)  # it hung up, or refused
        self.assertIn("perhaps its window is closed", done.stderr)
        self.ctl("advertise", "5min")
        bus.until(lambda: self.status()["window_open"], "the window is open")
        events, _ = self.configure("--forget")
        self.assertEqual(events[-1]["event"], "forgotten")
        self.assertFalse(self.status()["configured"])

    def test_what_goes_wrong_on_the_air_has_its_exit_code(self):
        self.start()
        _, err = self.ctl("configure", "--adapter", "hci7", "--list", expect=1)
        self.assertIn("no Bluetooth adapter hci7", err)
        _, err = self.ctl("configure", "--adapter", "hci1", "--device", "PVFFFFFF", "--list", "--timeout", "3",
                          expect=TIMEOUT)
        self.assertIn("no device of this name", err)
        session = self.watch(Process([program("onboardctl"), "wifi", "configure", "--adapter", "hci1", "--json",
                                      "--list"]))
        session.wait_json(lambda e: e["event"] == "status", "it is connected")
        radios.stop(signal.SIGKILL)
        self.assertEqual(session.wait(), 1)
        session.wait_for(lambda lines: any("Bluetooth has ended" in t for _, t in lines), "the reason")
        stage("bluetoothd died")
        radios.start()
        bus.until(lambda: self.status()["advertising"], "the device is on the air again")
        session = self.watch(Process([program("onboardctl"), "wifi", "configure", "--adapter", "hci1", "--json",
                                      "--list"]))
        session.wait_json(lambda e: e["event"] == "status", "it is connected")
        os.kill(session.pid, signal.SIGINT)
        self.assertEqual(session.wait(), 1)
        # It has hung up: the device is on the air again.
        bus.until(lambda: self.status()["advertising"], "the device is free again")


if __name__ == "__main__":
    case.main()
