/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/credstore/scratch.h"

#include <errno.h>
#include <openssl/x509v3.h>

#include "credstore/key.h"
#include "tests/unit/credstore/pki.h"
#include "tests/unit/credstore/verify.h"

/* libcrypto is the other side here: it makes the keys that are loaded, and judges what is signed.
 */

static EVP_PKEY *public_of(struct key *k)
{
	uint8_t spki[KEY_SPKI_MAX];
	const unsigned char *at = spki;
	EVP_PKEY *pkey;
	size_t len = 0;

	assert_int_equal(key_spki(k, spki, &len), 0);
	assert_int_equal(len, 91);
	pkey = d2i_PUBKEY(NULL, &at, (long)len);
	assert_non_null(pkey);
	return pkey;
}

static bool verifies(struct key *k, const void *data, size_t len, const uint8_t raw[static 64])
{
	uint8_t spki[KEY_SPKI_MAX];
	size_t spki_len = 0;

	assert_int_equal(key_spki(k, spki, &spki_len), 0);
	return verify_raw(spki, spki_len, data, len, raw);
}

static void a_generated_key_signs_and_loads_again(void **state)
{
	_cleanup_(key_freep) struct key *k = NULL, *again = NULL;
	_cleanup_(secret_done) struct secret der = SECRET_INIT;
	uint8_t sig[64], spki[2][KEY_SPKI_MAX];
	size_t len;

	(void)state;
	assert_int_equal(key_generate(&k, &der), 0);
	assert_int_equal(key_sign(k, (const uint8_t *)"hello", 5, sig), 0);
	assert_true(verifies(k, "hello", 5, sig));
	assert_false(verifies(k, "hellO", 5, sig));
	assert_int_equal(key_load(der.data, der.len, &again), 0);
	assert_int_equal(key_spki(k, spki[0], &len), 0);
	assert_int_equal(key_spki(again, spki[1], &len), 0);
	assert_memory_equal(spki[0], spki[1], len);
}

/* A short r or s loses leading zeros in DER: one signature in 128 has one, so 600 see some. */
static void every_signature_is_64_bytes_with_leading_zeros_kept(void **state)
{
	_cleanup_(key_freep) struct key *k = NULL;
	_cleanup_(secret_done) struct secret der = SECRET_INIT;
	uint8_t sig[64];
	bool seen = false;

	(void)state;
	assert_int_equal(key_generate(&k, &der), 0);
	/* One signature in 128 has one: to miss all of 10,000 is impossible. */
	for (uint32_t i = 0; i < 10000 && !seen; i++) {
		const uint8_t text[] = {(uint8_t)(i >> 8), (uint8_t)i};

		assert_int_equal(key_sign(k, text, sizeof(text), sig), 0);
		seen = sig[0] == 0 || sig[32] == 0;
		if (seen)
			assert_true(verifies(k, text, sizeof(text), sig));
	}
	assert_true(seen);
}

static EVP_PKEY *make(const char *curve)
{
	EVP_PKEY *pkey = EVP_EC_gen(curve);

	assert_non_null(pkey);
	return pkey;
}

static int load_bio(BIO *bio)
{
	_cleanup_(key_freep) struct key *k = NULL;
	char *data;
	long len = BIO_get_mem_data(bio, &data);
	int r = key_load(data, (size_t)len, &k);

	BIO_free(bio);
	return r;
}

static void pem_and_der_of_pkcs8_and_sec1_load(void **state)
{
	_cleanup_(EVP_PKEY_freep) EVP_PKEY *pkey = make("P-256");
	BIO *bio;

	(void)state;
	bio = BIO_new(BIO_s_mem());
	PEM_write_bio_PKCS8PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL);
	assert_int_equal(load_bio(bio), 0);
	bio = BIO_new(BIO_s_mem());
	PEM_write_bio_PrivateKey_traditional(bio, pkey, NULL, NULL, 0, NULL, NULL);
	assert_int_equal(load_bio(bio), 0);
	bio = BIO_new(BIO_s_mem());
	i2d_PKCS8PrivateKey_bio(bio, pkey, NULL, NULL, 0, NULL, NULL);
	assert_int_equal(load_bio(bio), 0);
	bio = BIO_new(BIO_s_mem());
	i2d_PrivateKey_bio(bio, pkey);
	assert_int_equal(load_bio(bio), 0);
}

static void other_curves_rsa_encrypted_and_public_keys_are_refused(void **state)
{
	static const char *const curves[] = {"P-384", "secp256k1", "brainpoolP256r1", "P-521"};
	_cleanup_(EVP_PKEY_freep) EVP_PKEY *pkey = make("P-256"), *rsa = EVP_RSA_gen(2048);
	BIO *bio;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(curves); i++) {
		_cleanup_(EVP_PKEY_freep) EVP_PKEY *other = make(curves[i]);

		bio = BIO_new(BIO_s_mem());
		PEM_write_bio_PKCS8PrivateKey(bio, other, NULL, NULL, 0, NULL, NULL);
		assert_int_equal(load_bio(bio), -EINVAL);
	}
	bio = BIO_new(BIO_s_mem());
	PEM_write_bio_PKCS8PrivateKey(bio, rsa, NULL, NULL, 0, NULL, NULL);
	assert_int_equal(load_bio(bio), -EINVAL);
	bio = BIO_new(BIO_s_mem());
	PEM_write_bio_PKCS8PrivateKey(bio, pkey, EVP_aes_128_cbc(), "pw", 2, NULL, NULL);
	assert_int_equal(load_bio(bio), -EINVAL);
	bio = BIO_new(BIO_s_mem());
	PEM_write_bio_PUBKEY(bio, pkey);
	assert_int_equal(load_bio(bio), -EINVAL);
}

static void a_key_that_is_cut_short_anywhere_is_refused(void **state)
{
	_cleanup_(key_freep) struct key *k = NULL;
	_cleanup_(secret_done) struct secret der = SECRET_INIT;

	(void)state;
	assert_int_equal(key_generate(&k, &der), 0);
	for (size_t n = 0; n < der.len; n++) {
		_cleanup_(key_freep) struct key *cut = NULL;

		assert_int_equal(key_load(der.data, n, &cut), -EINVAL);
	}
}

static void a_key_whose_public_half_is_anothers_is_refused(void **state)
{
	_cleanup_(key_freep) struct key *k = NULL, *bad = NULL;
	_cleanup_(secret_done) struct secret der = SECRET_INIT;

	(void)state;
	assert_int_equal(key_generate(&k, &der), 0);
	der.data[12] ^= 1; /* inside the private number of SEC1 */
	assert_int_equal(key_load(der.data, der.len, &bad), -EINVAL);
}

static X509_REQ *request(struct key *k, const char *attributes, const char *usage)
{
	uint8_t der[KEY_CSR_MAX];
	const unsigned char *at = der;
	_cleanup_(EVP_PKEY_freep) EVP_PKEY *pkey = public_of(k);
	X509_REQ *req;
	size_t len = 0;

	assert_int_equal(
		key_csr(k, "9f0c0b5e-0000-4000-8000-0123456789ab", attributes, usage, der, &len),
		0);
	req = d2i_X509_REQ(NULL, &at, (long)len);
	assert_non_null(req);
	assert_ptr_equal(at, der + len);
	assert_int_equal(X509_REQ_verify(req, pkey), 1);
	return req;
}

static void assert_subject(X509_REQ *req, const char *expected)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	long len;

	X509_NAME_print_ex(bio, X509_REQ_get_subject_name(req), 0,
			   ASN1_STRFLGS_UTF8_CONVERT | XN_FLAG_SEP_COMMA_PLUS);
	len = BIO_get_mem_data(bio, &text);
	assert_int_equal(len, strlen(expected));
	assert_memory_equal(text, expected, (size_t)len);
	BIO_free(bio);
}

static void assert_usage(X509_REQ *req, const char *expected)
{
	STACK_OF(X509_EXTENSION) *extensions = X509_REQ_get_extensions(req);
	ASN1_BIT_STRING *usage;
	int critical = -1;

	usage = X509V3_get_d2i(extensions, NID_key_usage, &critical, NULL);
	assert_non_null(usage);
	assert_int_equal(critical, 1);
	for (int i = 0; i < 9; i++)
		assert_int_equal(ASN1_BIT_STRING_get_bit(usage, i),
				 i < (int)strlen(expected) && expected[i] == '1');
	ASN1_BIT_STRING_free(usage);
	sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
}

static void a_request_names_the_device_and_asks_for_the_modems_key_usage(void **state)
{
	_cleanup_(key_freep) struct key *k = NULL;
	_cleanup_(secret_done) struct secret der = SECRET_INIT;
	_cleanup_(X509_REQ_freep) X509_REQ *req = NULL;
	const X509_ALGOR *algorithm;
	const ASN1_OBJECT *oid;
	int parameter;

	(void)state;
	assert_int_equal(key_generate(&k, &der), 0);
	req = request(k, NULL, NULL);
	assert_subject(req, "CN=9f0c0b5e-0000-4000-8000-0123456789ab");
	assert_usage(req, "11101");
	X509_REQ_get0_signature(req, NULL, &algorithm);
	X509_ALGOR_get0(&oid, &parameter, NULL, algorithm);
	assert_int_equal(OBJ_obj2nid(oid), NID_ecdsa_with_SHA256);
	assert_int_equal(parameter, V_ASN1_UNDEF); /* no NULL */
}

static void a_request_honours_attributes_and_key_usage(void **state)
{
	static const struct {
		const char *attributes, *subject, *usage;
	} rows[] = {
		{"CN=a", "CN=a", "1"},
		{"O=Nordic Semiconductor,L=Trondheim,CN=unit 7",
		 "O=Nordic Semiconductor,L=Trondheim,CN=unit 7", "10001"},
		{" o = A B , cn = c ", "O=A B,CN=c", "000000001"},
		{"C=NO,ST=x,OU=y,serialNumber=12,emailAddress=a@b.c",
		 "C=NO,ST=x,OU=y,"
		 "serialNumber=12,emailAddress=a@b.c",
		 "111111111"},
		{"CN=a\\, b\\\\", "CN=a, b\\", "01"},
		{"CN=\xc3\xb8", "CN=\xc3\xb8", "000000010"},
	};
	_cleanup_(key_freep) struct key *k = NULL;
	_cleanup_(secret_done) struct secret der = SECRET_INIT;

	(void)state;
	assert_int_equal(key_generate(&k, &der), 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(X509_REQ_freep) X509_REQ *req =
			request(k, rows[i].attributes, rows[i].usage);

		assert_subject(req, rows[i].subject);
		assert_usage(req, rows[i].usage);
	}
}

static void malformed_attributes_and_key_usages_are_refused(void **state)
{
	static const struct {
		const char *attributes, *usage;
	} rows[] = {
		{"", NULL},
		{"CN", NULL},
		{"CN=", NULL},
		{"=a", NULL},
		{"XX=a", NULL},
		{"CN=a,", NULL},
		{",CN=a", NULL},
		{"CN=a\\", NULL},
		{"C=NOR", NULL},
		{"C=N_", NULL},
		{"CN=a\nb", NULL},
		{"emailAddress=\xc3\xb8", NULL},
		{"CN=1,CN=2,CN=3,CN=4,CN=5,CN=6,CN=7,CN=8,CN=9,CN=a,CN=b", NULL},
		{NULL, ""},
		{NULL, "000"},
		{NULL, "12"},
		{NULL, "1110100001"},
		{NULL, "0x1"},
	};
	_cleanup_(key_freep) struct key *k = NULL;
	_cleanup_(secret_done) struct secret der = SECRET_INIT;
	uint8_t csr[KEY_CSR_MAX];
	size_t len;

	(void)state;
	assert_int_equal(key_generate(&k, &der), 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (key_csr(k, "x", rows[i].attributes, rows[i].usage, csr, &len) != -EINVAL)
			fail_msg("row %zu was accepted", i);
}

static void a_common_name_of_64_characters_fits_and_one_of_65_does_not(void **state)
{
	_cleanup_(key_freep) struct key *k = NULL;
	_cleanup_(secret_done) struct secret der = SECRET_INIT;
	_cleanup_(X509_REQ_freep) X509_REQ *req = NULL;
	char text[3 + 65 + 1] = "CN=";
	uint8_t csr[KEY_CSR_MAX];
	size_t len;

	(void)state;
	assert_int_equal(key_generate(&k, &der), 0);
	memset(text + 3, 'x', 64);
	req = request(k, text, NULL);
	assert_subject(req, text);
	text[3 + 64] = 'x';
	assert_int_equal(key_csr(k, "x", text, NULL, csr, &len), -EINVAL);
}

static void the_largest_subject_still_fits_into_a_request(void **state)
{
	_cleanup_(key_freep) struct key *k = NULL;
	_cleanup_(secret_done) struct secret der = SECRET_INIT;
	_cleanup_(X509_REQ_freep) X509_REQ *req = NULL;
	char text[1024] = "";

	(void)state;
	assert_int_equal(key_generate(&k, &der), 0);
	for (int i = 0; i < 8; i++) {
		size_t n = strlen(text);

		snprintf(text + n, sizeof(text) - n, "%sOU=%064d", i ? "," : "", i);
	}
	req = request(k, text, NULL);
	assert_subject(req, text);
}

static void openssl_accepts_a_request(void **state)
{
	struct scratch *t = *state;
	_cleanup_(key_freep) struct key *k = NULL;
	_cleanup_(secret_done) struct secret der = SECRET_INIT;
	uint8_t csr[KEY_CSR_MAX];
	char command[PATH_MAX];
	size_t len;

	assert_int_equal(key_generate(&k, &der), 0);
	assert_int_equal(key_csr(k, "dev", "O=A,CN=b", "1", csr, &len), 0);
	snprintf(command, sizeof(command), "%s/a.csr", t->dir);
	scratch_write(command, csr, len);
	snprintf(command, sizeof(command),
		 "openssl req -verify -noout -inform DER -in %s/a.csr >%s/out 2>&1", t->dir,
		 t->dir);
	assert_int_equal(system(command), 0);
}

static void a_key_of_the_store_is_made_opened_and_destroyed_without_a_token(void **state)
{
	_cleanup_(key_freep) struct key *k = NULL, *again = NULL;
	_cleanup_(secret_done) struct secret value = SECRET_INIT;
	uint8_t spki[2][KEY_SPKI_MAX];
	size_t len, destroyed = 1;

	(void)state;
	assert_int_equal(key_generate_at(NULL, NULL, "unused", &k, &value), 0);
	assert_false(key_is_slow(k));
	assert_int_equal(key_open(NULL, value.data, value.len, NULL, &again), 0);
	assert_int_equal(key_spki(k, spki[0], &len), 0);
	assert_int_equal(key_spki(again, spki[1], &len), 0);
	assert_int_equal(len, KEY_SPKI_LEN);
	assert_memory_equal(spki[0], spki[1], len);
	assert_int_equal(key_destroy(NULL, value.data, value.len), 0);
	assert_int_equal(key_sweep(NULL, NULL, "onboardd ", NULL, 0, &destroyed), 0);
	assert_int_equal(destroyed, 0);
}

static void every_error_has_a_text_for_people(void **state)
{
	(void)state;
	for (int r = KEY_E_TOKEN_ABSENT; r <= KEY_E_TOKEN; r++)
		assert_non_null(strchr(key_strerror(r), ':'));
	assert_string_equal(key_strerror(-ENOMEM), strerror(ENOMEM));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_generated_key_signs_and_loads_again),
		cmocka_unit_test(every_signature_is_64_bytes_with_leading_zeros_kept),
		cmocka_unit_test(pem_and_der_of_pkcs8_and_sec1_load),
		cmocka_unit_test(other_curves_rsa_encrypted_and_public_keys_are_refused),
		cmocka_unit_test(a_key_that_is_cut_short_anywhere_is_refused),
		cmocka_unit_test(a_key_whose_public_half_is_anothers_is_refused),
		cmocka_unit_test(a_request_names_the_device_and_asks_for_the_modems_key_usage),
		cmocka_unit_test(a_request_honours_attributes_and_key_usage),
		cmocka_unit_test(malformed_attributes_and_key_usages_are_refused),
		cmocka_unit_test(a_common_name_of_64_characters_fits_and_one_of_65_does_not),
		cmocka_unit_test(the_largest_subject_still_fits_into_a_request),
		cmocka_unit_test(a_key_of_the_store_is_made_opened_and_destroyed_without_a_token),
		cmocka_unit_test(every_error_has_a_text_for_people),
		SCRATCH_TEST(openssl_accepts_a_request),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
