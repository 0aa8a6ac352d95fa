/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include "base/macros.h"
#include "service/limiter.h"
#include "service/limits.h"

#define T0 5000000

static void a_bucket_gives_its_burst_and_then_its_rate(void **state)
{
	_cleanup_(limiter_freep) struct limiter *l = NULL;
	uint64_t now = T0;

	(void)state;
	assert_int_equal(limiter_new(&(struct limiter_config){60, 3, 100}, &l), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(limiter_take(l, "a", 1, now), 0);
	assert_int_equal(limiter_take(l, "a", 1, now), 1000);
	assert_int_equal(limiter_wait(l, "a", 1, now + 400), 600);
	assert_int_equal(limiter_take(l, "a", 1, now + 999), 1);
	/* Asking in vain costs nothing. */
	assert_int_equal(limiter_take(l, "a", 1, now + 1000), 0);
	assert_int_equal(limiter_take(l, "a", 1, now + 1000), 1000);
	/* A long rest fills it, and no more than full. */
	now += 1000000;
	for (int i = 0; i < 3; i++)
		assert_int_equal(limiter_take(l, "a", 1, now), 0);
	assert_int_equal(limiter_take(l, "a", 1, now), 1000);
}

static void looking_takes_nothing(void **state)
{
	_cleanup_(limiter_freep) struct limiter *l = NULL;

	(void)state;
	assert_int_equal(limiter_new(&(struct limiter_config){60, 1, 1}, &l), 0);
	for (int i = 0; i < 5; i++)
		assert_int_equal(limiter_wait(l, "a", 1, T0), 0);
	assert_int_equal(limiter_take(l, "a", 1, T0), 0);
	assert_int_equal(limiter_wait(l, "a", 1, T0), 1000);
}

static void one_key_costs_another_nothing(void **state)
{
	_cleanup_(limiter_freep) struct limiter *l = NULL;
	uint32_t i;

	(void)state;
	assert_int_equal(limiter_new(&(struct limiter_config){60, 2, 65536}, &l), 0);
	for (i = 0; i < 1000; i++)
		assert_int_equal(limiter_take(l, &i, sizeof(i), T0), 0);
	for (i = 0; i < 1000; i++)
		assert_int_equal(limiter_take(l, &i, sizeof(i), T0), 0);
	for (i = 0; i < 1000; i++)
		assert_int_not_equal(limiter_take(l, &i, sizeof(i), T0), 0);
}

/* A table of eight places under a hundred thousand keys: nobody is locked out, and who keeps on
 * asking is limited again. */
static void a_full_table_locks_nobody_out(void **state)
{
	_cleanup_(limiter_freep) struct limiter *l = NULL;

	(void)state;
	assert_int_equal(limiter_new(&(struct limiter_config){60, 2, 8}, &l), 0);
	for (uint32_t i = 0; i < 100000; i++)
		assert_int_equal(limiter_take(l, &i, sizeof(i), T0), 0);
	assert_int_equal(limiter_take(l, "x", 1, T0), 0);
	assert_int_equal(limiter_take(l, "x", 1, T0), 0);
	assert_int_equal(limiter_take(l, "x", 1, T0), 1000);
}

static struct core_caller from(const char *address, const char *device, uint64_t now_ms)
{
	struct core_caller who = {.now_ms = now_ms};

	snprintf(who.address, sizeof(who.address), "%s", address);
	snprintf(who.device, sizeof(who.device), "%s", device);
	return who;
}

#define ONE "50363154-3931-44f0-8022-121b6401627d"
#define TWO "50363154-3931-44f0-8022-121b6401627e"

static void a_device_has_its_rate_wherever_it_is(void **state)
{
	_cleanup_(limits_freep) struct limits *l = NULL;
	struct core_caller a = from("192.0.2.1", ONE, T0), b = from("192.0.2.2", ONE, T0),
			   other = from("192.0.2.1", TWO, T0);

	(void)state;
	assert_int_equal(limits_new(2, &l), 0);
	assert_int_equal(limits_request(l, &a), CORE_OK);
	assert_int_equal(limits_request(l, &b), CORE_OK);
	assert_int_equal(limits_request(l, &a), CORE_BUSY);
	assert_int_equal(a.wait_s, 30);
	assert_int_equal(limits_request(l, &b), CORE_BUSY);
	assert_int_equal(limits_request(l, &other), CORE_OK);
	/* Before anything is proved it is looked at, and not taken from. */
	assert_int_equal(limits_attempt(l, &a), CORE_BUSY);
	for (int i = 0; i < 5; i++)
		assert_int_equal(limits_attempt(l, &other), CORE_OK);
	assert_int_equal(limits_request(l, &other), CORE_OK);
	a.now_ms += 30000;
	assert_int_equal(limits_attempt(l, &a), CORE_OK);
	assert_int_equal(limits_request(l, &a), CORE_OK);
}

static void a_rate_of_zero_is_none(void **state)
{
	_cleanup_(limits_freep) struct limits *l = NULL;
	struct core_caller a = from("192.0.2.1", ONE, T0);

	(void)state;
	assert_int_equal(limits_new(0, &l), 0);
	for (int i = 0; i < 10000; i++)
		assert_int_equal(limits_request(l, &a), CORE_OK);
	assert_int_equal(limits_request(NULL, &a), CORE_OK);
	assert_int_equal(limits_attempt(NULL, &a), CORE_OK);
	limits_failed(NULL, &a);
}

static void failed_proofs_count_against_the_address(void **state)
{
	static const struct {
		const char *failing, *asking;
		enum core_verdict verdict;
	} rows[] = {
		{"192.0.2.1", "192.0.2.1", CORE_BUSY},
		{"192.0.2.1", "192.0.2.2", CORE_OK},
		{"2001:db8:0:1::1", "2001:db8:0:1:ffff::2", CORE_BUSY}, /* one network */
		{"2001:db8:0:1::1", "2001:db8:0:2::1", CORE_OK},
		{"", "", CORE_OK}, /* unknown: not all that are unknown together */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(limits_freep) struct limits *l = NULL;
		struct core_caller failing = from(rows[i].failing, "", T0),
				   asking = from(rows[i].asking, ONE, T0);

		assert_int_equal(limits_new(600, &l), 0);
		for (int k = 0; k < 119; k++)
			limits_failed(l, &failing);
		assert_int_equal(limits_attempt(l, &asking), CORE_OK);
		limits_failed(l, &failing);
		if (limits_attempt(l, &asking) != rows[i].verdict)
			fail_msg("row %zu", i);
		asking.now_ms += 1000;
		assert_int_equal(limits_attempt(l, &asking), CORE_OK);
	}
}

/* --- through core, with a rate of its own */

static struct core *core_with_rate(struct fixture *f, uint32_t rate)
{
	char *detail = NULL;
	struct core *c;

	assert_int_equal(core_new(&(struct core_config){.store = f->store,
							.ca_dir = f->ca,
							.root_ca_pem = f->root_ca,
							.cloud_tag = TAG,
							.session_max_age_s = 100,
							.clock_skew_s = 60,
							.device_rate = rate},
				  &c, &detail),
			 0);
	return c;
}

static void every_kind_of_request_of_a_device_counts(void **state)
{
	_cleanup_(core_freep) struct core *c = NULL;
	struct fixture *f = *state;
	uint8_t body[BODY_MAX];
	char jwt[JWT_MAX];
	json_auto_t *got = NULL, *patch = json_object();
	struct core_caller *who;
	struct device d;
	size_t len;

	device_init(&d);
	device_claim(f, &d, NULL);
	device_jwt(&d, jwt);
	c = core_with_rate(f, 4);
	who = caller(d.uuid);
	assert_int_equal(core_authenticate(c, who, jwt, strlen(jwt)), CORE_OK);
	assert_int_equal(core_fetch(c, who, &(struct core_fetch){"", 1024, 2048, 10}, body,
				    sizeof(body), &len),
			 CORE_OK);
	assert_int_equal(core_state_get(c, who, true, &got), CORE_OK);
	assert_int_equal(core_state_patch(c, who, "reported", patch), CORE_OK);
	/* Nothing more, of any kind, and each says for how long. */
	assert_int_equal(core_fetch(c, who, &(struct core_fetch){"", 1024, 2048, 10}, body,
				    sizeof(body), &len),
			 CORE_BUSY);
	assert_int_equal(who->wait_s, 15);
	assert_int_equal(core_report(c, who, (const uint8_t *)"\x80", 1), CORE_INVALID);
	assert_int_equal(core_state_get(c, who, true, &got), CORE_BUSY);
	assert_int_equal(core_state_patch(c, who, "reported", patch), CORE_BUSY);
	assert_int_equal(core_authenticate(c, who, jwt, strlen(jwt)), CORE_BUSY);
	assert_string_equal(who->device, "");
	assert_int_equal(who->wait_s, 15);
	strcpy(who->device, d.uuid);
	who->now_ms += 15000;
	assert_int_equal(core_fetch(c, who, &(struct core_fetch){"", 1024, 2048, 10}, body,
				    sizeof(body), &len),
			 CORE_OK);
	device_done(&d);
}

/* Whoever knows a device's name cannot use up what the device may ask. */
static void a_name_without_proof_costs_the_device_nothing(void **state)
{
	_cleanup_(core_freep) struct core *c = NULL;
	struct fixture *f = *state;
	char jwt[JWT_MAX], forged[JWT_MAX];
	struct device d, liar;

	device_init(&d);
	device_init(&liar);
	device_claim(f, &d, NULL);
	device_jwt(&d, jwt);
	memcpy(liar.uuid, d.uuid, sizeof(d.uuid));
	device_jwt(&liar, forged);
	c = core_with_rate(f, 1);
	for (int i = 0; i < 50; i++) {
		struct core_caller *who = caller("");

		strcpy(who->address, "198.51.100.7");
		assert_int_equal(core_authenticate(c, who, forged, strlen(forged)), CORE_REJECTED);
	}
	assert_int_equal(core_authenticate(c, caller(""), jwt, strlen(jwt)), CORE_OK);
	device_done(&d);
	device_done(&liar);
}

static void an_address_that_keeps_failing_has_to_wait(void **state)
{
	struct fixture *f = *state;
	char jwt[JWT_MAX];
	struct core_caller *who;
	struct device d;

	device_init(&d); /* unknown here */
	device_jwt(&d, jwt);
	who = caller("");
	for (int i = 0; i < 120; i++)
		assert_int_equal(core_authenticate(f->core, who, jwt, strlen(jwt)), CORE_REJECTED);
	assert_int_equal(core_authenticate(f->core, who, jwt, strlen(jwt)), CORE_BUSY);
	assert_int_equal(who->wait_s, 1);
	device_done(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_bucket_gives_its_burst_and_then_its_rate),
		cmocka_unit_test(looking_takes_nothing),
		cmocka_unit_test(one_key_costs_another_nothing),
		cmocka_unit_test(a_full_table_locks_nobody_out),
		cmocka_unit_test(a_device_has_its_rate_wherever_it_is),
		cmocka_unit_test(a_rate_of_zero_is_none),
		cmocka_unit_test(failed_proofs_count_against_the_address),
		cmocka_unit_test_setup_teardown(every_kind_of_request_of_a_device_counts,
						fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(a_name_without_proof_costs_the_device_nothing,
						fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(an_address_that_keeps_failing_has_to_wait,
						fixture_setup, fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
