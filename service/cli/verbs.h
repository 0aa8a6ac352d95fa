/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* onboard-service's verbs, one file each. argv[0] is the verb; the result is the exit code. Help
 * and usage are man/onboard-service.8's synopsis, kept in main.c. */

#include "base/options.h"

typedef int verb_fn(int argc, char **argv);

verb_fn verb_serve;
verb_fn verb_check;
verb_fn verb_backup;
verb_fn verb_identity;
verb_fn verb_apikey;
verb_fn verb_device;
verb_fn verb_user;

/* options_read(); 0 or EXIT_CODE_USAGE. */
int verb_options(int argc, char **argv, const struct option_place *places, size_t n) _must_check_;
/* Says on stderr what is wrong with the command line; EXIT_CODE_USAGE. */
int verb_usage(const char *format, ...) __attribute__((format(printf, 1, 2)));
