/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <string.h>
#include <systemd/sd-journal.h>
#include <time.h>

#include "agent/cli/report.h"

#define LINES_MAX 200
#define MESSAGE_MAX 2048

static void show_time(sd_journal *j, FILE *f)
{
	uint64_t usec;
	time_t s;
	struct tm tm;
	char text[32];

	if (sd_journal_get_realtime_usec(j, &usec) < 0)
		return;
	s = (time_t)(usec / 1000000);
	if (gmtime_r(&s, &tm) && strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm) > 0)
		fprintf(f, "%s ", text);
}

static void show_entry(sd_journal *j, FILE *f)
{
	static const char field[] = "MESSAGE=";
	const char *data;
	size_t len;

	if (sd_journal_get_data(j, "MESSAGE", (const void **)&data, &len) < 0 ||
	    len < sizeof(field) - 1)
		return;
	show_time(j, f);
	data += sizeof(field) - 1;
	len = MIN(len - (sizeof(field) - 1), (size_t)MESSAGE_MAX);
	/* An entry is a line here, whatever is in it. */
	for (size_t i = 0; i < len; i++)
		fputc((unsigned char)data[i] < 0x20 || data[i] == 0x7f ? ' ' : data[i], f);
	fputc('\n', f);
}

void report_journal(FILE *f)
{
	_cleanup_(sd_journal_closep) sd_journal *j = NULL;
	unsigned int n = 0;
	int r;

	fprintf(f, "\n== journal ==\n");
	r = sd_journal_open(&j, SD_JOURNAL_LOCAL_ONLY);
	if (r >= 0)
		r = sd_journal_add_match(j, "_SYSTEMD_UNIT=onboardd.service", 0);
	if (r >= 0)
		r = sd_journal_add_disjunction(j);
	if (r >= 0)
		r = sd_journal_add_match(j, "SYSLOG_IDENTIFIER=onboardd", 0);
	if (r >= 0)
		r = sd_journal_seek_tail(j);
	if (r >= 0)
		r = sd_journal_previous_skip(j, LINES_MAX);
	for (; r > 0 && n < LINES_MAX; n++) {
		show_entry(j, f);
		r = sd_journal_next(j);
	}
	if (r < 0)
		fprintf(f, "it cannot be read: %s\n", strerror(-r));
	else if (n == 0)
		fprintf(f, "no lines of onboardd are there, or you may not read them\n");
}
