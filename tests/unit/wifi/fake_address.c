/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/wifi/fake_address.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "wifi/station/address.h"

struct fake_address fake_address;

struct address {
	address_fn fn;
	void *userdata;
};
static struct address only;

void fake_address_reset(void)
{
	fake_address = (struct fake_address){0};
}

static void tell(void)
{
	if (fake_address.exists)
		only.fn(only.userdata);
}

void fake_address_set_ip4(uint8_t last_byte)
{
	const uint8_t ip4[4] = {192, 0, 2, last_byte};

	memcpy(fake_address.ip4, ip4, sizeof(ip4));
	fake_address.has_ip4 = true;
	tell();
}

void fake_address_set_ip6(void)
{
	fake_address.has_ip6 = true;
	tell();
}

void fake_address_drop(void)
{
	fake_address.has_ip4 = fake_address.has_ip6 = false;
	tell();
}

/* --- the header's */

int address_new(sd_event *event, const char *interface, address_fn fn, void *userdata,
		struct address **ret)
{
	(void)event;
	if (fake_address.new_r != 0)
		return fake_address.new_r;
	assert_false(fake_address.exists);
	fake_address.exists = true;
	snprintf(fake_address.interface, sizeof(fake_address.interface), "%s", interface);
	only = (struct address){fn, userdata};
	*ret = &only;
	return 0;
}

struct address *address_free(struct address *a)
{
	if (a)
		fake_address.exists = false;
	return NULL;
}

void address_restart(struct address *a)
{
	assert_ptr_equal(a, &only);
	fake_address.n_restarts++;
	fake_address.has_ip4 = fake_address.has_ip6 = false;
}

bool address_ip4(const struct address *a, uint8_t ret[static 4])
{
	assert_ptr_equal(a, &only);
	if (fake_address.has_ip4)
		memcpy(ret, fake_address.ip4, sizeof(fake_address.ip4));
	return fake_address.has_ip4;
}

bool address_has_ip6(const struct address *a)
{
	assert_ptr_equal(a, &only);
	return fake_address.has_ip6;
}
