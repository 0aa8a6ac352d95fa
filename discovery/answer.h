/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What a device answers to strangers' CoAP requests on the LAN (RFC 7252, RFC 6690): one datagram
 * in, at most one out. Read only: GET alone. Pure: no I/O, no clock.
 *
 *   /.well-known/core   links of the two below
 *   /onboardd           who it is, as JSON
 *   /onboardd/token     its claim token, where the configuration lets the LAN have it
 *
 * No amplifier: an answer of more than ANSWER_FACTOR times its request goes only to an address that
 * has shown by Echo (RFC 9175) that it asked. Multicast gets the link of /onboardd or nothing. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"
#include "discovery/echo.h"
#include "discovery/record.h"
#include "session/message.h"

#define ANSWER_PORT 5683
#define ANSWER_PATH "onboardd"
#define ANSWER_TOKEN_PATH "onboardd/token"
#define ANSWER_FACTOR 3 /* RFC 9175 §2.4 and RFC 9000 §8.1 */

struct answer {
	const struct record *record; /* borrowed */
	const char *token;           /* borrowed; NULL: not for the LAN */
	uint8_t key[ECHO_KEY_LEN];   /* random, of this run */
	uint16_t mid;                /* of the next answer that is no acknowledgement */
};

struct answer_asker {
	const void *address; /* borrowed: address and port as bytes, at most 32 */
	size_t len;
	bool is_multicast; /* the datagram came to a group */
};

/* Length of the answer in out, which holds MESSAGE_MAX bytes; 0 for silence. */
size_t answer_to(struct answer *a, const struct answer_asker *asker, uint64_t now_ms,
		 const uint8_t *in, size_t len, uint8_t *out);
