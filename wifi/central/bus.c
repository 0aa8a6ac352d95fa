/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "wifi/central/internal.h"

/* BlueZ has limits of its own; this one is for a bluetoothd that hangs. */
#define CALL_MAX_MS 120000
/* For a signal that comes between the look and the wait. */
#define CANCEL_MS 1000

int central_fail(struct central *c, int r, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	/* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized) */
	vsnprintf(c->error, sizeof(c->error), format, ap);
	va_end(ap);
	return r;
}

const char *central_error(const struct central *c)
{
	return c->error;
}

uint64_t central_deadline(uint64_t timeout_ms, uint64_t fallback_ms)
{
	return clock_ms() + (timeout_ms > 0 ? timeout_ms : fallback_ms);
}

static int gone(struct central *c)
{
	return central_fail(c, -ENODEV, "Bluetooth has ended: bluetoothd stopped or crashed");
}

int central_step(struct central *c, uint64_t end_ms, const char *what)
{
	uint64_t now_ms;
	int r;

	if (!c->is_ending && c->options.is_cancelled &&
	    c->options.is_cancelled(c->options.userdata))
		return central_fail(c, -EINTR, "interrupted");
	r = sd_bus_process(c->bus, NULL);
	if (r < 0)
		return central_fail(c, r, "the system bus: %s", strerror(-r));
	if (c->is_gone)
		return gone(c);
	if (r > 0)
		return 0;
	now_ms = clock_ms();
	if (now_ms >= end_ms)
		return central_fail(c, -ETIMEDOUT, "%s did not end in time", what);
	r = sd_bus_wait(c->bus, MIN(end_ms - now_ms, (uint64_t)CANCEL_MS) * 1000);
	if (r < 0 && r != -EINTR)
		return central_fail(c, r, "the system bus: %s", strerror(-r));
	return 0;
}

int central_step_connected(struct central *c, uint64_t end_ms, const char *what)
{
	int r;

	if (!c->is_connected)
		return central_fail(c, -ENOTCONN, "the device ended the connection");
	r = central_step(c, end_ms, what);
	if (r == -ETIMEDOUT && !c->is_connected)
		return central_fail(c, -ENOTCONN, "the device ended the connection");
	return r;
}

/* ---- calls ---- */

/* ATT errors that mean "not on this link": authentication (0x05), encryption key size (0x0c),
 * encryption (0x0f). */
static bool is_att_access(const char *text)
{
	return strstr(text, "0x05") || strstr(text, "0x0c") || strstr(text, "0x0f");
}

static int errno_of(const sd_bus_error *error)
{
	static const struct {
		const char *name;
		int r;
	} rows[] = {
		{"org.bluez.Error.AuthenticationFailed", -EACCES},
		{"org.bluez.Error.AuthenticationCanceled", -EACCES},
		{"org.bluez.Error.AuthenticationRejected", -EACCES},
		{"org.bluez.Error.AuthenticationTimeout", -EACCES},
		{"org.bluez.Error.NotAuthorized", -EACCES},
		{"org.bluez.Error.NotPermitted", -EACCES},
		{"org.bluez.Error.ConnectionAttemptFailed", -ENOTCONN},
		{"org.bluez.Error.NotConnected", -ENOTCONN},
		{"org.bluez.Error.AlreadyConnected", -EALREADY},
		{"org.bluez.Error.AlreadyExists", -EALREADY},
		{"org.bluez.Error.DoesNotExist", -ENOENT},
		{"org.bluez.Error.InProgress", -EBUSY},
		{"org.bluez.Error.NotReady", -ENODEV},
		{SD_BUS_ERROR_UNKNOWN_OBJECT, -ENOENT},
		{SD_BUS_ERROR_UNKNOWN_METHOD, -ENOENT},
		{SD_BUS_ERROR_SERVICE_UNKNOWN, -ENODEV},
		{SD_BUS_ERROR_NAME_HAS_NO_OWNER, -ENODEV},
		{SD_BUS_ERROR_ACCESS_DENIED, -EPERM},
		{SD_BUS_ERROR_NO_REPLY, -ETIMEDOUT},
		{SD_BUS_ERROR_TIMEOUT, -ETIMEDOUT},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (sd_bus_error_has_name(error, rows[i].name))
			return rows[i].r;
	if (error->message && is_att_access(error->message))
		return -EACCES;
	return -EIO;
}

int central_message(struct central *c, const char *path, const char *interface, const char *method,
		    sd_bus_message **ret)
{
	sd_bus_message *m = NULL;
	int r;

	r = sd_bus_message_new_method_call(c->bus, &m, BLUEZ, path, interface, method);
	if (r < 0)
		return central_fail(c, r, "%s: %s", method, strerror(-r));
	/* Starting bluetoothd is the system's business, and may take long. */
	r = sd_bus_message_set_auto_start(m, 0);
	if (r < 0) {
		sd_bus_message_unref(m);
		return central_fail(c, r, "%s: %s", method, strerror(-r));
	}
	*ret = m;
	return 0;
}

static int on_reply(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	sd_bus_message **reply = userdata;

	(void)error;
	*reply = sd_bus_message_ref(m);
	return 0;
}

static int refused(struct central *c, const sd_bus_error *error, const char *what)
{
	int r = errno_of(error);

	/* What the device is called by now tells more than what BlueZ makes of it. */
	if (c->is_gone || r == -ENODEV)
		return central_fail(c, -ENODEV, "%s: Bluetooth is not there", what);
	return central_fail(c, r, "%s: %s", what, error->message ? error->message : error->name);
}

int central_call(struct central *c, sd_bus_message *m, uint64_t end_ms, const char *what,
		 sd_bus_message **ret_reply)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	sd_bus_slot *slot = NULL;
	const sd_bus_error *error;
	int r;

	r = sd_bus_call_async(c->bus, &slot, m, on_reply, &reply, (uint64_t)CALL_MAX_MS * 1000);
	if (r < 0)
		return central_fail(c, r, "%s: %s", what, strerror(-r));
	while (r >= 0 && !reply)
		r = central_step(c, end_ms, what);
	/* An answer that comes too late finds nobody. */
	sd_bus_slot_unref(slot);
	if (!reply)
		return r;
	error = sd_bus_message_get_error(reply);
	if (error)
		return refused(c, error, what);
	if (ret_reply)
		*ret_reply = TAKE_PTR(reply);
	return 0;
}

int central_call_plain(struct central *c, const char *path, const char *interface,
		       const char *method, uint64_t end_ms, const char *what)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
	int r;

	r = central_message(c, path, interface, method, &m);
	return r < 0 ? r : central_call(c, m, end_ms, what, NULL);
}

int central_objects(struct central *c, busread_interface_fn fn)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
	int r;

	r = central_message(c, "/", "org.freedesktop.DBus.ObjectManager", "GetManagedObjects", &m);
	if (r >= 0)
		r = central_call(c, m, central_deadline(0, CALL_MAX_MS), "the objects of Bluetooth",
				 &reply);
	if (r < 0)
		return r;
	r = busread_objects(reply, fn, c);
	return r < 0 ? central_fail(c, -EIO, "the objects of Bluetooth are not understood") : 0;
}
