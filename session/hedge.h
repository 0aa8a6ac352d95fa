/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A session that does not answer may be lost, or a datagram was. Instead of waiting to know, a
 * handshake from a new port begins at the first timeout, on a spare line, while the old session is
 * still listened to. The first answer wins. Of the old session: the spare is closed. Of the spare:
 * the request ends with SESSION_E_LOST, and the connect that the caller answers this with finds the
 * handshake done. So what callers do about a loss does not change, only how long it takes. */

#include <stdbool.h>

#include "session/udp.h"

/* After each event of an OPEN line: begins, or ends because the server answered. */
void hedge_look(struct udp_line *u);
/* Of a spare: its connect() has ended with r. May free it. */
void hedge_connected(struct udp_line *spare, int r);
/* CLOSED: true when the spare has been taken for it, which is CONNECTING then. */
bool hedge_take(struct udp_line *u);
void hedge_end(struct udp_line *u);
