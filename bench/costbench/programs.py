# SPDX-License-Identifier: Apache-2.0
"""Instructions and sizes: of the programs, on loopback."""

import re
import subprocess

from costbench import methods, servers
from harness.process import program


def instructions(place):
    """Of the whole exchange, in millions, by callgrind: the same for the same binary."""
    found = {}
    for name, (argvs, _) in methods.METHODS.items():
        if name == methods.LOST:
            continue
        total = 0
        for argv in filter(None, argvs(place)):
            done = subprocess.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", *[str(a) for a in argv]],
                                  input="\n", capture_output=True, text=True, errors="replace", check=True)
            total += int(re.search(r"Collected : (\d+)", done.stderr).group(1))
        found[name] = total / 1e6
    return found


def peaks(place):
    """Of resident memory, in kB, of the largest of the processes. By time(1): what this interpreter forks begins with its size."""
    found = {}
    for name, (argvs, _) in methods.METHODS.items():
        if name == methods.LOST:
            continue
        found[name] = max(
            int(subprocess.run([servers.installed("time"), "-f", "%M", *[str(a) for a in argv]], input="\n", capture_output=True,
                               text=True, errors="replace", check=True).stderr.splitlines()[-1])
            for argv in filter(None, argvs(place)))
    return found


def sizes():
    names = {"onboardd": program("onboardd"), "onboardctl": program("onboardctl"), "curl": "curl",
             "coap-client-openssl": "coap-client-openssl", "coap-client-gnutls": "coap-client-gnutls"}
    return {name: servers.text_of(path) for name, path in names.items()}
