/* SPDX-License-Identifier: Apache-2.0 */
#include "wifi/provisioner.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"
#include "wifi/limit.h"
#include "wifi/provisioner_records.h"
#include "wifi/provisioner_status.h"

/* The longest Response that a peer has to be ready for. */
#define RESPONSE_MAX 88
/* A peer can write as fast as the radio goes; the journal need not follow. */
#define LINES 60
#define LINES_PERIOD_MS 60000

/* A SET_CONFIG that the link accepted and has not come to an end with. */
struct attempt {
	bool is_under_way;
	bool is_told; /* its results go to the peer */
	struct wifi_network network;
	enum wifi_state state;
};

struct provisioner {
	struct link *link;                       /* borrowed */
	struct window *window;                   /* borrowed */
	const struct provisioner_events *events; /* borrowed */
	struct provisioner_options options;
	char *peer;              /* owned; who is served, or NULL */
	struct records *records; /* owned */
	bool is_scanning;        /* the link scans for the peer */
	bool has_code;           /* the peer knows the label code */
	bool has_connected;      /* the peer's attempt did */
	struct attempt attempt;
	struct limit attempts, lines;
	bool is_quiet; /* the journal was told that it is not told everything */
};

/* ---- out ---- */

static void send_result(struct provisioner *p, const struct wifi_result *result)
{
	uint8_t data[WIFI_MESSAGE_MAX];
	size_t len = 0;
	int r;

	r = wifi_result_encode(result, data, sizeof(data), &len);
	if (r < 0) {
		log_debug("provisioner: a result cannot be sent: %s", strerror(-r));
		return;
	}
	p->events->result(p->events->userdata, data, len);
}

static void send_response(struct provisioner *p, const struct wifi_response *response)
{
	uint8_t data[WIFI_MESSAGE_MAX];
	size_t len = 0;
	int r;

	r = wifi_response_encode(response, data, sizeof(data), &len);
	if (r < 0) {
		const struct wifi_response error = {
			.has_op = response->has_op,
			.op = response->op,
			.has_answer = true,
			.answer = WIFI_ANSWER_INTERNAL_ERROR,
		};

		log_warning("provisioner: the answer to %s cannot be written: %s",
			    wifi_op_name(response->op), strerror(-r));
		r = wifi_response_encode(&error, data, sizeof(data), &len);
	}
	if (r == 0)
		p->events->response(p->events->userdata, data, len);
}

static void on_record(const struct wifi_record *record, void *userdata)
{
	const struct wifi_result result = {.has_record = true, .record = *record};

	send_result(userdata, &result);
}

/* ---- what the operations have in common ---- */

static void stop_scan(struct provisioner *p)
{
	records_stop(p->records);
	if (p->is_scanning)
		link_scan_stop(p->link);
	p->is_scanning = false;
}

/* Whether the request may not be done now; then its answer, and why for the log. */
static bool is_refused(struct provisioner *p, const struct wifi_request *q,
		       enum wifi_answer *ret_answer, const char **ret_why)
{
	const char *code = p->options.label_code;
	uint64_t now = clock_ms();

	*ret_answer = WIFI_ANSWER_INTERNAL_ERROR;
	if (!window_is_open(p->window)) {
		*ret_why = "the presence window is closed";
		return true;
	}
	/* Before the code is looked at: whoever guesses on learns nothing any more. */
	if (!limit_allows(&p->attempts, now)) {
		*ret_why = "too many attempts";
		return true;
	}
	*ret_answer = WIFI_ANSWER_INVALID_ARGUMENT;
	if (code && q->label_code_len == 0) {
		*ret_why = "no label code";
		return true;
	}
	if (code && !secret_equal(code, strlen(code), q->label_code, q->label_code_len)) {
		limit_count(&p->attempts, now);
		*ret_why = "wrong label code";
		return true;
	}
	p->has_code = code != NULL;
	return false;
}

static enum wifi_answer refused_by_link(int r, const char **ret_why)
{
	*ret_why = r < 0 ? strerror(-r) : "it could not be stored";
	return r == -EINVAL ? WIFI_ANSWER_INVALID_ARGUMENT : WIFI_ANSWER_INTERNAL_ERROR;
}

/* ---- the operations ---- */

static enum wifi_answer get_status(struct provisioner *p, const struct wifi_request *q,
				   struct wifi_response *response, const char **ret_why)
{
	const struct attempt *a = &p->attempt;
	struct link_view view = {0};
	enum wifi_answer answer;

	/* Nobody needs it for the status: it is for what the peer reads next. */
	if (p->options.label_code && q->label_code_len > 0 && is_refused(p, q, &answer, ret_why))
		return answer;
	link_get_view(p->link, &view);
	response->has_device_status = true;
	provisioner_status(&view, a->is_under_way ? &a->network : NULL, a->state,
			   &response->device_status);
	return WIFI_ANSWER_SUCCESS;
}

/* Costs radio time and serves only what needs the window as well. Refused here, a person learns it
 * before the password is typed in. The link refuses while something is tried: an app that gets a
 * state among the records of a scan dies of it. */
static enum wifi_answer start_scan(struct provisioner *p, const struct wifi_request *q,
				   struct wifi_response *response, const char **ret_why)
{
	const struct wifi_scan_params *params = q->has_scan_params ? &q->scan_params : NULL;
	int r;

	(void)response;
	stop_scan(p);
	if (!window_is_open(p->window)) {
		*ret_why = "the presence window is closed";
		return WIFI_ANSWER_INTERNAL_ERROR;
	}
	records_start(p->records, params ? params->band : WIFI_BAND_ANY);
	p->is_scanning = true;
	r = link_scan(p->link, params);
	if (r != 0) {
		p->is_scanning = false;
		records_stop(p->records);
		return refused_by_link(r, ret_why);
	}
	return WIFI_ANSWER_SUCCESS;
}

static enum wifi_answer end_scan(struct provisioner *p, const struct wifi_request *q,
				 struct wifi_response *response, const char **ret_why)
{
	(void)q;
	(void)response;
	(void)ret_why;
	stop_scan(p);
	return WIFI_ANSWER_SUCCESS;
}

static enum wifi_auth tried_auth(const struct wifi_config *c)
{
	if (c->network.auth <= WIFI_AUTH_WPA3_PSK)
		return c->network.auth;
	return c->passphrase_len > 0 ? WIFI_AUTH_WPA2_PSK : WIFI_AUTH_OPEN;
}

static enum wifi_answer try_config(struct provisioner *p, const struct wifi_config *config,
				   const char **ret_why)
{
	struct attempt before = p->attempt;
	struct link_view view = {0};
	int r;

	p->attempt = (struct attempt){
		.is_under_way = true,
		.is_told = true,
		.network = config->network,
		.state = WIFI_STATE_DISCONNECTED,
	};
	p->attempt.network.auth = tried_auth(config);
	r = link_try(p->link, config);
	if (r == 0)
		return WIFI_ANSWER_SUCCESS;
	/* The one before may go on, but after this answer nobody waits for it. */
	link_get_view(p->link, &view);
	p->attempt = before;
	p->attempt.is_told = false;
	p->attempt.is_under_way = before.is_under_way && view.is_trying;
	return refused_by_link(r, ret_why);
}

static enum wifi_answer set_config(struct provisioner *p, const struct wifi_request *q,
				   struct wifi_response *response, const char **ret_why)
{
	enum wifi_answer answer;

	(void)response;
	stop_scan(p);
	if (is_refused(p, q, &answer, ret_why))
		return answer;
	*ret_why = q->has_config && q->has_network ? wifi_config_refusal(&q->config)
						   : "no configuration";
	if (*ret_why)
		return WIFI_ANSWER_INVALID_ARGUMENT;
	limit_count(&p->attempts, clock_ms());
	return try_config(p, &q->config, ret_why);
}

static enum wifi_answer forget_config(struct provisioner *p, const struct wifi_request *q,
				      struct wifi_response *response, const char **ret_why)
{
	enum wifi_answer answer;
	int r;

	(void)response;
	stop_scan(p);
	if (is_refused(p, q, &answer, ret_why))
		return answer;
	r = link_forget(p->link);
	if (r != 0)
		return refused_by_link(r, ret_why);
	/* The attempt went with it, and the peer knows. */
	p->attempt = (struct attempt){0};
	return WIFI_ANSWER_SUCCESS;
}

typedef enum wifi_answer (*operation_fn)(struct provisioner *p, const struct wifi_request *q,
					 struct wifi_response *response, const char **ret_why);

static const operation_fn operations[] = {
	[WIFI_OP_GET_STATUS] = get_status,       [WIFI_OP_START_SCAN] = start_scan,
	[WIFI_OP_STOP_SCAN] = end_scan,          [WIFI_OP_SET_CONFIG] = set_config,
	[WIFI_OP_FORGET_CONFIG] = forget_config,
};

/* ---- in ---- */

static void log_request(struct provisioner *p, const struct wifi_request *q,
			const struct wifi_response *response, const char *why)
{
	char text[WIFI_SSID_TEXT_MAX], name[WIFI_SSID_TEXT_MAX + 4] = "";
	uint64_t now = clock_ms();

	if (!limit_allows(&p->lines, now)) {
		if (!p->is_quiet)
			log_warning("configurator %s: more than %d requests a minute, not telling"
				    " all of them",
				    p->peer, LINES);
		p->is_quiet = true;
		return;
	}
	limit_count(&p->lines, now);
	p->is_quiet = false;
	if (q->op == WIFI_OP_SET_CONFIG && q->has_network)
		snprintf(name, sizeof(name), " \"%s\"", wifi_ssid_text(&q->config.network, text));
	log_info("configurator %s: %s%s: %s%s%s%s", p->peer,
		 response->has_op ? wifi_op_name(q->op) : "unknown request", name,
		 wifi_answer_name(response->answer), why ? " (" : "", why ? why : "",
		 why ? ")" : "");
}

static void answer(struct provisioner *p, const void *data, size_t len)
{
	_cleanup_(wifi_request_wipe) struct wifi_request q = {0};
	struct wifi_response response = {.has_answer = true};
	const char *why = NULL;
	int r;

	r = len > WIFI_MESSAGE_MAX ? -EBADMSG : wifi_request_decode(data, len, &q);
	if (r < 0) {
		response.answer =
			r == -EBADMSG ? WIFI_ANSWER_INVALID_PROTO : WIFI_ANSWER_INTERNAL_ERROR;
	} else if (q.op >= ARRAY_SIZE(operations) || !operations[q.op]) {
		response.answer = WIFI_ANSWER_INVALID_ARGUMENT;
	} else {
		response.has_op = true;
		response.op = q.op;
		response.answer = operations[q.op](p, &q, &response, &why);
	}
	log_request(p, &q, &response, why);
	send_response(p, &response);
}

int provisioner_request(struct provisioner *p, const char *peer, size_t limit, const void *data,
			size_t len)
{
	if (limit < RESPONSE_MAX)
		return -EMSGSIZE;
	if (p->peer && strcmp(p->peer, peer) != 0)
		return -EBUSY;
	if (!p->peer)
		p->peer = strdup(peer);
	if (!p->peer)
		return -ENOMEM;
	answer(p, data, len);
	return 0;
}

void provisioner_peer_gone(struct provisioner *p, const char *peer)
{
	if (!p->peer || strcmp(p->peer, peer) != 0)
		return;
	free(p->peer);
	p->peer = NULL;
	stop_scan(p);
	p->attempt.is_told = false;
	p->has_code = p->has_connected = false;
}

const char *provisioner_claim_refusal(const struct provisioner *p, const char *peer)
{
	bool is_served = p->peer && strcmp(p->peer, peer) == 0;

	if (p->peer && !is_served)
		return "another configurator is served";
	if (is_served && p->has_connected)
		return NULL;
	if (!window_is_open(p->window))
		return "the presence window is closed";
	if (p->options.label_code && !(is_served && p->has_code))
		return "no label code";
	return NULL;
}

int provisioner_info(struct provisioner *p, uint8_t *ret, size_t size, size_t *ret_len)
{
	(void)p;
	return wifi_info_encode(WIFI_VERSION, ret, size, ret_len);
}

/* ---- from the link ---- */

bool provisioner_is_scanning(const struct provisioner *p)
{
	return p->is_scanning;
}

void provisioner_on_result(struct provisioner *p, enum wifi_state state, enum wifi_reason reason)
{
	const bool has_failed = state == WIFI_STATE_CONNECTION_FAILED;
	/* A reason reads as a failure, whatever the state beside it. */
	const struct wifi_result result = {
		.has_state = true,
		.state = state,
		.has_reason = has_failed,
		.reason = has_failed ? reason : WIFI_REASON_AUTH_ERROR,
	};
	struct attempt *a = &p->attempt;
	bool is_told = a->is_told;

	if (!a->is_under_way)
		return;
	a->state = state;
	if (has_failed || state == WIFI_STATE_CONNECTED)
		*a = (struct attempt){0};
	/* Once is enough: who comes later must not turn the device away from its owner's network.
	 */
	if (state == WIFI_STATE_CONNECTED) {
		p->has_connected = p->peer && is_told;
		window_close(p->window, "the device is connected");
	}
	if (is_told)
		send_result(p, &result);
}

void provisioner_on_found(struct provisioner *p, const struct wifi_record *record)
{
	if (p->is_scanning)
		records_add(p->records, record);
}

void provisioner_on_scan_done(struct provisioner *p, int r)
{
	if (!p->is_scanning)
		return;
	/* What was found is told to the end; an app knows no end of a scan. */
	p->is_scanning = false;
	if (r < 0)
		log_info("configurator %s: its scan failed: %s", p->peer, strerror(-r));
}

/* ---- life ---- */

static int start(struct provisioner *p, sd_event *event)
{
	int r;

	r = limit_init(&p->attempts, p->options.attempts, p->options.attempts_period_ms);
	if (r < 0)
		return r;
	r = limit_init(&p->lines, LINES, LINES_PERIOD_MS);
	if (r < 0)
		return r;
	return records_new(event, on_record, p, &p->records);
}

int provisioner_new(sd_event *event, struct link *link, struct window *window,
		    const struct provisioner_options *options,
		    const struct provisioner_events *events, struct provisioner **ret)
{
	_cleanup_(provisioner_freep) struct provisioner *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return -ENOMEM;
	p->link = link;
	p->window = window;
	p->events = events;
	p->options = *options;
	r = start(p, event);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(p);
	return 0;
}

struct provisioner *provisioner_free(struct provisioner *p)
{
	if (!p)
		return NULL;
	if (p->is_scanning)
		link_scan_stop(p->link);
	records_free(p->records);
	limit_done(&p->attempts);
	limit_done(&p->lines);
	free(p->peer);
	free(p);
	return NULL;
}
