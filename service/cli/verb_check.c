/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/exitcode.h"
#include "base/log.h"
#include "service/cli/check.h"
#include "service/cli/verbs.h"

static const char *const levels[] = {
	[CHECK_OK] = "ok", [CHECK_WARN] = "warn", [CHECK_FAIL] = "fail"};

void check_say(struct check_report *r, enum check_level level, const char *what, const char *remedy,
	       const char *format, ...)
{
	_cleanup_(freep) char *detail = NULL;
	va_list ap;

	va_start(ap, format);
	if (vasprintf(&detail, format, ap) < 0)
		detail = NULL;
	va_end(ap);
	r->worst = MAX(r->worst, level);
	(void)json_array_append_new(r->items, json_pack("{s:s, s:s, s:s, s:s?}", "check", what,
							"status", levels[level], "detail",
							detail ? detail : "?", "remedy", remedy));
}

static int print_text(const struct check_report *r)
{
	json_t *item;
	size_t i;

	json_array_foreach(r->items, i, item)
	{
		const char *remedy = json_string_value(json_object_get(item, "remedy"));

		printf("%-4s  %-12s  %s\n", json_string_value(json_object_get(item, "status")),
		       json_string_value(json_object_get(item, "check")),
		       json_string_value(json_object_get(item, "detail")));
		if (remedy)
			printf("%20s-> %s\n", "", remedy);
	}
	return fflush(stdout);
}

static int print_json(const struct check_report *r)
{
	json_auto_t *all = json_pack("{s:s, s:O}", "status", levels[r->worst], "items", r->items);

	if (!all || json_dumpf(all, stdout, JSON_INDENT(2)) < 0)
		return -1;
	putchar('\n');
	return fflush(stdout);
}

/* --json is ours, all else is what serve takes. */
static bool json_take(int *argc, char **argv)
{
	int n = 0;

	for (int i = 0; i < *argc; i++)
		if (i == 0 || strcmp(argv[i], "--json") != 0)
			argv[n++] = argv[i];
	argv[n] = NULL;
	if (n == *argc)
		return false;
	*argc = n;
	return true;
}

int verb_check(int argc, char **argv)
{
	struct check_report report = {.items = json_array(), .worst = CHECK_OK};
	bool as_json = json_take(&argc, argv);
	struct serve_options o;
	int r;

	r = report.items ? serve_options_parse(argc, argv, &o) : EXIT_CODE_FAILED;
	if (r == 0) {
		/* What is found is said below, and once. */
		log_set_level(LOG_LEVEL_ERROR);
		check_state(&report, &o);
		check_store(&report, &o);
		check_certificates(&report, &o);
		check_makers(&report, &o);
		check_ports(&report, &o);
		check_disk(&report, &o);
		check_clock(&report);
		r = (as_json ? print_json(&report) : print_text(&report)) != 0 ||
				    report.worst == CHECK_FAIL
			    ? EXIT_CODE_FAILED
			    : EXIT_CODE_DONE;
	}
	json_decref(report.items);
	return r;
}
