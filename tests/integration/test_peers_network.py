# SPDX-License-Identifier: Apache-2.0
"""A network that drops, duplicates and reorders: onboarding always completes, each command is
answered once."""

from harness import agent, case, cbor
from harness.agent import Agent, Run
from harness.peer import Peer
from harness.relay import Disturbed, Relay
from harness.service import Service

UUID = "89ed369b-0fed-4194-a703-aabb7fe8130b"
BODIES = [[*cbor.keygen(UUID + ".1", 4711)], [*cbor.keygen(UUID + ".2", 4712),
                                              cbor.finished(UUID + ".3")]]
IDS = {c[0] for b in BODIES for c in b}
CLOUD_TAG = 16842753
RUNS_MAX = 4  # a run may end transient under loss; the next one goes on where it stopped


class Network(case.Case):
    def relay(self, port, rule):
        relay = Relay(port, rule)
        self.addCleanup(relay.close)
        return relay

    def complete_all(self, devices):
        """Runs the devices side by side, each as often as it needs; how often that was."""
        runs = dict.fromkeys(devices, 0)
        left = list(devices)
        while left:
            processes = [(d, d.start_once("--timeout", "50")) for d in left]
            left = []
            for device, process in processes:
                run = Run(process, process.wait())
                runs[device] += 1
                if run.exit == agent.EXIT_DONE:
                    continue
                self.assertIn(run.exit, (agent.EXIT_TIMEOUT, agent.EXIT_NETWORK),
                              process.output())
                self.assertLess(runs[device], RUNS_MAX, process.output())
                left.append(device)
        return runs

    def disturbed_peers(self, kind, rules):
        peers, devices, relays = [], [], []
        for name, rule in rules.items():
            peer = Peer(self, self.pki(), kind, bodies=BODIES).start()
            relay = self.relay(peer.port, rule)
            peers.append(peer)
            relays.append(relay)
            devices.append(Agent(self, relay.port, self.pki().root, name=f"agent-{name}",
                                 cloud={"validate": "no"},
                                 provisioning={"handshake-timeout": "40s"}))
        runs = self.complete_all(devices)
        for name, peer, relay, device in zip(rules, peers, relays, devices):
            fates = [d.fate for d in relay.snapshot()]
            print(f"    {kind} {name}: {len(fates)} datagrams, {fates.count('dropped')} dropped, "
                  f"{fates.count('duplicated')} duplicated, {fates.count('late')} late, "
                  f"{runs[device]} run(s)", flush=True)
            with self.subTest(server=kind, network=name):
                results = peer.results()
                self.assertEqual(set(results), IDS)
                self.assertEqual({len(v) for v in results.values()}, {1},
                                 "a command was answered in two ways")

    def test_duplicated_and_reordered_datagrams_change_nothing(self):
        for kind in ("openssl", "gnutls"):
            self.disturbed_peers(kind, {
                f"seed-{seed}": Disturbed(seed, duplicate=0.5, late=0.3) for seed in (1, 2)})

    def test_lost_datagrams_on_the_way_to_an_openssl_server(self):
        self.disturbed_peers("openssl", {
            f"seed-{seed}": Disturbed(seed, drop=0.2, duplicate=0.1, late=0.2)
            for seed in (3, 4, 5, 6)})

    def test_lost_datagrams_on_the_way_to_a_gnutls_server(self):
        self.disturbed_peers("gnutls", {
            f"seed-{seed}": Disturbed(seed, drop=0.08, duplicate=0.1, late=0.2)
            for seed in (7, 8)})

    def test_each_single_datagram_of_a_cycle_may_be_lost(self):
        """The n-th datagram up, or down, disappears: all at once, n by n."""
        class Lost:
            def __init__(self, up, index):
                self.up, self.index = up, index

            def __call__(self, _relay, datagram):
                return () if (datagram.up, datagram.index) == (self.up, self.index) else (0,)

        self.disturbed_peers("openssl", {
            f"{'up' if up else 'down'}-{n}": Lost(up, n) for up in (True, False)
            for n in range(0, 8)})

    def test_lost_duplicated_and_reordered_datagrams_with_our_service(self):
        service = Service(self, self.pki()).start()
        devices = []
        for seed in (11, 12, 13):
            relay = self.relay(service.coap_port,
                               Disturbed(seed, drop=0.15, duplicate=0.1, late=0.2))
            device = Agent(self, service.coap_port, self.pki().root, name=f"agent-{seed}",
                           provisioning={"handshake-timeout": "40s"})
            service.import_identity(device.init())
            service.rest.claim(agent.token_of(device.once(expect=agent.EXIT_UNCLAIMED)))
            service.rest.add_command(device.uuid,
                                     {"cloudAccessKeyGeneration": {"secTag": CLOUD_TAG}})
            service.rest.add_command(device.uuid,
                                     {"clientPrivateKeyGeneration": {"secTag": 99}})
            device.set("provisioning", port=relay.port)
            devices.append(device)
        self.complete_all(devices)
        for device in devices:
            commands = service.rest.commands(device.uuid)
            self.assertEqual(len(commands), 2)
            for command in commands:
                self.assertNotIn(command["status"], ("PENDING", "IN_PROGRESS", "FAILED"))


if __name__ == "__main__":
    case.main()
