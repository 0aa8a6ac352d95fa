# SPDX-License-Identifier: Apache-2.0
"""A service with two teams, keys of every role, devices that can be claimed, and HTTP without a library's manners."""

import http.client
import json
import os
import subprocess

from harness.case import Case
from harness.process import LIMIT_S, run
from harness.service import Service

KEY = object()  # "the key of the role that the operation needs"


class Answer:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def media_type(self):
        return (self.headers.get("Content-Type") or "").partition(";")[0]

    def json(self):
        return json.loads(self.body) if self.body else None


class Device:
    def __init__(self, line):
        self.uuid, self.hardware, self.key, self.token, self.jwt = line.split(",")
        self.row = f"{self.uuid},{self.hardware},{self.key}"


def probe(*arguments):
    return subprocess.run([os.environ["API_PROBE"], *arguments], check=True, stdout=subprocess.PIPE, text=True,
                          timeout=LIMIT_S).stdout


class World:
    def __init__(self, case, n_devices=4, options=()):
        self.service = Service(case, case.pki(), options=options).start()
        self.keys = {"none": None, "bad": "onboard_" + "A" * 43}
        for role in ("viewer", "editor", "admin"):
            self.keys[role] = self.key(role, "default")
        self.keys["other"] = self.key("admin", "others")
        self.devices = [Device(line) for line in probe("devices", str(n_devices)).split()]
        run([self.service.binary, "identity", "import", "--state", self.service.state, "-"],
            stdin_text="".join(d.row + "\n" for d in self.devices))

    def key(self, role, team):
        return run([self.service.binary, "apikey", "create", "--state", self.service.state, "--team", team,
                    "--role", role, "--name", f"{role} of {team}"]).split()[-1]

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.service.rest_port, timeout=LIMIT_S)

    def call(self, method, path, body=None, media_type=None, key=None, headers=None):
        """body: bytes, text, or a value that becomes JSON. path is sent as it is."""
        if body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body)
            media_type = media_type or "application/json"
        if isinstance(body, str):
            body = body.encode()
        sent = {} if key is None else {"Authorization": "Bearer " + key}
        if media_type:
            sent["Content-Type"] = media_type
        sent.update(headers or {})
        connection = self.connect()
        try:
            try:
                connection.request(method, path, body=body, headers=sent)
            except BrokenPipeError:
                pass  # refused by its head alone: the answer is there
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read())
        finally:
            connection.close()

    def claim(self, device, role="editor", tags=()):
        answer = self.call("POST", "/v1/claimed-devices", {"claimToken": device.token, "tags": list(tags)},
                           key=self.keys[role])
        assert answer.status in (200, 201), answer.body
        return answer.json()

    def fetch(self, device):
        """The device asks for its commands, as over CoAP."""
        return int(probe("fetch", os.path.join(self.service.state, "service.db"), device.uuid))

    def prove(self, device):
        """The device is somebody's and has a cloud access key: the tokens that it shows are keys of the world."""
        self.claim(device, tags=["proved"])
        self.keys["device"] = device.jwt
        self.keys["cloud"] = probe("cloud", os.path.join(self.service.state, "service.db"), device.uuid).strip()

    def certify(self, device, serial):
        """The device has a certificate of the service's CA."""
        probe("certificate", os.path.join(self.service.state, "service.db"), device.uuid, serial)

    def public_key(self, case):
        """A fresh P-256 public key in PEM."""
        path = case.path("listed.key")
        subprocess.run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", path],
                       check=True, stderr=subprocess.DEVNULL)
        return subprocess.run(["openssl", "pkey", "-in", path, "-pubout"], check=True, stdout=subprocess.PIPE,
                              text=True).stdout


class ApiCase(Case):
    """One world for all cases of a class: each makes what it changes."""
    n_devices = 4

    def setUp(self):
        super().setUp()
        self.world = World(self, self.n_devices)
