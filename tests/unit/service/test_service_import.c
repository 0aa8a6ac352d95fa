/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <errno.h>
#include <openssl/x509.h>

#include "base/text.h"
#include "maker.h"

#define ROW_SIZE 256

static void row(const struct device *d, char ret[static ROW_SIZE])
{
	char key[BASE64_LEN(91) + 1];

	base64_encode(d->spki, sizeof(d->spki), key);
	snprintf(ret, ROW_SIZE, "%s,nRF9160,%s", d->uuid, key);
}

static int import(struct fixture *f, const char *csv, size_t *n, char **detail)
{
	*detail = NULL;
	return core_import_identities(f->core, csv, strlen(csv), n, detail);
}

static void rows_are_imported_past_header_comments_and_blank_lines(void **state)
{
	struct fixture *f = *state;
	char a[ROW_SIZE], b[ROW_SIZE], csv[1024], *detail;
	struct device d, e;
	size_t n = 0;

	device_init(&d);
	device_init(&e);
	row(&d, a);
	row(&e, b);
	snprintf(csv, sizeof(csv), "# factory 7\r\nUUID,hardware,key\r\n\r\n%s\r\n#x\n%s", a, b);
	assert_int_equal(import(f, csv, &n, &detail), 0);
	assert_int_equal(n, 2);
	assert_int_equal(identity_count(f), 2);
	/* Again is no error. */
	assert_int_equal(import(f, csv, &n, &detail), 0);
	assert_int_equal(n, 2);
	assert_int_equal(identity_count(f), 2);
	assert_int_equal(import(f, "", &n, &detail), 0);
	assert_int_equal(n, 0);
	device_done(&d);
	device_done(&e);
}

static void one_bad_row_refuses_the_file_and_is_named(void **state)
{
	struct fixture *f = *state;
	char good[ROW_SIZE], csv[2048], key[BASE64_LEN(91) + 1], *detail;
	static char long_row[600 + BASE64_LEN(X5CHAIN_MAX)];
	static const char uuid[] = "50363154-3931-44f0-8022-121b6401627d";
	struct device d;
	size_t n = 99;

	device_init(&d);
	row(&d, good);
	base64_encode(d.spki, sizeof(d.spki), key);
	memset(long_row, 'x', sizeof(long_row) - 1);
	long_row[sizeof(long_row) - 1] = '\0';
	const struct {
		const char *format, *part;
	} rows[] = {
		{"hello", "three fields"},
		{"%s,nRF9160", "three fields"},
		{"%s,nRF9160,%s,a,b", "three fields"},
		{"%s,nRF9160,%s,extra", "fourth field"},
		{"%s,nRF9160,%s,", "fourth field"},
		{"%s,nRF9160,%s,MAMCAQU=", "fourth field"},
		{"x%s,nRF9160,%s", "UUID"},
		{"%s,,%s", "second field"},
		{"%s,nRF 9160,%s", "second field"},
		{"%s,abcdefghijklmnopqrstuvwxyz0123456,%s", "second field"},
		{"%s,nRF9160,!%s", "base64"},
		{"%s,nRF9160,", "public key"},
		{"%s,nRF9160,QUJD", "public key"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char bad[512];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-extra-args"
		snprintf(bad, sizeof(bad), rows[i].format, uuid, key);
#pragma GCC diagnostic pop
		snprintf(csv, sizeof(csv), "%s\n%s\n", good, bad);
		assert_int_equal(import(f, csv, &n, &detail), 1);
		assert_memory_equal(detail, "line 2: ", 8);
		if (!strstr(detail, rows[i].part))
			fail_msg("%s: %s", bad, detail);
		free(detail);
		assert_int_equal(identity_count(f), 0);
		assert_int_equal(n, 99);
	}
	assert_int_equal(import(f, long_row, &n, &detail), 1);
	assert_non_null(strstr(detail, "line 1: the row is too long"));
	free(detail);
	assert_int_equal(core_import_identities(f->core, "a\0b", 3, &n, &detail), 1);
	free(detail);
	device_done(&d);
}

static void a_known_key_is_never_replaced(void **state)
{
	struct fixture *f = *state;
	char text[ROW_SIZE], *detail;
	struct device d, thief;
	size_t n;

	device_init(&d);
	device_init(&thief);
	memcpy(thief.uuid, d.uuid, sizeof(d.uuid));
	row(&d, text);
	assert_int_equal(import(f, text, &n, &detail), 0);
	row(&thief, text);
	assert_int_equal(import(f, text, &n, &detail), 1);
	assert_non_null(strstr(detail, "another key"));
	free(detail);
	device_done(&d);
	device_done(&thief);
}

static void a_row_may_carry_the_certificates_of_its_key_and_of_no_other(void **state)
{
	struct fixture *f = *state;
	struct maker *m = maker_new("Maker Root");
	char text[ROW_SIZE], csv[8192], chain_text[BASE64_LEN(X5CHAIN_MAX) + 1], *detail;
	struct device d, other;
	struct x5chain chain;
	size_t n;

	device_init(&d);
	device_init(&other);
	maker_chain(m, d.key, d.uuid, &chain);
	base64_encode(chain.der, x5chain_size(&chain), chain_text);
	row(&other, text);
	snprintf(csv, sizeof(csv), "%s,%s", text, chain_text);
	assert_int_equal(import(f, csv, &n, &detail), 1);
	assert_non_null(strstr(detail, "another key than the third"));
	free(detail);
	assert_int_equal(identity_count(f), 0);
	row(&d, text);
	snprintf(csv, sizeof(csv), "%s,%s", text, chain_text);
	assert_int_equal(import(f, csv, &n, &detail), 0);
	assert_int_equal(import(f, text, &n, &detail), 0);
	assert_int_equal(identity_count(f), 1);
	/* As long as a chain may be, in one certificate that no one can read. */
	memset(chain.der, 0, sizeof(chain.der));
	memcpy(chain.der, "\x30\x82\x0f\xfc", 4);
	base64_encode(chain.der, X5CHAIN_MAX, chain_text);
	snprintf(csv, sizeof(csv), "%s,%s", text, chain_text);
	assert_int_equal(import(f, csv, &n, &detail), 1);
	assert_non_null(strstr(detail, "fourth field"));
	free(detail);
	maker_free(m);
	device_done(&d);
	device_done(&other);
}

static void other_curves_and_broken_points_are_refused(void **state)
{
	struct fixture *f = *state;
	static const char uuid[] = "50363154-3931-44f0-8022-121b6401627d";
	EVP_PKEY *p384 = EVP_EC_gen("P-384");
	unsigned char *der = NULL;
	char text[512], *detail, key[300];
	struct device d;
	size_t n;
	int len;

	len = i2d_PUBKEY(p384, &der);
	base64_encode(der, (size_t)len, key);
	snprintf(text, sizeof(text), "%s,hw,%s", uuid, key);
	assert_int_equal(import(f, text, &n, &detail), 1);
	free(detail);
	device_init(&d);
	d.spki[90] ^= 1;
	row(&d, text);
	assert_int_equal(import(f, text, &n, &detail), 1);
	free(detail);
	OPENSSL_free(der);
	EVP_PKEY_free(p384);
	device_done(&d);
}

static void the_list_of_all_devices_says_whose_they_are(void **state)
{
	struct fixture *f = *state;
	json_t *ret = NULL, *item;
	struct device d, e;
	size_t i;

	device_init(&d);
	device_init(&e);
	device_claim(f, &d, NULL);
	device_import(f, &e);
	assert_int_equal(core_admin_devices(f->core, &ret), 0);
	assert_int_equal(json_array_size(json_object_get(ret, "items")), 2);
	json_array_foreach(json_object_get(ret, "items"), i, item)
	{
		bool claimed = strcmp(json_string_value(json_object_get(item, "id")), d.uuid) == 0;

		assert_true(json_is_true(json_object_get(item, "claimed")) == claimed);
		assert_true(json_is_string(json_object_get(item, "team")) == claimed);
	}
	json_decref(ret);
	device_done(&d);
	device_done(&e);
}

#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(rows_are_imported_past_header_comments_and_blank_lines),
		T(one_bad_row_refuses_the_file_and_is_named),
		T(a_known_key_is_never_replaced),
		T(a_row_may_carry_the_certificates_of_its_key_and_of_no_other),
		T(other_curves_and_broken_points_are_refused),
		T(the_list_of_all_devices_says_whose_they_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
