# SPDX-License-Identifier: Apache-2.0
"""The station on a real NetworkManager (wifi/station/networkmanager.c): what goes away, and what others want."""

import os

from harness.process import run
from lab.guest import case
from lab.guest.bus import SystemBus
from lab.guest.networkmanager import (
    KEPT_PROFILES, NETWORK_NOT_FOUND, OPEN, WPA2, WPA3, NetworkManager, Station, files_with)
from lab.guest.wifi import INTERFACE, PASSPHRASE, Wifi

bus = wifi = manager = None


def setUpModule():
    global bus, wifi, manager
    bus = SystemBus()
    wifi = Wifi(bus, dhcp=False)
    manager = NetworkManager(bus)


class Losses(case.Case):
    def test_an_absent_network_is_not_found(self):
        station = Station(self)
        station.connect("nowhere", WPA2, PASSPHRASE)
        self.assertEqual(station.end(), NETWORK_NOT_FOUND)

    def test_a_link_is_lost_with_its_access_point(self):
        station = Station(self)
        station.join("lab-wpa2", WPA2, PASSPHRASE)
        wifi.access_points.stop()
        try:
            station.wait("lost")
        finally:
            wifi.access_points.start()
        station.join("lab-wpa2", WPA2, PASSPHRASE)

    def test_networkmanager_may_be_killed_and_come_back(self):
        station = Station(self)
        station.join("lab-wpa2", WPA2, PASSPHRASE)
        manager.kill()
        station.wait("available 0")
        manager.start()
        station.wait("available 1 .*backend=NetworkManager")
        # What it left behind is cleared.
        bus.until(lambda: files_with(PASSPHRASE, "/run/NetworkManager") == [], "the profile goes")
        station.join("lab-wpa3", WPA3, PASSPHRASE)

    def test_an_interface_that_it_does_not_manage_is_run_by_wpa_supplicant(self):
        station = Station(self)
        run(["nmcli", "device", "set", INTERFACE, "managed", "no"])
        try:
            station.wait("available 1 .*backend=wpa_supplicant")
            station.join("lab-open", OPEN)
        finally:
            run(["nmcli", "device", "set", INTERFACE, "managed", "yes"])
        station.wait("available 1 .*backend=NetworkManager")
        station.join("lab-open", OPEN)

    def test_a_profile_of_the_user_takes_over_only_while_ours_is_not_wanted(self):
        station = Station(self)
        profile = KEPT_PROFILES + "/users.nmconnection"
        self.addCleanup(run, ["nmcli", "connection", "delete", "users"])
        with open(profile, "w", encoding="ascii") as f:
            os.chmod(profile, 0o600)
            f.write("[connection]\nid=users\ntype=wifi\nautoconnect=true\n[wifi]\nssid=lab-open\n")
        run(["nmcli", "connection", "load", profile])
        station.join("lab-wpa2", WPA2, PASSPHRASE)
        station.wait_address()
        station.tell("disconnect")
        active = ["nmcli", "-g", "GENERAL.CONNECTION", "device", "show", INTERFACE]
        bus.until(lambda: run(active).strip() == "users", "the user's profile is active")
        station.join("lab-wpa2", WPA2, PASSPHRASE)
        self.assertEqual(run(active).strip(), "onboardd")
        self.assertTrue(os.path.exists(profile))


if __name__ == "__main__":
    case.main()
