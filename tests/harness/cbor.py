# SPDX-License-Identifier: Apache-2.0
"""The little of CBOR that the provisioning bodies need (RFC 8949, definite lengths), written apart
from the agent's codec so that both cannot be wrong in the same way."""

import struct


def _head(major, value):
    if value < 24:
        return bytes([major << 5 | value])
    for extra, size, code in ((24, 1, ">B"), (25, 2, ">H"), (26, 4, ">I"), (27, 8, ">Q")):
        if value < 1 << (8 * size):
            return bytes([major << 5 | extra]) + struct.pack(code, value)
    raise ValueError(value)


def encode(value):
    if isinstance(value, int):
        return _head(0, value) if value >= 0 else _head(1, -1 - value)
    if isinstance(value, bytes):
        return _head(2, len(value)) + value
    if isinstance(value, str):
        text = value.encode()
        return _head(3, len(text)) + text
    if isinstance(value, (list, tuple)):
        return _head(4, len(value)) + b"".join(encode(v) for v in value)
    if isinstance(value, dict):
        return _head(5, len(value)) + b"".join(encode(k) + encode(v) for k, v in value.items())
    raise TypeError(type(value))


def _decode(data, at):
    major, info = data[at] >> 5, data[at] & 31
    at += 1
    if info < 24:
        value = info
    elif info <= 27:
        size = 1 << (info - 24)
        value = int.from_bytes(data[at:at + size], "big")
        at += size
    else:
        raise ValueError("indefinite length")
    if major == 0:
        return value, at
    if major == 1:
        return -1 - value, at
    if major in (2, 3):
        text = data[at:at + value]
        if len(text) != value:
            raise ValueError("cut short")
        return (text if major == 2 else text.decode()), at + value
    if major == 4:
        items = []
        for _ in range(value):
            item, at = _decode(data, at)
            items.append(item)
        return items, at
    if major == 5:
        pairs = {}
        for _ in range(value):
            key, at = _decode(data, at)
            pairs[key], at = _decode(data, at)
        return pairs, at
    raise ValueError(f"major type {major}")


def decode(data):
    value, at = _decode(data, 0)
    if at != len(data):
        raise ValueError("bytes after the end")
    return value


# Commands of p/cmd.

def at_command(correlation, verb, parameters, ignore=()):
    return [correlation, 0, verb, parameters, list(ignore)]


def keygen(correlation, tag, content=1):
    """What a key generation request becomes: drop the old key, then generate."""
    return [at_command(correlation + ".s", "%CMNG", f"3,{tag},2", [513]),
            at_command(correlation, "%KEYGEN", f"{tag},2,{content}")]


def config(correlation, pairs):
    return [correlation, 1, pairs]


def finished(correlation):
    return [correlation, 2]
