/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* All that owners may do: the one table. openapi.json says the same, and a test holds them
 * together.
 */

#include "service/router.h"

extern const struct router routes_owner;
