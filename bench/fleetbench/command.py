# SPDX-License-Identifier: Apache-2.0
"""The command line of bench/fleet."""

import argparse
import json
import os
import shlex
import subprocess
import sys
import tempfile
import time

from fleetbench import plot, run, table
from fleetbench.service import Failure
from fleetbench.store import Sqlite

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
HELP = """A fleet of devices in one process, each the real agent with a store and an identity of its own, against
onboard-service. Without options: the table that compares libcoap's builds, the stores, and one node with two.
Every variant runs four times: handshakes with coap-server of the same libcoap (the floor as the library's
users have it), handshakes with the service (the floor), provisioning, and provisioning with the validation
that follows on a second session."""
FAULTS = {"loss": "--loss", "dup": "--duplicate", "reorder": "--reorder", "restart": "--restart",
          "skew": "--skew", "delay": "--delay"}


def fault_list(text):
    """loss=2%,dup=1%,reorder=5%,restart=10%,skew=30,delay=20: as arguments of the simulator."""
    found = []
    for word in text.split(","):
        name, _, value = word.partition("=")
        if name not in FAULTS or not value:
            raise argparse.ArgumentTypeError(f"what is {word}? known: {', '.join(FAULTS)}")
        if name in ("skew", "delay"):
            value = value.rstrip("ms")
        elif value.endswith("%"):
            value = str(float(value[:-1]) / 100)
        found += [FAULTS[name], value]
    return found


def words(allowed):
    def parse(text):
        chosen = text.split(",")
        for word in chosen:
            if word not in allowed:
                raise argparse.ArgumentTypeError(f"{word}: not one of {', '.join(allowed)}")
        return chosen
    return parse


def parser():
    p = argparse.ArgumentParser(prog="bench/fleet", description=HELP,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--devices", type=int, default=1000)
    p.add_argument("--arrive", type=float, default=0, metavar="SECONDS",
                   help="spread arrivals over this time (default: all at once)")
    p.add_argument("--active", type=int, default=None, metavar="N",
                   help="at most N devices at a time; 0: as they arrive (default: 64 without --arrive, else 0)")
    p.add_argument("--dtls", type=words(("openssl", "gnutls")), default=["openssl", "gnutls"])
    p.add_argument("--store", type=words(("sqlite", "postgresql")), default=None)
    p.add_argument("--nodes", type=words(("1", "2")), default=None)
    p.add_argument("--phases", type=words(run.PHASES), default=None,
                   help="of: " + ", ".join(run.PHASES))
    p.add_argument("--faults", type=fault_list, default=[], metavar="LIST",
                   help="loss=2%%,dup=1%%,reorder=5%%,restart=10%%,skew=30s,delay=20ms; validation only")
    p.add_argument("--kill-node", action="store_true",
                   help="kill -9 the last node when 30 %% are done; devices go through a balancer")
    p.add_argument("--balance", action="store_true", help="devices go through a balancer")
    p.add_argument("--repeat", type=int, default=1, metavar="N",
                   help="every run N times; the one in which the service took least is told, as is right on "
                   "a machine that does other things")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--limit", type=int, default=600, metavar="SECONDS", help="of one run")
    p.add_argument("--agent", action="append", default=[], metavar="KEY=VALUE",
                   help="a line for [provisioning] of the devices' onboardd.conf(5)")
    p.add_argument("--service", action="append", default=[], metavar="ARGUMENT",
                   help="an argument for onboard-service serve")
    p.add_argument("--build", default=os.environ.get("ONBOARD_BUILD_DIR"),
                   help="build folder (default: build/release, which is built)")
    p.add_argument("--out", default=None, metavar="DIR",
                   help="for fleet.json and fleet.svg (default: the build folder)")
    p.add_argument("--wrap", default="", metavar="COMMAND",
                   help="runs the first node under it, for profiles: valgrind --tool=callgrind")
    p.add_argument("--no-pin", action="store_true", help="leave processors to the kernel")
    return p


class Options(argparse.Namespace):
    """What was asked for, and what follows from it."""

    def settle(self):
        if self.active is None:
            self.active = 0 if self.arrive > 0 else 64
        if self.phases is None:
            self.phases = ["validation"] if self.faults or self.kill_node or self.arrive \
                else list(run.PHASES)
        self.wrapper = shlex.split(self.wrap)
        self.wrapped_phase = self.phases[-1]
        if self.store is None and self.nodes is None:
            self.variants = [("sqlite", 1), ("postgresql", 1), ("postgresql", 2)]
        else:
            self.variants = [(s, int(n)) for s in self.store or ["postgresql"]
                             for n in self.nodes or ["1"] if (s, n) != ("sqlite", "2")]
        return self

    def fault_arguments(self):
        return self.faults + (["--balance"] if self.balance or self.kill_node else [])

    def service_arguments(self):
        return self.service

    def cpus(self):
        allowed = sorted(os.sched_getaffinity(0))
        return [None] if self.no_pin or len(allowed) < 2 else allowed


class Output:
    """A line for what is under way, on a terminal written over; the result below it."""

    def __init__(self):
        self.is_terminal = sys.stderr.isatty()
        self._last, self._next = "", 0

    def progress(self, text):
        if self.is_terminal:
            sys.stderr.write("\r\x1b[K" + text)
        elif text.split(":")[0] != self._last or time.monotonic() > self._next:
            sys.stderr.write(text + "\n")
            self._last, self._next = text.split(":")[0], time.monotonic() + 2
        sys.stderr.flush()

    def end_progress(self):
        if self.is_terminal:
            sys.stderr.write("\r\x1b[K")


class Binaries:
    TARGETS = ("onboard-service-openssl", "onboard-service-gnutls", "fleet-simulator")

    def __init__(self, build):
        self.build = build or self._make()

    def _make(self):
        build = os.path.join(SOURCE, "build", "release")
        if not os.path.exists(os.path.join(build, "build.ninja")):
            subprocess.run(["cmake", "--preset", "release"], cwd=SOURCE, check=True,
                           stdout=subprocess.DEVNULL)
        subprocess.run(["cmake", "--build", build, "--target", *self.TARGETS, "--", "--quiet"],
                       cwd=SOURCE, check=True)
        return build

    def _find(self, *path):
        path = os.path.join(self.build, *path)
        if not os.access(path, os.X_OK):
            raise Failure(f"{path} is not built")
        return path

    def service(self, dtls):
        return self._find("service", "onboard-service-" + dtls)

    def simulator(self):
        return self._find("bench", "simulator", "fleet-simulator")


def make_store(name, work, cpu):
    if name == "sqlite":
        return Sqlite(work)
    from fleetbench.postgresql import Postgresql  # needs the server's programs
    return Postgresql(work, cpu)


def best(runs):
    """A run with a problem before all that have none, then by what the service took."""
    return min(runs, key=lambda r: (not run.problems(r), r["service_cpu_s"]))


def run_variants(options, out, work, pki, binaries):
    found = []
    runner = run.Run(options, out, work, pki, binaries)
    for store_name, nodes in options.variants:
        store = make_store(store_name, work, options.cpus()[0]).start()
        try:
            for dtls in options.dtls:
                for phase in options.phases:
                    runs = [runner.phase(dtls, store, nodes, phase) for _ in range(options.repeat)]
                    found.append(best(runs))
        finally:
            store.stop()
    return found


def write(options, build, found):
    where = options.out or build
    os.makedirs(where, exist_ok=True)
    paths = os.path.join(where, "fleet.json"), os.path.join(where, "fleet.svg")
    with open(paths[0], "w", encoding="ascii") as f:
        json.dump({"arguments": sys.argv[1:], "processors": os.cpu_count(), "runs": found}, f,
                  indent=1)
    with open(paths[1], "w", encoding="utf-8") as f:
        f.write(plot.latencies([r for r in found if r["phase"] not in run.HANDSHAKES]))
    return paths


def main(argv):
    options = parser().parse_args(argv, Options()).settle()
    out = Output()
    work = tempfile.mkdtemp(prefix="onboard-fleet-")
    try:
        binaries = Binaries(options.build)
        pki = os.path.join(work, "pki")
        subprocess.run([os.path.join(SOURCE, "certs", "make-pki"), pki, "localhost"], check=True)
        found = run_variants(options, out, work, pki, binaries)
    except Failure as e:
        out.end_progress()
        print(f"bench/fleet: {e}\nfiles of the run: {work}", file=sys.stderr)
        return 1
    out.end_progress()
    print(table.text(options, found))
    for path in write(options, binaries.build, found):
        print(path)
    told = [f"{r['dtls']} {r['store']} {r['nodes']} {r['phase']}: {p}"
            for r in found for p in run.problems(r)]
    for line in told:
        print("bench/fleet: " + line, file=sys.stderr)
    if told:
        print(f"files of the last run: {work}", file=sys.stderr)
        return 1
    subprocess.run(["rm", "-rf", work], check=True)
    return 0
