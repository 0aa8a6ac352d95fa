/* SPDX-License-Identifier: Apache-2.0 */
#include "packet.h"

#include <netinet/in.h>
#include <string.h>

#define IP4_HEADER 20
#define IP6_HEADER 40
#define IP6_FRAGMENT_HEADER 8
#define UDP_CHECKSUM 6
#define TCP_CHECKSUM 16
#define TCP_HEADER 20
#define UDP_HEADER 8
#define FIRST_PORT 40000

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static void put16(uint8_t *p, unsigned int value)
{
	p[0] = (uint8_t)(value >> 8);
	p[1] = (uint8_t)value;
}

/* RFC 1071, without the last complement; of an odd length the last byte is the high one of a word.
 */
static uint32_t sum(const uint8_t *p, size_t len, uint32_t start)
{
	for (size_t i = 0; i < len; i++)
		start += i % 2 == 0 ? (uint32_t)p[i] << 8 : p[i];
	while (start >> 16)
		start = (start & 0xffff) + (start >> 16);
	return start;
}

static void take_transport(struct packet *p, uint8_t *at, size_t len, uint8_t protocol)
{
	if (protocol == IPPROTO_UDP && len >= UDP_HEADER) {
		p->is_udp = true;
		p->checksum = at + UDP_CHECKSUM;
	} else if (protocol == IPPROTO_TCP && len >= TCP_HEADER) {
		p->checksum = at + TCP_CHECKSUM;
	} else {
		return;
	}
	p->ports = at;
}

static bool parse4(uint8_t *data, size_t len, struct packet *ret)
{
	const size_t header = (size_t)(data[0] & 0xf) * 4;
	uint16_t part;

	if (len < IP4_HEADER || header < IP4_HEADER || get16(data + 2) != len || len < header)
		return false;
	part = get16(data + 6);
	*ret = (struct packet){
		.is_fragment = (part & 0x3fff) != 0,
		.address_len = 4,
		.source = data + 12,
		.destination = data + 16,
	};
	if ((part & 0x1fff) == 0)
		take_transport(ret, data + header, len - header, data[9]);
	return data[16] < 224; /* no multicast */
}

static bool parse6(uint8_t *data, size_t len, struct packet *ret)
{
	uint8_t protocol = data[6];
	size_t header = IP6_HEADER;
	bool is_first = true;

	if (len < IP6_HEADER || (size_t)get16(data + 4) + IP6_HEADER != len)
		return false;
	*ret = (struct packet){
		.is_ipv6 = true,
		.address_len = 16,
		.source = data + 8,
		.destination = data + 24,
	};
	if (protocol == IPPROTO_FRAGMENT && len >= IP6_HEADER + IP6_FRAGMENT_HEADER) {
		protocol = data[IP6_HEADER];
		is_first = (get16(data + IP6_HEADER + 2) & 0xfff8) == 0;
		header += IP6_FRAGMENT_HEADER;
		ret->is_fragment = true;
	}
	if (is_first)
		take_transport(ret, data + header, len - header, protocol);
	return data[24] != 0xff;
}

bool packet_parse(uint8_t *data, size_t len, struct packet *ret)
{
	if (len < IP4_HEADER)
		return false;
	switch (data[0] >> 4) {
	case 4:
		return parse4(data, len, ret);
	case 6:
		return parse6(data, len, ret);
	default:
		return false;
	}
}

/* RFC 792, RFC 1191 §4. The message comes from the far end itself: there is no router with an
 * address of its own. */
static size_t too_big4(const uint8_t *data, size_t len, uint16_t mtu, uint8_t *ret)
{
	const size_t header = (size_t)(data[0] & 0xf) * 4;
	const size_t kept = header + 8 < len ? header + 8 : len;
	const size_t total = IP4_HEADER + 8 + kept;

	memset(ret, 0, IP4_HEADER + 8);
	ret[0] = 0x45;
	put16(ret + 2, (unsigned int)total);
	ret[8] = 64;
	ret[9] = IPPROTO_ICMP;
	memcpy(ret + 12, data + 16, 4);
	memcpy(ret + 16, data + 12, 4);
	put16(ret + 10, ~sum(ret, IP4_HEADER, 0) & 0xffff);
	ret[20] = 3;
	ret[21] = 4;
	put16(ret + 26, mtu);
	memcpy(ret + 28, data, kept);
	put16(ret + 22, ~sum(ret + IP4_HEADER, total - IP4_HEADER, 0) & 0xffff);
	return total;
}

/* RFC 4443 §3.2 */
static size_t too_big6(const uint8_t *data, size_t len, uint16_t mtu, uint8_t *ret)
{
	const size_t room = PACKET_TOO_BIG_MAX - IP6_HEADER - 8;
	const size_t kept = len < room ? len : room;
	uint32_t pseudo;

	memset(ret, 0, IP6_HEADER + 8);
	ret[0] = 0x60;
	put16(ret + 4, (unsigned int)(8 + kept));
	ret[6] = IPPROTO_ICMPV6;
	ret[7] = 64;
	memcpy(ret + 8, data + 24, 16);
	memcpy(ret + 24, data + 8, 16);
	ret[40] = 2;
	put16(ret + 46, mtu);
	memcpy(ret + 48, data, kept);
	pseudo = sum(ret + 8, 32, (uint32_t)(8 + kept) + IPPROTO_ICMPV6);
	put16(ret + 42, ~sum(ret + IP6_HEADER, 8 + kept, pseudo) & 0xffff);
	return IP6_HEADER + 8 + kept;
}

size_t packet_too_big(const uint8_t *data, size_t len, uint16_t mtu,
		      uint8_t ret[static PACKET_TOO_BIG_MAX])
{
	return data[0] >> 4 == 4 ? too_big4(data, len, mtu, ret) : too_big6(data, len, mtu, ret);
}

/* RFC 1624, equation 3. */
static void mend(uint8_t *checksum, const uint8_t *old, const uint8_t *now, size_t len)
{
	uint32_t s = (uint16_t)~get16(checksum);

	for (size_t i = 0; i < len; i += 2)
		s += (uint32_t)(uint16_t)~get16(old + i) + get16(now + i);
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	put16(checksum, ~s & 0xffff);
}

static void rewrite(const struct packet *p, uint8_t *data, uint8_t *field, const uint8_t *now,
		    size_t len, bool is_address)
{
	/* UDP over IPv4 without a checksum says so with 0, and keeps that. */
	const bool summed = p->checksum && !(p->is_udp && get16(p->checksum) == 0);

	if (summed)
		mend(p->checksum, field, now, len);
	if (summed && p->is_udp && get16(p->checksum) == 0)
		put16(p->checksum, 0xffff);
	if (is_address && !p->is_ipv6)
		mend(data + 10, field, now, len);
	memcpy(field, now, len);
}

void nat_rebind(struct nat *nat)
{
	nat->n_flows = 0;
}

static const uint8_t *outer_port(struct nat *nat, const uint8_t inner[static 2])
{
	for (size_t i = 0; i < nat->n_flows; i++)
		if (memcmp(nat->flows[i].inner, inner, 2) == 0)
			return nat->flows[i].outer;
	if (nat->n_flows == NAT_FLOWS_MAX)
		return NULL;
	if (nat->next_port < FIRST_PORT)
		nat->next_port = FIRST_PORT;
	memcpy(nat->flows[nat->n_flows].inner, inner, 2);
	put16(nat->flows[nat->n_flows].outer, nat->next_port++);
	return nat->flows[nat->n_flows++].outer;
}

bool nat_out(struct nat *nat, uint8_t *data, size_t len)
{
	struct packet p;
	const uint8_t *port;

	if (!packet_parse(data, len, &p) || (!p.ports && !p.is_fragment))
		return false;
	memcpy(p.is_ipv6 ? nat->inner6 : nat->inner4, p.source, p.address_len);
	rewrite(&p, data, p.source, p.is_ipv6 ? nat->outer6 : nat->outer4, p.address_len, true);
	if (!p.ports)
		return true;
	port = outer_port(nat, p.ports);
	if (!port)
		return false;
	rewrite(&p, data, p.ports, port, 2, false);
	return true;
}

bool nat_in(struct nat *nat, uint8_t *data, size_t len)
{
	const uint8_t *port = NULL;
	struct packet p;

	if (!packet_parse(data, len, &p) || (!p.ports && !p.is_fragment) ||
	    memcmp(p.destination, p.is_ipv6 ? nat->outer6 : nat->outer4, p.address_len) != 0)
		return false;
	for (size_t i = 0; p.ports && i < nat->n_flows; i++)
		if (memcmp(nat->flows[i].outer, p.ports + 2, 2) == 0)
			port = nat->flows[i].inner;
	if (p.ports && !port)
		return false;
	rewrite(&p, data, p.destination, p.is_ipv6 ? nat->inner6 : nat->inner4, p.address_len,
		true);
	if (port)
		rewrite(&p, data, p.ports + 2, port, 2, false);
	return true;
}
