/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_session.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SESSIONS_MAX 16
#define SENT_MAX 256

struct session_request {
	struct session *session;
	struct fake_request request;
	struct fake_reply reply;
	session_reply_fn fn;
	void *userdata;
};

struct session {
	sd_event *event;
	char name[32];
	enum session_state state;
	uint64_t note;
	char label[SESSION_LABEL_LEN + 1];
	struct session_stats stats;
	sd_event_source *source; /* answers whatever waits */
	session_connect_fn connect_fn;
	void *connect_userdata;
	struct session_request *current;
	bool in_callback;
	bool freed;
};

static struct {
	fake_far_end_fn far_end;
	int new_r, connect_r, resume_r, suspend_r;
	bool adoptable, stillborn;
	uint64_t adopt_note;
	char adopt_label[SESSION_LABEL_LEN + 1];
	char log[32768];
	struct session *sessions[SESSIONS_MAX];
	struct {
		char path[64];
		char payload[4096];
	} sent[SENT_MAX];
	unsigned int n_sent;
	struct session_request *held;
} fake;

static void note(struct session *s, const char *what, const char *more)
{
	size_t len = strlen(fake.log);

	snprintf(fake.log + len, sizeof(fake.log) - len, "%s: %s%s\n", s->name, what, more);
}

void fake_reset(fake_far_end_fn far_end)
{
	memset(&fake, 0, sizeof(fake));
	fake.far_end = far_end;
}

void fake_set_new(int r)
{
	fake.new_r = r;
}

void fake_set_connect(int r)
{
	fake.connect_r = r;
}

void fake_set_stillborn(void)
{
	fake.stillborn = true;
}

void fake_set_resume(int r)
{
	fake.resume_r = r;
}

void fake_set_suspend(int r)
{
	fake.suspend_r = r;
}

void fake_set_adoptable(uint64_t adopt_note, const char *label)
{
	fake.adoptable = true;
	fake.adopt_note = adopt_note;
	snprintf(fake.adopt_label, sizeof(fake.adopt_label), "%s", label);
}

const char *fake_log(void)
{
	return fake.log;
}

unsigned int fake_count(const char *line)
{
	unsigned int n = 0;

	for (const char *p = fake.log; *p; p = strchr(p, '\n') + 1)
		if (strncmp(p, line, strlen(line)) == 0)
			n++;
	return n;
}

unsigned int fake_open_sessions(void)
{
	unsigned int n = 0;

	for (size_t i = 0; i < SESSIONS_MAX; i++)
		if (fake.sessions[i] && fake.sessions[i]->state != SESSION_CLOSED)
			n++;
	return n;
}

const char *fake_payload(const char *path, unsigned int n)
{
	for (unsigned int i = 0; i < fake.n_sent; i++)
		if (strcmp(fake.sent[i].path, path) == 0 && n-- == 0)
			return fake.sent[i].payload;
	return NULL;
}

const char *session_strerror(int r)
{
	return r < 0 ? strerror(-r) : r == 0 ? "ok" : "a failure of the far end";
}

static void wake(struct session *s)
{
	int r = sd_event_source_set_enabled(s->source, SD_EVENT_ONESHOT);

	assert(r >= 0);
	(void)r;
}

static void answer(struct session *s)
{
	struct session_request *q = s->current;
	struct reply reply = {
		.code = q->reply.code,
		.content_format = 60,
		.has_max_age = q->reply.has_max_age,
		.max_age_s = q->reply.max_age_s,
		.payload_len = q->reply.payload_len,
	};
	uint8_t *bytes = malloc(q->reply.payload_len + 1);

	assert(bytes);
	memcpy(bytes, q->reply.payload, q->reply.payload_len);
	reply.payload = bytes;
	s->current = NULL;
	s->stats.round_trips++;
	if (q->reply.r == SESSION_E_LOST || q->reply.r == SESSION_E_TIMEOUT)
		s->state = SESSION_CLOSED;
	q->fn(s, q->reply.r, q->reply.r == 0 ? &reply : NULL, q->userdata);
	/* Whoever still reads them is found by the sanitizer. */
	memset(bytes, 0xa5, q->reply.payload_len);
	free(bytes);
	free(q);
}

static int on_source(sd_event_source *source, void *userdata)
{
	struct session *s = userdata;

	(void)source;
	if (s->state == SESSION_CONNECTING) {
		session_connect_fn fn = s->connect_fn;

		s->state = fake.connect_r == 0 ? SESSION_OPEN : SESSION_CLOSED;
		if (fake.connect_r == 0)
			s->stats.handshakes_full++;
		fn(s, fake.connect_r, fake.connect_r ? "the test says no" : "",
		   s->connect_userdata);
		if (fake.stillborn)
			s->state = SESSION_CLOSED;
	} else if (s->current) {
		answer(s);
	}
	return 0;
}

int session_new(sd_event *event, const struct session_config *config, struct session **ret)
{
	struct session *s = fake.new_r == 0 ? calloc(1, sizeof(*s)) : NULL;
	size_t i;

	if (!s)
		return -ENOMEM;
	s->event = event;
	snprintf(s->name, sizeof(s->name), "%s", config->name);
	assert(config->ca_pem);
	if (sd_event_add_defer(event, &s->source, on_source, s) < 0 ||
	    sd_event_source_set_enabled(s->source, SD_EVENT_OFF) < 0) {
		free(s);
		return -ENOMEM;
	}
	for (i = 0; fake.sessions[i]; i++)
		assert(i + 1 < SESSIONS_MAX);
	fake.sessions[i] = s;
	*ret = s;
	return 0;
}

static void drop_request(struct session *s)
{
	if (!s->current)
		return;
	if (fake.held == s->current)
		fake.held = NULL;
	free(s->current);
	s->current = NULL;
}

struct session *session_free(struct session *s)
{
	if (!s)
		return NULL;
	session_close(s);
	for (size_t i = 0; i < SESSIONS_MAX; i++)
		if (fake.sessions[i] == s)
			fake.sessions[i] = NULL;
	sd_event_source_disable_unref(s->source);
	free(s);
	return NULL;
}

enum session_state session_get_state(const struct session *s)
{
	return s->state;
}

int session_connect(struct session *s, session_connect_fn fn, void *userdata)
{
	if (s->state != SESSION_CLOSED)
		return -EBUSY;
	note(s, "connect", "");
	s->state = SESSION_CONNECTING;
	s->connect_fn = fn;
	s->connect_userdata = userdata;
	wake(s);
	return 0;
}

static void record(const struct fake_request *request)
{
	if (fake.n_sent == SENT_MAX)
		return;
	snprintf(fake.sent[fake.n_sent].path, sizeof(fake.sent[0].path), "%s", request->path);
	snprintf(fake.sent[fake.n_sent].payload, sizeof(fake.sent[0].payload), "%.*s",
		 (int)request->payload_len, (const char *)request->payload);
	fake.n_sent++;
}

int session_request(struct session *s, const struct request *request, session_reply_fn fn,
		    void *userdata, struct session_request **ret_request)
{
	static const char *const methods[] = {"",        "GET ",   "POST ", "PUT ",
					      "DELETE ", "FETCH ", "PATCH "};
	struct session_request *q;
	char what[128];

	if (s->state != SESSION_OPEN)
		return -ENOTCONN;
	assert(!s->current);
	q = calloc(1, sizeof(*q));
	if (!q)
		return -ENOMEM;
	q->session = s;
	q->fn = fn;
	q->userdata = userdata;
	q->request.session = s->name;
	q->request.code = request->code;
	q->request.content_format = request->content_format;
	snprintf(q->request.path, sizeof(q->request.path), "%s", request->path);
	snprintf(q->request.query, sizeof(q->request.query), "%s",
		 request->query ? request->query : "");
	assert(request->payload_len <= sizeof(q->request.payload));
	if (request->payload_len)
		memcpy(q->request.payload, request->payload, request->payload_len);
	q->request.payload_len = request->payload_len;
	snprintf(what, sizeof(what), "%s%s", methods[request->code], request->path);
	note(s, what, "");
	record(&q->request);
	fake.far_end(&q->request, &q->reply);
	if (q->reply.r == 0 && q->reply.payload_len > request->max_reply)
		q->reply.r = SESSION_E_TOO_LARGE;
	s->current = q;
	if (q->reply.hold)
		fake.held = q;
	else
		wake(s);
	if (ret_request)
		*ret_request = q;
	return 0;
}

void session_cancel(struct session_request *request)
{
	note(request->session, "cancel ", request->request.path);
	drop_request(request->session);
}

void fake_release(void)
{
	if (!fake.held)
		return;
	wake(fake.held->session);
	fake.held = NULL;
}

static int put_away(struct session *s, const char *what, uint64_t n, const char *label)
{
	assert(s->state == SESSION_OPEN && !s->current);
	label = label ? label : "";
	assert(strlen(label) == 0 || strlen(label) == SESSION_LABEL_LEN);
	if (fake.suspend_r != 0)
		return fake.suspend_r;
	note(s, what, "");
	s->state = SESSION_SUSPENDED;
	s->note = n;
	snprintf(s->label, sizeof(s->label), "%s", label);
	return 0;
}

int session_suspend(struct session *s, uint64_t n, const char *label)
{
	return put_away(s, "suspend", n, label);
}

int session_park(struct session *s, uint64_t n, const char *label)
{
	return put_away(s, "park", n, label);
}

int session_resume(struct session *s)
{
	assert(s->state == SESSION_SUSPENDED);
	note(s, "resume", fake.resume_r ? " failed" : "");
	s->state = fake.resume_r == 0 ? SESSION_OPEN : SESSION_CLOSED;
	if (fake.resume_r == 0)
		s->stats.resumes++;
	return fake.resume_r;
}

uint64_t session_note(const struct session *s)
{
	return s->note;
}

const char *session_label(const struct session *s)
{
	return s->label;
}

int session_adopt(struct session *s)
{
	if (!fake.adoptable)
		return SESSION_E_NOT_RESUMABLE;
	fake.adoptable = false;
	s->note = fake.adopt_note;
	snprintf(s->label, sizeof(s->label), "%s", fake.adopt_label);
	s->state = SESSION_SUSPENDED;
	note(s, "adopt", "");
	return 0;
}

void session_close(struct session *s)
{
	struct session_request *q = s->current;
	bool was_connecting = s->state == SESSION_CONNECTING;

	if (s->state != SESSION_CLOSED)
		note(s, "close", "");
	s->state = SESSION_CLOSED;
	if (was_connecting)
		s->connect_fn(s, SESSION_E_CANCELLED, "cancelled", s->connect_userdata);
	s->current = NULL;
	if (q) {
		if (fake.held == q)
			fake.held = NULL;
		q->fn(s, SESSION_E_CANCELLED, NULL, q->userdata);
		free(q);
	}
}

void session_get_stats(const struct session *s, struct session_stats *ret)
{
	*ret = s->stats;
}

const char *session_suite(const struct session *s)
{
	return s->stats.handshakes_full ? "FAKE-SUITE" : "";
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
