# SPDX-License-Identifier: Apache-2.0
"""onboardd with a state directory and configuration of its own."""

import os

from harness.process import LIMIT_S, SLOWER, Failure, Process, program, run

EXIT_DONE, EXIT_FAILED, EXIT_DEGRADED, EXIT_TIMEOUT, EXIT_NETWORK = 0, 1, 2, 3, 4
EXIT_UNCLAIMED, EXIT_IDENTITY, EXIT_TIME, EXIT_STORE = 5, 6, 7, 8
EXIT_USAGE = 64

# The lost-session and retry timers of a test run; what the tests measure is not among them.
DEFAULTS = {
    "provisioning": {"retry-first": "1s", "unclaimed-poll": "1s"},
    "cloud": {"retry-first": "1s"},
    "network": {"wait-for-default-route": "no"},
    "daemon": {"log-level": "debug"},
}


class Run:
    """What one onboardd --once --json said."""

    def __init__(self, process, exit_status):
        self.process = process
        self.exit = exit_status
        self.events = process.json_lines()
        results = [e for e in self.events if e.get("event") == "result"]
        self.result = results[-1] if results else {}
        self.status = self.result.get("status", {})
        self.outcome = self.result.get("outcome")

    def steps(self, name=None):
        return [e for e in self.events if e.get("event") == "step" and name in (None, e["name"])]

    def states(self):
        return [e["new"] for e in self.events if e.get("event") == "state"]


class Agent:
    def __init__(self, case, port, root_ca, name="agent", cloud_port=None, env=None, **sections):
        self.case = case
        self.name = name
        self.env = env or {}
        self.binary = program("onboardd")
        self.state = case.path(name)
        self.config = case.path(name + ".conf")
        self.sections = {k: dict(v) for k, v in DEFAULTS.items()}
        self.set("provisioning", server="localhost", address="127.0.0.1", port=port,
                 root_ca=root_ca)
        self.set("daemon", state_directory=self.state)
        if cloud_port is not None:
            self.set("cloud", server="localhost", address="127.0.0.1", port=cloud_port)
        for section, keys in sections.items():
            self.set(section, **keys)
        self.uuid = None

    def set(self, section, **keys):
        target = self.sections.setdefault(section, {})
        for key, value in keys.items():
            target[key.replace("_", "-")] = value
        with open(self.config, "w", encoding="utf-8") as f:
            for name, values in self.sections.items():
                f.write(f"[{name}]\n")
                for key, value in values.items():
                    f.write(f"{key} = {value}\n")

    def init(self, env=None):
        """Makes the identity; the row that a factory would import."""
        env = {**self.env, **(env or {})}
        row = run([self.binary, "--config", self.config, "--init"], env).strip().splitlines()[-1]
        self.uuid = row.split(",")[0]
        return row

    def start_once(self, *options, env=None, binary=None, argv_prefix=(), pass_fds=()):
        options = list(options)
        if "--timeout" in options:
            at = options.index("--timeout") + 1
            options[at] = str(int(options[at]) * SLOWER)
        argv = [*argv_prefix, binary or self.binary, "--config", self.config, "--once", "--json",
                *options]
        return self.case.watch(Process(argv, env={**self.env, **(env or {})}, name=self.name, pass_fds=pass_fds))

    def once(self, *options, env=None, expect=None, limit_s=LIMIT_S):
        process = self.start_once("--timeout", "45", *options, env=env)
        done = Run(process, process.wait(limit_s))
        if expect is not None and done.exit != expect:
            raise Failure(f"onboardd --once: exit {done.exit} instead of {expect}\n"
                          f"{process.output()}")
        return done

    def start_daemon(self, env=None, argv_prefix=(), pass_fds=()):
        argv = [*argv_prefix, self.binary, "--config", self.config]
        return self.case.watch(Process(argv, env={**self.env, **(env or {})}, name=self.name, pass_fds=pass_fds))

    def store_files(self):
        return sorted(os.listdir(self.state))


def token_of(run_or_events):
    """The claim token of a status or of a run that ended unclaimed."""
    return run_or_events.status["claim_token"]


def struck(where=None, number=None, loads=None, clock=None, synchronised=None):
    """The environment that puts tests/faults/preload.c between onboardd and its libraries."""
    env = {"LD_PRELOAD": program("preload" if os.environ.get("PRELOAD") else "preload.so"),
           "ASAN_OPTIONS": ":".join(filter(None, [os.environ.get("ASAN_OPTIONS"),
                                                  "verify_asan_link_order=0"]))}
    if where:
        env["ONBOARD_TEST_STRIKE"] = f"{where}:{int(number)}"
    if loads:
        env["ONBOARD_TEST_LOADS"] = loads
    if clock is not None:
        env["ONBOARD_TEST_CLOCK"] = str(clock)
    if synchronised is not None:
        env["ONBOARD_TEST_SYNC"] = "yes" if synchronised else "no"
    return env
