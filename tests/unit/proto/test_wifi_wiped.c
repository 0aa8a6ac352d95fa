/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/proto/wifi_request.h"

/* The passphrase of ANDROID_SET_CONFIG, or what else the test says. */
static const char *secret = "correct horse";
/* Wipings of memory that held it at that time. */
static unsigned int n_wiped;

void __real_secret_wipe(void *data, size_t len);
void __wrap_secret_wipe(void *data, size_t len);

void __wrap_secret_wipe(void *data, size_t len)
{
	if (len > 0 && memmem(data, len, secret, 13))
		n_wiped++;
	__real_secret_wipe(data, len);
	if (len > 0)
		assert_null(memmem(data, len, secret, 13));
}

static void what_a_decoder_read_is_wiped_and_so_is_its_copy(void **state)
{
	struct wifi_request r;

	(void)state;
	n_wiped = 0;
	assert_int_equal(request_of(ANDROID_SET_CONFIG, &r), 0);
	assert_int_equal(n_wiped, 2);
	assert_memory_equal(r.config.passphrase, "correct horse", 13);
	wifi_request_wipe(&r);
	assert_int_equal(n_wiped, 3);
	assert_int_equal(r.config.passphrase_len, 0);
}

static void so_it_is_of_a_stored_configuration(void **state)
{
	size_t len;
	_cleanup_(freep) uint8_t *data = mutate_unhex(&ANDROID_SET_CONFIG[8], &len);
	struct wifi_config c;

	(void)state;
	n_wiped = 0;
	assert_int_equal(wifi_config_decode(data, len, &c), 0);
	assert_int_equal(n_wiped, 2);
	wifi_config_wipe(&c);
	assert_int_equal(n_wiped, 3);
}

#define CLAIM                                                                                      \
	"0801122435303336333135342d333933312d343466302d383032322d313231623634303136323764"         \
	"180122"                                                                                   \
	"0d636c61696d2d746f6b656e2e302800"

static int claim_of(const char *hex, struct wifi_claim *ret)
{
	size_t len;
	_cleanup_(freep) uint8_t *data = mutate_unhex(hex, &len);

	return wifi_claim_decode(data, len, ret);
}

static void a_claim_token_is_wiped_as_a_passphrase_is(void **state)
{
	struct wifi_claim c;

	(void)state;
	secret = "claim-token.0";
	n_wiped = 0;
	assert_int_equal(claim_of(CLAIM "300d", &c), 0);
	assert_int_equal(n_wiped, 2); /* what protobuf-c read, and the copy on the way */
	assert_memory_equal(c.token, secret, 13);
	wifi_claim_wipe(&c);
	assert_int_equal(n_wiped, 3);
	/* One that is refused: of a shorter whole. */
	n_wiped = 0;
	assert_int_equal(claim_of(CLAIM "300c", &c), -EBADMSG);
	assert_int_equal(n_wiped, 2);
	secret = "correct horse";
}

static void a_refused_request_leaves_nothing_behind(void **state)
{
	struct wifi_request r;

	(void)state;
	/* Cut off behind the passphrase; protobuf-c looks at the lengths first and reads nothing.
	 */
	n_wiped = 0;
	assert_int_equal(request_of(ANDROID_SET_CONFIG "0a", &r), -EBADMSG);
	assert_int_equal(n_wiped, 0);
	/* A field that comes behind it is of the wrong type: read already. */
	assert_int_equal(request_of(ANDROID_SET_CONFIG "a00601", &r), -EBADMSG);
	assert_int_equal(n_wiped, 1);
	/* A label code beyond its limit: in our struct already. */
	n_wiped = 0;
	assert_int_equal(
		request_of(ANDROID_SET_CONFIG
			   "a20621"
			   "6161616161616161616161616161616161616161616161616161616161616161"
			   "61",
			   &r),
		-EBADMSG);
	assert_int_equal(n_wiped, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_decoder_read_is_wiped_and_so_is_its_copy),
		cmocka_unit_test(so_it_is_of_a_stored_configuration),
		cmocka_unit_test(a_claim_token_is_wiped_as_a_passphrase_is),
		cmocka_unit_test(a_refused_request_leaves_nothing_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
