# SPDX-License-Identifier: Apache-2.0
"""The guest as its systemd sees it, the agent in it as its journal does, and the owner, who is at the service."""

import contextlib
import glob
import json
import os
import re
import select
import signal
import ssl

from harness import dtls
from harness.kernelcapture import KernelCapture
from harness.process import LIMIT_S, Failure, Process, finish, run
from harness.service import Rest

AGENT = "onboardd.service"
SERVICE = "onboard-service.service"
SERVER = "provisioning.example.com"
COAP_PORT = 5684
UPLINK = "uplink"
STATE = "/var/lib/onboardd"
TAG = "nrf-cloud-onboarding"
CLOUD_TAG = 16842753


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def write(path, text):
    """It is there after a power cut."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
        f.flush()
        os.fsync(f.fileno())


def systemctl(*words, expect=0):
    return run(["systemctl", *words], expect=expect)


def show(unit, name):
    """A property of a unit."""
    return systemctl("show", "--value", "-p", name, unit).strip()


def entries(*matches, unit=AGENT):
    """What the journal has of a unit, oldest first, a dict each."""
    run(["journalctl", "--sync"])
    text = run(["journalctl", "-b", "-q", "-o", "json", "--all", "--no-pager", "-u", unit, *matches])
    return [json.loads(line) for line in text.splitlines()]


class Log:
    """The journal of a unit from now on, as it comes; or of this boot."""

    def __init__(self, case, unit=AGENT, whole=False):
        self.process = case.watch(Process(["journalctl", "-f", "-o", "json", "--all", "-b", "-n", "all" if whole else "0",
                                           "-u", unit], name=f"journal-{unit}"))
        if not whole:
            # It reads from its start on, not from when it was asked to start.
            run(["journalctl", "--sync"])
        self.seen = 0

    def wait(self, pattern=None, limit_s=LIMIT_S, **fields):
        """The next entry whose message matches, and that has these fields; what comes before it is passed over."""
        def find(lines):
            texts = [text for stream, text in lines if stream == "out"]
            for at in range(self.seen, len(texts)):
                entry = json.loads(texts[at])
                if re.search(pattern or "", str(entry.get("MESSAGE"))) and fields.items() <= entry.items():
                    self.seen = at + 1
                    return entry
            return None

        return self.process.wait_for(find, f"entry {pattern or ''} {fields or ''}", limit_s)

    def wait_resumed(self):
        """Until the session of before is in use again, by the agent's next process."""
        return self.wait(r'old=connecting new=\S+ trace=\S+ why="session resumed"')

    def wait_state(self, state, limit_s=LIMIT_S):
        return self.wait(STATE=state, limit_s=limit_s)


def onboardctl(*words, expect=0):
    return run(["onboardctl", *words], expect=expect)


def status():
    return json.loads(onboardctl("status", "--json"))


def owner():
    """The owner's side of the REST interface."""
    return Rest(f"https://{SERVER}:8443/v1", read("/root/api-key").strip(),
                ssl.create_default_context(cafile="/etc/onboardd/root-ca.pem"))


def shown_token(log):
    """The claim token, from the journal, which is what the console shows."""
    log.wait("BEGIN ATTESTATION TOKEN")
    return log.wait(r"^\S{60,}$")["MESSAGE"]


def capture():
    """The datagrams between device and service, until it is closed."""
    return KernelCapture(COAP_PORT, UPLINK)


def ports_of_handshakes(packets):
    """{the device's port: how often it said ClientHello from there}: one port for provisioning, one for the cloud."""
    found = {}
    for packet in packets:
        hellos = sum(handshake.type == dtls.CLIENT_HELLO
                     for record in dtls.records(packet.data) for handshake in record.handshakes())
        port = packet.source[1]
        if packet.target[1] == COAP_PORT and hellos:
            found[port] = found.get(port, 0) + hellos
    return found


def wait_running():
    """How the system stands when it has started everything."""
    return finish(["systemctl", "is-system-running", "--wait"]).stdout.strip()


def begin_install(*packages):
    """By dpkg, with the maintainer scripts and a running systemd."""
    files = [path for pattern in packages for path in glob.glob(f"/packages/{pattern}")]
    return Process(["dpkg", "--force-confold", "-i", *files], env={"DEBIAN_FRONTEND": "noninteractive"}, name="dpkg")


def install(*packages):
    """(exit status, what was said)"""
    process = begin_install(*packages)
    return process.wait(3 * LIMIT_S), process.output()


class Holds:
    """The places at which a test holds the agent: the commands of [hooks]. There a session is put away, and commands are not
    yet executed (offline), or executed and not yet reported (online). Where no hold is set, the agent passes."""

    PLACE = "/run/vm"

    def __init__(self):
        os.makedirs(self.PLACE, exist_ok=True)
        write("/etc/onboardd/conf.d/hooks.conf", "[hooks]\noffline = /usr/local/lib/vm-hold\nonline = /usr/local/lib/vm-hold\n"
                                                 "timeout = 5min\n")

    def _path(self, name):
        return os.path.join(self.PLACE, name)

    def set(self, name):
        os.mkfifo(self._path(name))
        os.chmod(self._path(name), 0o666)

    def set_at_boot(self, name):
        """The agent is not past it when the test begins."""
        write("/etc/tmpfiles.d/vm-hold.conf", f"d {self.PLACE} 0755\np {self._path(name)} 0666\n")

    def wait(self, name):
        """Until the agent is there."""
        fd = os.open(self._path(name), os.O_RDONLY | os.O_NONBLOCK)
        with open(fd, encoding="ascii") as f:
            if not select.select([fd], [], [], 2 * LIMIT_S)[0]:
                raise Failure(f"the agent did not get to the hold '{name}'")
            f.read()

    def lift(self, name):
        """Who comes by later passes; who is held there stays."""
        os.rename(self._path(name), self._path(name + ".lifted"))

    def release_if_held(self, name):
        """Where the command may have ended with the agent."""
        with contextlib.suppress(OSError):
            fd = os.open(self._path(name), os.O_WRONLY | os.O_NONBLOCK)
            os.write(fd, b"go\n")
            os.close(fd)

    def release(self, name):
        """Lets the agent go on. Where it is not, this ends the test."""
        signal.alarm(int(LIMIT_S))
        with open(self._path(name), "w", encoding="ascii") as f:
            f.write("go\n")
        signal.alarm(0)


