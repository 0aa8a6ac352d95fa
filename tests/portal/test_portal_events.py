# SPDX-License-Identifier: Apache-2.0
"""What happens to a team's devices, as it happens: GET /v1/events."""

import json
import os
import signal
import socket
import sqlite3
import time

from harness import case
from harness.device import Device
from harness.process import LIMIT_S
from harness.service import Rest, Service

from visitor import Visitor, make_user, user_verb

HEARTBEAT_S = 15


class Stream:
    """A reader of server-sent events, as WHATWG HTML §9.2 has it."""

    def __init__(self, visitor, path="/v1/events", headers=None):
        self.connection = visitor.connect()
        visitor.send(self.connection, "GET", path, headers={"Accept": "text/event-stream", **(headers or {})})
        self.answer = self.connection.getresponse()
        self.last_id = None
        self.comments = 0

    def line(self):
        """None at the end of the stream."""
        line = self.answer.readline()
        return line.decode().rstrip("\n") if line else None

    def next(self):
        """The next event as (kind, id, data); None at the end."""
        kind, data = None, []
        while True:
            line = self.line()
            if line is None:
                return None
            if line.startswith(":"):
                self.comments += 1
            elif line == "" and data:
                return kind, self.last_id, json.loads("\n".join(data))
            elif line.startswith("id: "):
                self.last_id = line[4:]
            elif line.startswith("event: "):
                kind = line[7:]
            elif line.startswith("data: "):
                data.append(line[6:])

    def opened(self):
        """Waits until the service has said where the stream begins."""
        while self.last_id is None:
            line = self.line()
            if line.startswith("id: "):
                self.last_id = line[4:]
        return self

    def close(self):
        self.connection.close()


class TestEvents(case.Case):
    def setUp(self):
        super().setUp()
        self.service = Service(self, self.pki()).start()
        make_user(self.service, "ada")
        self.visitor = Visitor(self.service.rest_port)
        self.assertEqual(self.visitor.sign_in("ada").status, 201)

    def stream(self, visitor=None, **keywords):
        stream = Stream(visitor or self.visitor, **keywords)
        self.addCleanup(stream.close)
        self.assertEqual(stream.answer.status, 200)
        return stream.opened()

    def key_headers(self, key=None):
        return {"Authorization": "Bearer " + (key or self.service.rest.api_key)}

    def claim(self, rest=None):
        device = Device(self.directory)
        self.service.import_identity(device.row())
        (rest or self.service.rest).claim(device.claim_token(), ["t"])
        return str(device.uuid)

    def rename(self, device, times):
        for n in range(times):
            self.service.rest.want(200, "PATCH", f"/claimed-devices/{device}", {"name": f"{n} {time.monotonic()}"})

    def test_an_event_comes_as_it_happens(self):
        stream = self.stream()
        self.assertEqual(stream.answer.headers["Content-Type"], "text/event-stream")
        self.assertEqual(stream.answer.headers["Cache-Control"], "no-store")
        began = stream.last_id
        device = self.claim()
        kind, at, data = stream.next()
        self.assertEqual((kind, data["kind"], data["device"], data["id"]), ("claimed", "claimed", device, at))
        self.assertEqual(set(data), {"id", "kind", "device", "at", "trace", "detail"})
        self.assertRegex(data["at"], r"^2\d\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d\d\dZ$")
        self.assertNotEqual(began, at)
        self.service.rest.unclaim(device)
        self.assertEqual(stream.next()[0], "unclaimed")

    def test_who_comes_back_misses_nothing_and_sees_nothing_twice(self):
        device = self.claim()
        first = self.stream()
        began, seen = first.last_id, []
        self.rename(device, 3)
        seen.append(first.next()[2])
        first.close()
        self.rename(device, 150)  # more than a page
        again = self.stream(headers={"Last-Event-ID": first.last_id})
        while len(seen) < 153:
            seen.append(again.next()[2])
        ids = [e["id"] for e in seen]
        self.assertEqual(len(set(ids)), 153)
        # The header of a browser that reconnects counts for more than the URL that it began with.
        late = self.stream(path=f"/v1/events?after={began}", headers={"Last-Event-ID": ids[-2]})
        self.assertEqual(late.next()[1], ids[-1])
        whole = self.stream(path=f"/v1/events?after={began}")
        self.assertEqual([whole.next()[1] for _ in ids], ids)
        self.assertEqual({e["kind"] for e in seen}, {"renamed"})
        # Who is new sees what is new.
        fresh = self.stream()
        self.rename(device, 1)
        self.assertNotIn(fresh.next()[1], ids)

    def test_another_process_is_heard(self):
        other = Service(self, self.pki())
        other.rest = Rest("", self.service.rest.api_key)
        other.start()
        other.rest.base = f"http://127.0.0.1:{other.rest_port}/v1"
        stream = self.stream()
        device = self.claim(other.rest)
        self.assertEqual(stream.next()[2]["device"], device)

    def test_a_team_hears_of_its_own_alone(self):
        make_user(self.service, "otto", team="others")
        otto = Visitor(self.service.rest_port)
        otto.sign_in("otto")
        key = self.stream(Visitor(self.service.rest_port), headers=self.key_headers())
        theirs, ours = self.stream(otto), self.stream()
        device = self.claim()
        self.assertEqual(ours.next()[2]["device"], device)
        self.assertEqual(key.next()[2]["device"], device)
        # Nothing of it is in what they read from the beginning either.
        whole = self.stream(otto, path="/v1/events?after=0.0")
        for stream in (theirs, whole):
            stream.connection.sock.settimeout(1.5)
            with self.assertRaises(TimeoutError):
                stream.next()

    def test_it_takes_somebody_who_may(self):
        nobody = Visitor(self.service.rest_port)
        self.assertEqual(nobody.ask("GET", "/v1/events").status, 401)
        self.assertEqual(nobody.ask("GET", "/v1/events", headers=self.key_headers("wrong")).status, 401)
        for after in ("x", "1", "1.", ".1", "1.2.3", "-1.2", "1.2x", "9999999999999999999999.1", "01.1"):
            self.assertEqual(self.visitor.ask("GET", "/v1/events", headers={"Last-Event-ID": after}).status, 400, after)
            self.assertEqual(self.visitor.ask("GET", f"/v1/events?after={after}").status, 400, after)
        self.assertEqual(self.visitor.ask("POST", "/v1/events", {}).status, 405)

    def test_signing_out_ends_it(self):
        stream, other = self.stream(), Visitor(self.service.rest_port)
        other.sign_in("ada")
        stays = self.stream(other)
        self.assertEqual(self.visitor.ask("DELETE", "/v1/session").status, 204)
        self.assertIsNone(stream.next())
        device = self.claim()
        self.assertEqual(stays.next()[2]["device"], device)

    def test_it_ends_with_its_user_and_its_key(self):
        made = self.service.rest.want(201, "POST", "/api-keys", {"name": "watcher", "role": "viewer"})
        by_key = self.stream(Visitor(self.service.rest_port), headers=self.key_headers(made["key"]))
        by_user = self.stream()
        self.service.rest.want(204, "DELETE", f"/api-keys/{made['id']}")
        self.assertEqual(user_verb(self.service, "remove", "--name", "ada").returncode, 0)
        began = time.monotonic()
        self.assertIsNone(by_key.next())
        self.assertIsNone(by_user.next())
        self.assertLess(time.monotonic() - began, LIMIT_S / 2)

    def test_not_too_many_watch(self):
        key = self.key_headers()
        nobody = Visitor(self.service.rest_port)
        streams = [self.stream(nobody, headers=key) for _ in range(16)]
        answer = nobody.ask("GET", "/v1/events", headers=key)
        self.assertEqual(answer.status, 429)
        self.assertEqual(answer.headers["Retry-After"], "30")
        others = self.stream()
        # Who goes makes room, once that is noticed.
        streams.pop().close()
        deadline = time.monotonic() + LIMIT_S
        device = self.claim()
        while nobody.ask("GET", "/v1/account", headers=key).status == 200:
            again = Stream(nobody, headers=key)
            self.addCleanup(again.close)
            if again.answer.status == 200:
                break
            self.assertLess(time.monotonic(), deadline)
            self.rename(device, 1)
        for stream in streams + [others]:
            self.assertEqual(stream.next()[2]["device"], device)

    def test_a_service_that_stops_ends_its_streams(self):
        streams = [self.stream() for _ in range(3)]
        self.assertEqual(self.service.process.end(signal.SIGTERM), 0)
        for stream in streams:
            self.assertIsNone(stream.next())

    def test_silence_is_broken_and_slow_readers_are_dropped(self):
        """Both take the same 15 s."""
        quiet = self.stream()
        with sqlite3.connect(os.path.join(self.service.state, "service.db"), timeout=30) as db:
            team = db.execute("SELECT id FROM teams WHERE name = 'default'").fetchone()[0]
            device = "50363154-3931-44f0-8022-121b6401627d"
            detail = json.dumps({"text": "x" * 4000})
            db.executemany("INSERT INTO events (team, device, kind, trace, detail, at_ms) VALUES (?, ?, 'renamed', '', ?, 1)",
                           ((team, device, detail) for _ in range(4000)))
        slow = Visitor(self.service.rest_port).connect()
        slow.sock = socket.socket()
        slow.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.sock.connect(("127.0.0.1", self.service.rest_port))
        self.visitor.send(slow, "GET", "/v1/events?after=0.0")
        # A reader that keeps up gets all of it meanwhile.
        count, good = 0, self.stream(path="/v1/events?after=0.0")
        while count < 4000:
            count += good.next()[0] == "renamed"
        for _ in range(4000):
            quiet.next()
        began = time.monotonic()
        while quiet.comments == 0:
            if quiet.line().startswith(":"):
                quiet.comments += 1
        self.assertLess(time.monotonic() - began, HEARTBEAT_S + LIMIT_S / 4)
        # Some of it is in buffers; the rest never came.
        slow.sock.settimeout(LIMIT_S)
        got = 0
        try:
            while True:
                part = slow.sock.recv(65536)
                if not part:
                    break
                got += len(part)
        except ConnectionResetError:
            pass
        self.assertLess(got, 4000 * 4000)
        slow.close()


if __name__ == "__main__":
    case.main()
