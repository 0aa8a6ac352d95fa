/* SPDX-License-Identifier: Apache-2.0 */

/* The Claim characteristic, over the connection that device.c made: who the device is, and its
 * claim token. */

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/secret.h"
#include "wifi/central/claimparts.h"
#include "wifi/central/internal.h"

/* A long read is many transactions. */
#define READ_MS 35000
#define WHAT "reading who the device is"

void central_claim_wipe(struct central_claim *c)
{
	secret_wipe(c, sizeof(*c));
}

static int read_part(struct central *c, struct wifi_claim *ret)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
	const void *data;
	size_t len;
	int r;

	r = central_message(c, c->claim, CHARACTERISTIC1, "ReadValue", &m);
	if (r < 0)
		return r;
	r = sd_bus_message_append(m, "a{sv}", 0);
	if (r < 0)
		return central_fail(c, r, WHAT ": %s", strerror(-r));
	r = central_call(c, m, central_deadline(0, READ_MS), WHAT, &reply);
	if (r < 0)
		return r != -ENODEV && !c->is_connected
			       ? central_fail(c, -ENOTCONN, "the device ended the connection")
			       : r;
	(void)sd_bus_message_sensitive(reply);
	r = sd_bus_message_read_array(reply, 'y', &data, &len);
	if (r < 0)
		return central_fail(c, -EIO, WHAT ": not bytes");
	r = wifi_claim_decode(data, len, ret);
	return r < 0 ? central_fail(c, r, "what the device says of itself is not understood") : 0;
}

int central_read_claim(struct central *c, struct central_claim *ret)
{
	_cleanup_(wifi_claim_wipe) struct wifi_claim part = {0};
	struct claimparts parts;
	int r;

	if (c->is_gone)
		return central_fail(c, -ENODEV, WHAT ": Bluetooth is not there");
	if (!c->device || !c->is_connected)
		return central_fail(c, -ENOTCONN, WHAT ": the device is not connected");
	if (!c->claim)
		return central_fail(c, -EOPNOTSUPP,
				    "the device does not say who it is over "
				    "Bluetooth: its onboardd is too old");
	claimparts_init(&parts);
	do {
		r = read_part(c, &part);
		if (r < 0)
			break;
		r = claimparts_add(&parts, &part);
		if (r < 0)
			r = central_fail(c, r, "the device's claim token has no end");
	} while (r > 0);
	if (r == 0) {
		memcpy(ret->uuid, part.uuid, sizeof(ret->uuid));
		memcpy(ret->token, parts.token, sizeof(ret->token));
		ret->state = part.state;
	}
	claimparts_init(&parts);
	return r;
}

int central_wait(struct central *c, uint64_t ms)
{
	const uint64_t end_ms = clock_ms() + ms;
	int r = 0;

	while (r == 0)
		r = central_step_connected(c, end_ms, "waiting");
	return r == -ETIMEDOUT ? 0 : r;
}
