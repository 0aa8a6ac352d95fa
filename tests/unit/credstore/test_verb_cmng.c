/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/credstore/device.h"

#include "base/text.h"
#include "credstore/cmng.h"
#include "credstore/key.h"
#include "tests/unit/credstore/pki.h"

/* %CMNG, by its operations and every number it may answer with. */

static char *parameters_of(const char *head, const char *content)
{
	char *text;

	assert_true(asprintf(&text, "%s,\"%s\"", head, content) > 0);
	return text;
}

static void write_ok(struct device *d, const char *head, const char *content)
{
	_cleanup_(freep) char *parameters = parameters_of(head, content);

	assert_at(d, "%CMNG", parameters, 0, "OK\r\n");
}

static void write_refused(struct device *d, const char *head, const char *content, unsigned int cme)
{
	_cleanup_(freep) char *parameters = parameters_of(head, content);
	size_t before = count_credentials(d->store);

	assert_at(d, "%CMNG", parameters, cme, NULL);
	assert_int_equal(count_credentials(d->store), before);
}

static void digest_text(const char *content, char ret[static 65])
{
	uint8_t digest[32];

	assert_int_equal(sha256(content, strlen(content), digest), 0);
	for (size_t i = 0; i < 32; i++)
		snprintf(ret + 2 * i, 3, "%02X", digest[i]);
}

static void every_type_is_written_as_it_came(void **state)
{
	_cleanup_(freep) char *cert = pki_certificate(), *key = pki_private_key("P-256");
	_cleanup_(secret_done) struct secret value = SECRET_INIT;
	struct device d;

	device_open(*state, &d);
	write_ok(&d, "0,16842753,0", cert);
	write_ok(&d, "0,16842753,1", cert);
	write_ok(&d, "0,16842753,2", key);
	write_ok(&d, "0,16842753,3", "00112233AAbb");
	write_ok(&d, "0,16842753,4", "unit-7");
	write_ok(&d, "0,0,4", "lowest tag");
	write_ok(&d, "0,2147483647,4", "highest tag");
	assert_int_equal(store_credential_get(d.store, 16842753, CREDENTIAL_PRIVATE_KEY, &value),
			 0);
	assert_string_equal((const char *)value.data, key);
	device_close(&d);
}

static void writing_again_replaces(void **state)
{
	struct device d;
	char digest[65], expected[256];

	device_open(*state, &d);
	write_ok(&d, "0,5,4", "first");
	write_ok(&d, "0,5,4", "second");
	digest_text("second", digest);
	snprintf(expected, sizeof(expected), "%%CMNG: 5,4,\"%s\",\"second\"\r\nOK\r\n", digest);
	assert_at(&d, "%CMNG", "2,5,4", 0, expected);
	device_close(&d);
}

static void crlf_and_chains_and_comments_in_pem_are_taken(void **state)
{
	_cleanup_(freep) char *a = pki_certificate(), *b = pki_certificate(), *chain = NULL,
			      *crlf = NULL;
	struct device d;
	size_t n = 0;

	device_open(*state, &d);
	assert_true(asprintf(&chain, "# a comment\n%s%s", a, b) > 0);
	write_ok(&d, "0,5,0", chain);
	crlf = calloc(2, strlen(a) + 1);
	assert_non_null(crlf);
	for (const char *p = a; *p; p++) {
		if (*p == '\n')
			crlf[n++] = '\r';
		crlf[n++] = *p;
	}
	write_ok(&d, "0,5,1", crlf);
	device_close(&d);
}

static void contents_that_are_not_what_they_should_be_are_50(void **state)
{
	_cleanup_(freep) char *cert = pki_certificate(), *key = pki_private_key("P-256");
	_cleanup_(freep) char *other_curve = pki_private_key("P-384"), *bad_chain = NULL;
	char long_identity[130], long_psk[131];
	struct device d;

	device_open(*state, &d);
	write_refused(&d, "0,5,0", "", 50);
	write_refused(&d, "0,5,0", "hello", 50);
	write_refused(&d, "0,5,0", key, 50);
	write_refused(&d, "0,5,1", key, 50);
	write_refused(&d, "0,5,2", cert, 50);
	write_refused(&d, "0,5,2", other_curve, 50);
	write_refused(&d, "0,5,2", "", 50);
	write_refused(&d, "0,5,3", "", 50);
	write_refused(&d, "0,5,3", "123", 50);
	write_refused(&d, "0,5,3", "12xy", 50);
	write_refused(&d, "0,5,4", "", 50);
	write_refused(&d, "0,5,4", "a\nb", 50);
	write_refused(&d, "0,5,4", "a\"b", 50);
	write_refused(&d, "0,5,4", "\xc3\xb8", 50);
	/* the second certificate of a chain counts too */
	assert_true(asprintf(&bad_chain, "%s%.*s", cert, (int)strlen(cert) / 2, cert) > 0);
	write_refused(&d, "0,5,0", bad_chain, 50);
	cert[strlen(cert) / 2] = '!';
	write_refused(&d, "0,5,0", cert, 50);
	/* maximum and one more */
	memset(long_identity, 'i', sizeof(long_identity));
	long_identity[129] = '\0';
	write_refused(&d, "0,5,4", long_identity, 50);
	long_identity[128] = '\0';
	write_ok(&d, "0,5,4", long_identity);
	memset(long_psk, 'a', sizeof(long_psk));
	long_psk[130] = '\0';
	write_refused(&d, "0,5,3", long_psk, 50);
	long_psk[128] = '\0';
	write_ok(&d, "0,5,3", long_psk);
	device_close(&d);
}

static void malformed_parameters_are_50(void **state)
{
	static const char *const rows[] = {
		"",
		"0",
		"0,5",
		"0,5,4",
		"0,5,4,",
		"0,5,4,7",
		"0,5,4,\"x\",\"password\"",
		"0,5,4,\"x\",1",
		"0,5,4,\"x\",\"\",",
		"0,5,5,\"x\"",
		"0,5,6,\"x\"",
		"0,5,7,\"x\"",
		"0,5,9,\"x\"",
		"0,5,10,\"x\"",
		"0,,4,\"x\"",
		"0,\"5\",4,\"x\"",
		"0,5,4,\"x",
		"0,-5,4,\"x\"",
		"0,05,4,\"x\"",
		"0,4294967296,4,\"x\"",
		"4,5,4",
		"\"0\",5,4,\"x\"",
		"1,,4",
		"1,5,5",
		"1,5,4,",
		"1,\"5\"",
		"2",
		"2,5",
		"2,5,4,",
		"2,5,7",
		"3",
		"3,5",
		"3,5,4,\"x\"",
		"3,5,11",
		"3,,4",
	};
	struct device d;

	device_open(*state, &d);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_at(&d, "%CMNG", rows[i], 50, NULL);
	assert_at(&d, "%CMNG", "0,5,4,\"x\",\"\"", 0, "OK\r\n"); /* an empty password is none */
	device_close(&d);
}

static void absent_credentials_are_513(void **state)
{
	struct device d;

	device_open(*state, &d);
	assert_at(&d, "%CMNG", "2,5,0", 513, NULL);
	assert_at(&d, "%CMNG", "3,5,0", 513, NULL);
	assert_at(&d, "%CMNG", "3,16842753,2", 513, NULL);
	write_ok(&d, "0,5,4", "x");
	assert_at(&d, "%CMNG", "3,5,4", 0, "OK\r\n");
	assert_at(&d, "%CMNG", "3,5,4", 513, NULL);
	device_close(&d);
}

static void secrets_and_reserved_tags_are_514(void **state)
{
	_cleanup_(freep) char *key = pki_private_key("P-256");
	struct device d;

	device_open(*state, &d);
	write_ok(&d, "0,5,2", key);
	write_ok(&d, "0,5,3", "0011");
	assert_at(&d, "%CMNG", "2,5,2", 514, NULL);
	assert_at(&d, "%CMNG", "2,5,3", 514, NULL);
	assert_at(&d, "%CMNG", "2,5,8", 514, NULL);
	assert_at(&d, "%CMNG", "0,5,8,\"x\"", 514, NULL);
	assert_at(&d, "%CMNG", "0,2147483648,4,\"x\"", 514, NULL);
	assert_at(&d, "%CMNG", "1,2147483648", 514, NULL);
	assert_at(&d, "%CMNG", "2,2147483648,0", 514, NULL);
	assert_at(&d, "%CMNG", "3,4294967294,2", 514, NULL);
	assert_at(&d, "%CMNG", "2,4294967294,2", 514, NULL);
	assert_true(store_credential_exists(d.store, IDENTITY_TAG, CREDENTIAL_PRIVATE_KEY));
	device_close(&d);
}

static void more_credentials_or_content_than_there_is_room_for_are_515(void **state)
{
	_cleanup_(freep) char *cert = pki_certificate(), *exact = NULL;
	char head[32];
	struct device d;

	device_open(*state, &d);
	assert_true(asprintf(&exact, "%0*d\n%s", CMNG_CONTENT_MAX - 1 - (int)strlen(cert), 0,
			     cert) == CMNG_CONTENT_MAX);
	write_ok(&d, "0,1,0", exact);
	free(exact);
	assert_true(asprintf(&exact, "%0*d\n%s", CMNG_CONTENT_MAX - (int)strlen(cert), 0, cert) ==
		    CMNG_CONTENT_MAX + 1);
	write_refused(&d, "0,2,0", exact, 515);
	for (int i = 2; i <= CMNG_CREDENTIALS_MAX; i++) {
		snprintf(head, sizeof(head), "0,%d,4", i);
		write_ok(&d, head, "x");
	}
	write_refused(&d, "0,99,4", "x", 515);
	assert_at(&d, "%KEYGEN", "99,2,1", 515, NULL);
	write_ok(&d, "0,2,4", "replacing needs no room");
	assert_at(&d, "%CMNG", "3,3,4", 0, "OK\r\n");
	write_ok(&d, "0,99,4", "x");
	device_close(&d);
}

static void a_list_of_all_credentials_fits_into_one_answer(void **state)
{
	struct device d;
	enum response_code code;
	uint64_t cme;
	char head[32], *text;
	size_t lines = 0;

	device_open(*state, &d);
	for (int i = 0; i < CMNG_CREDENTIALS_MAX; i++) {
		snprintf(head, sizeof(head), "0,%d,4", 2147483000 + i);
		write_ok(&d, head, "x");
	}
	text = device_at(&d, "%CMNG", "1", &code, &cme);
	assert_int_equal(code, RESPONSE_AT);
	for (const char *p = text; (p = strstr(p, "%CMNG: ")); p++)
		lines++;
	assert_int_equal(lines, CMNG_CREDENTIALS_MAX);
	free(text);
	device_close(&d);
}

static void lists_are_by_tag_and_type_and_hide_the_identity(void **state)
{
	struct device d;
	char a[65], b[65], c[65], expected[512];

	device_open(*state, &d);
	assert_at(&d, "%CMNG", "1", 0, "OK\r\n");
	write_ok(&d, "0,7,4", "a");
	write_ok(&d, "0,5,4", "b");
	write_ok(&d, "0,5,3", "cc");
	digest_text("a", a);
	digest_text("b", b);
	digest_text("cc", c);
	snprintf(expected, sizeof(expected),
		 "%%CMNG: 5,3,\"%s\"\r\n%%CMNG: 5,4,\"%s\"\r\n%%CMNG: 7,4,\"%s\"\r\nOK\r\n", c, b,
		 a);
	assert_at(&d, "%CMNG", "1", 0, expected);
	assert_at(&d, "%CMNG", "1,,", 0, expected);
	snprintf(expected, sizeof(expected), "%%CMNG: 5,3,\"%s\"\r\n%%CMNG: 5,4,\"%s\"\r\nOK\r\n",
		 c, b);
	assert_at(&d, "%CMNG", "1,5", 0, expected);
	snprintf(expected, sizeof(expected), "%%CMNG: 5,4,\"%s\"\r\nOK\r\n", b);
	assert_at(&d, "%CMNG", "1,5,4", 0, expected);
	assert_at(&d, "%CMNG", "1,6", 0, "OK\r\n");
	device_close(&d);
}

static void a_certificate_is_read_back_as_it_was_written(void **state)
{
	_cleanup_(freep) char *cert = pki_certificate(), *expected = NULL;
	char digest[65];
	struct device d;

	device_open(*state, &d);
	write_ok(&d, "0,16842753,1", cert);
	digest_text(cert, digest);
	assert_true(asprintf(&expected, "%%CMNG: 16842753,1,\"%s\",\"%s\"\r\nOK\r\n", digest,
			     cert) > 0);
	assert_at(&d, "%CMNG", "2,16842753,1", 0, expected);
	device_close(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCRATCH_TEST(every_type_is_written_as_it_came),
		SCRATCH_TEST(writing_again_replaces),
		SCRATCH_TEST(crlf_and_chains_and_comments_in_pem_are_taken),
		SCRATCH_TEST(contents_that_are_not_what_they_should_be_are_50),
		SCRATCH_TEST(malformed_parameters_are_50),
		SCRATCH_TEST(absent_credentials_are_513),
		SCRATCH_TEST(secrets_and_reserved_tags_are_514),
		SCRATCH_TEST(more_credentials_or_content_than_there_is_room_for_are_515),
		SCRATCH_TEST(a_list_of_all_credentials_fits_into_one_answer),
		SCRATCH_TEST(lists_are_by_tag_and_type_and_hide_the_identity),
		SCRATCH_TEST(a_certificate_is_read_back_as_it_was_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
