/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/credstore/device.h"

#include "base/text.h"
#include "proto/jwt.h"
#include "tests/unit/credstore/softhsm.h"
#include "tests/unit/credstore/verify.h"

#define HOME "pkcs11:token=onboard"

static int try_open(struct softhsm *h, struct store *s, const char *uri, struct identity **ret)
{
	const struct identity_config c = {
		.hardware = "linux", .device_type = 0x20, .key_uri = uri, .ring = h->ring};
	_cleanup_(freep) char *detail = NULL;
	int r = identity_open(s, &c, ret, &detail);

	if (r != 0) {
		assert_int_equal(r, IDENTITY_E_KEY);
		assert_non_null(detail);
	}
	return r;
}

static struct identity *open_token(struct softhsm *h, struct store *s, const char *uri)
{
	struct identity *i = NULL;

	assert_int_equal(try_open(h, s, uri, &i), 0);
	return i;
}

static size_t public_key(struct identity *i, uint8_t ret[static 128])
{
	char csv[IDENTITY_CSV_MAX + 1], *text;
	size_t len = 0;

	assert_int_equal(identity_csv(i, csv, sizeof(csv)), 0);
	text = strrchr(csv, ',') + 1;
	assert_int_equal(base64_decode(text, strlen(text), ret, &len), 0);
	return len;
}

static void assert_signs(struct identity *i)
{
	char text[JWT_MAX + 1];
	uint8_t spki[128];
	struct jwt jwt;

	assert_int_equal(identity_jwt(i, 1700000000, 300, text, sizeof(text)), 0);
	assert_int_equal(jwt_parse(text, strlen(text), &jwt), 0);
	assert_true(verify_raw(spki, public_key(i, spki), jwt.signed_data, jwt.signed_len,
			       jwt.signature));
}

static void an_identity_is_born_in_the_token_once(void **state)
{
	struct softhsm *h = *state;
	struct store *s = scratch_open(h->scratch);
	uint8_t first[128], again[128];
	struct identity *i = open_token(h, s, HOME);

	public_key(i, first);
	assert_signs(i);
	identity_free(i);
	/* The configuration need not say it again. */
	i = open_token(h, s, NULL);
	public_key(i, again);
	assert_memory_equal(first, again, 91);
	assert_signs(i);
	identity_free(i);
	assert_int_equal(softhsm_count(h, "onboardd identity"), 2);
	store_close(s);
}

/* Also what a power cut between the token and the store leaves. */
static void a_key_that_the_factory_made_is_taken(void **state)
{
	struct softhsm *h = *state;
	struct store *s = scratch_open(h->scratch);
	struct identity *i;

	softhsm_factory_key(h, "onboardd identity", "0102");
	i = open_token(h, s, HOME);
	assert_signs(i);
	identity_free(i);
	assert_int_equal(softhsm_count(h, "onboardd identity"), 2);
	store_close(s);
}

static void a_uri_names_the_label_of_the_key_to_be_made(void **state)
{
	struct softhsm *h = *state;
	struct store *s = scratch_open(h->scratch);
	struct identity *i = open_token(h, s, "pkcs11:object=unit%207;token=onboard;type=private");

	assert_signs(i);
	identity_free(i);
	assert_int_equal(softhsm_count(h, "unit 7"), 2);
	store_close(s);
}

static void a_key_that_is_named_by_its_id_is_never_made(void **state)
{
	struct softhsm *h = *state;
	struct store *s = scratch_open(h->scratch);
	struct identity *i = NULL;
	char *value;

	assert_int_equal(try_open(h, s, HOME ";id=%01%02", &i), IDENTITY_E_KEY);
	assert_int_equal(store_value_get(s, "device-uuid", &value), -ENOENT);
	softhsm_factory_key(h, "anything", "0102");
	i = open_token(h, s, HOME ";id=%01%02");
	assert_signs(i);
	identity_free(i);
	store_close(s);
}

static void a_device_is_not_born_without_its_token_or_pin(void **state)
{
	struct softhsm *h = *state;
	struct store *s = scratch_open(h->scratch);
	struct identity *i = NULL;
	char *value;

	assert_int_equal(try_open(h, s, "pkcs11:token=elsewhere", &i), IDENTITY_E_KEY);
	softhsm_write_pin(h, "0");
	assert_int_equal(try_open(h, s, HOME, &i), IDENTITY_E_KEY);
	assert_int_equal(store_value_get(s, "device-uuid", &value), -ENOENT);
	softhsm_write_pin(h, SOFTHSM_PIN);
	i = open_token(h, s, HOME);
	assert_signs(i);
	identity_free(i);
	store_close(s);
}

static void a_born_device_opens_without_its_token_and_signs_when_it_is_back(void **state)
{
	struct softhsm *h = *state;
	struct store *s = scratch_open(h->scratch);
	char text[JWT_MAX + 1];
	uint8_t before[128], after[128];
	struct identity *i = open_token(h, s, HOME);

	public_key(i, before);
	identity_free(i);
	keyring_free(h->ring);
	h->ring = softhsm_ring("/nonexistent/module.so", h->pin_file);
	i = open_token(h, s, HOME);
	public_key(i, after);
	assert_memory_equal(before, after, 91);
	assert_int_equal(identity_jwt(i, 1700000000, 300, text, sizeof(text)), KEY_E_TOKEN_ABSENT);
	identity_free(i);
	keyring_free(h->ring);
	h->ring = softhsm_ring(SOFTHSM_MODULE, h->pin_file);
	i = open_token(h, s, HOME);
	assert_signs(i);
	softhsm_write_pin(h, "0");
	identity_free(i);
	store_close(s);
}

static void a_file_key_that_moved_into_a_token_is_the_same_identity(void **state)
{
	struct softhsm *h = *state;
	struct store *s = scratch_open(h->scratch);
	char path[PATH_MAX];
	struct identity_config c = {.hardware = "linux", .key_file = path};
	struct identity *i = NULL;

	snprintf(path, sizeof(path), "%s/factory.pem", h->scratch->dir);
	SOFTHSM_MUST(h, "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out %s",
		     path);
	assert_int_equal(identity_open(s, &c, &i, NULL), 0);
	identity_free(i);
	SOFTHSM_MUST(h, "softhsm2-util --import %s --token onboard --label moved --id 07 --pin %s",
		     path, SOFTHSM_PIN);
	softhsm_factory_key(h, "another", "08");
	i = NULL;
	assert_int_equal(try_open(h, s, HOME ";object=another", &i), IDENTITY_E_KEY);
	i = open_token(h, s, HOME ";object=moved");
	assert_signs(i);
	identity_free(i);
	i = open_token(h, s, NULL);
	assert_signs(i);
	identity_free(i);
	store_close(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SOFTHSM_TEST(an_identity_is_born_in_the_token_once),
		SOFTHSM_TEST(a_key_that_the_factory_made_is_taken),
		SOFTHSM_TEST(a_uri_names_the_label_of_the_key_to_be_made),
		SOFTHSM_TEST(a_key_that_is_named_by_its_id_is_never_made),
		SOFTHSM_TEST(a_device_is_not_born_without_its_token_or_pin),
		SOFTHSM_TEST(a_born_device_opens_without_its_token_and_signs_when_it_is_back),
		SOFTHSM_TEST(a_file_key_that_moved_into_a_token_is_the_same_identity),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
