/* SPDX-License-Identifier: Apache-2.0 */
/* In place of session/ and of the cloud's device connection: the contract of session/session.h over
 * a network that loses, delays and repeats. A saved session is marked, then loaded, then taken out
 * of systemd's store (session/saved.h, suspend.c). */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/command.h"
#include "proto/response.h"
#include "wrap.h"

#define CODE(class, detail) ((uint8_t)((class) << 5 | (detail)))

struct session {
	bool is_cloud;
};

struct session_request {
	session_reply_fn fn;
	void *userdata;
};

static struct session sessions[2];
static struct session_request pending; /* its callback; that there is one is in the world */
static uint8_t sent[COMMANDS];         /* the results in its body, when it is a report */
static session_connect_fn connect_fn;
static cloud_fn cloud_fns[CLOUD_POLL + 1];

const char *session_strerror(int r)
{
	return r < 0 ? strerror(-r) : "a failure of the model";
}

int session_new(sd_event *event, const struct session_config *config, struct session **ret)
{
	(void)event;
	*ret = &sessions[strcmp(config->name, "cloud") == 0];
	(*ret)->is_cloud = *ret != sessions;
	return 0;
}

struct session *session_free(struct session *s)
{
	(void)s;
	return NULL;
}

enum session_state session_get_state(const struct session *s)
{
	return s->is_cloud ? SESSION_CLOSED : (enum session_state)world.process.session;
}

uint64_t session_note(const struct session *s)
{
	(void)s;
	return world.process.note ? UINT64_MAX : 0;
}

const char *session_label(const struct session *s)
{
	(void)s;
	return trace_text((enum trace)world.kept.label);
}

void session_get_stats(const struct session *s, struct session_stats *ret)
{
	(void)s;
	*ret = (struct session_stats){0};
}

const char *session_suite(const struct session *s)
{
	(void)s;
	return "";
}

void session_set_first(struct session *s, enum session_transport first)
{
	(void)s;
	(void)first;
}

enum session_transport session_get_transport(const struct session *s)
{
	(void)s;
	return SESSION_COAP;
}

/* ---- whose cycle it is ---- */

static const char *const trace_texts[] = {
	[TRACE_NONE] = "",
	[TRACE_OTHER] = "0000000000000001",
	[TRACE_SERVICE] = "0000000000000002",
};

const char *trace_text(enum trace t)
{
	return trace_texts[t];
}

enum trace trace_of(const char *text)
{
	for (unsigned int t = 0; t < ARRAY_SIZE(trace_texts); t++)
		if (strcmp(trace_texts[t], text) == 0)
			return (enum trace)t;
	abort();
}

void session_forget_login(void)
{
	world.outside.is_authenticated = false;
	world.process.trace = MIN(world.process.trace, TRACE_OTHER);
	world.kept.label = MIN(world.kept.label, TRACE_OTHER);
}

/* Only the login says the id; whatever else comes is of the cycle that logged in. */
static void check_trace(void)
{
	if (world.outside.is_authenticated && world.process.trace != TRACE_SERVICE)
		violate(PROPERTY_ONE_TRACE,
			"the service knows the session by another trace id than the agent's");
}

/* ---- connecting ---- */

int session_connect(struct session *s, session_connect_fn fn, void *userdata)
{
	(void)userdata;
	if (session_get_state(s) != SESSION_CLOSED)
		return -EBUSY;
	connect_fn = fn;
	world.process.session = SESSION_CONNECTING;
	return 0;
}

void session_connected(void)
{
	static const char *const names[] = {"connected", "unreachable", "the certificate is wrong"};
	static const int results[] = {0, SESSION_E_UNREACHABLE, SESSION_E_CERTIFICATE};
	const int r = world.outside.is_up ? results[choose(3, names)] : SESSION_E_UNREACHABLE;
	const bool fails = r != 0;

	world.process.session = fails ? SESSION_CLOSED : SESSION_OPEN;
	if (!fails)
		session_forget_login();
	if (!fails || mutant != MUTANT_MUTE)
		connect_fn(agent->session, r, "the model says so", agent);
}

/* ---- put away and taken back ---- */

static int put_away(uint64_t note, const char *label, const char *how)
{
	static const char *const names[] = {"can be put away", "cannot be put away"};
	struct kept *k = &world.kept;

	if (world.process.session != SESSION_OPEN)
		return -ENOTCONN;
	if (world.process.request != REQUEST_NONE)
		violate(PROPERTY_NOTHING_UNDERWAY,
			"a session is put away with a request on its way");
	if (choose(2, names) != 0)
		return SESSION_E_NOT_SUSPENDABLE;
	*k = (struct kept){
		.blob = BLOB_SAVED, .note = note != 0, .label = (uint8_t)trace_of(label)};
	note_durable();
	k->is_stored = true;
	world.process.note = note != 0;
	world.process.session = SESSION_SUSPENDED;
	say("the session is %s", how);
	note_durable();
	return 0;
}

int session_suspend(struct session *s, uint64_t note, const char *label)
{
	(void)s;
	return put_away(note, label, "suspended");
}

int session_park(struct session *s, uint64_t note, const char *label)
{
	(void)s;
	return put_away(note, label, "parked");
}

static void load(void)
{
	if (world.kept.loads < 2)
		world.kept.loads++;
	say("the saved session is loaded");
	if (world.kept.loads > 1)
		violate(PROPERTY_NO_SESSION_TWICE, "a saved session is loaded twice");
	note_durable();
}

static void mark(void)
{
	world.kept.blob = BLOB_CONSUMED;
	note_durable();
}

int session_resume(struct session *s)
{
	static const char *const names[] = {"it is good", "the server has said goodbye"};

	(void)s;
	if (world.process.session != SESSION_SUSPENDED)
		return -EINVAL;
	world.process.session = SESSION_CLOSED;
	if (world.kept.blob != BLOB_SAVED)
		return SESSION_E_NOT_RESUMABLE;
	if (mutant != MUTANT_NOT_MARKED && mutant != MUTANT_MARKED_LATE)
		mark();
	load();
	if (mutant == MUTANT_MARKED_LATE)
		mark();
	if (mutant != MUTANT_NOT_MARKED)
		world.kept = (struct kept){.blob = BLOB_NONE};
	note_durable();
	if (choose(2, names) != 0)
		return SESSION_E_NOT_RESUMABLE;
	world.process.session = SESSION_OPEN;
	return 0;
}

int session_adopt(struct session *s)
{
	(void)s;
	if (!world.kept.is_stored || world.kept.blob != BLOB_SAVED) {
		world.kept = (struct kept){.blob = BLOB_NONE};
		return SESSION_E_NOT_RESUMABLE;
	}
	world.process.note = world.kept.note;
	world.process.session = SESSION_SUSPENDED;
	return 0;
}

/* A suspended one is taken back to say goodbye, whether or not that can be. */
void session_close(struct session *s)
{
	bool was_connecting = session_get_state(s) == SESSION_CONNECTING;

	if (s->is_cloud)
		return;
	if (world.process.session == SESSION_SUSPENDED && world.kept.blob == BLOB_SAVED) {
		mark();
		load();
		world.kept = (struct kept){.blob = BLOB_NONE};
		note_durable();
	}
	world.process.session = SESSION_CLOSED;
	if (was_connecting)
		connect_fn(s, SESSION_E_CANCELLED, "cancelled", agent);
	if (world.process.request != REQUEST_NONE)
		violate(PROPERTY_NOTHING_UNDERWAY, "a session is closed with a request on its way");
}

/* ---- requests ---- */

size_t body_of(uint8_t commands, uint8_t *ret, size_t size)
{
	struct command items[COMMANDS] = {0};
	char numbers[COMMANDS][2] = {"", "", ""}, verb[] = "%X";
	size_t n = 0, len = 0;

	for (unsigned int i = 0; i < COMMANDS; i++) {
		if (!(commands & 1 << i))
			continue;
		strcpy(items[n].correlation, command_name(i));
		items[n].type = scenario->kinds[i] == 'f' ? COMMAND_FINISHED : COMMAND_AT;
		numbers[i][0] = (char)('0' + i);
		items[n].verb = verb;
		items[n].parameters = numbers[i];
		n++;
	}
	if (n > 0 && command_list_encode(items, n, ret, size, &len) != 0)
		abort();
	return len;
}

/* What the agent really sends. */
static void read_report(const struct request *request)
{
	struct response_list list = RESPONSE_LIST_INIT;

	memset(sent, 0, sizeof(sent));
	if (response_list_decode(request->payload, request->payload_len, &list) != 0)
		abort();
	for (size_t i = 0; i < list.n; i++) {
		const struct response *r = &list.items[i];
		const int c = command_of(r->correlation);

		sent[c] = r->code == RESPONSE_AT ? (uint8_t)(r->message[0] - '0')
						 : world.disk.journal[c];
	}
	response_list_done(&list);
}

int session_request(struct session *s, const struct request *request, session_reply_fn fn,
		    void *userdata, struct session_request **ret)
{
	enum request_kind kind = strcmp(request->path, "p/cmd") == 0   ? REQUEST_FETCH
				 : strcmp(request->path, "p/rsp") == 0 ? REQUEST_REPORT
								       : REQUEST_LOGIN;
	if (session_get_state(s) != SESSION_OPEN && !is_quiet)
		return -ENOTCONN;
	pending = (struct session_request){fn, userdata};
	if (kind == REQUEST_REPORT)
		read_report(request);
	*ret = &pending;
	if (is_quiet)
		return 0;
	world.process.request = (uint8_t)kind;
	if (kind != REQUEST_LOGIN)
		check_trace();
	if (kind == REQUEST_FETCH)
		world.process.held = 0;
	for (unsigned int i = 0; i < COMMANDS && kind == REQUEST_FETCH; i++)
		if (world.disk.journal[i] && mutant != MUTANT_NO_JOURNAL_LOOKUP)
			violate(PROPERTY_REPORTS_FIRST,
				"commands are fetched while results are unreported");
	return 0;
}

void session_cancel(struct session_request *request)
{
	(void)request;
	if (!is_quiet)
		world.process.request = REQUEST_NONE;
}

static void on_put(struct provisioning *p, const struct provisioning_result *result, void *userdata)
{
	(void)p;
	(void)result;
	(void)userdata;
}

void session_put_held(void)
{
	uint8_t body[1024];
	const struct reply answer = {.code = CODE(2, 5),
				     .content_format = 60,
				     .payload = body,
				     .payload_len =
					     body_of(world.process.held, body, sizeof(body))};

	if (provisioning_fetch(agent->provisioning, on_put, NULL) != 0)
		abort();
	pending.fn(agent->session, 0, &answer, pending.userdata);
}

static uint8_t serve(enum request_kind kind, uint8_t *body, size_t size, size_t *ret_len)
{
	struct outside *o = &world.outside;

	*ret_len = 0;
	if (kind == REQUEST_LOGIN) {
		if (!o->is_claimed) {
			session_forget_login();
			return CODE(4, 1);
		}
		o->is_authenticated = true;
		world.process.trace = TRACE_SERVICE;
		return CODE(2, 1);
	}
	if (!o->is_authenticated || !o->is_claimed)
		return CODE(4, 1);
	if (kind == REQUEST_FETCH) {
		*ret_len = body_of(service_fetch(), body, size);
		say("the service hands out %zu bytes of commands", *ret_len);
		return CODE(2, 5);
	}
	service_report(sent);
	return CODE(2, 4);
}

static void reply(int r, uint8_t code, const uint8_t *body, size_t len)
{
	struct reply answer = {
		.code = code, .content_format = 60, .payload = body, .payload_len = len};

	answer.has_max_age = code == CODE(2, 1);
	answer.max_age_s = 86400;
	world.process.request = REQUEST_NONE;
	if (r != 0)
		world.process.session = SESSION_CLOSED;
	else if (code == CODE(2, 5))
		world.process.held = world.outside.handed;
	if (code == CODE(2, 5) && world.witness.asked == 2)
		world.witness.asked = 3;
	pending.fn(agent->session, r, r == 0 ? &answer : NULL, pending.userdata);
}

void session_answer(void)
{
	enum { ANSWERED, BUSY, REFUSED, LOST, UNHEARD, LATE };
	static const char *const names[] = {"answered",   "answered: busy",     "answered: refused",
					    "it is lost", "its answer is lost", "it arrives later"};
	static const char *const ends[] = {"lost", "no answer in time"};
	enum request_kind kind = (enum request_kind)world.process.request;
	uint8_t body[1024], code = 0;
	unsigned int fate = LOST;
	size_t len = 0;

	if (kind == REQUEST_REPORT && mutant == MUTANT_FORGETS_EARLY) {
		memset(world.disk.journal, 0, COMMANDS);
		note_durable();
	}
	if (world.outside.is_up)
		fate = choose(kind == REQUEST_REPORT && scenario->has_late ? 6 : 5, names);
	if (fate == ANSWERED || fate == UNHEARD)
		code = serve(kind, body, sizeof(body), &len);
	if (fate == BUSY)
		code = CODE(5, 3);
	if (fate == REFUSED)
		code = CODE(4, 3);
	if (fate == LATE)
		memcpy(world.outside.late, sent, COMMANDS);
	if (code != 0)
		note_durable(); /* the service has it, the agent does not know */
	if (fate == ANSWERED || fate == BUSY || fate == REFUSED)
		reply(0, code, body, len);
	else
		reply(choose(2, ends) == 0 ? SESSION_E_LOST : SESSION_E_TIMEOUT, 0, NULL, 0);
}

/* ---- the cloud's connection ---- */

static int start(enum cloud_kind kind, cloud_fn fn)
{
	cloud_fns[kind] = fn;
	world.process.cloud = (uint8_t)kind;
	return 0;
}

WRAP(int, cloud_device_validate, struct cloud_device *d, cloud_fn fn, void *userdata)
{
	(void)d;
	(void)userdata;
	return start(CLOUD_VALIDATE, fn);
}

WRAP(int, cloud_device_validate_previous, struct cloud_device *d, cloud_fn fn, void *userdata)
{
	(void)d;
	(void)userdata;
	return start(CLOUD_PREVIOUS, fn);
}

WRAP(int, cloud_device_poll, struct cloud_device *d, cloud_fn fn, void *userdata)
{
	(void)d;
	(void)userdata;
	return start(CLOUD_POLL, fn);
}

WRAP(void, cloud_device_cancel, struct cloud_device *d)
{
	(void)d;
	world.process.cloud = CLOUD_IDLE;
}

WRAP(void, cloud_device_leave, struct cloud_device *d)
{
	(void)d;
}

void session_cloud_answer(void)
{
	static const char *const names[] = {"the cloud accepts", "the cloud refuses", "no answer",
					    "the key's token is gone", "the token has no such key"};
	static const enum outcome outcomes[] = {OUTCOME_OK, OUTCOME_CLOUD_REFUSED, OUTCOME_TIMEOUT,
						OUTCOME_TOKEN_ABSENT, OUTCOME_KEY_MISSING};
	struct cloud_result result = {.step = "auth/jwt", .detail = "the model says so"};
	enum cloud_kind kind = (enum cloud_kind)world.process.cloud;

	world.process.cloud = CLOUD_IDLE;
	if (!world.outside.is_up)
		result.outcome = OUTCOME_TIMEOUT;
	else if (kind == CLOUD_VALIDATE && !world.disk.executed[0] && !scenario->has_previous)
		result.outcome = OUTCOME_NO_CREDENTIALS;
	else
		result.outcome = outcomes[choose(5, names)];
	cloud_fns[kind](agent->cloud, &result, agent);
}
