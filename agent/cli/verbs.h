/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The verbs of onboardctl, one file each. Every function of this folder that returns int returns an
 * exit code (base/exitcode.h), 0 being success, and has told the reason of any other on standard
 * error. */

#include <stdint.h>

#include "base/macros.h"
#include "base/options.h"

/* argv[0] is the verb. */
typedef int (*verb_fn)(int argc, char **argv);

struct verb {
	const char *name;
	verb_fn run;
	const char *arguments; /* one line */
	const char *summary;
	const char *details; /* lines, each ending in '\n': its flags */
};

extern const struct verb verbs[]; /* ends with a NULL name */

int verb_status(int argc, char **argv) _must_check_;
int verb_token(int argc, char **argv) _must_check_;
int verb_provision(int argc, char **argv) _must_check_;
int verb_interval(int argc, char **argv) _must_check_;
int verb_reset(int argc, char **argv) _must_check_;
int verb_monitor(int argc, char **argv) _must_check_;
int verb_check(int argc, char **argv) _must_check_;
int verb_report(int argc, char **argv) _must_check_;
int verb_credentials(int argc, char **argv) _must_check_;
int verb_identity(int argc, char **argv) _must_check_;
int verb_claim(int argc, char **argv) _must_check_;
int verb_discover(int argc, char **argv) _must_check_;
int verb_fetch_tokens(int argc, char **argv) _must_check_;
int verb_wifi(int argc, char **argv) _must_check_;
int verb_version(int argc, char **argv) _must_check_;
int verb_help(int argc, char **argv) _must_check_;

/* "onboardctl VERB: text", then where help is: EXIT_CODE_USAGE. */
int usage_error(const char *verb, const char *format, ...) _printf_(2, 3);
/* The options of a verb that takes no words. */
int verb_options(const char *verb, int argc, char **argv, const struct option_place *places,
		 size_t n) _must_check_;
/* The value of --timeout; 0 is no limit. */
int timeout_of(const char *verb, const char *text, uint64_t *ret_ms) _must_check_;
