/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* libcurl without a network: what session/https_curl.h promises, with answers of a target's bytes.
 */

#include "base/cursor.h"

/* input: borrowed until the next beginning. */
void curl_begin(struct reader *input);
/* Transfers that are on the wire. */
unsigned int curl_transfers(void);
