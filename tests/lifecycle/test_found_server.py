# SPDX-License-Identifier: Apache-2.0
"""A provisioning server that the network names: by avahi-daemon on the link, by dnsmasq's DNS. Devices in namespaces of
their own, the real service on the laptop."""

from harness import case, lan
from harness.agent import Agent
from harness.pki import Pki
from harness.process import Process
from harness.service import Service

TYPE = "_onboardd-prov._udp"
TOKEN = r"^\s*([A-Za-z0-9_-]{60,}\.[A-Za-z0-9_-]{80,})\s*$"


class FoundServer(case.Case):
    def setUp(self):
        super().setUp()
        self.lan = lan.Lan(self)

    def service(self, name, state="service"):
        """One whose certificate is for `name`, under a root of its own."""
        pki = Pki(self.path("pki-" + state), name)
        service = Service(self, pki, coap=lan.LAPTOP)
        service.state = self.path(state)
        return service.start()

    def announce(self, service, *options):
        self.lan.laptop.start_avahi()
        publish = self.watch(Process(["avahi-publish", "-s", *options, "Provisioning", TYPE, str(service.coap_port)],
                                     env=self.lan.laptop.env))
        publish.wait_line("Established under name")
        return publish

    def device(self, root, services, avahi=True, **provisioning):
        machine = self.lan.plug("d0")
        if avahi:
            machine.start_avahi()
        agent = Agent(self, 5684, root, name="d0", env=machine.env,
                      provisioning={"server": "nowhere.invalid", "address": "",
                                    "lan-server-domain": "local", **provisioning})
        row = agent.init()
        for service in services:
            service.import_identity(row)
        agent.machine = machine
        return agent

    def start(self, agent, prefix=()):
        return agent.start_daemon(argv_prefix=[*agent.machine.prefix, *prefix])

    def claim(self, service, process, state="fetching"):
        service.rest.claim(process.wait_line(TOKEN).group(1), ["nrf-cloud-onboarding"])
        process.wait_line(f"new={state} ")

    def test_a_device_whose_server_nobody_configured_finds_it_on_the_link(self):
        service = self.service("laptop.local")
        self.announce(service)
        agent = self.device(service.pki.root, [service])
        process = self.start(agent)
        process.wait_line(f"server found=laptop.local port={service.coap_port}")
        process.wait_line("new=unclaimed")
        # The cloud, of which the configuration says nothing either, is where the server is.
        self.claim(service, process, "idle")
        self.assertEqual(service.rest.device(agent.uuid)["status"], "validated")
        process.end()
        # It has an owner there now, and goes back to it.
        again = self.start(agent)
        again.wait_line(f"server found=laptop.local port={service.coap_port}")
        again.wait_line("new=fetching")

    def test_the_link_names_a_server_whose_address_dns_knows(self):
        service = self.service("prov.site.test")
        self.announce(service, "-H", "prov.site.test")
        hosts = self.path("hosts")
        with open(hosts, "w", encoding="ascii") as f:
            f.write(f"127.0.0.1 localhost\n{lan.LAPTOP} prov.site.test\n")
        agent = self.device(service.pki.root, [service], **{"lan-server-domain": "site.test"})
        process = self.start(agent, ["sh", "-c", f'mount --bind {hosts} /etc/hosts && exec "$@"', "sh"])
        process.wait_line(f"server found=prov.site.test port={service.coap_port}")
        process.wait_line("new=unclaimed")

    def test_dns_names_it_where_no_avahi_is(self):
        service = self.service("prov.site.test")
        dns = self.watch(Process(
            ["dnsmasq", "--no-daemon", "--no-resolv", "--no-hosts", "--conf-file=/dev/null", "--pid-file=",
             "--user=root", f"--listen-address={lan.LAPTOP}", "--bind-interfaces", "--local=/site.test/",
             f"--address=/prov.site.test/{lan.LAPTOP}",
             f"--srv-host={TYPE}.site.test,prov.site.test,{service.coap_port}"]))
        dns.wait_line("started, version")
        resolv = self.path("resolv.conf")
        with open(resolv, "w", encoding="ascii") as f:
            f.write(f"search site.test\nnameserver {lan.LAPTOP}\n")
        agent = self.device(service.pki.root, [service], avahi=False, **{"lan-server-domain": "site.test"})
        process = self.start(agent, ["sh", "-c", f'mount --bind {resolv} /etc/resolv.conf && exec "$@"', "sh"])
        process.wait_line(f"server found=prov.site.test port={service.coap_port}")
        process.wait_line("new=unclaimed")

    def test_one_that_the_root_ca_does_not_verify_is_passed_over_for_the_configured_one(self):
        stranger = self.service("laptop.local", state="stranger")
        mine = self.service("localhost", state="mine")
        self.announce(stranger)
        agent = self.device(mine.pki.root, [stranger, mine], server="localhost", address=lan.LAPTOP,
                            port=mine.coap_port)
        process = self.start(agent)
        process.wait_line("server laptop.local, which the network names, is not taken: .*; asking localhost")
        process.wait_line("new=unclaimed")
        self.claim(mine, process)

    def test_one_with_a_certificate_for_another_name_is_passed_over(self):
        """The right CA is not enough: the name that was announced is the one that is verified."""
        service = self.service("localhost")
        self.announce(service)
        agent = self.device(service.pki.root, [service], server="localhost", address=lan.LAPTOP,
                            port=service.coap_port)
        process = self.start(agent)
        process.wait_line("server laptop.local, which the network names, is not taken")
        process.wait_line("new=unclaimed")

    def test_a_name_outside_of_the_domain_is_not_even_asked(self):
        service = self.service("localhost")
        self.announce(service)
        agent = self.device(service.pki.root, [service], server="localhost", address=lan.LAPTOP,
                            port=service.coap_port, **{"lan-server-domain": "example.com"})
        process = self.start(agent)
        process.wait_line("new=unclaimed")
        self.assertNotIn("laptop.local", process.output())

    def test_nothing_is_looked_for_without_a_domain(self):
        service = self.service("laptop.local", state="found")
        mine = self.service("localhost", state="mine")
        self.announce(service)
        agent = self.device(mine.pki.root, [mine], server="localhost", address=lan.LAPTOP, port=mine.coap_port,
                            **{"lan-server-domain": ""})
        process = self.start(agent)
        process.wait_line("new=unclaimed")
        self.assertNotIn("server found", process.output())

    def test_a_device_with_an_owner_stays_with_the_server_that_knows_it(self):
        mine = self.service("localhost")
        agent = self.device(mine.pki.root, [mine], server="localhost", address=lan.LAPTOP, port=mine.coap_port)
        process = self.start(agent)
        process.wait_line("new=unclaimed")
        self.claim(mine, process)
        process.end()
        self.announce(mine)
        again = self.start(agent)
        again.wait_line("new=fetching")
        self.assertNotIn("laptop.local", again.output())


if __name__ == "__main__":
    lan.isolate()
    case.main()
