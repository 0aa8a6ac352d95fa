/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* libcoap newer than 4.3.1 drops what comes to a broadcast address, and takes an interface's own
 * address for one when that has no broadcast address (ip-address(8) gives none unless told "brd
 * +"): handshakes succeed there, and no request is ever answered. Nothing can be set against it; it
 * can be told of. */

#include <stdbool.h>

#include "service/address.h"

/* True: ret is an address of this machine, of those that listen stands for, where that is so. */
bool coap_deaf_at(const union address *listen, char ret[static ADDRESS_TEXT]);

#define COAP_DEAF_REMEDY                                                                           \
	"give it a broadcast address: ip address change ADDRESS/LENGTH brd + dev INTERFACE"
