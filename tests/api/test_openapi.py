# SPDX-License-Identifier: Apache-2.0
"""openapi.json is true: every operation of it is driven against the real service, every answer is held against its
schema, and every error that it names and that can be provoked is."""

import json
import os
import sys

import harness.case
from api_cases import CASES, MISSING
from document import Document, fill
from world import ApiCase, probe

# Our own failures, and a service that is busy: the unit tests of core break the store for them. Devices that ask too often
# are in test_device_http.py.
NOT_PROVOKED = {500, 503}


class OpenapiTest(ApiCase):
    n_devices = 13

    def setUp(self):
        super().setUp()
        answer = self.world.call("GET", "/v1/openapi.json")
        self.assertEqual(answer.status, 200)
        self.document = Document(answer.json())
        self.seen = set()
        self.world.prove(self.world.devices[-1])
        self.browser = {"Origin": f"http://127.0.0.1:{self.world.service.rest_port}"}

    def request(self, name, want, values=None, body=None, media_type=None, query="", key=None, role=None, headers=None):
        """Calls an operation; its answer is one that the document allows, and has the status that is wanted."""
        method, path, operation = self.document.operations[name]
        if key is None and role is None:
            role = operation["x-role"]
        if key is None and role != "public":
            key = self.world.keys[role]
        if path.endswith("/session"):
            headers = {**self.browser, **(headers or {})}
        answer = self.world.call(method, fill(path, {**MISSING, **(values or {})}) + query, body, media_type, key, headers)
        self.document.check(name, answer)
        if answer.status != want:
            raise AssertionError(f"{name}: {answer.status} instead of {want}: {answer.body[:300]}")
        self.seen.add((name, answer.status))
        return answer.json() if answer.media_type.endswith("json") else answer

    # What every operation has in common.

    def provoke(self, name):
        method, path, operation = self.document.operations[name]
        responses = self.document.responses(name)
        role = operation["x-role"]
        self.request(name, 400, query="?nobodyknowsthis=1")
        if role != "public":
            self.request(name, 401, role="none")
        if role == "device":
            # Whoever shows something else than a device's token, an owner's key for one.
            for who in ("bad", "admin"):
                self.request(name, 403, role=who, **self.body_of(name))
        elif role != "public":
            self.request(name, 401, role="bad")
            self.request(name, 401, role="device")
        if role in ("editor", "admin"):
            self.request(name, 403, role="viewer" if role == "editor" else "editor")
        if "{" in path:
            self.request(name, 400, values={p["name"]: "%20" for p in operation["parameters"] if p["in"] == "path"})
        if "requestBody" in operation:
            self.provoke_body(name, operation)
        if 404 in responses and "{" in path and (name, 404) not in self.seen:
            self.request(name, 404, **self.body_of(name))

    def body_of(self, name):
        """A body that the operation takes."""
        if "requestBody" not in self.document.operations[name][2]:
            return {}
        return CASES[name].body

    def provoke_body(self, name, operation):
        types = operation["requestBody"]["content"]
        self.request(name, 415, body="{}", media_type="text/html")
        self.request(name, 413, headers={"Content-Length": str(1 << 40)}, media_type=next(iter(types)), body="")
        if "application/json" in types:
            broken_bodies = ["{", "{\"a\":1,\"a\":2}", "{}x", "\xff"]
            if operation["requestBody"]["required"]:
                broken_bodies.append("")
            for broken in broken_bodies:
                self.request(name, 400, body=broken.encode("latin-1"), media_type="application/json")

    def test_every_operation_answers_as_the_document_says(self):
        self.assertEqual(set(CASES), set(self.document.operations), "an operation without a case, or the other way round")
        for name, case in CASES.items():
            with self.subTest(operation=name):
                case.run(self)
                self.provoke(name)
        missing = [(name, status) for name in self.document.operations for status in self.document.responses(name)
                   if status not in NOT_PROVOKED and (name, status) not in self.seen
                   and not (status == 429 and self.document.operations[name][2]["x-role"] == "device")]
        self.assertEqual(missing, [], "the document names what never happened")
        print(f"driven: {len(self.document.operations)} operations, {len(self.seen)} kinds of answers", file=sys.stderr)

    def test_the_document_and_the_router_name_the_same(self):
        routes = {tuple(line.split()) for line in probe("routes").splitlines()}
        # The way to the portal's pages, and what load balancers ask: no part of the API.
        beside = {("GET", path, "public") for path in ("/", "/portal", "/health/live", "/health/ready")}
        self.assertLessEqual(beside, routes)
        routes -= beside
        self.assertEqual(routes - self.document.pairs(), set(), "in the router, but not in the document")
        self.assertEqual(self.document.pairs() - routes, set(), "in the document, but not in the router")

    def test_the_document_is_the_one_of_the_tree(self):
        with open(os.path.join(os.environ["ONBOARD_SOURCE_DIR"], "service", "openapi.json"), encoding="utf-8") as file:
            self.assertEqual(self.document.value, json.load(file))

    def test_references_lead_somewhere_and_nothing_is_unused(self):
        used = set()

        def walk(value):
            if isinstance(value, dict):
                if isinstance(value.get("$ref"), str):
                    used.add(value["$ref"])
                    self.document.resolve(value)
                for item in value.values():
                    walk(item)
            elif isinstance(value, list):
                for item in value:
                    walk(item)

        walk(self.document.value)
        for kind in ("schemas", "responses"):
            for name in self.document.value["components"][kind]:
                self.assertIn(f"#/components/{kind}/{name}", used)

    def test_bodies_that_the_document_refuses_are_refused(self):
        """The service is at least as strict as the document, for the bodies of every operation."""
        strange = [{}, {"x": 1}, {"name": 1}, {"name": ""}, {"name": "n" * 129}, {"tags": "a"}, {"tags": ["a b"]},
                   {"tags": ["t"] * 17}, {"role": "root"}, {"tenantId": "x"}, {"tag": ""}, {"request": {}},
                   {"request": {"finished": {}, "config": {"a": "b"}}}, {"desired": 1}, {"desired": {}, "other": {}}]
        device = self.world.devices[0]
        self.world.claim(device)
        n = 0
        for name, (method, path, operation) in self.document.operations.items():
            if "application/json" not in operation.get("requestBody", {}).get("content", {}):
                continue
            for body in strange:
                if self.document.is_valid_body(name, body):
                    continue
                answer = self.world.call(method, fill(path, {**MISSING, "id": device.uuid}), body,
                                         key=self.world.keys["admin"], headers=self.browser)
                self.assertIn(answer.status, (400, 401, 404, 409, 422), f"{name} took {body}: {answer.body}")
                n += 1
        self.assertGreater(n, 100)


if __name__ == "__main__":
    harness.case.main()
