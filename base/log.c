/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_LEN 1024

static enum log_level log_max_level = LOG_LEVEL_INFO;

static _Thread_local struct {
	bool is_on;
	char text[8 * LINE_MAX_LEN];
	size_t len;
} held;

void log_set_level(enum log_level level)
{
	log_max_level = level;
}

static void held_write(void)
{
	if (held.len > 0)
		fwrite(held.text, 1, held.len, stderr);
	held.len = 0;
}

void log_hold(void)
{
	held.is_on = true;
}

void log_release(void)
{
	held_write();
	held.is_on = false;
}

static void line_write(enum log_level level, const char *line)
{
	char text[LINE_MAX_LEN + 8];
	int n;

	if (getenv("JOURNAL_STREAM"))
		n = snprintf(text, sizeof(text), "<%d>%s\n", (int)level, line);
	else
		n = snprintf(text, sizeof(text), "%s\n", line);
	if (held.len + (size_t)n > sizeof(held.text))
		held_write();
	memcpy(held.text + held.len, text, (size_t)n);
	held.len += (size_t)n;
	if (!held.is_on || level <= LOG_LEVEL_WARNING)
		held_write();
}

void log_write(enum log_level level, const char *format, ...)
{
	char line[LINE_MAX_LEN];
	va_list ap;
	int n;

	if (level > log_max_level)
		return;
	va_start(ap, format);
	n = vsnprintf(line, sizeof(line), format, ap);
	va_end(ap);
	if (n < 0)
		return;
	/* A peer's text must not start a line of its own. */
	for (char *c = line; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = ' ';
	line_write(level, line);
}
