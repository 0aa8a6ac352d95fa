/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include "base/clock.h"
#include "base/text.h"
#include "proto/jwt.h"

static enum core_verdict try_claims(struct fixture *f, const struct jwt_claims *claims,
				    EVP_PKEY *key)
{
	char jwt[JWT_MAX], device[CORE_UUID_TEXT];

	assert_int_equal(jwt_build(claims, key_sign, key, jwt, sizeof(jwt)), 0);
	return token_show(f->core, jwt, strlen(jwt), device);
}

static void a_claimed_device_is_let_in_again_and_again(void **state)
{
	struct fixture *f = *state;
	char jwt[JWT_MAX], device[CORE_UUID_TEXT];
	struct device d;

	device_init(&d);
	device_claim(f, &d, NULL);
	device_jwt(&d, jwt);
	for (int i = 0; i < 3; i++) {
		memset(device, 0, sizeof(device));
		assert_int_equal(token_show(f->core, jwt, strlen(jwt), device), CORE_OK);
		assert_string_equal(device, d.uuid);
	}
	device_done(&d);
}

static void a_genuine_device_of_nobody_is_unclaimed_and_named(void **state)
{
	struct fixture *f = *state;
	char jwt[JWT_MAX], device[CORE_UUID_TEXT] = "";
	struct device d;

	device_init(&d);
	device_import(f, &d);
	device_jwt(&d, jwt);
	assert_int_equal(token_show(f->core, jwt, strlen(jwt), device), CORE_UNCLAIMED);
	assert_string_equal(device, d.uuid);
	device_done(&d);
}

static void an_unknown_device_and_a_foreign_key_are_rejected(void **state)
{
	struct fixture *f = *state;
	char jwt[JWT_MAX], device[CORE_UUID_TEXT];
	struct device d, stranger;

	device_init(&d);
	device_init(&stranger);
	device_jwt(&d, jwt);
	assert_int_equal(token_show(f->core, jwt, strlen(jwt), device), CORE_REJECTED);
	device_claim(f, &d, NULL);
	memcpy(stranger.uuid, d.uuid, sizeof(d.uuid));
	device_jwt(&stranger, jwt);
	assert_int_equal(token_show(f->core, jwt, strlen(jwt), device), CORE_REJECTED);
	device_done(&d);
	device_done(&stranger);
}

static void times_count_within_the_skew_and_not_beyond(void **state)
{
	struct fixture *f = *state;
	char iss[64];
	struct device d;
	int64_t now = clock_wall_s();
	const struct {
		int64_t iat, exp;
		enum core_verdict verdict;
	} rows[] = {
		{now, now + 300, CORE_OK},
		{now - 300, now - 30, CORE_OK}, /* our clock may be ahead */
		{now - 300, now - 120, CORE_REJECTED},
		{now + 30, now + 330, CORE_OK}, /* or behind */
		{now + 120, now + 420, CORE_REJECTED},
		{now - 1, now - 1 + 604800, CORE_OK},
		{now - 1, now + 604800, CORE_REJECTED},
		{now, now + 700000, CORE_REJECTED},
		{now, INT64_MAX, CORE_REJECTED},
		{now + 10, now + 10, CORE_REJECTED},
		{now + 20, now + 10, CORE_REJECTED},
		{0, 0, CORE_REJECTED}, /* both absent: would be good for ever */
	};

	device_init(&d);
	device_claim(f, &d, NULL);
	snprintf(iss, sizeof(iss), "nRF9160.%s", d.uuid);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		enum core_verdict v = try_claims(
			f, &(struct jwt_claims){.iss = iss, .iat = rows[i].iat, .exp = rows[i].exp},
			d.key);

		if (v != rows[i].verdict)
			fail_msg("row %zu: %d", i, (int)v);
	}
	device_done(&d);
}

/* The service's own clock may be the wrong one: the device is told, and nobody else. */
static void a_genuine_token_of_another_time_is_told_so_and_a_foreign_one_is_not(void **state)
{
	struct fixture *f = *state;
	char iss[64], jwt[JWT_MAX];
	struct device d, stranger;
	int64_t now = clock_wall_s();
	const struct {
		int64_t iat, exp;
		const char *clock;
	} rows[] = {
		{now - 300, now - 120, "clock: the token has expired"},
		{1, 301, "clock: the token has expired"},
		{now + 120, now + 420, "clock: the token is from the future"},
		{INT64_C(4294967296), INT64_C(4294967596), "clock: the token is from the future"},
		{now, now + 700000, NULL},
		{now + 20, now + 10, NULL},
		{0, 0, NULL},
	};

	device_init(&d);
	device_init(&stranger);
	device_claim(f, &d, NULL);
	snprintf(iss, sizeof(iss), "nRF9160.%s", d.uuid);
	for (size_t i = 0; i < 2 * ARRAY_SIZE(rows); i++) {
		struct core_caller who = {.address = "192.0.2.1"};
		bool is_genuine = i % 2 == 0;
		const char *want = is_genuine ? rows[i / 2].clock : NULL;
		const struct jwt_claims claims = {
			.iss = iss, .iat = rows[i / 2].iat, .exp = rows[i / 2].exp};

		assert_int_equal(jwt_build(&claims, key_sign, is_genuine ? d.key : stranger.key,
					   jwt, sizeof(jwt)),
				 0);
		assert_int_equal(core_authenticate(f->core, &who, jwt, strlen(jwt)), CORE_REJECTED);
		if (!who.clock != !want || (want && strcmp(who.clock, want) != 0))
			fail_msg("row %zu: %s", i, who.clock ? who.clock : "nothing");
	}
	device_done(&d);
	device_done(&stranger);
}

static void iss_must_be_hardware_and_uuid(void **state)
{
	struct fixture *f = *state;
	int64_t now = clock_wall_s();
	char iss[128];
	struct device d;

	device_init(&d);
	device_claim(f, &d, NULL);
	assert_int_equal(
		try_claims(f, &(struct jwt_claims){.iss = d.uuid, .iat = now, .exp = now + 300},
			   d.key),
		CORE_REJECTED);
	snprintf(iss, sizeof(iss), "nRF9160.%sx", d.uuid);
	assert_int_equal(try_claims(f,
				    &(struct jwt_claims){.iss = iss, .iat = now, .exp = now + 300},
				    d.key),
			 CORE_REJECTED);
	assert_int_equal(try_claims(f, &(struct jwt_claims){.iat = now, .exp = now + 300}, d.key),
			 CORE_REJECTED);
	device_done(&d);
}

static void every_truncated_or_changed_token_is_rejected(void **state)
{
	struct fixture *f = *state;
	char jwt[JWT_MAX], copy[JWT_MAX], device[CORE_UUID_TEXT];
	struct device d;
	size_t len;

	device_init(&d);
	device_claim(f, &d, NULL);
	device_jwt(&d, jwt);
	len = strlen(jwt);
	for (size_t i = 0; i < len; i++)
		assert_int_equal(token_show(f->core, jwt, i, device), CORE_REJECTED);
	for (size_t i = 0; i < len; i++) {
		memcpy(copy, jwt, len);
		copy[i] = copy[i] == 'A' ? 'B' : 'A';
		assert_int_equal(token_show(f->core, copy, len, device), CORE_REJECTED);
	}
	device_done(&d);
}

static enum core_verdict cloud_login(struct fixture *f, const char *iss, const char *sub,
				     EVP_PKEY *key, char device[static CORE_UUID_TEXT])
{
	int64_t now = clock_wall_s();
	char jwt[JWT_MAX];

	assert_int_equal(
		jwt_build(
			&(struct jwt_claims){.iss = iss, .sub = sub, .iat = now, .exp = now + 600},
			key_sign, key, jwt, sizeof(jwt)),
		0);
	return cloud_token_show(f->core, jwt, strlen(jwt), device);
}

static void the_cloud_takes_the_generated_key_and_only_that(void **state)
{
	struct fixture *f = *state;
	char device[CORE_UUID_TEXT], iss[64];
	EVP_PKEY *key = key_make(), *wrong = key_make();
	struct device d;

	device_init(&d);
	device_claim(f, &d, NULL);
	snprintf(iss, sizeof(iss), "nRF9160.%s", d.uuid);
	assert_int_equal(cloud_login(f, iss, NULL, key, device), CORE_REJECTED);
	assert_int_equal(cloud_login(f, iss, NULL, d.key, device), CORE_REJECTED);

	command_add(f, &d, "{\"cloudAccessKeyGeneration\":{\"secTag\":16842753}}");
	assert_int_equal(device_obey(f, &d, key), 2);
	assert_int_equal(cloud_login(f, iss, NULL, key, device), CORE_OK);
	assert_string_equal(device, d.uuid);
	assert_int_equal(cloud_login(f, NULL, d.uuid, key, device), CORE_OK);
	assert_int_equal(cloud_login(f, "anything", d.uuid, key, device), CORE_OK);
	assert_int_equal(cloud_login(f, iss, "nrf-123456789012345", key, device), CORE_REJECTED);
	assert_int_equal(cloud_login(f, NULL, NULL, key, device), CORE_REJECTED);
	assert_int_equal(cloud_login(f, iss, NULL, wrong, device), CORE_REJECTED);
	/* The identity key proves who it is to provisioning, not to the cloud. */
	assert_int_equal(cloud_login(f, iss, NULL, d.key, device), CORE_REJECTED);
	EVP_PKEY_free(key);
	EVP_PKEY_free(wrong);
	device_done(&d);
}

static void unclaiming_ends_cloud_access_and_says_unclaimed(void **state)
{
	struct fixture *f = *state;
	char device[CORE_UUID_TEXT], jwt[JWT_MAX];
	EVP_PKEY *key = key_make();
	json_t *ret = NULL;
	struct device d;
	uint8_t body[256];
	size_t len;

	device_init(&d);
	device_claim(f, &d, NULL);
	command_add(f, &d, "{\"cloudAccessKeyGeneration\":{\"secTag\":16842753}}");
	device_obey(f, &d, key);
	assert_int_equal(cloud_login(f, NULL, d.uuid, key, device), CORE_OK);
	assert_int_equal(core_unclaim(f->core, &f->editor, d.uuid, &ret), 204);
	assert_null(ret);
	assert_int_equal(cloud_login(f, NULL, d.uuid, key, device), CORE_REJECTED);
	device_jwt(&d, jwt);
	assert_int_equal(token_show(f->core, jwt, strlen(jwt), device), CORE_UNCLAIMED);
	assert_int_equal(core_fetch(f->core, caller(d.uuid),
				    &(struct core_fetch){"", 1024, 2048, 10}, body, sizeof(body),
				    &len),
			 CORE_UNCLAIMED);
	assert_int_equal(device_answer(f, &d, "x", 102, 0, ""), CORE_UNCLAIMED);
	EVP_PKEY_free(key);
	device_done(&d);
}

#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_claimed_device_is_let_in_again_and_again),
		T(a_genuine_device_of_nobody_is_unclaimed_and_named),
		T(an_unknown_device_and_a_foreign_key_are_rejected),
		T(times_count_within_the_skew_and_not_beyond),
		T(a_genuine_token_of_another_time_is_told_so_and_a_foreign_one_is_not),
		T(iss_must_be_hardware_and_uuid),
		T(every_truncated_or_changed_token_is_rejected),
		T(the_cloud_takes_the_generated_key_and_only_that),
		T(unclaiming_ends_cloud_access_and_says_unclaimed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
