/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What GET_STATUS says (docs/ble.md §5.1). Pure. */

#include "proto/wifi/wifi.h"
#include "wifi/link.h"

/* tried: what a configurator's attempt that is under way tries, state: how far it got; NULL without
 * one. */
void provisioner_status(const struct link_view *view, const struct wifi_network *tried,
			enum wifi_state state, struct wifi_device_status *ret);
