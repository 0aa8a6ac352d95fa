# SPDX-License-Identifier: Apache-2.0
"""The README's section "Install it", followed command by command on machines that had nothing, and what came of it.

No systemd runs here: `systemctl enable` does what it says, `systemctl start` says that it does nothing. That the units start is for a
machine to show that boots."""

import re
import subprocess

from harness.process import Process
from machine import CLONE, Case, Machine, fresh, packages
from readme import blocks

SECTION = "Install it"
PASSWORD = "correct horse battery staple\n"
TLS = "/etc/onboard-service/tls"


def follow(machine, heading, directory="/root", only=lambda block: True, but=lambda block: False):
    """Every block below the heading: each command has to succeed."""
    n = 0
    for block in blocks(SECTION, heading):
        if not only(block) or but(block):
            continue
        if block.is_file():
            machine.write(*block.file())
            continue
        for command in block.commands():
            machine.run(command, directory, stdin=PASSWORD if "user create" in command else "")
            n += 1
    print(f"{n} commands; ", end="")
    return n


def is_for_service(block):
    return "where the service runs" in block.intro


class Readme(Case):
    def enabled(self, machine, unit):
        return machine.attempt(f"systemctl is-enabled {unit}").stdout.strip()

    def test_0_every_block_is_of_a_machine_that_follows_it(self):
        self.assertEqual({b.heading for b in blocks(SECTION)}, {"Packages", "A service", "A device", "From source"})
        self.assertEqual(len([b for b in blocks(SECTION, "A device") if is_for_service(b)]), 1)

    def test_1_a_service(self):
        machine = fresh("service", "onboard-service")
        first = blocks(SECTION, "A service")[0].commands()[0]
        machine.run(first)
        self.assertEqual(self.enabled(machine, "onboard-service"), "disabled")
        self.assertGreater(follow(machine, "A service"), 4)
        self.assertRegex(machine.run("onboard-service --version"), r"^onboard-service \d+\.\d+\.\d+\n$")
        self.assertIn("serve", machine.run("onboard-service --help"))
        self.assertEqual(self.enabled(machine, "onboard-service"), "enabled")
        self.assertEqual(machine.owner("/var/lib/onboard-service"), "onboard-service:onboard-service 700")
        self.assertEqual(machine.owner(f"{TLS}/server.key"), "root:root 600")
        self.assertEqual(machine.owner("/root/api-key"), "root:root 600")
        self.assertRegex(machine.read("/root/api-key"), r"^\S+\n$")
        self.assertIn("provisioning.example.com", machine.run(f"openssl x509 -in {TLS}/server.pem -noout -ext subjectAltName"))

    def test_2_a_device(self):
        machine = fresh("device", "onboardd", "onboardctl")
        service = fresh("service", "onboard-service")
        machine.run(blocks(SECTION, "A device")[0].commands()[0])
        self.assertEqual(self.enabled(machine, "onboardd"), "disabled")
        self.assertGreater(follow(machine, "A device", but=is_for_service), 2)
        machine.copy_to(service, "/root/identity.csv", "/root/")
        self.assertEqual(follow(service, "A device", only=is_for_service), 1)
        service.copy_to(machine, f"{TLS}/root-ca.pem", "/etc/onboardd/")

        self.assertRegex(machine.run("onboardd --version"), r"^onboardd \d+\.\d+\.\d+\n$")
        for command in ("onboardd --help", "onboardctl --help", "onboardctl help status"):
            machine.run(command)
        self.assertEqual(self.enabled(machine, "onboardd"), "enabled")
        self.assertEqual(machine.run("id -gn onboardd"), "onboardd\n")
        self.assertIn("onboardd.service", machine.run("systemctl list-unit-files"))
        # The conffile that the README overwrites is the one that the daemon reads, as its own user.
        machine.run("runuser -u onboardd -- cat /etc/onboardd/onboardd.conf /etc/onboardd/root-ca.pem")
        self.assertIn("This device belongs to nobody yet", machine.run("journalctl --list-catalog"))

    def test_3_the_two_that_were_installed_know_each_other(self):
        """By the command of the unit, in place of systemd, on a network of nothing but this machine."""
        service, device = fresh("service", "onboard-service"), fresh("device", "onboardd", "onboardctl")
        device.write("/etc/onboardd/conf.d/here.conf",
                     "[provisioning]\naddress = 127.0.0.1\n[network]\nwait-for-default-route = no\n[discovery]\nenable = no\n")
        network = Process(["unshare", "--net", "sh", "-c", "ip link set lo up && echo up && exec sleep infinity"])
        self.addCleanup(network.end)
        network.wait_line("^up$")
        # The /proc outside is of other processes.
        there = ["nsenter", "--net=" + service.path(f"/proc/{network.pid}/ns/net"), "--"]
        serving = Process(there + service.argv(
            "exec onboard-service serve --state /var/lib/onboard-service --coap 127.0.0.1:5684 --rest 127.0.0.1:8443 "
            f"--cert {TLS}/server.pem --key {TLS}/server.key --root-ca {TLS}/root-ca.pem "
            f"--rest-cert {TLS}/server.pem --rest-key {TLS}/server.key"), name="onboard-service")
        self.addCleanup(serving.end)
        serving.wait_line("^ready coap=")
        once = Process(there + device.argv("exec onboardd --once --json"), name="onboardd")
        # Known, as its identity was imported, and nobody's.
        self.assertEqual(once.wait(), 5, once.output() + serving.output())
        self.assertIn("claim token", once.output())

    def test_4_from_source(self):
        machine = Machine("source")
        machine.clone()
        machine.run("apt-get -qq update")
        self.assertGreater(follow(machine, "From source", CLONE), 6)
        self.assertRegex(machine.run("onboardd --version"), r"^onboardd \d+\.\d+\.\d+\n$")
        self.assertIn("onboardctl", machine.run("onboardctl --help"))
        self.assertEqual(machine.owner("/var/lib/onboard-service"), "onboard-service:onboard-service 700")
        self.assertIn("onboard-service.service", machine.run("systemctl list-unit-files"))
        # The same files as the packages', but for what is Debian's own.
        for package in packages():
            for line in subprocess.run(["dpkg-deb", "-c", package], text=True, capture_output=True, check=True).stdout.splitlines():
                name = line.split(" ./")[1]
                if name.endswith("/") or re.match(r"usr/share/(doc/[^/]+/(changelog|copyright)|lintian)|etc/onboardd/onboardd\.conf", name):
                    continue
                found = re.sub(r"^lib/systemd/", "usr/lib/systemd/", re.sub(r"(/man/.*)\.gz$", r"\1", name))
                self.assertTrue(machine.has("/" + found), found)
