/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <ftw.h>

#include "cloud/device.h"
#include "fake_session.h"
#include "proto/cborjson.h"
#include "proto/jwt.h"

#define CODE(class, detail) ((uint8_t)((class) << 5 | (detail)))
#define TAG 16842753U
#define LIMIT_US 20000000 /* of a failure, never of a success */

static struct {
	const char *fail_path; /* this one answers code */
	uint8_t code;
	int r;
	uint8_t state[64];
	size_t state_len;
	bool hold;
	uint32_t fail_max_age_s; /* of that one; 0: none */
	unsigned int n_fail;     /* this often only; 0: always */
	uint32_t login_max_age_s;
	const char *report; /* what a delta is answered with; NULL: nothing */
	unsigned int n_deltas;
	bool had_delta;
} cloud;

static struct fake_request requests[16];
static size_t n_requests;

static void far_end(const struct fake_request *q, struct fake_reply *ret)
{
	if (n_requests < ARRAY_SIZE(requests))
		requests[n_requests++] = *q;
	ret->hold = cloud.hold;
	if (cloud.fail_path && strcmp(cloud.fail_path, q->path) == 0) {
		if (cloud.n_fail > 0 && --cloud.n_fail == 0)
			cloud.fail_path = NULL;
		ret->code = cloud.code;
		ret->r = cloud.r;
		ret->has_max_age = cloud.fail_max_age_s > 0;
		ret->max_age_s = cloud.fail_max_age_s;
		return;
	}
	if (strcmp(q->path, "auth/jwt") == 0) {
		ret->code = CODE(2, 1);
		ret->has_max_age = true;
		ret->max_age_s = cloud.login_max_age_s;
	} else if (strcmp(q->path, "state") == 0) {
		ret->code = CODE(2, 5);
		memcpy(ret->payload, cloud.state, cloud.state_len);
		ret->payload_len = cloud.state_len;
	} else {
		ret->code = CODE(2, 4);
	}
}

struct fixture {
	char dir[64];
	sd_event *event;
	struct keyring *ring;
	struct store *store;
	struct identity *identity;
	struct cloud_device *device;
	struct cloud_result result;
	char detail[256], step[32];
	unsigned int n_results;
};

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void put(struct fixture *f, enum credential_type type, const void *value, size_t len)
{
	const uint8_t digest[32] = {0};

	assert_int_equal(store_credential_put(f->store, TAG, type, value, len, digest), 0);
}

static void put_key(struct fixture *f)
{
	_cleanup_(key_freep) struct key *key = NULL;
	_cleanup_(secret_done) struct secret der = SECRET_INIT;

	assert_int_equal(key_generate(&key, &der), 0);
	put(f, CREDENTIAL_PRIVATE_KEY, der.data, der.len);
}

static json_t *on_delta(const json_t *delta, void *userdata)
{
	(void)userdata;
	cloud.n_deltas++;
	cloud.had_delta = delta;
	return cloud.report ? json_loads(cloud.report, 0, NULL) : NULL;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	const struct identity_config identity = {.hardware = "onboardd", .device_type = 23};
	struct cloud_device_config config = {
		.session = {.name = "cloud", .server = "localhost", .ca_pem = "fallback"},
		.sec_tag = TAG,
		.delta = on_delta,
	};

	assert_non_null(f);
	memset(&cloud, 0, sizeof(cloud));
	cloud.login_max_age_s = 1000;
	n_requests = 0;
	fake_reset(far_end);
	snprintf(f->dir, sizeof(f->dir), "/tmp/cloud-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	assert_true(sd_event_new(&f->event) >= 0);
	assert_int_equal(store_open(f->dir, NULL, &f->store, NULL), 0);
	assert_int_equal(identity_open(f->store, &identity, &f->identity, NULL), 0);
	assert_int_equal(keyring_new(&(struct keyring_config){NULL}, &f->ring), 0);
	config.ring = f->ring;
	assert_int_equal(cloud_device_new(f->event, &config, f->store, f->identity, &f->device), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	cloud_device_free(f->device);
	assert_true(worker_settle(LIMIT_US / 1000));
	assert_int_equal(fake_open_sessions(), 0);
	identity_free(f->identity);
	store_close(f->store);
	keyring_free(f->ring);
	sd_event_unref(f->event);
	nftw(f->dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
	free(f);
	return 0;
}

static void on_result(struct cloud_device *d, const struct cloud_result *result, void *userdata)
{
	struct fixture *f = userdata;

	(void)d;
	f->n_results++;
	f->result = *result;
	snprintf(f->detail, sizeof(f->detail), "%s", result->detail);
	snprintf(f->step, sizeof(f->step), "%s", result->step);
}

static void validate(struct fixture *f)
{
	unsigned int before = f->n_results;

	assert_int_equal(cloud_device_validate(f->device, on_result, f), 0);
	while (f->n_results == before)
		assert_true(sd_event_run(f->event, LIMIT_US) > 0);
	assert_int_equal(f->n_results, before + 1);
	assert_int_equal(fake_open_sessions(), 0);
}

typedef int (*begin_fn)(struct cloud_device *d, cloud_fn fn, void *userdata);

/* With a session that is kept. */
static void keep_and(struct fixture *f, begin_fn begin)
{
	unsigned int before = f->n_results;

	cloud_device_set_keep(f->device, true);
	assert_int_equal(begin(f->device, on_result, f), 0);
	while (f->n_results == before)
		assert_true(sd_event_run(f->event, LIMIT_US) > 0);
}

/* After a validation; what the poll alone did. */
static const char *poll_kept(struct fixture *f)
{
	size_t before;

	put_key(f);
	keep_and(f, cloud_device_validate);
	assert_int_equal(f->result.outcome, OUTCOME_OK);
	before = strlen(fake_log());
	n_requests = 0;
	keep_and(f, cloud_device_poll);
	return fake_log() + before;
}

static void a_poll_goes_over_the_kept_session(void **state)
{
	struct fixture *f = *state;

	assert_string_equal(poll_kept(f), "cloud: resume\ncloud: GET state\ncloud: park\n");
	assert_int_equal(f->result.outcome, OUTCOME_OK);
	assert_int_equal(cloud.n_deltas, 2);
	assert_false(cloud.had_delta);
	cloud_device_leave(f->device);
	assert_int_equal(fake_open_sessions(), 0);
}

static void what_a_delta_is_answered_with_is_reported(void **state)
{
	static const uint8_t delta[] = {0xa1, 0x61, 'x', 0x01};
	struct fixture *f = *state;
	json_t *reported = NULL;

	memcpy(cloud.state, delta, sizeof(delta));
	cloud.state_len = sizeof(delta);
	cloud.report = "{\"x\":1}";
	assert_string_equal(poll_kept(f), "cloud: resume\ncloud: GET state\n"
					  "cloud: PATCH state/reported\ncloud: park\n");
	assert_true(cloud.had_delta);
	assert_int_equal(requests[1].payload_len, sizeof(delta));
	assert_memory_equal(requests[1].payload, delta, sizeof(delta));
	/* A validation tells what the device is as well. */
	n_requests = 0;
	keep_and(f, cloud_device_validate);
	assert_int_equal(cborjson_decode(requests[2].payload, requests[2].payload_len, &reported),
			 0);
	assert_int_equal(json_object_size(reported), 2);
	json_decref(reported);
	cloud_device_leave(f->device);
}

static void a_login_that_is_about_to_end_is_renewed_before_it_is_used(void **state)
{
	struct fixture *f = *state;

	cloud.login_max_age_s = 29; /* within the margin */
	assert_string_equal(poll_kept(f), "cloud: resume\ncloud: POST auth/jwt\n"
					  "cloud: GET state\ncloud: park\n");
	assert_int_equal(f->result.outcome, OUTCOME_OK);
	cloud_device_leave(f->device);
}

static void a_login_that_the_server_forgot_is_renewed_once(void **state)
{
	struct fixture *f = *state;

	put_key(f);
	keep_and(f, cloud_device_validate);
	cloud.fail_path = "state";
	cloud.code = CODE(4, 1);
	cloud.n_fail = 1;
	keep_and(f, cloud_device_poll);
	assert_int_equal(f->result.outcome, OUTCOME_OK);
	assert_int_equal(fake_count("cloud: POST auth/jwt"), 2);
	assert_int_equal(fake_count("cloud: connect"), 1);
	cloud.fail_path = "state";
	keep_and(f, cloud_device_poll);
	assert_int_equal(f->result.outcome, OUTCOME_CLOUD_REFUSED);
	assert_int_equal(fake_count("cloud: POST auth/jwt"), 3);
	assert_int_equal(fake_open_sessions(), 0);
}

static void a_session_that_was_lost_is_connected_again_once(void **state)
{
	struct fixture *f = *state;

	put_key(f);
	keep_and(f, cloud_device_validate);
	cloud.fail_path = "state";
	cloud.r = SESSION_E_LOST;
	cloud.n_fail = 1;
	keep_and(f, cloud_device_poll);
	assert_int_equal(f->result.outcome, OUTCOME_OK);
	assert_int_equal(fake_count("cloud: connect"), 2);
	cloud.fail_path = "state";
	keep_and(f, cloud_device_poll);
	assert_int_equal(f->result.outcome, OUTCOME_LOST);
	assert_int_equal(fake_count("cloud: connect"), 3);
	assert_int_equal(fake_open_sessions(), 0);
}

static void a_session_that_cannot_be_resumed_is_made_anew(void **state)
{
	struct fixture *f = *state;

	fake_set_resume(SESSION_E_NOT_RESUMABLE);
	assert_string_equal(poll_kept(f),
			    "cloud: resume failed\ncloud: connect\ncloud: POST auth/jwt\n"
			    "cloud: GET state\ncloud: park\n");
	cloud_device_leave(f->device);
}

static void a_cloud_that_is_busy_does_not_cost_the_session(void **state)
{
	struct fixture *f = *state;

	put_key(f);
	keep_and(f, cloud_device_validate);
	cloud.fail_path = "state";
	cloud.code = CODE(5, 3);
	cloud.fail_max_age_s = 7;
	keep_and(f, cloud_device_poll);
	assert_int_equal(f->result.outcome, OUTCOME_BUSY);
	assert_int_equal(f->result.max_age_s, 7);
	assert_int_equal(fake_open_sessions(), 1);
	cloud_device_leave(f->device);
}

static void a_validation_never_leans_on_a_kept_session(void **state)
{
	struct fixture *f = *state;

	put_key(f);
	keep_and(f, cloud_device_validate);
	keep_and(f, cloud_device_validate);
	assert_int_equal(fake_count("cloud: connect"), 2);
	assert_int_equal(fake_count("cloud: POST auth/jwt"), 2);
	assert_int_equal(fake_count("cloud: resume"), 0);
	cloud_device_leave(f->device);
}

static void a_kept_session_ends_with_the_ca_that_vouched_for_it(void **state)
{
	struct fixture *f = *state;

	put_key(f);
	keep_and(f, cloud_device_validate);
	put(f, CREDENTIAL_ROOT_CA, "the tag's", 9);
	keep_and(f, cloud_device_poll);
	assert_int_equal(f->result.outcome, OUTCOME_OK);
	assert_non_null(strstr(fake_log(), "cloud: park\ncloud: close\ncloud: connect\n"));
	assert_int_equal(fake_open_sessions(), 1);
	cloud_device_leave(f->device);
}

static void what_an_earlier_process_kept_is_said_goodbye_to(void **state)
{
	struct fixture *f = *state;

	put_key(f);
	fake_set_adoptable(1, "");
	validate(f);
	assert_int_equal(fake_count("cloud: adopt\ncloud: close\ncloud: connect\n"), 1);
}

/* How long the login would have been good for is no time to come again. */
static void a_refusals_max_age_is_its_own(void **state)
{
	struct fixture *f = *state;

	put_key(f);
	cloud.fail_path = "state";
	cloud.code = CODE(4, 29);
	validate(f);
	assert_int_equal(f->result.outcome, OUTCOME_BUSY);
	assert_int_equal(f->result.max_age_s, 0);
	cloud.fail_max_age_s = 30;
	validate(f);
	assert_int_equal(f->result.max_age_s, 30);
}

static void device_validates_in_the_documented_order_and_closes(void **state)
{
	struct fixture *f = *state;
	struct jwt jwt;
	json_t *reported = NULL;

	put_key(f);
	validate(f);
	assert_int_equal(f->result.outcome, OUTCOME_OK);
	assert_int_equal(f->result.max_age_s, 1000);
	assert_string_equal(fake_log(), "cloud: connect\ncloud: POST auth/jwt\ncloud: GET state\n"
					"cloud: PATCH state/reported\ncloud: close\n");
	assert_int_equal(requests[0].content_format, 0);
	assert_int_equal(jwt_parse((char *)requests[0].payload, requests[0].payload_len, &jwt), 0);
	assert_string_equal(jwt.sub, "");
	assert_non_null(strstr(jwt.iss, identity_uuid_text(f->identity)));
	assert_int_equal(jwt.exp - jwt.iat, 600);
	assert_int_equal(cborjson_decode(requests[2].payload, requests[2].payload_len, &reported),
			 0);
	assert_string_equal(
		json_string_value(json_object_get(
			json_object_get(json_object_get(reported, "device"), "deviceInfo"),
			"appName")),
		"onboardd");
	json_decref(reported);
}

static void device_without_a_key_says_so_and_sends_nothing(void **state)
{
	struct fixture *f = *state;

	validate(f);
	assert_int_equal(f->result.outcome, OUTCOME_NO_CREDENTIALS);
	assert_string_equal(fake_log(), "");
}

static void device_with_an_unusable_key_says_so(void **state)
{
	struct fixture *f = *state;

	put(f, CREDENTIAL_PRIVATE_KEY, "garbage", 7);
	validate(f);
	assert_int_equal(f->result.outcome, OUTCOME_IDENTITY);
	assert_non_null(strstr(f->detail, "16842753"));
}

static void device_names_the_step_and_the_code_of_a_refusal(void **state)
{
	static const struct {
		const char *path;
		uint8_t code;
		enum outcome outcome;
	} rows[] = {
		{"auth/jwt", CODE(4, 1), OUTCOME_CLOUD_REFUSED},
		{"auth/jwt", CODE(4, 3), OUTCOME_CLOUD_REFUSED},
		{"auth/jwt", CODE(5, 3), OUTCOME_BUSY},
		{"auth/jwt", CODE(4, 4), OUTCOME_NOT_FOUND},
		{"state", CODE(4, 1), OUTCOME_CLOUD_REFUSED},
		{"state/reported", CODE(4, 0), OUTCOME_BAD_REQUEST},
	};
	struct fixture *f = *state;

	put_key(f);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		cloud.fail_path = rows[i].path;
		cloud.code = rows[i].code;
		validate(f);
		assert_int_equal(f->result.outcome, rows[i].outcome);
		assert_int_equal(f->result.code, rows[i].code);
		assert_string_equal(f->step, rows[i].path);
	}
}

static void device_tells_a_transport_failure_from_a_refusal(void **state)
{
	struct fixture *f = *state;

	put_key(f);
	fake_set_connect(SESSION_E_CERTIFICATE);
	validate(f);
	assert_int_equal(f->result.outcome, OUTCOME_CERTIFICATE);
	assert_string_equal(f->step, "connect");
	fake_set_connect(0);
	cloud.fail_path = "state";
	cloud.r = SESSION_E_TIMEOUT;
	validate(f);
	assert_int_equal(f->result.outcome, OUTCOME_TIMEOUT);
}

static void device_refuses_a_shadow_that_is_not_cbor(void **state)
{
	struct fixture *f = *state;

	put_key(f);
	memcpy(cloud.state, "\xff\x00", 2);
	cloud.state_len = 2;
	validate(f);
	assert_int_equal(f->result.outcome, OUTCOME_BODY_INVALID);
	assert_string_equal(f->step, "state");
}

static void device_trusts_the_ca_of_its_tag_and_keeps_counting_when_it_changes(void **state)
{
	struct fixture *f = *state;
	struct session_stats stats;

	put_key(f);
	validate(f);
	put(f, CREDENTIAL_ROOT_CA, "the tag's", 9);
	validate(f);
	cloud_device_get_stats(f->device, &stats);
	assert_int_equal(stats.handshakes_full, 2);
	assert_int_equal(stats.round_trips, 6);
}

static void device_that_was_cancelled_says_nothing_and_can_start_again(void **state)
{
	struct fixture *f = *state;

	put_key(f);
	cloud.hold = true;
	assert_int_equal(cloud_device_validate(f->device, on_result, f), 0);
	assert_int_equal(cloud_device_validate(f->device, on_result, f), -EBUSY);
	while (n_requests == 0)
		assert_true(sd_event_run(f->event, LIMIT_US) > 0);
	cloud_device_cancel(f->device);
	fake_release();
	for (int i = 0; i < 10; i++)
		assert_true(sd_event_run(f->event, 0) >= 0);
	assert_int_equal(f->n_results, 0);
	cloud.hold = false;
	validate(f);
	assert_int_equal(f->result.outcome, OUTCOME_OK);
}

static void device_that_was_cancelled_while_its_key_signs_asks_nothing(void **state)
{
	struct fixture *f = *state;

	put_key(f);
	assert_int_equal(cloud_device_validate(f->device, on_result, f), 0);
	while (strcmp(fake_log(), "cloud: connect\n") != 0)
		assert_true(sd_event_run(f->event, LIMIT_US) > 0);
	cloud_device_cancel(f->device);
	assert_true(worker_settle(LIMIT_US / 1000));
	while (sd_event_run(f->event, 0) > 0)
		;
	assert_int_equal(n_requests, 0);
	assert_int_equal(f->n_results, 0);
	validate(f);
	assert_int_equal(f->result.outcome, OUTCOME_OK);
}

static void device_whose_token_is_absent_says_so_and_is_not_refused(void **state)
{
	static const char uri[] = "pkcs11:token=gone?module-path=/nonexistent/module.so";
	struct fixture *f = *state;

	put(f, CREDENTIAL_PRIVATE_KEY, uri, strlen(uri));
	validate(f);
	assert_int_equal(f->result.outcome, OUTCOME_TOKEN_ABSENT);
	assert_string_equal(f->step, "auth/jwt");
	assert_non_null(strstr(f->detail, "16842753"));
	assert_int_equal(n_requests, 0);
}

int main(void)
{
#define TEST(x) cmocka_unit_test_setup_teardown(x, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(device_validates_in_the_documented_order_and_closes),
		TEST(a_refusals_max_age_is_its_own),
		TEST(a_poll_goes_over_the_kept_session),
		TEST(what_a_delta_is_answered_with_is_reported),
		TEST(a_login_that_is_about_to_end_is_renewed_before_it_is_used),
		TEST(a_login_that_the_server_forgot_is_renewed_once),
		TEST(a_session_that_was_lost_is_connected_again_once),
		TEST(a_session_that_cannot_be_resumed_is_made_anew),
		TEST(a_cloud_that_is_busy_does_not_cost_the_session),
		TEST(a_validation_never_leans_on_a_kept_session),
		TEST(a_kept_session_ends_with_the_ca_that_vouched_for_it),
		TEST(what_an_earlier_process_kept_is_said_goodbye_to),
		TEST(device_without_a_key_says_so_and_sends_nothing),
		TEST(device_with_an_unusable_key_says_so),
		TEST(device_names_the_step_and_the_code_of_a_refusal),
		TEST(device_tells_a_transport_failure_from_a_refusal),
		TEST(device_refuses_a_shadow_that_is_not_cbor),
		TEST(device_trusts_the_ca_of_its_tag_and_keeps_counting_when_it_changes),
		TEST(device_that_was_cancelled_says_nothing_and_can_start_again),
		TEST(device_that_was_cancelled_while_its_key_signs_asks_nothing),
		TEST(device_whose_token_is_absent_says_so_and_is_not_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
