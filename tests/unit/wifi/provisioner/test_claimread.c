/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/secret.h"
#include "tests/unit/wifi/provisioner/provisioner_fixture.h"
#include "wifi/claimread.h"

#define UUID "50363154-3931-44f0-8022-121b6401627d"
#define TOKEN "2dn3hQFQUDYxVDkxRPCAIhIbZAFifQNQGv86y_GmR2SiY0wmRsHGVFDT791_.0oRDoQEmoQRBAVhA"
#define MTU_PART 22 /* of a central that has not asked for more */

struct scene {
	struct provisioner_fixture *f;
	struct claimread *reader;
	struct claimread_news news;
	char token[CLAIM_TEXT_MAX + 2];
	unsigned int n_looks;
};

static void on_claim(void *userdata, struct claimread_news *ret)
{
	struct scene *s = userdata;

	s->n_looks++;
	*ret = s->news;
}

static void restart(struct scene *s)
{
	claimread_free(s->reader);
	provisioner_restart(s->f);
	assert_int_equal(claimread_new(s->f->provisioner, on_claim, s, &s->reader), 0);
}

static int setup(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));
	void *f;

	assert_non_null(s);
	assert_int_equal(provisioner_setup(&f), 0);
	s->f = f;
	strcpy(s->token, TOKEN);
	s->news = (struct claimread_news){
		.uuid = UUID, .state = WIFI_CLAIM_STATE_UNCLAIMED, .token = s->token};
	restart(s);
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	struct scene *s = *state;
	void *f = s->f;

	claimread_free(s->reader);
	provisioner_teardown(&f);
	free(s);
	return 0;
}

/* A read of PEER from the beginning, as BlueZ asks for it with a large MTU. */
static int read_at(struct scene *s, const char *peer, size_t offset, struct wifi_claim *ret)
{
	uint8_t value[WIFI_MESSAGE_MAX];
	size_t len;
	int r = claimread_read(s->reader, peer, offset, value, sizeof(value), &len);

	if (r == 0 && ret)
		assert_int_equal(wifi_claim_decode(value, len, ret), 0);
	return r;
}

static void assert_token(struct scene *s, const char *token)
{
	struct wifi_claim c;

	assert_int_equal(read_at(s, PEER, 0, &c), 0);
	assert_string_equal(c.uuid, UUID);
	assert_int_equal(c.state, WIFI_CLAIM_STATE_UNCLAIMED);
	assert_int_equal(c.token_whole_len, strlen(token));
	assert_int_equal(c.token_len, strlen(token));
	assert_memory_equal(c.token, token, strlen(token));
}

/* ---- what is told ---- */

static void an_unclaimed_device_tells_its_token_and_tells_it_again(void **state)
{
	assert_token(*state, TOKEN);
	assert_token(*state, TOKEN);
}

static void a_device_with_an_owner_tells_that_and_no_token(void **state)
{
	struct scene *s = *state;
	struct wifi_claim c;

	s->news.state = WIFI_CLAIM_STATE_CLAIMED;
	assert_int_equal(read_at(s, PEER, 0, &c), 0);
	assert_int_equal(c.state, WIFI_CLAIM_STATE_CLAIMED);
	assert_string_equal(c.uuid, UUID);
	assert_int_equal(c.token_whole_len, 0);
	s->news.state = WIFI_CLAIM_STATE_UNKNOWN;
	assert_int_equal(read_at(s, PEER, 0, &c), 0);
	assert_int_equal(c.state, WIFI_CLAIM_STATE_UNKNOWN);
	assert_int_equal(c.token_whole_len, 0);
}

static void a_token_that_is_kept_or_too_long_leaves_the_rest(void **state)
{
	struct scene *s = *state;
	struct wifi_claim c;

	s->news.token = NULL;
	assert_int_equal(read_at(s, PEER, 0, &c), 0);
	assert_int_equal(c.state, WIFI_CLAIM_STATE_UNCLAIMED);
	assert_int_equal(c.token_whole_len, 0);
	s->news.token = "";
	assert_int_equal(read_at(s, PEER, 0, &c), 0);
	assert_int_equal(c.token_whole_len, 0);
	s->news.token = s->token;
	memset(s->token, 'x', CLAIM_TEXT_MAX + 1);
	assert_int_equal(read_at(s, PEER, 0, &c), 0);
	assert_int_equal(c.token_whole_len, 0);
}

static void without_anybody_who_knows_nothing_is_told(void **state)
{
	struct scene *s = *state;

	s->news = (struct claimread_news){0};
	assert_int_equal(read_at(s, PEER, 0, NULL), -ENODATA);
	s->news.uuid = "no UUID";
	assert_int_equal(read_at(s, PEER, 0, NULL), -ENODATA);
	s->news.uuid = "50363154-3931-44f0-8022-121b6401627g";
	assert_int_equal(read_at(s, PEER, 0, NULL), -EINVAL);
	assert_int_equal(read_at(s, PEER, 1, NULL), -ERANGE);
}

static void the_longest_token_comes_in_parts_round_and_round(void **state)
{
	struct scene *s = *state;
	char whole[CLAIM_TEXT_MAX + 1] = "";
	struct wifi_claim c;
	size_t len = 0;

	for (size_t i = 0; i < CLAIM_TEXT_MAX; i++)
		s->token[i] = (char)('a' + i % 26);
	while (len < CLAIM_TEXT_MAX) {
		assert_int_equal(read_at(s, PEER, 0, &c), 0);
		assert_int_equal(c.token_offset, len);
		assert_int_equal(c.token_whole_len, CLAIM_TEXT_MAX);
		memcpy(whole + len, c.token, c.token_len);
		len += c.token_len;
	}
	assert_memory_equal(whole, s->token, CLAIM_TEXT_MAX);
	assert_int_equal(read_at(s, PEER, 0, &c), 0);
	assert_int_equal(c.token_offset, 0);
}

static void parts_of_two_tokens_or_for_two_peers_do_not_mix(void **state)
{
	struct scene *s = *state;
	struct wifi_claim c;

	memset(s->token, 'x', 1000);
	s->token[1000] = '\0';
	assert_int_equal(read_at(s, PEER, 0, &c), 0);
	memset(s->token, 'y', 1000);
	assert_int_equal(read_at(s, PEER, 0, &c), 0);
	assert_int_equal(c.token_offset, 0);
	assert_int_equal(c.token[0], 'y');
	assert_int_equal(read_at(s, PEER, 0, &c), 0);
	assert_int_equal(c.token_offset, WIFI_CLAIM_PART_MAX);
	/* Who comes next, be it the same one again, begins at the beginning. */
	claimread_peer_gone(s->reader, PEER);
	assert_int_equal(read_at(s, PEER, 0, &c), 0);
	assert_int_equal(c.token_offset, 0);
	assert_int_equal(read_at(s, OTHER_PEER, 0, &c), 0);
	assert_int_equal(c.token_offset, 0);
}

/* ---- long reads ---- */

static void a_long_read_is_of_one_value_whatever_happens_meanwhile(void **state)
{
	struct scene *s = *state;
	uint8_t whole[WIFI_MESSAGE_MAX], value[WIFI_MESSAGE_MAX];
	struct wifi_claim c;
	size_t len = 0, rest;

	assert_int_equal(claimread_read(s->reader, PEER, 0, value, sizeof(value), &rest), 0);
	assert_true(rest > 3 * MTU_PART);
	/* Claimed, and the window closes, when its first packet is out. */
	s->news.state = WIFI_CLAIM_STATE_CLAIMED;
	window_close(s->f->window, "the test");
	while (rest > 0) {
		size_t n = rest < MTU_PART ? rest : MTU_PART;

		memcpy(whole + len, value, n);
		len += n;
		assert_int_equal(claimread_read(s->reader, PEER, len, value, sizeof(value), &rest),
				 0);
	}
	assert_int_equal(wifi_claim_decode(whole, len, &c), 0);
	assert_memory_equal(c.token, TOKEN, strlen(TOKEN));
	assert_int_equal(s->n_looks, 1);
	/* Behind the end. */
	assert_int_equal(claimread_read(s->reader, PEER, len + 1, value, sizeof(value), &rest),
			 -ERANGE);
	assert_int_equal(claimread_read(s->reader, PEER, 65535, value, sizeof(value), &rest),
			 -ERANGE);
	/* Another one finds the window closed, and nothing of the last value. */
	assert_int_equal(read_at(s, PEER, 0, NULL), -EACCES);
	assert_int_equal(read_at(s, PEER, 1, NULL), -ERANGE);
}

static void nobody_goes_on_with_a_read_that_is_not_theirs(void **state)
{
	struct scene *s = *state;

	assert_int_equal(read_at(s, PEER, 10, NULL), -ERANGE);
	assert_int_equal(read_at(s, PEER, 0, NULL), 0);
	assert_int_equal(read_at(s, OTHER_PEER, 10, NULL), -ERANGE);
	claimread_peer_gone(s->reader, OTHER_PEER);
	claimread_peer_gone(s->reader, PEER);
	assert_int_equal(read_at(s, PEER, 10, NULL), -ERANGE);
}

static void a_value_that_does_not_fit_is_not_cut(void **state)
{
	struct scene *s = *state;
	uint8_t value[8];
	size_t len = 77;

	assert_int_equal(claimread_read(s->reader, PEER, 0, value, sizeof(value), &len), -ENOBUFS);
	assert_int_equal(len, 77);
}

/* ---- who may ---- */

static void outside_of_the_window_nobody_is_told_anything(void **state)
{
	struct scene *s = *state;

	window_close(s->f->window, "the test");
	assert_int_equal(read_at(s, PEER, 0, NULL), -EACCES);
	assert_int_equal(s->n_looks, 0);
	window_open(s->f->window, WINDOW_MS, "the test");
	assert_token(s, TOKEN);
	fake_clock_ms += WINDOW_MS;
	assert_int_equal(read_at(s, PEER, 0, NULL), -EACCES);
}

static void whoever_connected_the_device_is_told_until_it_leaves(void **state)
{
	struct scene *s = *state;

	ask(s->f, SET_WPA2, "R 08041000\n");
	provisioner_on_result(s->f->provisioner, WIFI_STATE_CONNECTED, 0);
	look_away(s->f);
	assert_false(window_is_open(s->f->window));
	assert_token(s, TOKEN);
	assert_int_equal(read_at(s, OTHER_PEER, 0, NULL), -EACCES);
	fake_clock_ms += 100 * WINDOW_MS;
	assert_token(s, TOKEN);
	provisioner_peer_gone(s->f->provisioner, PEER);
	assert_int_equal(read_at(s, PEER, 0, NULL), -EACCES);
}

static void neither_a_failure_nor_the_owners_success_earns_it(void **state)
{
	struct scene *s = *state;

	ask(s->f, SET_WPA2, "R 08041000\n");
	provisioner_on_result(s->f->provisioner, WIFI_STATE_CONNECTION_FAILED,
			      WIFI_REASON_AUTH_ERROR);
	look_away(s->f);
	window_close(s->f->window, "the test");
	assert_int_equal(read_at(s, PEER, 0, NULL), -EACCES);
	/* By onboardctl on the device. */
	provisioner_on_result(s->f->provisioner, WIFI_STATE_CONNECTED, 0);
	assert_int_equal(read_at(s, PEER, 0, NULL), -EACCES);
}

static void an_attempt_that_outlives_its_peer_earns_nobody_anything(void **state)
{
	struct scene *s = *state;

	ask(s->f, SET_WPA2, "R 08041000\n");
	provisioner_peer_gone(s->f->provisioner, PEER);
	assert_int_equal(ask_as(s->f, PEER, LIMIT, "0801"), 0);
	provisioner_on_result(s->f->provisioner, WIFI_STATE_CONNECTED, 0);
	assert_int_equal(read_at(s, PEER, 0, NULL), -EACCES);
}

static void with_a_label_only_who_has_shown_its_code_is_told(void **state)
{
	static const char *const ways[] = {"0801" WITH_LABEL, "0805" WITH_LABEL,
					   SET_WPA2 WITH_LABEL};
	struct scene *s = *state;

	s->f->options.label_code = LABEL_CODE;
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		restart(s);
		assert_int_equal(read_at(s, PEER, 0, NULL), -EACCES);
		assert_int_equal(ask_as(s->f, PEER, LIMIT, "0801"), 0);
		assert_int_equal(ask_as(s->f, PEER, LIMIT, SET_WPA2), 0);
		assert_int_equal(ask_as(s->f, PEER, LIMIT, "0801" WITH_WRONG_LABEL), 0);
		assert_int_equal(read_at(s, PEER, 0, NULL), -EACCES);
		assert_int_equal(ask_as(s->f, PEER, LIMIT, ways[i]), 0);
		assert_token(s, TOKEN);
		/* On another connection anew. */
		provisioner_peer_gone(s->f->provisioner, PEER);
		claimread_peer_gone(s->reader, PEER);
		assert_int_equal(read_at(s, PEER, 0, NULL), -EACCES);
	}
}

/* ---- the log ---- */

/* What so many reads write to stderr. */
static void logged(struct scene *s, unsigned int n, char *ret, size_t size)
{
	int saved = dup(2), file;
	char path[] = "/tmp/claimread-XXXXXX";
	ssize_t len;

	file = mkstemp(path);
	assert_true(file >= 0 && saved >= 0);
	assert_int_equal(unlink(path), 0);
	fflush(stderr);
	assert_int_equal(dup2(file, 2), 2);
	for (unsigned int i = 0; i < n; i++)
		(void)!read_at(s, PEER, 0, NULL);
	fflush(stderr);
	assert_int_equal(dup2(saved, 2), 2);
	close(saved);
	len = pread(file, ret, size - 1, 0);
	close(file);
	assert_true(len >= 0);
	ret[len] = '\0';
}

static void the_log_says_once_who_was_told_and_never_what(void **state)
{
	struct scene *s = *state;
	char text[4096];

	logged(s, 100, text, sizeof(text));
	assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
	assert_non_null(strstr(text, PEER));
	assert_non_null(strstr(text, "told the claim token"));
	assert_null(strstr(text, "2dn3"));
	window_close(s->f->window, "the test");
	logged(s, 100, text, sizeof(text));
	assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
	assert_non_null(strstr(text, "window is closed"));
}

int main(void)
{
#define TEST(x) cmocka_unit_test_setup_teardown(x, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(an_unclaimed_device_tells_its_token_and_tells_it_again),
		TEST(a_device_with_an_owner_tells_that_and_no_token),
		TEST(a_token_that_is_kept_or_too_long_leaves_the_rest),
		TEST(without_anybody_who_knows_nothing_is_told),
		TEST(the_longest_token_comes_in_parts_round_and_round),
		TEST(parts_of_two_tokens_or_for_two_peers_do_not_mix),
		TEST(a_long_read_is_of_one_value_whatever_happens_meanwhile),
		TEST(nobody_goes_on_with_a_read_that_is_not_theirs),
		TEST(a_value_that_does_not_fit_is_not_cut),
		TEST(outside_of_the_window_nobody_is_told_anything),
		TEST(whoever_connected_the_device_is_told_until_it_leaves),
		TEST(neither_a_failure_nor_the_owners_success_earns_it),
		TEST(an_attempt_that_outlives_its_peer_earns_nobody_anything),
		TEST(with_a_label_only_who_has_shown_its_code_is_told),
		TEST(the_log_says_once_who_was_told_and_never_what),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
