/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/agent/config_place.h"

#include "agent/config_show.h"

static char *show(const struct config *c)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	assert_non_null(f);
	config_show(c, f);
	assert_int_equal(fclose(f), 0);
	return text;
}

/* Loads what is shown, and shows it again. */
static void assert_shown_is_loaded(struct place *p, const char *text)
{
	_cleanup_(config_freep) struct config *c = place_load_text(p, text), *again = NULL;
	_cleanup_(freep) char *once = show(c), *twice = NULL;

	again = place_load_text(p, once);
	twice = show(again);
	assert_string_equal(once, twice);
}

static void what_is_shown_is_a_configuration_and_the_same_one(void **state)
{
	assert_shown_is_loaded(*state, "");
	assert_shown_is_loaded(*state, "[provisioning]\nserver = a.example\nport = 1\n"
				       "retry-first = 90s\n[hooks]\noffline = /bin/a b c\n"
				       "[export \"mqtt\"]\ndirectory = /var/lib/mqtt\n");
}

static void a_list_that_is_longer_than_a_line_goes_on_in_the_next_one(void **state)
{
	char text[1024] = "[config-keys]\n";

	for (unsigned int i = 0; i < 12; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text),
			 "allow = a-key-of-some-length/%02u another-one/%02u\n", i, i);
	assert_shown_is_loaded(*state, text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PLACE_TEST(what_is_shown_is_a_configuration_and_the_same_one),
		PLACE_TEST(a_list_that_is_longer_than_a_line_goes_on_in_the_next_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
