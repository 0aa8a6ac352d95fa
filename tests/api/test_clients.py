# SPDX-License-Identifier: Apache-2.0
"""The ways in which nRF Cloud's public scripts call its REST interface: another base URL and another key are all that they
need. Written from what those scripts send and read, request by request."""

import json
import time
import urllib.error
import urllib.request

import harness.case
from world import ApiCase


class ClientTest(ApiCase):
    n_devices = 3

    def setUp(self):
        super().setUp()
        self.base = f"http://127.0.0.1:{self.world.service.rest_port}/v1/"

    def http(self, method, path, data=None, headers=None, key="admin"):
        """As a Python script does it: (status, JSON)."""
        request = urllib.request.Request(path if "://" in path else self.base + path, data=data, method=method)
        if key:
            request.add_header("Authorization", "Bearer " + self.world.keys[key])
        for name, value in (headers or {}).items():
            request.add_header(name, value)
        # urllib would call every body a form; the scripts' library leaves the header out.
        if data is not None and "Content-type" not in request.headers:
            request.add_unredirected_header("Content-type", "application/json" if data[:1] in b"{[" else "")
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                text = answer.read()
                return answer.status, json.loads(text) if text else None
        except urllib.error.HTTPError as e:
            return e.code, json.loads(e.read())

    def json(self, method, path, value):
        return self.http(method, path, json.dumps(value).encode())

    def test_one_claim_with_one_tag_and_a_command_until_it_is_done(self):
        device = self.world.devices[0]
        status, _ = self.json("POST", "claimed-devices", {"claimToken": device.token, "tags": ["nrf-cloud-onboarding"]})
        self.assertIn(status, (200, 201))
        status, made = self.json("POST", f"claimed-devices/{device.uuid}/provisioning",
                                 {"description": "Provisioning complete", "request": {"finished": {}}})
        self.assertEqual(status, 201)
        status, command = self.http("GET", f"claimed-devices/{device.uuid}/provisioning/{made['id']}")
        self.assertEqual((status, command["status"]), (200, "PENDING"))
        self.world.fetch(device)
        self.assertEqual(self.http("GET", f"claimed-devices/{device.uuid}/provisioning/{made['id']}")[1]["status"],
                         "IN_PROGRESS")
        status, body = self.http("DELETE", f"claimed-devices/{device.uuid}")
        self.assertEqual((status, body), (204, None))
        self.assertEqual(self.http("DELETE", f"claimed-devices/{device.uuid}")[0], 404)

    def test_many_claims_with_the_header_that_the_script_writes(self):
        rows = "".join(f"\"{d.token}\",\"nrf-cloud-onboarding\"\n" for d in self.world.devices)
        answer = self.world.call("POST", "/v1/claimed-devices", rows, key=self.world.keys["admin"],
                                 headers={"contentType": "text/csv"})
        self.assertEqual(answer.status, 200, answer.body)
        self.assertEqual(answer.json()["claimedIds"], [d.uuid for d in self.world.devices])

    def test_the_onboarding_rule_is_made_sure_of(self):
        status, rules = self.http("GET", "provisioning-rules")
        self.assertEqual(status, 200)
        found = any("nrf-cloud-onboarding" in rule["tags"] for rule in rules["items"])
        self.assertTrue(found, "the script would make a second one")
        status, _ = self.json("POST", "provisioning/tags", {"tag": "nrf-cloud-onboarding", "description": "Generated"})
        self.assertIn(status, (200, 201))
        self.assertIn("nrf-cloud-onboarding", [t["tag"] for t in self.http("GET", "provisioning/tags")[1]["items"]])

    def test_a_list_of_public_keys_and_the_question_what_became_of_it(self):
        pem = self.world.public_key(self)
        good, bad = "11111111-1111-4111-8111-111111111111", "no-uuid"
        rows = f"{good},,lab,APP|MODEM,\"{pem}\"\n{bad},,lab,APP|MODEM,\"{pem}\"\n".encode()
        for media_type in ("text/csv", "application/octet-stream", "text/plain"):
            status, made = self.http("POST", "devices", rows, {"Content-Type": media_type, "Accept-Encoding": "*"})
            self.assertEqual(status, 202, made)
            status, result = self.http("GET", "bulk-ops-requests/" + made["bulkOpsRequestId"])
            self.assertEqual((status, result["status"]), (200, "FAILED"))
            # The script writes every member into a file of texts.
            "".join(k + "," + v + "\n" for k, v in result.items())
            status, errors = self.http("GET", result["errorSummaryUrl"], key=None)
            self.assertEqual((status, len(errors["errors"])), (200, 1))
            index, _, message = errors["errors"][0].partition("]:")
            self.assertEqual((index, message.strip()), ("[1", "the id is not a UUID"))
        self.assertEqual(self.http("GET", "devices/" + good)[0], 200)
        self.assertEqual(self.json("PUT", f"devices/{good}/name", ["Board 7"])[0], 200)
        self.assertEqual(self.json("PATCH", f"devices/{good}/state", {"desired": {"command": [1, 7]}})[0], 200)
        device = self.http("GET", "devices/" + good)[1]
        self.assertEqual((device["name"], device["state"]["desired"]["command"]), ("Board 7", [1, 7]))
        self.assertEqual(len(self.http("GET", "account")[1]["team"]["tenantId"]), 36)

    def test_a_script_that_tries_again_gets_on_when_the_service_is_back(self):
        """Scripts repeat after a broken connection or a 5xx: what was done stays done, and is not done twice."""
        device = self.world.devices[0]
        self.world.claim(device)
        body = {"claimToken": device.token}
        self.world.service.stop(goodbye=False)
        with self.assertRaises(urllib.error.URLError):
            self.json("POST", "claimed-devices", body)
        self.world.service.start()
        limit = time.monotonic() + 60
        while True:
            try:
                status, _ = self.json("POST", "claimed-devices", body)
                break
            except urllib.error.URLError:
                self.assertLess(time.monotonic(), limit)
        self.assertEqual(status, 200)
        events = self.http("GET", f"claimed-devices/{device.uuid}/events")[1]["items"]
        self.assertEqual([e["kind"] for e in events], ["claimed"])


if __name__ == "__main__":
    harness.case.main()
