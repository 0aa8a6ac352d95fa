/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/credstore/softhsm.h"

#include "tests/unit/credstore/verify.h"

/* A real SoftHSM holds the keys; OpenSC's pkcs11-tool, openssl and libcrypto say whether it is so.
 */

#define HOME "pkcs11:token=onboard"

static struct key *generate(const struct softhsm *h, const char *label, struct secret *ret_value)
{
	struct key *k = NULL;
	char why[256];
	int r = key_generate_at(h->ring, HOME, label, &k, ret_value);

	keyring_detail(h->ring, why, sizeof(why));
	if (r != 0)
		fail_msg("%d: %s", r, why);
	return k;
}

static bool verifies(struct key *k, const char *text, const uint8_t raw[static 64])
{
	uint8_t spki[KEY_SPKI_MAX];
	size_t len;

	assert_int_equal(key_spki(k, spki, &len), 0);
	return verify_raw(spki, len, text, strlen(text), raw);
}

static void a_key_made_in_a_token_signs_and_opens_again_by_its_uri(void **state)
{
	struct softhsm *h = *state;
	_cleanup_(secret_done) struct secret uri = SECRET_INIT;
	_cleanup_(key_freep) struct key *k = generate(h, "onboardd x 1", &uri), *again = NULL;
	uint8_t sig[64], spki[2][KEY_SPKI_MAX];
	size_t len;

	assert_true(key_is_slow(k));
	assert_true(key_is_uri(uri.data, uri.len));
	assert_int_equal(key_sign(k, (const uint8_t *)"hello", 5, sig), 0);
	assert_true(verifies(k, "hello", sig));
	assert_int_equal(key_open(h->ring, uri.data, uri.len, NULL, &again), 0);
	assert_int_equal(key_spki(k, spki[0], &len), 0);
	assert_int_equal(len, KEY_SPKI_LEN);
	assert_int_equal(key_spki(again, spki[1], &len), 0);
	assert_memory_equal(spki[0], spki[1], len);
	assert_int_equal(key_sign(again, (const uint8_t *)"hello", 5, sig), 0);
	assert_true(verifies(k, "hello", sig));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SOFTHSM_TEST(a_key_made_in_a_token_signs_and_opens_again_by_its_uri),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
