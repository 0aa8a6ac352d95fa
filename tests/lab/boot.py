#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""boot.py [--name NAME] [--disk IMAGE] TEST.py [ARGUMENT...]: runs one file of tests in a guest (README.md).

The guest's file system is this machine's; or that in IMAGE, with which the guest may reboot, and where systemd has a unit
that runs the test (tests/vm/README.md). Prints what the test prints while it runs. Fails when the test does, when the guest
ends without a word on how it went, when its kernel crashed, and when a sanitizer's report is anywhere in what it left
behind: build/PRESET/lab/NAME. The path in $ONBOARD_LAB_PROGRESS, if there is one, gets the lines that say how far it is.
"""

import argparse
import ctypes
import fcntl
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.dirname(os.path.dirname(HERE))
BUILD = os.environ.get("ONBOARD_BUILD_DIR", os.path.join(SOURCE, "build", "dev"))
LIMIT_S = float(os.environ.get("ONBOARD_LAB_LIMIT_S", "480"))
MEMORY_MB = int(os.environ.get("ONBOARD_LAB_MEMORY_MB", "1024"))
SKIPPED = 77

# What stage2 makes QEMU leave with: 2 * 0x41 + 1, 2 * 0x42 + 1.
PASSED, FAILED = 131, 133
PR_SET_PDEATHSIG = 1

PROGRESS = re.compile(r"^-- ")
KERNEL_CRASH = re.compile(r"kernel BUG|BUG: |Oops|general protection fault|Kernel panic|blocked for more than")
SANITIZER = re.compile(r"ERROR: (Address|Leak)Sanitizer|: runtime error: ")
PASSED_ON = re.compile(r"^(ONBOARD|[A-Z_]*SAN_OPTIONS$|CI$|PYTHON)")


def variables(disk):
    """The environment of the test: what the build names to it, with the paths to its programs."""
    kept = {k: v for k, v in os.environ.items()
            if PASSED_ON.match(k) or (not disk and v.startswith(BUILD + os.sep) and os.access(v, os.X_OK))}
    kept.setdefault("PYTHONPATH", os.path.join(SOURCE, "tests"))
    kept.setdefault("ONBOARD_BUILD_DIR", BUILD)
    kept.setdefault("ONBOARD_SOURCE_DIR", SOURCE)
    if disk:
        kept["PYTHONPATH"] = "/run/lab/tests"
    kept["PYTHONDONTWRITEBYTECODE"] = "1"
    kept["ONBOARD_TEST_LOGS"] = "/run/lab"
    return kept


def write(path, text):
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)


def fill(work, kernel, disk, test, arguments):
    """The files that the guest looks for in /run/lab: of its own file system none is ours."""
    for entry in os.scandir(work):
        if entry.name != "lock":
            shutil.rmtree(entry.path) if entry.is_dir(follow_symlinks=False) else os.unlink(entry.path)
    for script in ("stage2", "conduct"):
        shutil.copy(os.path.join(HERE, script), work)
    if disk:
        for folder in ("harness", "lab/guest", os.path.basename(os.path.dirname(test))):
            shutil.copytree(os.path.join(SOURCE, "tests", folder), os.path.join(work, "tests", folder),
                            ignore=shutil.ignore_patterns("__pycache__"))
        test = os.path.join("/run/lab", os.path.relpath(test, SOURCE))
    environment = {**variables(disk), "LAB_KERNEL": kernel}
    write(os.path.join(work, "environment"),
          "".join(f"{k}={shlex.quote(v)}\n" for k, v in sorted(environment.items())))
    write(os.path.join(work, "command"), "exec " + shlex.join(["/usr/bin/python3", test, *arguments]) + "\n")


def share(tag, path, *options):
    return ["-fsdev", ",".join(["local", f"id={tag}", f"path={path}", "security_model=none", *options]),
            "-device", f"virtio-9p-pci,fsdev={tag},mount_tag={tag}"]


def qemu(work, kernel, disk):
    # Never KVM: where it is offered without the processor's help, the guest hangs without a word. One processor: with
    # two, btvirt and the kernel race each other.
    return ["qemu-system-x86_64", "-M", "q35", "-cpu", "max", "-accel", "tcg,thread=multi", "-smp", "1",
            "-m", str(MEMORY_MB), "-nodefaults", "-display", "none",
            "-kernel", f"{kernel}/vmlinux", "-initrd", f"{kernel}/initramfs",
            # A crash is a panic, a panic an exit. Warnings and worse go to the console.
            "-append", "console=ttyS0 loglevel=5 oops=panic panic=-1 mitigations=off" +
            (" LAB_DISK=disk systemd.show_status=no" if disk else ""),
            "-serial", f"file:{work}/console.log", "-serial", "stdio",
            "-device", "isa-debug-exit,iobase=0xf4,iosize=0x04",
            *share("lab", work),
            # What the guest writes to a disk is gone with QEMU, not with a reboot.
            *(["-drive", f"file={disk},if=virtio,format=raw,snapshot=on",
               *share("modules", f"{kernel}/modules/lib/modules", "readonly=on")] if disk else
              ["-no-reboot", *share("host", "/", "readonly=on", "multidevs=remap")])]


def end_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Progress:
    """The lines for a person who waits."""

    def __init__(self, name):
        self.name = name
        path = os.environ.get("ONBOARD_LAB_PROGRESS")
        self.file = open(path, "a", encoding="utf-8") if path else None

    def line(self, text):
        if self.file and PROGRESS.match(text):
            self.file.write(f"{self.name}: {text[3:]}\n")
            self.file.flush()


def run(work, kernel, disk, progress):
    """QEMU's exit status, or None when it had to be killed."""
    with subprocess.Popen(qemu(work, kernel, disk), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, preexec_fn=end_with_parent) as guest, \
            open(os.path.join(work, "output.log"), "wb") as log:
        overdue = threading.Event()
        timer = threading.Timer(LIMIT_S, lambda: (overdue.set(), guest.kill()))
        timer.daemon = True
        timer.start()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda n, _: (guest.kill(), sys.exit(128 + n)))
        for line in guest.stdout:
            log.write(line)
            log.flush()
            sys.stdout.buffer.write(line)
            sys.stdout.flush()
            progress.line(line.decode(errors="replace").rstrip())
        status = guest.wait()
        timer.cancel()
        return None if overdue.is_set() else status


def matching(path, pattern):
    """The first line of a file that matches, or None."""
    with open(path, encoding="utf-8", errors="replace") as f:
        return next((line.strip() for line in f if pattern.search(line)), None)


def faults(work, status):
    """What went wrong, a sentence each."""
    console = os.path.join(work, "console.log")
    if status is None:
        yield f"the guest did not end in {LIMIT_S:.0f} s"
    elif status == FAILED:
        yield "the test failed"
    elif status != PASSED:
        yield f"the guest ended without a result (QEMU: exit {status})"
    crash = os.path.exists(console) and matching(console, KERNEL_CRASH)
    if crash:
        yield f"the guest's kernel crashed: {crash}"
    for entry in sorted(os.scandir(work), key=lambda e: e.name):
        report = entry.is_file(follow_symlinks=False) and matching(entry.path, SANITIZER)
        if report:
            yield f"{entry.name} has a sanitizer's report: {report}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--name", help="of the directory for logs; the file's by default")
    parser.add_argument("--disk", help="the guest's file system; this machine's by default")
    parser.add_argument("test")
    parser.add_argument("arguments", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    if not shutil.which("qemu-system-x86_64") or os.uname().machine != "x86_64":
        print("the lab needs x86-64 and scripts/install-deps lab")
        return SKIPPED

    kernel = subprocess.run([os.path.join(HERE, "kernel")], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    name = options.name or os.path.splitext(os.path.basename(options.test))[0]
    work = os.path.join(os.path.realpath(BUILD), "lab", name)
    os.makedirs(work, exist_ok=True)
    with open(os.path.join(work, "lock"), "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        fill(work, kernel, options.disk, os.path.realpath(options.test), options.arguments)
        status = run(work, kernel, options.disk, Progress(name))
        wrong = list(faults(work, status))
        for sentence in wrong:
            print(f"lab: {sentence}")
        if wrong and status not in (PASSED, FAILED):
            with open(os.path.join(work, "console.log"), encoding="utf-8", errors="replace") as f:
                print("".join(f.readlines()[-60:]))
        if wrong:
            print(f"lab: logs are in {work}")
        return 1 if wrong else 0


sys.exit(main())
