/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_LEN 1024

static enum log_level log_max_level = LOG_LEVEL_INFO;

static log_sink_fn log_sink;

static _Thread_local struct {
	bool is_on;
	char text[8 * LINE_MAX_LEN];
	size_t len;
} held;

void log_set_level(enum log_level level)
{
	log_max_level = level;
}

void log_set_sink(log_sink_fn fn)
{
	log_sink = fn;
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

static _printf_(4, 0) void write_fields(enum log_level level, const struct log_field *fields,
					size_t n_fields, const char *format, va_list ap)
{
	char line[LINE_MAX_LEN];

	if (vsnprintf(line, sizeof(line), format, ap) < 0)
		return;
	/* A peer's text must not start a line of its own. */
	for (char *c = line; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = ' ';
	if (!log_sink || !log_sink(level, line, fields, n_fields))
		line_write(level, line);
}

void log_write(enum log_level level, const char *format, ...)
{
	va_list ap;

	if (level > log_max_level)
		return;
	va_start(ap, format);
	write_fields(level, NULL, 0, format, ap);
	va_end(ap);
}

void log_event(enum log_level level, const struct log_field *fields, size_t n, const char *format,
	       ...)
{
	va_list ap;

	if (level > log_max_level)
		return;
	va_start(ap, format);
	write_fields(level, fields, MIN(n, (size_t)LOG_FIELDS_MAX), format, ap);
	va_end(ap);
}
