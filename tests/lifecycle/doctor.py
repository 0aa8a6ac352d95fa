# SPDX-License-Identifier: Apache-2.0
"""A network with everything that a device needs, and a device in it that is whole until a fault is put into it."""

import http.server
import json
import os
import threading

from harness.agent import Agent
from harness.bus import Bus
from harness.pki import Pki
from harness.process import Process, finish, program
from harness.service import Service

import namespace

SERVER = "provisioning.test"
# Who serves, by the last part of the address.
WORLD, NOBODY, FILTER, LIAR, LOGIN, PORTAL_DNS, PORTAL = 1, 66, 53, 54, 80, 55, 81
CLOUD_TAG = 16842753


def address(host):
    return f"{namespace.PREFIX}.0.{host}"


class Web(http.server.BaseHTTPRequestHandler):
    """An empty page to the open web, and what two kinds of portals make of it."""

    def do_GET(self):
        host = self.server.server_address[0]
        status = {address(LOGIN): 302, address(PORTAL): 200}.get(host, 204)
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "http://login.example/?from=onboardd")
        if status == 200:
            self.send_header("Content-Length", "11")
        self.end_headers()
        if status == 200:
            self.wfile.write(b"Log in here")

    def log_message(self, *_):
        pass


class World:
    """What all devices share: DNS, the web, the service. `case` ends it."""

    def __init__(self, case):
        self.case = case
        namespace.build_bridge(case, WORLD, FILTER, LIAR, LOGIN, PORTAL_DNS, PORTAL)
        self.pki = Pki(case.path("pki"), SERVER)
        self.service = Service(case, self.pki, coap=address(WORLD)).start()
        self.resolver(WORLD, f"--host-record={SERVER},{address(WORLD)}", f"--host-record=web.test,{address(WORLD)}",
                      f"--host-record=login.test,{address(LOGIN)}")
        self.resolver(FILTER, f"--address=/{SERVER}/0.0.0.0")
        self.resolver(LIAR, f"--address=/#/{address(NOBODY)}")
        self.resolver(PORTAL_DNS, f"--address=/#/{address(PORTAL)}")
        for host in (WORLD, LOGIN, PORTAL):
            server = http.server.ThreadingHTTPServer((address(host), 80), Web)
            threading.Thread(target=server.serve_forever, daemon=True).start()
            case.addCleanup(server.server_close)
            case.addCleanup(server.shutdown)

    def resolver(self, host, *options):
        process = self.case.watch(Process([
            "dnsmasq", "--no-daemon", "--conf-file=/dev/null", "--no-resolv", "--no-hosts",
            "--local-ttl=0", f"--listen-address={address(host)}", "--bind-interfaces",
            *options]))
        process.wait_line("started")


class Patient:
    """One device with a fault. By default its daemon runs, and nobody has claimed it."""

    def __init__(self, world, number, plugged=True, configured=True, mtu=1500, **sections):
        self.world = world
        self.case = world.case
        self.name = f"device-{number}"
        self.network = namespace.Device(self.case, number)
        if plugged:
            self.network.plug_in(mtu)
        if plugged and configured:
            self.network.configure()
        self.bus = Bus(self.case, f"bus-{number}")
        self.runtime = self.case.path(f"run-{number}")
        os.mkdir(self.runtime)
        self.env = {**self.bus.env, "RUNTIME_DIRECTORY": self.runtime}
        self.agent = Agent(self.case, world.service.coap_port, world.pki.root, name=self.name)
        self.agent.set("provisioning", server=SERVER, address="")
        self.agent.set("network", wait_for_default_route="yes", captive_portal_url="http://web.test/")
        for section, keys in sections.items():
            self.agent.set(section, **keys)
        self.daemon = None

    def state_path(self, name):
        return os.path.join(self.agent.state, name)

    def init(self):
        """Makes store and identity; the service knows it then."""
        self.world.service.import_identity(self.agent.init(env=self.env))

    def start(self, env=None, served=True):
        """served False: it is expected to end by itself."""
        self.daemon = self.agent.start_daemon(env={**self.env, **(env or {})}, argv_prefix=self.network.argv_prefix())
        if served:
            self.daemon.wait_line(r"state old=booting")
        else:
            self.daemon.wait()

    def ctl(self, *arguments, env=None, expect=0):
        done = finish([*self.network.argv_prefix(), program("onboardctl"), *arguments], {**self.env, **(env or {})})
        self.case.assertEqual(done.returncode, expect, f"{self.name}: {arguments}\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def claim(self):
        self.ctl("status", "--wait", "unclaimed", "--timeout", "60")
        self.world.service.rest.claim(self.ctl("token", "--raw").strip())
        self.world.service.rest.add_command(self.agent.uuid, {"cloudAccessKeyGeneration": {"secTag": CLOUD_TAG}})
        self.ctl("status", "--wait", "idle", "--timeout", "60")

    def check(self, env=None):
        """(exit code, the report) of onboardctl check."""
        done = finish([*self.network.argv_prefix(), program("onboardctl"), "check", "--json", "--config",
                       self.agent.config], {**self.env, **(env or {})})
        try:
            return done.returncode, json.loads(done.stdout)
        except json.JSONDecodeError:
            raise AssertionError(f"{self.name}: exit {done.returncode}\n{done.stdout}\n{done.stderr}") from None


def damage(path):
    """Overwrites a good part of the file."""
    with open(path, "r+b") as f:
        f.seek(100)
        f.write(os.urandom(max(0, os.path.getsize(path) - 100)))

