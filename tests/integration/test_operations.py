# SPDX-License-Identifier: Apache-2.0
"""What operators have of onboard-service: metrics, health, an orderly end."""

import json
import re
import signal
import socket
import time
import urllib.error
import urllib.request

from harness import agent, case
from harness.process import LIMIT_S
from harness.service import Service

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
SAMPLE = re.compile(rf'({NAME})(?:\{{((?:[a-zA-Z_][a-zA-Z0-9_]*="[^"\\\n]*",?)*)\}})? ([0-9.e+-]+|\+Inf)$')


def parse(text):
    """The text format of Prometheus, strictly: {(name, labels): value}. Raises AssertionError."""
    types, helps, samples = {}, set(), {}
    current = None
    assert text.endswith("\n"), "no line feed at the end"
    for line in text.splitlines():
        if line.startswith("# HELP "):
            name, words = line[7:].split(" ", 1)
            assert name not in helps and words.endswith("."), line
            helps.add(name)
            continue
        if line.startswith("# TYPE "):
            current, kind = line[7:].split(" ")
            assert current not in types and current in helps, line
            assert kind in ("counter", "gauge", "histogram"), line
            assert kind != "counter" or current.endswith("_total"), line
            types[current] = kind
            continue
        match = SAMPLE.match(line)
        assert match, f"no sample: {line}"
        name, labels, value = match.groups()
        base = name
        if types[current] == "histogram":
            base = re.sub("_(bucket|sum|count)$", "", name)
        assert base == current, f"{name} outside of its family {current}"
        key = (name, labels or "")
        assert key not in samples, f"twice: {line}"
        samples[key] = float(value)
    for name, kind in types.items():
        if kind == "histogram":
            check_histogram(name, samples)
    return samples


def check_histogram(name, samples):
    series = {}
    for (sample, labels), value in samples.items():
        if sample == name + "_bucket":
            rest, bound = re.fullmatch(r'(.*?),?le="([^"]+)"', labels).groups()
            series.setdefault(rest, []).append((float(bound), value))
    assert series, name
    for rest, buckets in series.items():
        assert [b for b, _ in buckets] == sorted(b for b, _ in buckets), name
        assert [v for _, v in buckets] == sorted(v for _, v in buckets), name
        assert buckets[-1] == (float("inf"), samples[(name + "_count", rest)]), name
        assert (name + "_sum", rest) in samples


class TestOperations(case.Case):
    def start(self, *options):
        service = Service(self, self.pki(), options=("--ops", "127.0.0.1:0", *options)).start()
        ready = service.process.wait_line(r"ready .* ops=127.0.0.1:(\d+)$")
        self.base = f"http://127.0.0.1:{ready.group(1)}"
        return service

    def get(self, path, method="GET"):
        try:
            with urllib.request.urlopen(urllib.request.Request(self.base + path, method=method),
                                        timeout=LIMIT_S) as answer:
                return answer.status, answer.headers, answer.read().decode()
        except urllib.error.HTTPError as e:
            return e.code, e.headers, e.read().decode()

    def metrics(self):
        status, headers, text = self.get("/metrics")
        self.assertEqual(status, 200)
        self.assertEqual(headers["Content-Type"], "text/plain; version=0.0.4; charset=utf-8")
        return parse(text)

    def test_an_onboarding_is_counted_from_the_handshake_to_the_validation(self):
        service = self.start()
        before = self.metrics()
        self.assertEqual(before[("onboard_onboardings_total", "")], 0)
        self.assertEqual(before[("onboard_admission_closed", "")], 0)
        device = agent.Agent(self, service.coap_port, self.pki().root)
        service.import_identity(device.init())
        shown = agent.token_of(device.once(expect=agent.EXIT_UNCLAIMED))
        service.rest.claim(shown, ["nrf-cloud-onboarding"])
        run = device.once(expect=agent.EXIT_DONE)
        after = self.metrics()

        def grown(name, labels=""):
            return after[(name, labels)] - before.get((name, labels), 0)

        self.assertEqual(grown("onboard_onboardings_total"), 1)
        self.assertGreaterEqual(grown("onboard_handshakes_total"), 3)
        self.assertGreaterEqual(grown("onboard_commands_succeeded_total"), 2)
        self.assertEqual(grown("onboard_device_requests_total", 'resource="auth/jwt",code="2.01"'), 1)
        self.assertGreaterEqual(
            grown("onboard_device_requests_total", 'resource="p/auth-jwt",code="2.01"'), 1)
        self.assertGreaterEqual(grown("onboard_store_transaction_seconds_count", 'mode="relaxed"'), 2)
        self.assertGreaterEqual(grown("onboard_store_transaction_seconds_count", 'mode="write"'), 1)
        self.assertEqual(grown("onboard_owner_requests_total", 'status="201"'), 1)
        self.assertGreater(after[("process_resident_memory_bytes", "")], 1e6)
        # One cycle, one trace on both sides.
        trace = re.search(r"trace=([0-9a-f]{16}) cloud_auth=accepted",
                          "\n".join(service.process.texts("err"))).group(1)
        self.assertEqual(run.status["trace"], trace)

    def test_health_is_told_and_nothing_else(self):
        service = self.start()
        for word in ("live", "ready"):
            url = f"http://127.0.0.1:{service.rest_port}/health/{word}"
            with urllib.request.urlopen(url, timeout=LIMIT_S) as answer:
                self.assertEqual(json.load(answer), {"status": word})
        for path in ("/health/live", "/health/ready"):
            self.assertEqual(self.get(path)[0::2], (200, "ok\n"))
            self.assertEqual(self.get(path, "HEAD")[0], 200)
            self.assertEqual(self.get(path, "DELETE")[0], 405)
        for path in ("/", "/metrics/", "/v1/devices", "/health"):
            self.assertEqual(self.get(path)[0], 404)
        self.assertEqual(self.get("/metrics", "POST")[0], 405)

    def test_metrics_are_for_this_machine_unless_told(self):
        for address in ("0.0.0.0:0", "localhost:1"):
            service = Service(self, self.pki(), options=("--ops", address))
            with self.assertRaises(Exception):
                service.start()
            self.assertEqual(service.process.wait(), 1)
            self.assertIn(address, service.process.output())
        service = Service(self, self.pki(), options=("--ops", "0.0.0.0:0", "--ops-remote")).start()
        service.process.wait_line(r"ready .* ops=0.0.0.0:\d+$")

    def test_the_end_is_quick_with_half_open_handshakes_and_idle_connections(self):
        service = self.start()
        idle = socket.create_connection(("127.0.0.1", service.rest_port))
        self.addCleanup(idle.close)
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(udp.close)
        udp.connect(("127.0.0.1", service.coap_port))
        for _ in range(500):
            udp.send(b"\x16\xfe\xfd" + bytes(60))
        began = time.monotonic()
        service.process.end(signal.SIGTERM)
        self.assertLess(time.monotonic() - began, 10)
        self.assertEqual(service.process.popen.returncode, 0)


if __name__ == "__main__":
    case.main()
