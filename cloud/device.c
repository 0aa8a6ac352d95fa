/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/device.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/clock.h"
#include "base/log.h"
#include "credstore/staged.h"
#include "proto/cborjson.h"
#include "provisioning/stats.h"

#define CODE_GET 0x01
#define CODE_POST 0x02
#define CODE_PATCH 0x06
#define FORMAT_TEXT 0
#define FORMAT_CBOR 60
#define STATE_MAX 16384
#define JWT_LIFETIME_MAX_S 604800U
#define VERSIONS "mver=onboardd-" ONBOARD_VERSION "&cver=" ONBOARD_VERSION

enum step { STEP_CONNECT, STEP_AUTHENTICATE, STEP_STATE, STEP_REPORT };

static const char *const step_names[] = {
	[STEP_CONNECT] = "connect",
	[STEP_AUTHENTICATE] = "auth/jwt",
	[STEP_STATE] = "state",
	[STEP_REPORT] = "state/reported",
};

struct cloud_device {
	sd_event *event; /* borrowed */
	struct session_config config;
	char *name, *server, *address, *fallback_ca; /* owned, what config points to */
	uint32_t sec_tag;
	unsigned int jwt_lifetime_s;
	struct keyring *ring;      /* borrowed */
	struct store *store;       /* borrowed */
	struct identity *identity; /* borrowed */

	struct session *session; /* owned; kept between attempts, for its session id */
	char *ca_pem;            /* owned; what session trusts */
	struct session_stats earlier;

	bool busy, previous;
	enum step step;
	struct worker *worker; /* owned; NULL: the key is not at work */
	uint32_t max_age_s;
	cloud_fn fn;
	void *userdata;
	char detail[256];
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
	d->config = *c;
	d->config.name = d->name;
	d->config.server = d->server;
	d->config.address = d->address;
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

static void forget_session(struct cloud_device *d)
{
	struct session_stats s;

	if (!d->session)
		return;
	session_get_stats(d->session, &s);
	stats_add(&d->earlier, &s);
	d->session = session_free(d->session);
	free(d->ca_pem);
	d->ca_pem = NULL;
}

struct cloud_device *cloud_device_free(struct cloud_device *d)
{
	if (!d)
		return NULL;
	d->busy = false;
	worker_cancel(d->worker);
	forget_session(d);
	free(d->name);
	free(d->server);
	free(d->address);
	free(d->fallback_ca);
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
	if (d->session)
		session_close(d->session);
	d->fn(d, &result, d->userdata);
}

static void on_reply(struct session *s, int r, const struct reply *reply, void *userdata);

/* Failing to send is a failed attempt, told like any other. */
static void send_or_finish(struct cloud_device *d, enum step step, const struct request *request)
{
	int r;

	d->step = step;
	r = session_request(d->session, request, on_reply, d, NULL);
	if (r == 0)
		return;
	snprintf(d->detail, sizeof(d->detail), "%s: %s", step_names[step], session_strerror(r));
	finish(d, outcome_of(OUTCOME_STEP_CLOUD, r, 0), 0);
}

static int reported_state(struct cloud_device *d, uint8_t *ret, size_t size, size_t *ret_len)
{
	struct utsname os;
	char os_text[160] = "Linux";
	json_t *body;
	int r;

	if (uname(&os) == 0)
		snprintf(os_text, sizeof(os_text), "%s %s", os.sysname, os.release);
	body = json_pack("{s:{s:{s:s, s:s, s:s, s:s}}}", "device", "deviceInfo", "board",
			 identity_hardware(d->identity), "appName", "onboardd", "appVersion",
			 ONBOARD_VERSION, "os", os_text);
	if (!body)
		return -ENOMEM;
	r = cborjson_encode(body, ret, size, ret_len);
	json_decref(body);
	return r;
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

static void send_reported(struct cloud_device *d)
{
	uint8_t body[512];
	size_t len;
	int r = reported_state(d, body, sizeof(body), &len);

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

/* The shadow is read to prove that it can be: it must decode, an empty one is fine. */
static bool state_is_sound(struct cloud_device *d, const struct reply *reply)
{
	json_t *value = NULL;
	int r;

	if (reply->payload_len == 0)
		return true;
	r = cborjson_decode(reply->payload, reply->payload_len, &value);
	if (r == 0) {
		json_decref(value);
		return true;
	}
	snprintf(d->detail, sizeof(d->detail), "state: body of %zu bytes is not CBOR of a shadow",
		 reply->payload_len);
	return false;
}

static void on_reply(struct session *s, int r, const struct reply *reply, void *userdata)
{
	struct cloud_device *d = userdata;
	uint8_t code = r == 0 ? reply->code : 0;
	enum outcome o = outcome_of(OUTCOME_STEP_CLOUD, r, code);

	(void)s;
	if (!d->busy)
		return;
	if (r != 0)
		snprintf(d->detail, sizeof(d->detail), "%s: %s", step_names[d->step],
			 session_strerror(r));
	else
		snprintf(d->detail, sizeof(d->detail), "%s: answered %u.%02u", step_names[d->step],
			 code >> 5, code & 31);
	/* Of a login how long it is good for, of a refusal when to come again. */
	if (o != OUTCOME_OK || d->step == STEP_AUTHENTICATE)
		d->max_age_s = r == 0 && reply->has_max_age ? reply->max_age_s : 0;
	if (o != OUTCOME_OK) {
		finish(d, o, code);
		return;
	}
	switch (d->step) {
	case STEP_CONNECT:
		break;
	case STEP_AUTHENTICATE:
		send_state(d);
		return;
	case STEP_STATE:
		if (state_is_sound(d, reply))
			send_reported(d);
		else
			finish(d, OUTCOME_BODY_INVALID, code);
		return;
	case STEP_REPORT:
		snprintf(d->detail, sizeof(d->detail), "authenticated, shadow read and reported");
		finish(d, OUTCOME_OK, code);
		return;
	}
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

/* Of the attempt that runs. As store_credential_get(). */
static int get_credential(struct cloud_device *d, enum credential_type type, struct secret *ret)
{
	return d->previous ? staged_previous_get(d->store, d->sec_tag, type, ret)
			   : store_credential_get(d->store, d->sec_tag, type, ret);
}

/* -ENOENT, -EKEYREJECTED: it is none; -EUCLEAN: the store cannot give it; -ENOMEM. */
static int open_key(struct cloud_device *d, struct key **ret)
{
	_cleanup_(secret_done) struct secret value = SECRET_INIT;
	int r;

	r = get_credential(d, CREDENTIAL_PRIVATE_KEY, &value);
	if (r == -ENOENT || r == -ENOMEM)
		return r;
	if (r != 0)
		return -EUCLEAN;
	r = key_open(d->ring, value.data, value.len, NULL, ret);
	return r == -EINVAL ? -EKEYREJECTED : r;
}

static int start_signing(struct cloud_device *d)
{
	struct signer *signer = NULL;
	struct key *key = NULL;
	int r;

	r = open_key(d, &key);
	if (r == 0)
		r = identity_signer_of(d->identity, key, &signer);
	if (r != 0)
		return r;
	return sign_start(d->event, signer, SIGN_CLOUD_JWT, clock_wall_s(), d->jwt_lifetime_s,
			  on_signed, d, &d->worker);
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
	d->step = STEP_AUTHENTICATE;
	r = start_signing(d);
	if (r == 0)
		return;
	snprintf(d->detail, sizeof(d->detail), "the cloud access key in tag %u cannot sign: %s",
		 d->sec_tag, key_strerror(r));
	finish(d, outcome_of_key(r), 0);
}

/* Before a server is bothered. */
static int check_key(struct cloud_device *d)
{
	_cleanup_(key_freep) struct key *key = NULL;

	return open_key(d, &key);
}

/* A session that trusts what the tag holds now. -ENOENT: there is no CA at all. */
static int prepare_session(struct cloud_device *d)
{
	_cleanup_(secret_done) struct secret ca = SECRET_INIT;
	const char *pem = d->fallback_ca;
	int r;

	r = get_credential(d, CREDENTIAL_ROOT_CA, &ca);
	if (r == 0)
		pem = (const char *)ca.data;
	else if (r != -ENOENT)
		return r < 0 ? r : -EIO;
	if (!pem)
		return -ENOENT;
	if (d->session && strcmp(d->ca_pem, pem) == 0)
		return 0;
	forget_session(d);
	d->ca_pem = strdup(pem);
	if (!d->ca_pem)
		return -ENOMEM;
	d->config.ca_pem = d->ca_pem;
	r = session_new(d->event, &d->config, &d->session);
	if (r != 0) {
		free(d->ca_pem);
		d->ca_pem = NULL;
	}
	return r;
}

static void fail_to_start(struct cloud_device *d, int r, enum outcome outcome, const char *what)
{
	log_debug("cloud: %s: %d", what, r);
	snprintf(d->detail, sizeof(d->detail), "%s", what);
	finish(d, outcome, 0);
}

static int attempt(struct cloud_device *d, bool previous, cloud_fn fn, void *userdata)
{
	char what[128];
	int r;

	if (d->busy)
		return -EBUSY;
	d->busy = true;
	d->previous = previous;
	d->fn = fn;
	d->userdata = userdata;
	d->step = STEP_CONNECT;
	d->max_age_s = 0;
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
	r = prepare_session(d);
	if (r != 0) {
		snprintf(what, sizeof(what), "tag %u holds no usable root CA", d->sec_tag);
		fail_to_start(d, r, OUTCOME_CERTIFICATE, what);
		return 0;
	}
	r = session_connect(d->session, on_connected, d);
	if (r != 0)
		d->busy = false;
	return r;
}

int cloud_device_validate(struct cloud_device *d, cloud_fn fn, void *userdata)
{
	return attempt(d, false, fn, userdata);
}

int cloud_device_validate_previous(struct cloud_device *d, cloud_fn fn, void *userdata)
{
	return attempt(d, true, fn, userdata);
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
