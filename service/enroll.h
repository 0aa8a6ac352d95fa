/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Devices that no factory exported to this service: the certificate of a maker whom it trusts,
 * which their claim token carries, says that they are genuine. docs/rest-api.md. */

#include <jansson.h>

#include "proto/attest.h"
#include "service/core_private.h"

/* The identity that the chain of a token certifies for this device, not stored yet; nothing says
 * yet that the token is that device's. 0, or the status of the problem in *ret. */
unsigned int enroll_vouch(struct core *c, const struct attest *a, const char *device,
			  struct store_identity *ret_identity, json_t **ret) _must_check_;

/* Stores it, inside of the claim's transaction. A known key is never replaced. 0, or the status of
 * the problem in *ret. */
unsigned int enroll_register(struct core *c, const struct store_identity *identity,
			     json_t **ret) _must_check_;

/* The problem of a known device whose token has the certificate of another key; 0 when it has not.
 */
unsigned int enroll_differs(const struct attest *a, const struct store_identity *known,
			    json_t **ret);
