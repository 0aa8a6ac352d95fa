# SPDX-License-Identifier: Apache-2.0
"""What can be checked here of the examples for systems that are not here."""

import os
import re
import subprocess

from harness.process import Process
from machine import CLONE, SOURCE, Case, Machine, fresh

OPENWRT = os.path.join(SOURCE, "packaging/openwrt")
RECIPE = os.path.join(SOURCE, "packaging/yocto/onboardd_0.1.0.bb")

# Stands in for procd: says what it is asked for.
RC_COMMON = """
procd_open_instance() { :; }
procd_close_instance() { :; }
procd_set_param() { printf '%s\\n' "$*"; }
procd_send_signal() { printf 'signal %s\\n' "$*"; }
extra_command() { EXTRA="$EXTRA $1"; }
. "$1"
"$2"
"""


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


class Examples(Case):
    def test_each_says_what_was_and_was_not_run(self):
        for path in (RECIPE, os.path.join(OPENWRT, "Makefile")):
            head = read(path)[:900]
            self.assertIn("EXAMPLE", head)
            self.assertIn("# Not run:", head)

    def test_they_are_of_this_version_and_use_options_that_exist(self):
        version = re.search(r"^project\(onboardd VERSION (\S+)", read(os.path.join(SOURCE, "CMakeLists.txt")), re.MULTILINE).group(1)
        options = set(re.findall(r"^(?:option|set)\((ONBOARD_\w+)", read(os.path.join(SOURCE, "cmake/Onboard.cmake")), re.MULTILINE))
        self.assertIn(f"_{version}.bb", RECIPE)
        self.assertIn(f"PKG_VERSION:={version}\n", read(os.path.join(OPENWRT, "Makefile")))
        for path in (RECIPE, os.path.join(OPENWRT, "Makefile")):
            used = set(re.findall(r"-D(ONBOARD_\w+)=", read(path)))
            self.assertTrue(used)
            self.assertLessEqual(used, options, path)

    def test_the_recipes_licence_is_the_file_that_it_names(self):
        said = subprocess.run(["md5sum", os.path.join(SOURCE, "LICENSE")], text=True, capture_output=True, check=True).stdout.split()[0]
        self.assertIn(f"LICENSE;md5={said}", read(RECIPE))

    def test_a_build_for_a_device_needs_nothing_of_the_service(self):
        machine = Machine("source")
        if not machine.has(CLONE):
            machine.clone()
        options = " ".join(sorted(set(re.findall(r"-DONBOARD_(?:TESTS|SERVICE|HARDEN|SMALL)=\w+", read(RECIPE)))))
        machine.run(f"cmake -S {CLONE} -B /root/for-device -G Ninja {options} && cmake --build /root/for-device && "
                    "DESTDIR=/root/image cmake --install /root/for-device --prefix /usr >/root/installed")
        cache = machine.read("/root/for-device/CMakeCache.txt")
        for name in ("libpq", "libmicrohttpd", "libssl", "csv", "libcoap-3-openssl"):
            self.assertNotIn(name, cache)
        # Each library that it was linked with is one that the recipe names.
        names = {"mbedcrypto": "mbedtls", "mbedx509": "mbedtls", "coap-3-notls": "libcoap", "cbor": "libcbor", "sqlite3": "sqlite3",
                 "gpiod": "libgpiod", "protobuf-c": "protobuf-c", "p11-kit": "p11-kit", "qrencode": "qrencode", "curl": "curl",
                 "inih": "inih", "jansson": "jansson", "systemd": "systemd", "mbedtls": "mbedtls"}
        depends = re.search(r'^DEPENDS = "(.*)"', read(RECIPE), re.MULTILINE).group(1).split()
        for program in ("sbin/onboardd", "bin/onboardctl"):
            needed = machine.run(f"objdump -p /root/image/usr/{program}")
            for library in re.findall(r"NEEDED\s+lib(\S+)\.so", needed):
                self.assertTrue(library in ("c", "resolv") or names.get(library) in depends, library)
        for name in ("usr/sbin/onboardd", "usr/lib/systemd/system/onboardd.service", "usr/share/onboardd/nrf-cloud-root-ca.pem"):
            self.assertTrue(machine.has("/root/image/" + name), name)
        self.assertFalse(machine.has("/root/image/usr/bin/onboard-service"))

    def test_the_procd_service_starts_an_agent_that_needs_no_bus(self):
        machine = fresh("device", "onboardd", "onboardctl")
        machine.run("apt-get -qq install -y ./onboardd_*.deb ./onboardctl_*.deb")
        for name in ("onboardd.init", "onboardd.conf"):
            machine.write(f"/root/openwrt/{name}", read(os.path.join(OPENWRT, "files", name)))
        machine.write("/root/openwrt/rc.common", RC_COMMON)
        said = machine.run("sh /root/openwrt/rc.common /root/openwrt/onboardd.init start_service").splitlines()
        parameters = {line.split(" ")[0]: line.split(" ", 1)[1] for line in said}
        self.assertEqual(parameters["user"], "onboardd")
        self.assertEqual(parameters["respawn"], "3600 5 0")
        self.assertEqual(machine.owner("/etc/onboardd/state"), "onboardd:onboardd 700")
        self.assertIn("signal onboardd * USR1", machine.run("sh /root/openwrt/rc.common /root/openwrt/onboardd.init provision"))

        # As procd would, on a network of its own with nothing on it, and the example's configuration.
        command = parameters["command"] + " --config /root/openwrt/onboardd.conf"
        machine.run("chmod -R a+rX /root && cp /usr/share/onboardd/nrf-cloud-root-ca.pem /etc/onboardd/root-ca.pem")
        process = Process(["unshare", "--net", *machine.argv(
            f"exec setpriv --reuid onboardd --regid onboardd --clear-groups --no-new-privs env {parameters['env']} {command}")], name="onboardd")
        self.addCleanup(process.end)
        process.wait_line(r"state old=\S+ new=")
        self.assertEqual(process.end(), 0, process.output())
        self.assertTrue(machine.has("/etc/onboardd/state/store.db"))
        self.assertNotIn("D-Bus", process.output())
