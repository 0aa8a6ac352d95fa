# SPDX-License-Identifier: Apache-2.0
"""What a browser test may ask for: a service, devices with real agents, restarts. The test is a program of its own
(JavaScript); it asks over HTTP on loopback, one JSON object {"do", …} for each wish."""

import http.server
import json
import re
import threading
import traceback

from harness import agent
from harness.agent import Agent, Run
from harness.process import Process, finish, program, run
from harness.service import Service

import qrvideo

PASSWORD = "correct horse battery staple"


class Stage:
    def __init__(self, case):
        self.case = case
        self.lock = threading.Lock()
        self.agents = {}
        self.running = {}
        self.service = Service(case, case.pki()).start()
        self.make_user("ada", "admin")

    def make_user(self, name, role):
        run([program("onboard-service"), "user", "create", "--state", self.service.state, "--name", name,
             "--role", role], stdin_text=PASSWORD + "\n")

    # What tests ask for. Each returns what JSON can say.

    def do_info(self):
        port = self.service.rest_port
        return {"origin": f"http://127.0.0.1:{port}", "apiKey": self.service.rest.api_key, "user": "ada",
                "password": PASSWORD}

    def do_user(self, name, role):
        self.make_user(name, role)

    def do_device(self, name, known=True):
        """A device fresh from the factory, which the service knows."""
        made = Agent(self.case, self.service.coap_port, self.case.pki().root, name=name)
        row = made.init()
        if known:
            self.service.import_identity(row)
        self.agents[name] = made
        return {"id": made.uuid}

    def do_token(self, name):
        """The claim token that the device shows."""
        return agent.token_of(self.agents[name].once(expect=agent.EXIT_UNCLAIMED))

    def do_film(self, name, path):
        """What a camera sees in front of the QR code that the device shows to a person; the token above the code."""
        device = self.agents[name]
        shown = self.case.watch(Process([device.binary, "--config", device.config, "--once", "--timeout", "30"], name=name))
        shown.wait()
        qrvideo.write(qrvideo.modules(shown.texts()), path)
        return next(line for line in shown.texts() if re.fullmatch(r"[A-Za-z0-9_-]{76}\.[A-Za-z0-9_-]{103}", line))

    def do_start(self, name):
        """The device runs until it was claimed and is done."""
        self.running[name] = self.agents[name].start_once("--wait-claim", "--timeout", "60")
        self.running[name].wait_json(lambda e: e.get("event") == "state" and e["new"] == "unclaimed", "unclaimed state")

    def do_finish(self, name):
        process = self.running.pop(name)
        done = Run(process, process.wait())
        return {"exit": done.exit, "outcome": done.outcome, "status": done.status}

    def do_once(self, name, expect=agent.EXIT_DONE):
        done = self.agents[name].once(expect=expect)
        return {"exit": done.exit, "outcome": done.outcome, "status": done.status}

    def do_rest(self, method, path, body=None):
        status, value = self.service.rest.call(method, path, body)
        return {"status": status, "value": value}

    def do_claim(self, name, tags=()):
        return self.service.rest.claim(self.do_token(name), list(tags))

    def do_stop_service(self, goodbye=True):
        self.service.stop(goodbye)

    def do_start_service(self):
        self.service.start()

    def do_shell(self, command):
        """A command of the portal, as a person runs it who has an API key."""
        done = finish(["sh", "-c", command], env={"API_KEY": self.service.rest.api_key})
        return {"exit": done.returncode, "out": done.stdout, "err": done.stderr}

    # How they ask.

    def serve(self):
        stage = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                wish = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status, value = stage.grant(wish)
                text = json.dumps(value).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, format, *args):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.case.addCleanup(server.server_close)
        self.case.addCleanup(server.shutdown)
        return f"http://127.0.0.1:{server.server_port}/"

    def grant(self, wish):
        method = getattr(self, "do_" + wish.pop("do"))
        try:
            with self.lock:
                return 200, method(**wish)
        except Exception as error:  # the test fails with it, where it asked
            return 500, {"error": f"{error}\n{traceback.format_exc()}"}
