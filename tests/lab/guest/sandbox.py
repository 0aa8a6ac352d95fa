#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""sandbox.py FILE... -- PROGRAM [ARGUMENT...]: what systemd forbids a process before it starts it, by the directives of
a unit and its drop-ins: RestrictAddressFamilies=, SystemCallFilter=, MemoryDenyWriteExecute=. The guest has no systemd.

It says each word of them that it does not know, by failing.
"""

import ctypes
import errno
import os
import socket
import subprocess
import sys

ALLOW = 0x7fff0000
EQUAL, MASKED_EQUAL, GREATER = 4, 7, 6  # SCMP_CMP_*
PROT_WRITE, PROT_EXEC = 2, 4


class Comparison(ctypes.Structure):
    _fields_ = [("argument", ctypes.c_uint), ("how", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64)]


library = ctypes.CDLL("libseccomp.so.2")
library.seccomp_init.restype = ctypes.c_void_p
library.seccomp_rule_add_array.argtypes = [ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int, ctypes.c_uint,
                                           ctypes.POINTER(Comparison)]
library.seccomp_load.argtypes = [ctypes.c_void_p]


def refuse(number):
    return 0x00050000 | number


class Filter:
    def __init__(self, otherwise):
        self.context = library.seccomp_init(otherwise)

    def add(self, action, name, *comparisons):
        number = library.seccomp_syscall_resolve_name(name.encode())
        if number < 0:
            return  # of another architecture
        array = (Comparison * len(comparisons))(*comparisons)
        if library.seccomp_rule_add_array(self.context, action, number, len(comparisons), array) < 0:
            raise OSError(f"no rule for {name}")

    def load(self):
        if library.seccomp_load(self.context) < 0:
            raise OSError("the kernel takes no filter")


def directives(paths, name):
    """Words of all lines `name=`; an empty line forgets what was before."""
    words = []
    for path in paths:
        with open(path, encoding="utf-8") as f:
            for line in f:
                key, _, value = line.strip().partition("=")
                if key == name:
                    words = words + [value.split()] if value else []
    return words


def read_groups():
    """{"@group": its words} as this machine's systemd has them."""
    groups = {}
    for line in subprocess.run(["systemd-analyze", "--no-pager", "syscall-filter"], stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, text=True, check=True).stdout.splitlines():
        word = line.strip()
        if line.startswith("@"):
            groups[word] = []
            words = groups[word]
        elif line.startswith("#"):
            words = []  # what is in no group
        elif word and not word.startswith("#"):
            words.append(word)
    return groups


def members(group, groups):
    for word in groups[group]:
        if word.startswith("@"):
            yield from members(word, groups)
        else:
            yield word


def calls(paths):
    groups = read_groups()
    allowed = set(members("@default", groups))
    for words in directives(paths, "SystemCallFilter"):
        takes_away = words[0].startswith("~")
        words[0] = words[0].removeprefix("~")
        for word in words:
            names = set(members(word, groups)) if word.startswith("@") else {word}
            allowed = allowed - names if takes_away else allowed | names
    return allowed


def families(paths):
    return {getattr(socket, word) for words in directives(paths, "RestrictAddressFamilies") for word in words}


def main():
    at = sys.argv.index("--")
    paths, argv = sys.argv[1:at], sys.argv[at + 1:]

    sockets = Filter(ALLOW)
    known = families(paths)
    for family in range(max(known) + 1):
        if family not in known:
            sockets.add(refuse(errno.EAFNOSUPPORT), "socket", Comparison(0, EQUAL, family, 0))
    sockets.add(refuse(errno.EAFNOSUPPORT), "socket", Comparison(0, GREATER, max(known), 0))

    memory = Filter(ALLOW)
    if directives(paths, "MemoryDenyWriteExecute") == [["yes"]]:
        both = PROT_WRITE | PROT_EXEC
        memory.add(refuse(errno.EPERM), "mmap", Comparison(2, MASKED_EQUAL, both, both))
        memory.add(refuse(errno.EPERM), "mprotect", Comparison(2, MASKED_EQUAL, PROT_EXEC, PROT_EXEC))
        memory.add(refuse(errno.EPERM), "pkey_mprotect", Comparison(2, MASKED_EQUAL, PROT_EXEC, PROT_EXEC))

    everything = Filter(refuse(errno.EPERM))
    # Those that this program itself needs to load the filters are among them.
    for name in sorted(calls(paths) | {"seccomp"}):
        everything.add(ALLOW, name)

    for one in (sockets, memory, everything):
        one.load()
    os.execv(argv[0], argv)


main()
