# SPDX-License-Identifier: Apache-2.0
"""Devices over HTTP are held to what they are held to over CoAP: limits, replays, and one trace id on all lines."""

import http.client

import harness.case
from harness.process import LIMIT_S
from world import ApiCase

LOGIN, COMMANDS = "/v1/provisioning/auth-jwt", "/v1/provisioning/commands"


class DeviceTest(ApiCase):
    def test_a_device_that_asks_too_often_is_told_when_to_come_again(self):
        self.world.service.device_rate = 4
        self.world.service.stop()
        self.world.service.start()
        device = self.world.devices[0]
        self.world.claim(device)
        answers = [self.world.call("POST", LOGIN, key=device.jwt) for _ in range(6)]
        self.assertEqual({a.status for a in answers}, {201, 429})
        last = answers[-1]
        self.assertEqual((last.status, last.media_type), (429, "application/problem+json"))
        self.assertTrue(0 < int(last.headers["Retry-After"]) <= 60)

    def test_guesses_count_against_their_address(self):
        device = self.world.devices[0]
        self.world.claim(device)
        broken = device.jwt[:-4] + ("AAAA" if device.jwt[-4:] != "AAAA" else "BBBB")
        statuses = [self.world.call("GET", COMMANDS, key=broken).status for _ in range(130)]
        self.assertEqual(statuses[0], 403)
        self.assertEqual(statuses[-1], 429)
        self.assertEqual(self.world.call("GET", COMMANDS, key=device.jwt).status, 429)

    def test_a_token_is_good_for_every_request_of_its_device_and_for_nothing_else(self):
        device, other = self.world.devices[:2]
        for d in (device, other):
            self.world.claim(d)
        for _ in range(3):
            self.assertEqual(self.world.call("GET", COMMANDS, key=device.jwt).status, 204)
        for path in ("/v1/account", f"/v1/devices/{device.uuid}", f"/v1/devices/{device.uuid}/state", "/v1/claimed-devices"):
            self.assertEqual(self.world.call("GET", path, key=device.jwt).status, 401, path)
        self.world.call("POST", f"/v1/claimed-devices/{device.uuid}/block", key=self.world.keys["editor"])
        self.assertEqual(self.world.call("GET", COMMANDS, key=device.jwt).status, 403)
        self.assertEqual(self.world.call("GET", COMMANDS, key=other.jwt).status, 204)

    def test_requests_share_a_connection_and_refusals_name_their_device(self):
        device = self.world.devices[0]
        connection = http.client.HTTPConnection("127.0.0.1", self.world.service.rest_port, timeout=LIMIT_S)
        statuses = []
        for token in (device.jwt, "x" * 4000, device.jwt):
            connection.request("GET", COMMANDS, headers={"Authorization": "Bearer " + token})
            answer = connection.getresponse()
            statuses.append((answer.status, len(answer.read()) > 0))
        connection.close()
        self.assertEqual(statuses, [(401, True), (403, True), (401, True)])
        self.world.service.process.wait_line(
            rf"device-refused code=4\.01 .*path=p/cmd device={device.uuid} .*reason=\"unclaimed\"")
        self.assertNotIn(device.jwt, self.world.service.process.output())


if __name__ == "__main__":
    harness.case.main()
