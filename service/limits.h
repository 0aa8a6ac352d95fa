/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* How often devices may ask, and how often an address may fail to prove who it is. Per process:
 * where several share a store, each counts what it saw. */

#include <stdbool.h>

#include "service/core.h"

struct limits;

/* device_rate: requests a minute of one device; 0 for no limit. -ENOMEM. */
int limits_new(uint32_t device_rate, struct limits **ret) _must_check_;
struct limits *limits_free(struct limits *l);
DEFINE_CLEANUP(struct limits *, limits_free);

/* One request of the device that who names. CORE_OK, or CORE_BUSY with who->wait_s. l may be NULL,
 * here and below: no limits. */
enum core_verdict limits_request(struct limits *l, struct core_caller *who);
/* Before anything is proved: whether the address, and the device that the token names, may try.
 * Takes nothing, since a name alone is no proof. */
enum core_verdict limits_attempt(const struct limits *l, struct core_caller *who);
/* A proof that failed. */
void limits_failed(struct limits *l, const struct core_caller *who);
