/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A session with a connection id (RFC 9146) is known by that, not by where its records come from:
 * when the machine has got another address, the next datagram leaves by a socket that has it, and
 * nothing else changes. Without an id the server would drop it, so the session stays where it is,
 * and the recovery ladder does the rest (docs/dtls.md).
 *
 * Only an address of our own is looked at here. When a NAT forgets us no socket tells; the id does
 * its work all the same. */

#include "session/udp.h"

/* Before anything is sent. What cannot be found out changes nothing. */
void follow_path(struct udp_line *u);
