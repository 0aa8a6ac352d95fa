# SPDX-License-Identifier: Apache-2.0
"""The station on a real NetworkManager (wifi/station/networkmanager.c): connections and scans."""

import os

from harness.process import run
from lab.guest import case, wifi as lab_wifi
from lab.guest.bus import SystemBus
from lab.guest.networkmanager import (
    AUTH_ERROR, AUTHENTICATION, KEPT_PROFILES, OBTAINING_IP, OPEN, RUNNING_PROFILES, UNKNOWN, WPA2, WPA3,
    NetworkManager, Station, files_with)
from lab.guest.wifi import PASSPHRASE, Wifi

WRONG = "wrong horse"
SCANS_MAX = 5  # a radio on a busy machine misses an answer now and then, as one among others does

bus = wifi = None


def setUpModule():
    global bus, wifi
    bus = SystemBus()
    wifi = Wifi(bus, dhcp=False)
    NetworkManager(bus)


class Connections(case.Case):
    def test_a_wpa2_network_is_joined_and_its_passphrase_is_only_in_memory(self):
        station = Station(self)
        station.connect("lab-wpa2", WPA2, PASSPHRASE)
        station.wait(f"progress {AUTHENTICATION}")
        station.wait(f"progress {OBTAINING_IP}")
        self.assertIn(f"auth={WPA2}", station.wait("network (.*)")[1])
        station.wait_address()
        run(["busybox", "ping", "-c", "1", "-W", "5", lab_wifi.GATEWAY])

        self.assertEqual(files_with(PASSPHRASE, "/etc/NetworkManager", "/var/lib/NetworkManager"), [])
        # /run is memory.
        kept = files_with(PASSPHRASE, "/run/NetworkManager")
        self.assertEqual(kept, [RUNNING_PROFILES + "/onboardd.nmconnection"])
        self.assertEqual(os.stat(kept[0]).st_mode & 0o777, 0o600)

        station.tell("disconnect")
        bus.until(lambda: files_with(PASSPHRASE, "/run/NetworkManager") == [], "the profile goes")
        self.assertEqual(os.listdir(KEPT_PROFILES), [])

    def test_wpa3_mixed_open_and_hidden_networks_are_joined(self):
        station = Station(self)
        for number, ssid, auth, passphrase in (
                (1, "lab-wpa3", WPA3, PASSPHRASE), (2, "lab-mixed", UNKNOWN, PASSPHRASE), (3, "lab-open", OPEN, None),
                (5, "lab-hidden", WPA2, PASSPHRASE), (1, "lab-wpa3", UNKNOWN, PASSPHRASE)):
            with self.subTest(ssid, auth=auth):
                network = station.join(ssid, auth, passphrase)
                self.assertIn(f'ssid="{ssid}"', network)
                self.assertIn(f"bssid={wifi.bssid(number)} band=1 channel=1", network)
                station.wait_address()

    def test_a_pinned_access_point_is_joined(self):
        station = Station(self)
        station.join("lab-wpa2", WPA2, PASSPHRASE, wifi.bssid(0).replace(":", ""), "2.4")
        station.tell("signal")
        station.wait(r"signal -\d+")

    def test_a_wrong_passphrase_is_an_authentication_error_and_the_right_one_works_after_it(self):
        station = Station(self)
        for ssid, auth in (("lab-wpa2", WPA2), ("lab-wpa3", WPA3), ("lab-mixed", UNKNOWN)):
            with self.subTest(ssid):
                station.connect(ssid, auth, WRONG)
                self.assertEqual(station.end(), AUTH_ERROR)
                station.join(ssid, auth, PASSPHRASE)

    def test_a_connection_that_was_called_off_says_nothing_more(self):
        station = Station(self)
        station.connect("lab-wpa2", WPA2, PASSPHRASE)
        station.tell("disconnect")
        station.connect("lab-wpa3", WPA3, PASSPHRASE)
        station.tell("disconnect")
        station.join("lab-open", OPEN)
        self.assertFalse([text for text in station.passed if "lab-wpa" in text or "failed" in text])


class Scans(case.Case):
    def test_a_scan_keeps_the_link(self):
        station = Station(self)
        station.join("lab-wpa2", WPA2, PASSPHRASE)
        wanted = {"lab-wpa2": WPA2, "lab-wpa3": WPA3, "lab-mixed": WPA2, "lab-open": OPEN}
        for _ in range(SCANS_MAX):
            station.tell("scan")
            station.wait("scan-done 0")
            self.assertNotIn("lost", "\n".join(station.passed))
            if set(wanted) <= station.found():
                break
        found = "\n".join(station.passed)
        for ssid, auth in wanted.items():
            self.assertRegex(found, rf'found ssid="{ssid}" .* band=1 channel=1 auth={auth} rssi=-\d+')
        station.tell("status")
        self.assertIn("linked=1", station.passed[0])

    def test_a_scan_that_is_cut_tells_what_is_known(self):
        station = Station(self)
        known = set()
        for _ in range(SCANS_MAX):
            station.tell("scan")
            station.wait("scan-done 0")
            known = station.found()
            if known:
                break
        self.assertTrue(known, "no scan finds anything")
        # The next one would wait.
        station.tell("scan", 100)
        station.wait("scan-done 0")
        self.assertLessEqual(known, station.found())


if __name__ == "__main__":
    case.main()
