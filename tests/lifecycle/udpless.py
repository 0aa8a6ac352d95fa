# SPDX-License-Identifier: Apache-2.0
"""A network that lets no UDP pass: the test is in a network namespace of its own, with the service; the device in another
one behind a cable, and what comes over it by UDP disappears. With that, what stands in the way of TCP: a relay that can
refuse or hold connections, and a proxy."""

import base64
import os
import socket
import ssl
import threading

from harness.agent import Agent
from harness.process import LIMIT_S, Failure, Process, run

SERVER, DEVICE = "10.98.0.1", "10.98.0.2"


class Cable:
    """Between the test, which is the device's gateway, and the device."""

    def __init__(self, case):
        self.holder = case.watch(Process(["unshare", "--net", "sh", "-c", "echo ready; exec sleep infinity"]))
        self.holder.wait_line("ready")
        run(["ip", "link", "set", "lo", "up"])
        run(["ip", "link", "add", "way", "type", "veth", "peer", "name", "eth0", "netns", str(self.holder.pid)])
        case.addCleanup(run, ["ip", "link", "delete", "way"])
        run(["ip", "address", "add", f"{SERVER}/24", "brd", "+", "dev", "way"])
        run(["ip", "link", "set", "way", "up"])
        for words in (["link", "set", "lo", "up"], ["address", "add", f"{DEVICE}/24", "dev", "eth0"],
                      ["link", "set", "eth0", "up"], ["route", "add", "default", "via", SERVER]):
            self.ip(*words)
        self.prefix = ["nsenter", f"--net=/proc/{self.holder.pid}/ns/net"]
        run(["nft", "add", "table", "inet", "way"])
        case.addCleanup(run, ["nft", "delete", "table", "inet", "way"])
        run(["nft", "add", "chain", "inet", "way", "in", "{ type filter hook input priority 0; }"])

    def ip(self, *words):
        run(["nsenter", f"--net=/proc/{self.holder.pid}/ns/net", "ip", *words])

    def drop(self, *words):
        """What the device sends and this matches is gone; nobody is told."""
        run(["nft", "add", "rule", "inet", "way", "in", "iifname", "way", *words, "drop"])

    def drop_udp(self):
        self.drop("meta", "l4proto", "udp")

    def drop_nothing(self):
        run(["nft", "flush", "chain", "inet", "way", "in"])


class Relay:
    """TCP to a port. on_connection(number) says, in a thread of the connection, whether it may pass; it may take its time."""

    def __init__(self, case, target_port, on_connection=lambda _number: True):
        self.target = ("127.0.0.1", target_port)
        self.on_connection = on_connection
        self.count = 0
        self.news = threading.Condition()
        self.listener = socket.create_server((SERVER, 0))
        self.port = self.listener.getsockname()[1]
        case.addCleanup(self.close)
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self.listener.close()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            with self.news:
                self.count += 1
                number = self.count
                self.news.notify_all()
            threading.Thread(target=self._serve, args=(client, number), daemon=True).start()

    def _serve(self, client, number):
        with client:
            target = self.choose(client, number)
            if target:
                with socket.create_connection(target) as server:
                    pass_on(client, server)

    def choose(self, client, number):
        """Where to, or None."""
        return self.target if self.on_connection(number) else None

    def wait_count(self, wanted):
        with self.news:
            if not self.news.wait_for(lambda: self.count >= wanted, LIMIT_S):
                raise Failure(f"{self.count} connections instead of {wanted} in {LIMIT_S} s")


class Proxy(Relay):
    """HTTP CONNECT with Basic authentication; keeps what it was asked for."""

    def __init__(self, case, login):
        super().__init__(case, 0)
        self.login = "Basic " + base64.b64encode(login.encode()).decode()
        self.asked = []

    def choose(self, client, number):
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            more = client.recv(4096)
            if not more:
                return None
            head += more
        lines = head.decode().split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines[1:] if ": " in line)
        if headers.get("Proxy-Authorization") != self.login:
            client.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"x\"\r\n"
                           b"Content-Length: 0\r\nConnection: close\r\n\r\n")
            return None
        method, where, _ = lines[0].split()
        self.asked.append((method, where))
        client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        return ("127.0.0.1", int(where.rpartition(":")[2]))


def pass_on(client, server):
    """Both directions until both have ended."""
    def one_way(source, target):
        try:
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            for s in (source, target):
                try:
                    s.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    back = threading.Thread(target=one_way, args=(server, client), daemon=True)
    back.start()
    one_way(client, server)
    back.join()


class Liar:
    """An HTTPS server with the right certificate: answers(path) gives the bytes of an answer, or a generator of them."""

    def __init__(self, case, pki, answers):
        self.answers = answers
        self.paths = []
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(pki.cert, pki.key)
        self.listener = socket.create_server((SERVER, 0))
        self.port = self.listener.getsockname()[1]
        case.addCleanup(self.listener.close)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        try:
            with self.context.wrap_socket(client, server_side=True) as tls, tls.makefile("rb") as lines:
                while line := lines.readline():
                    path = line.split()[1].decode().partition("?")[0]
                    self.paths.append(path)
                    while lines.readline().strip():
                        pass
                    answer = self.answers(path)
                    for part in [answer] if isinstance(answer, bytes) else answer:
                        tls.sendall(part)
                    if not answer:
                        return
        except OSError:
            pass  # the device has had enough


class DeviceBehindCable(Agent):
    """An agent whose every program runs at the other end of the cable."""

    def __init__(self, case, cable, service, root_ca=None, name="agent", **provisioning):
        super().__init__(case, service.coap_port, root_ca or service.pki.root, name=name)
        self.cable = cable
        self.set("network", wait_for_default_route="yes")
        self.set("provisioning", address=SERVER, https_port=service.rest_port, **provisioning)

    def start_once(self, *options, argv_prefix=(), **more):
        return super().start_once(*options, argv_prefix=[*self.cable.prefix, *argv_prefix], **more)
