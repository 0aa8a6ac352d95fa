/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proto/item.h"
#include "proto/response.h"
#include "tests/unit/proto/failing.h"
#include "tests/unit/proto/mutate.h"

/* docs/protocol.md §4.5 */
#define ID1 "9685ef84-8cac-4257-b5cc-94bc416a1c1d.d"
#define ID2 "89ed369b-0fed-4194-a703-aabb7fe8130b.e"
#define ID3 "80b8095e-2714-459e-bd8b-3745d8410a18.f"
#define ID4 "e5256918-aba9-4d12-8b87-f2c07affec5d.14"

static char empty[] = "", error[] = "ERROR";

static const struct {
	const char *name, *hex;
	size_t n;
	struct response responses[2];
} vectors[] = {
	{"R1",
	 "8182782639363835656638342d386361632d343235372d623563632d3934626334313661316331642e641866",
	 1,
	 {{.correlation = ID1, .code = RESPONSE_FINISHED}}},
	{"R2",
	 "8283782838396564333639622d306665642d343139342d613730332d6161626237666538313330622e652e73"
	 "18646083782638396564333639622d306665642d343139342d613730332d6161626237666538313330622e65"
	 "186460",
	 2,
	 {{.correlation = ID2 ".s", .code = RESPONSE_AT, .message = empty},
	  {.correlation = ID2, .code = RESPONSE_AT, .message = empty}}},
	{"R2e",
	 "8184782838396564333639622d306665642d343139342d613730332d6161626237666538313330622e652e73"
	 "186319020260",
	 1,
	 {{.correlation = ID2 ".s", .code = RESPONSE_ERROR, .cme_error = 514, .message = empty}}},
	{"R3",
	 "8183782638306238303935652d323731342d343539652d626438622d3337343564383431306131382e661864"
	 "60",
	 1,
	 {{.correlation = ID3, .code = RESPONSE_AT, .message = empty}}},
	{"R3e",
	 "8184782638306238303935652d323731342d343539652d626438622d3337343564383431306131382e661863"
	 "00654552524f52",
	 1,
	 {{.correlation = ID3, .code = RESPONSE_ERROR, .cme_error = 0, .message = error}}},
	{"R4",
	 "8182782765353235363931382d616261392d346431322d386238372d6632633037616666656335642e313418"
	 "65",
	 1,
	 {{.correlation = ID4, .code = RESPONSE_CONFIG}}},
};

static void assert_same(const struct response *a, const struct response *b)
{
	assert_string_equal(a->correlation, b->correlation);
	assert_int_equal(a->code, b->code);
	assert_true(a->cme_error == b->cme_error);
	if (b->message)
		assert_string_equal(a->message, b->message);
	else
		assert_null(a->message);
}

static void vectors_decode_to_their_fields(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		_cleanup_(response_list_done) struct response_list list = RESPONSE_LIST_INIT;
		_cleanup_(freep) uint8_t *body = NULL;
		size_t len;

		body = mutate_unhex(vectors[i].hex, &len);
		assert_int_equal(response_list_decode(body, len, &list), 0);
		assert_int_equal(list.n, vectors[i].n);
		for (size_t k = 0; k < list.n; k++)
			assert_same(&list.items[k], &vectors[i].responses[k]);
	}
}

static void vectors_encode_to_the_same_bytes(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		_cleanup_(freep) uint8_t *body = NULL;
		uint8_t got[256];
		size_t len, got_len, n, sum = 1;

		body = mutate_unhex(vectors[i].hex, &len);
		assert_int_equal(response_list_encode(vectors[i].responses, vectors[i].n, got, len,
						      &got_len, &n),
				 0);
		assert_int_equal(n, vectors[i].n);
		assert_int_equal(got_len, len);
		assert_memory_equal(got, body, len);
		for (size_t k = 0; k < n; k++)
			sum += response_size(&vectors[i].responses[k]);
		assert_int_equal(sum, len);
	}
}

static void try_body(const uint8_t *body, size_t len)
{
	_cleanup_(response_list_done) struct response_list list = RESPONSE_LIST_INIT,
							   again = RESPONSE_LIST_INIT;
	uint8_t got[1024];
	size_t got_len, n;

	if (response_list_decode(body, len, &list) != 0)
		return;
	assert_int_equal(response_list_encode(list.items, list.n, got, sizeof(got), &got_len, &n),
			 0);
	assert_int_equal(n, list.n);
	assert_int_equal(response_list_decode(got, got_len, &again), 0);
	assert_int_equal(again.n, list.n);
	for (size_t i = 0; i < n; i++)
		assert_same(&again.items[i], &list.items[i]);
}

static void try_refused(const uint8_t *body, size_t len)
{
	struct response_list list;

	assert_int_equal(response_list_decode(body, len, &list), RESPONSE_E_SYNTAX);
}

static void damaged_vectors_are_refused_or_mean_what_they_say(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		_cleanup_(freep) uint8_t *body = NULL;
		size_t len;

		body = mutate_unhex(vectors[i].hex, &len);
		mutate_truncate(body, len, try_refused);
		mutate_append(body, len, try_refused);
		mutate_corrupt(body, len, try_body);
	}
}

static void decoding_reports_each_failed_allocation(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		_cleanup_(freep) uint8_t *body = NULL;
		size_t len, k;
		int r;

		body = mutate_unhex(vectors[i].hex, &len);
		for (k = 0;; k++) {
			struct response_list list = {.n = 77};

			failing_arm(k);
			r = response_list_decode(body, len, &list);
			failing_disarm();
			if (r == 0) {
				response_list_done(&list);
				break;
			}
			assert_int_equal(r, -ENOMEM);
			assert_int_equal(list.n, 77);
		}
		assert_true(k > 0);
	}
}

static void any_malformed_response_refuses_the_body(void **state)
{
	static const struct {
		const char *hex;
		int error;
	} rows[] = {
		{"", RESPONSE_E_SYNTAX},
		{"80", RESPONSE_E_EMPTY},
		{"8000", RESPONSE_E_SYNTAX},
		{"a0", RESPONSE_E_SYNTAX},
		{"9f82616b1866ff", RESPONSE_E_SYNTAX},
		{"9bffffffffffffffff", RESPONSE_E_SYNTAX},
		{"8182616b1862", RESPONSE_E_SYNTAX},               /* code 98 */
		{"8182616b1867", RESPONSE_E_SYNTAX},               /* code 103 */
		{"8182616b1b0000000100000066", RESPONSE_E_SYNTAX}, /* 102 in the low half only */
		{"8182616b3866", RESPONSE_E_SYNTAX},               /* a negative code */
		{"8183616b186600", RESPONSE_E_SYNTAX},             /* finished with an item */
		{"8182616b1864", RESPONSE_E_SYNTAX},               /* AT without text */
		{"8183616b186400", RESPONSE_E_SYNTAX},             /* text as number */
		{"8183616b18646100", RESPONSE_E_SYNTAX},           /* NUL */
		{"8183616b186461ff", RESPONSE_E_SYNTAX},           /* not UTF-8 */
		{"8183616b186440", RESPONSE_E_SYNTAX},             /* bytes */
		{"8183616b1863"
		 "60",
		 RESPONSE_E_SYNTAX}, /* error without its number */
		{"8184616b1863"
		 "2060",
		 RESPONSE_E_SYNTAX},                 /* a negative number */
		{"8182601866", RESPONSE_E_SYNTAX},   /* empty id */
		{"818261001866", RESPONSE_E_SYNTAX}, /* NUL in the id */
		{"8182416b1866", RESPONSE_E_SYNTAX}, /* id as bytes */
		{"8182616b1866"
		 "82616c1866",
		 RESPONSE_E_SYNTAX},                 /* one more than claimed */
		{"8282616b1866", RESPONSE_E_SYNTAX}, /* one less */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(freep) uint8_t *body = NULL;
		struct response_list list;
		size_t len;

		body = mutate_unhex(rows[i].hex, &len);
		if (response_list_decode(body, len, &list) != rows[i].error)
			fail_msg("row %zu", i);
	}
}

static void an_error_number_may_be_any_unsigned_integer(void **state)
{
	struct response r = {.correlation = "k", .code = RESPONSE_ERROR, .message = empty};
	static const uint64_t numbers[] = {
		0,         23, 24, 255, 256, 65535, 65536, UINT32_MAX, (uint64_t)UINT32_MAX + 1,
		UINT64_MAX};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		_cleanup_(response_list_done) struct response_list list = RESPONSE_LIST_INIT;
		uint8_t body[64];
		size_t len, n;

		r.cme_error = numbers[i];
		assert_int_equal(response_list_encode(&r, 1, body, sizeof(body), &len, &n), 0);
		assert_int_equal(len, 1 + response_size(&r));
		assert_int_equal(response_list_decode(body, len, &list), 0);
		assert_true(list.items[0].cme_error == numbers[i]);
	}
}

static char *text_of(size_t len)
{
	char *text = malloc(len + 1);

	memset(text, 'x', len);
	text[len] = '\0';
	return text;
}

static void limits_hold_at_their_maximum_and_break_above(void **state)
{
	static uint8_t body[BODY_MAX + 1];
	_cleanup_(freep) char *text = text_of(BODY_MAX);

	(void)state;
	for (size_t over = 0; over < 2; over++) {
		const int refused = over > 0 ? RESPONSE_E_SYNTAX : 0;
		struct response_list list = RESPONSE_LIST_INIT;
		struct response r = {.correlation = "k", .code = RESPONSE_AT};
		struct writer w;
		size_t len, n;

		writer_init(&w, body, sizeof(body));
		writer_bytes(&w, "\x81\x82", 2);
		item_write_text(&w, text, CORRELATION_MAX + over);
		item_write_uint(&w, RESPONSE_CONFIG);
		assert_int_equal(response_list_decode(body, w.len, &list), refused);
		response_list_done(&list);

		writer_init(&w, body, sizeof(body));
		writer_bytes(&w, "\x81\x83\x61k\x18\x64", 6);
		item_write_text(&w, text, AT_ANSWER_MAX + over);
		assert_int_equal(response_list_decode(body, w.len, &list), refused);
		response_list_done(&list);

		r.message = text_of(AT_ANSWER_MAX + over);
		assert_int_equal(response_list_encode(&r, 1, body, sizeof(body), &len, &n),
				 over > 0 ? -EINVAL : 0);
		free(r.message);

		writer_init(&w, body, sizeof(body));
		item_write_array(&w, COMMANDS_MAX + over);
		for (size_t i = 0; i < COMMANDS_MAX + over; i++)
			writer_bytes(&w, "\x82\x61k\x18\x66", 5);
		assert_int_equal(response_list_decode(body, w.len, &list),
				 over > 0 ? RESPONSE_E_TOO_MANY : 0);
		response_list_done(&list);
	}
}

static void a_body_holds_bytes_up_to_its_limit(void **state)
{
	static uint8_t body[BODY_MAX + 1];

	(void)state;
	for (size_t over = 0; over < 2; over++) {
		_cleanup_(response_list_done) struct response_list list = RESPONSE_LIST_INIT;
		_cleanup_(freep) char *text = text_of(AT_ANSWER_MAX);
		struct writer w;

		/* Three full answers, and a fourth that fills the rest. */
		writer_init(&w, body, sizeof(body));
		item_write_array(&w, 4);
		for (size_t i = 0; i < 4; i++) {
			const size_t left = BODY_MAX + over - w.len;

			writer_bytes(&w, "\x83\x61k\x18\x64", 5);
			item_write_text(&w, text, i < 3 ? AT_ANSWER_MAX : left - 8);
		}
		assert_int_equal(w.len, BODY_MAX + over);
		assert_int_equal(response_list_decode(body, w.len, &list),
				 over > 0 ? RESPONSE_E_SYNTAX : 0);
	}
}

static void a_report_is_split_where_the_service_stops_taking(void **state)
{
	const struct response *r2 = vectors[1].responses;
	const size_t first = 1 + response_size(&r2[0]), both = first + response_size(&r2[1]);
	uint8_t body[256];
	size_t len, n;

	(void)state;
	for (size_t size = 0; size < both + 2; size++) {
		const int r = response_list_encode(r2, 2, body, size, &len, &n);

		if (size < first) {
			assert_int_equal(r, -ENOBUFS);
			continue;
		}
		assert_int_equal(r, 0);
		assert_int_equal(n, size < both ? 1 : 2);
		assert_int_equal(len, size < both ? first : both);
	}
}

static void a_report_never_holds_more_than_a_body_may(void **state)
{
	static struct response many[COMMANDS_MAX + 1];
	uint8_t body[256];
	size_t len, n;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(many); i++)
		many[i] = (struct response){.correlation = "k", .code = RESPONSE_CONFIG};
	assert_int_equal(response_list_encode(many, ARRAY_SIZE(many), body, sizeof(body), &len, &n),
			 0);
	assert_int_equal(n, COMMANDS_MAX);
}

static void encoding_refuses_what_decoding_would(void **state)
{
	static char bad[] = "\xc3";
	const struct response rows[] = {
		{.correlation = "", .code = RESPONSE_CONFIG},
		{.correlation = "\xff", .code = RESPONSE_CONFIG},
		{.correlation = "k", .code = (enum response_code)98},
		{.correlation = "k", .code = RESPONSE_AT},
		{.correlation = "k", .code = RESPONSE_ERROR},
		{.correlation = "k", .code = RESPONSE_AT, .message = bad},
	};
	uint8_t body[64];
	size_t len, n;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(response_list_encode(&rows[i], 1, body, sizeof(body), &len, &n),
				 -EINVAL);
	assert_int_equal(response_list_encode(rows, 0, body, sizeof(body), &len, &n), -EINVAL);
}

static void defect_08_an_at_answer_fails_when_it_ends_in_a_bare_error(void **state)
{
	static const char *const ok[] = {
		"",
		"\r\n",
		"OK",
		"OK\r\n",
		"\r\nOK\r\n",
		"%KEYGEN: \"a.b\"\r\nOK\r\n",
		"%CMNG: ERROR",
		"+CME ERROR: 513\r\n", /* an ignored one: stock devices report it as success */
		"ERROR\r\nOK\r\n",
		"ERROR\r\nOK",
		"ERROR: no",
	};
	static const char *const failed[] = {"ERROR",        "ERROR\r\n",       "\r\nERROR\r\n",
					     "a\nERROR\n\n", "NOT OK\r\nERROR", "OKAY\nERROR"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ok); i++)
		assert_true(response_at_ok(ok[i]));
	for (size_t i = 0; i < ARRAY_SIZE(failed); i++)
		assert_false(response_at_ok(failed[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors_decode_to_their_fields),
		cmocka_unit_test(vectors_encode_to_the_same_bytes),
		cmocka_unit_test(damaged_vectors_are_refused_or_mean_what_they_say),
		cmocka_unit_test(decoding_reports_each_failed_allocation),
		cmocka_unit_test(any_malformed_response_refuses_the_body),
		cmocka_unit_test(an_error_number_may_be_any_unsigned_integer),
		cmocka_unit_test(limits_hold_at_their_maximum_and_break_above),
		cmocka_unit_test(a_body_holds_bytes_up_to_its_limit),
		cmocka_unit_test(a_report_is_split_where_the_service_stops_taking),
		cmocka_unit_test(a_report_never_holds_more_than_a_body_may),
		cmocka_unit_test(encoding_refuses_what_decoding_would),
		cmocka_unit_test(defect_08_an_at_answer_fails_when_it_ends_in_a_bare_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
