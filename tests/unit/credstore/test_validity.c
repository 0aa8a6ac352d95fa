/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/credstore/scratch.h"

#include <time.h>

#include "credstore/validity.h"
#include "tests/unit/credstore/pki.h"

#define TAG 16842753U

static struct store *open_store(struct scratch *s)
{
	struct store *store;

	assert_int_equal(store_open(s->state, NULL, &store, NULL), 0);
	return store;
}

static int read_after(struct store *store, const char *pem, size_t len, struct validity *ret)
{
	const uint8_t digest[32] = {0};

	assert_int_equal(store_credential_put(store, TAG, CREDENTIAL_CLIENT_CERT, pem, len, digest),
			 0);
	return validity_of_client_cert(store, TAG, ret);
}

static void the_dates_of_a_certificate_are_told(void **state)
{
	_cleanup_(store_closep) struct store *store = open_store(*state);
	_cleanup_(freep) char *pem = pki_certificate(), *other = pki_certificate();
	int64_t now = time(NULL);
	struct validity v, w;

	assert_int_equal(read_after(store, pem, strlen(pem), &v), 0);
	assert_in_range(v.not_before_s, now - 60, now);
	assert_int_equal(v.not_after_s - v.not_before_s, 86400);
	assert_int_equal(read_after(store, other, strlen(other), &w), 0);
	assert_memory_not_equal(v.sha256, w.sha256, sizeof(v.sha256));
}

static void a_tag_without_one_says_so(void **state)
{
	_cleanup_(store_closep) struct store *store = open_store(*state);
	struct validity v;

	assert_int_equal(validity_of_client_cert(store, TAG, &v), -ENOENT);
}

static void what_is_no_certificate_is_refused_wherever_it_is_cut(void **state)
{
	_cleanup_(store_closep) struct store *store = open_store(*state);
	_cleanup_(freep) char *pem = pki_certificate();
	struct validity v;

	for (size_t len = 1; len + 10 < strlen(pem); len += 37)
		assert_int_equal(read_after(store, pem, len, &v), -EINVAL);
	assert_int_equal(read_after(store, "no PEM", 6, &v), -EINVAL);
}

int main(void)
{
#define TEST(x) cmocka_unit_test_setup_teardown(x, scratch_setup, scratch_teardown)
	const struct CMUnitTest tests[] = {
		TEST(the_dates_of_a_certificate_are_told),
		TEST(a_tag_without_one_says_so),
		TEST(what_is_no_certificate_is_refused_wherever_it_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
