/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What a real agent told, held against the states of the model. */

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* After explore(). A line each: "OLD NEW" for a change of state, "kill", "power", "stop". False:
 * there is no such way; prints the first line that is not one. *ret_n: lines read. */
bool trace_is_way(FILE *observed, size_t *ret_n);
