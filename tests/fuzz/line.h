/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* DTLS without DTLS: what session/dtls.h promises, over a queue in memory. What the agent sends
 * comes to the far end as it was before encryption, and what the far end says comes to the agent
 * as if it had been decrypted. Session, exchange and blocks above it are the real ones. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dtls;

/* Of the far end, in server.c: 0, or a result of dtls_handshake() that is not. */
int server_greet(struct dtls *d);
void server_take(struct dtls *d, const uint8_t *data, size_t len);
bool server_may_save(void);
/* The line ends with its session. */
void server_leave(struct dtls *d);

/* Queues a datagram; what does not fit is lost, as on any network. */
void line_say(struct dtls *d, const void *data, size_t len);
/* The next reading ends with DTLS_E_CLOSED or DTLS_E_BROKEN. */
void line_end(struct dtls *d, int how);
/* An ICMP message came: nobody listens there. */
void line_refuse(struct dtls *d);
/* Which handshake this is of; tells a session from the one after it. */
unsigned int line_number(const struct dtls *d);
