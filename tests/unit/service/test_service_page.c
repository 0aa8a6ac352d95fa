/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include "base/text.h"
#include "service/page.h"

static unsigned int read_page(const char *limit, const char *token, char kind, struct page *ret)
{
	json_t *problem = NULL;
	unsigned int status =
		page_read(&(struct core_list){.limit = limit, .token = token}, kind, ret, &problem);

	assert_true((status == 0) == (problem == NULL));
	json_decref(problem);
	return status;
}

static void a_page_begins_where_the_one_before_ended(void **state)
{
	static const struct page ends[] = {
		{.number = 0, .text = ""},
		{.number = 1, .text = "50363154-3931-44f0-8022-121b6401627d"},
		{.number = INT64_MAX, .text = "9223372036854775807"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		json_t *page = page_json(json_array(), 'd', &ends[i]);
		const char *token = json_string_value(json_object_get(page, "pageNextToken"));
		struct page got;

		assert_int_equal(read_page(NULL, token, 'd', &got), 0);
		assert_int_equal(got.number, ends[i].number);
		assert_string_equal(got.text, ends[i].text);
		/* nor is the token of one list one of another */
		assert_int_equal(read_page(NULL, token, 'e', &got), 400);
		json_decref(page);
	}
}

static void the_last_page_has_no_token(void **state)
{
	json_t *page = page_json(json_array(), 'd', NULL);

	(void)state;
	assert_non_null(json_object_get(page, "items"));
	assert_null(json_object_get(page, "pageNextToken"));
	json_decref(page);
}

static void limits_are_numbers_within_their_range(void **state)
{
	static const char *const bad[] = {"",   "0",   "1001", "-1",  "+1",
					  "1x", "0x1", "01",   "1.5", "99999999999999999999"};
	struct page got;

	(void)state;
	assert_int_equal(read_page(NULL, NULL, 'd', &got), 0);
	assert_int_equal(got.limit, PAGE_LIMIT_DEFAULT);
	assert_int_equal(got.number, 0);
	assert_string_equal(got.text, "");
	assert_int_equal(read_page("1", NULL, 'd', &got), 0);
	assert_int_equal(got.limit, 1);
	assert_int_equal(read_page("1000", NULL, 'd', &got), 0);
	assert_int_equal(got.limit, 1000);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (read_page(bad[i], NULL, 'd', &got) != 400)
			fail_msg("%s", bad[i]);
}

static void tokens_that_were_made_up_are_refused(void **state)
{
	static const char *const plain[] = {
		"",
		"d",
		"d:",
		"d:1",
		"d:x:",
		"d:-1:",
		"d:01:",
		"d:18446744073709551615:",
		":1:",
		"e:1:",
		"d:1:0123456789012345678901234567890123456",
		"d1:",
		"dd:1:",
	};
	static const char *const raw[] = {"*", "A", "AAA=", "ZDow\n"};
	char token[128], longest[200];
	struct page got;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(plain); i++) {
		base64url_encode(plain[i], strlen(plain[i]), token);
		if (read_page(NULL, token, 'd', &got) != 400)
			fail_msg("%s", plain[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(raw); i++)
		assert_int_equal(read_page(NULL, raw[i], 'd', &got), 400);
	/* a NUL inside would end the text early */
	base64url_encode("d:1:a\0b", 7, token);
	assert_int_equal(read_page(NULL, token, 'd', &got), 400);
	memset(longest, 'A', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(read_page(NULL, longest, 'd', &got), 400);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_page_begins_where_the_one_before_ended),
		cmocka_unit_test(the_last_page_has_no_token),
		cmocka_unit_test(limits_are_numbers_within_their_range),
		cmocka_unit_test(tokens_that_were_made_up_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
