/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioning/provisioning.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "proto/command.h"

#define CODE_GET 0x01
#define CODE_POST 0x02
#define CODE_TOO_LARGE 0x8d /* 4.13 */
#define FORMAT_CBOR 60      /* also for the JWT: docs/protocol.md §3.1 */

/* Every byte of the query is sent with every authentication. */
#define VERSIONS "mver=onboardd-" ONBOARD_VERSION "&cver=" ONBOARD_VERSION

/* One request's own context: a late answer has nothing to meet. */
struct call {
	struct provisioning *p;
	enum outcome_step step;
	struct session_request *request;
};

struct provisioning {
	sd_event *event;           /* borrowed */
	struct session *session;   /* borrowed */
	struct executor *executor; /* borrowed */
	struct provisioning_config config;

	struct call *call;     /* owned; NULL: no request is on its way */
	struct worker *worker; /* owned; NULL: no key is at work */
	provisioning_fn fn;
	void *userdata;

	struct command_list commands; /* fetched, not yet executed */
	provisioning_execute_fn execute_fn;
	struct prepared *prepared; /* borrowed from the worker that has it */

	/* A report under way: what is pending, how much of it the request on the wire carries. */
	struct response_list pending;
	size_t n_sent, n_acknowledged, n_failed;
	bool finished;
	size_t split;
	uint8_t *body; /* owned, config.tx_max bytes: never shared with what is received */

	char detail[256];
};

int provisioning_new(sd_event *event, struct session *session, struct executor *executor,
		     const struct provisioning_config *config, struct provisioning **ret)
{
	struct provisioning_config c = *config;
	struct provisioning *p;

	if (!c.jwt_lifetime_s)
		c.jwt_lifetime_s = 300;
	if (!c.rx_max)
		c.rx_max = 8192;
	if (!c.tx_max)
		c.tx_max = 4096;
	if (!c.limit)
		c.limit = 10;
	if (c.jwt_lifetime_s > JWT_LIFETIME_MAX || c.rx_max > BODY_MAX || c.tx_max < REPORT_MIN ||
	    c.tx_max > BODY_MAX || c.limit > COMMANDS_MAX)
		return -EINVAL;
	p = calloc(1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	p->event = event;
	p->session = session;
	p->executor = executor;
	p->config = c;
	p->split = c.tx_max;
	p->body = malloc(BODY_MAX);
	if (!p->body) {
		provisioning_free(p);
		return -ENOMEM;
	}
	*ret = p;
	return 0;
}

static bool is_busy(const struct provisioning *p)
{
	return p->call || p->worker;
}

void provisioning_cancel(struct provisioning *p)
{
	if (p->prepared)
		prepared_give_up(p->prepared);
	p->prepared = NULL;
	p->worker = worker_cancel(p->worker);
	if (p->call) {
		if (p->call->request)
			session_cancel(p->call->request);
		free(p->call);
		p->call = NULL;
	}
	command_list_done(&p->commands);
	p->commands = COMMAND_LIST_INIT;
	response_list_done(&p->pending);
	p->pending = RESPONSE_LIST_INIT;
}

struct provisioning *provisioning_free(struct provisioning *p)
{
	if (!p)
		return NULL;
	provisioning_cancel(p);
	free(p->body);
	free(p);
	return NULL;
}

/* Last act of a call: the callback may start the next one or free everything. */
static void finish(struct provisioning *p, struct provisioning_result *result)
{
	provisioning_fn fn = p->fn;
	void *userdata = p->userdata;

	if (!result->detail)
		result->detail = p->detail;
	fn(p, result, userdata);
}

static void describe(struct provisioning *p, const char *path, int r, uint8_t code)
{
	if (r)
		snprintf(p->detail, sizeof(p->detail), "%s: %s", path, session_strerror(r));
	else
		snprintf(p->detail, sizeof(p->detail), "%s: answered %u.%02u", path, code >> 5,
			 code & 31);
}

static void on_reply(struct session *s, int r, const struct reply *reply, void *userdata);

static int send_request(struct provisioning *p, enum outcome_step step, struct request *request)
{
	_cleanup_(freep) struct call *call = calloc(1, sizeof(*call));
	int r;

	if (!call)
		return -ENOMEM;
	call->p = p;
	call->step = step;
	r = session_request(p->session, request, on_reply, call, &call->request);
	if (r != 0)
		return r;
	p->call = TAKE_PTR(call);
	return 0;
}

static const char *command_problem(int r)
{
	switch (r) {
	case COMMAND_E_SYNTAX:
		return "it is not one CBOR array of commands";
	case COMMAND_E_TOO_MANY:
		return "it has more commands than were asked for";
	case COMMAND_E_ID:
		return "a command has no usable correlation id, so it cannot be answered";
	}
	return "it is empty";
}

static void on_fetched(struct provisioning *p, const struct reply *reply,
		       struct provisioning_result *result)
{
	struct command_list list = COMMAND_LIST_INIT;
	int r;

	if (reply->payload_len == 0) {
		result->outcome = OUTCOME_NO_COMMANDS;
		snprintf(p->detail, sizeof(p->detail), "nothing to do");
		return;
	}
	r = command_list_decode(reply->payload, reply->payload_len, p->config.limit, &list);
	if (r < 0) {
		result->outcome = OUTCOME_FAILED;
		snprintf(p->detail, sizeof(p->detail), "p/cmd: %s", strerror(-r));
		return;
	}
	if (r == COMMAND_E_EMPTY) {
		result->outcome = OUTCOME_NO_COMMANDS;
		snprintf(p->detail, sizeof(p->detail), "nothing to do");
		return;
	}
	if (r > 0) {
		result->outcome =
			r == COMMAND_E_TOO_MANY ? OUTCOME_TOO_MANY_COMMANDS : OUTCOME_BODY_INVALID;
		snprintf(p->detail, sizeof(p->detail),
			 "p/cmd: body of %zu bytes cannot be used: %s", reply->payload_len,
			 command_problem(r));
		return;
	}
	command_list_done(&p->commands);
	p->commands = list;
	result->n = list.n;
	snprintf(p->detail, sizeof(p->detail), "%zu command%s, %zu bytes", list.n,
		 list.n == 1 ? "" : "s", reply->payload_len);
}

static int report_next(struct provisioning *p);

static void report_done(struct provisioning *p)
{
	response_list_done(&p->pending);
	p->pending = RESPONSE_LIST_INIT;
}

/* True when the report is not over: another part is on its way. */
static bool on_reported(struct provisioning *p, struct provisioning_result *result)
{
	int r;

	if (result->code == CODE_TOO_LARGE && p->n_sent > 1) {
		/* The service takes less than we were told to assume. */
		p->split /= 2;
	} else if (result->outcome != OUTCOME_OK) {
		report_done(p);
		return false;
	} else {
		r = journal_forget(p->executor->store, p->pending.items + p->n_acknowledged,
				   p->n_sent);
		if (r != 0) {
			/* The service knows, we do not know that it knows: repeating is harmless.
			 */
			result->outcome = OUTCOME_STORE;
			snprintf(p->detail, sizeof(p->detail), "journal: %s", strerror(abs(r)));
			report_done(p);
			return false;
		}
		for (size_t i = 0; i < p->n_sent; i++) {
			const struct response *done = &p->pending.items[p->n_acknowledged + i];

			if (done->code == RESPONSE_ERROR)
				p->n_failed++;
			if (done->code == RESPONSE_FINISHED)
				p->finished = true;
		}
		p->n_acknowledged += p->n_sent;
	}
	if (p->n_acknowledged < p->pending.n) {
		r = report_next(p);
		if (r == 0)
			return true;
		result->outcome = outcome_of(OUTCOME_STEP_REPORT, r, 0);
		describe(p, "p/rsp", r, 0);
	} else {
		snprintf(p->detail, sizeof(p->detail), "%zu result%s acknowledged",
			 p->n_acknowledged, p->n_acknowledged == 1 ? "" : "s");
	}
	report_done(p);
	return false;
}

static const char *path_of(enum outcome_step step)
{
	switch (step) {
	case OUTCOME_STEP_AUTHENTICATE:
		return "p/auth-jwt";
	case OUTCOME_STEP_FETCH:
		return "p/cmd";
	case OUTCOME_STEP_REPORT:
		return "p/rsp";
	case OUTCOME_STEP_CLOUD:
		break;
	}
	return "";
}

static void on_reply(struct session *s, int r, const struct reply *reply, void *userdata)
{
	_cleanup_(freep) struct call *call = userdata;
	struct provisioning *p = call->p;
	struct provisioning_result result = {.outcome = OUTCOME_FAILED};

	(void)s;
	p->call = NULL;
	if (r == 0) {
		result.code = reply->code;
		result.max_age_s = reply->has_max_age ? reply->max_age_s : 0;
	}
	result.outcome = r == 0 ? outcome_of_reply(call->step, reply->code, reply->payload,
						   reply->payload_len)
				: outcome_of(call->step, r, 0);
	describe(p, path_of(call->step), r, result.code);
	if (call->step == OUTCOME_STEP_FETCH && result.outcome == OUTCOME_OK)
		on_fetched(p, reply, &result);
	if (call->step == OUTCOME_STEP_REPORT && on_reported(p, &result))
		return;
	if (call->step == OUTCOME_STEP_REPORT) {
		result.n = p->n_acknowledged;
		result.n_failed = p->n_failed;
		result.finished = p->finished;
	}
	finish(p, &result);
}

static void on_signed(int r, const char *jwt, void *userdata)
{
	struct provisioning *p = userdata;
	struct provisioning_result result = {.outcome = outcome_of_key(r)};

	p->worker = NULL;
	if (r != 0) {
		snprintf(p->detail, sizeof(p->detail), "p/auth-jwt: the identity key: %s",
			 key_strerror(r));
		finish(p, &result);
		return;
	}
	r = send_request(p, OUTCOME_STEP_AUTHENTICATE,
			 &(struct request){.code = CODE_POST,
					   .path = "p/auth-jwt",
					   .query = VERSIONS,
					   .content_format = FORMAT_CBOR,
					   .accept = -1,
					   .payload = jwt,
					   .payload_len = strlen(jwt),
					   .max_reply = 1024});
	if (r == 0)
		return;
	result.outcome = outcome_of(OUTCOME_STEP_AUTHENTICATE, r, 0);
	describe(p, "p/auth-jwt", r, 0);
	finish(p, &result);
}

int provisioning_authenticate(struct provisioning *p, provisioning_fn fn, void *userdata)
{
	struct signer *signer;
	int r;

	if (is_busy(p))
		return -EBUSY;
	/* A token's time is not for a session that is gone. */
	if (session_get_state(p->session) != SESSION_OPEN)
		return -ENOTCONN;
	r = identity_signer(p->executor->identity, &signer);
	if (r < 0)
		return r;
	p->fn = fn;
	p->userdata = userdata;
	return sign_start(p->event, signer, SIGN_JWT, clock_wall_s(), p->config.jwt_lifetime_s,
			  on_signed, p, &p->worker);
}

int provisioning_fetch(struct provisioning *p, provisioning_fn fn, void *userdata)
{
	_cleanup_(freep) char *after = NULL;
	char query[160];
	int r, n;

	if (is_busy(p))
		return -EBUSY;
	r = store_value_get(p->executor->store, "after", &after);
	if (r != 0 && r != -ENOENT)
		return r < 0 ? r : -EIO;
	if (after && strlen(after) > CORRELATION_MAX)
		return -EIO;
	n = snprintf(query, sizeof(query), "after=%s&rxMaxSize=%zu&txMaxSize=%zu&limit=%u",
		     after ? after : "", p->config.rx_max, p->config.tx_max, p->config.limit);
	if (n < 0 || (size_t)n >= sizeof(query))
		return -ENOBUFS;
	command_list_done(&p->commands);
	p->commands = COMMAND_LIST_INIT;
	p->fn = fn;
	p->userdata = userdata;
	return send_request(p, OUTCOME_STEP_FETCH,
			    &(struct request){.code = CODE_GET,
					      .path = "p/cmd",
					      .query = query,
					      .content_format = -1,
					      .accept = -1,
					      .max_reply = p->config.rx_max});
}

/* Last act, as finish(). */
static void finish_execution(struct provisioning *p, enum outcome outcome,
			     const struct batch_result *batch)
{
	struct provisioning_execution result = {.outcome = outcome, .detail = p->detail};

	if (batch)
		result.batch = *batch;
	p->execute_fn(p, &result, p->userdata);
}

static void execute_prepared(struct provisioning *p, const struct prepared *prepared)
{
	struct batch_result batch = {0};
	int r = execute_batch(p->executor, &p->commands, prepared, &batch);

	if (r != 0) {
		log_debug("batch not executed: %s", strerror(abs(r)));
		snprintf(p->detail, sizeof(p->detail),
			 "the commands could not be executed in one transaction");
		finish_execution(p, r == -ENODEV ? OUTCOME_TOKEN_FAILED : OUTCOME_STORE, NULL);
		return;
	}
	command_list_done(&p->commands);
	p->commands = COMMAND_LIST_INIT;
	snprintf(p->detail, sizeof(p->detail), "%zu result%s in the journal%s", batch.n_results,
		 batch.n_results == 1 ? "" : "s", batch.failed ? ", the last one an error" : "");
	finish_execution(p,
			 batch.failed     ? OUTCOME_PARTIAL
			 : batch.finished ? OUTCOME_FINISHED
					  : OUTCOME_OK,
			 &batch);
}

static void on_prepared(void *prepared, void *userdata)
{
	struct provisioning *p = userdata;
	int r = prepared_result(prepared);

	p->worker = NULL;
	p->prepared = NULL;
	if (r == 0) {
		execute_prepared(p, prepared);
		return;
	}
	snprintf(p->detail, sizeof(p->detail), "the commands need a key: %s", key_strerror(r));
	finish_execution(p, outcome_of_key(r), NULL);
}

static void free_prepared(void *prepared)
{
	prepared_free(prepared);
}

int provisioning_execute(struct provisioning *p, provisioning_execute_fn fn, void *userdata)
{
	_cleanup_(prepared_freep) struct prepared *prepared = NULL;
	int r;

	if (is_busy(p))
		return -EBUSY;
	r = execute_prepare(p->executor, &p->commands, &prepared);
	if (r < 0)
		return r;
	p->execute_fn = fn;
	p->userdata = userdata;
	if (prepared_is_idle(prepared)) {
		execute_prepared(p, prepared);
		return 0;
	}
	r = worker_start(p->event, prepared_run, on_prepared, free_prepared, prepared, p,
			 &p->worker);
	if (r == 0)
		p->prepared = TAKE_PTR(prepared);
	return r;
}

static int report_next(struct provisioning *p)
{
	size_t len = 0;
	int r;

	r = response_list_encode(p->pending.items + p->n_acknowledged,
				 p->pending.n - p->n_acknowledged, p->body, p->split, &len,
				 &p->n_sent);
	/* One result larger than the service's wish goes alone: it may still take it, and keeping
	 * it back would stop the queue for ever. */
	if (r == -ENOBUFS)
		r = response_list_encode(p->pending.items + p->n_acknowledged, 1, p->body, BODY_MAX,
					 &len, &p->n_sent);
	if (r < 0)
		return r;
	return send_request(p, OUTCOME_STEP_REPORT,
			    &(struct request){.code = CODE_POST,
					      .path = "p/rsp",
					      .content_format = FORMAT_CBOR,
					      .accept = -1,
					      .payload = p->body,
					      .payload_len = len,
					      .max_reply = 1024});
}

int provisioning_report(struct provisioning *p, provisioning_fn fn, void *userdata)
{
	int r;

	if (is_busy(p))
		return -EBUSY;
	report_done(p);
	r = journal_pending(p->executor->store, &p->pending);
	if (r != 0)
		return r < 0 ? r : -EIO;
	p->fn = fn;
	p->userdata = userdata;
	p->n_acknowledged = p->n_failed = 0;
	p->finished = false;
	if (p->pending.n == 0) {
		struct provisioning_result result = {.outcome = OUTCOME_OK};

		snprintf(p->detail, sizeof(p->detail), "nothing to report");
		finish(p, &result);
		return 0;
	}
	r = report_next(p);
	if (r != 0)
		report_done(p);
	return r;
}
