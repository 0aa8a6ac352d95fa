/* SPDX-License-Identifier: Apache-2.0 */
#include "session/dtls_bio.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/log.h"

static int bio_send(void *p, const unsigned char *data, size_t len)
{
	struct dtls_bio *b = p;

	/* A full queue, a missing route or an earlier ICMP error: a datagram lost. */
	if (send(b->fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 && errno == ECONNREFUSED) {
		b->refused = true;
		/* The error belonged to an earlier datagram and this one was not sent. */
		if (send(b->fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
			log_debug("dtls: a datagram was not sent: %s", strerror(errno));
	}
	b->counters.datagrams_tx++;
	b->counters.bytes_tx += len;
	if (!b->handshaking)
		return (int)len;
	if (!b->awaiting) {
		b->flight_ms = clock_ms();
		b->expired = false;
	}
	b->awaiting = true;
	if (len <= sizeof(b->last_flight)) {
		memcpy(b->last_flight, data, len);
		b->last_flight_len = len;
	}
	return (int)len;
}

/* The flight is answered: how long that took says how long to wait for the next. mbedTLS reads the
 * wait from its configuration at each flight. */
static void answered(struct dtls_bio *b)
{
	b->counters.flights_answered++;
	b->awaiting = false;
	if (!b->rto)
		return;
	if (!b->expired)
		rto_sample(b->rto, clock_ms() - b->flight_ms);
	mbedtls_ssl_conf_handshake_timeout(b->conf,
					   (uint32_t)rto_ms(b->rto, DTLS_HANDSHAKE_TIMEOUT_MIN_MS),
					   DTLS_HANDSHAKE_TIMEOUT_MAX_MS);
}

static int bio_recv(void *p, unsigned char *buf, size_t size)
{
	struct dtls_bio *b = p;

	for (;;) {
		ssize_t n = recv(b->fd, buf, size, MSG_DONTWAIT);

		if (n > 0) {
			b->counters.datagrams_rx++;
			b->counters.bytes_rx += (size_t)n;
			if (b->awaiting)
				answered(b);
			return (int)n;
		}
		if (n == 0) { /* an empty datagram is not an end of file */
			b->counters.datagrams_rx++;
			continue;
		}
		if (errno == EINTR)
			continue;
		if (errno == ECONNREFUSED) {
			b->refused = true;
			continue;
		}
		return MBEDTLS_ERR_SSL_WANT_READ;
	}
}

static void timer_set(void *p, uint32_t intermediate_ms, uint32_t final_ms)
{
	struct dtls_bio *b = p;
	const uint64_t now = clock_ms();

	b->armed = final_ms > 0;
	b->intermediate_ms = now + intermediate_ms;
	b->final_ms = now + final_ms;
}

/* The convention of mbedtls_ssl_get_timer_t. */
static int timer_get(void *p)
{
	struct dtls_bio *b = p;
	const uint64_t now = clock_ms();

	if (!b->armed)
		return -1;
	if (now >= b->final_ms) {
		b->expired = true;
		return 2;
	}
	return now >= b->intermediate_ms ? 1 : 0;
}

void dtls_bio_attach(struct dtls_bio *b, mbedtls_ssl_context *ssl, int fd, bool handshaking)
{
	b->fd = fd;
	b->handshaking = handshaking;
	mbedtls_ssl_set_bio(ssl, b, bio_send, bio_recv, NULL);
	mbedtls_ssl_set_timer_cb(ssl, b, timer_set, timer_get);
}

void dtls_bio_detach(struct dtls_bio *b)
{
	b->fd = -1;
	b->handshaking = b->awaiting = false;
	b->armed = b->expired = false;
	b->refused = false;
	b->last_flight_len = 0;
}

void dtls_bio_established(struct dtls_bio *b, bool again)
{
	b->handshaking = b->awaiting = false;
	b->armed = false;
	if (again && b->last_flight_len > 0)
		bio_send(b, b->last_flight, b->last_flight_len);
	b->last_flight_len = 0;
}
