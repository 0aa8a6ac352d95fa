/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "proto/command.h"
#include "proto/item.h"
#include "tests/unit/proto/failing.h"
#include "tests/unit/proto/mutate.h"

/* docs/protocol.md §4.5 */
#define ID1 "9685ef84-8cac-4257-b5cc-94bc416a1c1d.d"
#define ID2 "89ed369b-0fed-4194-a703-aabb7fe8130b.e"
#define ID3 "80b8095e-2714-459e-bd8b-3745d8410a18.f"
#define ID4 "e5256918-aba9-4d12-8b87-f2c07affec5d.14"

static char verb_cmng[] = "%CMNG", verb_keygen[] = "%KEYGEN";
static char delete_key[] = "3,16842753,2", make_key[] = "16842753,2,1";
static char make_endorsement[] = "16842753,8,1";
static char interval[] = "provisioning/interval-sec", ninety_nine[] = "99";

static const struct {
	const char *name, *hex;
	size_t n;
	struct command commands[2];
} vectors[] = {
	{"C1",
	 "8182782639363835656638342d386361632d343235372d623563632d3934626334313661316331642e6402",
	 1,
	 {{.correlation = ID1, .type = COMMAND_FINISHED}}},
	{"C2",
	 "8285782838396564333639622d306665642d343139342d613730332d6161626237666538313330622e652e73"
	 "006525434d4e476c332c31363834323735332c328119020185782638396564333639622d306665642d343139"
	 "342d613730332d6161626237666538313330622e650067254b455947454e6c31363834323735332c322c3180",
	 2,
	 {{.correlation = ID2 ".s",
	   .type = COMMAND_AT,
	   .verb = verb_cmng,
	   .parameters = delete_key,
	   .ignore_cme = {513},
	   .n_ignore_cme = 1},
	  {.correlation = ID2, .type = COMMAND_AT, .verb = verb_keygen, .parameters = make_key}}},
	{"C3",
	 "8185782638306238303935652d323731342d343539652d626438622d3337343564383431306131382e660067"
	 "254b455947454e6c31363834323735332c382c3180",
	 1,
	 {{.correlation = ID3,
	   .type = COMMAND_AT,
	   .verb = verb_keygen,
	   .parameters = make_endorsement}}},
	{"C4",
	 "8183782765353235363931382d616261392d346431322d386238372d6632633037616666656335642e313401"
	 "a1781970726f766973696f6e696e672f696e74657276616c2d736563623939",
	 1,
	 {{.correlation = ID4,
	   .type = COMMAND_CONFIG,
	   .pairs = {{interval, ninety_nine}},
	   .n_pairs = 1}}},
};

static void assert_same(const struct command *a, const struct command *b)
{
	assert_string_equal(a->correlation, b->correlation);
	assert_int_equal(a->type, b->type);
	if (a->type == COMMAND_AT) {
		assert_string_equal(a->verb, b->verb);
		assert_string_equal(a->parameters, b->parameters);
	} else {
		assert_null(a->verb);
		assert_null(a->parameters);
	}
	assert_int_equal(a->n_ignore_cme, b->n_ignore_cme);
	for (size_t i = 0; i < a->n_ignore_cme; i++)
		assert_int_equal(a->ignore_cme[i], b->ignore_cme[i]);
	assert_int_equal(a->n_pairs, b->n_pairs);
	for (size_t i = 0; i < a->n_pairs; i++) {
		assert_string_equal(a->pairs[i].key, b->pairs[i].key);
		assert_string_equal(a->pairs[i].value, b->pairs[i].value);
	}
}

static void vectors_decode_to_their_fields(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		_cleanup_(command_list_done) struct command_list list = COMMAND_LIST_INIT;
		_cleanup_(freep) uint8_t *body = NULL;
		size_t len;

		body = mutate_unhex(vectors[i].hex, &len);
		assert_int_equal(command_list_decode(body, len, COMMANDS_MAX, &list), 0);
		assert_int_equal(list.n, vectors[i].n);
		for (size_t k = 0; k < list.n; k++)
			assert_same(&list.items[k], &vectors[i].commands[k]);
	}
}

static void vectors_encode_to_the_same_bytes(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		_cleanup_(freep) uint8_t *body = NULL;
		uint8_t got[256];
		size_t len, got_len;

		body = mutate_unhex(vectors[i].hex, &len);
		for (size_t size = 0; size < len; size++)
			assert_int_equal(command_list_encode(vectors[i].commands, vectors[i].n, got,
							     size, &got_len),
					 -ENOBUFS);
		assert_int_equal(
			command_list_encode(vectors[i].commands, vectors[i].n, got, len, &got_len),
			0);
		assert_int_equal(got_len, len);
		assert_memory_equal(got, body, len);
	}
}

/* What decodes has a meaning: unless a command was found invalid it encodes, and means the same. */
static void try_body(const uint8_t *body, size_t len)
{
	_cleanup_(command_list_done) struct command_list list = COMMAND_LIST_INIT,
							 again = COMMAND_LIST_INIT;
	uint8_t got[1024];
	size_t got_len;

	if (command_list_decode(body, len, COMMANDS_MAX, &list) != 0)
		return;
	for (size_t i = 0; i < list.n; i++) {
		if (list.items[i].type == COMMAND_INVALID) {
			assert_non_null(list.items[i].problem);
			assert_true(list.items[i].correlation[0] != '\0');
			return;
		}
		assert_null(list.items[i].problem);
	}
	assert_int_equal(command_list_encode(list.items, list.n, got, sizeof(got), &got_len), 0);
	assert_int_equal(command_list_decode(got, got_len, COMMANDS_MAX, &again), 0);
	assert_int_equal(again.n, list.n);
	for (size_t i = 0; i < list.n; i++)
		assert_same(&list.items[i], &again.items[i]);
}

static void try_refused(const uint8_t *body, size_t len)
{
	struct command_list list;

	assert_int_equal(command_list_decode(body, len, COMMANDS_MAX, &list), COMMAND_E_SYNTAX);
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
			struct command_list list = {(struct command *)&list, 77};

			failing_arm(k);
			r = command_list_decode(body, len, COMMANDS_MAX, &list);
			failing_disarm();
			if (r == 0) {
				command_list_done(&list);
				break;
			}
			assert_int_equal(r, -ENOMEM);
			assert_int_equal(list.n, 77); /* untouched */
		}
		assert_true(k > 0);
	}
}

static int decode_hex(const char *hex, struct command_list *ret)
{
	_cleanup_(freep) uint8_t *body = NULL;
	size_t len;

	body = mutate_unhex(hex, &len);
	return command_list_decode(body, len, 3, ret);
}

static void a_body_that_is_no_array_of_arrays_is_refused_whole(void **state)
{
	static const struct {
		const char *hex;
		int error;
	} rows[] = {
		{"", COMMAND_E_SYNTAX},
		{"80", COMMAND_E_EMPTY},
		{"8000", COMMAND_E_SYNTAX},
		{"a0", COMMAND_E_SYNTAX},
		{"00", COMMAND_E_SYNTAX},
		{"8100", COMMAND_E_SYNTAX},
		{"81a161610000", COMMAND_E_SYNTAX},
		{"9f82616102ff", COMMAND_E_SYNTAX},       /* indefinite body */
		{"819f616102ff", COMMAND_E_SYNTAX},       /* indefinite command */
		{"81827f6161ff02", COMMAND_E_SYNTAX},     /* indefinite id */
		{"9bffffffffffffffff", COMMAND_E_SYNTAX}, /* a claim of 2^64 - 1 commands */
		{"9a7fffffff82616102", COMMAND_E_SYNTAX}, /* of 2^31 - 1 */
		{"81837f", COMMAND_E_SYNTAX},
		{"818361617bffffffffffffffff", COMMAND_E_SYNTAX},
		{"8183616101bb8000000000000000", COMMAND_E_SYNTAX},
		{"8482616102826162028261630282616402", COMMAND_E_TOO_MANY},
		{"8180", COMMAND_E_ID},
		{"818102", COMMAND_E_ID},
		{"81820002", COMMAND_E_ID},
		{"81824002", COMMAND_E_ID},     /* a byte string */
		{"81826002", COMMAND_E_ID},     /* empty */
		{"8182610002", COMMAND_E_ID},   /* NUL */
		{"818261ff02", COMMAND_E_ID},   /* not UTF-8 */
		{"818262c08002", COMMAND_E_ID}, /* overlong NUL */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct command_list list;

		assert_int_equal(decode_hex(rows[i].hex, &list), rows[i].error);
	}
}

static void one_bad_command_keeps_its_id_and_leaves_the_others(void **state)
{
	static const char *const bad[] = {
		"81616b",                       /* no type */
		"82616b03",                     /* unknown type */
		"86616b0301828001a1000101",     /* unknown type with nested items */
		"82616b20",                     /* negative type */
		"82616b1bffffffffffffffff",     /* a type beyond int */
		"82616b6130",                   /* a text as type */
		"83616b0200",                   /* finished with an item */
		"82616b01",                     /* config without its map */
		"82616b00",                     /* AT without its items */
		"84616b0061256131",             /* AT without its ignore list */
		"86616b00612561318000",         /* AT with an item too many */
		"85616b004125613180",           /* verb as bytes */
		"85616b0060613180",             /* empty verb */
		"85616b006100613180",           /* NUL in the verb */
		"85616b0061ff613180",           /* verb not UTF-8 */
		"85616b0061250080",             /* parameters as number */
		"85616b006125610080",           /* NUL in the parameters */
		"85616b006125613100",           /* ignore list as number */
		"85616b00612561318120",         /* negative ignored code */
		"85616b0061256131811a00010000", /* a code that fits no uint16 */
		"85616b006125613187010203040506"
		"07",                 /* seven codes */
		"83616b0180",         /* config as an array */
		"83616b01a1006131",   /* key as number */
		"83616b01a1606131",   /* empty key */
		"83616b01a1616101",   /* value as number */
		"83616b01a161616100", /* NUL in the value */
		"83616b01a261616131"
		"61616132",         /* one key twice */
		"83616b02d9d9f780", /* a tag where nothing belongs */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		_cleanup_(command_list_done) struct command_list list = COMMAND_LIST_INIT;
		char hex[256];

		snprintf(hex, sizeof(hex), "8382616102%s82617a02", bad[i]);
		if (decode_hex(hex, &list) != 0)
			fail_msg("row %zu refused the body", i);
		assert_int_equal(list.n, 3);
		assert_int_equal(list.items[0].type, COMMAND_FINISHED);
		if (list.items[1].type != COMMAND_INVALID)
			fail_msg("row %zu was taken", i);
		assert_string_equal(list.items[1].correlation, "k");
		assert_non_null(list.items[1].problem);
		assert_null(list.items[1].verb);
		assert_int_equal(list.items[1].n_pairs, 0);
		assert_int_equal(list.items[2].type, COMMAND_FINISHED);
		assert_string_equal(list.items[2].correlation, "z");
	}
}

static void numbers_in_longer_forms_are_understood(void **state)
{
	_cleanup_(command_list_done) struct command_list list = COMMAND_LIST_INIT;

	(void)state;
	assert_int_equal(decode_hex("98019900027900016b1900"
				    "02",
				    &list),
			 0);
	assert_int_equal(list.n, 1);
	assert_string_equal(list.items[0].correlation, "k");
	assert_int_equal(list.items[0].type, COMMAND_FINISHED);
}

/* Text of len times 'x'. */
static char *text_of(size_t len)
{
	char *text = malloc(len + 1);

	memset(text, 'x', len);
	text[len] = '\0';
	return text;
}

struct sizes {
	size_t id, verb, parameters, ignore, pairs, key, value;
};

/* A body of one command with fields of these sizes, as no encoder of ours would refuse to. */
static size_t body_of(const struct sizes *s, uint8_t *body, size_t size)
{
	_cleanup_(freep) char *text = text_of(BODY_MAX);
	struct writer w;

	writer_init(&w, body, size);
	item_write_array(&w, 1);
	item_write_array(&w, s->verb > 0 ? 5 : 3);
	item_write_text(&w, text, s->id);
	if (s->verb > 0) {
		item_write_uint(&w, COMMAND_AT);
		item_write_text(&w, text, s->verb);
		item_write_text(&w, text, s->parameters);
		item_write_array(&w, s->ignore);
		for (size_t i = 0; i < s->ignore; i++)
			item_write_uint(&w, i);
	} else {
		item_write_uint(&w, COMMAND_CONFIG);
		item_write_map(&w, s->pairs);
		for (size_t i = 0; i < s->pairs; i++) {
			text[0] = (char)('a' + i);
			item_write_text(&w, text, s->key);
			item_write_text(&w, text, s->value);
		}
	}
	assert_true(writer_ok(&w));
	return w.len;
}

static void every_limit_holds_at_its_maximum_and_breaks_above(void **state)
{
	static const struct {
		struct sizes sizes;
		int result;
		bool is_valid;
	} rows[] = {
		{{CORRELATION_MAX, 1, 0, 0, 0, 0, 0}, 0, true},
		{{CORRELATION_MAX + 1, 1, 0, 0, 0, 0, 0}, COMMAND_E_ID, false},
		{{1, AT_VERB_MAX, 0, 0, 0, 0, 0}, 0, true},
		{{1, AT_VERB_MAX + 1, 0, 0, 0, 0, 0}, 0, false},
		{{1, 1, AT_PARAMETERS_MAX, 0, 0, 0, 0}, 0, true},
		{{1, 1, AT_PARAMETERS_MAX + 1, 0, 0, 0, 0}, 0, false},
		{{1, AT_VERB_MAX, AT_TEXT_MAX - AT_VERB_MAX - 3, 0, 0, 0, 0}, 0, true},
		{{1, AT_VERB_MAX, AT_TEXT_MAX - AT_VERB_MAX - 2, 0, 0, 0, 0}, 0, false},
		{{1, 1, 1, IGNORE_CME_MAX, 0, 0, 0}, 0, true},
		{{1, 1, 1, IGNORE_CME_MAX + 1, 0, 0, 0}, 0, false},
		{{1, 0, 0, 0, 0, 1, 1}, 0, true},
		{{1, 0, 0, 0, CONFIG_PAIRS_MAX, 1, 0}, 0, true},
		{{1, 0, 0, 0, CONFIG_PAIRS_MAX + 1, 1, 0}, 0, false},
		{{1, 0, 0, 0, 2, CONFIG_KEY_MAX, 0}, 0, true},
		{{1, 0, 0, 0, 2, CONFIG_KEY_MAX + 1, 0}, 0, false},
		{{1, 0, 0, 0, 2, 1, CONFIG_VALUE_MAX}, 0, true},
		{{1, 0, 0, 0, 2, 1, CONFIG_VALUE_MAX + 1}, 0, false},
	};
	static uint8_t body[BODY_MAX], again[BODY_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(command_list_done) struct command_list list = COMMAND_LIST_INIT;
		size_t len = body_of(&rows[i].sizes, body, sizeof(body)), again_len;

		if (command_list_decode(body, len, COMMANDS_MAX, &list) != rows[i].result)
			fail_msg("row %zu", i);
		if (rows[i].result != 0)
			continue;
		if ((list.items[0].type != COMMAND_INVALID) != rows[i].is_valid)
			fail_msg("row %zu: %s", i, list.items[0].problem);
		assert_int_equal(
			command_list_encode(list.items, list.n, again, sizeof(again), &again_len),
			rows[i].is_valid ? 0 : -EINVAL);
		if (!rows[i].is_valid)
			continue;
		assert_int_equal(again_len, len);
		assert_memory_equal(again, body, len);
	}
}

static void a_body_holds_so_many_commands_and_bytes(void **state)
{
	static struct command commands[COMMANDS_MAX + 1];
	static uint8_t body[BODY_MAX + 1];
	_cleanup_(freep) char *text = text_of(AT_PARAMETERS_MAX);
	struct command_list list;
	struct writer w;
	size_t len;

	(void)state;
	for (size_t i = 0; i <= COMMANDS_MAX; i++)
		commands[i] = (struct command){.correlation = "k", .type = COMMAND_FINISHED};
	assert_int_equal(command_list_encode(commands, 0, body, sizeof(body), &len), -EINVAL);
	assert_int_equal(command_list_encode(commands, COMMANDS_MAX + 1, body, sizeof(body), &len),
			 -EINVAL);
	assert_int_equal(command_list_encode(commands, COMMANDS_MAX, body, sizeof(body), &len), 0);
	assert_int_equal(command_list_decode(body, len, COMMANDS_MAX - 1, &list),
			 COMMAND_E_TOO_MANY);
	assert_int_equal(command_list_decode(body, len, COMMANDS_MAX, &list), 0);
	assert_int_equal(list.n, COMMANDS_MAX);
	command_list_done(&list);

	writer_init(&w, body, sizeof(body));
	item_write_array(&w, COMMANDS_MAX + 1);
	for (size_t i = 0; i <= COMMANDS_MAX; i++)
		writer_bytes(&w, "\x82\x61k\x02", 4);
	assert_int_equal(command_list_decode(body, w.len, 1000, &list), COMMAND_E_TOO_MANY);

	/* BODY_MAX bytes, and one more, by the length of one odd item. */
	for (size_t over = 0; over < 2; over++) {
		writer_init(&w, body, sizeof(body));
		writer_bytes(&w, "\x81\x83\x61k\x07\x79", 6);
		writer_be16(&w, (uint16_t)(BODY_MAX - 8 + over));
		memset(body + w.len, 'x', BODY_MAX - 8 + over);
		assert_int_equal(command_list_decode(body, BODY_MAX + over, COMMANDS_MAX, &list),
				 over > 0 ? COMMAND_E_SYNTAX : 0);
		if (over == 0)
			command_list_done(&list);
	}

	/* Two commands that are valid each and too large together. */
	for (size_t i = 0; i < 2; i++) {
		commands[i].type = COMMAND_AT;
		commands[i].verb = verb_cmng;
		commands[i].parameters = text;
	}
	text[AT_PARAMETERS_MAX - 1] = '\0';
	assert_int_equal(command_list_encode(commands, 2, body, sizeof(body), &len), -ENOBUFS);
}

static void encoding_refuses_what_decoding_would(void **state)
{
	static char empty[] = "", bad[] = "\xff", fine[] = "x";
	const struct command rows[] = {
		{.correlation = "", .type = COMMAND_FINISHED},
		{.correlation = "\xff", .type = COMMAND_FINISHED},
		{.correlation = "k", .type = COMMAND_INVALID},
		{.correlation = "k", .type = (enum command_type)3},
		{.correlation = "k", .type = COMMAND_AT},
		{.correlation = "k", .type = COMMAND_AT, .verb = fine},
		{.correlation = "k", .type = COMMAND_AT, .verb = empty, .parameters = fine},
		{.correlation = "k", .type = COMMAND_AT, .verb = fine, .parameters = bad},
		{.correlation = "k",
		 .type = COMMAND_AT,
		 .verb = fine,
		 .parameters = fine,
		 .n_ignore_cme = IGNORE_CME_MAX + 1},
		{.correlation = "k", .type = COMMAND_CONFIG, .n_pairs = CONFIG_PAIRS_MAX + 1},
		{.correlation = "k",
		 .type = COMMAND_CONFIG,
		 .n_pairs = 2,
		 .pairs = {{fine, fine}, {fine, fine}}},
	};
	struct command unterminated = {.type = COMMAND_FINISHED};
	uint8_t body[256];
	size_t len;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(command_list_encode(&rows[i], 1, body, sizeof(body), &len),
				 -EINVAL);
	memset(unterminated.correlation, 'x', sizeof(unterminated.correlation));
	assert_int_equal(command_list_encode(&unterminated, 1, body, sizeof(body), &len), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors_decode_to_their_fields),
		cmocka_unit_test(vectors_encode_to_the_same_bytes),
		cmocka_unit_test(damaged_vectors_are_refused_or_mean_what_they_say),
		cmocka_unit_test(decoding_reports_each_failed_allocation),
		cmocka_unit_test(a_body_that_is_no_array_of_arrays_is_refused_whole),
		cmocka_unit_test(one_bad_command_keeps_its_id_and_leaves_the_others),
		cmocka_unit_test(numbers_in_longer_forms_are_understood),
		cmocka_unit_test(every_limit_holds_at_its_maximum_and_breaks_above),
		cmocka_unit_test(a_body_holds_so_many_commands_and_bytes),
		cmocka_unit_test(encoding_refuses_what_decoding_would),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
