/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the link emulator knows of an IP packet, and what a NAT box and a router with a small MTU do
 * to one. IPv4 and IPv6; of IPv6's extension headers only the fragment header. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PACKET_MAX 65535
#define PACKET_TOO_BIG_MAX 1280 /* of an ICMP message about one */
#define NAT_FLOWS_MAX 1024

struct packet {
	bool is_ipv6;
	bool is_fragment; /* any, the first too */
	bool is_udp;      /* with its header, so not of a later fragment */
	size_t address_len;
	uint8_t *source, *destination; /* into the packet */
	uint8_t *ports;    /* source and destination; NULL without a UDP or TCP header */
	uint8_t *checksum; /* of UDP or TCP; NULL without ports */
};

/* false: not an IP packet between two hosts. */
bool packet_parse(uint8_t *data, size_t len, struct packet *ret);

/* The ICMP message of a router to who sent the packet; its length. */
size_t packet_too_big(const uint8_t *data, size_t len, uint16_t mtu,
		      uint8_t ret[static PACKET_TOO_BIG_MAX]);

/* One host behind a NAT box, which learns the host's own addresses as it sends. Ports of UDP and
 * TCP are one space. */
struct nat {
	bool is_on;
	uint8_t outer4[4], outer6[16], inner4[4], inner6[16];
	struct {
		uint8_t inner[2], outer[2];
	} flows[NAT_FLOWS_MAX];
	size_t n_flows;
	uint16_t next_port;
};

/* Forgets all flows; no later one has a port of an earlier. */
void nat_rebind(struct nat *nat);
/* Rewrites; false: not to be carried. */
bool nat_out(struct nat *nat, uint8_t *data, size_t len);
bool nat_in(struct nat *nat, uint8_t *data, size_t len);
