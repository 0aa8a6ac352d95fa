# SPDX-License-Identifier: Apache-2.0
"""What maintainer scripts do to a device: removing keeps it what it is, purging leaves nothing of it, and an older version
refuses a store that it could not open."""

import struct

from machine import Case, fresh

STATE = "/var/lib/onboardd"
SCHEMA_AT = 60  # the user_version in the header of an SQLite file


class Life(Case):
    @classmethod
    def setUpClass(cls):
        cls.machine = fresh("device", "onboardd", "onboardctl")
        cls.machine.run("apt-get -qq install -y ./onboardd_*.deb ./onboardctl_*.deb")
        if not cls.machine.has(f"{STATE}/store.db"):
            cls.machine.run("onboardctl identity create")

    def identity(self):
        return self.machine.run("onboardd --init").strip()

    def schema(self, number=None, state=STATE):
        """The one that was there, before it becomes `number`."""
        with open(self.machine.path(f"{state}/store.db"), "r+b") as f:
            f.seek(SCHEMA_AT)
            found = struct.unpack(">I", f.read(4))[0]
            if number is not None:
                f.seek(SCHEMA_AT)
                f.write(struct.pack(">I", number))
        return found

    def test_1_removing_keeps_who_the_device_is(self):
        before = self.identity()
        self.machine.run("apt-get -qq remove -y onboardd")
        self.assertFalse(self.machine.has("/usr/sbin/onboardd"))
        self.machine.run("apt-get -qq install -y ./onboardd_*.deb")
        self.assertEqual(self.identity(), before)

    def test_2_an_edited_configuration_outlives_the_same_version_again(self):
        self.machine.write("/etc/onboardd/onboardd.conf", "# mine\n")
        self.machine.run("apt-get -qq install -y --reinstall ./onboardd_*.deb")
        self.assertEqual(self.machine.read("/etc/onboardd/onboardd.conf"), "# mine\n")

    def test_3_a_store_of_a_newer_version_keeps_the_older_package_out(self):
        known = self.schema()
        self.assertIn(f"\nknown={known}\n", self.machine.read("/var/lib/dpkg/info/onboardd.preinst"))
        self.schema(known + 1)
        refused = self.machine.attempt("dpkg -i onboardd_*.deb")
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn(f"{STATE}/store.db has schema {known + 1}, this version knows up to {known}", refused.stderr)
        # What is installed stays, and works on.
        self.machine.run("dpkg --audit | diff - /dev/null && onboardd --version")
        # One that came past it, with an image say, says what to do, and leaves the store alone.
        refused = self.machine.attempt("onboardd --init")
        self.assertIn(refused.returncode, (8, 64), refused.stderr)
        self.assertIn("install the newer program again", refused.stderr)
        self.assertEqual(self.schema(known), known + 1)
        self.identity()
        # Removing the newer one first makes no difference.
        self.machine.run("apt-get -qq remove -y onboardd")
        self.schema(known + 1)
        self.assertNotEqual(self.machine.attempt("dpkg -i onboardd_*.deb").returncode, 0)
        self.schema(known)
        self.machine.run("dpkg -i onboardd_*.deb")

    def test_4_the_store_of_a_further_device_counts_too(self):
        self.machine.run(f"cp -a {STATE} {STATE}@second")
        known = self.schema(99, STATE + "@second")
        refused = self.machine.attempt("dpkg -i onboardd_*.deb")
        self.assertIn(f"{STATE}@second/store.db has schema 99, this version knows up to {known}", refused.stderr)
        self.assertNotEqual(refused.returncode, 0)

    def test_5_purging_overwrites_and_removes_what_the_device_was(self):
        # The sealing key by a second name that outlives the first: only overwriting changes what it shows.
        self.machine.run(f"ln {STATE}/seal.key /root/of-the-key && "
                         "mkdir -p /run/onboardd && touch /run/onboardd/last-words.json")
        before = self.machine.run("od -An -tx1 /root/of-the-key")
        self.machine.run("apt-get -qq purge -y onboardd")
        for name in (STATE, STATE + "@second", "/run/onboardd", "/etc/onboardd/onboardd.conf", "/etc/apparmor.d/onboardd"):
            self.assertFalse(self.machine.has(name), name)
        self.assertNotEqual(self.machine.run("od -An -tx1 /root/of-the-key"), before)
        # Files elsewhere may be the user's.
        self.machine.run("getent passwd onboardd")

    def test_6_a_service_is_kept_and_purged_the_same_way(self):
        machine = fresh("service", "onboard-service")
        machine.run("apt-get -qq install -y ./onboard-service_*.deb")
        machine.run("runuser -u onboard-service -- onboard-service apikey create --state /var/lib/onboard-service --role admin --name life")
        machine.write("/etc/onboard-service/onboard-service.env", "COAP=0.0.0.0:5684\nREST=0.0.0.0:8443\nOPTIONS=--mine\n")
        machine.run("apt-get -qq remove -y onboard-service")
        self.assertTrue(machine.has("/var/lib/onboard-service/service.db"))
        machine.run("apt-get -qq install -y ./onboard-service_*.deb")
        self.assertIn("--mine", machine.read("/etc/onboard-service/onboard-service.env"))
        machine.run("apt-get -qq purge -y onboard-service")
        self.assertFalse(machine.has("/var/lib/onboard-service"))
