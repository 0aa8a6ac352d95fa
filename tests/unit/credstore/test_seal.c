/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/credstore/scratch.h"

#include <errno.h>

#include "credstore/seal.h"

static const uint8_t key[SEAL_KEY_LEN] = {42};
static const struct seal_place place = {.tag = 16842753, .type = 2, .sha256 = {7}};

static int open_as(const uint8_t *sealing_key, const struct seal_place *at, const uint8_t *sealed,
		   size_t len)
{
	_cleanup_(secret_done) struct secret value = SECRET_INIT;
	int r = seal_open(sealing_key, at, sealed, len, &value);

	assert_true(r == 0 || value.data == NULL);
	return r;
}

static void a_sealed_value_opens_in_its_place(void **state)
{
	_cleanup_(secret_done) struct secret value = SECRET_INIT;
	uint8_t sealed[5 + SEAL_OVERHEAD];

	(void)state;
	assert_int_equal(seal_close(key, &place, "hello", 5, sealed), 0);
	assert_int_equal(seal_open(key, &place, sealed, sizeof(sealed), &value), 0);
	assert_int_equal(value.len, 5);
	assert_memory_equal(value.data, "hello", 5);
}

static void an_empty_value_opens_too(void **state)
{
	_cleanup_(secret_done) struct secret value = SECRET_INIT;
	uint8_t sealed[SEAL_OVERHEAD];

	(void)state;
	assert_int_equal(seal_close(key, &place, NULL, 0, sealed), 0);
	assert_int_equal(seal_open(key, &place, sealed, sizeof(sealed), &value), 0);
	assert_int_equal(value.len, 0);
}

static void one_value_sealed_twice_differs_by_its_nonce(void **state)
{
	uint8_t a[5 + SEAL_OVERHEAD], b[5 + SEAL_OVERHEAD];

	(void)state;
	assert_int_equal(seal_close(key, &place, "hello", 5, a), 0);
	assert_int_equal(seal_close(key, &place, "hello", 5, b), 0);
	assert_memory_not_equal(a + 1, b + 1, 12);
	assert_memory_not_equal(a + 13, b + 13, 5);
}

static void another_tag_type_digest_or_key_does_not_open_it(void **state)
{
	struct seal_place other;
	uint8_t sealed[5 + SEAL_OVERHEAD], other_key[SEAL_KEY_LEN] = {43};

	(void)state;
	assert_int_equal(seal_close(key, &place, "hello", 5, sealed), 0);
	other = place;
	other.tag++;
	assert_int_equal(open_as(key, &other, sealed, sizeof(sealed)), SEAL_E_AUTHENTICATION);
	other = place;
	other.type = 3;
	assert_int_equal(open_as(key, &other, sealed, sizeof(sealed)), SEAL_E_AUTHENTICATION);
	other = place;
	other.sha256[31] = 1;
	assert_int_equal(open_as(key, &other, sealed, sizeof(sealed)), SEAL_E_AUTHENTICATION);
	assert_int_equal(open_as(other_key, &place, sealed, sizeof(sealed)), SEAL_E_AUTHENTICATION);
}

static void a_secret_opens_under_its_own_name_only(void **state)
{
	static const struct seal_place secret = {.name = "wifi/config"};
	static const char *const others[] = {"wifi/confi", "wifi/config2", "", "Wifi/config"};
	_cleanup_(secret_done) struct secret value = SECRET_INIT;
	uint8_t sealed[5 + SEAL_OVERHEAD];

	(void)state;
	assert_int_equal(seal_close(key, &secret, "hello", 5, sealed), 0);
	assert_int_equal(seal_open(key, &secret, sealed, sizeof(sealed), &value), 0);
	assert_memory_equal(value.data, "hello", 5);
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		const struct seal_place other = {.name = others[i]};

		assert_int_equal(open_as(key, &other, sealed, sizeof(sealed)),
				 SEAL_E_AUTHENTICATION);
	}
}

static void a_secret_never_opens_as_a_credential_nor_the_other_way_round(void **state)
{
	/* The bytes of this name are those of the credential's place. */
	static const struct seal_place credential = {
		.tag = 0x41424344,
		.type = 0x45464748,
		.sha256 = "abcdefghijklmnopqrstuvwxyzabcdef",
	};
	static const struct seal_place secret = {
		.name = "ABCDEFGHabcdefghijklmnopqrstuvwxyzabcdef"};
	uint8_t sealed[5 + SEAL_OVERHEAD];

	(void)state;
	assert_int_equal(seal_close(key, &credential, "hello", 5, sealed), 0);
	assert_int_equal(open_as(key, &credential, sealed, sizeof(sealed)), 0);
	assert_int_equal(open_as(key, &secret, sealed, sizeof(sealed)), SEAL_E_AUTHENTICATION);
	sealed[0] = 2;
	assert_int_equal(open_as(key, &secret, sealed, sizeof(sealed)), SEAL_E_AUTHENTICATION);
	assert_int_equal(seal_close(key, &secret, "hello", 5, sealed), 0);
	assert_int_equal(open_as(key, &credential, sealed, sizeof(sealed)), SEAL_E_AUTHENTICATION);
	sealed[0] = 1;
	assert_int_equal(open_as(key, &credential, sealed, sizeof(sealed)), SEAL_E_AUTHENTICATION);
}

static void a_name_that_cannot_be_is_refused(void **state)
{
	char name[SEAL_NAME_MAX + 2];
	const struct seal_place long_name = {.name = name}, no_name = {.name = ""};
	uint8_t sealed[5 + SEAL_OVERHEAD];

	(void)state;
	memset(name, 'n', sizeof(name));
	name[SEAL_NAME_MAX + 1] = '\0';
	assert_int_equal(seal_close(key, &long_name, "hello", 5, sealed), -EINVAL);
	assert_int_equal(seal_close(key, &no_name, "hello", 5, sealed), -EINVAL);
	name[SEAL_NAME_MAX] = '\0';
	assert_int_equal(seal_close(key, &long_name, "hello", 5, sealed), 0);
	assert_int_equal(open_as(key, &long_name, sealed, sizeof(sealed)), 0);
}

static void every_flipped_bit_and_every_cut_is_noticed(void **state)
{
	uint8_t sealed[5 + SEAL_OVERHEAD], longer[sizeof(sealed) + 1] = {0};

	(void)state;
	assert_int_equal(seal_close(key, &place, "hello", 5, sealed), 0);
	for (size_t bit = 0; bit < sizeof(sealed) * 8; bit++) {
		sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(open_as(key, &place, sealed, sizeof(sealed)),
				 SEAL_E_AUTHENTICATION);
		sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	for (size_t n = 0; n < sizeof(sealed); n++)
		assert_int_equal(open_as(key, &place, sealed, n), SEAL_E_AUTHENTICATION);
	memcpy(longer, sealed, sizeof(sealed));
	assert_int_equal(open_as(key, &place, longer, sizeof(longer)), SEAL_E_AUTHENTICATION);
	assert_int_equal(open_as(key, &place, sealed, sizeof(sealed)), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sealed_value_opens_in_its_place),
		cmocka_unit_test(an_empty_value_opens_too),
		cmocka_unit_test(one_value_sealed_twice_differs_by_its_nonce),
		cmocka_unit_test(another_tag_type_digest_or_key_does_not_open_it),
		cmocka_unit_test(a_secret_opens_under_its_own_name_only),
		cmocka_unit_test(a_secret_never_opens_as_a_credential_nor_the_other_way_round),
		cmocka_unit_test(a_name_that_cannot_be_is_refused),
		cmocka_unit_test(every_flipped_bit_and_every_cut_is_noticed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
