/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The text for people that goes with a refusal. */

#include "base/macros.h"

/* Puts an owned text into *ret (which may be NULL: nobody asked; an earlier text is replaced) and
 * evaluates to r, so that a refusal is one statement. Out of memory leaves *ret NULL. */
int detail_set(char **ret, int r, const char *format, ...) _printf_(3, 4);

/* What a damaged file had SQLite say may hold anything: one line of ASCII remains. */
void detail_make_line(char *text);

/* Hands an owned text (or NULL) over to who asked, or frees it; evaluates to r. */
int detail_give(int r, char *detail, char **ret);
