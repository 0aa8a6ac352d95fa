/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/buspair.h"
#include "wifi/busread.h"

struct told {
	char text[256];
	int answer; /* of the callback, after a number was read */
};

static void note(struct told *t, const char *word)
{
	size_t at = strlen(t->text);

	snprintf(t->text + at, sizeof(t->text) - at, "%s ", word);
}

/* Reads numbers, leaves all else. */
static int on_property(sd_bus_message *m, const char *name, void *userdata)
{
	struct told *t = userdata;
	uint32_t n;
	int r;

	note(t, name);
	if (strncmp(name, "Number", 6) != 0)
		return 0;
	r = sd_bus_message_read(m, "v", "u", &n);
	return r < 0 ? r : t->answer;
}

static int on_interface(sd_bus_message *m, const char *path, const char *interface, void *userdata)
{
	note(userdata, path);
	note(userdata, interface);
	if (strcmp(interface, "a.Wanted") != 0)
		return 0;
	return busread_properties(m, on_property, userdata) < 0 ? -EIO : 1;
}

static void what_is_not_wanted_is_skipped_whatever_it_is(void **state)
{
	sd_bus_message *m = buspair_message("a{sv}", 4, "Deep", "a{sv}", 1, "In", "as", 2, "x", "y",
					    "Number1", "u", 1, "Text", "s", "t", "Number2", "u", 2);
	struct told t = {.answer = 1};

	(void)state;
	assert_int_equal(busread_properties(m, on_property, &t), 0);
	assert_string_equal(t.text, "Deep Number1 Text Number2 ");
	assert_true(sd_bus_message_at_end(m, true));
	sd_bus_message_unref(m);
}

static void an_object_is_told_interface_by_interface(void **state)
{
	sd_bus_message *m = buspair_message("oa{sa{sv}}", "/o", 2, "a.Other", 1, "Number1", "u", 1,
					    "a.Wanted", 1, "Number2", "u", 2);
	struct told t = {.answer = 1};

	(void)state;
	assert_int_equal(busread_object(m, on_interface, &t), 0);
	assert_string_equal(t.text, "/o a.Other /o a.Wanted Number2 ");
	sd_bus_message_unref(m);
}

static void objects_are_told_one_after_the_other(void **state)
{
	sd_bus_message *m = buspair_message("a{oa{sa{sv}}}", 3, "/1", 1, "a.Wanted", 1, "Number1",
					    "u", 1, "/2", 0, "/3", 1, "a.Wanted", 0);
	struct told t = {.answer = 1};

	(void)state;
	assert_int_equal(busread_objects(m, on_interface, &t), 0);
	assert_string_equal(t.text, "/1 a.Wanted Number1 /3 a.Wanted ");
	assert_true(sd_bus_message_at_end(m, true));
	sd_bus_message_unref(m);
}

static void an_empty_list_is_fine(void **state)
{
	sd_bus_message *m = buspair_message("a{oa{sa{sv}}}", 0);
	struct told t = {0};

	(void)state;
	assert_int_equal(busread_objects(m, on_interface, &t), 0);
	assert_string_equal(t.text, "");
	sd_bus_message_unref(m);
}

static void a_callback_ends_it_with_its_error(void **state)
{
	sd_bus_message *m = buspair_message("a{sv}", 2, "Number1", "u", 1, "Number2", "u", 2);
	struct told t = {.answer = -ENOSPC};

	(void)state;
	assert_int_equal(busread_properties(m, on_property, &t), -ENOSPC);
	assert_string_equal(t.text, "Number1 ");
	sd_bus_message_unref(m);
}

static void a_property_of_another_type_is_the_callbacks_error(void **state)
{
	sd_bus_message *m = buspair_message("a{sv}", 1, "Number1", "s", "one");
	struct told t = {.answer = 1};

	(void)state;
	assert_true(busread_properties(m, on_property, &t) < 0);
	sd_bus_message_unref(m);
}

static void assert_no_such_thing(sd_bus_message *m)
{
	struct told t = {.answer = 1};

	assert_true(busread_properties(m, on_property, &t) < 0);
	assert_true(sd_bus_message_rewind(m, true) >= 0);
	assert_true(busread_object(m, on_interface, &t) < 0);
	assert_true(sd_bus_message_rewind(m, true) >= 0);
	assert_true(busread_objects(m, on_interface, &t) < 0);
	assert_string_equal(t.text, "");
	sd_bus_message_unref(m);
}

static void a_message_of_another_shape_is_an_error(void **state)
{
	(void)state;
	assert_no_such_thing(buspair_message(""));
	assert_no_such_thing(buspair_message("s", "x"));
	assert_no_such_thing(buspair_message("as", 1, "x"));
	assert_no_such_thing(buspair_message("a{ss}", 1, "x", "y"));
	assert_no_such_thing(buspair_message("o", "/x"));
	assert_no_such_thing(buspair_message("oas", "/x", 1, "y"));
	assert_no_such_thing(buspair_message("a{oas}", 1, "/x", 1, "y"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_not_wanted_is_skipped_whatever_it_is),
		cmocka_unit_test(an_object_is_told_interface_by_interface),
		cmocka_unit_test(objects_are_told_one_after_the_other),
		cmocka_unit_test(an_empty_list_is_fine),
		cmocka_unit_test(a_callback_ends_it_with_its_error),
		cmocka_unit_test(a_property_of_another_type_is_the_callbacks_error),
		cmocka_unit_test(a_message_of_another_shape_is_an_error),
	};

	return cmocka_run_group_tests(tests, buspair_open_alone, buspair_close_alone);
}
