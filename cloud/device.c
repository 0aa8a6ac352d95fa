/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/device.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "cloud/internal.h"
#include "proto/cborjson.h"
#include "provisioning/stats.h"

#define CODE_GET 0x01
#define CODE_POST 0x02
#define CODE_PATCH 0x06
#define CODE_UNAUTHORIZED 0x81 /* 4.01 */
#define FORMAT_TEXT 0
#define FORMAT_CBOR 60
#define STATE_MAX 16384
#define JWT_LIFETIME_MAX_S 604800U
#define MAX_AGE_DEFAULT_S 60  /* RFC 7252 §5.10.5 */
#define LOGIN_MARGIN_MS 30000 /* a login that ends within this is renewed before it is used */
#define VERSIONS "mver=onboardd-" ONBOARD_VERSION "&cver=" ONBOARD_VERSION

static const char *const step_names[] = {
	[STEP_CONNECT] = "connect",
	[STEP_AUTHENTICATE] = "auth/jwt",
	[STEP_STATE] = "state",
	[STEP_REPORT] = "state/reported",
};

static int copy_text(char **ret, const char *text)
{
	if (!text)
		return 0;
	*ret = strdup(text);
	return *ret ? 0 : -ENOMEM;
}

static int copy_config(struct cloud_device *d, const struct session_config *c)
{
	int r = copy_text(&d->name, c->name ? c->name : "cloud");

	if (r == 0)
		r = copy_text(&d->server, c->server);
	if (r == 0)
		r = copy_text(&d->address, c->address);
	if (r == 0)
		r = copy_text(&d->fallback_ca, c->ca_pem);
	if (r == 0)
		r = copy_text(&d->proxy, c->proxy);
	if (r == 0)
		r = copy_text(&d->proxy_file, c->proxy_file);
	d->config = *c;
	d->config.name = d->name;
	d->config.server = d->server;
	d->config.address = d->address;
	d->config.proxy = d->proxy;
	d->config.proxy_file = d->proxy_file;
	d->config.ca_pem = NULL;
	return r;
}

int cloud_device_new(sd_event *event, const struct cloud_device_config *config, struct store *store,
		     struct identity *identity, struct cloud_device **ret)
{
	struct cloud_device *d;
	int r;

	if (!config->session.server || config->jwt_lifetime_s > JWT_LIFETIME_MAX_S)
		return -EINVAL;
	d = calloc(1, sizeof(*d));
	if (!d)
		return -ENOMEM;
	d->event = event;
	d->sec_tag = config->sec_tag;
	d->jwt_lifetime_s = config->jwt_lifetime_s ? config->jwt_lifetime_s : 600;
	d->delta = config->delta;
	d->delta_userdata = config->delta_userdata;
	d->ring = config->ring;
	d->store = store;
	d->identity = identity;
	r = copy_config(d, &config->session);
	if (r < 0) {
		cloud_device_free(d);
		return r;
	}
	*ret = d;
	return 0;
}

struct cloud_device *cloud_device_free(struct cloud_device *d)
{
	if (!d)
		return NULL;
	d->busy = false;
	worker_cancel(d->worker);
	cloud_forget_session(d);
	free(d->name);
	free(d->server);
	free(d->address);
	free(d->fallback_ca);
	free(d->proxy);
	free(d->proxy_file);
	free(d);
	return NULL;
}

void cloud_device_get_stats(const struct cloud_device *d, struct session_stats *ret)
{
	struct session_stats s;

	*ret = d->earlier;
	if (!d->session)
		return;
	session_get_stats(d->session, &s);
	stats_add(ret, &s);
}

/* Whether what is open is worth keeping. */
static bool put_away(struct cloud_device *d, enum outcome outcome)
{
	int r;

	if (!d->keep || (outcome != OUTCOME_OK && outcome != OUTCOME_BUSY) || !d->session ||
	    session_get_state(d->session) != SESSION_OPEN)
		return false;
	r = session_park(d->session, d->authenticated_until_ms, NULL);
	if (r != 0)
		log_debug("cloud: session not kept: %s", session_strerror(r));
	return r == 0;
}

void cloud_device_set_keep(struct cloud_device *d, bool keep)
{
	d->keep = keep;
}

void cloud_device_set_first(struct cloud_device *d, enum session_transport first)
{
	d->first = first;
}

/* Last act of an attempt: the callback may start the next one or free everything. */
static void finish(struct cloud_device *d, enum outcome outcome, uint8_t code)
{
	struct cloud_result result = {
		.outcome = outcome,
		.step = step_names[d->step],
		.code = code,
		.max_age_s = d->max_age_s,
		.detail = d->detail,
	};

	d->busy = false;
	if (!put_away(d, outcome) && d->session)
		session_close(d->session);
	d->fn(d, &result, d->userdata);
}

static void on_reply(struct session *s, int r, const struct reply *reply, void *userdata);

/* Failing to send is a failed attempt, told like any other. */
static void send_or_finish(struct cloud_device *d, enum cloud_step step,
			   const struct request *request)
{
	int r;

	d->step = step;
	r = session_request(d->session, request, on_reply, d, NULL);
	if (r == 0)
		return;
	snprintf(d->detail, sizeof(d->detail), "%s: %s", step_names[step], session_strerror(r));
	finish(d, outcome_of(OUTCOME_STEP_CLOUD, r, 0), 0);
}

static void send_state(struct cloud_device *d)
{
	send_or_finish(d, STEP_STATE,
		       &(struct request){.code = CODE_GET,
					 .path = "state",
					 .content_format = -1,
					 .accept = FORMAT_CBOR,
					 .max_reply = STATE_MAX});
}

static void send_reported(struct cloud_device *d, const json_t *reported)
{
	uint8_t body[1024];
	size_t len;
	int r = reported ? cborjson_encode(reported, body, sizeof(body), &len) : -ENOMEM;

	d->step = STEP_REPORT;
	if (r != 0) {
		snprintf(d->detail, sizeof(d->detail), "state/reported: %s", strerror(abs(r)));
		finish(d, OUTCOME_FAILED, 0);
		return;
	}
	send_or_finish(d, STEP_REPORT,
		       &(struct request){.code = CODE_PATCH,
					 .path = "state/reported",
					 .content_format = FORMAT_CBOR,
					 .accept = -1,
					 .payload = body,
					 .payload_len = len,
					 .max_reply = STATE_MAX});
}

static void tell_success(struct cloud_device *d, const char *what, uint8_t code)
{
	snprintf(d->detail, sizeof(d->detail), "%s", what);
	finish(d, OUTCOME_OK, code);
}

/* The shadow is read to prove that it can be, too: it must decode, an empty one is fine. */
static void take_state(struct cloud_device *d, const struct reply *reply)
{
	json_auto_t *delta = NULL, *report = NULL, *more = NULL;

	if (reply->payload_len > 0 &&
	    cborjson_decode(reply->payload, reply->payload_len, &delta) != 0) {
		snprintf(d->detail, sizeof(d->detail),
			 "state: body of %zu bytes is not CBOR of a shadow", reply->payload_len);
		finish(d, OUTCOME_BODY_INVALID, reply->code);
		return;
	}
	more = d->delta ? d->delta(delta, d->delta_userdata) : NULL;
	if (d->purpose == CLOUD_POLL && !more) {
		tell_success(d, "shadow read", reply->code);
		return;
	}
	report = d->purpose == CLOUD_POLL ? json_incref(more) : cloud_describe_device(d);
	if (d->purpose != CLOUD_POLL && more && (!report || json_object_update(report, more) < 0))
		send_reported(d, NULL);
	else
		send_reported(d, report);
}

static void on_signed(int r, const char *jwt, void *userdata)
{
	struct cloud_device *d = userdata;

	d->worker = NULL;
	if (r != 0) {
		snprintf(d->detail, sizeof(d->detail), "the cloud access key in tag %u: %s",
			 d->sec_tag, key_strerror(r));
		finish(d, outcome_of_key(r), 0);
		return;
	}
	send_or_finish(d, STEP_AUTHENTICATE,
		       &(struct request){.code = CODE_POST,
					 .path = "auth/jwt",
					 .query = VERSIONS,
					 .content_format = FORMAT_TEXT,
					 .accept = -1,
					 .payload = jwt,
					 .payload_len = strlen(jwt),
					 .max_reply = 1024});
}

static int start_signing(struct cloud_device *d)
{
	struct signer *signer = NULL;
	struct key *key = NULL;
	int r;

	r = cloud_open_key(d, &key);
	if (r == 0)
		r = identity_signer_of(d->identity, key, &signer);
	if (r != 0)
		return r;
	return sign_start(d->event, signer, SIGN_CLOUD_JWT, clock_wall_s(), d->jwt_lifetime_s,
			  on_signed, d, &d->worker);
}

static void log_in(struct cloud_device *d)
{
	int r;

	d->step = STEP_AUTHENTICATE;
	d->authenticated_until_ms = 0;
	r = start_signing(d);
	if (r == 0)
		return;
	snprintf(d->detail, sizeof(d->detail), "the cloud access key in tag %u cannot sign: %s",
		 d->sec_tag, key_strerror(r));
	finish(d, outcome_of_key(r), 0);
}

static void on_connected(struct session *s, int r, const char *detail, void *userdata)
{
	struct cloud_device *d = userdata;

	(void)s;
	if (!d->busy)
		return;
	if (r != 0) {
		snprintf(d->detail, sizeof(d->detail), "connect: %s", detail);
		finish(d, outcome_of_connect(r), 0);
		return;
	}
	log_in(d);
}

/* -errno when it cannot even begin. */
static int connect_anew(struct cloud_device *d)
{
	d->step = STEP_CONNECT;
	d->authenticated_until_ms = 0;
	if (session_get_state(d->session) != SESSION_CLOSED)
		session_close(d->session);
	session_set_first(d->session, d->first);
	return session_connect(d->session, on_connected, d);
}

/* What a kept session may have lost while it was put away costs one try more: true when that is
 * under way. */
static bool try_once_more(struct cloud_device *d, int r, uint8_t code)
{
	if (d->purpose != CLOUD_POLL)
		return false;
	if (r == SESSION_E_LOST && !d->reconnected) {
		d->reconnected = true;
		return connect_anew(d) == 0;
	}
	if (r == 0 && code == CODE_UNAUTHORIZED && d->step != STEP_AUTHENTICATE &&
	    !d->reauthenticated) {
		d->reauthenticated = true;
		log_in(d);
		return true;
	}
	return false;
}

static void note_login(struct cloud_device *d, const struct reply *reply)
{
	d->max_age_s = reply->has_max_age ? reply->max_age_s : 0;
	d->authenticated_until_ms =
		clock_ms() +
		1000 * (uint64_t)(reply->has_max_age ? reply->max_age_s : MAX_AGE_DEFAULT_S);
}

static void on_reply(struct session *s, int r, const struct reply *reply, void *userdata)
{
	struct cloud_device *d = userdata;
	uint8_t code = r == 0 ? reply->code : 0;
	enum outcome o = r == 0 ? outcome_of_reply(OUTCOME_STEP_CLOUD, code, reply->payload,
						   reply->payload_len)
				: outcome_of(OUTCOME_STEP_CLOUD, r, 0);

	(void)s;
	if (!d->busy || try_once_more(d, r, code))
		return;
	if (r != 0)
		snprintf(d->detail, sizeof(d->detail), "%s: %s", step_names[d->step],
			 session_strerror(r));
	else
		snprintf(d->detail, sizeof(d->detail), "%s: answered %u.%02u", step_names[d->step],
			 code >> 5, code & 31);
	if (o != OUTCOME_OK) {
		/* When to come again, not how long the login would have been good for. */
		d->max_age_s = r == 0 && reply->has_max_age ? reply->max_age_s : 0;
		finish(d, o, code);
		return;
	}
	switch (d->step) {
	case STEP_CONNECT:
		break;
	case STEP_AUTHENTICATE:
		note_login(d, reply);
		send_state(d);
		return;
	case STEP_STATE:
		take_state(d, reply);
		return;
	case STEP_REPORT:
		tell_success(d,
			     d->purpose == CLOUD_POLL ? "shadow read and reported"
						      : "authenticated, shadow read and reported",
			     code);
		return;
	}
}

/* Before a server is bothered. */
static int check_key(struct cloud_device *d)
{
	_cleanup_(key_freep) struct key *key = NULL;

	return cloud_open_key(d, &key);
}

static void fail_to_start(struct cloud_device *d, int r, enum outcome outcome, const char *what)
{
	log_debug("cloud: %s: %d", what, r);
	snprintf(d->detail, sizeof(d->detail), "%s", what);
	finish(d, outcome, 0);
}

/* The session of the attempt, as far as it goes at once. -errno: nothing was begun. */
static int begin(struct cloud_device *d)
{
	if (d->purpose != CLOUD_POLL)
		return connect_anew(d);
	if (session_get_state(d->session) == SESSION_SUSPENDED) {
		d->authenticated_until_ms = session_note(d->session);
		if (session_resume(d->session) != 0)
			return connect_anew(d);
	}
	if (session_get_state(d->session) != SESSION_OPEN)
		return connect_anew(d);
	if (d->authenticated_until_ms <= clock_ms() + LOGIN_MARGIN_MS)
		log_in(d);
	else
		send_state(d);
	return 0;
}

static int attempt(struct cloud_device *d, enum cloud_purpose purpose, cloud_fn fn, void *userdata)
{
	char what[128];
	int r;

	if (d->busy)
		return -EBUSY;
	d->busy = true;
	d->purpose = purpose;
	d->fn = fn;
	d->userdata = userdata;
	d->step = STEP_CONNECT;
	d->max_age_s = 0;
	d->reconnected = d->reauthenticated = false;
	r = check_key(d);
	if (r == -ENOENT) {
		snprintf(what, sizeof(what), "tag %u holds no private key", d->sec_tag);
		fail_to_start(d, r, OUTCOME_NO_CREDENTIALS, what);
		return 0;
	}
	if (r != 0) {
		snprintf(what, sizeof(what), "the private key in tag %u cannot be used",
			 d->sec_tag);
		fail_to_start(d, r, outcome_of_key(r), what);
		return 0;
	}
	r = cloud_prepare_session(d);
	if (r != 0) {
		snprintf(what, sizeof(what), "tag %u holds no usable root CA", d->sec_tag);
		fail_to_start(d, r, OUTCOME_CERTIFICATE, what);
		return 0;
	}
	r = begin(d);
	if (r != 0)
		d->busy = false;
	return r;
}

int cloud_device_validate(struct cloud_device *d, cloud_fn fn, void *userdata)
{
	return attempt(d, CLOUD_VALIDATE, fn, userdata);
}

int cloud_device_validate_previous(struct cloud_device *d, cloud_fn fn, void *userdata)
{
	return attempt(d, CLOUD_VALIDATE_PREVIOUS, fn, userdata);
}

int cloud_device_poll(struct cloud_device *d, cloud_fn fn, void *userdata)
{
	return attempt(d, CLOUD_POLL, fn, userdata);
}

void cloud_device_cancel(struct cloud_device *d)
{
	if (!d->busy)
		return;
	d->busy = false;
	d->worker = worker_cancel(d->worker);
	if (d->session)
		session_close(d->session);
}

void cloud_device_leave(struct cloud_device *d)
{
	if (!d->busy && d->session)
		session_close(d->session);
}
