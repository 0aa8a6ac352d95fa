# SPDX-License-Identifier: Apache-2.0
"""Bodies, headers and connections that nobody sends by accident: each gets an answer or is dropped, and the next honest
request is served as if nothing had been."""

import concurrent.futures
import contextlib
import http.client
import json
import socket
import sys

import harness.case
from harness.process import LIMIT_S
from world import ApiCase

DEEP = 100000


class HostileTest(ApiCase):
    def setUp(self):
        super().setUp()
        self.key = self.world.keys["admin"]

    def still_serves(self):
        self.assertEqual(self.world.call("GET", "/v1/account", key=self.key).status, 200)

    def raw(self, data, read=True):
        """Sends bytes as they are; what comes back until the other side closes, or falls silent."""
        with socket.create_connection(("127.0.0.1", self.world.service.rest_port), LIMIT_S) as s:
            # Who has answered early may be gone already; what was answered is read all the same.
            with contextlib.suppress(OSError):
                s.sendall(data)
                s.shutdown(socket.SHUT_WR)
            got = b""
            while read:
                try:
                    more = s.recv(65536)
                except ConnectionResetError:
                    break
                if not more:
                    break
                got += more
            return got

    def raw_all(self, datas):
        """(data, what came back) of each, all at once: the service waits a while for the rest of what is half a request."""
        with concurrent.futures.ThreadPoolExecutor(len(datas)) as pool:
            return list(zip(datas, pool.map(self.raw, datas)))

    def head(self, method, path, *lines):
        return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Authorization: Bearer {self.key}", *lines, "",
                            ""]).encode("latin-1")

    def test_json_that_is_none(self):
        bodies = [b"", b"{", b"[", b"\"", b"nul", b"{\"a\":}", b"{\"a\":1,}", b"{'a':1}", b"{\"a\":1}{}", b"\x00", b"{\"a\":\"\x00\"}",
                  b"{\"a\":\"\\u0000\"}", b"{\"a\":\"\\ud800\"}", b"{\"a\":\"\xff\"}", b"{\"a\":\"\xc0\x80\"}", b"{\"a\":\"\xed\xa0\x80\"}",
                  b"\xef\xbb\xbf{}", b"{\"a\":1e999}", b"{\"a\":" + b"9" * 400 + b"}", b"{\"a\":01}", b"{\"a\":NaN}",
                  b"{\"claimToken\":\"x\",\"claimToken\":\"y\"}", b"[" * DEEP + b"]" * DEEP,
                  b"{\"a\":" * DEEP + b"1" + b"}" * DEEP, b"[]", b"1", b"null", b"\"text\""]
        for body in bodies:
            with self.subTest(body=body[:40]):
                answer = self.world.call("POST", "/v1/claimed-devices", body, "application/json", self.key)
                self.assertEqual(answer.status, 400, answer.body[:200])
                self.assertEqual(answer.media_type, "application/problem+json")
                self.assertEqual(answer.json()["status"], 400)
        self.still_serves()

    def test_json_that_means_nothing(self):
        values = [{}, {"claimToken": None}, {"claimToken": 1}, {"claimToken": {}}, {"claimToken": ""}, {"claimToken": "." * 5000},
                  {"claimToken": "a.b" * 1000}, {"claimToken": "\u0001"}, {"claimToken": "A" * 500000}, {"claimToken": "\U0001f600." * 99},
                  {"claimToken": "x", "tags": "y"}, {"claimToken": "x", "tags": [["y"]]}, {"claimToken": "x", "tags": ["y"] * 100000}]
        for value in values:
            answer = self.world.call("POST", "/v1/claimed-devices", value, key=self.key)
            self.assertEqual(answer.status, 422, f"{str(value)[:60]}: {answer.body[:200]}")
        self.still_serves()

    def test_bodies_at_their_limit_and_one_above(self):
        for size, want in ((1 << 20, 422), ((1 << 20) + 1, 413)):
            body = b"{" + b" " * (size - 2) + b"}"
            self.assertEqual(self.world.call("POST", "/v1/claimed-devices", body, "application/json", self.key).status, want)
        for size, want in ((8 << 20, 422), ((8 << 20) + 1, 413)):
            answer = self.world.call("POST", "/v1/claimed-devices", b"x" * size, "text/csv", self.key)
            self.assertIn(answer.status, (200, 422) if want == 422 else (413,))
        self.still_serves()

    def test_chunked_bodies(self):
        def chunks(body, size):
            out = b"".join(b"%x\r\n%s\r\n" % (len(body[i:i + size]), body[i:i + size]) for i in range(0, len(body), size))
            return self.head("POST", "/v1/claimed-devices", "Content-Type: application/json", "Transfer-Encoding: chunked",
                             "Connection: close") + out + b"0\r\n\r\n"

        self.assertIn(b" 422 ", self.raw(chunks(b"{\"claimToken\":\"x\"}", 1)).split(b"\r\n")[0])
        self.assertIn(b" 413 ", self.raw(chunks(b"{" + b" " * (1 << 20) + b"}", 65536)).split(b"\r\n")[0])
        head = self.head("POST", "/v1/claimed-devices", "Content-Type: application/json", "Transfer-Encoding: chunked")
        broken = (b"zz\r\n", b"-1\r\n{}\r\n", b"ffffffffffffffffffff\r\n", b"2\r\n{}", b"2\r\n{}x\r\n0\r\n\r\n")
        for _, got in self.raw_all([head + b for b in broken]):
            self.assertNotIn(b" 200 ", got[:20])
            self.assertNotIn(b" 500 ", got[:20])
        self.still_serves()

    def test_lengths_that_lie(self):
        # The last one: less than was announced is dropped without an answer that would look like one.
        lengths = ("-1", "x", "18446744073709551616", "9999999999999", "1, 2", "+5", "0x10", "50")
        for data, got in self.raw_all([self.head("POST", "/v1/claimed-devices", "Content-Type: application/json",
                                                 f"Content-Length: {n}") + b"{}" for n in lengths]):
            self.assertFalse(got.startswith(b"HTTP/1.1 2"), f"{data[-30:]}: {got[:60]}")
            self.assertNotIn(b" 500 ", got[:20])
        self.still_serves()

    def test_both_ways_to_say_a_length_is_not_two_requests(self):
        """Request smuggling: what one server takes for a body another takes for a request."""
        inner = self.head("DELETE", f"/v1/api-keys/{'0' * 8}-0000-4000-8000-{'0' * 12}")
        got = self.raw(self.head("POST", "/v1/claimed-devices", "Content-Type: application/json", "Content-Length: 4",
                                 "Transfer-Encoding: chunked") + b"2\r\n{}\r\n0\r\n\r\n" + inner)
        self.assertLessEqual(got.count(b"HTTP/1.1 "), 2)
        self.assertNotIn(b" 500 ", got)
        self.still_serves()

    def test_pipelined_requests_are_answered_in_their_order(self):
        paths = ["/v1/account", "/v1/nothing", "/v1/devices", "/v1/account"] * 5
        got = self.raw(b"".join(self.head("GET", p) for p in paths[:-1]) + self.head("GET", paths[-1], "Connection: close"))
        statuses = [int(line.split()[1]) for line in got.split(b"\r\n") if line.startswith(b"HTTP/1.1 ")]
        statuses += [int(part[:3]) for part in got.split(b"HTTP/1.1 ")[1:]][len(statuses):]
        self.assertEqual(statuses, [200, 404, 200, 200] * 5)

    def test_headers_without_end(self):
        for lines in (["X-Long: " + "a" * 100000], [f"X-{i}: {'b' * 50}" for i in range(2000)], ["X" * 40000 + ": a"]):
            got = self.raw(self.head("GET", "/v1/account", *lines))
            self.assertFalse(got.startswith(b"HTTP/1.1 2"), got[:40])
        self.assertFalse(self.raw(b"GET /" + b"a" * 100000 + b" HTTP/1.1\r\nHost: x\r\n\r\n").startswith(b"HTTP/1.1 2"))
        self.still_serves()

    def test_what_is_not_http(self):
        datas = (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"\x00" * 1000, b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\r\n" * 5000,
                     b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"GET http://evil/ HTTP/1.1\r\nHost: x\r\n\r\n", b"GET /v1/account HTTP/1.1\r\n\r\n",
                     b"GET /v1/account\x00 HTTP/1.1\r\nHost: x\r\n\r\n", b" GET /v1/account HTTP/1.1\r\nHost: x\r\n\r\n")
        for data, got in self.raw_all(datas):
            self.assertFalse(got.startswith(b"HTTP/1.1 2"), f"{data[:30]}: {got[:60]}")
        self.still_serves()

    def test_clients_that_say_nothing_keep_nobody_waiting(self):
        held = [self.world.connect() for _ in range(60)]
        try:
            for i, connection in enumerate(held):
                connection.connect()
                # Nothing, half a head, or a head whose body does not come.
                part = (b"", b"GET /v1/acc", self.head("POST", "/v1/claimed-devices", "Content-Type: application/json",
                                                     "Content-Length: 10") + b"{")[i % 3]
                connection.sock.sendall(part)
            self.still_serves()
        finally:
            for connection in held:
                connection.close()
        self.still_serves()

    def test_a_list_of_ten_thousand_rows_is_refused_whole(self):
        answer = self.world.call("POST", "/v1/claimed-devices", "a.b,x\n" * 10000, "text/csv", self.key)
        self.assertEqual(answer.status, 422)
        self.assertIn("1000", answer.json()["detail"])
        self.assertEqual(self.world.call("POST", "/v1/devices", "a\n" * 10000, "text/csv", self.key).status, 422)

    def test_lists_that_are_none(self):
        for body in (b"", b"\n\n\n", b"\xef\xbb\xbf", b"\"", b"\"a\nb", b"a\"b\"", b"\"a\"b", b"a\x00b", b"token\n", b"\"\"\""):
            answer = self.world.call("POST", "/v1/claimed-devices", body, "text/csv", self.key)
            self.assertEqual(answer.status, 422, f"{body}: {answer.body}")
        # Rows that are read, each with a reason of its own.
        body = b",\n\xff\xfe,x\n" + b"a" * 9000 + b",x\n" + b"x" + b",y" * 3000 + b"\n=cmd|' /C calc'!A0,x\n"
        answer = self.world.call("POST", "/v1/claimed-devices", body, "text/csv", self.key)
        self.assertEqual(answer.status, 200)
        self.assertEqual([f["status"] for f in answer.json()["failed"]], [422] * 5)

    def test_page_tokens_that_were_made_up(self):
        self.world.claim(self.world.devices[0])
        for token in ("", "AAAA", "ZDow", "ZDowOg", "ZDotMTo", "ZDo5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk6", "%00", "ZTowOg", "a" * 500,
                      "ZDowOicgT1IgMT0xIC0t"):
            answer = self.world.call("GET", f"/v1/devices?pageNextToken={token}", key=self.key)
            self.assertIn(answer.status, (200, 400), token)
            self.assertLessEqual(len((answer.json()).get("items", [])), 1)

    def test_texts_come_back_as_they_went(self):
        device = self.world.devices[0]
        self.world.claim(device)
        path = f"/v1/claimed-devices/{device.uuid}"
        for name in ("<script>alert(1)</script>", "'; DROP TABLE devices; --", "\u202eevil", "a\tb\nc", "%s%n", "\U0001f600" * 32,
                     "\u0001\u007f", "</title><img src=x onerror=y>"):
            answer = self.world.call("PATCH", path, {"name": name}, key=self.key)
            self.assertEqual(answer.status, 200, answer.body)
            self.assertEqual(self.world.call("GET", path, key=self.key).json()["name"], name)
            found = self.world.call("GET", "/v1/devices?search=" + "".join(f"%{b:02X}" for b in name.encode()), key=self.key)
            self.assertEqual(found.json()["total"], 1, name)
        self.assertEqual(self.world.call("PATCH", path, {"name": "n" * 129}, key=self.key).status, 422)


class ListTest(ApiCase):
    n_devices = 300

    def test_a_long_list_is_worked_off_while_others_are_served(self):
        """Both ends at once: the answer for the list comes last, and every request beside it is answered meanwhile."""
        rows = "".join(f"\"{d.token}\",\"lab|x\"\r\n" for d in self.world.devices) + "broken,x\r\n"
        connection = self.world.connect()
        connection.request("POST", "/v1/claimed-devices", rows.encode(), {
            "Content-Type": "text/csv", "Authorization": "Bearer " + self.world.keys["editor"]})
        totals = []
        while not totals or totals[-1] < len(self.world.devices):
            answer = self.world.call("GET", "/v1/devices?pageLimit=1", key=self.world.keys["viewer"])
            self.assertEqual(answer.status, 200)
            totals.append(answer.json()["total"])
        answer = connection.getresponse()
        result = json.loads(answer.read())
        connection.close()
        self.assertEqual(answer.status, 200)
        self.assertEqual(result["claimedIds"], [d.uuid for d in self.world.devices])
        self.assertEqual([(f["row"], f["status"]) for f in result["failed"]], [(301, 422)])
        between = [n for n in totals if 0 < n < len(self.world.devices)]
        print(f"served beside the list: {len(totals)} requests, {len(between)} of them in the middle of it", file=sys.stderr)
        self.assertGreater(len(between), 3)

    def test_a_client_that_leaves_does_not_stop_its_list(self):
        rows = "".join(f"{d.token}\n" for d in self.world.devices)
        connection = self.world.connect()
        connection.request("POST", "/v1/claimed-devices", rows.encode(), {
            "Content-Type": "text/csv", "Authorization": "Bearer " + self.world.keys["editor"]})
        first = 0
        while first == 0:
            first = self.world.call("GET", "/v1/devices?pageLimit=1", key=self.world.keys["viewer"]).json()["total"]
        connection.close()
        while first < len(self.world.devices):
            now = self.world.call("GET", "/v1/devices?pageLimit=1", key=self.world.keys["viewer"]).json()["total"]
            self.assertGreaterEqual(now, first)
            first = now


if __name__ == "__main__":
    http.client.HTTPConnection.debuglevel = 0
    harness.case.main()
