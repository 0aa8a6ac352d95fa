/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The config command: all its pairs or none. Inside credstore/ only. */

#include "credstore/execute.h"

/* Stores every pair as the value "config/<key>". *ret_refusal: NULL when stored, else owned text
 * that names the key; the caller undoes what was stored before it. -errno. */
int config_apply(struct executor *e, const struct command *c, char **ret_refusal) _must_check_;
