/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Below mbedTLS: datagrams on a connected UDP socket, what is counted of them, and the timer of
 * handshake flights, whose answers tell the round trip time. dtls.c alone uses it. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mbedtls/ssl.h>

#include "session/dtls.h"
#include "session/rto.h"

#define DTLS_LAST_FLIGHT_MAX 512

struct dtls_bio {
	mbedtls_ssl_config *conf; /* borrowed: the waits for answers are set there */
	struct rto *rto;          /* borrowed; NULL: waits stay as they are */
	int fd;                   /* borrowed; -1 without a connection */
	bool handshaking;

	bool awaiting; /* a flight of ours is unanswered */
	uint64_t flight_ms;
	bool armed, expired;
	uint64_t intermediate_ms, final_ms;

	bool refused; /* the kernel told (ICMP) that nobody listens there */
	struct dtls_counters counters;
	/* The datagram that was sent last during a handshake. */
	uint8_t last_flight[DTLS_LAST_FLIGHT_MAX];
	size_t last_flight_len;
};

/* Sets the callbacks of ssl; a handshake, or a context that is established already. */
void dtls_bio_attach(struct dtls_bio *b, mbedtls_ssl_context *ssl, int fd, bool handshaking);
/* Forgets all but the counters. */
void dtls_bio_detach(struct dtls_bio *b);
/* The handshake is over; again: its last flight goes a second time. */
void dtls_bio_established(struct dtls_bio *b, bool again);
