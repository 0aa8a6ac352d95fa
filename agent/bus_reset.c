/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/bus_reset.h"

#include <errno.h>
#include <string.h>

#include "agent/bus_wifi.h"
#include "base/log.h"

#define INTERFACE "org.onboardd.Reset1"

static int unknown_part(sd_bus_error *error)
{
	return sd_bus_error_set(error, SD_BUS_ERROR_INVALID_ARGS,
				"the parts of a reset are network, credentials and identity; at "
				"least one is needed");
}

static int read_parts(sd_bus_message *m, unsigned int *ret, sd_bus_error *error)
{
	unsigned int parts = 0;
	const char *name;
	int r = sd_bus_message_enter_container(m, 'a', "s");

	while (r >= 0 && (r = sd_bus_message_read(m, "s", &name)) > 0) {
		unsigned int part = reset_part_of(name);

		if (part == 0)
			return unknown_part(error);
		parts |= part;
	}
	if (r >= 0)
		r = sd_bus_message_exit_container(m);
	if (r >= 0 && parts == 0)
		return unknown_part(error);
	*ret = parts;
	return r;
}

/* Durable when it is answered; the answer goes out before the connection does. */
static int reset(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct bus_reset *b = userdata;
	char id[RESET_ID_LEN + 1];
	unsigned int parts = 0;
	const char *refusal;
	bool at_once;
	int r = read_parts(m, &parts, error);

	if (r < 0)
		return r;
	r = agent_reset(b->agent, parts, id, &at_once, &refusal);
	if (r == -EOPNOTSUPP)
		return sd_bus_error_set(error, "org.onboardd.Error.Identity", refusal);
	if (r != 0) {
		log_warning("bus: asking for a reset failed: %s", strerror(abs(r)));
		return sd_bus_error_setf(
			error, "org.onboardd.Error.Store",
			"the reset cannot be written down: %s; nothing was changed",
			strerror(abs(r)));
	}
	return sd_bus_reply_method_return(m, "sb", id, (int)at_once);
}

static int method_reset(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct bus_reset *b = userdata;

	return permit_then(b->permit, &permit_reset, m, reset, b, error);
}

static int method_receipt(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct bus_reset *b = userdata;
	_cleanup_(freep) char *text = NULL;
	int r = agent_last_reset(b->agent, &text);

	if (r != 0 && r != -ENOENT)
		return sd_bus_error_setf(error, "org.onboardd.Error.Store",
					 "the receipt cannot be read: %s", strerror(abs(r)));
	return sd_bus_reply_method_return(m, "s", r == 0 ? text : "");
}

/* clang-format off */
static const sd_bus_vtable vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_METHOD_WITH_ARGS("Reset", SD_BUS_ARGS("as", parts), SD_BUS_RESULT("s", id, "b", at_once), method_reset, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_ARGS("Receipt", SD_BUS_NO_ARGS, SD_BUS_RESULT("s", json), method_receipt, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_VTABLE_END,
};
/* clang-format on */

int bus_reset_add(sd_bus *bus, struct bus_reset *b, sd_bus_slot **ret)
{
	return sd_bus_add_object_vtable(bus, ret, BUS_PATH, INTERFACE, vtable, b);
}
