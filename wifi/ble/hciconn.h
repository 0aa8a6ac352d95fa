/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Which end of a Bluetooth connection we are, from the kernel's list of them: BlueZ does not say it
 * on D-Bus. Needs no privilege. */

#include <stdbool.h>
#include <stdint.h>

/* Whether the device with address (last byte first) is connected over LE, and as the central: it
 * came to us. A keyboard that this machine has connected to is none. False too when the kernel has
 * no Bluetooth sockets for us. */
bool hciconn_is_central(unsigned int index, const uint8_t address[static 6]);
