/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* D-Bus messages of any shape, as a target's bytes make them. */

#include <stdbool.h>
#include <systemd/sd-bus.h>

#include "base/cursor.h"

/* Two ends that speak with each other, without a bus between them. */
void busmsg_pair(sd_bus **ret_a, sd_bus **ret_b);
/* Appends values of the types that the input says, until it says stop. False: they are no message,
 * as when a text is no path. */
bool busmsg_append(sd_bus_message *m, struct reader *input);
/* An a{sv}; names are those that BlueZ, wpa_supplicant and NetworkManager use, or any. */
bool busmsg_append_properties(sd_bus_message *m, struct reader *input, unsigned int depth);
/* Ready to be read from its begin. */
bool busmsg_seal(sd_bus_message *m);
