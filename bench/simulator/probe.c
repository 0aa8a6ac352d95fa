/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/simulator/probe.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

#include "agent/internal.h"
#include "session/udp.h"

/* What is known of objects of the libraries, by their address. Only grows: an address that is used
 * again is written again. */
struct entry {
	const void *key;
	uint64_t value;
};

static struct {
	struct entry *entries;
	size_t size, used;
} known;

static bool is_mute;
static int64_t skew_of_signer_s;

uint64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static struct entry *slot(struct entry *entries, size_t size, const void *key)
{
	size_t i = (size_t)(((uintptr_t)key >> 4) * 0x9e3779b97f4a7c15) & (size - 1);

	while (entries[i].key && entries[i].key != key)
		i = (i + 1) & (size - 1);
	return &entries[i];
}

static void grow(void)
{
	const size_t size = known.size ? 2 * known.size : 1024;
	struct entry *entries = calloc(size, sizeof(*entries));

	if (!entries)
		abort();
	for (size_t i = 0; i < known.size; i++)
		if (known.entries[i].key)
			*slot(entries, size, known.entries[i].key) = known.entries[i];
	free(known.entries);
	known.entries = entries;
	known.size = size;
}

static void note(const void *key, uint64_t value)
{
	struct entry *e;

	if (2 * known.used >= known.size)
		grow();
	e = slot(known.entries, known.size, key);
	known.used += e->key ? 0 : 1;
	*e = (struct entry){key, value};
}

static uint64_t recall(const void *key)
{
	return known.size ? slot(known.entries, known.size, key)->value : 0;
}

void probe_done(void)
{
	free(known.entries);
	known.entries = NULL;
	known.size = known.used = 0;
}

uint64_t probe_attempt_us(const struct agent *a)
{
	const struct line *l = a->session ? session_line(a->session, SESSION_COAP) : NULL;

	return l ? recall(((const struct udp_line *)l)->dtls) : 0;
}

void probe_set_skew(struct agent *a, int64_t skew_s)
{
	note(a->identity, (uint64_t)skew_s);
}

void probe_mute(bool mute)
{
	is_mute = mute;
}

/* ---- by --wrap ---- */

int __real_dtls_start(struct dtls *d, int fd, bool offer, uint32_t timeout_ms);
int __wrap_dtls_start(struct dtls *d, int fd, bool offer, uint32_t timeout_ms);
int __real_identity_signer(struct identity *i, struct signer **ret);
int __wrap_identity_signer(struct identity *i, struct signer **ret);
int __real_identity_signer_of(const struct identity *i, struct key *key, struct signer **ret);
int __wrap_identity_signer_of(const struct identity *i, struct key *key, struct signer **ret);
int __real_sign_start(sd_event *event, struct signer *signer, enum sign_what what, int64_t now_s,
		      unsigned int lifetime_s, sign_fn fn, void *userdata, struct worker **ret);
int __wrap_sign_start(sd_event *event, struct signer *signer, enum sign_what what, int64_t now_s,
		      unsigned int lifetime_s, sign_fn fn, void *userdata, struct worker **ret);
ssize_t __real_send(int fd, const void *data, size_t len, int flags);
ssize_t __wrap_send(int fd, const void *data, size_t len, int flags);

int __wrap_dtls_start(struct dtls *d, int fd, bool offer, uint32_t timeout_ms)
{
	note(d, now_us());
	return __real_dtls_start(d, fd, offer, timeout_ms);
}

/* A signer is made and set to work in one go: its device's clock is the one that was asked last. */
int __wrap_identity_signer(struct identity *i, struct signer **ret)
{
	skew_of_signer_s = (int64_t)recall(i);
	return __real_identity_signer(i, ret);
}

int __wrap_identity_signer_of(const struct identity *i, struct key *key, struct signer **ret)
{
	skew_of_signer_s = (int64_t)recall(i);
	return __real_identity_signer_of(i, key, ret);
}

int __wrap_sign_start(sd_event *event, struct signer *signer, enum sign_what what, int64_t now_s,
		      unsigned int lifetime_s, sign_fn fn, void *userdata, struct worker **ret)
{
	return __real_sign_start(event, signer, what, now_s + skew_of_signer_s, lifetime_s, fn,
				 userdata, ret);
}

ssize_t __wrap_send(int fd, const void *data, size_t len, int flags)
{
	return is_mute ? (ssize_t)len : __real_send(fd, data, len, flags);
}
