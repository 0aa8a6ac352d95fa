/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/credstore/device.h"

#include "base/text.h"
#include "credstore/key.h"
#include "proto/attest.h"
#include "proto/cose.h"
#include "proto/keygen.h"
#include "tests/unit/credstore/pki.h"
#include "tests/unit/credstore/verify.h"

/* %KEYGEN and %ATTESTTOKEN: what a verifier with nothing but the identity's public key sees. */

/* The parsed output of a key generation whose proof verified. */
static void run_keygen(struct device *d, const char *parameters, struct keygen *ret)
{
	enum response_code code;
	uint64_t cme;
	_cleanup_(freep) char *answer = device_at(d, "%KEYGEN", parameters, &code, &cme);
	char csv[256];
	uint8_t spki[128], tbs[256], digest[32];
	size_t len, spki_len = 0, tbs_len = 0;
	const char *text;

	if (code != RESPONSE_AT)
		fail_msg("%%KEYGEN=%s: %s", parameters, answer);
	assert_int_equal(strncmp(answer, "%KEYGEN: \"", 10), 0);
	assert_string_equal(answer + strlen(answer) - 7, "\"\r\nOK\r\n");
	assert_int_equal(keygen_find(answer, &text, &len), 0);
	assert_int_equal(keygen_parse(text, len, ret), 0);
	assert_memory_equal(ret->uuid, identity_uuid(d->identity), 16);
	assert_int_equal(sha256(ret->der, ret->der_len, digest), 0);
	assert_memory_equal(ret->digest, digest, 32);
	assert_int_equal(identity_csv(d->identity, csv, sizeof(csv)), 0);
	text = strrchr(csv, ',') + 1;
	assert_int_equal(base64_decode(text, strlen(text), spki, &spki_len), 0);
	assert_int_equal(
		cose_tbs(COSE_FORM_RFC9052, ret->proof, ret->proof_len, tbs, sizeof(tbs), &tbs_len),
		0);
	assert_true(verify_raw(spki, spki_len, tbs, tbs_len, ret->signature));
}

static void stored_spki(struct device *d, uint32_t tag, enum credential_type type,
			uint8_t ret[static KEY_SPKI_MAX])
{
	_cleanup_(secret_done) struct secret der = SECRET_INIT;
	_cleanup_(key_freep) struct key *k = NULL;
	size_t len;

	assert_int_equal(store_credential_get(d->store, tag, type, &der), 0);
	assert_int_equal(key_load(der.data, der.len, &k), 0);
	assert_int_equal(key_spki(k, ret, &len), 0);
	assert_int_equal(len, 91);
}

static void a_public_key_is_the_stored_keys(void **state)
{
	struct device d;
	struct keygen k;
	uint8_t spki[KEY_SPKI_MAX];
	_cleanup_(freep) struct credential_info *list = NULL;
	size_t n;

	device_open(*state, &d);
	run_keygen(&d, "16842753,2,1", &k);
	assert_int_equal(k.message_type, KEYGEN_PUBLIC_KEY);
	assert_int_equal(k.sec_tag, 16842753);
	stored_spki(&d, 16842753, CREDENTIAL_PRIVATE_KEY, spki);
	assert_int_equal(k.der_len, 91);
	assert_memory_equal(k.der, spki, 91);
	/* a listing shows the digest of the public key */
	assert_int_equal(store_credential_list(d.store, &list, &n), 0);
	assert_memory_equal(list[0].sha256, k.digest, 32);
	device_close(&d);
}

static X509_REQ *csr_of(const struct keygen *k)
{
	const unsigned char *at = k->der;
	X509_REQ *req = d2i_X509_REQ(NULL, &at, (long)k->der_len);

	assert_non_null(req);
	assert_ptr_equal(at, k->der + k->der_len);
	assert_int_equal(X509_REQ_verify(req, X509_REQ_get0_pubkey(req)), 1);
	return req;
}

static void a_request_is_for_the_stored_key_and_names_the_device(void **state)
{
	struct device d;
	struct keygen k;
	uint8_t spki[KEY_SPKI_MAX];
	char name[128];

	device_open(*state, &d);
	for (int i = 0; i < 3; i++) {
		static const char *const rows[] = {"1,2", "2,2,0", "3,2,0,\"\",\"\""};

		run_keygen(&d, rows[i], &k);
		assert_int_equal(k.message_type, KEYGEN_CSR);
		_cleanup_(X509_REQ_freep) X509_REQ *req = csr_of(&k);

		X509_NAME_oneline(X509_REQ_get_subject_name(req), name, sizeof(name));
		assert_string_equal(name, "/CN=" TEST_UUID);
		stored_spki(&d, (uint32_t)i + 1, CREDENTIAL_PRIVATE_KEY, spki);
		assert_non_null(memmem(k.der, k.der_len, spki, 91));
	}
	device_close(&d);
}

static void attributes_and_key_usage_reach_the_request(void **state)
{
	struct device d;
	struct keygen k;
	char name[128];

	device_open(*state, &d);
	run_keygen(&d, "17,2,0,\"O=Example,CN=unit 7\",\"101\"", &k);
	_cleanup_(X509_REQ_freep) X509_REQ *req = csr_of(&k);

	X509_NAME_oneline(X509_REQ_get_subject_name(req), name, sizeof(name));
	assert_string_equal(name, "/O=Example/CN=unit 7");
	/* BIT STRING of three bits, 101 */
	assert_non_null(
		memmem(k.der, k.der_len, "\x55\x1d\x0f\x01\x01\xff\x04\x04\x03\x02\x05\xa0", 12));
	device_close(&d);
}

static void an_existing_private_key_is_519_and_stays(void **state)
{
	struct device d;
	struct keygen k;
	uint8_t before[KEY_SPKI_MAX], after[KEY_SPKI_MAX];

	device_open(*state, &d);
	run_keygen(&d, "5,2,1", &k);
	stored_spki(&d, 5, CREDENTIAL_PRIVATE_KEY, before);
	assert_at(&d, "%KEYGEN", "5,2,1", 519, NULL);
	assert_at(&d, "%KEYGEN", "5,2,0", 519, NULL);
	stored_spki(&d, 5, CREDENTIAL_PRIVATE_KEY, after);
	assert_memory_equal(before, after, 91);
	assert_at(&d, "%CMNG", "3,5,2", 0, "OK\r\n");
	run_keygen(&d, "5,2,1", &k);
	assert_memory_not_equal(k.der, before, 91);
	device_close(&d);
}

static void an_existing_endorsement_key_is_shown_again(void **state)
{
	struct device d;
	struct keygen first, second;

	device_open(*state, &d);
	run_keygen(&d, "5,8,1", &first);
	run_keygen(&d, "5,8,1", &second);
	assert_int_equal(second.message_type, KEYGEN_PUBLIC_KEY);
	assert_memory_equal(first.der, second.der, 91);
	assert_memory_not_equal(first.nonce, second.nonce, 16);
	device_close(&d);
}

static void the_largest_tag_is_proved_and_the_next_is_514(void **state)
{
	struct device d;
	struct keygen k;

	device_open(*state, &d);
	run_keygen(&d, "2147483647,2,1", &k);
	assert_int_equal(k.sec_tag, 2147483647);
	run_keygen(&d, "0,2,1", &k);
	assert_int_equal(k.sec_tag, 0);
	assert_at(&d, "%KEYGEN", "2147483648,2,1", 514, NULL);
	assert_at(&d, "%KEYGEN", "4294967294,2,1", 514, NULL);
	device_close(&d);
}

static void malformed_requests_are_50_and_leave_no_key(void **state)
{
	static const char *const rows[] = {
		"",
		"5",
		"5,",
		",2",
		"5,1",
		"5,3,1",
		"5,0,1",
		"5,8",
		"5,8,0",
		"5,2,2",
		"5,2,\"1\"",
		"5,2,1,\"CN=a\"",
		"5,2,1,\"\",\"1\"",
		"5,2,0,CN=a",
		"5,2,0,\"CN\"",
		"5,2,0,\"X=a\"",
		"5,2,0,\"CN=a\",\"\",",
		"5,2,0,\"\",\"2\"",
		"5,2,0,\"\",\"000000000\"",
		"5,2,0,\"\",\"1111111111\"",
		"5,2,0,\"\",\"11111111111111111111\"",
		"\"5\",2,1",
		"5,2,0,\"CN=a",
		"5,2,0,\"\",1",
		"-1,2,1",
	};
	struct device d;
	char text[1200];

	device_open(*state, &d);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_at(&d, "%KEYGEN", rows[i], 50, NULL);
	snprintf(text, sizeof(text), "5,2,0,\"CN=%01050d\"", 0);
	assert_at(&d, "%KEYGEN", text, 50, NULL);
	assert_int_equal(count_credentials(d.store), 1); /* the identity's */
	device_close(&d);
}

static void the_largest_request_fits_into_an_answer(void **state)
{
	struct device d;
	struct keygen k;
	char text[1200] = "5,2,0,\"";

	device_open(*state, &d);
	for (int i = 0; i < 8; i++) {
		size_t n = strlen(text);

		snprintf(text + n, sizeof(text) - n, "%sOU=%064d", i ? "," : "", i);
	}
	strcat(text, "\",\"111111111\"");
	run_keygen(&d, text, &k);
	X509_REQ_free(csr_of(&k));
	device_close(&d);
}

static void a_claim_token_answers_with_and_without_challenge(void **state)
{
	static const uint8_t challenge[16] = {0xd3, 0xef, 0xdd, 0x7f, 0x04, 0xf1, 0xfc, 0x60,
					      0xe5, 0x85, 0x8b, 0x20, 0x87, 0x34, 0x3d, 0x6a};
	static const char *const rows[] = {"", "\"d3efdd7f04f1fc60e5858b2087343d6a\"",
					   "\"D3EFDD7F04F1FC60E5858B2087343D6A\""};
	struct device d;

	device_open(*state, &d);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		enum response_code code;
		uint64_t cme;
		_cleanup_(freep) char *answer = device_at(&d, "%ATTESTTOKEN", rows[i], &code, &cme);
		const size_t head = strlen("%ATTESTTOKEN: \"");
		struct attest a;

		assert_int_equal(code, RESPONSE_AT);
		assert_int_equal(strncmp(answer, "%ATTESTTOKEN: \"", head), 0);
		assert_int_equal(attest_parse(answer + head,
					      strlen(answer) - head - strlen("\"\r\nOK\r\n"), &a),
				 0);
		if (i > 0)
			assert_memory_equal(a.nonce, challenge, 16);
	}
	device_close(&d);
}

static void malformed_challenges_are_50(void **state)
{
	static const char *const rows[] = {
		"\"\"",
		"d3efdd7f04f1fc60e5858b2087343d6a",
		"\"d3efdd7f04f1fc60e5858b2087343d6\"",
		"\"d3efdd7f04f1fc60e5858b2087343d6a0\"",
		"\"d3efdd7f04f1fc60e5858b2087343d6g\"",
		"\"d3efdd7f04f1fc60e5858b2087343d6a\",1",
		"7",
		",",
	};
	struct device d;

	device_open(*state, &d);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_at(&d, "%ATTESTTOKEN", rows[i], 50, NULL);
	device_close(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCRATCH_TEST(a_public_key_is_the_stored_keys),
		SCRATCH_TEST(a_request_is_for_the_stored_key_and_names_the_device),
		SCRATCH_TEST(attributes_and_key_usage_reach_the_request),
		SCRATCH_TEST(an_existing_private_key_is_519_and_stays),
		SCRATCH_TEST(an_existing_endorsement_key_is_shown_again),
		SCRATCH_TEST(the_largest_tag_is_proved_and_the_next_is_514),
		SCRATCH_TEST(malformed_requests_are_50_and_leave_no_key),
		SCRATCH_TEST(the_largest_request_fits_into_an_answer),
		SCRATCH_TEST(a_claim_token_answers_with_and_without_challenge),
		SCRATCH_TEST(malformed_challenges_are_50),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
