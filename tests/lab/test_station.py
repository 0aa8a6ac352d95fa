# SPDX-License-Identifier: Apache-2.0
"""The station (wifi/station/) on real wpa_supplicant, against real access points."""

import os
import re
import signal

from harness.process import Process, program, run
from lab.guest import case
from lab.guest.bus import SystemBus
from lab.guest.wifi import INTERFACE, PASSPHRASE, WPA_SUPPLICANT, Wifi

AUTHENTICATION, ASSOCIATION, OBTAINING_IP = 1, 2, 3
AUTH_ERROR, NOT_FOUND, FAIL_CONN = 0, 1, 4
OPEN, WPA2, WPA3, UNKNOWN = 0, 3, 6, 255
NAMES = {b"lab-wpa2": WPA2, b"lab-wpa3": WPA3, b"lab-mixed": WPA2, b"lab-open": OPEN, b"lab-\xff\x00\xfe": OPEN,
         b"lab-nodhcp": WPA2}
WRONG = "wrong horse!"
LIMIT_S = 40

wifi = None


def setUpModule():
    global wifi
    wifi = Wifi(SystemBus())


class Probe:
    """tests/peers/station_probe.c"""

    def __init__(self):
        commands, stdin = os.pipe()
        self.process = Process([program("station_probe")], stdin=commands)
        os.close(commands)
        self.commands = open(stdin, "w", encoding="ascii", buffering=1)
        self.at = 0
        self.wait("available 1")

    def do(self, line):
        """What the call returned."""
        self.at = len(self.process.lines)
        self.commands.write(line + "\n")
        return int(self.wait(r"did \S+ (-?\d+)").group(1))

    def wait(self, pattern):
        return self.process.wait_line(rf"^\d+\.\d+ {pattern}", LIMIT_S, self.at)

    def since(self, pattern):
        """Of all lines since the last command, what the pattern's first group matched."""
        with_number = [re.search(rf"^\d+\.\d+ {pattern}", text) for _, text in self.process.lines[self.at:]]
        return [match.group(1) for match in with_number if match]

    def after(self, first, pattern):
        """What the pattern says in the first line of its kind after the last one, since the command, that says first."""
        self.wait(first)
        at = max(i for i, (_, text) in enumerate(self.process.lines)
                 if i >= self.at and re.search(rf"^\d+\.\d+ {first}", text))
        match = self.process.wait_line(rf"^\d+\.\d+ {pattern}", LIMIT_S, at + 1)
        return match.group(match.lastindex or 0)

    def mark(self):
        self.at = len(self.process.lines)

    def connect(self, ssid, auth, secret=None, *more):
        """(the states that were told, the reason it failed for or None)"""
        words = [ssid.hex(), str(auth), secret.encode().hex() if secret else "-", *more]
        if self.do("connect " + " ".join(words)) != 0:
            raise AssertionError(f"{ssid} is refused")
        end = self.wait(r"(?:progress 3|failed (\d))")
        return [int(s) for s in self.since(r"progress (\d)")], end.group(1) and int(end.group(1))

    def scan(self, *words):
        """What was found, as {BSSID: (SSID's length, authentication)}."""
        if self.do(" ".join(("scan", *words))) != 0:
            raise AssertionError("the scan is refused")
        return self.scanned()

    def scanned(self):
        done = self.wait(r"scan-done (-?\d+)")
        if done.group(1) != "0":
            raise AssertionError(f"the scan ended with {done.group(1)}")
        lines = self.since(r"found (.*)")
        found = {}
        for line in lines:
            length, bssid, auth = re.search(r" len=(\d+) bssid=(\S+) .* auth=(\d+)", line).groups()
            if bssid in found:
                raise AssertionError(f"{bssid} is told twice")
            found[bssid] = (int(length), int(auth))
        return found


class Station(case.Case):
    def setUp(self):
        super().setUp()
        self.probe = Probe()
        self.watch(self.probe.process)
        # A link makes scans slow, and it outlives the probe.
        self.addCleanup(self.probe.do, "disconnect")

    def up(self, ssid, auth, secret=None, *more):
        states, reason = self.probe.connect(ssid, auth, secret, *more)
        self.assertIsNone(reason, ssid)
        self.assertEqual(states, sorted(set(states)))
        self.assertEqual(states[-1], OBTAINING_IP)
        return self.probe.wait(r"network (.*)").group(1)

    def fails(self, reason, ssid, auth, secret=None, *more):
        states, told = self.probe.connect(ssid, auth, secret, *more)
        self.assertEqual(told, reason, ssid)
        self.assertNotIn(OBTAINING_IP, states)


class Scan(Station):
    def test_every_network_is_told_once_with_what_it_is(self):
        found = self.probe.scan()
        for number, (name, auth) in enumerate(NAMES.items()):
            # The hidden one stands before the last.
            bssid = wifi.bssid(number if number < 5 else 6)
            self.assertEqual(found[bssid], (len(name), auth), name)
        self.assertEqual(found.get(wifi.bssid(5), (0, WPA2)), (0, WPA2))

    def test_a_scan_on_top_of_one_that_was_stopped_is_complete(self):
        self.probe.do("scan")
        self.probe.do("stop")
        self.assertGreaterEqual(len(self.probe.scan("2.4")), len(NAMES))
        self.assertEqual(self.probe.scan("5"), {})

    def test_a_scan_joins_one_that_runs(self):
        self.probe.do("scan 2.4")
        self.assertGreaterEqual(len(self.probe.scan("2.4")), len(NAMES))

    def test_a_passive_scan_and_one_that_is_cut_short_find_something(self):
        self.assertGreaterEqual(len(self.probe.scan("passive", "2.4")), len(NAMES))
        self.assertTrue(self.probe.scan("1000"))

    def test_a_scan_keeps_the_link(self):
        self.up(b"lab-wpa2", WPA2, PASSPHRASE)
        before = len(wifi.access_points.process.lines)
        self.assertGreaterEqual(len(self.probe.scan("2.4")), len(NAMES))
        self.probe.do("status")
        self.probe.wait("status .* linked=1")
        said = [text for _, text in wifi.access_points.process.lines[before:]]
        self.assertFalse([text for text in said if "DISCONNECTED" in text or "deauth" in text])
        self.probe.do("signal")
        self.probe.wait(r"signal -\d+")


class Connect(Station):
    def test_every_kind_of_network_is_joined(self):
        self.assertRegex(self.up(b"lab-wpa2", WPA2, PASSPHRASE),
                         f"bssid={wifi.bssid(0)} band=1 channel=1 auth={WPA2}")
        self.assertRegex(self.up(b"lab-wpa3", WPA3, PASSPHRASE), f"auth={WPA3}")
        # With SAE, although it was not asked for.
        self.assertRegex(self.up(b"lab-mixed", WPA2, PASSPHRASE), f"auth={WPA3}")
        self.assertRegex(self.up(b"lab-mixed", UNKNOWN, PASSPHRASE), f"auth={WPA3}")
        self.up(b"lab-open", OPEN)
        self.up(b"lab-\xff\x00\xfe", OPEN)
        self.assertRegex(self.up(b"lab-hidden", WPA2, PASSPHRASE), f"len=10 bssid={wifi.bssid(5)}")

    def test_a_key_in_hexadecimal_is_taken_as_it_is(self):
        key = re.search(r"\tpsk=(\w{64})", run(["wpa_passphrase", "lab-wpa2", PASSPHRASE])).group(1)
        self.up(b"lab-wpa2", WPA2, key)

    def test_a_failure_is_told_with_its_reason_and_leaves_nothing_in_the_way(self):
        self.fails(AUTH_ERROR, b"lab-wpa2", WPA2, WRONG)
        self.fails(AUTH_ERROR, b"lab-wpa3", WPA3, WRONG)
        self.fails(AUTH_ERROR, b"lab-mixed", WPA2, WRONG)
        # Pinned to the BSSID of another network.
        self.fails(NOT_FOUND, b"lab-wpa2", WPA2, PASSPHRASE, wifi.bssid(1).replace(":", ""))
        self.up(b"lab-wpa2", WPA2, PASSPHRASE, wifi.bssid(0).replace(":", ""), "2.4")

    def test_the_last_connection_that_was_asked_for_counts(self):
        self.probe.do(f"connect {b'lab-wpa2'.hex()} {WPA2} {WRONG.encode().hex()}")
        self.assertRegex(self.up(b"lab-wpa3", WPA3, PASSPHRASE), f"bssid={wifi.bssid(1)}")

    def test_the_system_gets_an_address_for_it(self):
        for ssid, auth, secret in ((b"lab-wpa2", WPA2, PASSPHRASE), (b"lab-open", OPEN, None)):
            self.up(ssid, auth, secret)
            # The lease of the network before is no proof of this one.
            self.assertEqual(self.probe.after("network", r"address (\d)"), "0")
            self.probe.after("address 0", r"address 1 192\.168\.77\.")


class Loss(Station):
    def test_an_access_point_that_goes_away_is_told_and_not_found_any_more(self):
        self.up(b"lab-wpa2", WPA2, PASSPHRASE)
        self.probe.mark()
        wifi.access_points.stop()
        try:
            self.probe.wait("lost")
            # Ages are whole seconds: what was heard less than one before a scan counts for it.
            self.probe.scan("2.4")
            self.assertEqual(self.probe.scan("2.4"), {})
        finally:
            wifi.access_points.start()
        self.up(b"lab-wpa2", WPA2, PASSPHRASE)

    def test_an_access_point_that_goes_away_while_connecting_fails_the_attempt(self):
        self.probe.do(f"connect {b'lab-wpa2'.hex()} {WPA2} {WRONG.encode().hex()}")
        self.probe.wait(f"progress {ASSOCIATION}")
        wifi.access_points.stop()
        try:
            self.probe.wait(f"failed {FAIL_CONN}")
        finally:
            wifi.access_points.start()

    def test_wpa_supplicant_may_die_and_come_back(self):
        self.up(b"lab-wpa2", WPA2, PASSPHRASE)
        self.probe.mark()
        wifi.stop_supplicant(signal.SIGKILL)
        self.probe.wait("available 0 .* backend=none")
        self.assertEqual(self.probe.do("scan"), -19)
        self.probe.mark()
        wifi.start_supplicant()
        self.probe.wait("available 1 .* backend=wpa_supplicant")
        self.up(b"lab-wpa2", WPA2, PASSPHRASE)

    def test_an_interface_that_is_taken_from_wpa_supplicant_is_given_back(self):
        root = "/fi/w1/wpa_supplicant1"
        path = wifi.bus.call(WPA_SUPPLICANT, root, WPA_SUPPLICANT, "GetInterface", "s", INTERFACE)[0]
        self.probe.mark()
        wifi.bus.call(WPA_SUPPLICANT, root, WPA_SUPPLICANT, "RemoveInterface", "o", path)
        self.probe.wait("available 0")
        self.probe.wait("available 1")


if __name__ == "__main__":
    case.main()
