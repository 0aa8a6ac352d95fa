# SPDX-License-Identifier: Apache-2.0
"""What a process holds: its memory, the files that it has open, and where a secret turns up in them. Needs root."""

import base64
import os
import re
import stat

from harness.process import run

PART = 16  # bytes of a secret that are as good as the whole
BASE64_PART = 12  # of them a text has 16 characters
SHADOW = 1 << 30  # mappings above this are AddressSanitizer's tables, which hold no data


class Secret:
    """One secret in the forms in which it may lie around; no form is longer than needed, so that a half is found."""

    def __init__(self, name):
        self.name = name
        self.forms = {}

    def add(self, form, value):
        """`value` in parts, as it is and, for who keeps numbers as words, the other way round."""
        for at in range(0, len(value) - PART + 1, PART):
            part = value[at:at + PART]
            self.forms[f"{form} from byte {at}"] = part
            self.forms[f"{form} from byte {at}, reversed"] = part[::-1]
            self.forms[f"{form} from byte {at}, hex"] = part.hex().encode()
        # Whatever is in front of it in a PEM, and wherever the lines end.
        for at in range(0, len(value) - BASE64_PART + 1):
            if at // 3 % (BASE64_PART // 3) == 0:
                self.forms[f"{form} from byte {at}, base64"] = base64.b64encode(value[at:at + BASE64_PART])
        return self

    def add_text(self, form, text):
        self.forms[form] = text.encode()
        return self

    def found_in(self, data):
        return [form for form, value in self.forms.items() if value in data]


def private_key(name, der):
    """A P-256 key in PKCS#8 or SEC1: its private number."""
    at = der.index(bytes.fromhex("020101 0420")) + 5
    return Secret(name).add("private number", der[at:at + 32])


def private_key_of_pem(name, path):
    text = run(["openssl", "pkcs8", "-topk8", "-nocrypt", "-in", path])
    return private_key(name, base64.b64decode("".join(re.findall(r"(?m)^[A-Za-z0-9+/=]+$", text))))


class Mapping:
    def __init__(self, name, is_locked, data):
        self.name = name
        self.is_locked = is_locked  # the one of base/locked.c
        self.data = data


class Memory:
    """A copy of all that a process has mapped and may read."""

    def __init__(self, pid):
        self.mappings = []
        with open(f"/proc/{pid}/smaps", encoding="utf-8") as f:
            regions = re.findall(r"(?ms)^([0-9a-f]+)-([0-9a-f]+) r\S+ \S+ \S+ \d+ *(.*?)$.*?^VmFlags: (.*?)$", f.read())
        with open(f"/proc/{pid}/mem", "rb", buffering=0) as f:
            for start, end, name, flags in regions:
                start, length = int(start, 16), int(end, 16) - int(start, 16)
                if length > SHADOW or name.startswith("[v"):
                    continue
                is_locked = {"dd", "wf"} <= set(flags.split())
                self.mappings.append(Mapping(name or f"{start:x}", is_locked, self._read(f, start, length)))

    @staticmethod
    def _read(f, start, length):
        f.seek(start)
        parts = []
        while length > 0:
            try:
                part = f.read(length)
            except OSError:  # a guard page, or behind the end of a file
                part = b""
            if not part:
                break
            parts.append(part)
            length -= len(part)
        return b"".join(parts)

    def size(self):
        return sum(len(m.data) for m in self.mappings)

    def find(self, secret, locked=None):
        """Lines that say where it is; with `locked` only in mappings that are, or are not, for secrets."""
        return [f"{secret.name}: {form} in {m.name}" for m in self.mappings if locked in (None, m.is_locked)
                for form in secret.found_in(m.data)]


def open_files(pid):
    """{name: content} of each regular file that a process has open, deleted ones and memfds too."""
    found = {}
    for number in os.listdir(f"/proc/{pid}/fd"):
        path = f"/proc/{pid}/fd/{number}"
        try:
            if stat.S_ISREG(os.stat(path).st_mode):
                with open(path, "rb") as f:
                    found[os.readlink(path)] = f.read()
        except OSError:
            continue  # closed meanwhile
    return found


def files_below(directory):
    found = {}
    for folder, _, names in os.walk(directory):
        for name in names:
            path = os.path.join(folder, name)
            if stat.S_ISREG(os.lstat(path).st_mode):
                with open(path, "rb") as f:
                    found[path] = f.read()
    return found


def find_in_files(files, secret):
    return [f"{secret.name}: {form} in {path}" for path, content in files.items() for form in secret.found_in(content)]
