/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/credstore/device.h"

#include <errno.h>

#include "base/text.h"
#include "credstore/idevid.h"
#include "proto/attest.h"
#include "tests/unit/credstore/pki.h"

static const struct identity_config plain = {.hardware = "linux-x86_64", .device_type = 0x20};

static const char *chain_path(const struct scratch *t)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/chain.pem", t->dir);
	return path;
}

/* The identity's public key, as the factory's row tells it. */
static EVP_PKEY *public_key(struct identity *i)
{
	char csv[IDENTITY_CSV_MAX + 1], *text, *at = csv;
	const unsigned char *p;
	uint8_t der[128];
	size_t len = 0;

	assert_int_equal(identity_csv(i, csv, sizeof(csv)), 0);
	strsep(&at, ",");
	strsep(&at, ",");
	text = strsep(&at, ",");
	assert_int_equal(base64_decode(text, strlen(text), der, &len), 0);
	p = der;
	return d2i_PUBKEY(NULL, &p, (long)len);
}

/* n certificates, the first one of the key, with words around them. */
static void write_chain(const struct scratch *t, EVP_PKEY *leaf, size_t n)
{
	_cleanup_(EVP_PKEY_freep) EVP_PKEY *ca = EVP_EC_gen("P-256");
	_cleanup_(freep) char *text = NULL;

	for (size_t i = 0; i < n; i++) {
		_cleanup_(freep) char *before = text;
		_cleanup_(freep) char *pem =
			pki_issue(i == 0 ? leaf : ca, i == 0 ? "leaf" : "ca", ca);

		assert_true(asprintf(&text, "%ssubject=whoever\n%s\n", before ? before : "", pem) >
			    0);
	}
	scratch_write(chain_path(t), text ? text : "", text ? strlen(text) : 0);
}

static struct identity *open_with_chain(struct store *s, const struct scratch *t)
{
	struct identity_config c = plain;
	struct identity *i = NULL;
	char *detail = NULL;

	c.chain_file = chain_path(t);
	if (identity_open(s, &c, &i, &detail) != 0)
		fail_msg("identity_open: %s", detail ? detail : "");
	return i;
}

static void assert_refused(struct store *s, const char *path, const char *word)
{
	_cleanup_(freep) char *detail = NULL;
	struct identity_config c = plain;
	struct identity *i = NULL;

	c.chain_file = path;
	assert_int_equal(identity_open(s, &c, &i, &detail), IDENTITY_E_CHAIN);
	assert_null(i);
	assert_non_null(detail);
	if (!strstr(detail, word) || !strstr(detail, path))
		fail_msg("\"%s\" does not say \"%s\" of %s", detail, word, path);
}

static struct identity *born(struct store *s)
{
	struct identity *i = NULL;

	assert_int_equal(identity_open(s, &plain, &i, NULL), 0);
	assert_null(identity_chain(i));
	return i;
}

static void a_chain_goes_into_claim_token_and_row_and_into_nothing_else(void **state)
{
	struct store *s = scratch_open(*state);
	struct identity *i = born(s);
	_cleanup_(EVP_PKEY_freep) EVP_PKEY *key = public_key(i);
	char text[CLAIM_TEXT_MAX + 1], csv[IDENTITY_CSV_MAX + 1];
	struct x5chain from_row;
	uint8_t der[X5CHAIN_MAX];
	struct attest a;
	size_t len;

	identity_free(i);
	write_chain(*state, key, 2);
	i = open_with_chain(s, *state);
	assert_int_equal(identity_chain(i)->n, 2);
	assert_int_equal(identity_claim_token(i, text, sizeof(text)), 0);
	assert_int_equal(attest_parse(text, strlen(text), &a), 0);
	assert_int_equal(a.chain.n, 2);
	assert_memory_equal(a.chain.der, identity_chain(i)->der, x5chain_size(&a.chain));
	/* What %ATTESTTOKEN answers is the stock token. */
	assert_int_equal(identity_attest(i, NULL, text, sizeof(text)), 0);
	assert_int_equal(attest_parse(text, strlen(text), &a), 0);
	assert_int_equal(a.chain.n, 0);

	assert_int_equal(identity_csv(i, csv, sizeof(csv)), 0);
	assert_int_equal(
		base64_decode(strrchr(csv, ',') + 1, strlen(strrchr(csv, ',') + 1), der, &len), 0);
	assert_int_equal(x5chain_split(der, len, &from_row), 0);
	assert_int_equal(from_row.n, 2);
	assert_memory_equal(from_row.der, identity_chain(i)->der, len);
	assert_int_equal(identity_csv(i, csv, strlen(csv)), -ENOBUFS);
	identity_free(i);
	store_close(s);
}

static void a_chain_of_another_key_is_refused_and_named(void **state)
{
	struct store *s = scratch_open(*state);
	_cleanup_(EVP_PKEY_freep) EVP_PKEY *other = EVP_EC_gen("P-256");

	identity_free(born(s));
	write_chain(*state, other, 2);
	assert_refused(s, chain_path(*state), "not for the identity key");
	store_close(s);
}

static void files_that_hold_no_usable_chain_are_refused_with_their_reason(void **state)
{
	static const char half[] = "-----BEGIN CERTIFICATE-----\nMIIB\n";
	static const char junk[] =
		"-----BEGIN CERTIFICATE-----\nMAMCAQU=\n-----END CERTIFICATE-----\n";
	struct store *s = scratch_open(*state);
	struct identity *i = born(s);
	_cleanup_(EVP_PKEY_freep) EVP_PKEY *key = public_key(i);
	_cleanup_(freep) char *large = calloc(1, 40000);

	identity_free(i);
	assert_refused(s, "/nonexistent/chain.pem", "No such file");
	write_chain(*state, key, 0);
	assert_refused(s, chain_path(*state), "no PEM certificates");
	scratch_write(chain_path(*state), half, strlen(half));
	assert_refused(s, chain_path(*state), "no PEM certificates");
	scratch_write(chain_path(*state), junk, strlen(junk));
	assert_refused(s, chain_path(*state), "no PEM certificates");
	scratch_write(chain_path(*state), large, 100); /* NULs */
	assert_refused(s, chain_path(*state), "no PEM certificates");
	scratch_write(chain_path(*state), large, 40000);
	assert_refused(s, chain_path(*state), "large");
	write_chain(*state, key, X5CHAIN_CERTS_MAX);
	identity_free(open_with_chain(s, *state));
	write_chain(*state, key, X5CHAIN_CERTS_MAX + 1);
	assert_refused(s, chain_path(*state), "more than 4 certificates");
	store_close(s);
}

static void certificates_of_too_many_bytes_are_refused(void **state)
{
	struct store *s = scratch_open(*state);
	struct identity *i = born(s);
	_cleanup_(EVP_PKEY_freep) EVP_PKEY *key = public_key(i), *ca = EVP_EC_gen("P-256");
	static const uint8_t bytes[X5CHAIN_MAX];
	BIO *bio = BIO_new(BIO_s_mem());
	_cleanup_(freep) char *leaf = NULL, *large = NULL, *text = NULL;

	identity_free(i);
	leaf = pki_issue(key, "leaf", ca);
	PEM_write_bio(bio, "CERTIFICATE", "", bytes, sizeof(bytes));
	large = pki_take_text(bio);
	assert_true(asprintf(&text, "%s%s", leaf, large) > 0);
	scratch_write(chain_path(*state), text, strlen(text));
	assert_refused(s, chain_path(*state), "more than 4096 bytes");
	store_close(s);
}

static void a_chain_is_told_to_people(void **state)
{
	struct store *s = scratch_open(*state);
	struct identity *i = born(s);
	_cleanup_(EVP_PKEY_freep) EVP_PKEY *key = public_key(i);
	struct idevid_text t;

	identity_free(i);
	write_chain(*state, key, 2);
	i = open_with_chain(s, *state);
	assert_int_equal(idevid_describe(identity_chain(i), 0, &t), 0);
	assert_string_equal(t.subject, "CN=leaf");
	assert_int_equal(strlen(t.not_after), 20);
	assert_false(t.has_no_end);
	assert_int_equal(idevid_describe(identity_chain(i), 1, &t), 0);
	assert_string_equal(t.subject, "CN=ca");
	assert_int_equal(idevid_describe(identity_chain(i), 2, &t), -EINVAL);
	identity_free(i);
	store_close(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCRATCH_TEST(a_chain_goes_into_claim_token_and_row_and_into_nothing_else),
		SCRATCH_TEST(a_chain_of_another_key_is_refused_and_named),
		SCRATCH_TEST(files_that_hold_no_usable_chain_are_refused_with_their_reason),
		SCRATCH_TEST(certificates_of_too_many_bytes_are_refused),
		SCRATCH_TEST(a_chain_is_told_to_people),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
