# SPDX-License-Identifier: Apache-2.0
"""A device without cable, screen or keys: its Wi-Fi from a configurator over BLE, then cloud access by itself."""

import json
import os
import re

from harness.process import finish, program
from lab.guest import case, wifi as air
from lab.guest.btmon import ADVERTISEMENT, SCAN_RESPONSE
from lab.guest.bus import SystemBus
from lab.guest.case import stage
from lab.guest.device import ADVERTISED_NAME, Device, make_service
from lab.guest.radios import SERVICE_UUID, Radios
from lab.guest.wifi import PASSPHRASE, Wifi

radios = wifi = None
VISIBLE = {"lab-wpa2", "lab-wpa3", "lab-mixed", "lab-open", "lab-nodhcp"}
# docs/ble.md §3.
ADVERTISED = bytes.fromhex("020106 1107 58b29cc8812877b8e7490c1300783814 0909") + ADVERTISED_NAME.encode()
ANSWERED = bytes.fromhex("1521 58b29cc8812877b8e7490c1300783814 01000080")
CONNECTING = ["authentication", "association", "obtaining-ip", "connected"]


def setUpModule():
    global radios, wifi
    bus = SystemBus()
    radios = Radios(bus)
    wifi = Wifi(bus)


def found(number=1):
    """What the configurator's adapter knows of the device."""
    return next((d for d in radios.devices(number).values() if d["Address"] == radios.address(0)), None)


def results(events):
    return [e["state"] if not e["reason"] else e["reason"] for e in events if e["event"] == "result"]


class Onboarding(case.Case):
    def setUp(self):
        super().setUp()
        radios.forget_devices()

    def test_an_unconfigured_device_advertises_the_service_fast_and_says_that_it_has_nothing(self):
        trace = radios.trace(self)
        device = Device(self, radios.bus).start()
        status = device.until(lambda s: s["advertising"] and s["stage"] == "unconfigured", "it advertises")
        self.assertEqual(status["name"], ADVERTISED_NAME)

        with radios.discovery():
            heard = radios.bus.until(found, "the configurator hears the device")
        self.assertEqual((heard["Name"], heard["UUIDs"]), (ADVERTISED_NAME, [SERVICE_UUID]))
        # Version 1, nothing configured, no signal.
        self.assertEqual(bytes(heard["ServiceData"][SERVICE_UUID]["data"]), b"\x01\x00\x00\x80")

        # The bytes of the page, in the packets that every phone looks for.
        self.assertEqual(trace.wait_heard(1, radios.address(0), 2), {(ADVERTISEMENT, ADVERTISED), (SCAN_RESPONSE, ANSWERED)})
        for line in ("Use legacy advertising PDUs: ADV_IND", "Min advertising interval: 100.000 msec (0x00a0)",
                     "Max advertising interval: 150.000 msec (0x00f0)"):
            trace.wait_line(re.escape(line))
        device.stop()

    def look_for_networks(self, ctl):
        """As a person does who misses one: on a busy machine the air loses beacons."""
        for _ in range(5):
            ctl.wait_text("Which network")
            networks = {e["ssid"]: e["auth"] for e in ctl.events() if e["event"] == "network"}
            if set(networks) >= VISIBLE:
                break
            ctl.type("")
        self.assertLessEqual(VISIBLE, set(networks))
        return networks

    def onboard(self, ssid, auth, while_unclaimed=None):
        service = make_service(self)
        device = Device(self, radios.bus, service).start()
        device.wait_advertising()
        trace = radios.trace(self)

        ctl = device.configurator()
        self.assertEqual(ctl.wait_text(r'"version":(\d+)').group(1), "1")
        networks = self.look_for_networks(ctl)
        self.assertEqual(networks[ssid], auth)
        stage("the configurator sees the networks")
        ctl.type(ssid)
        ctl.wait_text("Passphrase of")
        ctl.type("wrong horse")
        ctl.wait_text("auth-error")
        stage("a wrong passphrase is told")
        ctl.wait_text("Passphrase of")
        ctl.type(PASSPHRASE)
        self.assertEqual(ctl.wait(120), 0, ctl.text)
        told = results(ctl.events())
        failed = told.index("auth-error")
        self.assertEqual(told[:failed], CONNECTING[:failed])
        self.assertEqual(told[failed + 1:], CONNECTING)
        now = [e for e in ctl.events() if e["event"] == "status"][-1]
        self.assertEqual((now["state"], now["ssid"], now["address"]), ("connected", ssid, wifi.address()))
        stage("connected")

        device.ctl("status", "--wait", "unclaimed", "--timeout", "60")
        if while_unclaimed:
            while_unclaimed(device)
        service.rest.claim(device.ctl("token", "--raw").strip(), ["nrf-cloud-onboarding"])
        device.ctl("status", "--wait", "idle", "--timeout", "60")
        self.assertTrue(device.is_validated())
        stage("the cloud access is validated")

        # Now slowly, and configured, connected.
        device.wait_advertising()
        trace.wait_line(re.escape("Min advertising interval: 1000.000 msec (0x0640)"))
        with radios.discovery():
            radios.bus.until(lambda: (found() or {"ServiceData": {}})["ServiceData"].get(
                SERVICE_UUID, {"data": []})["data"][:2] == [1, 3], "the advertisement says connected")
        for said in (device.process.output(), ctl.text):
            self.assertNotIn(PASSPHRASE, said)
            self.assertNotIn("wrong horse", said)
        device.ctl("wifi", "forget")
        device.stop()

    def claim_event(self, device, *options, expect=0):
        """What `configure --identity` tells of the device and its owner."""
        events, err = device.configure("--identity", *options, expect=expect)
        self.assertEqual(results(events), [])
        return next(e for e in events if e["event"] == "claim"), err

    def assert_token_is_kept(self, device):
        """Without claim-token = yes."""
        device.ctl("wifi", "advertise")
        device.wait_advertising()
        said, err = self.claim_event(device, "--token", expect=1)
        self.assertEqual((said["state"], "token" in said), ("unclaimed", False))
        self.assertIn("keeps its claim token to itself", err)
        stage("the token is kept")

    @staticmethod
    def give_wifi_and_owner(device, service, key):
        # The laptop has the Internet, where the access points are.
        return finish(air.inside(program("onboardctl"), "wifi", "configure", "--adapter", "hci1", "--device",
                                 ADVERTISED_NAME, "--json", "--ssid", "lab-wpa2", "--passphrase-file",
                                 device.passphrase_file(PASSPHRASE), "--token", "--server", service.rest.base,
                                 "--api-key-file", key, "--tag", "nrf-cloud-onboarding"), limit_s=120)

    def test_one_command_in_one_visit_gives_it_wifi_and_an_owner(self):
        service = make_service(self)
        device = Device(self, radios.bus, service, claim_token="yes").start()
        device.wait_advertising()
        uuid = json.loads(device.ctl("status", "--json"))["uuid"]
        key = self.path("api-key")
        with open(key, "w", encoding="ascii", opener=lambda p, f: os.open(p, f, 0o600)) as f:
            f.write(service.rest.api_key + "\n")
        for _ in range(3):  # the same air
            done = self.give_wifi_and_owner(device, service, key)
            if done.returncode != 4:
                break
        self.assertEqual(done.returncode, 0, f"{done.stdout}\n{done.stderr}")
        events = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual(results(events), CONNECTING)
        said = next(e for e in events if e["event"] == "claim")
        self.assertEqual((said["uuid"], said["state"]), (uuid, "unclaimed"))
        self.assertRegex(said["token"], r"^[\w-]+\.[\w-]+$")
        self.assertEqual(events[-1], {"event": "claimed", "uuid": uuid})
        self.assertEqual(service.rest.device(uuid)["id"], uuid)
        stage("claimed")
        device.ctl("status", "--wait", "idle", "--timeout", "60")
        self.assertTrue(device.is_validated())

        device.ctl("wifi", "advertise")
        device.wait_advertising()
        said, err = self.claim_event(device, "--token", expect=1)
        self.assertEqual(said, {"event": "claim", "uuid": uuid, "state": "claimed"})
        self.assertIn("has an owner already", err)
        log = device.process.output()
        self.assertIn("read-claim: told the claim token", log)
        self.assertIn("read-claim: told, without a claim token", log)
        device.ctl("wifi", "forget")
        device.stop()

    def test_wpa2_from_the_configurator_to_validated_cloud_access(self):
        self.onboard("lab-wpa2", "wpa2-psk", self.assert_token_is_kept)

    def test_wpa3_from_the_configurator_to_validated_cloud_access(self):
        self.onboard("lab-wpa3", "wpa3-psk")


if __name__ == "__main__":
    case.main()
