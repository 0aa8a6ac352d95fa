/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* How devices look to owners. NULL when there is no memory, or a stored row is broken. */

#include "service/core_private.h"

/* As one that was claimed: what the provisioning half of the API shows. */
json_t *device_json_claimed(const struct store_device *row);
/* As one that is managed; shadow may be NULL. */
json_t *device_json_managed(const struct store_device *row, const struct store_shadow *shadow);
