/* SPDX-License-Identifier: Apache-2.0 */
/* The actions of one provisioning cycle: docs/state-machine.md, docs/protocol.md §3.3. */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "agent/duration.h"
#include "agent/internal.h"
#include "agent/timewatch.h"
#include "base/clock.h"
#include "base/log.h"

#define CODE_CREATED 0x41
#define TICK_US 1000000 /* how often a clock that is not set is looked at again */

/* Token and certificate are judged by the clock, and one that is merely plausible may be set right
 * at any moment. */
static bool is_worth_trying_soon(enum outcome o)
{
	return outcome_is_transient(o) || ((o == OUTCOME_REJECTED || o == OUTCOME_CERTIFICATE) &&
					   !timewatch_is_synchronised());
}

static void post_failure(struct agent *a, enum outcome outcome, const char *why)
{
	agent_post(a, is_worth_trying_soon(outcome) ? FSM_EVENT_TRANSIENT : FSM_EVENT_PERMANENT,
		   (int)outcome, "%s", why);
}

/* Another session at once, but not for ever: false when this cycle has lost enough of them. */
static bool post_lost(struct agent *a, const char *why)
{
	if (a->n_lost >= AGENT_LOST_MAX)
		return false;
	a->n_lost++;
	a->authenticated_until_ms = 0;
	agent_post(a, FSM_EVENT_LOST, -1, "%s", why);
	return true;
}

/* Own failures that kept a request from being sent. */
static void post_errno(struct agent *a, const char *what, int r)
{
	char why[AGENT_TEXT_MAX];
	enum outcome o = outcome_of_connect(r);

	if (r == -EKEYREJECTED)
		o = outcome_of_key(r);
	snprintf(why, sizeof(why), "%s: %s", what, session_strerror(r));
	if (o == OUTCOME_LOST && fsm_find(a->fsm.state, FSM_EVENT_LOST) && post_lost(a, why))
		return;
	post_failure(a, o, why);
}

/* The answer to a request, when it is not the good one of its step. */
static void post_result(struct agent *a, const struct provisioning_result *result)
{
	char why[AGENT_TEXT_MAX];

	snprintf(why, sizeof(why), "%s", result->detail);
	if (result->outcome == OUTCOME_LOST && post_lost(a, why))
		return;
	if (result->outcome == OUTCOME_REAUTHENTICATE && !a->reauthenticated) {
		a->reauthenticated = true;
		a->authenticated_until_ms = 0;
		agent_post(a, FSM_EVENT_REAUTHENTICATE, -1, "%s", why);
		return;
	}
	a->max_age_s = result->max_age_s;
	post_failure(a, result->outcome, why);
}

/* A session is open: what it is good for. */
static void post_ready(struct agent *a, const char *why)
{
	if (a->authenticated_until_ms <= clock_ms())
		agent_post(a, FSM_EVENT_CONNECTED, -1, "%s", why);
	else if (journal_count(a->store) > 0)
		agent_post(a, FSM_EVENT_READY_UNREPORTED, -1, "%s", why);
	else
		agent_post(a, FSM_EVENT_READY, -1, "%s", why);
}

void agent_do_wait_network(struct agent *a)
{
	if (a->config->network_wait && !netwatch_is_up(a->netwatch)) {
		agent_tell_step(a, "network", "waiting for a default route");
		return;
	}
	agent_post(a, FSM_EVENT_NETWORK_UP, -1, "%s",
		   a->config->network_wait ? "there is a default route" : "not waited for");
}

void agent_do_wait_time(struct agent *a)
{
	int64_t floor = timewatch_floor(a->store);

	if (timewatch_is_good(clock_wall_s(), floor, timewatch_is_synchronised(),
			      a->config->time_require_sync)) {
		agent_post(a, FSM_EVENT_TIME_OK, -1, "%s",
			   a->config->time_require_sync ? "the clock is synchronised"
							: "the clock is plausible");
		return;
	}
	if (sd_event_source_set_time_relative(a->tick, TICK_US) < 0 ||
	    sd_event_source_set_enabled(a->tick, SD_EVENT_ONESHOT) < 0)
		log_warning("the clock cannot be watched, waiting for the limit");
}

static void connect_anew(struct agent *a);

static void on_connected(struct session *s, int r, const char *detail, void *userdata)
{
	struct agent *a = userdata;
	struct session_stats stats;
	char why[AGENT_TEXT_MAX];

	if (r == SESSION_E_CANCELLED) /* by agent_do_cancel(), which knows */
		return;
	if (r != 0) {
		enum outcome o = outcome_of_connect(r);

		if (agent_server_failed(a, detail)) {
			connect_anew(a);
			return;
		}
		snprintf(why, sizeof(why), "connect: %s", detail);
		post_failure(a, o, why);
		return;
	}
	agent_server_forget(a);
	session_get_stats(s, &stats);
	snprintf(why, sizeof(why), "%s, %s handshake", session_suite(s),
		 stats.handshakes_abbreviated > a->abbreviated_before ? "abbreviated" : "full");
	agent_tell_step(a, "connect", "%s", why);
	post_ready(a, why);
}

static void connect_anew(struct agent *a)
{
	struct session_stats stats;
	int r;

	if (!agent_server_choose(a))
		return;
	a->authenticated_until_ms = 0;
	if (a->trace_is_kept) { /* the session it was kept for is gone */
		a->trace_is_kept = false;
		identity_new_trace(a->identity);
	}
	r = agent_prepare_session(a);
	if (r != 0) {
		post_errno(a, "connect", r);
		return;
	}
	session_get_stats(a->session, &stats);
	a->abbreviated_before = stats.handshakes_abbreviated;
	agent_choose_way(a);
	r = session_connect(a->session, on_connected, a);
	if (r != 0)
		post_errno(a, "connect", r);
}

/* True when the suspended session is open again. */
static bool take_back(struct agent *a)
{
	uint64_t note = session_note(a->session);
	int r = session_resume(a->session);

	if (r == 0) {
		a->authenticated_until_ms = note;
		agent_tell_step(a, "resume", "session resumed without a round trip");
		return true;
	}
	agent_tell_step(a, "resume", "%s", session_strerror(r));
	if (session_get_state(a->session) != SESSION_CLOSED)
		session_close(a->session);
	return false;
}

void agent_do_connect(struct agent *a)
{
	/* What the old root CA vouched for ends with it. */
	if (agent_root_ca_changed(a))
		session_close(a->session);
	switch (session_get_state(a->session)) {
	case SESSION_OPEN:
		post_ready(a, "the session is open");
		return;
	case SESSION_SUSPENDED:
		if (take_back(a))
			post_ready(a, "session resumed");
		else
			connect_anew(a);
		return;
	case SESSION_CONNECTING:
		session_close(a->session);
		connect_anew(a);
		return;
	case SESSION_CLOSED:
		connect_anew(a);
		return;
	}
}

static void note_good_time(struct agent *a)
{
	int r = timewatch_note(a->store, clock_wall_s(), timewatch_is_synchronised());

	if (r != 0)
		log_warning("time floor not stored: %s, ignoring", strerror(abs(r)));
}

static void on_claim_token(int r, const char *token, void *userdata)
{
	struct agent *a = userdata;
	char why[AGENT_TEXT_MAX];

	a->token_worker = NULL;
	if (r != 0) {
		snprintf(why, sizeof(why), "claim token: the identity key: %s", key_strerror(r));
		post_failure(a, outcome_of_key(r), why);
		return;
	}
	snprintf(a->claim_token, sizeof(a->claim_token), "%s", token);
	agent_post(a, FSM_EVENT_UNCLAIMED, OUTCOME_UNCLAIMED, "%s", agent_unclaimed_why(a));
}

/* Unclaimed is whoever has a token to be claimed with. */
static void take_unclaimed(struct agent *a, const char *why)
{
	int r;

	agent_server_note(a, false);
	agent_note_unclaimed(a);
	a->n_lost = 0; /* each poll is a try of its own */
	if (a->token_shown) {
		agent_post(a, FSM_EVENT_UNCLAIMED, OUTCOME_UNCLAIMED, "%s", why);
		return;
	}
	r = agent_claim_token(a, on_claim_token, a, &a->token_worker);
	if (r != 0)
		post_errno(a, "claim token", r);
}

static void on_authenticated(struct provisioning *p, const struct provisioning_result *result,
			     void *userdata)
{
	struct agent *a = userdata;
	char span[DURATION_TEXT_MAX];

	(void)p;
	/* A service that lets nobody in over UDP for a moment says so over HTTPS. */
	if (result->outcome != OUTCOME_BUSY)
		agent_note_way(a);
	if (result->outcome == OUTCOME_UNCLAIMED) {
		take_unclaimed(a, result->detail);
		return;
	}
	if (result->outcome != OUTCOME_OK) {
		post_result(a, result);
		return;
	}
	agent_server_note(a, true);
	agent_note_claimed(a);
	a->token_shown = false; /* whoever gives it up needs it again */
	/* RFC 7252 §5.10.5: without the option the answer is good for 60 s. */
	a->authenticated_until_ms =
		clock_ms() + 1000 * (uint64_t)(result->max_age_s ? result->max_age_s : 60);
	duration_describe(result->max_age_s ? result->max_age_s : 60, span);
	agent_tell_step(a, "authenticate", "%u.%02u%s, session good for %s", result->code >> 5,
			result->code & 31, result->code == CODE_CREATED ? " Created" : "", span);
	note_good_time(a);
	if (journal_count(a->store) > 0)
		agent_post(a, FSM_EVENT_READY_UNREPORTED, -1, "authenticated");
	else
		agent_post(a, FSM_EVENT_READY, -1, "authenticated");
}

void agent_do_authenticate(struct agent *a)
{
	int r = provisioning_authenticate(a->provisioning, on_authenticated, a);

	if (r != 0)
		post_errno(a, "p/auth-jwt", r);
}

void agent_do_show_token(struct agent *a)
{
	if (a->token_shown)
		return;
	a->token_shown = true;
	agent_tell_step(a, "claim token", "%s", a->claim_token);
}

static void on_fetched(struct provisioning *p, const struct provisioning_result *result,
		       void *userdata)
{
	struct agent *a = userdata;

	(void)p;
	if (result->outcome == OUTCOME_NO_COMMANDS || result->outcome == OUTCOME_OK) {
		a->reauthenticated = false;
		backoff_reset(&a->backoff);
		agent_tell_step(a, "fetch", "%s", result->detail);
	}
	if (result->outcome == OUTCOME_NO_COMMANDS) {
		agent_post(a, FSM_EVENT_NO_COMMANDS, -1, "%s", result->detail);
		return;
	}
	if (result->outcome != OUTCOME_OK) {
		post_result(a, result);
		return;
	}
	if (++a->n_batches > AGENT_BATCHES_MAX) {
		post_failure(a, OUTCOME_BUSY, "p/cmd: the service does not run out of commands");
		return;
	}
	backoff_reset(&a->poll_backoff);
	agent_post(a, FSM_EVENT_COMMANDS, -1, "%s", result->detail);
}

void agent_do_fetch(struct agent *a)
{
	int r = provisioning_fetch(a->provisioning, on_fetched, a);

	if (r != 0)
		post_errno(a, "p/cmd", r);
}

void agent_do_suspend(struct agent *a)
{
	int r;

	if (!a->config->suspend) {
		agent_go_offline(a, FSM_EVENT_NOT_SUSPENDED, "suspension is off");
		return;
	}
	r = session_suspend(a->session, a->authenticated_until_ms, identity_trace(a->identity));
	if (r != 0) {
		agent_go_offline(a, FSM_EVENT_NOT_SUSPENDED, session_strerror(r));
		return;
	}
	agent_tell_step(a, "suspend", "%s",
			session_get_transport(a->session) == SESSION_COAP
				? "session saved in memory, socket kept"
				: "connection closed");
	agent_go_offline(a, FSM_EVENT_SUSPENDED, "session suspended");
}

static void on_executed(struct provisioning *p, const struct provisioning_execution *result,
			void *userdata)
{
	struct agent *a = userdata;
	const struct batch_result *batch = &result->batch;

	(void)p;
	a->executing = false;
	agent_sweep(a);
	if (result->outcome != OUTCOME_OK && result->outcome != OUTCOME_PARTIAL &&
	    result->outcome != OUTCOME_FINISHED) {
		post_failure(a, result->outcome, result->detail);
		return;
	}
	if (batch->cloud_changed) {
		a->validated = false;
		agent_reset_attempts(a);
	}
	agent_tell_step(a, "execute", "%s", result->detail);
	agent_post(a, FSM_EVENT_EXECUTED, -1, "%s",
		   batch->failed ? "executed up to the first error" : "executed");
}

void agent_do_execute(struct agent *a)
{
	int r;

	a->execute_waits = a->sweeper;
	if (a->execute_waits)
		return;
	a->executing = true;
	r = provisioning_execute(a->provisioning, on_executed, a);
	if (r == 0)
		return;
	a->executing = false;
	post_errno(a, "execute", r);
}

static void resume(struct agent *a)
{
	switch (session_get_state(a->session)) {
	case SESSION_OPEN:
		post_ready(a, "the session stayed open");
		return;
	case SESSION_SUSPENDED:
		if (take_back(a)) {
			post_ready(a, "session resumed");
			return;
		}
		break;
	case SESSION_CONNECTING:
	case SESSION_CLOSED:
		break;
	}
	agent_post(a, FSM_EVENT_LOST, -1, "the session did not survive");
}

static void on_reported(struct provisioning *p, const struct provisioning_result *result,
			void *userdata)
{
	struct agent *a = userdata;

	(void)p;
	a->commands_failed += result->n_failed;
	a->commands_ok += result->n - result->n_failed;
	a->failed_command = a->failed_command || result->n_failed > 0;
	if (result->outcome != OUTCOME_OK) {
		post_result(a, result);
		return;
	}
	a->reauthenticated = false;
	agent_tell_step(a, "report", "%s%s", result->detail,
			result->n_failed ? ", errors among them" : "");
	/* What an earlier cycle was told to be all may not be any more: this one has to ask. */
	agent_post(a,
		   result->finished && a->n_batches > 0 ? FSM_EVENT_FINISHED : FSM_EVENT_REPORTED,
		   -1, "%s", result->detail);
}

void agent_do_resume(struct agent *a)
{
	agent_go_online(a, resume);
}

void agent_do_report(struct agent *a)
{
	int r = provisioning_report(a->provisioning, on_reported, a);

	if (r != 0)
		post_errno(a, "p/rsp", r);
}

void agent_do_park(struct agent *a)
{
	int r;

	if (a->once) {
		session_close(a->session);
		return;
	}
	if (!a->config->suspend || session_get_state(a->session) != SESSION_OPEN)
		return;
	r = session_park(a->session, a->authenticated_until_ms, identity_trace(a->identity));
	if (r != 0) {
		log_debug("session not kept: %s", session_strerror(r));
		session_close(a->session);
	}
}

void agent_do_cancel(struct agent *a)
{
	agent_cancel_offline(a);
	provisioning_cancel(a->provisioning);
	agent_server_forget(a);
	a->executing = a->execute_waits = false;
	a->token_worker = worker_cancel(a->token_worker);
	if (a->cloud)
		cloud_device_cancel(a->cloud);
	session_close(a->session);
	a->authenticated_until_ms = 0;
}
