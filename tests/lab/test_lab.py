# SPDX-License-Identifier: Apache-2.0
"""The lab itself: what the other tests here stand on."""

from harness.process import run
from lab.guest import case, wifi as lab_wifi
from lab.guest.bus import SystemBus
from lab.guest.radios import BLUEZ, SERVICE_UUID, Radios
from lab.guest.wifi import INTERFACE, WPA_SUPPLICANT, Wifi

radios = wifi = None


def setUpModule():
    global radios, wifi
    bus = SystemBus()
    radios = Radios(bus, controllers=3)
    wifi = Wifi(bus)


class Bluetooth(case.Case):
    def test_every_controller_is_powered_and_le_only(self):
        self.assertEqual([radios.adapter(n, "Powered") for n in range(3)], [True] * 3)
        addresses = {radios.address(n) for n in range(3)}
        self.assertEqual(len(addresses), 3)
        self.assertEqual(run(["hciconfig"]).count("UP RUNNING"), 3)

    def test_one_controller_hears_what_another_advertises(self):
        # A short UUID is sent as a part of a long one by btmgmt 5.82.
        run(["btmgmt", "--index", "0", "add-adv", "-c", "-g", "-u", SERVICE_UUID, "1"])
        self.addCleanup(run, ["btmgmt", "--index", "0", "rm-adv", "1"])
        with radios.discovery(1):
            found = radios.bus.until(
                lambda: [d for d in radios.devices(1).values() if d["Address"] == radios.address(0)],
                "the advertiser is seen")
        self.assertIn(SERVICE_UUID, found[0]["UUIDs"])

    def test_the_adapters_come_back_after_bluetoothd_was_killed(self):
        before = radios.bluetoothd.pid
        radios.restart()
        self.assertNotEqual(radios.bluetoothd.pid, before)
        self.assertEqual([radios.adapter(n, "Powered") for n in range(3)], [True] * 3)


class WiFi(case.Case):
    def test_a_station_sees_every_network_joins_one_and_gets_an_address(self):
        path = wifi.bus.call(WPA_SUPPLICANT, "/fi/w1/wpa_supplicant1", WPA_SUPPLICANT, "CreateInterface", "a{sv}",
                             "1", "Ifname", "s", INTERFACE)[0]
        name = WPA_SUPPLICANT + ".Interface"
        wifi.bus.call(WPA_SUPPLICANT, path, name, "Scan", "a{sv}", "1", "Type", "s", "active")
        wifi.bus.signals.wait_line('"member":"ScanDone"')
        seen = [bytes(wifi.bus.get(WPA_SUPPLICANT, bss, WPA_SUPPLICANT + ".BSS", "SSID"))
                for bss in wifi.bus.get(WPA_SUPPLICANT, path, name, "BSSs")]
        # The hidden one answers no probe; whether its beacon falls into the scan is luck.
        self.assertLessEqual({b"lab-wpa2", b"lab-wpa3", b"lab-mixed", b"lab-open", b"lab-\xff\x00\xfe", b"lab-nodhcp"},
                             set(seen))
        network = wifi.bus.call(WPA_SUPPLICANT, path, name, "AddNetwork", "a{sv}", "3", "ssid", "s", "lab-wpa2",
                                "key_mgmt", "s", "WPA-PSK", "psk", "s", lab_wifi.PASSPHRASE)[0]
        wifi.bus.call(WPA_SUPPLICANT, path, name, "SelectNetwork", "o", network)
        wifi.bus.until(lambda: wifi.bus.get(WPA_SUPPLICANT, path, name, "State") == "completed", "the link comes up")
        wifi.dhcp_client.wait_line("leased 192.168.77")
        run(["busybox", "ping", "-c", "1", "-W", "5", lab_wifi.GATEWAY])
        self.assertRegex(wifi.address(), r"^192\.168\.77\.")

        wifi.access_points.stop()
        wifi.dhcp_client.wait_line("carrier lost")
        wifi.access_points.start()
        wifi.dhcp_client.wait_for(lambda lines: len([t for _, t in lines if "leased 192.168.77" in t]) > 1,
                                  "a second lease", 60)


if __name__ == "__main__":
    case.main()
