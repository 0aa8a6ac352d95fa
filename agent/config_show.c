/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/config_show.h"

#include <inttypes.h>
#include <string.h>

#include "agent/config_exports.h"
#include "agent/config_keys.h"
#include "agent/duration.h"

#define LINE_MAX_LEN 160 /* of a list; inih takes 198 */

/* A list may be longer than a line can be, and goes on in the next one as in a file. */
static void show_words(const char *name, char *const *words, FILE *f)
{
	const size_t begin = strlen(name) + strlen(" =");
	size_t len = begin;

	for (; words && *words; words++) {
		if (len > begin && len + 1 + strlen(*words) > LINE_MAX_LEN) {
			fprintf(f, "\n%s =", name);
			len = begin;
		}
		fprintf(f, " %s", *words);
		len += 1 + strlen(*words);
	}
	fputc('\n', f);
}

static void show_duration(uint64_t ms, FILE *f)
{
	char text[DURATION_TEXT_MAX];

	duration_format(ms, text);
	fprintf(f, " %s\n", text);
}

static void show_value(const struct config *c, const struct config_key *key, FILE *f)
{
	const void *place = (const char *)c + key->offset;

	switch (config_form_of(key->kind)) {
	case CONFIG_FORM_BOOL:
		fprintf(f, " %s\n", *(const bool *)place ? "yes" : "no");
		return;
	case CONFIG_FORM_NUMBER:
		fprintf(f, " %" PRIu64 "\n", config_key_number(c, key));
		return;
	case CONFIG_FORM_DURATION:
		show_duration(config_key_number(c, key), f);
		return;
	case CONFIG_FORM_TEXT:
		fprintf(f, " %s\n", *(const char *const *)place ? *(const char *const *)place : "");
		return;
	case CONFIG_FORM_WORDS:
		show_words(key->name, *(char *const *const *)place, f);
		return;
	case CONFIG_FORM_COMMAND: /* its words may be anything */
		if (*(char *const *const *)place)
			fprintf(f, " %s ...\n", **(char *const *const *)place);
		else
			fputc('\n', f);
		return;
	}
}

static void show_export(const struct config_export *e, FILE *f)
{
	fprintf(f, "[export \"%s\"]\ntag = %" PRIu32 "\ndirectory = %s\n", e->spec.name,
		e->spec.tag, e->spec.directory ? e->spec.directory : "");
	if (e->hook)
		fprintf(f, "hook = %s\n", e->hook);
	if (e->hook_command)
		fprintf(f, "hook-command = %s ...\n", e->hook_command[0]);
}

void config_show(const struct config *c, FILE *f)
{
	const char *section = "";

	for (size_t i = 0; i < config_n_keys; i++) {
		const struct config_key *key = &config_keys[i];

		if (strcmp(key->section, section) != 0)
			fprintf(f, "[%s]\n", key->section);
		section = key->section;
		fprintf(f, "%s =", key->name);
		show_value(c, key, f);
	}
	for (size_t i = 0; i < c->n_exports; i++)
		show_export(&c->exports[i], f);
}
