/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake_core.h"
#include "service/device_dispatch.h"

#define MAX_AGE 60

struct bench {
	struct device_dispatch dispatch;
	struct device_session session;
	struct device_answer answer;
	uint64_t now_ms;
};

static int set_up(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	fake_reset();
	b->dispatch.session_max_age_s = MAX_AGE;
	b->now_ms = 1000000;
	*state = b;
	return 0;
}

static int tear_down(void **state)
{
	struct bench *b = *state;

	device_session_done(&b->session);
	free(b);
	fake_reset();
	return 0;
}

/* Format and accept: 0 is absent here, TEXT_PLAIN the real 0. */
#define TEXT_PLAIN -2

static int format_of(int format)
{
	return format == 0 ? -1 : format == TEXT_PLAIN ? 0 : format;
}

static unsigned int ask(struct bench *b, bool is_confirmable, struct device_request r)
{
	r.is_confirmable = is_confirmable;
	r.format = format_of(r.format);
	r.accept = format_of(r.accept);
	device_dispatch(&b->dispatch, &b->session, &r, b->now_ms, &b->answer);
	/* every refusal has a reason for the log, and nothing else has */
	assert_int_equal(b->answer.reason != NULL, b->answer.code >> 5 >= 4);
	return (b->answer.code >> 5) * 100U + (b->answer.code & 31);
}

#define ASK(b, m, p, ...)                                                                          \
	ask(b, true, (struct device_request){.method = (m), .path = (p), ##__VA_ARGS__})
#define ASK_NON(b, m, p) ask(b, false, (struct device_request){.method = (m), .path = (p)})
#define BODY(text) .payload = (const uint8_t *)(text), .len = strlen(text)

static const char *const auth_paths[] = {"p/auth-jwt", "p/auth", "auth/jwt"};

static void before_any_proof_only_the_open_resources_answer(void **state)
{
	static const struct {
		uint8_t method;
		const char *path;
	} closed[] = {{1, "p/cmd"},
		      {2, "p/rsp"},
		      {1, "state"},
		      {6, "state/reported"},
		      {6, "state/desired"}};
	struct bench *b = *state;

	for (size_t i = 0; i < ARRAY_SIZE(closed); i++)
		assert_int_equal(ASK(b, closed[i].method, closed[i].path, BODY("x")), 401);
	assert_int_equal(fake.n_fetch + fake.n_report + fake.n_state_get + fake.n_patch, 0);
	assert_int_equal(ASK_NON(b, 2, ".dtls/suspend"), 205);
}

static void every_verdict_of_an_authentication_has_its_code(void **state)
{
	static const struct {
		enum core_verdict verdict;
		unsigned int code;
	} rows[] = {{CORE_OK, 201},
		    {CORE_UNCLAIMED, 401},
		    {CORE_REJECTED, 403},
		    {CORE_INVALID, 400},
		    {CORE_FAILED, 500}};
	struct bench *b = *state;

	for (size_t p = 0; p < ARRAY_SIZE(auth_paths); p++)
		for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
			device_session_done(&b->session);
			fake.authenticate = fake.cloud = rows[i].verdict;
			assert_int_equal(ASK(b, 2, auth_paths[p], BODY("jwt"), .format = 60),
					 rows[i].code);
			assert_int_equal(b->answer.has_max_age, rows[i].code == 201);
			assert_int_equal(b->answer.len, 0);
			assert_int_equal(ASK(b, 1, p == 2 ? "state" : "p/cmd"),
					 rows[i].verdict == CORE_OK ? 205 : 401);
			assert_int_equal(ASK(b, 1, p == 2 ? "p/cmd" : "state"), 401);
		}
}

static void authenticating_again_is_fine_and_failing_again_ends_it(void **state)
{
	struct bench *b = *state;

	assert_int_equal(ASK(b, 2, "p/auth-jwt", BODY("jwt")), 201);
	assert_int_equal(ASK(b, 2, "p/auth-jwt", BODY("jwt")), 201);
	assert_int_equal(ASK(b, 1, "p/cmd"), 205);
	fake.authenticate = CORE_FAILED;
	assert_int_equal(ASK(b, 2, "p/auth-jwt", BODY("jwt")), 500);
	assert_int_equal(ASK(b, 1, "p/cmd"), 205);
	fake.authenticate = CORE_REJECTED;
	assert_int_equal(ASK(b, 2, "p/auth-jwt", BODY("jwt")), 403);
	assert_int_equal(ASK(b, 1, "p/cmd"), 401);
}

static void defect_36_a_token_may_carry_any_content_format_or_none(void **state)
{
	static const int formats[] = {0, TEXT_PLAIN, 42, 50, 60, 65535};
	struct bench *b = *state;

	for (size_t p = 0; p < ARRAY_SIZE(auth_paths); p++)
		for (size_t i = 0; i < ARRAY_SIZE(formats); i++)
			assert_int_equal(
				ASK(b, 2, auth_paths[p], BODY("jwt"), .format = formats[i]), 201);
}

static void an_authentication_runs_out(void **state)
{
	struct bench *b = *state;

	assert_int_equal(ASK(b, 2, "p/auth-jwt", BODY("jwt")), 201);
	assert_int_equal(b->answer.max_age, MAX_AGE);
	b->now_ms += MAX_AGE * 1000 - 1;
	assert_int_equal(ASK(b, 1, "p/cmd"), 205);
	b->now_ms += 1;
	assert_int_equal(ASK(b, 1, "p/cmd"), 401);
}

static void a_device_that_is_unclaimed_meanwhile_must_authenticate_again(void **state)
{
	struct bench *b = *state;

	assert_int_equal(ASK(b, 2, "p/auth-jwt", BODY("jwt")), 201);
	fake.fetch = CORE_UNCLAIMED;
	assert_int_equal(ASK(b, 1, "p/cmd"), 401);
	fake.fetch = CORE_OK;
	assert_int_equal(ASK(b, 1, "p/cmd"), 401);
	assert_int_equal(fake.n_fetch, 1);
}

static void tokens_have_a_length_between_one_and_the_limit(void **state)
{
	struct bench *b = *state;
	static char jwt[JWT_MAX + 2];

	memset(jwt, 'a', sizeof(jwt) - 1);
	for (size_t p = 0; p < ARRAY_SIZE(auth_paths); p++) {
		fake.n_authenticate = fake.n_cloud = 0;
		assert_int_equal(ASK(b, 2, auth_paths[p]), 400);
		assert_int_equal(
			ASK(b, 2, auth_paths[p], .payload = (uint8_t *)jwt, .len = JWT_MAX + 1),
			413);
		assert_true(b->answer.has_size1);
		assert_int_equal(b->answer.size1, JWT_MAX);
		assert_int_equal(fake.n_authenticate + fake.n_cloud, 0);
		assert_int_equal(
			ASK(b, 2, auth_paths[p], .payload = (uint8_t *)jwt, .len = JWT_MAX), 201);
		assert_int_equal(fake.body_len, JWT_MAX);
	}
}

static void a_token_in_blocks_is_bounded_and_put_together(void **state)
{
	struct bench *b = *state;
	struct block block = {.num = 0, .more = true, .szx = 4};
	uint8_t jwt[420];

	memset(jwt, 'j', sizeof(jwt));
	assert_int_equal(ASK(b, 2, "p/auth-jwt", .block1 = &block, .payload = jwt, .len = 256),
			 231);
	assert_true(b->answer.has_block1);
	assert_true(b->answer.block1.more);
	block = (struct block){.num = 1, .more = false, .szx = 4};
	for (int i = 0; i < 2; i++)
		assert_int_equal(
			ASK(b, 2, "p/auth-jwt", .block1 = &block, .payload = jwt + 256, .len = 164),
			201);
	assert_int_equal(fake.body_len, 420);
	assert_int_equal(fake.n_authenticate, 2);
	block = (struct block){.num = 3, .more = true, .szx = 4};
	assert_int_equal(ASK(b, 2, "p/auth-jwt", .block1 = &block, .payload = jwt, .len = 256),
			 408);
	block = (struct block){.num = 8, .more = false, .szx = 4};
	assert_int_equal(ASK(b, 2, "p/auth-jwt", .block1 = &block, .payload = jwt, .len = 1), 413);
	block = (struct block){.num = 0, .more = true, .szx = 4};
	assert_int_equal(ASK(b, 2, "p/auth-jwt", .block1 = &block, .payload = jwt, .len = 255),
			 400);
	assert_int_equal(ASK(b, 2, "p/auth-jwt", .block1 = &block, .size1 = JWT_MAX + 1,
			     .payload = jwt, .len = 256),
			 413);
}

static void blocks_of_a_closed_resource_are_not_kept(void **state)
{
	struct bench *b = *state;
	struct block block = {.num = 0, .more = true, .szx = 0};

	assert_int_equal(ASK(b, 2, "p/rsp", .block1 = &block,
			     .payload = (uint8_t *)"0123456789abcdef", .len = 16),
			 401);
	assert_false(b->session.upload.active);
}

static void the_answer_to_a_fetch_that_fits_has_no_block_option(void **state)
{
	struct bench *b = *state;
	struct block block = {.szx = 5};

	ASK(b, 2, "p/auth-jwt", BODY("jwt"));
	fake.commands_len = 512;
	assert_int_equal(ASK(b, 1, "p/cmd", .block2 = &block), 205);
	assert_false(b->answer.has_block2);
	assert_true(b->answer.has_format);
	assert_int_equal(b->answer.format, DEVICE_FORMAT_CBOR);
	assert_int_equal(b->answer.len, 512);
	device_answer_sent(&b->session);
	assert_null(b->session.body);
}

static void later_blocks_belong_to_the_query_they_were_asked_with(void **state)
{
	struct bench *b = *state;
	struct block block = {.szx = 5};
	struct device_query_item one = {"after=a", 7}, other = {"after=b", 7};

	ASK(b, 2, "p/auth-jwt", BODY("jwt"));
	fake.commands_len = 1000;
	fake.commands[600] = 1;
	assert_int_equal(ASK(b, 1, "p/cmd", .block2 = &block, .query = {one}, .n_query = 1), 205);
	assert_true(b->answer.has_block2);
	assert_true(b->answer.has_etag);
	device_answer_sent(&b->session);
	fake.commands[600] = 2;
	block.num = 1;
	assert_int_equal(ASK(b, 1, "p/cmd", .block2 = &block, .query = {one}, .n_query = 1), 205);
	assert_int_equal(b->answer.payload[88], 1);
	assert_int_equal(fake.n_fetch, 1);
	device_answer_sent(&b->session);
	assert_int_equal(ASK(b, 1, "p/cmd", .block2 = &block, .query = {other}, .n_query = 1), 205);
	assert_int_equal(b->answer.payload[88], 2);
	assert_int_equal(fake.n_fetch, 2);
	/* a fetch from the beginning is a new one */
	block.num = 0;
	assert_int_equal(ASK(b, 1, "p/cmd", .block2 = &block, .query = {other}, .n_query = 1), 205);
	assert_int_equal(fake.n_fetch, 3);
	/* blocks do not outlive the right to them */
	b->now_ms += MAX_AGE * 1000;
	block.num = 1;
	assert_int_equal(ASK(b, 1, "p/cmd", .block2 = &block, .query = {other}, .n_query = 1), 401);
}

static void a_block_behind_the_end_is_a_bad_request(void **state)
{
	struct bench *b = *state;
	struct block block = {.num = 2, .szx = 5};

	ASK(b, 2, "p/auth-jwt", BODY("jwt"));
	fake.commands_len = 1024;
	assert_int_equal(ASK(b, 1, "p/cmd", .block2 = &block), 400);
}

static void fetches_refuse_what_they_cannot_serve(void **state)
{
	struct bench *b = *state;

	ASK(b, 2, "p/auth-jwt", BODY("jwt"));
	assert_int_equal(ASK(b, 1, "p/cmd", .accept = 50), 406);
	assert_int_equal(ASK(b, 1, "p/cmd", .query = {{"limit=x", 7}}, .n_query = 1), 400);
	assert_int_equal(ASK(b, 1, "p/cmd", .accept = 60), 205);
}

static void reports_are_bounded_and_their_verdicts_have_codes(void **state)
{
	struct bench *b = *state;
	static uint8_t body[BODY_MAX + 1];

	ASK(b, 2, "p/auth-jwt", BODY("jwt"));
	assert_int_equal(ASK(b, 2, "p/rsp", .payload = body, .len = BODY_MAX), 204);
	assert_int_equal(fake.body_len, BODY_MAX);
	assert_int_equal(ASK(b, 2, "p/rsp", .payload = body, .len = BODY_MAX + 1), 413);
	fake.report = CORE_INVALID;
	assert_int_equal(ASK(b, 2, "p/rsp", BODY("x")), 400);
	fake.report = CORE_FAILED;
	assert_int_equal(ASK(b, 2, "p/rsp", BODY("x")), 500);
	fake.report = CORE_OK;
	assert_int_equal(ASK(b, 2, "p/rsp", BODY("x")), 204);
}

static void the_state_comes_in_the_order_that_devices_decode(void **state)
{
	struct bench *b = *state;

	ASK(b, 2, "auth/jwt", BODY("jwt"));
	fake.state = json_pack("{s:i, s:[ii], s:{}}", "other", 1, "command", 1, 2, "config");
	assert_int_equal(ASK(b, 1, "state", .accept = DEVICE_FORMAT_JSON), 205);
	assert_int_equal(b->answer.len, strlen("{\"config\":{},\"command\":[1,2],\"other\":1}"));
	assert_memory_equal(b->answer.payload, "{\"config\":{},\"command\":[1,2],\"other\":1}",
			    b->answer.len);
}

static void an_empty_state_is_an_empty_payload(void **state)
{
	struct bench *b = *state;

	ASK(b, 2, "auth/jwt", BODY("jwt"));
	assert_int_equal(ASK(b, 1, "state"), 205);
	assert_int_equal(b->answer.len, 0);
	assert_false(b->answer.has_format);
	fake.state = json_object();
	assert_int_equal(ASK(b, 1, "state"), 205);
	assert_int_equal(b->answer.len, 0);
	assert_int_equal(ASK(b, 1, "state", .accept = TEXT_PLAIN), 406);
	assert_int_equal(ASK(b, 1, "state", .query = {{"delta=1", 7}}, .n_query = 1), 400);
}

static void patches_are_objects_in_a_format_that_we_know(void **state)
{
	static const uint8_t object[] = {0xa1, 0x61, 'a', 0xf6}, array[] = {0x80};
	struct bench *b = *state;

	ASK(b, 2, "auth/jwt", BODY("jwt"));
	assert_int_equal(ASK(b, 6, "state/desired", .format = 60, .payload = object, .len = 4),
			 204);
	assert_string_equal(fake.json, "{\"a\":null}");
	assert_string_equal(fake.section, "desired");
	assert_int_equal(ASK(b, 6, "state/reported", .format = 50, BODY("{\"a\":1}")), 204);
	assert_string_equal(fake.section, "reported");
	assert_int_equal(fake.n_patch, 2);
	assert_int_equal(ASK(b, 6, "state/reported", .format = 60, .payload = array, .len = 1),
			 400);
	assert_int_equal(ASK(b, 6, "state/reported", .format = 60, .payload = object, .len = 3),
			 400);
	assert_int_equal(ASK(b, 6, "state/reported", .format = 60), 400);
	assert_int_equal(ASK(b, 6, "state/reported", .format = 50), 400);
	assert_int_equal(ASK(b, 6, "state/reported", .format = 50, BODY("[]")), 400);
	assert_int_equal(ASK(b, 6, "state/reported", .format = 50, BODY("{\"a\":1}x")), 400);
	assert_int_equal(ASK(b, 6, "state/reported", .format = 50, BODY("{\"a\":1,\"a\":2}")), 400);
	assert_int_equal(ASK(b, 6, "state/reported", .format = TEXT_PLAIN, BODY("{}")), 415);
	assert_int_equal(ASK(b, 6, "state/reported", BODY("{}")), 415);
	assert_int_equal(fake.n_patch, 2);
}

static void every_other_pair_of_method_and_path_is_refused(void **state)
{
	static const struct {
		const char *path;
		uint8_t method; /* the one that is known */
	} known[] = {{"p/auth-jwt", 2}, {"p/auth", 2},         {"p/cmd", 1},
		     {"p/rsp", 2},      {".dtls/suspend", 2},  {"auth/jwt", 2},
		     {"state", 1},      {"state/reported", 6}, {"state/desired", 6}};
	static const char *const unknown[] = {
		"",       "p",    "p/",          "p/cmd/x", "P/cmd", "p/cmdx", "/p/cmd",
		"state/", "auth", "auth/jwt-id", "msg/d2c", ".dtls", "p%2Fcmd"};
	struct bench *b = *state;

	for (uint8_t method = 0; method < 32; method++) {
		for (size_t i = 0; i < ARRAY_SIZE(known); i++)
			if (method != known[i].method)
				assert_int_equal(ASK(b, method, known[i].path), 405);
		for (size_t i = 0; i < ARRAY_SIZE(unknown); i++)
			assert_int_equal(ASK(b, method, unknown[i]), 404);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

#define RX_4096                                                                                    \
	{                                                                                          \
		{                                                                                  \
			"rxMaxSize=4096", 14                                                       \
		}                                                                                  \
	}

/* Every size that RFC 7959 has, both ways; and a device that asks for smaller ones on the way. */
static void blocks_have_the_size_that_the_device_proposes(void **state)
{
	struct bench *b = *state;
	uint8_t got[4096], sent[1500];

	assert_int_equal(ASK(b, DEVICE_POST, "p/auth-jwt", BODY("jwt")), 201);
	for (size_t i = 0; i < sizeof(sent); i++)
		sent[i] = fake.commands[i] = (uint8_t)(i * 7);
	fake.commands_len = sizeof(sent);
	for (uint8_t szx = 0; szx <= 6; szx++) {
		size_t size = (size_t)16 << szx, len = 0;
		struct block block = {.szx = szx};

		do {
			assert_int_equal(ASK(b, DEVICE_GET, "p/cmd", .query = RX_4096, .n_query = 1,
					     .block2 = &block),
					 205);
			assert_int_equal(b->answer.block2.szx, szx);
			assert_int_equal(b->answer.len, MIN(size, sizeof(sent) - len));
			memcpy(got + len, b->answer.payload, b->answer.len);
			len += b->answer.len;
			block.num++;
			device_answer_sent(&b->session);
		} while (b->answer.block2.more);
		assert_int_equal(len, sizeof(sent));
		assert_memory_equal(got, sent, len);

		for (size_t at = 0; at < sizeof(sent); at += size) {
			bool more = at + size < sizeof(sent);

			block = (struct block){
				.num = (uint32_t)(at / size), .more = more, .szx = szx};
			assert_int_equal(ASK(b, DEVICE_POST, "p/rsp", .block1 = &block,
					     .payload = sent + at,
					     .len = MIN(size, sizeof(sent) - at)),
					 more ? 231 : 204);
			assert_int_equal(b->answer.block1.szx, szx);
		}
		assert_int_equal(fake.body_len, sizeof(sent));
		assert_memory_equal(fake.body, sent, sizeof(sent));
	}
}

static void a_device_may_ask_for_smaller_blocks_on_the_way(void **state)
{
	struct bench *b = *state;
	struct block block = {.szx = 6};

	assert_int_equal(ASK(b, DEVICE_POST, "p/auth-jwt", BODY("jwt")), 201);
	for (size_t i = 0; i < 2048; i++)
		fake.commands[i] = (uint8_t)(i * 7);
	fake.commands_len = 2048;
	assert_int_equal(
		ASK(b, DEVICE_GET, "p/cmd", .query = RX_4096, .n_query = 1, .block2 = &block), 205);
	assert_int_equal(b->answer.len, 1024);
	device_answer_sent(&b->session);
	/* RFC 7959 §2.4: the same position, in blocks of 64 */
	block = (struct block){.num = 1024 / 64, .szx = 2};
	assert_int_equal(
		ASK(b, DEVICE_GET, "p/cmd", .query = RX_4096, .n_query = 1, .block2 = &block), 205);
	assert_int_equal(b->answer.len, 64);
	assert_int_equal(b->answer.block2.szx, 2);
	assert_memory_equal(b->answer.payload, fake.commands + 1024, 64);
	assert_int_equal(fake.n_fetch, 1);
}

/* RFC 8516: later, and when. What the session proved stays. */
static void a_busy_core_is_later_and_says_when(void **state)
{
	struct bench *b = *state;

	fake.authenticate = CORE_BUSY;
	fake.wait_s = 17;
	assert_int_equal(ASK(b, DEVICE_POST, "p/auth-jwt", BODY("jwt")), 429);
	assert_true(b->answer.has_max_age);
	assert_int_equal(b->answer.max_age, 17);
	assert_string_equal(b->answer.device, "");
	fake.authenticate = CORE_OK;
	assert_int_equal(ASK(b, DEVICE_POST, "p/auth-jwt", BODY("jwt")), 201);
	for (int i = 0; i < 2; i++) {
		static const struct {
			enum core_verdict verdict;
			unsigned int code, max_age;
		} rows[] = {{CORE_BUSY, 429, 17}, {CORE_AWAY, 503, 5}};

		fake.fetch = fake.report = fake.authenticate = rows[i].verdict;
		assert_int_equal(ASK(b, DEVICE_GET, "p/cmd"), rows[i].code);
		assert_int_equal(b->answer.max_age, rows[i].max_age);
		assert_int_equal(ASK(b, DEVICE_POST, "p/rsp", BODY("x")), rows[i].code);
		assert_int_equal(b->answer.max_age, rows[i].max_age);
		assert_int_equal(ASK(b, DEVICE_POST, "p/auth-jwt", BODY("jwt")), rows[i].code);
		assert_int_equal(b->answer.max_age, rows[i].max_age);
	}
	fake.fetch = CORE_OK;
	assert_int_equal(ASK(b, DEVICE_GET, "p/cmd"), 205);
}

static void core_is_told_who_asks_from_where_and_in_which_cycle(void **state)
{
	struct bench *b = *state;

	strcpy(b->session.address, "192.0.2.7");
	assert_int_equal(ASK(b, DEVICE_POST, "p/auth-jwt", BODY("jwt")), 201);
	assert_string_equal(fake.address, "192.0.2.7");
	assert_string_equal(b->answer.trace, FAKE_TRACE);
	assert_int_equal(ASK(b, DEVICE_GET, "p/cmd"), 205);
	assert_string_equal(fake.device, FAKE_DEVICE);
	assert_string_equal(fake.trace, FAKE_TRACE);
	assert_string_equal(fake.address, "192.0.2.7");
	fake.report = CORE_REJECTED;
	assert_int_equal(ASK(b, DEVICE_POST, "p/rsp", BODY("x")), 403);
	/* for the log */
	assert_string_equal(b->answer.device, FAKE_DEVICE);
	assert_string_equal(b->answer.trace, FAKE_TRACE);
	/* Blocked meanwhile: nothing more on this session. */
	assert_int_equal(ASK(b, DEVICE_GET, "p/cmd"), 401);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(before_any_proof_only_the_open_resources_answer),
		TEST(every_verdict_of_an_authentication_has_its_code),
		TEST(authenticating_again_is_fine_and_failing_again_ends_it),
		TEST(defect_36_a_token_may_carry_any_content_format_or_none),
		TEST(an_authentication_runs_out),
		TEST(a_device_that_is_unclaimed_meanwhile_must_authenticate_again),
		TEST(tokens_have_a_length_between_one_and_the_limit),
		TEST(a_token_in_blocks_is_bounded_and_put_together),
		TEST(blocks_of_a_closed_resource_are_not_kept),
		TEST(the_answer_to_a_fetch_that_fits_has_no_block_option),
		TEST(later_blocks_belong_to_the_query_they_were_asked_with),
		TEST(a_block_behind_the_end_is_a_bad_request),
		TEST(fetches_refuse_what_they_cannot_serve),
		TEST(reports_are_bounded_and_their_verdicts_have_codes),
		TEST(the_state_comes_in_the_order_that_devices_decode),
		TEST(an_empty_state_is_an_empty_payload),
		TEST(patches_are_objects_in_a_format_that_we_know),
		TEST(every_other_pair_of_method_and_path_is_refused),
		cmocka_unit_test_setup_teardown(blocks_have_the_size_that_the_device_proposes,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_device_may_ask_for_smaller_blocks_on_the_way,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_busy_core_is_later_and_says_when, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(core_is_told_who_asks_from_where_and_in_which_cycle,
						set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
