/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* How large a datagram may be to reach the server in one piece. The kernel knows the MTU of our own
 * link, and of the path where a router said something; where none did, what each path carries is
 * all that one can rely on. */

#include <stddef.h>

/* UDP payload of the smallest packet that everybody takes: 576 bytes (RFC 791 §3.1), 1280 (RFC 8200
 * §5). */
#define PATHMTU_SURE4 548
#define PATHMTU_SURE6 1232

/* UDP payload in bytes that fits, as far as the kernel knows; PATHMTU_SURE4 when it knows nothing.
 * fd: a connected UDP socket. */
size_t pathmtu_payload(int fd);
/* What fits whatever the path is. */
size_t pathmtu_sure(int fd);
