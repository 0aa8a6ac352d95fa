/* SPDX-License-Identifier: Apache-2.0 */

/* The pairing agent: BlueZ asks the one that belongs to the caller of Device1.Pair(). It is not
 * the default agent, so pairing that others start never gets here. */

#include <errno.h>
#include <string.h>

#include "wifi/central/internal.h"

#define AGENT_PATH "/org/onboardd/central/agent"
#define PASSKEY_MAX 999999

/* Only bluetoothd asks, and only about the device that we pair with. */
static bool is_ours(const struct central *c, sd_bus_message *m, const char *device)
{
	const char *sender = sd_bus_message_get_sender(m);

	return sender && c->owner && strcmp(sender, c->owner) == 0 && c->device &&
	       strcmp(device, c->device) == 0;
}

static int reject(sd_bus_message *m)
{
	return sd_bus_reply_method_errorf(m, "org.bluez.Error.Rejected", "not asked for");
}

static int on_request_passkey(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct central *c = userdata;
	const char *device;
	uint32_t passkey = 0;
	int r;

	(void)error;
	r = sd_bus_message_read(m, "o", &device);
	if (r < 0)
		return r;
	if (!is_ours(c, m, device) || !c->options.passkey)
		return reject(m);
	if (c->options.passkey(c->options.userdata, &passkey) < 0 || passkey > PASSKEY_MAX)
		return sd_bus_reply_method_errorf(m, "org.bluez.Error.Canceled", "no passkey");
	return sd_bus_reply_method_return(m, "u", passkey);
}

/* Just Works: nothing to compare, and it was us who began. */
static int on_request_authorization(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	const char *device;
	int r;

	(void)error;
	r = sd_bus_message_read(m, "o", &device);
	if (r < 0)
		return r;
	return is_ours(userdata, m, device) ? sd_bus_reply_method_return(m, NULL) : reject(m);
}

/* Numbers to compare on both sides: this side has nobody to show them to. */
static int on_refused(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	(void)userdata;
	(void)error;
	return reject(m);
}

static int on_nothing(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	(void)userdata;
	(void)error;
	return sd_bus_reply_method_return(m, NULL);
}

static const sd_bus_vtable agent_vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_METHOD("RequestPasskey", "o", "u", on_request_passkey, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD("RequestAuthorization", "o", "", on_request_authorization,
		      SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD("RequestConfirmation", "ou", "", on_refused, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD("RequestPinCode", "o", "s", on_refused, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD("AuthorizeService", "os", "", on_refused, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD("DisplayPasskey", "ouq", "", on_nothing, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD("DisplayPinCode", "os", "", on_nothing, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD("Cancel", "", "", on_nothing, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD("Release", "", "", on_nothing, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_VTABLE_END,
};

int agent_register(struct central *c)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
	int r;

	if (c->has_agent)
		return 0;
	if (!c->agent)
		r = sd_bus_add_object_vtable(c->bus, &c->agent, AGENT_PATH, "org.bluez.Agent1",
					     agent_vtable, c);
	else
		r = 0;
	if (r < 0)
		return central_fail(c, r, "the pairing agent: %s", strerror(-r));
	r = central_message(c, "/org/bluez", "org.bluez.AgentManager1", "RegisterAgent", &m);
	if (r < 0)
		return r;
	/* KeyboardOnly leaves a device that shows digits no other way than to show them. */
	r = sd_bus_message_append(m, "os", AGENT_PATH,
				  c->options.passkey ? "KeyboardOnly" : "NoInputNoOutput");
	if (r < 0)
		return central_fail(c, r, "the pairing agent: %s", strerror(-r));
	r = central_call(c, m, central_deadline(0, 30000), "the pairing agent", NULL);
	if (r == 0)
		c->has_agent = true;
	return r;
}
