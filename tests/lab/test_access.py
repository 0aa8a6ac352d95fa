# SPDX-License-Identifier: Apache-2.0
"""Who may read and change what: strangers, hostile bytes, a second central, the window, passkey and label."""

from lab.guest import case
from lab.guest.att import NOT_AUTHENTICATED, NOT_ENCRYPTED, Att
from lab.guest.bus import SystemBus
from lab.guest.central import FORGET_CONFIG, GET_STATUS, INTERNAL_ERROR, INVALID_ARGUMENT, INVALID_PROTO, OPEN, \
    SET_CONFIG, START_SCAN, STOP_SCAN, SUCCESS, Central, answer, number, request, set_config, text
from lab.guest.device import Device
from lab.guest.radios import Radios
from lab.guest.wifi import PASSPHRASE, Wifi

radios = wifi = None
INFORMATION, CONTROL_POINT, DATA_OUT = (f"1438780{n}130c49e7b8772881c89cb258" for n in (1, 2, 3))
NOTHING = answer(SUCCESS, GET_STATUS) + "5200"  # nothing is configured
CLAIM = "9152bd0131214c3aa0799c4b1b7c4df0"
SUBSCRIBE = {CONTROL_POINT: b"\x02\x00", DATA_OUT: b"\x01\x00"}
LABEL = "A1B2-C3D4"
UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"


def setUpModule():
    global radios, wifi
    bus = SystemBus()
    radios = Radios(bus, controllers=3)
    wifi = Wifi(bus)


class Access(case.Case):
    def setUp(self):
        super().setUp()
        radios.forget_devices()

    def device(self, **options):
        device = Device(self, radios.bus, **options).start()
        device.wait_stage("unconfigured")
        device.wait_advertising()
        return device

    def assert_untouched(self, device):
        status = device.status()
        self.assertEqual((status["stage"], status["configured"]), ("unconfigured", False))
        device.stop()

    def assert_stranger_is_refused(self, code):
        """Whoever has not paired, or not well enough, reads the version and nothing else."""
        stranger = Att(radios.address(1), radios.address(0))
        self.addCleanup(stranger.close)
        handles = stranger.characteristics()
        self.assertEqual(stranger.read(handles[INFORMATION]), b"\x08\x01")
        for uuid in (CONTROL_POINT, DATA_OUT):
            # Not even the value that was sent last. Which error it is, differs between versions of BlueZ.
            self.assertNotEqual(stranger.refusal(stranger.read, handles[uuid]), 0)
            # The descriptor follows the value.
            self.assertEqual(stranger.refusal(stranger.write, handles[uuid] + 1, SUBSCRIBE[uuid]), code)
        self.assertEqual(stranger.refusal(stranger.read, handles[CLAIM]), code)
        self.assertEqual(stranger.refusal(stranger.read_blob, handles[CLAIM], 1), code)
        for message in (request(GET_STATUS), set_config("lab-open", auth=OPEN), request(FORGET_CONFIG)):
            self.assertEqual(stranger.refusal(stranger.write, handles[CONTROL_POINT], message), code)
        stranger.close()

    def test_a_stranger_reads_the_version_and_nothing_else(self):
        device = self.device()
        self.assert_stranger_is_refused(NOT_ENCRYPTED)
        device.wait_advertising()
        self.assert_untouched(device)

    def test_hostile_requests_get_their_status_and_the_service_goes_on(self):
        network = text(1, b"lab-wpa2") + text(2, bytes(6)) + number(4, 1)
        whole = set_config("lab-wpa2", PASSPHRASE)
        hostile = [
            (b"", answer(INVALID_ARGUMENT)),
            (b"\xff\xff\xff\xff", answer(INVALID_PROTO)),
            (b"\x08", answer(INVALID_PROTO)),
            (bytes(300), answer(INVALID_PROTO)),
            (request(0), answer(INVALID_ARGUMENT)),
            (request(6), answer(INVALID_ARGUMENT)),
            (request(SET_CONFIG), answer(INVALID_ARGUMENT, SET_CONFIG)),
            (request(SET_CONFIG) + text(11, b""), answer(INVALID_ARGUMENT, SET_CONFIG)),
            # Required fields missing, fields too long.
            (request(SET_CONFIG) + text(11, text(1, text(1, b"lab-wpa2"))), answer(INVALID_PROTO)),
            (set_config("x" * 33, PASSPHRASE), answer(INVALID_PROTO)),
            (set_config("lab-wpa2", "p" * 65), answer(INVALID_PROTO)),
            (set_config("lab-wpa2", PASSPHRASE, bssid=bytes(7)), answer(INVALID_PROTO)),
            (request(SET_CONFIG) + text(11, text(1, network) + text(2, b"p" * 400)), answer(INVALID_PROTO)),
            # What no station could use.
            (set_config("", PASSPHRASE), answer(INVALID_ARGUMENT, SET_CONFIG)),
            (set_config("lab-wpa2", "short"), answer(INVALID_ARGUMENT, SET_CONFIG)),
            (set_config("lab-wpa2", PASSPHRASE, auth=5), answer(INVALID_ARGUMENT, SET_CONFIG)),
            # Out of order.
            (request(STOP_SCAN), answer(SUCCESS, STOP_SCAN)),
            (request(STOP_SCAN), answer(SUCCESS, STOP_SCAN)),
            (request(FORGET_CONFIG), answer(SUCCESS, FORGET_CONFIG)),
            *((whole[:n], answer(INVALID_PROTO)) for n in (3, 5, 9, len(whole) - 1)),
        ]
        device = self.device()
        with Central() as c:
            c.open()
            for data, expected in hostile:
                with self.subTest(data=data.hex()):
                    self.assertEqual(c.say(data), expected)
            self.assertEqual(c.say(request(GET_STATUS)), NOTHING)
            # A scan and an attempt do not run side by side, and neither is lost by the other's refusal.
            self.assertEqual(c.say(set_config("lab-wpa2", PASSPHRASE)), answer(SUCCESS, SET_CONFIG))
            self.assertEqual(c.say(request(START_SCAN)), answer(INTERNAL_ERROR, START_SCAN))
            self.assertEqual(c.results_until("^100[45]")[-1], "1004")
        device.ctl("wifi", "forget")
        device.wait_stage("unconfigured")
        self.assert_untouched(device)

    def test_a_second_central_finds_nobody_until_the_first_has_gone(self):
        # Two connections of one emulated controller share a handle, so that a way around this cannot be tried here.
        device = self.device()
        with Central(1) as first, Central(2) as second:
            second.discover()
            first.open()
            self.assertEqual(first.say(request(GET_STATUS)), NOTHING)
            self.assertFalse(device.status()["advertising"])
            with self.assertRaises(OSError):
                Att(radios.address(2), radios.address(0), limit_s=5)
            self.assertEqual(first.say(request(STOP_SCAN)), answer(SUCCESS, STOP_SCAN))
            first.do("disconnect")
            device.wait_advertising()
            second.open()
            self.assertEqual(second.say(request(GET_STATUS)), NOTHING)
        self.assert_untouched(device)

    def test_outside_the_window_nobody_pairs_and_nothing_is_set(self):
        device = self.device(window_at_boot="no")
        with Central() as c:
            c.discover()
            c.connect()
            self.assertRegex(c.ask("pair"), "^error EACCES")
        device.wait_advertising()
        device.ctl("wifi", "advertise")
        with Central() as c:
            c.open()
            self.assertRegex(c.do("claim"), f"^{UUID} unknown -$")
            self.assertEqual(c.say(set_config("lab-wpa2", PASSPHRASE, volatile=1)), answer(SUCCESS, SET_CONFIG))
            self.assertEqual(c.results_until("^100[45]")[-1], "1004")
            # With success it closed, for the one who is still here as well.
            self.assertFalse(device.status()["window_open"])
            for message, op in ((set_config("lab-open", auth=OPEN), SET_CONFIG), (request(FORGET_CONFIG), FORGET_CONFIG),
                                (request(START_SCAN), START_SCAN)):
                self.assertEqual(c.say(message), answer(INTERNAL_ERROR, op))
            # But that one may claim it.
            self.assertRegex(c.do("claim"), f"^{UUID} unknown -$")
            self.assertRegex(c.say(request(GET_STATUS)), "^" + answer(SUCCESS, GET_STATUS) + "52..0804")
        self.assertEqual(device.wait_stage("connected")["ssid"], "lab-wpa2")
        # And for one who is bonded and comes back.
        device.wait_advertising()
        with Central() as c:
            c.open()
            self.assertEqual(c.say(request(FORGET_CONFIG)), answer(INTERNAL_ERROR, FORGET_CONFIG))
            self.assertRegex(c.ask("claim"), "^error EACCES")
        self.assertEqual(device.status()["ssid"], "lab-wpa2")
        device.ctl("wifi", "forget")
        device.wait_stage("unconfigured")
        self.assert_untouched(device)

    def test_with_passkey_just_works_gets_nowhere_and_the_digits_do(self):
        device = self.device(pairing="passkey")
        self.assert_stranger_is_refused(NOT_AUTHENTICATED)
        device.wait_advertising()
        with Central() as c:
            c.discover()
            c.connect()
            self.assertRegex(c.ask("pair"), "^error EACCES")
        device.wait_advertising()

        ctl = device.configurator("--list")
        ctl.wait_text("six digits")
        ctl.type(device.until(lambda s: s["passkey"], "the device shows a passkey")["passkey"])
        ctl.wait_text('"version":1')
        self.assertEqual(ctl.wait(), 0, ctl.text)
        self.assertIn("lab-wpa2", [e.get("ssid") for e in ctl.events()])
        self.assertEqual(device.status()["passkey"], "")
        self.assert_untouched(device)

    def test_with_a_label_nothing_is_set_without_its_code(self):
        label = self.path("label")
        with open(label, "w", encoding="ascii") as f:
            f.write(LABEL + "\n")
        device = self.device(pairing="passkey-on-label", label_file=label, attempts=3)
        with Central() as c:
            c.open()
            for code in (None, "", LABEL[:-1], LABEL + "5"):
                self.assertEqual(c.say(set_config("lab-wpa2", PASSPHRASE, label_code=code)),
                                 answer(INVALID_ARGUMENT, SET_CONFIG))
            self.assertRegex(c.ask("claim"), "^error EACCES")
            self.assertEqual(c.say(request(GET_STATUS) + text(100, LABEL.encode())), NOTHING)
            self.assertRegex(c.do("claim"), f"^{UUID} unknown -$")
        device.wait_advertising()
        # Attempts are left for just this one.
        events, _ = device.configure("--ssid", "lab-wpa2", "--passphrase-file", device.passphrase_file(PASSPHRASE),
                                     "--label-file", label)
        self.assertEqual([e["state"] for e in events if e["event"] == "result"][-1], "connected")
        self.assertNotIn(LABEL, device.process.output())
        device.ctl("wifi", "forget")
        device.wait_stage("unconfigured")
        self.assert_untouched(device)


if __name__ == "__main__":
    case.main()
