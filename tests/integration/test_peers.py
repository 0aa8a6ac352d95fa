# SPDX-License-Identifier: Apache-2.0
"""The agent against libcoap servers of OpenSSL and GnuTLS that owe nothing to onboard-service and
know nothing of suspend: every answer code at every step, garbage, separate responses, blocks."""

import functools

from harness import agent, case, cbor
from harness.agent import Agent, Run
from harness.peer import KINDS, Peer
from harness.process import WRAPPER

TAG = 4711
CLOUD_TAG = 16842753
UUID = "89ed369b-0fed-4194-a703-aabb7fe8130b"
BODY = [*cbor.keygen(UUID + ".e", TAG), cbor.finished(UUID + ".f")]
IDS = {c[0] for c in BODY}

# step, answer, outcome, exit: with that answer to every request of the step.
ANSWERS = [
    ("auth", "4.00", "bad-request", agent.EXIT_FAILED),
    ("auth", "4.01", "unclaimed", agent.EXIT_UNCLAIMED),
    ("auth", "4.03", "rejected", agent.EXIT_IDENTITY),
    ("auth", "4.04", "not-found", agent.EXIT_FAILED),
    ("auth", "4.06", "bad-request", agent.EXIT_FAILED),
    ("auth", "4.29:max-age=2", "busy", agent.EXIT_TIMEOUT),
    ("auth", "5.00", "busy", agent.EXIT_TIMEOUT),
    ("auth", "5.03:max-age=2", "busy", agent.EXIT_TIMEOUT),
    ("auth", "none", "timeout", agent.EXIT_TIMEOUT),
    ("cmd", "4.00", "bad-request", agent.EXIT_FAILED),
    ("cmd", "4.01", "reauthenticate", agent.EXIT_IDENTITY),
    ("cmd", "4.03", "rejected", agent.EXIT_IDENTITY),
    ("cmd", "4.04", "not-found", agent.EXIT_FAILED),
    ("cmd", "4.06", "bad-request", agent.EXIT_FAILED),
    ("cmd", "4.29:max-age=2", "busy", agent.EXIT_TIMEOUT),
    ("cmd", "5.00", "busy", agent.EXIT_TIMEOUT),
    ("cmd", "5.03:max-age=2", "busy", agent.EXIT_TIMEOUT),
    ("cmd", "none", "timeout", agent.EXIT_TIMEOUT),
    ("cmd", "2.05:hex=ff00ff", "body-invalid", agent.EXIT_FAILED),
    ("cmd", "2.05:hex=8182", "body-invalid", agent.EXIT_FAILED),
    ("cmd", "2.05:hex=80", "no-commands", agent.EXIT_DONE),
    ("cmd", "2.05:hex=a0", "body-invalid", agent.EXIT_FAILED),
    ("rsp", "4.00", "bad-request", agent.EXIT_FAILED),
    ("rsp", "4.01", "reauthenticate", agent.EXIT_IDENTITY),
    ("rsp", "4.03", "rejected", agent.EXIT_IDENTITY),
    ("rsp", "4.04", "not-found", agent.EXIT_FAILED),
    ("rsp", "4.06", "bad-request", agent.EXIT_FAILED),
    ("rsp", "4.29:max-age=2", "busy", agent.EXIT_TIMEOUT),
    ("rsp", "5.00", "busy", agent.EXIT_TIMEOUT),
    ("rsp", "5.03:max-age=2", "busy", agent.EXIT_TIMEOUT),
    ("rsp", "none", "timeout", agent.EXIT_TIMEOUT),
]
# Of the table above. What runs under valgrind takes a core each, and their time limits count.
ROWS_AT_ONCE = 2 if WRAPPER else len(ANSWERS)


def with_each_server(test):
    """Runs a test against both servers and says of which it failed."""
    @functools.wraps(test)
    def run(self):
        for kind in KINDS:
            with self.subTest(server=kind):
                test(self, kind)
    return run


class Peers(case.Case):
    serial = 0

    def peer(self, kind, **keywords):
        keywords.setdefault("bodies", [BODY])
        return Peer(self, self.pki(), kind, **keywords).start()

    def agent(self, peer, **sections):
        Peers.serial += 1
        sections.setdefault("cloud", {"validate": "no"})
        device = Agent(self, peer.port, self.pki().root, name=f"agent{Peers.serial}", **sections)
        device.set("provisioning", answer_timeout="1s")
        return device

    def assert_each_answered_once(self, peer, ids=IDS):
        results = peer.results()
        self.assertEqual(set(results), set(ids))
        for correlation, contents in results.items():
            self.assertEqual(len(contents), 1, f"{correlation} was answered in two ways")

    def onboards(self, kind, ids=IDS, reports=1, **keywords):
        peer = self.peer(kind, **keywords)
        run = self.agent(peer).once(expect=agent.EXIT_DONE)
        self.assert_each_answered_once(peer, ids)
        self.assertEqual(len(peer.distinct_requests("rsp")), reports)
        return peer, run

    @with_each_server
    def test_it_completes_with_a_server_that_knows_nothing_of_suspend(self, kind):
        peer, run = self.onboards(kind)
        self.assertEqual(run.outcome, "ok")
        self.assertEqual([e["step"] for e in peer.distinct_requests()],
                         ["auth", "cmd", "rsp"])
        self.assertEqual(run.status["provisioning"]["handshakes_full"], 1)

    @with_each_server
    def test_it_completes_with_a_server_that_never_answers_suspend(self, kind):
        self.onboards(kind, options=["--with-suspend"], answers=["suspend:*:none"])

    @with_each_server
    def test_it_completes_with_a_server_that_answers_suspend(self, kind):
        peer, _ = self.onboards(kind, options=["--with-suspend"])
        self.assertFalse(peer.requests("suspend")[0]["confirmable"])

    @with_each_server
    def test_cloud_access_is_validated_against_a_foreign_server_too(self, kind):
        peer = self.peer(kind, bodies=[cbor.keygen(UUID + ".e", CLOUD_TAG)])
        run = self.agent(peer, cloud={}).once(expect=agent.EXIT_DONE)
        self.assertEqual(run.status["cloud"], "validated")
        self.assertEqual([e["answer"] for e in peer.distinct_requests("reported")], ["2.04"])

    def test_requests_are_what_the_service_of_the_wire_format_expects(self):
        peer, _ = self.onboards("openssl")
        auth, cmd, rsp = peer.distinct_requests()
        self.assertRegex(auth["query"], r"^mver=[^&]+&cver=[^&]+$")
        self.assertEqual(bytes.fromhex(auth["payload"]).count(b"."), 2)
        self.assertRegex(cmd["query"], r"^after=&rxMaxSize=\d+&txMaxSize=\d+&limit=\d+$")
        for request in (auth, cmd, rsp):
            self.assertTrue(request["confirmable"])
            self.assertEqual(len(request["token"]), 16)
        self.assertEqual(len({r["token"] for r in (auth, cmd, rsp)}), 3)
        self.assertEqual(cbor.decode(bytes.fromhex(rsp["payload"]))[-1], [UUID + ".f", 102])

    def each_answer(self, step, check):
        """Each row of the table for one step, with both servers, all at the same time."""
        rows = [row for row in ANSWERS if row[0] == step]
        for n in range(0, len(rows), ROWS_AT_ONCE):
            self.each_of(rows[n:n + ROWS_AT_ONCE], check)

    def each_of(self, rows, check):
        started = []
        for step, answer, outcome, exit_status in rows:
            for kind in KINDS:
                peer = self.peer(kind, answers=[f"{step}:*:{answer}"])
                device = self.agent(peer)
                # What may pass by itself is tried again until the time is up.
                limit_s = 6 if exit_status == agent.EXIT_TIMEOUT else 45
                process = device.start_once("--timeout", str(limit_s))
                started.append((kind, answer, outcome, exit_status, peer, device, process))
        for kind, answer, outcome, exit_status, peer, device, process in started:
            with self.subTest(server=kind, answer=answer):
                run = Run(process, process.wait())
                self.assertEqual((run.outcome, run.exit), (outcome, exit_status),
                                 run.process.output())
                check(peer, device, run)
                peer.stop()

    def assert_nothing_ran(self, peer, _device, run):
        self.assertEqual(peer.requests("rsp"), [])
        self.assertEqual(run.status["pending_results"], 0)

    def assert_results_wait_for_the_next_run(self, peer, device, run):
        self.assertEqual(run.status["pending_results"], len(IDS))
        peer.restart(answers=[])
        later = device.once(expect=agent.EXIT_DONE)
        self.assertEqual(later.status["pending_results"], 0)
        self.assert_each_answered_once(peer)
        # Reporting what is owed comes first.
        before = len([e for e in peer.past if e["event"] == "request"])
        self.assertEqual([e["step"] for e in peer.requests()[before:]][:2], ["auth", "rsp"])

    def test_each_answer_to_authentication_has_its_outcome_and_runs_nothing(self):
        self.each_answer("auth", self.assert_nothing_ran)

    def test_each_answer_to_the_fetch_has_its_outcome_and_runs_nothing(self):
        self.each_answer("cmd", self.assert_nothing_ran)

    def test_each_answer_to_the_report_has_its_outcome_and_loses_no_result(self):
        self.each_answer("rsp", self.assert_results_wait_for_the_next_run)

    @with_each_server
    def test_one_4_01_in_the_middle_is_cured_by_authenticating_again(self, kind):
        for step in ("cmd", "rsp"):
            with self.subTest(step=step):
                peer = self.peer(kind, answers=[f"{step}:1:4.01"])
                self.agent(peer).once(expect=agent.EXIT_DONE)
                self.assertEqual(len(peer.distinct_requests("auth")), 2)
                self.assert_each_answered_once(peer)

    @with_each_server
    def test_an_echo_demand_is_met_once_and_never_seen_by_a_person(self, kind):
        peer, run = self.onboards(kind, answers=["auth:1:4.01:echo=0102030405060708"])
        self.assertEqual([e["answer"] for e in peer.distinct_requests("auth")],
                         ["4.01", "2.01"])
        self.assertNotIn("unclaimed", run.states())

    @with_each_server
    def test_separate_responses_are_waited_for(self, kind):
        self.onboards(kind, answers=[f"{step}:*:-:separate=60"
                                     for step in ("auth", "cmd", "rsp")])

    @with_each_server
    def test_a_body_in_blocks_of_every_size_is_put_together(self, kind):
        for szx in range(7):
            with self.subTest(szx=szx):
                self.onboards(kind, answers=[f"cmd:*:-:block={szx}"])

    @with_each_server
    def test_a_body_larger_than_a_datagram_is_put_together(self, kind):
        with open(self.pki().root, encoding="ascii") as f:
            pem = f.read()
        body = [cbor.at_command(f"{UUID}.{n}", "%CMNG", f'0,{900 + n},0,"{pem}"')
                for n in range(4)]
        self.onboards(kind, ids={c[0] for c in body}, bodies=[body])

    @with_each_server
    def test_a_report_larger_than_a_datagram_goes_out_in_blocks(self, kind):
        body = [c for n in range(4) for c in cbor.keygen(f"{UUID}.{n}", 800 + n, content=0)]
        self.onboards(kind, ids={c[0] for c in body}, bodies=[body])

    @with_each_server
    def test_a_report_larger_than_tx_max_size_goes_out_in_parts_and_none_is_repeated(self, kind):
        body = [c for n in range(4) for c in cbor.keygen(f"{UUID}.{n}", 800 + n, content=0)]
        peer = self.peer(kind, bodies=[body])
        device = self.agent(peer)
        device.set("provisioning", tx_max_size=1024)
        device.once(expect=agent.EXIT_DONE)
        reports = [e["payload"] for e in peer.distinct_requests("rsp")]
        self.assertGreater(len(reports), 1)
        self.assertTrue(all(len(r) // 2 <= 1024 for r in reports))
        self.assert_each_answered_once(peer, {c[0] for c in body})
        self.assertEqual(sum(len(r) for r in peer.reports()), len(body))

    @with_each_server
    def test_bodies_follow_one_another_until_the_queue_is_empty(self, kind):
        bodies = [cbor.keygen(f"{UUID}.{n}", 600 + n) for n in range(3)]
        peer, run = self.onboards(kind, ids={c[0] for b in bodies for c in b}, reports=3,
                                  bodies=bodies)
        self.assertEqual(run.status["provisioning"]["handshakes_full"], 1)
        self.assertEqual(run.status["provisioning"]["resumes"], 3)
        after = [dict(p.split("=", 1) for p in e["query"].split("&"))["after"]
                 for e in peer.distinct_requests("cmd")]
        self.assertEqual(after, ["", f"{UUID}.0", f"{UUID}.1", f"{UUID}.2"])

    @with_each_server
    def test_an_unknown_command_is_answered_99_and_does_not_block_the_queue(self, kind):
        bodies = [[[UUID + ".1", 77, "?"], *cbor.keygen(UUID + ".2", TAG)],
                  [cbor.finished(UUID + ".3")]]
        peer = self.peer(kind, bodies=bodies)
        run = self.agent(peer).once(expect=agent.EXIT_DEGRADED)
        self.assertEqual(run.outcome, "partial")
        first = peer.reports()[0][0]
        self.assertEqual(first[:2], [UUID + ".1", 99])

    def test_a_refused_verb_and_a_refused_setting_are_errors_not_actions(self):
        for refused in (cbor.at_command(UUID + ".1", "%XFACTORYRESET", "1"),
                        cbor.at_command(UUID + ".1", "+CFUN", "0"),
                        cbor.config(UUID + ".1", {"system/root-password": "x"})):
            with self.subTest(command=refused[2]):
                peer = self.peer("openssl", bodies=[[refused]])
                self.agent(peer).once(expect=agent.EXIT_DEGRADED)
                self.assertEqual(peer.reports()[0][0][:2], [UUID + ".1", 99])

    def test_a_body_with_more_commands_than_asked_for_runs_none(self):
        body = [c for n in range(20) for c in cbor.keygen(f"{UUID}.{n}", 700 + n)]
        peer = self.peer("openssl", bodies=[body])
        run = self.agent(peer).once(expect=agent.EXIT_FAILED)
        self.assertEqual(run.outcome, "too-many-commands")
        self.assertEqual(peer.requests("rsp"), [])

    def test_a_body_larger_than_asked_for_runs_nothing(self):
        peer = self.peer("openssl", bodies=[[cbor.at_command(UUID + ".1", "%CMNG",
                                                             '0,9,3,"' + "0" * 9000 + '"')]])
        run = self.agent(peer).once(expect=agent.EXIT_FAILED)
        self.assertEqual(run.outcome, "body-too-large")
        self.assertEqual(peer.requests("rsp"), [])


if __name__ == "__main__":
    case.main()
