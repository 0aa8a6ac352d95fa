# SPDX-License-Identifier: Apache-2.0
"""onboard-service with a state directory of its own, and its REST interface as an owner uses it."""

import json
import signal
import ssl
import urllib.error
import urllib.request

from harness.process import LIMIT_S, Process, program, run


class Rest:
    def __init__(self, base, api_key, context=None):
        self.base = base
        self.api_key = api_key
        self.context = context

    def call(self, method, path, body=None):
        """(status, decoded JSON or None)."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data=data, method=method)
        request.add_header("Authorization", "Bearer " + self.api_key)
        if data is not None:
            request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=LIMIT_S, context=self.context) as answer:
                text = answer.read()
                return answer.status, json.loads(text) if text else None
        except urllib.error.HTTPError as e:
            text = e.read()
            return e.code, json.loads(text) if text else None

    def want(self, status, method, path, body=None):
        got, value = self.call(method, path, body)
        allowed = status if isinstance(status, tuple) else (status,)
        if got not in allowed:
            raise AssertionError(f"{method} {path}: {got} instead of {status}: {value}")
        return value

    def claim(self, token, tags=()):
        return self.want((200, 201), "POST", "/claimed-devices",
                         {"claimToken": token, "tags": list(tags)})

    def unclaim(self, device):
        return self.want(204, "DELETE", f"/claimed-devices/{device}")

    def add_command(self, device, request, description="test"):
        return self.want(201, "POST", f"/claimed-devices/{device}/provisioning",
                         {"description": description, "request": request})["id"]

    def command(self, device, command):
        return self.want(200, "GET", f"/claimed-devices/{device}/provisioning/{command}")

    def commands(self, device):
        value = self.want(200, "GET", f"/claimed-devices/{device}/provisioning")
        return value["items"] if isinstance(value, dict) else value

    def add_rule(self, name, tag, requests):
        return self.want(201, "POST", "/provisioning-rules", {
            "name": name, "description": name, "active": True,
            "commands": [{"request": r} for r in requests], "tags": [tag]})

    def device(self, device):
        return self.want(200, "GET", f"/devices/{device}")


class Service:
    """Keeps its ports over restarts, so that devices find it again."""

    def __init__(self, case, pki, session_timeout_s=None, coap="127.0.0.1", argv_prefix=(), options=(),
                 device_rate=100000, https=False):
        self.case = case
        self.pki = pki
        self.session_timeout_s = session_timeout_s
        self.state = case.path("service")
        self.binary = program("onboard-service")
        self.coap_host = coap
        self.argv_prefix = argv_prefix
        self.options = options
        self.device_rate = device_rate  # tests are hastier than devices
        self.https = https  # for devices, so on every address
        self.coap_port = 0
        self.rest_port = 0
        self.process = None
        self.rest = None

    def start(self):
        argv = [*self.argv_prefix, self.binary, "serve", "--state", self.state,
                "--coap", f"{self.coap_host}:{self.coap_port}",
                "--rest", f"{'0.0.0.0' if self.https else '127.0.0.1'}:{self.rest_port}",
                "--cert", self.pki.cert, "--key", self.pki.key, "--root-ca", self.pki.root,
                "--device-rate", str(self.device_rate)]
        if self.session_timeout_s is not None:
            argv += ["--session-timeout", str(self.session_timeout_s)]
        if self.https:
            argv += ["--rest-cert", self.pki.cert, "--rest-key", self.pki.key]
        argv += self.options
        self.process = self.case.watch(Process(argv, name="service"))
        ready = self.process.wait_line(r"ready coap=\S+:(\d+) rest=\S+:(\d+)")
        self.coap_port, self.rest_port = int(ready.group(1)), int(ready.group(2))
        if self.rest is None:
            key = run([self.binary, "apikey", "create", "--state", self.state, "--role", "admin",
                       "--name", "test"]).split()[-1]
            if self.https:
                self.rest = Rest(f"https://localhost:{self.rest_port}/v1", key,
                                 ssl.create_default_context(cafile=self.pki.root))
            else:
                self.rest = Rest(f"http://127.0.0.1:{self.rest_port}/v1", key)
        return self

    def import_identity(self, row):
        run([self.binary, "identity", "import", "--state", self.state, "-"],
            stdin_text=row.rstrip("\n") + "\n")

    def stop(self, goodbye=True):
        self.process.end(signal.SIGTERM if goodbye else signal.SIGKILL)
