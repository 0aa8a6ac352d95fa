# SPDX-License-Identifier: Apache-2.0
"""The link that the network matrix rests on does what it is asked to, before it judges us."""

import socket
import time

from harness import case
from harness.link import Link
from lifecycle import namespace

COUNT = 150  # fits into a socket's buffer
PATIENCE_S = 20
PORT = 7
DF = 2  # IP_PMTUDISC_DO of linux/in.h
DONT_FRAGMENT = {socket.AF_INET: (socket.IPPROTO_IP, 10), socket.AF_INET6: (socket.IPPROTO_IPV6, 23)}


class TheLink(case.Case):
    number = 0

    def link(self, **settings):
        TheLink.number += 1
        return Link(self, TheLink.number, **settings)

    def ends(self, link, family=socket.AF_INET):
        """A socket of the device that is connected to a bound one of the server."""
        v6 = family == socket.AF_INET6
        device, server = link.device.socket(family), link.server.socket(family)
        for end in (device, server):
            self.addCleanup(end.close)
            end.settimeout(PATIENCE_S)
        server.bind((link.server.v6 if v6 else link.server.v4, PORT))
        device.connect((link.server.v6 if v6 else link.server.v4, PORT))
        return device, server

    def send(self, device, count=COUNT):
        for n in range(count):
            device.send(b"%d" % n)

    def all_of(self, link, server, count=COUNT):
        """The numbers that came, once the link has had all and let go of them."""
        while True:
            up = link.stats()["up"]
            if up["packets"] == count and up["delivered"] >= up["packets"] - up["lost"] + up["duplicated"] - up["too_big"]:
                break
            time.sleep(0.01)
        server.setblocking(False)
        found = []
        try:
            while True:
                found.append(int(server.recv(64)))
        except BlockingIOError:
            server.settimeout(PATIENCE_S)
            return found

    def test_a_datagram_and_its_answer_take_a_delay_each_in_either_family(self):
        link = self.link(delay=40)
        for family in (socket.AF_INET, socket.AF_INET6):
            device, server = self.ends(link, family)
            began = time.monotonic()
            device.send(b"there")
            _, sender = server.recvfrom(64)
            there = time.monotonic() - began
            server.sendto(b"and back", sender)
            self.assertEqual(device.recv(64), b"and back")
            self.assertGreaterEqual(there, 0.040)
            self.assertGreaterEqual(time.monotonic() - began, 0.080)
        stats = link.stats()
        self.assertEqual([stats[way]["udp"] for way in ("up", "down")], [2, 2])
        self.assertEqual(stats["up"]["bytes"], 20 + 8 + 5 + 40 + 8 + 5)
        self.assertEqual(stats["up"]["delivered_bytes"], stats["up"]["bytes"])

    def test_the_same_seed_loses_the_same_datagrams_and_another_seed_others(self):
        came = []
        for seed in (7, 7, 8):
            link = self.link(loss=20, seed=seed)
            device, server = self.ends(link)
            self.send(device)
            came.append(self.all_of(link, server))
            self.assertEqual(link.stats()["up"]["lost"], COUNT - len(came[-1]))
        self.assertEqual(came[0], came[1])
        self.assertNotEqual(came[0], came[2])
        for numbers in came:
            self.assertTrue(COUNT // 10 < COUNT - len(numbers) < COUNT * 3 // 10, len(numbers))
            self.assertEqual(numbers, sorted(numbers), "overtaken without being asked to")

    def test_some_come_twice_and_nothing_else_happens(self):
        link = self.link(duplicate=20)
        device, server = self.ends(link)
        self.send(device)
        came = self.all_of(link, server)
        self.assertEqual(sorted(set(came)), list(range(COUNT)))
        self.assertEqual(len(came) - COUNT, link.stats()["up"]["duplicated"])
        self.assertGreater(len(came), COUNT)

    def test_some_are_overtaken_and_none_is_lost(self):
        link = self.link(late=20, late_by=100)
        device, server = self.ends(link)
        self.send(device)
        came = self.all_of(link, server)
        self.assertEqual(sorted(came), list(range(COUNT)))
        late = [n for i, n in enumerate(came) if any(m > n for m in came[:i])]
        self.assertTrue(0 < len(late) <= link.stats()["up"]["late"])

    def test_nothing_passes_while_it_is_down(self):
        link = self.link(down=True)
        device, server = self.ends(link)
        self.send(device, 3)
        self.assertEqual(self.all_of(link, server, 3), [])
        link.set(down=False)
        device.send(b"3")
        self.assertEqual(server.recv(64), b"3")

    def test_behind_nat_a_flow_has_another_address_and_after_rebinding_another_port(self):
        link = self.link(nat=True)
        for family, outer in ((socket.AF_INET, "10.96.%d.3"), (socket.AF_INET6, "fd98:%x::3")):
            device, server = self.ends(link, family)
            device.send(b"one")
            _, first = server.recvfrom(64)
            self.assertEqual(first[0], outer % TheLink.number)
            self.assertNotEqual(first[1], device.getsockname()[1])
            server.sendto(b"answer", first)
            self.assertEqual(device.recv(64), b"answer")
            device.send(b"two")
            self.assertEqual(server.recvfrom(64)[1], first, "a flow keeps its port")

            dropped = link.rebind()["down"]["unmapped"]
            server.sendto(b"to the old port", first)
            device.send(b"three")
            _, second = server.recvfrom(64)
            self.assertNotEqual(second[1], first[1])
            server.sendto(b"to the new port", second)
            self.assertEqual(device.recv(64), b"to the new port")
            self.assertEqual(link.stats()["down"]["unmapped"], dropped + 1)

    def test_fragments_are_counted_and_pass_nat(self):
        for family in (socket.AF_INET, socket.AF_INET6):
            link = self.link(device_mtu=1280, nat=True)
            device, server = self.ends(link, family)
            sent = bytes(range(240)) * 10
            device.send(sent)
            self.assertEqual(server.recv(4096), sent)
            up = link.stats()["up"]
            self.assertEqual((up["fragments"], up["udp"]), (2, 1))
            self.assertLessEqual(up["largest"], 1280)

    def test_a_small_path_drops_what_is_too_big_and_tells_when_asked_to(self):
        for family, mtu, headers in ((socket.AF_INET, 576, 28), (socket.AF_INET6, 1280, 48)):
            link = self.link(mtu=mtu)
            device, server = self.ends(link, family)
            device.setsockopt(*DONT_FRAGMENT[family], DF)
            device.send(bytes(mtu - headers + 1))
            device.send(bytes(mtu - headers))
            self.assertEqual(len(server.recv(4096)), mtu - headers)
            self.assertEqual(link.stats()["up"]["too_big"], 1)

            link.set(icmp=True)
            device.send(bytes(mtu - headers + 1))
            with self.assertRaises(OSError):
                device.recv(64)  # the error that came back
            with self.assertRaises(OSError):
                device.send(bytes(mtu - headers + 1))
            device.send(b"small")
            self.assertEqual(server.recv(64), b"small")

    def test_two_ends_of_their_own_and_the_counters_at_the_end(self):
        link = self.link(server_apart=True)
        device, server = self.ends(link)
        self.send(device, 5)
        self.assertEqual(self.all_of(link, server, 5), list(range(5)))
        self.assertEqual(link.close()["up"]["packets"], 5)


if __name__ == "__main__":
    namespace.enter()
    case.main()
