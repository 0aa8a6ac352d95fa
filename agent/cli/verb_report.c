/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "agent/cli/check.h"
#include "agent/cli/mask.h"
#include "agent/cli/report.h"
#include "agent/cli/verbs.h"
#include "agent/config_show.h"
#include "base/exitcode.h"
#include "base/file.h"

#define FILE_MODE 0600

static void write_check(const char *config_file, FILE *f)
{
	_cleanup_(json_decrefp) json_t *json = NULL;
	struct doctor_report report;

	if (check_run(config_file, &report) != 0)
		return;
	json = check_json(&report);
	fprintf(f, "\n== check ==\n");
	if (json && json_dumpf(json, f, JSON_INDENT(2)) == 0)
		fputc('\n', f);
}

static void write_config(const char *config_file, FILE *f)
{
	_cleanup_(config_freep) struct config *config = NULL;
	_cleanup_(freep) char *detail = NULL;

	fprintf(f, "\n== configuration, with defaults ==\n");
	if (config_load(config_file, &config, &detail) == 0)
		config_show(config, f);
	else
		fprintf(f, "%s\n", detail ? detail : "it cannot be read");
}

static void write_parts(const char *config_file, FILE *f)
{
	_cleanup_(client_freep) struct client *c = NULL;
	const time_t now = time(NULL);
	struct tm tm;
	char text[32] = "?";

	if (gmtime_r(&now, &tm))
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	fprintf(f, "onboardd report of %s\n", text);
	report_system(f);
	write_check(config_file, f);
	if (client_open(&c) != 0)
		c = NULL;
	report_daemon(c, f);
	write_config(config_file, f);
	report_journal(f);
}

/* Every line goes through the mask, whoever wrote it. */
static int mask_all(char *text, FILE *f)
{
	for (char *line; (line = strsep(&text, "\n")) != NULL && (text || *line);) {
		_cleanup_(freep) char *masked = NULL;
		int r = mask_line(line, &masked);

		if (r < 0)
			return r;
		fprintf(f, "%s\n", masked);
	}
	return 0;
}

static int gather(const char *config_file, char **ret)
{
	_cleanup_(freep) char *raw = NULL, *text = NULL;
	size_t size;
	FILE *f = open_memstream(&raw, &size);
	int r;

	if (!f)
		return -ENOMEM;
	write_parts(config_file, f);
	if (ferror(f) | fclose(f))
		return -ENOMEM;
	f = open_memstream(&text, &size);
	if (!f)
		return -ENOMEM;
	r = mask_all(raw, f);
	if (ferror(f) | fclose(f) || r < 0)
		return -ENOMEM;
	*ret = TAKE_PTR(text);
	return 0;
}

/* A new file: what somebody else put there is neither followed nor overwritten. */
static int write_new(const char *path, const char *text)
{
	_cleanup_(closep) int fd = -1;
	int r;

	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);
	r = fd < 0 ? -errno : file_write_all(fd, text, strlen(text));
	if (r == 0)
		return 0;
	fprintf(stderr, "onboardctl report: %s: %s\n", path, strerror(-r));
	return EXIT_CODE_FAILED;
}

int verb_report(int argc, char **argv)
{
	const char *config_file = NULL, *out = NULL;
	_cleanup_(freep) char *text = NULL;
	const struct option_place options[] = {
		{"out", .text = &out},
		{"config", .text = &config_file},
	};
	int r;

	r = verb_options("report", argc, argv, options, ARRAY_SIZE(options));
	if (r != 0)
		return r;
	if (gather(config_file, &text) < 0) {
		fprintf(stderr, "onboardctl report: out of memory\n");
		return EXIT_CODE_FAILED;
	}
	if (out)
		return write_new(out, text);
	return fputs(text, stdout) < 0 || fflush(stdout) != 0 ? EXIT_CODE_FAILED : EXIT_CODE_DONE;
}
