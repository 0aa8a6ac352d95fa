/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Log lines to stderr in systemd's "<level>text" form when stderr is the journal, plain otherwise.
 * Libraries below agent/ and service/ may use log_debug only; each failure is logged once, by the
 * program. */

#include <stdbool.h>

#include "base/macros.h"

enum log_level {
	LOG_LEVEL_ERROR = 3,
	LOG_LEVEL_WARNING = 4,
	LOG_LEVEL_NOTICE = 5,
	LOG_LEVEL_INFO = 6,
	LOG_LEVEL_DEBUG = 7,
};

/* Default LOG_LEVEL_INFO. */
void log_set_level(enum log_level level);
void log_write(enum log_level level, const char *format, ...) _printf_(2, 3);

/* What is said of a line besides: the journal's names are in capitals. Borrowed. */
struct log_field {
	const char *name, *value;
};
#define LOG_FIELDS_MAX 8

/* As log_write(); the fields, at most LOG_FIELDS_MAX, are for the sink and lost without one. */
void log_event(enum log_level level, const struct log_field *fields, size_t n, const char *format,
	       ...) _printf_(4, 5);
/* Takes each line instead of stderr; false: it cannot, and stderr has it. */
typedef bool (*log_sink_fn)(enum log_level level, const char *line, const struct log_field *fields,
			    size_t n);
/* For a program's start, before there are threads. */
void log_set_sink(log_sink_fn fn);

/* Until log_release(), lines are kept and then written with one call; warnings and errors, and what
 * fills the buffer, do not wait. Each thread holds its own. */
void log_hold(void);
void log_release(void);

#define log_error(...) log_write(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_write(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_notice(...) log_write(LOG_LEVEL_NOTICE, __VA_ARGS__)
#define log_info(...) log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_write(LOG_LEVEL_DEBUG, __VA_ARGS__)
