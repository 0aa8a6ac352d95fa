/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What check finds: one line about each thing that serve needs, with what to do about it. Nothing
 * is made or changed. */

#include <jansson.h>
#include <stdbool.h>

#include "base/macros.h"
#include "service/cli/serve_options.h"

enum check_level {
	CHECK_OK,
	CHECK_WARN, /* serve would work, for now */
	CHECK_FAIL, /* it would not, or not safely */
};

struct check_report {
	json_t *items; /* owned; what was said */
	enum check_level worst;
};

/* remedy may be NULL. */
void check_say(struct check_report *r, enum check_level level, const char *what, const char *remedy,
	       const char *format, ...) _printf_(5, 6);

/* check_files.c */
void check_state(struct check_report *r, const struct serve_options *o);
void check_certificates(struct check_report *r, const struct serve_options *o);
void check_makers(struct check_report *r, const struct serve_options *o);
/* check_store.c: the store, and whether the CA is the one that it belongs to */
void check_store(struct check_report *r, const struct serve_options *o);
/* check_system.c */
void check_ports(struct check_report *r, const struct serve_options *o);
void check_disk(struct check_report *r, const struct serve_options *o);
void check_clock(struct check_report *r);
