/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* How a password reaches us: from a file, from standard input, or from whoever sits at the
 * terminal, twice and without echo. Never from the command line, which others can read. */

#include "base/secret.h"

/* file NULL: standard input or its terminal; "-" is standard input too. The line's end is left out.
 * Says on standard error what is wrong. 0, or an exit code. */
int password_input(const char *file, struct secret *ret) _must_check_;
