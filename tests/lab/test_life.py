# SPDX-License-Identifier: Apache-2.0
"""What becomes of a configured device: restarts, access points that vanish, a bluetoothd that dies."""

from lab.guest import case
from lab.guest.bus import SystemBus
from lab.guest.central import FORGET_CONFIG, GET_STATUS, SET_CONFIG, START_SCAN, SUCCESS, Central, answer, request, \
    set_config
from lab.guest.device import Device
from lab.guest.radios import Radios
from lab.guest.wifi import PASSPHRASE, Wifi

radios = wifi = None
SSID = "lab-wpa2"
FAILED = "^1005"


def setUpModule():
    global radios, wifi
    bus = SystemBus()
    radios = Radios(bus)
    wifi = Wifi(bus)


class Life(case.Case):
    def setUp(self):
        super().setUp()
        radios.forget_devices()

    def device(self, **options):
        device = Device(self, radios.bus, **options).start()
        device.wait_stage("unconfigured")
        device.wait_advertising()
        return device

    def configure(self, device, *options, ssid=SSID):
        device.configure("--ssid", ssid, "--passphrase-file", device.passphrase_file(PASSPHRASE), *options)
        return device.wait_stage("connected")

    def assert_nowhere(self, device):
        """What is kept is sealed: neither the passphrase nor the network's name is on the disk."""
        self.assertFalse(device.holds(PASSPHRASE))
        self.assertFalse(device.holds(SSID))

    def test_a_saved_configuration_outlives_restarts_without_bluetooth_until_it_is_forgotten(self):
        device = self.device()
        self.assertEqual(device.networks(), 0)
        self.configure(device)
        self.assertEqual(device.networks(), 1)
        self.assert_nowhere(device)

        device.stop()
        radios.stop()
        device.start()
        self.assertEqual(device.wait_stage("connected")["ssid"], SSID)
        device.kill()
        self.assertEqual(device.networks(), 1)
        device.start()
        device.wait_stage("connected")
        self.assert_nowhere(device)
        radios.start()

        device.wait_advertising()
        device.ctl("wifi", "advertise")
        with Central() as c:
            c.open()
            self.assertEqual(c.say(request(FORGET_CONFIG)), answer(SUCCESS, FORGET_CONFIG))
            self.assertEqual(c.say(request(GET_STATUS)), answer(SUCCESS, GET_STATUS) + "5200")
        self.assertEqual(device.wait_stage("unconfigured")["address"], "")
        self.assertEqual(device.networks(), 0)
        self.assert_nowhere(device)
        device.restart()
        self.assertFalse(device.wait_stage("unconfigured")["configured"])
        device.stop()
        self.assert_nowhere(device)

    def test_a_volatile_configuration_is_gone_after_a_restart(self):
        device = self.device()
        self.assertTrue(self.configure(device, "--volatile")["volatile"])
        self.assertEqual(device.networks(), 0)
        device.restart()
        self.assertFalse(device.wait_stage("unconfigured")["configured"])
        self.assert_nowhere(device)
        device.stop()

    def test_an_access_point_that_vanishes_is_waited_for_and_people_are_asked_in_between(self):
        device = self.device(fallback="2s")
        device.connect(SSID, PASSPHRASE)
        trace = radios.trace(self)
        wifi.access_points.stop()
        device.wait_stage("retrying")
        # Long enough without a link: somebody may want to configure another one, so it advertises fast again.
        trace.wait_line(r"Min advertising interval: 100\.000 msec")
        wifi.access_points.start()
        self.assertEqual(device.wait_stage("connected")["ssid"], SSID)
        trace.wait_line(r"Min advertising interval: 1000\.000 msec")
        device.ctl("wifi", "forget")
        device.stop()

    def test_an_access_point_that_vanishes_while_connecting_is_told_and_the_next_attempt_works(self):
        device = self.device(address_timeout="20s")
        with Central() as c:
            c.open()
            # Gets no address there, so the attempt lasts.
            self.assertEqual(c.say(set_config("lab-nodhcp", PASSPHRASE)), answer(SUCCESS, SET_CONFIG))
            c.results_until("^1003")
            wifi.access_points.stop()
            told = c.results_until(FAILED)
            self.assertRegex(told[-1], "^100518")
            wifi.access_points.start()
            self.assertEqual(c.say(set_config(SSID, PASSPHRASE)), answer(SUCCESS, SET_CONFIG))
            self.assertEqual(c.results_until("^1004|" + FAILED), ["1001", "1002", "1003", "1004"])
        self.assertEqual(device.wait_stage("connected")["ssid"], SSID)
        device.ctl("wifi", "forget")
        device.stop()

    def test_bluetoothd_may_die_in_the_middle_of_a_scan_and_of_an_attempt(self):
        device = self.device()
        with Central() as c:
            c.open()
            self.assertEqual(c.say(request(START_SCAN)), answer(SUCCESS, START_SCAN))
            radios.stop()
            device.until(lambda s: not s["advertising"], "nothing is advertised")
        radios.start()
        device.wait_advertising()

        with Central() as c:
            c.open()
            self.assertEqual(c.say(set_config(SSID, PASSPHRASE)), answer(SUCCESS, SET_CONFIG))
            radios.stop()
        # Nobody looks on, and it goes on.
        self.assertEqual(device.wait_stage("connected")["ssid"], SSID)
        radios.start()
        device.wait_advertising()
        device.ctl("wifi", "advertise")
        with Central() as c:
            c.open()
            self.assertRegex(c.say(request(GET_STATUS)), "^" + answer(SUCCESS, GET_STATUS) + "52..0804")
        device.ctl("wifi", "forget")
        device.stop()


if __name__ == "__main__":
    case.main()
