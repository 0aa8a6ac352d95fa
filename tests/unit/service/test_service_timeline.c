/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include "base/clock.h"
#include "base/text.h"
#include "proto/jwt.h"

#define HOME "192.0.2.1"
#define AWAY "198.51.100.1"
#define TRACE "00112233445566aa"
#define CYCLE TRACE "aaaaaaaaaaaaaaaa"

static void make_token(const char *issuer, const char *jti, EVP_PKEY *key, char ret[static JWT_MAX])
{
	int64_t now = clock_wall_s();
	char iss[64];

	snprintf(iss, sizeof(iss), "nRF9160.%s", issuer);
	assert_int_equal(
		jwt_build(
			&(struct jwt_claims){.iss = iss, .jti = jti, .iat = now, .exp = now + 300},
			key_sign, key, ret, JWT_MAX),
		0);
}

static enum core_verdict show(struct core *c, const char *jwt, const char *address)
{
	struct core_caller *who = caller("");

	strcpy(who->address, address);
	return core_authenticate(c, who, jwt, strlen(jwt));
}

static enum core_verdict show_cloud(struct core *c, const char *jwt, const char *address)
{
	struct core_caller *who = caller("");

	strcpy(who->address, address);
	return core_authenticate_cloud(c, who, jwt, strlen(jwt));
}

static EVP_PKEY *cloud_key_give(struct fixture *f, const struct device *d)
{
	EVP_PKEY *key = key_make();

	(void)command_add(f, d, "{\"cloudAccessKeyGeneration\":{\"secTag\":16842753}}");
	(void)device_obey(f, d, key);
	return key;
}

/* --- replay */

static void a_token_is_good_for_the_address_that_showed_it_first(void **state)
{
	struct fixture *f = *state;
	_cleanup_(core_freep) struct core *second = NULL;
	struct service_store *store;
	char jwt[JWT_MAX], other[JWT_MAX];
	struct device d;

	device_init(&d);
	device_claim(f, &d, NULL);
	make_token(d.uuid, "nRF9160.fw." CYCLE, d.key, jwt);
	make_token(d.uuid, "nRF9160.fw." TRACE "bbbbbbbbbbbbbbbb", d.key, other);
	/* as often as a stock device likes: retransmitted, after a new handshake */
	for (int i = 0; i < 3; i++)
		assert_int_equal(show(f->core, jwt, HOME), CORE_OK);
	assert_int_equal(show(f->core, jwt, AWAY), CORE_REJECTED);
	assert_int_equal(show(f->core, jwt, HOME), CORE_OK);
	/* another token of the same cycle is another token */
	assert_int_equal(show(f->core, other, AWAY), CORE_OK);
	assert_int_equal(show(f->core, other, HOME), CORE_REJECTED);
	/* another process knows it, too */
	fixture_open(f, &store, &second);
	assert_int_equal(show(second, jwt, AWAY), CORE_REJECTED);
	assert_int_equal(show(second, jwt, HOME), CORE_OK);
	second = core_free(second);
	service_store_free(store);
	device_done(&d);
}

/* What somebody saw of a device that nobody had claimed yet is no good later. */
static void an_unclaimed_devices_token_is_remembered_as_well(void **state)
{
	struct fixture *f = *state;
	char jwt[JWT_MAX];
	struct device d;

	device_init(&d);
	device_import(f, &d);
	make_token(d.uuid, "nRF9160.fw." CYCLE, d.key, jwt);
	assert_int_equal(show(f->core, jwt, HOME), CORE_UNCLAIMED);
	assert_int_equal(show(f->core, jwt, AWAY), CORE_REJECTED);
	device_claim(f, &d, NULL);
	assert_int_equal(show(f->core, jwt, AWAY), CORE_REJECTED);
	assert_int_equal(show(f->core, jwt, HOME), CORE_OK);
	device_done(&d);
}

static void devices_may_choose_the_same_jti_and_may_have_none(void **state)
{
	struct fixture *f = *state;
	char jwt[JWT_MAX], twin[JWT_MAX];
	struct device d, e;

	device_init(&d);
	device_init(&e);
	device_claim(f, &d, NULL);
	device_claim(f, &e, NULL);
	make_token(d.uuid, "1", d.key, jwt);
	make_token(e.uuid, "1", e.key, twin);
	assert_int_equal(show(f->core, jwt, HOME), CORE_OK);
	assert_int_equal(show(f->core, twin, AWAY), CORE_OK);
	make_token(d.uuid, NULL, d.key, jwt);
	assert_int_equal(show(f->core, jwt, HOME), CORE_OK);
	assert_int_equal(show(f->core, jwt, AWAY), CORE_OK);
	device_done(&d);
	device_done(&e);
}

/* A name alone keeps no place: else anybody could spoil tokens that were never shown. */
static void a_forged_token_spoils_nothing(void **state)
{
	struct fixture *f = *state;
	char jwt[JWT_MAX], forged[JWT_MAX];
	struct device d;
	EVP_PKEY *key = key_make();

	device_init(&d);
	device_claim(f, &d, NULL);
	make_token(d.uuid, "nRF9160.fw." CYCLE, d.key, jwt);
	make_token(d.uuid, "nRF9160.fw." CYCLE, key, forged);
	assert_int_equal(show(f->core, forged, AWAY), CORE_REJECTED);
	assert_int_equal(show(f->core, jwt, HOME), CORE_OK);
	EVP_PKEY_free(key);
	device_done(&d);
}

static void the_clouds_tokens_are_no_different(void **state)
{
	struct fixture *f = *state;
	char jwt[JWT_MAX];
	struct device d;
	EVP_PKEY *key;

	device_init(&d);
	device_claim(f, &d, NULL);
	key = cloud_key_give(f, &d);
	make_token(d.uuid, CYCLE, key, jwt);
	assert_int_equal(show_cloud(f->core, jwt, HOME), CORE_OK);
	assert_int_equal(show_cloud(f->core, jwt, HOME), CORE_OK);
	assert_int_equal(show_cloud(f->core, jwt, AWAY), CORE_REJECTED);
	make_token(d.uuid, NULL, key, jwt);
	assert_int_equal(show_cloud(f->core, jwt, AWAY), CORE_OK);
	EVP_PKEY_free(key);
	device_done(&d);
}

/* --- blocked */

static void set_blocked(struct fixture *f, const struct device *d, int64_t at)
{
	_cleanup_(store_device_done) struct store_device row = {.tags = NULL};

	assert_int_equal(f->store->ops->device_get(f->store, d->uuid, &row), 0);
	row.blocked_at = at;
	assert_int_equal(f->store->ops->device_update(f->store, &row), 0);
}

static void a_blocked_device_gets_nothing_more_on_a_live_session(void **state)
{
	struct fixture *f = *state;
	const struct core_fetch all = {"", BODY_MAX, 65536, COMMANDS_MAX};
	json_auto_t *patch = json_object();
	char jwt[JWT_MAX], cloud[JWT_MAX], id[CORRELATION_MAX + 1];
	struct command_list list;
	uint8_t body[BODY_MAX];
	json_t *got = NULL;
	struct device d;
	EVP_PKEY *key;
	size_t len;

	device_init(&d);
	device_claim(f, &d, NULL);
	key = cloud_key_give(f, &d);
	snprintf(id, sizeof(id), "%s", command_add(f, &d, "{\"config\":{\"a\":\"b\"}}"));
	list = device_fetch(f, &d, "");
	command_list_done(&list);
	make_token(d.uuid, NULL, d.key, jwt);
	make_token(d.uuid, NULL, key, cloud);

	set_blocked(f, &d, 1);
	assert_int_equal(core_fetch(f->core, caller(d.uuid), &all, body, sizeof(body), &len),
			 CORE_REJECTED);
	assert_int_equal(device_answer(f, &d, id, 101, 0, ""), CORE_REJECTED);
	assert_int_equal(core_state_get(f->core, caller(d.uuid), true, &got), CORE_REJECTED);
	assert_int_equal(core_state_patch(f->core, caller(d.uuid), "reported", patch),
			 CORE_REJECTED);
	assert_int_equal(show(f->core, jwt, HOME), CORE_REJECTED);
	assert_int_equal(show_cloud(f->core, cloud, HOME), CORE_REJECTED);
	assert_command(f, &d, id, "IN_PROGRESS", NULL);

	/* It kept its results, and is asked for them when it may come again. */
	set_blocked(f, &d, 0);
	assert_int_equal(show(f->core, jwt, HOME), CORE_OK);
	assert_int_equal(device_answer(f, &d, id, 101, 0, ""), CORE_OK);
	assert_command(f, &d, id, "SUCCEEDED", NULL);
	assert_int_equal(show_cloud(f->core, cloud, HOME), CORE_OK);
	EVP_PKEY_free(key);
	device_done(&d);
}

/* --- events */

struct told {
	char text[4096];
	struct store_position last;
};

static int on_event(void *userdata, const struct store_event *row)
{
	struct told *t = userdata;
	size_t len = strlen(t->text);

	/* time() lags behind the clock that counts milliseconds, by a tick of the kernel. */
	assert_in_range(row->at_ms, 1000 * (clock_wall_s() - 60), 1000 * (clock_wall_s() + 2));
	snprintf(t->text + len, sizeof(t->text) - len, "%s trace=%s%s%s\n", row->kind,
		 row->trace[0] ? row->trace : "-", row->detail ? " " : "",
		 row->detail ? row->detail : "");
	t->last = row->position;
	return 0;
}

/* What happened since the last call. */
static const char *news(struct fixture *f, const struct device *d, struct told *t)
{
	t->text[0] = '\0';
	assert_int_equal(f->store->ops->event_after(f->store, f->editor.team, d->uuid, &t->last,
						    100, on_event, t),
			 0);
	return t->text;
}

static struct core_caller *in_cycle(const struct device *d)
{
	struct core_caller *who = caller(d->uuid);

	strcpy(who->trace, TRACE);
	return who;
}

static void answer(struct fixture *f, const struct device *d, const char *id, int code,
		   const char *message)
{
	struct response r = {.code = (enum response_code)code, .cme_error = 514};
	uint8_t body[BODY_MAX];
	size_t len, n;

	snprintf(r.correlation, sizeof(r.correlation), "%s", id);
	r.message = strdup(message);
	assert_int_equal(response_list_encode(&r, 1, body, sizeof(body), &len, &n), 0);
	response_done(&r);
	assert_int_equal(core_report(f->core, in_cycle(d), body, len), CORE_OK);
}

static void fetch(struct fixture *f, const struct device *d)
{
	const struct core_fetch all = {"", BODY_MAX, 65536, COMMANDS_MAX};
	uint8_t body[BODY_MAX];
	size_t len;

	assert_int_equal(core_fetch(f->core, in_cycle(d), &all, body, sizeof(body), &len), CORE_OK);
}

static void assert_told(const char *text, const char *const *parts)
{
	for (; *parts; parts++) {
		const char *at = strstr(text, *parts);

		if (!at)
			fail_msg("\"%s\" is not, in its place, in:\n%s", *parts, text);
		text = at;
	}
}
#define ASSERT_TOLD(text, ...) assert_told(text, (const char *const[]){__VA_ARGS__, NULL})

static void a_cycle_leaves_its_timeline(void **state)
{
	struct fixture *f = *state;
	struct keygen_spec spec = {.key = key_make(),
				   .tag = TAG,
				   .type = KEYGEN_PUBLIC_KEY,
				   .form = COSE_FORM_RFC9052};
	struct told t = {.last = {0, 0}};
	char jwt[JWT_MAX], cloud[JWT_MAX], text[AT_ANSWER_MAX], key_id[64], bad_id[64];
	json_auto_t *patch = json_pack("{s:i}", "a", 1);
	struct device d;

	device_init(&d);
	device_claim(f, &d, NULL);
	(void)news(f, &d, &t);
	make_token(d.uuid, "nRF9160.fw." CYCLE, d.key, jwt);
	assert_int_equal(show(f->core, jwt, HOME), CORE_OK);
	assert_string_equal(news(f, &d, &t), "authenticated trace=" TRACE "\n");
	/* not more than once a minute */
	assert_int_equal(show(f->core, jwt, HOME), CORE_OK);
	assert_string_equal(news(f, &d, &t), "");

	snprintf(key_id, sizeof(key_id), "%s",
		 command_add(f, &d, "{\"cloudAccessKeyGeneration\":{\"secTag\":16842753}}"));
	snprintf(bad_id, sizeof(bad_id), "%s", command_add(f, &d, "{\"config\":{\"a\":\"b\"}}"));
	(void)news(f, &d, &t);
	fetch(f, &d);
	ASSERT_TOLD(news(f, &d, &t), "commands-handed trace=" TRACE " {\"ids\":[\"", key_id,
		    bad_id);
	/* a repeat hands out nothing new */
	fetch(f, &d);
	assert_string_equal(news(f, &d, &t), "");

	device_keygen(&d, &spec, text);
	answer(f, &d, key_id, 100, text);
	ASSERT_TOLD(news(f, &d, &t), "command-succeeded trace=" TRACE " {\"id\":\"", key_id,
		    "\"type\":\"cloudAccessKeyGeneration\"",
		    "\"durationMs\":", "key-registered trace=" TRACE " {\"secTag\":16842753}\n");
	answer(f, &d, key_id, 100, text);
	assert_string_equal(news(f, &d, &t), "");
	answer(f, &d, bad_id, 99, "no");
	ASSERT_TOLD(news(f, &d, &t), "command-failed trace=" TRACE " {\"id\":\"", bad_id,
		    "\"type\":\"config\"", "\"error\":", "514", "\"durationMs\":");

	make_token(d.uuid, CYCLE, spec.key, cloud);
	assert_int_equal(show_cloud(f->core, cloud, HOME), CORE_OK);
	assert_string_equal(news(f, &d, &t), "validated trace=" TRACE "\n");
	assert_int_equal(show_cloud(f->core, cloud, HOME), CORE_OK);
	assert_string_equal(news(f, &d, &t), "");
	assert_int_equal(core_state_patch(f->core, in_cycle(&d), "reported", patch), CORE_OK);
	assert_string_equal(news(f, &d, &t), "state-reported trace=" TRACE "\n");
	EVP_PKEY_free(spec.key);
	device_done(&d);
}

static void a_new_key_is_validated_anew(void **state)
{
	struct fixture *f = *state;
	struct told t = {.last = {0, 0}};
	char jwt[JWT_MAX];
	EVP_PKEY *key;
	struct device d;

	device_init(&d);
	device_claim(f, &d, NULL);
	for (int i = 0; i < 2; i++) {
		key = cloud_key_give(f, &d);
		(void)news(f, &d, &t);
		make_token(d.uuid, NULL, key, jwt);
		assert_int_equal(show_cloud(f->core, jwt, HOME), CORE_OK);
		ASSERT_TOLD(news(f, &d, &t), "validated trace=-\n");
		EVP_PKEY_free(key);
	}
	device_done(&d);
}

static void the_row_knows_the_latest_cycle(void **state)
{
	struct fixture *f = *state;
	_cleanup_(store_device_done) struct store_device row = {.tags = NULL};
	char jwt[JWT_MAX];
	struct device d;

	device_init(&d);
	device_claim(f, &d, NULL);
	make_token(d.uuid, "nRF9160.fw." CYCLE, d.key, jwt);
	assert_int_equal(show(f->core, jwt, HOME), CORE_OK);
	assert_int_equal(f->store->ops->device_get(f->store, d.uuid, &row), 0);
	assert_string_equal(row.trace, TRACE);
	device_done(&d);
}

static void a_command_remembers_when_it_was_handed_out(void **state)
{
	struct fixture *f = *state;
	_cleanup_(store_command_done) struct store_command row = {.seq = 0}, again = {.seq = 0};
	char id[CORRELATION_MAX + 1];
	struct device d;

	device_init(&d);
	device_claim(f, &d, NULL);
	snprintf(id, sizeof(id), "%s", command_add(f, &d, "{\"config\":{\"a\":\"b\"}}"));
	fetch(f, &d);
	assert_int_equal(f->store->ops->command_get(f->store, d.uuid, id, &row), 0);
	assert_in_range(row.handed_at, clock_wall_ms() - 60000, clock_wall_ms());
	fetch(f, &d);
	assert_int_equal(f->store->ops->command_get(f->store, d.uuid, id, &again), 0);
	assert_int_equal(again.handed_at, row.handed_at);
	device_done(&d);
}

#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_token_is_good_for_the_address_that_showed_it_first),
		T(an_unclaimed_devices_token_is_remembered_as_well),
		T(devices_may_choose_the_same_jti_and_may_have_none),
		T(a_forged_token_spoils_nothing),
		T(the_clouds_tokens_are_no_different),
		T(a_blocked_device_gets_nothing_more_on_a_live_session),
		T(a_cycle_leaves_its_timeline),
		T(a_new_key_is_validated_anew),
		T(the_row_knows_the_latest_cycle),
		T(a_command_remembers_when_it_was_handed_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
