# SPDX-License-Identifier: Apache-2.0
"""Reads DTLS 1.2 records off the wire (RFC 6347 §4.1, §4.2.2) and says what a conversation was.

Nothing is decrypted: the record header, and the handshake headers of epoch 0, tell all that the
tests ask: how many handshakes of which kind, how many bytes, how many round trips.
"""

import struct
from dataclasses import dataclass, field

CHANGE_CIPHER_SPEC, ALERT, HANDSHAKE, APPLICATION_DATA, CID = 20, 21, 22, 23, 25
CLIENT_HELLO, SERVER_HELLO, HELLO_VERIFY_REQUEST, NEW_SESSION_TICKET = 1, 2, 3, 4
CERTIFICATE, SERVER_KEY_EXCHANGE, SERVER_HELLO_DONE, CLIENT_KEY_EXCHANGE = 11, 12, 14, 16


class Malformed(ValueError):
    pass


@dataclass(frozen=True)
class Handshake:
    type: int
    message_seq: int
    fragment_offset: int
    body: bytes


@dataclass(frozen=True)
class Record:
    type: int
    epoch: int
    sequence: int
    fragment: bytes

    def handshakes(self):
        """The handshake messages of a record that is not encrypted."""
        found = []
        if self.type != HANDSHAKE or self.epoch != 0:
            return found
        at = 0
        while at < len(self.fragment):
            if len(self.fragment) - at < 12:
                raise Malformed("handshake header cut short")
            kind = self.fragment[at]
            seq = struct.unpack_from(">H", self.fragment, at + 4)[0]
            offset = int.from_bytes(self.fragment[at + 6:at + 9], "big")
            length = int.from_bytes(self.fragment[at + 9:at + 12], "big")
            body = self.fragment[at + 12:at + 12 + length]
            if len(body) != length:
                raise Malformed("handshake fragment cut short")
            found.append(Handshake(kind, seq, offset, body))
            at += 12 + length
        return found


def records(datagram):
    found = []
    at = 0
    while at < len(datagram):
        if datagram[at] == CID:
            # The length of a connection id is only known to the two ends: take all that is left.
            found.append(Record(CID, 1, 0, datagram[at + 11:]))
            return found
        if len(datagram) - at < 13:
            raise Malformed("record header cut short")
        kind, version, epoch = struct.unpack_from(">BHH", datagram, at)
        if version not in (0xFEFD, 0xFEFF):
            raise Malformed(f"record version {version:#06x}")
        sequence = int.from_bytes(datagram[at + 5:at + 11], "big")
        length = struct.unpack_from(">H", datagram, at + 11)[0]
        fragment = datagram[at + 13:at + 13 + length]
        if len(fragment) != length:
            raise Malformed("record cut short")
        found.append(Record(kind, epoch, sequence, fragment))
        at += 13 + length
    return found


def is_client_hello(datagram):
    return any(h.type == CLIENT_HELLO for r in records(datagram) for h in r.handshakes())


def carries_application_data(datagram):
    return any(r.type in (APPLICATION_DATA, CID) and r.epoch > 0 for r in records(datagram))


@dataclass
class Conversation:
    """What went over one socket: the datagrams of one client port, in order."""

    datagrams_up: int = 0
    datagrams_down: int = 0
    bytes_up: int = 0
    bytes_down: int = 0
    client_hellos: int = 0
    hello_verify_requests: int = 0
    full_handshakes: int = 0
    abbreviated_handshakes: int = 0
    application_up: int = 0
    application_down: int = 0
    alerts_up: int = 0
    alerts_down: int = 0
    flights_answered: int = 0
    explicit_nonces: list = field(default_factory=list)
    epochs: set = field(default_factory=set)

    @property
    def bytes(self):
        return self.bytes_up + self.bytes_down

    @property
    def handshakes(self):
        return self.full_handshakes + self.abbreviated_handshakes

    def __str__(self):
        return (f"{self.bytes} B ({self.bytes_up} up, {self.bytes_down} down) in "
                f"{self.datagrams_up}+{self.datagrams_down} datagrams, "
                f"{self.flights_answered} round trips, {self.full_handshakes} full and "
                f"{self.abbreviated_handshakes} abbreviated handshakes")


def conversation(datagrams):
    """datagrams: (up, bytes) pairs, up True from client to server."""
    c = Conversation()
    server_randoms, with_certificate = set(), set()
    last_random = None
    last_up = None
    for up, data in datagrams:
        if up:
            c.datagrams_up += 1
            c.bytes_up += len(data)
        else:
            c.datagrams_down += 1
            c.bytes_down += len(data)
            if last_up:
                c.flights_answered += 1
        # Nobody waits for the answer to a goodbye.
        last_up = up and any(r.type != ALERT for r in records(data))
        for record in records(data):
            c.epochs.add(record.epoch)
            if record.type in (APPLICATION_DATA, CID):
                if up:
                    c.application_up += 1
                    c.explicit_nonces.append(record.fragment[:8])
                else:
                    c.application_down += 1
            elif record.type == ALERT:
                if up:
                    c.alerts_up += 1
                else:
                    c.alerts_down += 1
            for h in record.handshakes():
                if h.type == CLIENT_HELLO:
                    c.client_hellos += 1
                elif h.type == HELLO_VERIFY_REQUEST:
                    c.hello_verify_requests += 1
                elif h.type == SERVER_HELLO and h.fragment_offset == 0:
                    # A retransmitted ServerHello carries the same random.
                    last_random = h.body[2:34]
                    server_randoms.add(last_random)
                elif h.type == CERTIFICATE and not up and last_random:
                    with_certificate.add(last_random)
    c.full_handshakes = len(with_certificate)
    c.abbreviated_handshakes = len(server_randoms) - len(with_certificate)
    return c
