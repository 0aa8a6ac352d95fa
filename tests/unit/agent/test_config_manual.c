/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "agent/config_exports.h"
#include "agent/config_keys.h"
#include "base/file.h"

/* The manual's own lines about a key: from its .It, which it may share, to the next. NULL when it
 * has none. */
static char *item_of(const char *manual, const struct config_key *key)
{
	char heading[64], name[64];
	const char *section, *section_end;

	snprintf(heading, sizeof(heading), "\n.Sh [%s]\n", key->section);
	snprintf(name, sizeof(name), "Cm %s", key->name);
	section = strstr(manual, heading);
	if (!section)
		return NULL;
	section_end = strstr(section + 1, "\n.Sh ");
	if (!section_end)
		return NULL;
	for (const char *at = section; at && at < section_end; at = strstr(at + 1, "\n.It ")) {
		size_t line = strcspn(at + 1, "\n");
		const char *found = memmem(at, line + 1, name, strlen(name)), *end;

		if (!found || (found[strlen(name)] != '\n' && found[strlen(name)] != ' '))
			continue;
		end = strstr(at + 1, "\n.It ");
		if (!end || end > section_end)
			end = section_end;
		return strndup(at, (size_t)(end - at));
	}
	return NULL;
}

/* As a word by itself, the last part of a path. */
static bool names_default(const char *item, const char *fallback)
{
	const char *word =
		strrchr(fallback, '/') && fallback[0] == '/' && strstr(fallback, "/onboardd/")
			? strrchr(fallback, '/') + 1
			: fallback;

	for (const char *at = item; (at = strstr(at, word)); at++) {
		char before = at == item ? ' ' : at[-1], after = at[strlen(word)];

		if (strchr(" \n", before) && strchr(" \n\t,", after))
			return true;
	}
	return false;
}

static void has_item(const char *manual, const struct config_key *key)
{
	_cleanup_(freep) char *item = item_of(manual, key);

	if (!item)
		print_error("[%s] %s is not in the manual\n", key->section, key->name);
	assert_non_null(item);
	if (key->fallback && !names_default(item, key->fallback)) {
		print_error("[%s] %s: the manual does not say %s\n", key->section, key->name,
			    key->fallback);
		fail();
	}
}

static void every_key_is_in_the_manual_with_its_default(void **state)
{
	_cleanup_(secret_done) struct secret manual = SECRET_INIT;
	const char *source = getenv("ONBOARD_SOURCE_DIR");
	char path[512];

	(void)state;
	snprintf(path, sizeof(path), "%s/man/onboardd.conf.5", source ? source : ".");
	assert_int_equal(file_read(path, 1 << 20, &manual), 0);
	for (size_t i = 0; i < config_n_keys; i++)
		has_item((const char *)manual.data, &config_keys[i]);
	for (size_t i = 0; i < CONFIG_EXPORT_N_KEYS; i++)
		has_item((const char *)manual.data,
			 &(struct config_key){.section = "export \\(dqNAME\\(dq",
					      .name = config_export_keys[i].name,
					      .fallback = config_export_keys[i].fallback});
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_key_is_in_the_manual_with_its_default),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
