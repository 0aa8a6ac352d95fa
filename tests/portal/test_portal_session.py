# SPDX-License-Identifier: Apache-2.0
"""Signing in, and what keeps other sites, other users and old cookies out."""

import base64
import hashlib
import os
import sqlite3
import threading

from harness import case
from harness.process import finish, program
from harness.service import Rest, Service

from visitor import COOKIE, PASSWORD, Visitor, make_user, user_verb

NOBODY = "00000000-0000-4000-8000-000000000000"
# Something that a signed-in editor may do, of each method that changes something.
WRITES = (("POST", "/v1/provisioning-rules", {"name": "r", "tags": ["t"], "commands": [{"request": {"finished": {}}}]}, 201),
          ("PATCH", f"/v1/devices/{NOBODY}/state", {"desired": {}}, 404),
          ("DELETE", f"/v1/claimed-devices/{NOBODY}", None, 404))


class TestSession(case.Case):
    def service(self, **keywords):
        return Service(self, self.pki(), **keywords).start()

    def with_user(self, role="admin", **keywords):
        service = self.service(**keywords)
        make_user(service, "ada", role)
        return service

    def visitor(self, service, user="ada", **keywords):
        visitor = Visitor(service.rest_port, **keywords)
        answer = visitor.sign_in(user)
        self.assertEqual(answer.status, 201, answer.body)
        return visitor

    def store(self, service):
        return sqlite3.connect(os.path.join(service.state, "service.db"), timeout=30)

    def slow_password(self, service, user):
        """As builds without sanitizers keep it: the cost is in the row."""
        def text(data):
            return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
        salt = os.urandom(16)
        key = hashlib.scrypt(PASSWORD.encode(), salt=salt, n=1 << 17, r=8, p=1, maxmem=1 << 28, dklen=32)
        with self.store(service) as db:
            db.execute("UPDATE users SET password = ? WHERE name = ?", (f"scrypt$17$8$1${text(salt)}${text(key)}", user))

    def refuses_writes(self, visitor, status, headers):
        for method, path, body, _ in WRITES:
            with self.subTest(method=method, headers=headers):
                answer = visitor.ask(method, path, body, headers)
                self.assertEqual(answer.status, status, answer.body)
                self.assertEqual(answer.headers["Content-Type"], "application/problem+json")

    # ---- the way in and out ----

    def test_somebody_signs_in_and_out(self):
        service = self.with_user("editor")
        visitor = Visitor(service.rest_port)
        self.assertEqual(visitor.ask("GET", "/v1/session").status, 401)
        self.assertEqual(visitor.ask("GET", "/v1/account").status, 401)
        answer = visitor.sign_in("ada")
        self.assertEqual(answer.status, 201)
        value, attributes = answer.cookie()
        self.assertEqual(attributes, {"path=/", "httponly", "samesite=strict"})
        self.assertEqual(len(value), 43)
        said = answer.json()
        self.assertEqual(set(said), {"user", "team", "csrfToken"})
        self.assertEqual((said["user"]["name"], said["user"]["role"], said["team"]["name"]),
                         ("ada", "editor", "default"))
        self.assertNotIn(value, answer.body.decode())
        self.assertEqual(visitor.ask("GET", "/v1/session").json(), said)
        self.assertEqual(visitor.ask("GET", "/v1/account").status, 200)
        for method, path, body, status in WRITES:
            self.assertEqual(visitor.ask(method, path, body).status, status)

        out = visitor.ask("DELETE", "/v1/session")
        self.assertEqual(out.status, 204)
        self.assertEqual(out.cookie()[0], "")
        self.assertIn("max-age=0", out.cookie()[1])
        # The cookie that somebody kept is worth nothing.
        for path in ("/v1/session", "/v1/account", "/v1/events", "/v1/claimed-devices"):
            self.assertEqual(visitor.ask("GET", path).status, 401)
        self.refuses_writes(visitor, 401, {})
        self.assertEqual(visitor.ask("DELETE", "/v1/session").status, 204)

    def test_a_wrong_password_and_a_wrong_name_look_the_same(self):
        service = self.with_user()
        visitor = Visitor(service.rest_port)
        answers = [visitor.sign_in("ada", "wrong password"), visitor.sign_in("bob"), visitor.sign_in("ada", "short"),
                   visitor.sign_in("a\"b\nsign-in=accepted"), visitor.sign_in("x" * 200)]
        self.assertEqual({a.status for a in answers}, {401})
        self.assertEqual(len({a.body for a in answers}), 1)
        self.assertTrue(all("Set-Cookie" not in a.headers for a in answers))
        self.assertFalse([line for line in service.process.texts("err") if line.startswith("sign-in=accepted")])

    def test_what_is_no_sign_in_is_said(self):
        service = self.with_user()
        visitor = Visitor(service.rest_port)
        for body in ({}, {"user": "ada"}, {"user": "ada", "password": 1}, {"user": ["ada"], "password": PASSWORD},
                     {"user": "ada", "password": PASSWORD, "role": "admin"}):
            self.assertEqual(visitor.ask("POST", "/v1/session", body).status, 422, body)
        self.assertEqual(visitor.ask("POST", "/v1/session", "{").status, 400)
        self.assertEqual(visitor.ask("POST", "/v1/session", "[]").status, 400)
        # What a form of another site can send without asking first is no JSON.
        for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
            answer = visitor.ask("POST", "/v1/session", '{"user":"ada","password":"x"}', {"Content-Type": kind})
            self.assertEqual(answer.status, 415)
        self.assertEqual(visitor.ask("PUT", "/v1/session", {}).status, 405)

    def test_a_cookie_that_was_planted_is_not_taken_over(self):
        service = self.with_user()
        planted = "A" * 42 + "E"
        visitor = Visitor(service.rest_port)
        visitor.cookie = planted
        self.assertEqual(visitor.sign_in("ada").status, 201)
        self.assertNotEqual(visitor.cookie, planted)
        first = visitor.cookie
        self.assertEqual(visitor.sign_in("ada").status, 201)
        self.assertNotEqual(visitor.cookie, first)
        # Signing in anew ends what the browser had before.
        self.assertEqual(visitor.ask("GET", "/v1/session", headers={"Cookie": f"{COOKIE}={first}"}).status, 401)
        # Two of them are none: one was put there by somebody else.
        for pair in (f"{COOKIE}={planted}; {COOKIE}={visitor.cookie}", f"{COOKIE}={visitor.cookie}; {COOKIE}={planted}"):
            self.assertEqual(visitor.ask("GET", "/v1/session", headers={"Cookie": pair}).status, 401)
        self.assertEqual(visitor.ask("GET", "/v1/session").status, 200)

    # ---- requests that others make a browser send ----

    def test_a_write_needs_the_token_of_its_session(self):
        service = self.with_user()
        visitor, other = self.visitor(service), self.visitor(service)
        for token in (None, "", "x", other.token, visitor.cookie, visitor.token[:-1], visitor.token + "A"):
            self.refuses_writes(visitor, 403, {"X-CSRF-Token": token})
            self.assertEqual(visitor.ask("DELETE", "/v1/session", headers={"X-CSRF-Token": token}).status, 403)
        self.assertEqual(visitor.ask("GET", "/v1/account", headers={"X-CSRF-Token": None}).status, 200)
        self.assertEqual(visitor.ask(*WRITES[0][:3]).status, 201)

    def test_a_write_comes_from_a_page_of_ours(self):
        service = self.with_user()
        visitor = self.visitor(service)
        for origin in (None, "null", "https://evil.example", f"https://127.0.0.1:{service.rest_port}",
                       f"http://127.0.0.1:{service.coap_port}", f"http://127.0.0.1:{service.rest_port}.evil.example"):
            self.refuses_writes(visitor, 403, {"Origin": origin})
            answer = visitor.ask("POST", "/v1/session", {"user": "ada", "password": PASSWORD}, {"Origin": origin})
            self.assertEqual(answer.status, 403)
        for site in ("cross-site", "same-site", "none"):
            self.refuses_writes(visitor, 403, {"Sec-Fetch-Site": site})
        self.assertEqual(visitor.ask("GET", "/v1/account", headers={"Origin": "https://evil.example"}).status, 403)
        self.assertEqual(visitor.ask("GET", "/v1/account", headers={"Sec-Fetch-Site": "cross-site"}).status, 403)
        self.assertEqual(visitor.ask("GET", "/v1/events", headers={"Sec-Fetch-Site": "same-site"}).status, 403)
        ours = visitor.ask(*WRITES[0][:3], {"Sec-Fetch-Site": "same-origin"})
        self.assertEqual(ours.status, 201)

    def test_another_name_for_us_is_not_answered(self):
        service = self.with_user()
        visitor = self.visitor(service)
        for host in ("evil.example", f"evil.example:{service.rest_port}", "127.0.0.1", f"127.0.0.2:{service.rest_port}",
                     f"localhost.evil.example:{service.rest_port}"):
            rebound = {"Host": host, "Origin": f"http://{host}"}
            self.refuses_writes(visitor, 421, rebound)
            for path in ("/", "/portal/", "/portal/app.js", "/v1/session", "/v1/account", "/v1/events"):
                self.assertEqual(visitor.ask("GET", path, headers=rebound).status, 421, path)
            answer = visitor.ask("POST", "/v1/session", {"user": "ada", "password": PASSWORD}, rebound)
            self.assertEqual(answer.status, 421)
        for host in ("localhost", "[::1]", "127.0.0.1"):
            self.assertEqual(visitor.ask("GET", "/portal/", headers={"Host": f"{host}:{service.rest_port}"}).status, 200)

    def test_an_api_key_is_taken_whatever_the_name_and_page(self):
        service = self.with_user()
        visitor = Visitor(service.rest_port)
        key = {"Authorization": "Bearer " + service.rest.api_key, "Host": "behind.a.proxy", "Origin": "https://evil.example",
               "X-CSRF-Token": None, "Sec-Fetch-Site": "cross-site"}
        for method, path, body, status in WRITES:
            self.assertEqual(visitor.ask(method, path, body, key).status, status)
        # With a key that is wrong the cookie beside it does not help.
        signed_in = self.visitor(service)
        answer = signed_in.ask("GET", "/v1/account", headers={"Authorization": "Bearer wrong"})
        self.assertEqual(answer.status, 401)
        # And a key is nobody who is signed in.
        self.assertEqual(visitor.ask("GET", "/v1/session", headers={**key, "Host": visitor.host, "Origin": None,
                                                                    "Sec-Fetch-Site": None}).status, 401)

    # ---- who may what ----

    def test_a_role_and_a_team_have_their_limits(self):
        service = self.service()
        for name, role, team in (("vera", "viewer", "default"), ("otto", "admin", "others")):
            make_user(service, name, role, team)
        rule = service.rest.add_rule("ours", "t", [{"finished": {}}])["id"]
        viewer, other = self.visitor(service, "vera"), self.visitor(service, "otto")
        self.assertEqual(viewer.ask("GET", "/v1/provisioning-rules").status, 200)
        self.refuses_writes(viewer, 403, {})
        seen = [r["id"] for r in other.ask("GET", "/v1/provisioning-rules").json()["items"]]
        self.assertNotIn(rule, seen)
        # Changes by hand count at once.
        with self.store(service) as db:
            db.execute("UPDATE users SET role = 'editor' WHERE name = 'vera'")
        self.assertEqual(viewer.ask(*WRITES[0][:3]).status, 201)
        self.assertEqual(viewer.ask("GET", "/v1/session").json()["user"]["role"], "editor")

    def test_another_password_or_no_user_ends_the_session(self):
        service = self.with_user()
        make_user(service, "bob")
        ada, bob = self.visitor(service), self.visitor(service, "bob")
        done = user_verb(service, "passwd", "--name", "ada", stdin_text="another password\n")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(ada.ask("GET", "/v1/account").status, 401)
        self.assertEqual(ada.sign_in("ada").status, 401)
        self.assertEqual(ada.sign_in("ada", "another password").status, 201)
        self.assertEqual(bob.ask("GET", "/v1/account").status, 200)
        self.assertEqual(user_verb(service, "remove", "--name", "bob").returncode, 0)
        self.assertEqual(bob.ask("GET", "/v1/account").status, 401)
        self.assertEqual(bob.sign_in("bob").status, 401)

    def test_a_session_ends_by_itself(self):
        service = self.with_user()
        visitor = self.visitor(service)
        with self.store(service) as db:
            db.execute("UPDATE sessions SET seen_at = seen_at - 3599, created_at = created_at - 3599, until = until - 3599")
        self.assertEqual(visitor.ask("GET", "/v1/account").status, 200)
        with self.store(service) as db:
            # The request was written down: it put the end off.
            db.execute("UPDATE sessions SET seen_at = seen_at - 3590")
        self.assertEqual(visitor.ask("GET", "/v1/account").status, 200)
        with self.store(service) as db:
            db.execute("UPDATE sessions SET created_at = created_at - 43200")
        self.assertEqual(visitor.ask("GET", "/v1/account").status, 401)

    # ---- guessing ----

    def test_guessing_is_slowed_down(self):
        service = self.with_user()
        make_user(service, "bob")
        visitor = Visitor(service.rest_port)
        self.assertEqual([visitor.sign_in("ada", "wrong password").status for _ in range(5)], [401] * 5)
        answer = visitor.sign_in("ada")
        self.assertEqual(answer.status, 429)
        self.assertIn(int(answer.headers["Retry-After"]), range(1, 61))
        self.assertIn("seconds", answer.json()["detail"])
        # Others sign in, and who is right never waits.
        for _ in range(7):
            self.assertEqual(visitor.sign_in("bob").status, 201)

    def test_the_service_goes_on_while_passwords_are_checked(self):
        service = self.with_user()
        self.slow_password(service, "ada")
        order, lock = [], threading.Lock()

        def sign_in():
            status = Visitor(service.rest_port).sign_in("ada").status
            with lock:
                order.append(("sign-in", status))

        threads = [threading.Thread(target=sign_in) for _ in range(4)]
        for thread in threads:
            thread.start()
        rest = service.rest
        for _ in range(3):
            rest.want(200, "GET", "/account")
            with lock:
                order.append(("rest", 200))
        for thread in threads:
            thread.join()
        self.assertEqual(sorted(set(order)), [("rest", 200), ("sign-in", 201)])
        # All three were answered before the last of four that take their time, two at once.
        self.assertEqual(order[-1], ("sign-in", 201))
        self.assertEqual(order.index(("rest", 200)), 0)

    def test_a_password_that_changes_while_it_is_checked_opens_nothing(self):
        service = self.with_user()
        make_user(service, "bob")
        for user in ("ada", "bob"):
            self.slow_password(service, user)
        visitor = Visitor(service.rest_port)
        # Slower than the change: some passwords are before it.
        crowd = [threading.Thread(target=lambda: Visitor(service.rest_port).sign_in("bob")) for _ in range(4)]
        for thread in crowd:
            thread.start()
        connection = visitor.connect()
        visitor.send(connection, "POST", "/v1/session", {"user": "ada", "password": PASSWORD})
        with self.store(service) as db:
            db.execute("UPDATE users SET password = replace(password, 'scrypt$17', 'scrypt$16') WHERE name = 'ada'")
        self.assertEqual(connection.getresponse().status, 401)
        connection.close()
        for thread in crowd:
            thread.join()

    # ---- TLS, names, proxies ----

    def test_the_cookie_is_for_tls_where_there_is_tls(self):
        pki = self.pki()
        tls = self.service(options=["--rest-cert", pki.cert, "--rest-key", pki.key])
        make_user(tls, "ada")
        visitor = Visitor(tls.rest_port, host=f"localhost:{tls.rest_port}", ca=pki.root)
        answer = visitor.sign_in("ada")
        self.assertEqual(answer.status, 201)
        self.assertIn("secure", answer.cookie()[1])
        self.assertEqual(answer.headers["Strict-Transport-Security"], "max-age=31536000")
        self.assertEqual(visitor.ask("GET", "/v1/account").status, 200)
        plain = {"Origin": f"http://localhost:{tls.rest_port}"}
        self.refuses_writes(visitor, 403, plain)

    def test_a_public_name_is_answered_for(self):
        service = self.with_user(options=["--public-url", "https://portal.example", "--public-url",
                                          "https://two.example:8443/"])
        for host, origin in (("portal.example", "https://portal.example"), ("two.example:8443", "https://two.example:8443")):
            visitor = Visitor(service.rest_port, host=host, origin=origin)
            answer = visitor.sign_in("ada")
            self.assertEqual(answer.status, 201)
            self.assertIn("secure", answer.cookie()[1])
            self.assertEqual(visitor.ask(*WRITES[0][:3]).status, 201)
            self.refuses_writes(visitor, 403, {"Origin": origin.replace("https", "http")})
        # What a proxy, or somebody who pretends to be one, says besides has no weight.
        forged = {"Host": "evil.example", "X-Forwarded-Host": "portal.example", "X-Forwarded-Proto": "https",
                  "Forwarded": "host=portal.example;proto=https"}
        self.assertEqual(visitor.ask("GET", "/v1/session", headers=forged).status, 421)
        local = Visitor(service.rest_port)
        self.assertNotIn("secure", local.sign_in("ada").cookie()[1])

    def test_addresses_that_the_service_tells_have_its_public_name(self):
        service = self.service(options=["--public-url", "https://portal.example/"])
        key = {"Authorization": "Bearer " + service.rest.api_key, "Content-Type": "text/csv"}
        visitor = Visitor(service.rest_port)
        told = visitor.ask("POST", "/v1/devices", b"no-key\n", headers=key)
        self.assertEqual(told.status, 202)
        result = visitor.ask("GET", f"/v1/bulk-ops-requests/{told.json()['bulkOpsRequestId']}", headers=key).json()
        self.assertTrue(result["errorSummaryUrl"].startswith("https://portal.example/v1/bulk-ops-requests/"), result)

    def test_a_public_name_that_is_none_is_refused_at_the_start(self):
        pki = self.pki()
        for url in ("portal.example", "http://portal.example", "https://portal.example/path"):
            done = finish([program("onboard-service"), "serve", "--state", self.path("state"), "--coap", "127.0.0.1:0",
                           "--rest", "127.0.0.1:0", "--cert", pki.cert, "--key", pki.key, "--public-url", url])
            self.assertEqual(done.returncode, 1)
            self.assertIn(url, done.stderr)

    # ---- what is left behind ----

    def test_no_secret_is_written_down(self):
        service = self.with_user()
        visitor = self.visitor(service)
        visitor.sign_in("ada", "a wrong password of hers")
        said = service.process.output()
        kept = b""
        for name in os.listdir(service.state):
            with open(self.path("service", name), "rb") as file:
                kept += file.read()
        for secret in (PASSWORD, visitor.cookie, visitor.token, "a wrong password of hers"):
            self.assertNotIn(secret, said)
            self.assertNotIn(secret.encode(), kept)
        self.assertIn("sign-in=accepted", said)
        with self.store(service) as db:
            actions = [row[0] for row in db.execute("SELECT action FROM audit")]
        self.assertIn("session.create", actions)

    def test_a_second_key_of_another_team_is_no_cookie(self):
        """An API key in place of a cookie, and a cookie in place of a key."""
        service = self.with_user()
        visitor = self.visitor(service)
        self.assertEqual(Rest(service.rest.base, visitor.cookie).call("GET", "/account")[0], 401)
        visitor.cookie = service.rest.api_key
        self.assertEqual(visitor.ask("GET", "/v1/account").status, 401)


if __name__ == "__main__":
    case.main()
