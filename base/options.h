/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A command line's options, where each is a flag or keeps a text. */

#include <stdbool.h>

#include "base/macros.h"

#define OPTIONS_MAX 16

/* Where an option goes: to one of the two. */
struct option_place {
	const char *name; /* without "--" */
	bool *flag;
	const char **text; /* the last one given; borrowed from argv */
};

/* Leaves optind at the first word that is no option. -EINVAL when one is unknown, or without its
 * value: getopt_long() has said which. */
int options_read(int argc, char **argv, const struct option_place *places, size_t n) _must_check_;
