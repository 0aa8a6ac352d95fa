# SPDX-License-Identifier: Apache-2.0
"""A UDP relay between a device and its server: records every datagram, and does to it what a bad
network does. Each client port gets an upstream socket of its own, so the server sees port changes.
"""

import heapq
import itertools
import os
import random
import selectors
import socket
import struct
import threading
import time
from dataclasses import dataclass

from harness import dtls
from harness.process import LIMIT_S, Failure

HOLD = "hold"


@dataclass
class Datagram:
    time: float
    port: int  # of the client
    up: bool
    index: int  # in its direction and conversation, from 0
    data: bytes
    fate: str = "passed"

    @property
    def is_client_hello(self):
        return self.up and dtls.is_client_hello(self.data)

    @property
    def is_application_data(self):
        return dtls.carries_application_data(self.data)


def undisturbed(_relay, _datagram):
    return (0,)


class Disturbed:
    """Drops, duplicates and delays (so reorders) by a seed. The same seed takes the same decisions
    for the same sequence of datagrams in each direction."""

    def __init__(self, seed, drop=0.0, duplicate=0.0, late=0.0, late_s=0.03):
        self.random = {True: random.Random(f"{seed} up"), False: random.Random(f"{seed} down")}
        self.drop, self.duplicate, self.late, self.late_s = drop, duplicate, late, late_s

    def __call__(self, _relay, datagram):
        dice = self.random[datagram.up]
        drop, duplicate, late = dice.random(), dice.random(), dice.random()
        delay = dice.random() * self.late_s if late < self.late else 0
        if drop < self.drop:
            return ()
        return (delay, delay) if duplicate < self.duplicate else (delay,)


class Relay:
    """rule(relay, datagram) answers the delays of the copies to deliver: () drops, (0,) passes,
    (0, 0) duplicates, or HOLD, which keeps the datagram until release()."""

    def __init__(self, server_port, rule=undisturbed):
        self.server = ("127.0.0.1", server_port)
        self.rule = rule
        self.datagrams = []  # as they came, with what became of them
        self.at_client = []  # (port, up, data): as the client sent and received them
        self.flows = {}
        self._held = []
        self._due = []
        self._order = itertools.count()
        self._news = threading.Condition()
        self._selector = selectors.DefaultSelector()
        self._front = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._front.bind(("127.0.0.1", 0))
        self._front.setblocking(False)
        self.port = self._front.getsockname()[1]
        self._wake_read, self._wake_write = os.pipe()
        self._selector.register(self._front, selectors.EVENT_READ, None)
        self._selector.register(self._wake_read, selectors.EVENT_READ, None)
        self._ending = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self):
        self._ending = True
        os.write(self._wake_write, b"x")
        self._thread.join(10)
        for upstream in self.flows.values():
            upstream.close()
        self._front.close()
        self._selector.close()
        os.close(self._wake_read)
        os.close(self._wake_write)

    def _run(self):
        while not self._ending:
            wait = None
            if self._due:
                wait = max(0.0, self._due[0][0] - time.monotonic())
            for key, _ in self._selector.select(wait):
                if key.fd == self._wake_read:
                    os.read(self._wake_read, 64)
                elif key.fileobj is self._front:
                    self._read(self._front, None)
                else:
                    self._read(key.fileobj, key.data)
            self._deliver_due()

    def _read(self, sock, client):
        for _ in range(64):
            try:
                data, sender = sock.recvfrom(65536)
            except BlockingIOError:
                return
            except OSError:
                continue  # ICMP: the server is away
            up = client is None
            address = sender if up else client
            if up and address not in self.flows:
                self._open(address)
            with self._news:
                index = sum(1 for d in self.datagrams if d.port == address[1] and d.up == up)
                datagram = Datagram(time.monotonic(), address[1], up, index, data)
                self.datagrams.append(datagram)
                if up:
                    self.at_client.append((address[1], True, data))
                self._decide(datagram, address)
                self._news.notify_all()

    def _open(self, client, source="127.0.0.1"):
        upstream = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        upstream.setblocking(False)
        upstream.bind((source, 0))
        upstream.connect(self.server)
        self.flows[client] = upstream
        self._selector.register(upstream, selectors.EVENT_READ, client)

    def rebind(self, source):
        """What a NAT does that restarts: each client has another port, at `source`, and what goes to the old ones is lost.
        For rules only, before the datagram that they are asked about."""
        for client, upstream in list(self.flows.items()):
            self._selector.unregister(upstream)
            upstream.close()
            self._open(client, source)

    def _decide(self, datagram, address):
        verdict = self.rule(self, datagram)
        if verdict == HOLD:
            datagram.fate = "held"
            self._held.append((datagram, address))
            return
        if not verdict:
            datagram.fate = "dropped"
        elif len(verdict) > 1:
            datagram.fate = "duplicated"
        elif verdict[0]:
            datagram.fate = "late"
        for delay in verdict:
            heapq.heappush(self._due, (datagram.time + delay, next(self._order), datagram, address))

    def _deliver_due(self):
        while True:
            with self._news:
                if not self._due or self._due[0][0] > time.monotonic():
                    return
                _, _, datagram, address = heapq.heappop(self._due)
                if not datagram.up:
                    self.at_client.append((address[1], False, datagram.data))
                    self._news.notify_all()
            try:
                if datagram.up:
                    self.flows[address].send(datagram.data)
                else:
                    self._front.sendto(datagram.data, address)
            except OSError:
                pass  # the far end is away: as on a network, nobody is told

    def release(self):
        """Delivers what is held, in its order. Rules may call it too."""
        with self._news:
            held, self._held = self._held, []
            for datagram, address in held:
                heapq.heappush(self._due, (time.monotonic(), next(self._order), datagram, address))
        os.write(self._wake_write, b"x")

    def wait(self, accept, what, limit_s=LIMIT_S, since=0):
        """The first datagram, from number `since` on, that accept() takes."""
        deadline = time.monotonic() + limit_s
        seen = since
        with self._news:
            while True:
                for datagram in self.datagrams[seen:]:
                    if accept(datagram):
                        return datagram
                seen = len(self.datagrams)
                left = deadline - time.monotonic()
                if left <= 0:
                    raise Failure(f"the relay saw no {what} in {limit_s} s\n{self.describe()}")
                self._news.wait(left)

    def snapshot(self):
        with self._news:
            return list(self.datagrams)

    def ports(self, since=0):
        """The client's ports in the order of their first datagram, from number `since` of
        at_client on."""
        with self._news:
            return list(dict.fromkeys(p for p, _, _ in self.at_client[since:]))

    def conversation(self, port=None, since=0):
        """What the client sent and received over one of its ports (or all), from number `since`
        of at_client on."""
        with self._news:
            seen = list(self.at_client[since:])
        return dtls.conversation([(up, data) for p, up, data in seen if port in (None, p)])

    def mark(self):
        """Where at_client ends now."""
        with self._news:
            return len(self.at_client)

    def describe(self):
        def kinds_of(data):
            try:
                return ",".join("/".join([str(r.type)] + [f"h{h.type}" for h in r.handshakes()]) for r in dtls.records(data))
            except dtls.Malformed as e:
                return f"({e})"

        lines = []
        for d in self.datagrams:
            kinds = kinds_of(d.data)
            lines.append(f"{d.time:.4f} {d.port} {'->' if d.up else '<-'} {len(d.data)} B "
                         f"{kinds} {d.fate}")
        return "\n".join(lines)

    def write_pcap(self, path):
        """LINKTYPE_RAW, readable by tcpdump and Wireshark."""
        epoch = time.time() - time.monotonic()
        with open(path, "wb") as f:
            f.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101))
            for d in self.snapshot():
                source, target = (d.port, self.port) if d.up else (self.port, d.port)
                udp = struct.pack(">HHHH", source, target, 8 + len(d.data), 0) + d.data
                loopback = socket.inet_aton("127.0.0.1")
                ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0,
                                 loopback, loopback)
                checksum = sum(struct.unpack(">10H", ip))
                checksum = (checksum & 0xFFFF) + (checksum >> 16)
                checksum = ~((checksum & 0xFFFF) + (checksum >> 16)) & 0xFFFF
                packet = ip[:10] + struct.pack(">H", checksum) + ip[12:] + udp
                when = d.time + epoch
                f.write(struct.pack("<IIII", int(when), int(when % 1 * 1e6), len(packet),
                                    len(packet)))
                f.write(packet)
