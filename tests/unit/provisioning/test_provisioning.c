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

#include "base/macros.h"
#include "fake_session.h"
#include "proto/command.h"
#include "proto/jwt.h"
#include "provisioning/provisioning.h"

#define CODE(class, detail) ((uint8_t)((class) << 5 | (detail)))
#define LIMIT_US 20000000 /* of a failure, never of a success */

struct fixture {
	char dir[64];
	sd_event *event;
	struct keyring *ring;
	struct store *store;
	struct identity *identity;
	struct executor executor;
	struct session *session;
	struct provisioning *p;

	unsigned int n_results;
	struct provisioning_result last;
	struct provisioning_execution executed;
	char detail[256];
};

/* What the far end answers next, in order; the last one is repeated. */
static struct fake_reply script[8];
static size_t n_script, at_script;
static struct fake_request requests[64];
static size_t n_requests;

static void far_end(const struct fake_request *request, struct fake_reply *ret)
{
	if (n_requests < ARRAY_SIZE(requests))
		requests[n_requests++] = *request;
	*ret = script[MIN(at_script, n_script - 1)];
	at_script++;
}

static struct fake_reply *say(uint8_t code)
{
	struct fake_reply *r = &script[n_script++];

	memset(r, 0, sizeof(*r));
	r->code = code;
	return r;
}

static void start_over(void)
{
	n_script = at_script = n_requests = 0;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void nothing(struct session *s, int r, const char *detail, void *userdata)
{
	(void)s;
	(void)detail;
	(void)userdata;
	assert_int_equal(r, 0);
}

static int make(struct fixture *f, const struct provisioning_config *config)
{
	return provisioning_new(f->event, f->session, &f->executor, config, &f->p);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	const struct session_config config = {.name = "provisioning", .ca_pem = "none"};
	const struct identity_config identity = {.hardware = "onboardd", .device_type = 23};

	assert_non_null(f);
	start_over();
	fake_reset(far_end);
	snprintf(f->dir, sizeof(f->dir), "/tmp/provisioning-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	assert_true(sd_event_new(&f->event) >= 0);
	assert_int_equal(store_open(f->dir, NULL, &f->store, NULL), 0);
	assert_int_equal(identity_open(f->store, &identity, &f->identity, NULL), 0);
	f->executor = (struct executor){.store = f->store, .identity = f->identity};
	assert_int_equal(session_new(f->event, &config, &f->session), 0);
	assert_int_equal(session_connect(f->session, nothing, NULL), 0);
	assert_true(sd_event_run(f->event, 0) >= 0);
	assert_int_equal(session_get_state(f->session), SESSION_OPEN);
	assert_int_equal(make(f, &(struct provisioning_config){0}), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	provisioning_free(f->p);
	assert_true(worker_settle(LIMIT_US / 1000));
	session_free(f->session);
	identity_free(f->identity);
	store_close(f->store);
	keyring_free(f->ring);
	sd_event_unref(f->event);
	nftw(f->dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
	free(f);
	return 0;
}

static void on_result(struct provisioning *p, const struct provisioning_result *result,
		      void *userdata)
{
	struct fixture *f = userdata;

	(void)p;
	f->n_results++;
	f->last = *result;
	snprintf(f->detail, sizeof(f->detail), "%s", result->detail);
	f->last.detail = f->detail;
}

static void on_executed(struct provisioning *p, const struct provisioning_execution *result,
			void *userdata)
{
	struct fixture *f = userdata;

	(void)p;
	f->n_results++;
	f->executed = *result;
	snprintf(f->detail, sizeof(f->detail), "%s", result->detail);
}

static void run(struct fixture *f)
{
	unsigned int before = f->n_results;

	while (f->n_results == before)
		assert_true(sd_event_run(f->event, LIMIT_US) > 0);
	assert_int_equal(f->n_results, before + 1);
}

static void put_result(struct fixture *f, const char *id, enum response_code code,
		       const char *message)
{
	struct response r = {.code = code, .message = message ? strdup(message) : NULL};

	snprintf(r.correlation, sizeof(r.correlation), "%s", id);
	assert_int_equal(journal_add(f->store, &r), 0);
	response_done(&r);
}

static size_t encode_delete(uint8_t *ret, size_t size, const char *const *ids, size_t n)
{
	struct command *commands = calloc(n, sizeof(*commands));
	size_t len;

	assert_non_null(commands);
	for (size_t i = 0; i < n; i++) {
		snprintf(commands[i].correlation, sizeof(commands[i].correlation), "%s", ids[i]);
		commands[i].type = COMMAND_AT;
		commands[i].verb = strdup("%CMNG");
		commands[i].parameters = strdup("3,16842753,2");
		commands[i].ignore_cme[0] = 513;
		commands[i].n_ignore_cme = 1;
	}
	assert_int_equal(command_list_encode(commands, n, ret, size, &len), 0);
	for (size_t i = 0; i < n; i++)
		command_done(&commands[i]);
	free(commands);
	return len;
}

static void provisioning_refuses_settings_out_of_range(void **state)
{
	struct fixture *f = *state;
	static const struct provisioning_config bad[] = {
		{.jwt_lifetime_s = 361}, {.rx_max = BODY_MAX + 1},    {.tx_max = BODY_MAX + 1},
		{.tx_max = 511},         {.limit = COMMANDS_MAX + 1},
	};

	provisioning_free(f->p);
	f->p = NULL;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(make(f, &bad[i]), -EINVAL);
	assert_int_equal(
		make(f, &(struct provisioning_config){360, BODY_MAX, BODY_MAX, COMMANDS_MAX}), 0);
}

static void authenticate_posts_a_jwt_with_the_versions(void **state)
{
	struct fixture *f = *state;
	struct fake_reply *r = say(CODE(2, 1));
	struct jwt jwt;

	r->has_max_age = true;
	r->max_age_s = 2592000;
	assert_int_equal(provisioning_authenticate(f->p, on_result, f), 0);
	assert_int_equal(provisioning_authenticate(f->p, on_result, f), -EBUSY);
	run(f);
	assert_int_equal(f->last.outcome, OUTCOME_OK);
	assert_int_equal(f->last.code, CODE(2, 1));
	assert_int_equal(f->last.max_age_s, 2592000);
	assert_int_equal(requests[0].code, 0x02);
	assert_string_equal(requests[0].path, "p/auth-jwt");
	assert_string_equal(requests[0].query,
			    "mver=onboardd-" ONBOARD_VERSION "&cver=" ONBOARD_VERSION);
	assert_int_equal(requests[0].content_format, 60);
	assert_int_equal(jwt_parse((char *)requests[0].payload, requests[0].payload_len, &jwt), 0);
	assert_int_equal(jwt.exp - jwt.iat, 300);
}

static void an_authentication_that_is_cancelled_while_its_key_signs_asks_nothing(void **state)
{
	struct fixture *f = *state;

	say(CODE(2, 1));
	assert_int_equal(provisioning_authenticate(f->p, on_result, f), 0);
	provisioning_cancel(f->p);
	assert_true(worker_settle(LIMIT_US / 1000));
	assert_int_equal(sd_event_run(f->event, 0), 0);
	assert_int_equal(n_requests, 0);
	assert_int_equal(f->n_results, 0);
	assert_int_equal(provisioning_authenticate(f->p, on_result, f), 0);
	run(f);
	assert_int_equal(f->last.outcome, OUTCOME_OK);
}

static void a_session_that_is_gone_costs_no_signature(void **state)
{
	struct fixture *f = *state;

	session_close(f->session);
	assert_int_equal(provisioning_authenticate(f->p, on_result, f), -ENOTCONN);
}

static void a_session_that_went_while_the_key_signed_is_lost(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(provisioning_authenticate(f->p, on_result, f), 0);
	session_close(f->session);
	run(f);
	assert_int_equal(f->last.outcome, OUTCOME_LOST);
	assert_int_equal(n_requests, 0);
}

/* The store of a device whose key is in a token that is not there. */
static void take_the_token_away(struct fixture *f)
{
	static const char uri[] = "pkcs11:token=gone?module-path=/nonexistent/module.so";
	struct credential_info *list;
	size_t n;

	assert_int_equal(store_credential_list(f->store, &list, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(store_credential_put(f->store, IDENTITY_TAG, CREDENTIAL_PRIVATE_KEY, uri,
					      strlen(uri), list[0].sha256),
			 0);
	free(list);
	identity_free(f->identity);
	assert_int_equal(keyring_new(&(struct keyring_config){NULL}, &f->ring), 0);
	assert_int_equal(identity_open(f->store,
				       &(struct identity_config){.hardware = "onboardd",
								 .device_type = 23,
								 .ring = f->ring},
				       &f->identity, NULL),
			 0);
	f->executor.identity = f->identity;
}

static void a_device_whose_token_is_absent_knows_who_it_is_and_says_what_is_missing(void **state)
{
	struct fixture *f = *state;
	char before[256], after[256];

	assert_int_equal(identity_csv(f->identity, before, sizeof(before)), 0);
	take_the_token_away(f);
	assert_int_equal(identity_csv(f->identity, after, sizeof(after)), 0);
	assert_string_equal(before, after);
	assert_int_equal(provisioning_authenticate(f->p, on_result, f), 0);
	run(f);
	assert_int_equal(f->last.outcome, OUTCOME_TOKEN_ABSENT);
	assert_int_equal(f->last.code, 0);
	assert_non_null(strstr(f->detail, "p/auth-jwt"));
	assert_non_null(strstr(f->detail, "token"));
	assert_int_equal(n_requests, 0);
}

/* One command that needs a key. */
static void fetch_keygen(struct fixture *f)
{
	struct command c = {.correlation = "make", .type = COMMAND_AT};
	struct fake_reply *r = say(CODE(2, 5));

	c.verb = strdup("%KEYGEN");
	c.parameters = strdup("16842753,2");
	assert_int_equal(
		command_list_encode(&c, 1, r->payload, sizeof(r->payload), &r->payload_len), 0);
	command_done(&c);
	assert_int_equal(provisioning_fetch(f->p, on_result, f), 0);
	run(f);
	assert_int_equal(f->last.n, 1);
}

static void a_batch_waits_for_its_keys_while_the_loop_turns(void **state)
{
	struct fixture *f = *state;

	fetch_keygen(f);
	assert_int_equal(provisioning_execute(f->p, on_executed, f), 0);
	assert_int_equal(f->executed.batch.n_results, 0);
	assert_int_equal(provisioning_execute(f->p, on_executed, f), -EBUSY);
	assert_int_equal(provisioning_report(f->p, on_result, f), -EBUSY);
	run(f);
	assert_int_equal(f->executed.outcome, OUTCOME_OK);
	assert_int_equal(f->executed.batch.n_results, 1);
	assert_true(f->executed.batch.cloud_changed);
	assert_int_equal(journal_count(f->store), 1);
}

static void a_batch_that_is_cancelled_while_its_keys_are_made_changes_nothing(void **state)
{
	struct fixture *f = *state;

	fetch_keygen(f);
	assert_int_equal(provisioning_execute(f->p, on_executed, f), 0);
	provisioning_cancel(f->p);
	assert_true(worker_settle(LIMIT_US / 1000));
	assert_int_equal(sd_event_run(f->event, 0), 0);
	assert_int_equal(f->n_results, 1);
	assert_int_equal(journal_count(f->store), 0);
	assert_false(store_credential_exists(f->store, 16842753, CREDENTIAL_PRIVATE_KEY));
}

static void a_batch_whose_token_is_absent_stays_for_another_time(void **state)
{
	struct fixture *f = *state;

	fetch_keygen(f);
	f->executor.key_home = "pkcs11:token=gone?module-path=/nonexistent/module.so";
	assert_int_equal(keyring_new(&(struct keyring_config){NULL}, &f->ring), 0);
	f->executor.ring = f->ring;
	assert_int_equal(provisioning_execute(f->p, on_executed, f), 0);
	run(f);
	assert_int_equal(f->executed.outcome, OUTCOME_TOKEN_ABSENT);
	assert_int_equal(f->executed.batch.n_results, 0);
	assert_int_equal(journal_count(f->store), 0);
	f->executor.key_home = NULL;
	assert_int_equal(provisioning_execute(f->p, on_executed, f), 0);
	run(f);
	assert_int_equal(f->executed.outcome, OUTCOME_OK);
	assert_int_equal(journal_count(f->store), 1);
}

/* Defect 1: one token for the whole run, too old for a late authentication. */
static void defect_01_every_authentication_has_a_token_of_its_own(void **state)
{
	struct fixture *f = *state;

	say(CODE(2, 1));
	for (int i = 0; i < 3; i++) {
		assert_int_equal(provisioning_authenticate(f->p, on_result, f), 0);
		run(f);
	}
	assert_string_not_equal(fake_payload("p/auth-jwt", 0), fake_payload("p/auth-jwt", 1));
	assert_string_not_equal(fake_payload("p/auth-jwt", 1), fake_payload("p/auth-jwt", 2));
}

static void fetch_asks_with_an_empty_after_and_the_sizes(void **state)
{
	struct fixture *f = *state;

	say(CODE(2, 5));
	assert_int_equal(provisioning_fetch(f->p, on_result, f), 0);
	run(f);
	assert_int_equal(f->last.outcome, OUTCOME_NO_COMMANDS);
	assert_int_equal(requests[0].code, 0x01);
	assert_string_equal(requests[0].path, "p/cmd");
	assert_string_equal(requests[0].query, "after=&rxMaxSize=8192&txMaxSize=4096&limit=10");
	assert_int_equal(requests[0].payload_len, 0);
}

/* Defect 10: the command body shared a buffer with whatever was received next. */
static void defect_10_commands_outlive_the_reply_they_came_in(void **state)
{
	struct fixture *f = *state;
	static const char *const ids[] = {"first", "second"};
	struct fake_reply *r = say(CODE(2, 5));
	struct response_list pending;

	r->payload_len = encode_delete(r->payload, sizeof(r->payload), ids, 2);
	say(CODE(2, 1));
	assert_int_equal(provisioning_fetch(f->p, on_result, f), 0);
	run(f);
	assert_int_equal(f->last.outcome, OUTCOME_OK);
	assert_int_equal(f->last.n, 2);
	assert_int_equal(provisioning_authenticate(f->p, on_result, f), 0);
	run(f);
	assert_int_equal(provisioning_execute(f->p, on_executed, f), 0);
	assert_int_equal(f->executed.outcome, OUTCOME_OK);
	assert_int_equal(f->executed.batch.n_results, 2);
	assert_int_equal(journal_pending(f->store, &pending), 0);
	assert_int_equal(pending.n, 2);
	assert_string_equal(pending.items[0].correlation, "first");
	assert_string_equal(pending.items[1].correlation, "second");
	response_list_done(&pending);
}

static void fetch_names_a_body_that_cannot_be_decoded(void **state)
{
	struct fixture *f = *state;
	struct fake_reply *r = say(CODE(2, 5));

	memcpy(r->payload, "garbage", 7);
	r->payload_len = 7;
	assert_int_equal(provisioning_fetch(f->p, on_result, f), 0);
	run(f);
	assert_int_equal(f->last.outcome, OUTCOME_BODY_INVALID);
	assert_non_null(strstr(f->detail, "p/cmd"));
	assert_non_null(strstr(f->detail, "7 bytes"));
}

/* Defect 39 on the wire: too many, too large. */
static void defect_39_fetch_tells_too_many_commands_from_too_many_bytes(void **state)
{
	struct fixture *f = *state;
	static const char *const ids[] = {"a", "b", "c"};
	struct fake_reply *r = say(CODE(2, 5));

	r->payload_len = encode_delete(r->payload, sizeof(r->payload), ids, 3);
	r = say(CODE(2, 5));
	r->payload_len = 1025;
	provisioning_free(f->p);
	assert_int_equal(make(f, &(struct provisioning_config){.limit = 2, .rx_max = 1024}), 0);
	assert_int_equal(provisioning_fetch(f->p, on_result, f), 0);
	run(f);
	assert_int_equal(f->last.outcome, OUTCOME_TOO_MANY_COMMANDS);
	assert_int_equal(provisioning_fetch(f->p, on_result, f), 0);
	run(f);
	assert_int_equal(f->last.outcome, OUTCOME_BODY_TOO_LARGE);
}

/* Defect 11: a wait that ended did not cancel its request; the late answer completed the next one.
 */
static void defect_11_a_late_answer_meets_nobody(void **state)
{
	struct fixture *f = *state;

	say(CODE(5, 0))->hold = true;
	say(CODE(2, 5));
	assert_int_equal(provisioning_fetch(f->p, on_result, f), 0);
	provisioning_cancel(f->p);
	assert_int_equal(provisioning_fetch(f->p, on_result, f), 0);
	fake_release();
	run(f);
	assert_int_equal(f->last.outcome, OUTCOME_NO_COMMANDS);
	assert_int_equal(f->last.code, CODE(2, 5));
	for (int i = 0; i < 10; i++)
		assert_true(sd_event_run(f->event, 0) >= 0);
	assert_int_equal(f->n_results, 1);
}

/* Defect 12: the code of the request before was read after a failure without any code. */
static void defect_12_a_request_without_an_answer_has_no_code(void **state)
{
	struct fixture *f = *state;
	struct fake_reply *r = say(CODE(5, 3));

	r->has_max_age = true;
	r->max_age_s = 77;
	say(0)->r = SESSION_E_RESET;
	assert_int_equal(provisioning_fetch(f->p, on_result, f), 0);
	run(f);
	assert_int_equal(f->last.code, CODE(5, 3));
	assert_int_equal(f->last.max_age_s, 77);
	assert_int_equal(provisioning_fetch(f->p, on_result, f), 0);
	run(f);
	assert_int_equal(f->last.code, 0);
	assert_int_equal(f->last.max_age_s, 0);
	assert_int_equal(f->last.outcome, OUTCOME_BAD_REQUEST);
}

static void report_of_an_empty_journal_sends_nothing(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(provisioning_report(f->p, on_result, f), 0);
	assert_int_equal(f->n_results, 1);
	assert_int_equal(f->last.outcome, OUTCOME_OK);
	assert_int_equal(f->last.n, 0);
	assert_int_equal(n_requests, 0);
}

/* Defect 18: results were gone when the report failed. */
static void defect_18_a_report_that_fails_forgets_nothing(void **state)
{
	struct fixture *f = *state;

	say(CODE(5, 0));
	say(0)->r = SESSION_E_LOST;
	put_result(f, "one", RESPONSE_AT, "OK");
	put_result(f, "two", RESPONSE_FINISHED, NULL);
	assert_int_equal(provisioning_report(f->p, on_result, f), 0);
	run(f);
	assert_int_equal(f->last.outcome, OUTCOME_BUSY);
	assert_int_equal(f->last.n, 0);
	assert_false(f->last.finished);
	assert_int_equal(provisioning_report(f->p, on_result, f), 0);
	run(f);
	assert_int_equal(f->last.outcome, OUTCOME_LOST);
	assert_int_equal(journal_count(f->store), 2);
}

/* Defect 19: the id for "after" was kept on "finished" only, and 5: an error counted as success. */
static void defect_19_after_is_the_last_success_that_the_service_knows_of(void **state)
{
	struct fixture *f = *state;

	say(CODE(2, 4));
	say(CODE(2, 5));
	put_result(f, "good", RESPONSE_AT, "OK");
	put_result(f, "bad", RESPONSE_ERROR, "no");
	assert_int_equal(provisioning_report(f->p, on_result, f), 0);
	run(f);
	assert_int_equal(f->last.outcome, OUTCOME_OK);
	assert_int_equal(f->last.n, 2);
	assert_int_equal(f->last.n_failed, 1);
	assert_int_equal(journal_count(f->store), 0);
	assert_int_equal(provisioning_fetch(f->p, on_result, f), 0);
	run(f);
	assert_string_equal(requests[1].query, "after=good&rxMaxSize=8192&txMaxSize=4096&limit=10");
}

/* Defect 38: a report larger than the buffer was never sent. */
static void defect_38_a_large_report_is_split_and_all_of_it_arrives(void **state)
{
	struct fixture *f = *state;
	char id[16], message[201];
	size_t n = 0;

	memset(message, 'x', 200);
	message[200] = '\0';
	say(CODE(2, 4));
	for (int i = 0; i < 30; i++) {
		snprintf(id, sizeof(id), "result-%d", i);
		put_result(f, id, RESPONSE_AT, message);
	}
	provisioning_free(f->p);
	assert_int_equal(make(f, &(struct provisioning_config){.tx_max = 512}), 0);
	assert_int_equal(provisioning_report(f->p, on_result, f), 0);
	run(f);
	assert_int_equal(f->last.outcome, OUTCOME_OK);
	assert_int_equal(f->last.n, 30);
	assert_int_equal(journal_count(f->store), 0);
	assert_int_equal(n_requests, 15);
	for (size_t i = 0; i < n_requests; i++) {
		struct response_list list;

		assert_true(requests[i].payload_len <= 512);
		assert_int_equal(
			response_list_decode(requests[i].payload, requests[i].payload_len, &list),
			0);
		for (size_t k = 0; k < list.n; k++, n++) {
			snprintf(id, sizeof(id), "result-%zu", n);
			assert_string_equal(list.items[k].correlation, id);
		}
		response_list_done(&list);
	}
	assert_int_equal(n, 30);
}

static void report_keeps_what_a_broken_series_did_not_bring_over(void **state)
{
	struct fixture *f = *state;
	char message[401];

	memset(message, 'y', 400);
	message[400] = '\0';
	put_result(f, "a", RESPONSE_AT, message);
	put_result(f, "b", RESPONSE_AT, message);
	put_result(f, "c", RESPONSE_FINISHED, NULL);
	say(CODE(2, 4));
	say(CODE(5, 3));
	provisioning_free(f->p);
	assert_int_equal(make(f, &(struct provisioning_config){.tx_max = 512}), 0);
	assert_int_equal(provisioning_report(f->p, on_result, f), 0);
	run(f);
	assert_int_equal(f->last.outcome, OUTCOME_BUSY);
	assert_int_equal(f->last.n, 1);
	assert_int_equal(journal_count(f->store), 2);
}

static void report_sends_smaller_parts_to_a_service_that_finds_them_too_large(void **state)
{
	struct fixture *f = *state;
	char id[16];

	for (int i = 0; i < 4; i++) {
		snprintf(id, sizeof(id), "r%d", i);
		put_result(f, id, RESPONSE_AT, "0123456789012345678901234567890123456789");
	}
	say(CODE(4, 13));
	say(CODE(4, 13));
	say(CODE(2, 4));
	provisioning_free(f->p);
	assert_int_equal(make(f, &(struct provisioning_config){.tx_max = 512}), 0);
	assert_int_equal(provisioning_report(f->p, on_result, f), 0);
	run(f);
	assert_int_equal(f->last.outcome, OUTCOME_OK);
	assert_int_equal(f->last.n, 4);
	assert_int_equal(journal_count(f->store), 0);
}

static void report_gives_up_when_even_one_result_is_too_large(void **state)
{
	struct fixture *f = *state;

	put_result(f, "a", RESPONSE_AT, "OK");
	put_result(f, "b", RESPONSE_AT, "OK");
	say(CODE(4, 13));
	assert_int_equal(provisioning_report(f->p, on_result, f), 0);
	run(f);
	assert_int_equal(f->last.outcome, OUTCOME_BODY_TOO_LARGE);
	assert_int_equal(journal_count(f->store), 2);
}

static void report_sends_a_result_larger_than_its_buffer_alone(void **state)
{
	struct fixture *f = *state;
	char message[AT_ANSWER_MAX + 1];

	memset(message, 'z', AT_ANSWER_MAX);
	message[AT_ANSWER_MAX] = '\0';
	put_result(f, "big", RESPONSE_AT, message);
	put_result(f, "small", RESPONSE_AT, "OK");
	say(CODE(2, 4));
	provisioning_free(f->p);
	assert_int_equal(make(f, &(struct provisioning_config){.tx_max = 512}), 0);
	assert_int_equal(provisioning_report(f->p, on_result, f), 0);
	run(f);
	assert_int_equal(f->last.outcome, OUTCOME_OK);
	assert_int_equal(f->last.n, 2);
	assert_int_equal(n_requests, 2);
}

/* Defect 29: what ended was told apart from what went well by nobody. */
static void defect_29_report_tells_finished_and_errors_apart(void **state)
{
	struct fixture *f = *state;

	say(CODE(2, 4));
	put_result(f, "a", RESPONSE_AT, "OK");
	put_result(f, "b", RESPONSE_FINISHED, NULL);
	assert_int_equal(provisioning_report(f->p, on_result, f), 0);
	run(f);
	assert_true(f->last.finished);
	assert_int_equal(f->last.n_failed, 0);
	put_result(f, "c", RESPONSE_ERROR, "+CME ERROR: 514");
	assert_int_equal(provisioning_report(f->p, on_result, f), 0);
	run(f);
	assert_false(f->last.finished);
	assert_int_equal(f->last.n_failed, 1);
}

static void provisioning_on_a_closed_session_says_so_at_once(void **state)
{
	struct fixture *f = *state;

	session_close(f->session);
	say(CODE(2, 5));
	assert_int_equal(provisioning_fetch(f->p, on_result, f), -ENOTCONN);
	assert_int_equal(provisioning_authenticate(f->p, on_result, f), -ENOTCONN);
	assert_int_equal(f->n_results, 0);
}

int main(void)
{
#define TEST(x) cmocka_unit_test_setup_teardown(x, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(provisioning_refuses_settings_out_of_range),
		TEST(authenticate_posts_a_jwt_with_the_versions),
		TEST(an_authentication_that_is_cancelled_while_its_key_signs_asks_nothing),
		TEST(a_session_that_is_gone_costs_no_signature),
		TEST(a_session_that_went_while_the_key_signed_is_lost),
		TEST(a_device_whose_token_is_absent_knows_who_it_is_and_says_what_is_missing),
		TEST(a_batch_waits_for_its_keys_while_the_loop_turns),
		TEST(a_batch_that_is_cancelled_while_its_keys_are_made_changes_nothing),
		TEST(a_batch_whose_token_is_absent_stays_for_another_time),
		TEST(defect_01_every_authentication_has_a_token_of_its_own),
		TEST(fetch_asks_with_an_empty_after_and_the_sizes),
		TEST(defect_10_commands_outlive_the_reply_they_came_in),
		TEST(fetch_names_a_body_that_cannot_be_decoded),
		TEST(defect_39_fetch_tells_too_many_commands_from_too_many_bytes),
		TEST(defect_11_a_late_answer_meets_nobody),
		TEST(defect_12_a_request_without_an_answer_has_no_code),
		TEST(report_of_an_empty_journal_sends_nothing),
		TEST(defect_18_a_report_that_fails_forgets_nothing),
		TEST(defect_19_after_is_the_last_success_that_the_service_knows_of),
		TEST(defect_38_a_large_report_is_split_and_all_of_it_arrives),
		TEST(report_keeps_what_a_broken_series_did_not_bring_over),
		TEST(report_sends_smaller_parts_to_a_service_that_finds_them_too_large),
		TEST(report_gives_up_when_even_one_result_is_too_large),
		TEST(report_sends_a_result_larger_than_its_buffer_alone),
		TEST(defect_29_report_tells_finished_and_errors_apart),
		TEST(provisioning_on_a_closed_session_says_so_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
