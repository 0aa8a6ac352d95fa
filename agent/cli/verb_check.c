/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "agent/cli/check.h"
#include "agent/cli/show.h"
#include "agent/cli/verbs.h"
#include "agent/doctor/examine.h"
#include "base/exitcode.h"

int check_run(const char *config_file, struct doctor_report *ret)
{
	struct doctor_facts facts;
	int r = doctor_examine(config_file, &facts);

	if (r < 0) {
		fprintf(stderr, "onboardctl: checking failed: %s\n", strerror(-r));
		return EXIT_CODE_FAILED;
	}
	doctor_diagnose(&facts, ret);
	return 0;
}

static json_t *finding_json(const struct doctor_report *r, enum doctor_check c)
{
	const struct doctor_finding *f = &r->findings[c];

	return json_pack("{s:s, s:s, s:s, s:s*, s:s*}", "check", doctor_check_name(c), "status",
			 doctor_level_name(f->level), "detail", f->what, "means", f->means,
			 "remedy", *f->remedy ? f->remedy : NULL);
}

json_t *check_json(const struct doctor_report *r)
{
	json_t *list = json_array();
	int failed = 0;

	for (unsigned int i = 0; list && i < DOCTOR_N_CHECKS; i++)
		failed |= json_array_append_new(list, finding_json(r, (enum doctor_check)i));
	if (failed != 0) {
		json_decref(list);
		return NULL;
	}
	return json_pack("{s:o, s:o, s:i}", "checks", list, "cause",
			 r->cause < DOCTOR_N_CHECKS ? finding_json(r, r->cause) : json_null(),
			 "exit", (int)doctor_exit_code(r));
}

/* The others that failed by themselves: what needs the cause was skipped. */
static void show_others(const struct doctor_report *r)
{
	char names[256] = "";
	size_t len = 0;

	for (unsigned int i = r->cause + 1; i < DOCTOR_N_CHECKS; i++)
		if (r->findings[i].level == DOCTOR_FAILED && len < sizeof(names))
			len += (size_t)snprintf(names + len, sizeof(names) - len, "%s%s",
						len > 0 ? ", " : "",
						doctor_check_name((enum doctor_check)i));
	if (len > 0)
		show_field("Also failed", names);
}

void check_show(const struct doctor_report *r)
{
	const struct doctor_finding *f = &r->findings[r->cause];
	char text[sizeof(f->what) + 64];

	for (unsigned int i = 0; i < DOCTOR_N_CHECKS; i++) {
		printf("%-8s  ", doctor_level_name(r->findings[i].level));
		show_words(doctor_check_name((enum doctor_check)i), 16, r->findings[i].what, 26);
	}
	putchar('\n');
	if (r->cause == DOCTOR_N_CHECKS) {
		show_field("Cause", "none: everything that could be checked is well");
		return;
	}
	snprintf(text, sizeof(text), "%s: %s", doctor_check_name(r->cause), f->what);
	show_field("Cause", text);
	show_field("It means", f->means);
	show_field("Remedy", f->remedy);
	show_others(r);
}

int verb_check(int argc, char **argv)
{
	_cleanup_(json_decrefp) json_t *json = NULL;
	const char *config_file = NULL;
	struct doctor_report report;
	bool as_json = false;
	const struct option_place options[] = {
		{"json", .flag = &as_json},
		{"config", .text = &config_file},
	};
	int r;

	r = verb_options("check", argc, argv, options, ARRAY_SIZE(options));
	if (r != 0)
		return r;
	r = check_run(config_file, &report);
	if (r != 0)
		return r;
	if (as_json) {
		json = check_json(&report);
		show_json(json, false);
	} else {
		check_show(&report);
	}
	return (int)doctor_exit_code(&report);
}
