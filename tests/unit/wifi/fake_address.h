/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* An address watch (wifi/station/address.h) that sees what the test says. There is one at a time.
 */

#include <stdbool.h>
#include <stdint.h>

struct fake_address {
	bool exists;
	int new_r; /* what address_new() returns */
	char interface[16];
	unsigned int n_restarts;
	bool has_ip4, has_ip6; /* such that they count */
	uint8_t ip4[4];
};

extern struct fake_address fake_address;

void fake_address_reset(void);
/* Each calls back. */
void fake_address_set_ip4(uint8_t last_byte); /* 192.0.2.last_byte */
void fake_address_set_ip6(void);
void fake_address_drop(void);
