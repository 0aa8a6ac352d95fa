/* SPDX-License-Identifier: Apache-2.0 */
#include "service/gate.h"

#include <errno.h>
#include <linux/filter.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <string.h>

/* Offsets in what a filter of a UDP socket sees: behind the UDP header a DTLS record (RFC 6347
 * §4.1) with a handshake message (§4.2.2). The header of IP is at SKF_NET_OFF. */
#define RECORD 8
#define RECORD_TYPE RECORD
#define RECORD_EPOCH (RECORD + 3)
#define MESSAGE_TYPE (RECORD + 13)
#define SOURCE_IPV4 ((uint32_t)SKF_NET_OFF + offsetof(struct iphdr, saddr))
/* Of an IPv6 address its last four bytes: a filter that now and then lets in one more does no harm.
 */
#define SOURCE_IPV6 ((uint32_t)SKF_NET_OFF + offsetof(struct ip6_hdr, ip6_src) + 12)

static uint32_t what_is_compared(const union address *from)
{
	uint32_t word;

	if (from->sa.sa_family == AF_INET)
		return ntohl(from->in.sin_addr.s_addr);
	if (from->sa.sa_family != AF_INET6)
		return 0;
	memcpy(&word, &from->in6.sin6_addr.s6_addr[12], sizeof(word));
	return ntohl(word);
}

void gate_guest_add(struct gate_guests *g, const union address *from, uint64_t until_ms)
{
	uint32_t address = what_is_compared(from);

	if (!address)
		return;
	g->places[g->next].address = address;
	g->places[g->next].until_ms = until_ms;
	g->next = (g->next + 1) % GATE_GUESTS_MAX;
	g->has_more = true;
}

/* One place: several devices may come from one address. */
void gate_guest_remove(struct gate_guests *g, const union address *from)
{
	uint32_t address = what_is_compared(from);

	for (size_t i = 0; address && i < GATE_GUESTS_MAX; i++)
		if (g->places[i].address == address) {
			g->places[i].address = 0;
			return;
		}
}

void gate_guests_expire(struct gate_guests *g, uint64_t now_ms)
{
	for (size_t i = 0; i < GATE_GUESTS_MAX; i++)
		if (g->places[i].address && g->places[i].until_ms <= now_ms) {
			g->places[i].address = 0;
			g->has_more = true;
		}
}

struct program {
	struct sock_filter code[16 + 2 * GATE_GUESTS_MAX];
	unsigned short n;
};

static void put(struct program *p, struct sock_filter instruction)
{
	p->code[p->n++] = instruction;
}

#define PUT(p, ...) put(p, (struct sock_filter)__VA_ARGS__)

static void pass(struct program *p)
{
	PUT(p, BPF_STMT(BPF_RET | BPF_K, UINT32_MAX));
}

/* Skips one instruction unless the accumulator is value. */
static void if_equal(struct program *p, uint32_t value)
{
	PUT(p, BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1));
}

/* Skips one instruction when the accumulator is value. */
static void if_not_equal(struct program *p, uint32_t value)
{
	PUT(p, BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 1, 0));
}

static void put_guests(struct program *p, const struct gate_guests *g)
{
	PUT(p, BPF_STMT(BPF_LD | BPF_B | BPF_ABS, (uint32_t)SKF_NET_OFF));
	PUT(p, BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 4)); /* the version */
	PUT(p, BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 4, 0, 2));
	PUT(p, BPF_STMT(BPF_LD | BPF_W | BPF_ABS, SOURCE_IPV4));
	PUT(p, BPF_JUMP(BPF_JMP | BPF_JA, 1, 0, 0));
	PUT(p, BPF_STMT(BPF_LD | BPF_W | BPF_ABS, SOURCE_IPV6));
	for (size_t i = 0; i < GATE_GUESTS_MAX; i++) {
		if (!g->places[i].address)
			continue;
		if_equal(p, g->places[i].address);
		pass(p);
	}
}

static void program_make(struct program *p, enum gate_state state, const struct gate_guests *g)
{
	p->n = 0;
	PUT(p, BPF_STMT(BPF_LD | BPF_B | BPF_ABS, RECORD_TYPE));
	if_not_equal(p, 22); /* handshake */
	pass(p);
	PUT(p, BPF_STMT(BPF_LD | BPF_H | BPF_ABS, RECORD_EPOCH));
	if_not_equal(p, 0); /* in clear */
	pass(p);
	PUT(p, BPF_STMT(BPF_LD | BPF_B | BPF_ABS, MESSAGE_TYPE));
	if_not_equal(p, 1); /* ClientHello */
	pass(p);
	if (state == GATE_CLOSED)
		put_guests(p, g);
	PUT(p, BPF_STMT(BPF_RET | BPF_K, 0));
}

static int attach(int fd, enum gate_state state, const struct gate_guests *g)
{
	struct program p;
	struct sock_fprog f = {.filter = p.code};

	program_make(&p, state, g);
	f.len = p.n;
	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &f, sizeof(f)) < 0 ? -errno : 0;
}

int gate_set(int fd, enum gate_state state, struct gate_guests *g)
{
	int none = 0, r;

	if (state == GATE_OPEN)
		return setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &none, sizeof(none)) < 0
			       ? -errno
			       : 0;
	g->has_more = false;
	r = attach(fd, state, g);
	/* Better closed for guests, too, than open for all. */
	return r == -ENOMEM && state == GATE_CLOSED ? attach(fd, GATE_SHUT, g) : r;
}
