# SPDX-License-Identifier: Apache-2.0
"""Devices that wait for an owner, as the laptop beside them sees them: every device in a network namespace of its own
with a message bus and an avahi-daemon, the laptop with another, the service on the laptop."""

import contextlib
import json
import os
import re
import socket
import stat
import struct
import urllib.request

from harness import case, lan
from harness.agent import Agent
from harness.bus import Bus
from harness.process import finish, program, run
from harness.service import Service

CTL = "onboardctl"
GROUP = "224.0.1.187"
LEISURE_S = 5
LINK = b'\x52\x45ab\xc1\x28\xff</onboardd>;rt="onboardd"'
ANNOUNCED = r"discovery announced=(\S+)"


class Discover(case.Case):
    def setUp(self):
        super().setUp()
        self.lan = lan.Lan(self)
        self.ctl = program(CTL)

    def service(self):
        return Service(self, self.pki(), coap=lan.LAPTOP).start()

    def device(self, service, name, **discovery):
        """An agent on a machine of its own, not started."""
        machine = self.lan.plug(name)
        agent = Agent(self, service.coap_port, self.pki().root, name=name, env=machine.env,
                      provisioning={"address": lan.LAPTOP},
                      discovery={"enable": "yes", **discovery})
        service.import_identity(agent.init())
        agent.machine = machine
        return agent

    def start(self, agent, avahi=True):
        if avahi:
            agent.machine.start_avahi()
        process = agent.start_daemon(argv_prefix=agent.machine.prefix)
        if agent.sections["discovery"]["enable"] == "no":
            process.wait_line("new=unclaimed")
        else:
            process.wait_line(ANNOUNCED if avahi else "discovery port=")
        return process

    def discover(self, *options, expect=0):
        return json.loads(self.lan.laptop.run([self.ctl, "discover", "--json", *options], expect=expect))

    def avahi_browse(self):
        """What an independent program sees: {instance: TXT strings}."""
        text = self.lan.laptop.run(["avahi-browse", "--parsable", "--resolve", "--terminate", "_onboardd._udp"])
        rows = [line.split(";") for line in text.splitlines() if line.startswith("=")]
        return {row[3]: re.findall(r'"([^"]*)"', row[9]) for row in rows}

    def coap(self, *options, uri):
        done = finish(["coap-client-notls", "-B", "8", *options, uri], limit_s=60)
        return (done.stdout + done.stderr).strip()

    # ---- the whole way ----

    def test_ten_devices_are_found_and_claimed_from_one_list(self):
        service = self.service()
        self.lan.laptop.start_avahi()
        agents = [self.device(service, f"d{i}", claim_token="yes") for i in range(10)]
        processes = [self.start(agent) for agent in agents]

        found = self.discover("--count", "10", "--timeout", "60s")
        self.assertEqual({d["uuid"] for d in found}, {a.uuid for a in agents})
        self.assertEqual({d["state"] for d in found}, {"unclaimed"})
        self.assertEqual({d["addresses"][0] for d in found}, {a.machine.address for a in agents})

        tokens = self.path("tokens.csv")
        self.lan.laptop.run([self.ctl, "fetch-tokens", "--out", tokens, "--tag", "bench", "--tag", "hall-3",
                             "--count", "10", "--timeout", "60s"])
        self.assertEqual(stat.S_IMODE(os.stat(tokens).st_mode), 0o600)
        with open(tokens, "rb") as f:
            request = urllib.request.Request(service.rest.base + "/claimed-devices", data=f.read(), method="POST")
        request.add_header("Authorization", "Bearer " + service.rest.api_key)
        request.add_header("Content-Type", "text/csv")
        with urllib.request.urlopen(request, timeout=60) as answer:
            claimed = json.load(answer)
        self.assertEqual(claimed["failed"], [])
        self.assertEqual(set(claimed["claimedIds"]), {a.uuid for a in agents})

        for process in processes:
            process.wait_line("old=authenticating new=fetching")
            process.wait_line("discovery ended")
        self.assertEqual(service.rest.device(agents[3].uuid)["tags"], ["bench", "hall-3"])
        # Nobody has to wait any more, and nobody announces it; Avahi here forgets them one by one.
        for _ in range(20):
            left = self.discover("--timeout", "2s")
            if not left:
                break
        self.assertEqual(left, [])

    # ---- what is announced ----

    def test_an_independent_browser_sees_uuid_state_and_version_and_no_more(self):
        service = self.service()
        self.lan.laptop.start_avahi()
        agent = self.device(service, "d0", claim_token="yes")
        self.start(agent)
        self.discover("--count", "1", "--timeout", "60s")
        seen = self.avahi_browse()
        self.assertEqual(list(seen), [agent.uuid])
        version = run([program("onboardd"), "--version"]).split()[-1]
        self.assertEqual(sorted(seen[agent.uuid]),
                         ["state=unclaimed", f"uuid={agent.uuid}", f"version={version}"])

    def test_nothing_is_announced_or_answered_unless_it_is_enabled(self):
        service = self.service()
        self.lan.laptop.start_avahi()
        agent = self.device(service, "d0", enable="no")
        self.start(agent, avahi=False)
        agent.machine.start_avahi()
        self.assertEqual(self.discover("--timeout", "2s"), [])
        listening = agent.machine.run(["ss", "-Hulnp", "sport", "=", ":5683"])
        self.assertEqual(listening, "")

    def test_a_claimed_device_closes_its_port(self):
        service = self.service()
        agent = self.device(service, "d0")
        process = self.start(agent, avahi=False)
        listening = ["ss", "-Hulnp", "sport", "=", ":5683"]
        self.assertIn("onboardd", agent.machine.run(listening))
        done = token_of_daemon(process)
        service.rest.claim(done)
        process.wait_line("discovery ended")
        self.assertEqual(agent.machine.run(listening), "")

    def test_it_is_announced_again_after_avahi_comes_late_goes_and_comes_back(self):
        service = self.service()
        self.lan.laptop.start_avahi()
        agent = self.device(service, "d0")
        process = self.start(agent, avahi=False)
        process.wait_line("avahi-daemon is not on the bus")
        avahi = agent.machine.start_avahi()
        process.wait_line(ANNOUNCED)
        self.assertEqual(self.discover("--count", "1", "--timeout", "60s")[0]["uuid"], agent.uuid)
        before = len(process.lines)
        avahi.end()
        process.wait_line("avahi-daemon is not on the bus", after=before)
        agent.machine.start_avahi()
        process.wait_line(ANNOUNCED, after=before)
        self.assertEqual(self.discover("--count", "1", "--timeout", "60s")[0]["uuid"], agent.uuid)

    def test_a_copy_of_a_device_is_told_and_goes_by_another_name(self):
        service = self.service()
        self.lan.laptop.start_avahi()
        one = self.device(service, "d0")
        self.start(one)
        other = self.device(service, "d1")
        run(["rm", "-r", other.state])
        run(["cp", "-r", one.state, other.state])
        process = self.start(other)
        process.wait_line(f"the LAN has a service {one.uuid} already: is there a copy of this device")
        name = process.wait_line(r"discovery announced=(\S+-[0-9a-f]{4})$").group(1)
        self.discover("--count", "1", "--timeout", "60s")
        self.assertIn(name, self.avahi_browse())

    def test_it_is_announced_again_after_the_bus_went(self):
        service = self.service()
        self.lan.laptop.start_avahi()
        agent = self.device(service, "d0")
        process = self.start(agent)
        before = len(process.lines)
        agent.machine.bus.process.end()
        process.wait_line("discovery: the connection to the bus is lost", after=before)
        agent.machine.bus = Bus(self, "d0.bus")
        agent.machine.start_avahi()
        process.wait_line(ANNOUNCED, after=before)
        self.assertEqual(self.discover("--count", "1", "--timeout", "60s")[0]["uuid"], agent.uuid)

    # ---- CoAP ----

    def test_coap_discovery_by_a_foreign_client(self):
        service = self.service()
        agent = self.device(service, "d0", claim_token="yes")
        process = self.start(agent, avahi=False)
        base = f"coap://{agent.machine.address}"
        self.assertEqual(self.coap(uri=base + "/.well-known/core"),
                         '</onboardd>;rt="onboardd",</onboardd/token>;rt="onboardd.token"')
        self.assertEqual(json.loads(self.coap(uri=base + "/onboardd"))["uuid"], agent.uuid)
        self.assertEqual(self.coap(uri=base + "/onboardd/token"), token_of_daemon(process))
        self.assertIn("4.05", self.coap("-m", "put", "-e", "x", uri=base + "/onboardd"))

    def test_multicast_finds_every_device(self):
        service = self.service()
        agents = [self.device(service, f"d{i}") for i in range(3)]
        for agent in agents:
            self.start(agent, avahi=False)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(lan.LAPTOP))
            answered = self.ask_group(s, (GROUP, 5683), len(agents))
        self.assertEqual(set(answered), {(a.machine.address, 5683) for a in agents})
        self.assertEqual(set(answered.values()), {LINK})

    def ask_group(self, s, group, n):
        """{sender: answer without its message id}, of n devices."""
        answered = {}
        s.settimeout(LEISURE_S + 2)
        # A group is told without acknowledgement: what gets lost is asked again.
        for number in range(10):
            # NON GET, token "ab", Uri-Path .well-known, core, Uri-Query rt=onboardd
            s.sendto(struct.pack(">BBH2s", 0x52, 1, number, b"ab") + b"\xbb.well-known\x04core\x4brt=onboardd", group)
            with contextlib.suppress(socket.timeout):
                while len(answered) < n:
                    data, sender = s.recvfrom(1500)
                    answered[sender] = data[:2] + data[4:]
        return answered

    def test_without_ipv4_all_of_it_goes_over_link_local_addresses(self):
        self.lan.allow_ipv6()
        service = self.service()
        self.lan.laptop.start_avahi(ipv6=True)
        agent = self.device(service, "d0", claim_token="yes")
        agent.machine.start_avahi(ipv6=True)
        process = self.start(agent, avahi=False)
        process.wait_line(ANNOUNCED)
        found, = self.discover("--count", "1", "--timeout", "60s")
        self.assertRegex(found["addresses"][0], r"^fe80::.*%br0$")
        tokens = self.lan.laptop.run([self.ctl, "fetch-tokens", "--count", "1", "--timeout", "60s"])
        self.assertEqual(tokens, f'"{token_of_daemon(process)}",""\n')
        # coap-client of libcoap 4.3.4 takes no zone in a URI.
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as s:
            answered = self.ask_group(s, ("ff02::fd", 5683, 0, socket.if_nametoindex("br0")), 1)
        self.assertEqual(list(answered.values()), [LINK])

    # ---- the laptop ----

    def test_a_device_that_keeps_its_token_is_named_with_what_to_do(self):
        service = self.service()
        self.lan.laptop.start_avahi()
        open_one, closed = self.device(service, "d0", claim_token="yes"), self.device(service, "d1")
        self.start(open_one)
        self.start(closed)
        done = self.lan.laptop.finish([self.ctl, "fetch-tokens", "--count", "2", "--timeout", "60s"])
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertEqual(done.stdout.count("\n"), 1)
        self.assertIn(f"{closed.uuid}: it keeps its claim token from the LAN ('claim-token' of [discovery])",
                      done.stderr)
        chosen = self.lan.laptop.finish([self.ctl, "fetch-tokens", "--timeout", "60s", open_one.uuid])
        self.assertEqual(chosen.returncode, 0, chosen.stderr)
        self.assertEqual(chosen.stdout, done.stdout)

    def test_without_avahi_the_laptop_says_so(self):
        done = self.lan.laptop.finish([self.ctl, "discover"])
        self.assertEqual(done.returncode, 1)
        self.assertIn("Install avahi-daemon on this machine", done.stderr)

    def test_too_few_devices_in_time_is_exit_code_3(self):
        self.lan.laptop.start_avahi()
        done = self.lan.laptop.finish([self.ctl, "discover", "--count", "1", "--timeout", "1s"])
        self.assertEqual(done.returncode, 3)
        self.assertIn("found 0 of 1 devices", done.stderr)


def token_of_daemon(process):
    return process.wait_line(r"^\s*([A-Za-z0-9_-]{60,}\.[A-Za-z0-9_-]{80,})\s*$").group(1)


if __name__ == "__main__":
    lan.isolate()
    case.main()
