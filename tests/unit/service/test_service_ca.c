/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "service/ca.h"

struct folder {
	char base[64], dir[80], key[96], cert[96];
};

static int folder_setup(void **state)
{
	struct folder *f = calloc(1, sizeof(*f));

	snprintf(f->base, sizeof(f->base), "/tmp/onboard-ca-XXXXXX");
	assert_non_null(mkdtemp(f->base));
	snprintf(f->dir, sizeof(f->dir), "%s/ca", f->base);
	snprintf(f->key, sizeof(f->key), "%s/ca.key", f->dir);
	snprintf(f->cert, sizeof(f->cert), "%s/ca.pem", f->dir);
	*state = f;
	return 0;
}

static int folder_teardown(void **state)
{
	struct folder *f = *state;

	unlink(f->key);
	unlink(f->cert);
	rmdir(f->dir);
	rmdir(f->base);
	free(f);
	return 0;
}

static void ca_touch(const char *dir)
{
	struct ca *ca;
	char *detail;

	assert_int_equal(ca_open(dir, &ca, &detail), 0);
	ca_free(ca);
}

static int ca_refuse(const char *dir, const char *part)
{
	struct ca *ca;
	char *detail;
	int r;

	r = ca_open(dir, &ca, &detail);
	assert_true(r < 0);
	assert_non_null(detail);
	if (!strstr(detail, part))
		fail_msg("%s", detail);
	free(detail);
	return r;
}

static void text_write(const char *path, const char *text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void the_first_use_makes_a_private_key_and_a_certificate(void **state)
{
	struct folder *f = *state;
	struct stat st;

	ca_touch(f->dir);
	assert_int_equal(stat(f->dir, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_int_equal(stat(f->key, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(stat(f->cert, &st), 0);
	ca_touch(f->dir);
}

static X509 *issue(const char *dir, EVP_PKEY *key)
{
	uint8_t spki[91];
	struct crypto_issued issued;
	struct ca *ca;
	char *detail;
	BIO *bio;
	X509 *cert;

	key_spki(key, spki);
	assert_int_equal(ca_open(dir, &ca, &detail), 0);
	assert_int_equal(ca_issue(ca, spki, "50363154-3931-44f0-8022-121b6401627d", NULL, &issued),
			 0);
	bio = BIO_new_mem_buf(issued.pem, -1);
	cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	assert_non_null(cert);
	BIO_free(bio);
	free(issued.pem);
	ca_free(ca);
	return cert;
}

static void serials_are_long_and_differ_and_issuers_stay(void **state)
{
	struct folder *f = *state;
	EVP_PKEY *key = key_make();
	X509 *a = issue(f->dir, key), *b = issue(f->dir, key);

	assert_int_not_equal(ASN1_INTEGER_cmp(X509_get0_serialNumber(a), X509_get0_serialNumber(b)),
			     0);
	/* 159 bits of chance are hardly ever this few. */
	assert_in_range(ASN1_STRING_length(X509_get0_serialNumber(a)), 16, 20);
	assert_int_equal(X509_NAME_cmp(X509_get_issuer_name(a), X509_get_issuer_name(b)), 0);
	X509_free(a);
	X509_free(b);
	EVP_PKEY_free(key);
}

static void a_key_without_certificate_gets_one_and_stays_the_key(void **state)
{
	struct folder *f = *state;
	EVP_PKEY *key = key_make();
	X509 *before = issue(f->dir, key), *ca;
	FILE *file;

	assert_int_equal(unlink(f->cert), 0);
	ca_touch(f->dir);
	file = fopen(f->cert, "r");
	ca = PEM_read_X509(file, NULL, NULL, NULL);
	fclose(file);
	assert_int_equal(X509_verify(before, X509_get0_pubkey(ca)), 1);
	X509_free(before);
	X509_free(ca);
	EVP_PKEY_free(key);
}

static void what_cannot_be_trusted_is_refused_by_name(void **state)
{
	struct folder *f = *state;
	_cleanup_(secret_done) struct secret other = SECRET_INIT;
	char *cert;

	ca_touch(f->dir);
	assert_int_equal(chmod(f->key, 0640), 0);
	assert_int_equal(ca_refuse(f->dir, f->key), -EPERM);
	assert_int_equal(chmod(f->key, 0600), 0);

	assert_int_equal(crypto_ca_make("other", clock_wall_s(), &other, &cert), 0);
	text_write(f->cert, cert, 0644);
	assert_int_equal(ca_refuse(f->dir, f->cert), -EBADMSG);
	text_write(f->cert, "junk", 0644);
	assert_int_equal(ca_refuse(f->dir, f->cert), -EBADMSG);
	text_write(f->key, "junk", 0600);
	assert_int_equal(ca_refuse(f->dir, f->key), -EBADMSG);
	unlink(f->key);
	assert_int_equal(symlink("/etc/passwd", f->key), 0);
	assert_int_equal(ca_refuse(f->dir, f->key), -EPERM);
	free(cert);
}

static void every_truncation_and_change_of_a_request_is_refused(void **state)
{
	EVP_PKEY *key = key_make();
	uint8_t der[1024], copy[1024], spki[91], expected[91];
	size_t len = csr_make(key, "device", true, der, sizeof(der) - 1);

	(void)state;
	key_spki(key, expected);
	assert_int_equal(crypto_csr_check(der, len, spki), 0);
	assert_memory_equal(spki, expected, sizeof(spki));
	for (size_t i = 0; i < len; i++)
		assert_true(crypto_csr_check(der, i, spki) > 0);
	der[len] = 0;
	assert_int_equal(crypto_csr_check(der, len + 1, spki), CRYPTO_E_CSR);
	for (size_t i = 0; i < len; i++) {
		uint8_t other[91];
		int r;

		memcpy(copy, der, len);
		copy[i] ^= 1;
		r = crypto_csr_check(copy, len, other);
		/* Unused parts of the signature's algorithm are not signed; the key is. */
		if (r == 0)
			assert_memory_equal(other, expected, sizeof(other));
		else
			assert_true(r > 0);
	}
	EVP_PKEY_free(key);
}

static void requests_of_other_keys_and_algorithms_are_refused(void **state)
{
	EVP_PKEY *p384 = EVP_EC_gen("P-384"), *rsa = EVP_RSA_gen(2048);
	uint8_t der[1024], spki[91];
	size_t len;

	(void)state;
	len = csr_make(p384, "x", false, der, sizeof(der));
	assert_int_equal(crypto_csr_check(der, len, spki), CRYPTO_E_KEY);
	len = csr_make(rsa, "x", false, der, sizeof(der));
	assert_int_equal(crypto_csr_check(der, len, spki), CRYPTO_E_CSR);
	EVP_PKEY_free(p384);
	EVP_PKEY_free(rsa);
}

static void signatures_verify_and_nothing_else_does(void **state)
{
	EVP_PKEY *key = key_make();
	uint8_t spki[91], sig[64], bad[64];

	(void)state;
	key_spki(key, spki);
	key_sign(key, (const uint8_t *)"message", 7, sig);
	assert_int_equal(crypto_verify(spki, "message", 7, sig), 0);
	assert_int_equal(crypto_verify(spki, "messagf", 7, sig), CRYPTO_E_SIGNATURE);
	assert_int_equal(crypto_verify(spki, "message", 6, sig), CRYPTO_E_SIGNATURE);
	for (size_t i = 0; i < sizeof(sig); i++) {
		memcpy(bad, sig, sizeof(sig));
		bad[i] ^= 1;
		assert_int_equal(crypto_verify(spki, "message", 7, bad), CRYPTO_E_SIGNATURE);
	}
	memset(bad, 0, sizeof(bad));
	assert_int_equal(crypto_verify(spki, "message", 7, bad), CRYPTO_E_SIGNATURE);
	memset(bad, 0xff, sizeof(bad));
	assert_int_equal(crypto_verify(spki, "message", 7, bad), CRYPTO_E_SIGNATURE);
	spki[30] ^= 1;
	assert_int_equal(crypto_verify(spki, "message", 7, sig), CRYPTO_E_KEY);
	EVP_PKEY_free(key);
}

#define T(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(the_first_use_makes_a_private_key_and_a_certificate),
		T(serials_are_long_and_differ_and_issuers_stay),
		T(a_key_without_certificate_gets_one_and_stays_the_key),
		T(what_cannot_be_trusted_is_refused_by_name),
		cmocka_unit_test(every_truncation_and_change_of_a_request_is_refused),
		cmocka_unit_test(requests_of_other_keys_and_algorithms_are_refused),
		cmocka_unit_test(signatures_verify_and_nothing_else_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
