/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the parts of `onboardctl credentials` share. Return values as verbs.h says. */

#include <jansson.h>
#include <stdbool.h>

#include "agent/cli/client.h"

/* The answer of a method that lists credentials: an array of objects. New reference. */
int credentials_read(struct client *c, const char *method, json_t **ret) _must_check_;
/* tag < 0: of all tags. False when there is none. */
bool credentials_show(const json_t *list, json_int_t tag);
/* argv[0] is "rollback". */
int credentials_rollback(int argc, char **argv) _must_check_;
