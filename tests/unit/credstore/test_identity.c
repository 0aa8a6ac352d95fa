/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/credstore/device.h"

#include <errno.h>

#include "base/text.h"
#include "proto/attest.h"
#include "proto/cose.h"
#include "proto/jwt.h"
#include "tests/unit/credstore/pki.h"
#include "tests/unit/credstore/verify.h"

static const struct identity_config plain = {.hardware = "linux-x86_64", .device_type = 0x20};

static struct identity *open_with(struct store *s, const struct identity_config *c)
{
	struct identity *i = NULL;
	char *detail = NULL;

	if (identity_open(s, c, &i, &detail) != 0)
		fail_msg("identity_open: %s", detail ? detail : "");
	return i;
}

static void assert_refused(struct store *s, const struct identity_config *c, int expected,
			   const char *word)
{
	struct identity *i = NULL;
	_cleanup_(freep) char *detail = NULL;

	assert_int_equal(identity_open(s, c, &i, &detail), expected);
	assert_null(i);
	assert_non_null(detail);
	if (!strstr(detail, word))
		fail_msg("\"%s\" does not say \"%s\"", detail, word);
	assert_int_equal(identity_open(s, c, &i, NULL), expected);
}

/* The public key as the factory's CSV tells it. */
static size_t public_key(struct identity *i, uint8_t ret[static 128])
{
	char csv[256], *text;
	size_t len = 0;

	assert_int_equal(identity_csv(i, csv, sizeof(csv)), 0);
	text = strrchr(csv, ',') + 1;
	assert_int_equal(base64_decode(text, strlen(text), ret, &len), 0);
	assert_int_equal(len, 91);
	return len;
}

static void an_identity_is_born_once_and_kept(void **state)
{
	struct store *s = scratch_open(*state);
	struct identity *i = open_with(s, &plain);
	char uuid[UUID_TEXT_LEN + 1], csv[2][256];

	snprintf(uuid, sizeof(uuid), "%s", identity_uuid_text(i));
	assert_int_equal(uuid[14], '4');           /* version */
	assert_non_null(strchr("89ab", uuid[19])); /* variant */
	assert_int_equal(identity_csv(i, csv[0], sizeof(csv[0])), 0);
	identity_free(i);
	store_close(s);
	s = scratch_open(*state);
	i = open_with(s, &plain);
	assert_string_equal(identity_uuid_text(i), uuid);
	assert_int_equal(identity_csv(i, csv[1], sizeof(csv[1])), 0);
	assert_string_equal(csv[0], csv[1]);
	identity_free(i);
	store_close(s);
}

static void two_devices_are_born_different(void **state)
{
	struct scratch *t = *state, other = *t;
	struct store *a, *b;
	struct identity *i, *j;
	uint8_t keys[2][128];

	snprintf(other.state, sizeof(other.state), "%s/b", t->dir);
	a = scratch_open(t);
	b = scratch_open(&other);
	i = open_with(a, &plain);
	j = open_with(b, &plain);
	assert_string_not_equal(identity_uuid_text(i), identity_uuid_text(j));
	public_key(i, keys[0]);
	public_key(j, keys[1]);
	assert_memory_not_equal(keys[0], keys[1], 91);
	assert_memory_equal(identity_firmware(i), identity_firmware(j), 16);
	identity_free(i);
	identity_free(j);
	store_close(a);
	store_close(b);
}

static void the_csv_row_names_uuid_hardware_and_key(void **state)
{
	struct identity_config c = plain;
	struct store *s = scratch_open(*state);
	struct identity *i;
	char csv[256];
	size_t len;

	c.uuid = "9F0C0B5E-1F2D-4A3B-8C4D-0123456789AB";
	i = open_with(s, &c);
	assert_int_equal(identity_csv(i, csv, sizeof(csv)), 0);
	assert_int_equal(strncmp(csv, TEST_UUID ",linux-x86_64,MFkwEwYHKoZIzj0CAQ", 68), 0);
	len = strlen(csv);
	assert_int_equal(identity_csv(i, csv, len), -ENOBUFS);
	assert_int_equal(identity_csv(i, csv, len + 1), 0);
	assert_string_equal(identity_hardware(i), "linux-x86_64");
	identity_free(i);
	store_close(s);
}

static void the_firmware_uuid_is_name_based(void **state)
{
	struct store *s = scratch_open(*state);
	struct identity *i = open_with(s, &plain);

	assert_int_equal(identity_firmware(i)[6] >> 4, 5);
	assert_int_equal(identity_firmware(i)[8] >> 6, 2);
	identity_free(i);
	store_close(s);
}

static void hardware_names_are_held_to_their_characters_and_length(void **state)
{
	static const char *const bad[] = {
		NULL, "", "a.b", "a b", "a,b", "h\xc3\xb8", "123456789012345678901234567890123"};
	struct identity_config c = plain;
	struct store *s = scratch_open(*state);

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		c.hardware = bad[i];
		assert_refused(s, &c, -EINVAL, "hardware");
	}
	c.hardware = "12345678901234567890123456789_-Z";
	identity_free(open_with(s, &c));
	store_close(s);
}

static void another_uuid_than_the_stores_is_refused(void **state)
{
	struct identity_config c = plain;
	struct store *s = scratch_open(*state);

	c.uuid = "not-a-uuid";
	assert_refused(s, &c, IDENTITY_E_UUID, "not-a-uuid");
	c.uuid = TEST_UUID;
	identity_free(open_with(s, &c));
	c.uuid = NULL;
	identity_free(open_with(s, &c));
	c.uuid = "00000000-1f2d-4a3b-8c4d-0123456789ab";
	assert_refused(s, &c, IDENTITY_E_UUID, TEST_UUID);
	store_close(s);
}

static const char *write_key(const struct scratch *t, const char *name, const char *curve)
{
	_cleanup_(freep) char *pem = pki_private_key(curve);
	static char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", t->dir, name);
	scratch_write(path, pem, strlen(pem));
	return path;
}

static void a_factory_key_is_used_from_its_file_and_never_copied(void **state)
{
	struct identity_config c = plain;
	struct store *s = scratch_open(*state);

	c.key_file = write_key(*state, "identity.pem", "P-256");
	identity_free(open_with(s, &c));
	assert_int_equal(count_credentials(s), 0);
	identity_free(open_with(s, &c));
	write_key(*state, "identity.pem", "P-256");
	assert_refused(s, &c, IDENTITY_E_KEY, "born with");
	c.key_file = NULL;
	assert_refused(s, &c, IDENTITY_E_KEY, "key file");
	store_close(s);
}

static void a_factory_key_after_birth_is_refused(void **state)
{
	struct identity_config c = plain;
	struct store *s = scratch_open(*state);

	identity_free(open_with(s, &c));
	c.key_file = write_key(*state, "identity.pem", "P-256");
	assert_refused(s, &c, IDENTITY_E_KEY, "born with");
	c.key_file = NULL;
	identity_free(open_with(s, &c));
	store_close(s);
}

static void an_unusable_factory_key_leaves_no_half_of_an_identity(void **state)
{
	struct identity_config c = plain;
	struct store *s = scratch_open(*state);
	char *value;

	c.key_file = write_key(*state, "identity.pem", "P-384");
	assert_refused(s, &c, IDENTITY_E_KEY, "P-256");
	c.key_file = "/nonexistent/key.pem";
	assert_refused(s, &c, IDENTITY_E_KEY, "/nonexistent/key.pem");
	assert_int_equal(store_value_get(s, "device-uuid", &value), -ENOENT);
	c.key_file = NULL;
	identity_free(open_with(s, &c));
	store_close(s);
}

static void a_store_that_lost_half_its_identity_makes_no_other_device(void **state)
{
	struct store *s = scratch_open(*state);

	identity_free(open_with(s, &plain));
	assert_int_equal(store_begin(s), 0);
	assert_int_equal(store_value_delete(s, "device-uuid"), 0);
	assert_refused(s, &plain, IDENTITY_E_UUID, "lost");
	store_rollback(s);
	assert_int_equal(store_begin(s), 0);
	assert_int_equal(store_value_delete(s, "identity-key"), 0);
	assert_refused(s, &plain, IDENTITY_E_KEY, "lost");
	store_rollback(s);
	assert_int_equal(store_begin(s), 0);
	assert_int_equal(store_credential_delete(s, IDENTITY_TAG, CREDENTIAL_PRIVATE_KEY), 0);
	assert_refused(s, &plain, IDENTITY_E_KEY, "no identity key");
	store_rollback(s);
	identity_free(open_with(s, &plain));
	store_close(s);
}

static void an_older_store_learns_its_public_key(void **state)
{
	static const char *const wrong[] = {NULL, "", "damaged", "AAAA"};
	struct store *s = scratch_open(*state);
	struct identity *i = open_with(s, &plain);
	_cleanup_(freep) char *born = NULL;
	char csv[256];

	assert_int_equal(identity_csv(i, csv, sizeof(csv)), 0);
	identity_free(i);
	assert_int_equal(store_value_get(s, "identity-spki", &born), 0);
	assert_string_equal(born, strrchr(csv, ',') + 1);
	for (size_t k = 0; k < ARRAY_SIZE(wrong); k++) {
		_cleanup_(freep) char *found = NULL;

		assert_int_equal(store_value_delete(s, "identity-spki"), 0);
		if (wrong[k])
			assert_int_equal(store_value_put(s, "identity-spki", wrong[k]), 0);
		identity_free(open_with(s, &plain));
		assert_int_equal(store_value_get(s, "identity-spki", &found), 0);
		assert_string_equal(found, born);
	}
	store_close(s);
}

static void a_key_that_went_away_signs_nothing(void **state)
{
	struct identity_config c = plain;
	struct store *s = scratch_open(*state);
	char text[TOKEN_TEXT_MAX + 1], csv[256];
	struct identity *i;

	c.key_file = write_key(*state, "identity.pem", "P-256");
	i = open_with(s, &c);
	assert_int_equal(identity_attest(i, NULL, text, sizeof(text)), 0);
	write_key(*state, "identity.pem", "P-256");
	assert_int_equal(identity_attest(i, NULL, text, sizeof(text)), -EKEYREJECTED);
	assert_int_equal(unlink(c.key_file), 0);
	assert_int_equal(identity_attest(i, NULL, text, sizeof(text)), -EKEYREJECTED);
	assert_int_equal(identity_csv(i, csv, sizeof(csv)), 0);
	identity_free(i);
	store_close(s);
}

static void a_store_with_a_key_of_its_own_takes_none_of_a_token(void **state)
{
	struct identity_config c = plain;
	struct store *s = scratch_open(*state);

	identity_free(open_with(s, &c));
	c.key_uri = "pkcs11:token=t";
	assert_refused(s, &c, IDENTITY_E_KEY, "born with");
	store_close(s);
}

static void a_provisioning_jwt_says_who_and_when_and_verifies(void **state)
{
	struct store *s = scratch_open(*state);
	struct identity *i = open_with(s, &plain);
	char text[2][JWT_MAX + 1], iss[128];
	uint8_t spki[128];
	struct jwt jwt;

	assert_int_equal(identity_jwt(i, 1700000000, 300, text[0], sizeof(text[0])), 0);
	assert_int_equal(identity_jwt(i, 1700000000, 300, text[1], sizeof(text[1])), 0);
	assert_string_not_equal(text[0], text[1]);
	assert_int_equal(jwt_parse(text[0], strlen(text[0]), &jwt), 0);
	snprintf(iss, sizeof(iss), "linux-x86_64.%s", identity_uuid_text(i));
	assert_string_equal(jwt.iss, iss);
	assert_string_equal(jwt.sub, "");
	assert_int_equal(strncmp(jwt.jti, "linux-x86_64.", 13), 0);
	assert_int_equal(strlen(jwt.jti), 13 + 36 + 1 + 32);
	assert_int_equal(jwt.iat, 1700000000);
	assert_int_equal(jwt.exp, 1700000300);
	assert_true(verify_raw(spki, public_key(i, spki), jwt.signed_data, jwt.signed_len,
			       jwt.signature));
	assert_int_equal(identity_jwt(i, 1700000000, 300, text[0], 100), -ENOBUFS);
	identity_free(i);
	store_close(s);
}

static void a_cloud_jwt_is_signed_by_the_cloud_key(void **state)
{
	struct store *s = scratch_open(*state);
	struct identity *i = open_with(s, &plain);
	_cleanup_(signer_freep) struct signer *signer = NULL;
	_cleanup_(secret_done) struct secret der = SECRET_INIT;
	struct key *k = NULL;
	uint8_t identity_key[128], cloud_key[128];
	char text[JWT_MAX + 1];
	size_t len = 0;
	struct jwt jwt;

	assert_int_equal(key_generate(&k, &der), 0);
	assert_int_equal(key_spki(k, cloud_key, &len), 0);
	assert_int_equal(identity_signer_of(i, k, &signer), 0);
	assert_int_equal(signer_cloud_jwt(signer, 1700000000, 604800, text, sizeof(text)), 0);
	assert_int_equal(jwt_parse(text, strlen(text), &jwt), 0);
	assert_string_equal(jwt.sub, "");
	assert_int_equal(jwt.exp - jwt.iat, 604800);
	assert_true(verify_raw(cloud_key, len, jwt.signed_data, jwt.signed_len, jwt.signature));
	len = public_key(i, identity_key);
	assert_false(verify_raw(identity_key, len, jwt.signed_data, jwt.signed_len, jwt.signature));
	identity_free(i);
	store_close(s);
}

static void tokens_of_a_cycle_begin_alike_and_are_never_the_same(void **state)
{
	struct store *s = scratch_open(*state);
	struct identity *i = open_with(s, &plain);
	char text[JWT_MAX + 1], trace[JWT_TRACE_TEXT], before[JWT_TRACE_TEXT];
	struct jwt jwt[2];

	assert_string_equal(identity_trace(i), "");
	identity_new_trace(i);
	snprintf(before, sizeof(before), "%s", identity_trace(i));
	for (int k = 0; k < 2; k++) {
		assert_int_equal(identity_jwt(i, 1700000000, 300, text, sizeof(text)), 0);
		assert_int_equal(jwt_parse(text, strlen(text), &jwt[k]), 0);
		assert_true(jwt_trace(jwt[k].jti, trace));
		assert_string_equal(trace, before);
	}
	assert_string_not_equal(jwt[0].jti, jwt[1].jti);
	identity_new_trace(i);
	assert_string_not_equal(identity_trace(i), before);
	identity_free(i);
	store_close(s);
}

static void the_trace_of_another_process_s_cycle_goes_on_in_tokens_when_it_is_one(void **state)
{
	static const char *const wrong[] = {"",
					    "9f86d081884c7d6",
					    "9f86d081884c7d655",
					    "9F86d081884c7d65",
					    "9f86d081884c7d6g",
					    "9f86d081 84c7d65"};
	struct store *s = scratch_open(*state);
	struct identity *i = open_with(s, &plain);
	char text[JWT_MAX + 1], trace[JWT_TRACE_TEXT];
	struct jwt jwt;

	assert_int_equal(identity_keep_trace(i, "9f86d081884c7d65"), 0);
	for (size_t k = 0; k < ARRAY_SIZE(wrong); k++) {
		assert_int_equal(identity_keep_trace(i, wrong[k]), -EINVAL);
		assert_string_equal(identity_trace(i), "9f86d081884c7d65");
	}
	assert_int_equal(identity_jwt(i, 1700000000, 300, text, sizeof(text)), 0);
	assert_int_equal(jwt_parse(text, strlen(text), &jwt), 0);
	assert_true(jwt_trace(jwt.jti, trace));
	assert_string_equal(trace, "9f86d081884c7d65");
	identity_new_trace(i);
	assert_int_equal(identity_keep_trace(i, identity_trace(i)), 0);
	identity_free(i);
	store_close(s);
}

static void a_claim_token_carries_the_challenge_and_verifies(void **state)
{
	static const uint8_t challenge[16] = {1, 2, 3};
	struct store *s = scratch_open(*state);
	struct identity *i = open_with(s, &plain);
	uint8_t spki[128], tbs[256];
	char text[TOKEN_TEXT_MAX + 1];
	struct attest a;
	size_t len = 0;

	assert_int_equal(identity_attest(i, challenge, text, sizeof(text)), 0);
	assert_int_equal(attest_parse(text, strlen(text), &a), 0);
	assert_memory_equal(a.uuid, identity_uuid(i), 16);
	assert_memory_equal(a.firmware, identity_firmware(i), 16);
	assert_memory_equal(a.nonce, challenge, 16);
	assert_int_equal(a.device_type, 0x20);
	assert_int_equal(a.message_type, ATTEST_TYPE_IDENTITY);
	assert_int_equal(
		cose_tbs(COSE_FORM_RFC9052, a.message, a.message_len, tbs, sizeof(tbs), &len), 0);
	assert_true(verify_raw(spki, public_key(i, spki), tbs, len, a.signature));
	assert_int_equal(identity_attest(i, NULL, text, sizeof(text)), 0);
	assert_int_equal(attest_parse(text, strlen(text), &a), 0);
	assert_memory_not_equal(a.nonce, challenge, 16);
	assert_int_equal(identity_attest(i, NULL, text, 50), -ENOBUFS);
	identity_free(i);
	store_close(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCRATCH_TEST(an_identity_is_born_once_and_kept),
		SCRATCH_TEST(two_devices_are_born_different),
		SCRATCH_TEST(the_csv_row_names_uuid_hardware_and_key),
		SCRATCH_TEST(the_firmware_uuid_is_name_based),
		SCRATCH_TEST(hardware_names_are_held_to_their_characters_and_length),
		SCRATCH_TEST(another_uuid_than_the_stores_is_refused),
		SCRATCH_TEST(a_factory_key_is_used_from_its_file_and_never_copied),
		SCRATCH_TEST(a_factory_key_after_birth_is_refused),
		SCRATCH_TEST(an_unusable_factory_key_leaves_no_half_of_an_identity),
		SCRATCH_TEST(a_store_that_lost_half_its_identity_makes_no_other_device),
		SCRATCH_TEST(an_older_store_learns_its_public_key),
		SCRATCH_TEST(a_key_that_went_away_signs_nothing),
		SCRATCH_TEST(a_store_with_a_key_of_its_own_takes_none_of_a_token),
		SCRATCH_TEST(a_provisioning_jwt_says_who_and_when_and_verifies),
		SCRATCH_TEST(a_cloud_jwt_is_signed_by_the_cloud_key),
		SCRATCH_TEST(tokens_of_a_cycle_begin_alike_and_are_never_the_same),
		SCRATCH_TEST(the_trace_of_another_process_s_cycle_goes_on_in_tokens_when_it_is_one),
		SCRATCH_TEST(a_claim_token_carries_the_challenge_and_verifies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
