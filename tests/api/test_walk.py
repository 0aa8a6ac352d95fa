# SPDX-License-Identifier: Apache-2.0
"""Default deny: whoever asks, by whatever method, for whatever path. What is expected is written down here, by hand and not
from the router: a route that appears in it and not here fails, as does one that anybody may who should not."""

import http.client
import sys

import harness.case
from world import ApiCase

ID = "00000000-0000-4000-8000-000000000000"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "get", "BREW")
# browser: an editor who is signed in to the portal, and whose page sends what it has to; device, cloud: a claimed device that
# shows a token of its identity key, or of its cloud access key
WHO = ("none", "bad", "viewer", "editor", "admin", "other", "browser", "device", "cloud")
RANK = {"viewer": 1, "editor": 2, "admin": 3, "other": 3, "browser": 2}
VIEWER, EDITOR, ADMIN, PUBLIC, SELF, DEVICE, CLOUD = 1, 2, 3, 0, -1, -2, -3

# path: {method: least role}
TABLE = {
    "/v1/claimed-devices": {"GET": VIEWER, "POST": EDITOR},
    "/v1/identities/claimed-devices": {"GET": VIEWER, "POST": EDITOR},
    f"/v1/claimed-devices/{ID}": {"GET": VIEWER, "PATCH": EDITOR, "DELETE": EDITOR},
    f"/v1/claimed-devices/{ID}/reset": {"POST": EDITOR},
    f"/v1/claimed-devices/{ID}/block": {"POST": EDITOR},
    f"/v1/claimed-devices/{ID}/unblock": {"POST": EDITOR},
    f"/v1/claimed-devices/{ID}/transfer": {"POST": ADMIN},
    f"/v1/claimed-devices/{ID}/events": {"GET": VIEWER},
    f"/v1/claimed-devices/{ID}/provisioning": {"GET": VIEWER, "POST": EDITOR},
    f"/v1/claimed-devices/{ID}/provisioning/x": {"GET": VIEWER, "DELETE": EDITOR},
    f"/v1/claimed-devices/{ID}/certificates": {"GET": VIEWER},
    f"/v1/claimed-devices/{ID}/certificates/00/revoke": {"POST": ADMIN},
    "/v1/provisioning-rules": {"GET": VIEWER, "POST": EDITOR},
    f"/v1/provisioning-rules/{ID}": {"GET": VIEWER, "PUT": EDITOR, "DELETE": EDITOR},
    "/v1/provisioning/tags": {"GET": VIEWER, "POST": EDITOR},
    "/v1/provisioning/tags/x": {"DELETE": EDITOR},
    "/v1/devices": {"GET": VIEWER, "POST": ADMIN},
    f"/v1/devices/{ID}": {"GET": VIEWER},
    f"/v1/devices/{ID}/name": {"PUT": EDITOR},
    f"/v1/devices/{ID}/state": {"GET": VIEWER, "PATCH": EDITOR},
    f"/v1/bulk-ops-requests/{ID}": {"GET": ADMIN},
    f"/v1/bulk-ops-requests/{ID}/errors/{ID}": {"GET": PUBLIC},
    "/v1/account": {"GET": VIEWER},
    "/v1/api-keys": {"GET": ADMIN, "POST": ADMIN},
    f"/v1/api-keys/{ID}": {"DELETE": ADMIN},
    "/v1/users": {"GET": ADMIN, "POST": ADMIN},
    f"/v1/users/{ID}": {"PATCH": ADMIN, "DELETE": ADMIN},
    "/v1/audit": {"GET": ADMIN},
    "/v1/openapi.json": {"GET": PUBLIC},
    "/v1/ca/certificate": {"GET": PUBLIC},
    "/v1/ca/crl": {"GET": PUBLIC},
    "/v1/events": {"GET": VIEWER},
    # They look at the cookie alone, so a key is nobody to them: 401, 403 and 415 are their own answers.
    "/v1/session": {"GET": SELF, "POST": SELF, "DELETE": SELF},
    "/v1/provisioning/auth-jwt": {"POST": DEVICE},
    "/v1/provisioning/commands": {"GET": DEVICE},
    "/v1/provisioning/response": {"POST": DEVICE},
    "/v1/device/auth/jwt": {"POST": CLOUD},
    "/v1/device/state": {"GET": CLOUD},
    "/v1/device/state/reported": {"PATCH": CLOUD},
    "/v1/device/state/desired": {"PATCH": CLOUD},
    "/": {"GET": PUBLIC},
    "/portal": {"GET": PUBLIC},
    "/health/live": {"GET": PUBLIC},
    "/health/ready": {"GET": PUBLIC},
    "/health/live": {"GET": PUBLIC},
    "/health/ready": {"GET": PUBLIC},
}

# Paths that do not exist, whatever stands beside them.
NOWHERE = [
    "/v1", "/v1/", "/v2/account", "/v1//account", "//v1/account", "/V1/account", "/v1/Account", "/v1/account/", "/v1/account/x",
    "/v1/account%00", "/v1/%61ccount", "/v1/./account", "/v1/../v1/account", "/v1/account;x", "/v1/account.json", "/account",
    "/v1/claimed-devices/", f"/v1/claimed-devices/{ID}/", f"/v1/claimed-devices/{ID}/reset/", f"/v1/claimed-devices/{ID}/delete",
    f"/v1/claimed-devices/{ID}/provisioning/x/y", f"/v1/identities/claimed-devices/{ID}", f"/v1/devices/{ID}/state/desired",
    f"/v1/devices/{ID}/reset", "/v1/provisioning", "/v1/provisioning/", "/v1/tags", "/v1/bulk-ops-requests", "/v1/teams",
    f"/v1/bulk-ops-requests/{ID}/errors", "/v1/metrics", "/metrics", "/v1/openapi.yaml", "/v1/admin", "/.git/config",
]


def expected(table, path, method, who):
    """The status, or None: allowed, so anything but 401, 403, 404 of the path, 405."""
    methods = table.get(path)
    if methods is None:
        return 404
    if method not in methods:
        return 405
    least = methods[method]
    if least in (PUBLIC, SELF):
        return None
    if least in (DEVICE, CLOUD):
        if who in ("none", "browser"):
            return 401
        return None if who == {DEVICE: "device", CLOUD: "cloud"}[least] else 403
    if who not in RANK:
        return 401
    return None if RANK[who] >= least else 403


class WalkTest(ApiCase):
    def setUp(self):
        super().setUp()
        self.world.prove(self.world.devices[-1])
        self.origin = f"http://127.0.0.1:{self.world.service.rest_port}"
        user = {"name": "walker", "password": "correct horse battery", "role": "editor"}
        self.assertEqual(self.world.call("POST", "/v1/users", user, key=self.world.keys["admin"]).status, 201)
        answer = self.world.call("POST", "/v1/session", {"user": user["name"], "password": user["password"]},
                                 headers={"Origin": self.origin})
        self.assertEqual(answer.status, 201, answer.body)
        self.browser = {"Origin": self.origin, "Cookie": answer.headers["Set-Cookie"].partition(";")[0],
                        "X-CSRF-Token": answer.json()["csrfToken"]}

    def ask(self, method, path, who):
        connection = self.world.connect()
        key = self.world.keys.get(who)
        # A media type that nothing takes: what is allowed stops there, and changes nothing.
        headers = {"Content-Type": "text/x-nothing", "Content-Length": "0"}
        if set(TABLE.get(path, {}).values()) & {DEVICE, CLOUD}:
            headers["Content-Type"] = "application/cbor"  # who it is comes after what it is: an empty body is refused last
        if key:
            headers["Authorization"] = "Bearer " + key
        if who == "browser":
            headers.update(self.browser)
        if path == "/v1/session":
            headers["Origin"] = self.origin
        try:
            connection.putrequest(method, path, skip_accept_encoding=True)
            for name, value in headers.items():
                connection.putheader(name, value)
            connection.endheaders()
            answer = connection.getresponse()
            # A stream of events has no end.
            body = b"" if answer.headers["Content-Type"] == "text/event-stream" else answer.read()
            return answer.status, body, answer.headers
        finally:
            connection.close()

    def test_every_role_by_every_method_on_every_path(self):
        n = 0
        # The session last: to delete it is one of the pairs.
        for path in sorted([*TABLE, *NOWHERE], key=lambda p: p == "/v1/session"):
            for method in METHODS:
                for who in WHO:
                    with self.subTest(path=path, method=method, who=who):
                        status, body, headers = self.ask(method, path, who)
                        want = expected(TABLE, path, method, who)
                        if want is None and TABLE[path][method] == SELF:
                            self.assertIn(status, (200, 204, 401, 415), body)
                        elif want is None and TABLE[path][method] in (DEVICE, CLOUD):
                            self.assertIn(status, (201, 204, 400), body)
                        elif want is None:
                            self.assertNotIn(status, (401, 403, 405, 500), body)
                        else:
                            self.assertEqual(status, want, body)
                        if want == 405:
                            self.assertEqual({m.strip() for m in headers["Allow"].split(",")}, set(TABLE[path]))
                        if status >= 400 and method != "HEAD":
                            self.assertEqual(headers["Content-Type"], "application/problem+json")
                        self.assertEqual(headers["X-Content-Type-Options"], "nosniff")
                        n += 1
        self.assertEqual(n, (len(TABLE) + len(NOWHERE)) * len(METHODS) * len(WHO))
        print(f"walked: {n} pairs of role and method and path", file=sys.stderr)

    def test_parameters_that_are_none_do_not_get_past_the_roles(self):
        """Bad parameters are 400 for those who may, and no way to learn anything for those who may not."""
        for path, method in (("/v1/claimed-devices/x", "GET"), ("/v1/claimed-devices/x", "DELETE"), ("/v1/devices/..", "GET"),
                             ("/v1/api-keys/*", "DELETE"), ("/v1/provisioning/tags/%20", "DELETE"), ("/v1/users/1", "PATCH")):
            for who in WHO:
                with self.subTest(path=path, method=method, who=who):
                    status, body, _ = self.ask(method, path, who)
                    if who not in RANK:
                        self.assertEqual(status, 401, body)
                    elif RANK[who] < (VIEWER if method == "GET" else EDITOR if "users" not in path and "keys" not in path else ADMIN):
                        self.assertEqual(status, 403, body)
                    else:
                        self.assertEqual(status, 400, body)

    def test_a_cookie_alone_changes_nothing(self):
        """What another site's page could send: the cookie, but not the token, or an Origin of its own."""
        for missing in ({"X-CSRF-Token": "wrong"}, {"X-CSRF-Token": None}, {"Origin": "http://evil.example"}, {"Origin": None},
                        {"Sec-Fetch-Site": "cross-site"}):
            headers = {k: v for k, v in {**self.browser, **missing}.items() if v is not None}
            for path, methods in TABLE.items():
                for method in methods:
                    if method == "GET" or path == "/v1/session" or methods[method] in (DEVICE, CLOUD):
                        continue
                    with self.subTest(path=path, method=method, missing=missing):
                        self.assertEqual(self.world.call(method, path, {}, headers=headers).status, 403)
        self.assertEqual(self.world.call("GET", "/v1/account", headers=self.browser).status, 200)

    def test_the_team_of_a_key_is_all_that_it_sees(self):
        device = self.world.devices[0]
        self.world.claim(device, tags=["ours"])
        for role, want in (("viewer", 200), ("other", 404)):
            for path in (f"/v1/claimed-devices/{device.uuid}", f"/v1/devices/{device.uuid}",
                         f"/v1/devices/{device.uuid}/state", f"/v1/claimed-devices/{device.uuid}/provisioning",
                         f"/v1/claimed-devices/{device.uuid}/events"):
                self.assertEqual(self.world.call("GET", path, key=self.world.keys[role]).status, want, path)
        listed = self.world.call("GET", "/v1/claimed-devices", key=self.world.keys["other"]).json()
        self.assertEqual((listed["items"], listed["total"]), ([], 0))


if __name__ == "__main__":
    http.client.HTTPConnection.debuglevel = 0
    harness.case.main()
