# SPDX-License-Identifier: Apache-2.0
"""What is in the packages is in its place, and each thing is one that its reader takes."""

import glob
import os
import re
import shutil
import subprocess
import tempfile
import xml.etree.ElementTree

from machine import Case, packages

EXPECTED = {
    "onboardd": ["etc/apparmor.d/onboardd", "etc/onboardd/onboardd.conf", "UNITS/onboardd.service", "UNITS/onboardd@.service",
                 "usr/lib/systemd/catalog/onboardd.catalog", "usr/lib/sysusers.d/onboardd.conf", "usr/sbin/onboardd",
                 "usr/share/bash-completion/completions/onboardd", "usr/share/dbus-1/system.d/org.onboardd.conf",
                 "usr/share/man/man5/onboardd.conf.5.gz", "usr/share/man/man8/onboardd.8.gz", "usr/share/onboardd/export.conf",
                 "usr/share/onboardd/nrf-cloud-root-ca.pem", "usr/share/onboardd/token.conf", "usr/share/onboardd/wifi.conf",
                 "usr/share/polkit-1/actions/org.onboardd.policy", "usr/share/polkit-1/rules.d/onboardd.rules"],
    "onboardctl": ["usr/bin/onboardctl", "usr/share/bash-completion/completions/onboardctl", "usr/share/man/man1/onboardctl.1.gz"],
    "onboard-service": ["etc/apparmor.d/onboard-service", "etc/onboard-service/onboard-service.env", "UNITS/onboard-service.service",
                        "usr/bin/onboard-service", "usr/lib/sysusers.d/onboard-service.conf", "usr/lib/tmpfiles.d/onboard-service.conf",
                        "usr/share/bash-completion/completions/onboard-service", "usr/share/man/man8/onboard-service.8.gz",
                        "usr/share/onboard-service/make-idevid", "usr/share/onboard-service/make-pki",
                        "usr/share/onboard-service/port-443.conf", "usr/share/onboard-service/postgresql.conf"],
    "onboardd-doc": None,  # docs/, whatever is in there
}
CONFFILES = {
    "onboardd": ["/etc/apparmor.d/onboardd", "/etc/onboardd/onboardd.conf"],
    "onboardctl": [],
    "onboard-service": ["/etc/apparmor.d/onboard-service", "/etc/onboard-service/onboard-service.env"],
    "onboardd-doc": [],
}
# Debian's own of each package.
COMMON = r"usr/share/(doc/[^/]+/(changelog\.gz|copyright)|lintian/overrides/[^/]+)$"
EXPOSURE_MAX = 2.0


def run(*argv):
    return subprocess.run(argv, text=True, capture_output=True, check=True).stdout


class Files(Case):
    @classmethod
    def setUpClass(cls):
        cls.root = tempfile.mkdtemp(prefix="onboard-package-")
        cls.addClassCleanup(shutil.rmtree, cls.root)
        cls.files = {}
        for package in packages():
            name = os.path.basename(package).split("_")[0]
            apart = os.path.join(cls.root, "." + name)
            run("dpkg-deb", "--raw-extract", package, apart)
            cls.files[name] = sorted(os.path.relpath(os.path.join(d, f), apart) for d, _, files in os.walk(apart) for f in files
                                     if not d.startswith(apart + "/DEBIAN"))
            run("dpkg-deb", "-x", package, cls.root)

    def path(self, pattern):
        found = glob.glob(os.path.join(self.root, pattern))
        self.assertEqual(len(found), 1, pattern)
        return found[0]

    def test_every_file_is_in_its_package_and_its_place(self):
        self.assertEqual(sorted(self.files), sorted(EXPECTED))
        for name, expected in EXPECTED.items():
            own = sorted(re.sub(r"^(usr/)?lib/systemd/system/", "UNITS/", f) for f in self.files[name] if not re.match(COMMON, f))
            if expected is not None:
                self.assertEqual(own, sorted(expected), name)
        self.assertIn("usr/share/doc/onboardd/docs/storage.md", self.files["onboardd-doc"])

    def test_what_an_operator_may_edit_is_asked_about_at_an_upgrade(self):
        for name, expected in CONFFILES.items():
            path = os.path.join(self.root, "." + name, "DEBIAN/conffiles")
            found = []
            if os.path.exists(path):
                with open(path, encoding="ascii") as f:
                    found = sorted(f.read().split())
            self.assertEqual(found, expected, name)

    def test_systemd_takes_the_units_and_finds_little_that_they_leave_open(self):
        for name in ("onboardd.service", "onboardd@.service", "onboard-service.service"):
            unit = self.path(f"lib/systemd/system/{name}")
            with open(unit, encoding="utf-8") as f:
                text = f.read()
            for line in ("Type=notify\n", "WatchdogSec=", "StateDirectory=onboard", "AppArmorProfile=-onboard"):
                self.assertIn(line, text, name)
            instance = name.replace("@", "@second")
            said = run("systemd-analyze", "security", "--offline=yes", f"--root={self.root}", "--no-pager", instance)
            exposure = float(re.search(r"exposure level for \S+: ([0-9.]+) ", said).group(1))
            self.assertLessEqual(exposure, EXPOSURE_MAX, said)
            print(f"{name} {exposure}; ", end="")
            # On this machine the programs are elsewhere.
            text = re.sub(r"^(ExecStart=)", rf"\1{self.root}", text, flags=re.MULTILINE)
            place = os.path.join(self.root, "verify")
            os.makedirs(place, exist_ok=True)
            with open(os.path.join(place, instance), "w", encoding="utf-8") as f:
                f.write(text)
            checked = subprocess.run(["systemd-analyze", "verify", "--man=no", os.path.join(place, instance)], text=True, capture_output=True,
                                     check=False)
            self.assertEqual((checked.returncode, checked.stderr), (0, ""), name)

    def test_a_suspended_session_and_the_sealing_key_come_from_systemd(self):
        for name, seal in (("onboardd.service", "onboardd.seal"), ("onboardd@.service", "onboardd.seal:onboardd@%i.seal")):
            with open(self.path(f"lib/systemd/system/{name}"), encoding="utf-8") as f:
                lines = f.read().split("\n")
            self.assertIn("FileDescriptorStoreMax=4", lines)
            self.assertIn(f"LoadCredentialEncrypted={seal}", lines)

    def test_two_devices_on_one_machine_share_no_directory(self):
        texts = {}
        for name in ("onboardd.service", "onboardd@.service"):
            with open(self.path(f"lib/systemd/system/{name}"), encoding="utf-8") as f:
                texts[name] = f.read()
        for key in ("StateDirectory", "RuntimeDirectory"):
            first, second = (re.search(rf"^{key}=(.*)$", t, re.MULTILINE).group(1) for t in texts.values())
            self.assertNotEqual(first, second)
            self.assertIn("%i", second)
        self.assertIn("--config /etc/onboardd/%i/onboardd.conf --no-bus", texts["onboardd@.service"])

    def test_apparmor_compiles_the_profiles(self):
        for name in ("onboardd", "onboard-service"):
            profile = self.path(f"etc/apparmor.d/{name}")
            done = subprocess.run(["apparmor_parser", "--skip-kernel-load", "--skip-cache", "--abort-on-error", profile],
                                  text=True, capture_output=True, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
            said = [line for line in done.stderr.split("\n") if line and "interface file missing" not in line]
            self.assertEqual(said, [])
        enforced = os.path.exists("/sys/kernel/security/apparmor")
        print("enforced by this kernel: " + ("could be" if enforced else "no, it has no AppArmor; syntax only"), end="; ")

    def test_every_program_and_configuration_has_a_page_that_is_clean(self):
        pages = sorted(glob.glob(os.path.join(self.root, "usr/share/man/man*/*.gz")))
        subjects = sorted(re.sub(r"\.\d\.gz$", "", os.path.basename(p)) for p in pages)
        programs = [os.path.basename(p) for p in glob.glob(os.path.join(self.root, "usr/*bin/*"))]
        self.assertEqual(subjects, sorted(programs + ["onboardd.conf"]))
        for page in pages:
            plain = page[:-len(".gz")]
            with open(plain, "w", encoding="utf-8") as f:
                f.write(run("zcat", page))
            lint = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", plain], text=True, capture_output=True, check=False)
            self.assertEqual((lint.returncode, lint.stdout), (0, ""))

    def test_the_bus_and_polkit_can_read_who_may_what(self):
        policy = xml.etree.ElementTree.parse(self.path("usr/share/polkit-1/actions/org.onboardd.policy")).getroot()
        for action in policy.iter("action"):
            # Else polkit would not answer who is not root.
            self.assertIn("unix-user:onboardd", [a.text for a in action.iter("annotate")], action.get("id"))
        bus = xml.etree.ElementTree.parse(self.path("usr/share/dbus-1/system.d/org.onboardd.conf")).getroot()
        self.assertIn("onboardd", [p.get("user") for p in bus.iter("policy")])

    def test_bash_reads_the_completions(self):
        for name in ("onboardd", "onboardctl", "onboard-service"):
            run("bash", "-n", self.path(f"usr/share/bash-completion/completions/{name}"))

    def test_the_journal_takes_the_catalogue(self):
        run("journalctl", f"--root={self.root}", "--update-catalog")
        listed = run("journalctl", f"--root={self.root}", "--list-catalog")
        with open(self.path("usr/lib/systemd/catalog/onboardd.catalog"), encoding="utf-8") as f:
            ids = re.findall(r"^-- ([0-9a-f]{32})$", f.read(), re.MULTILINE)
        self.assertTrue(ids)
        for one in ids:
            self.assertIn(one, listed)

    def test_programs_are_hardened(self):
        for program in glob.glob(os.path.join(self.root, "usr/*bin/*")):
            dynamic, headers = run("readelf", "-dW", program), run("readelf", "-hlW", program)
            self.assertRegex(dynamic, "BIND_NOW|Flags: NOW", program)
            self.assertIn("GNU_RELRO", headers)
            self.assertRegex(headers, r"Type:\s+DYN")
            self.assertNotRegex(headers, r"GNU_STACK.* RWE ")
            self.assertIn("__stack_chk_fail", run("readelf", "-sW", program))
            self.assertNotRegex(dynamic, "RPATH|RUNPATH")

    def test_nothing_rotates_logs(self):
        self.assertFalse([f for files in self.files.values() for f in files if "logrotate" in f])
