/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A factory's step: no network, no root CA, no daemon, only who this device is. For onboardd --init
 * and onboardctl identity create. */

#include <stdbool.h>
#include <stddef.h>

#include "agent/config.h"
#include "base/macros.h"
#include "credstore/identity.h"

/* Makes store and identity, in a token when the configuration says so, unless they are there;
 * must_be_new refuses then. A chain file that is not there yet is no fault: the certificate is made
 * for the key. *ret_row, IDENTITY_CSV_MAX + 1 characters, is the row of the service's import. May
 * take seconds. 0, -errno, or an exit code with an owned text in *ret_detail. */
int agent_birth(const struct config *config, bool must_be_new,
		char ret_row[static IDENTITY_CSV_MAX + 1], char **ret_detail) _must_check_;
