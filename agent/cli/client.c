/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/cli/client.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/plain.h"
#include "base/clock.h"
#include "base/exitcode.h"

#define NAME "org.onboardd"
#define PATH "/org/onboardd"

struct client {
	sd_bus *bus;                        /* owned */
	const struct client_events *events; /* borrowed */
	const char *interface;              /* borrowed: of the call that is answered later */
};

/* ---- errors ---- */

static int bus_failed(int r)
{
	fprintf(stderr, "onboardctl: the system bus: %s\n", strerror(-r));
	return EXIT_CODE_FAILED;
}

/* Of an object that does not have the interface. */
static bool is_absent(const sd_bus_error *error)
{
	return sd_bus_error_has_name(error, SD_BUS_ERROR_UNKNOWN_INTERFACE) ||
	       sd_bus_error_has_name(error, SD_BUS_ERROR_UNKNOWN_METHOD) ||
	       sd_bus_error_has_name(error, SD_BUS_ERROR_UNKNOWN_PROPERTY);
}

static int call_failed(const char *interface, const sd_bus_error *error, int r)
{
	static const struct {
		const char *name, *text;
		enum exit_code code;
	} rows[] = {
		{SD_BUS_ERROR_SERVICE_UNKNOWN,
		 "onboardd is not running. Start it: systemctl start onboardd", EXIT_CODE_FAILED},
		{SD_BUS_ERROR_NAME_HAS_NO_OWNER,
		 "onboardd is not running. Start it: systemctl start onboardd", EXIT_CODE_FAILED},
		{SD_BUS_ERROR_ACCESS_DENIED,
		 "not allowed: run it as root or as a member of the group onboardd",
		 EXIT_CODE_FAILED},
		{SD_BUS_ERROR_NO_REPLY, "onboardd did not answer. See: journalctl -u onboardd",
		 EXIT_CODE_TIMEOUT},
		{SD_BUS_ERROR_TIMEOUT, "onboardd did not answer. See: journalctl -u onboardd",
		 EXIT_CODE_TIMEOUT},
		{"org.onboardd.Error.Store", NULL, EXIT_CODE_STORE},
		{"org.onboardd.Error.Identity", NULL, EXIT_CODE_IDENTITY},
	};
	char text[512];

	if (strcmp(interface, CLIENT_RESET) == 0 &&
	    sd_bus_error_has_name(error, SD_BUS_ERROR_ACCESS_DENIED)) {
		fprintf(stderr, "onboardctl: not allowed: only root may reset a device, and whom "
				"polkit lets do org.onboardd.reset\n");
		return EXIT_CODE_FAILED;
	}
	if (strcmp(interface, CLIENT_WIFI) == 0 && is_absent(error)) {
		fprintf(stderr, "onboardctl: Wi-Fi is off: 'enable = yes' in [wifi] of "
				"onboardd.conf, then systemctl restart onboardd\n");
		return EXIT_CODE_FAILED;
	}
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (!sd_bus_error_has_name(error, rows[i].name))
			continue;
		fprintf(stderr, "onboardctl: %s\n",
			rows[i].text ? rows[i].text
				     : plain_text(error->message, text, sizeof(text)));
		return rows[i].code;
	}
	fprintf(stderr, "onboardctl: %s\n",
		plain_text(error->message ? error->message : strerror(-r), text, sizeof(text)));
	return EXIT_CODE_FAILED;
}

static int answer_invalid(const char *method)
{
	fprintf(stderr,
		"onboardctl: the answer of onboardd to %s is not understood: are both of "
		"the same version?\n",
		method);
	return EXIT_CODE_FAILED;
}

/* ---- calls ---- */

int client_open(struct client **ret)
{
	_cleanup_(client_freep) struct client *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return bus_failed(-ENOMEM);
	r = sd_bus_open_system(&c->bus);
	if (r < 0) {
		fprintf(stderr,
			"onboardctl: cannot reach the system bus: %s. Is dbus running? "
			"$DBUS_SYSTEM_BUS_ADDRESS may name another address.\n",
			strerror(-r));
		return EXIT_CODE_FAILED;
	}
	/* polkit may ask somebody who sits there. */
	(void)sd_bus_set_allow_interactive_authorization(c->bus, true);
	*ret = TAKE_PTR(c);
	return 0;
}

struct client *client_free(struct client *c)
{
	if (c)
		sd_bus_flush_close_unref(c->bus);
	free(c);
	return NULL;
}

int client_message(struct client *c, const char *interface, const char *method,
		   sd_bus_message **ret)
{
	int r;

	r = sd_bus_message_new_method_call(c->bus, ret, NAME, PATH, interface, method);
	return r < 0 ? bus_failed(r) : 0;
}

int client_message_failed(int r)
{
	return bus_failed(r);
}

int client_send(struct client *c, sd_bus_message *m, sd_bus_message **ret)
{
	_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	int r;

	r = sd_bus_call(c->bus, m, 0, &error, ret);
	return r < 0 ? call_failed(sd_bus_message_get_interface(m), &error, r) : 0;
}

int client_call(struct client *c, const char *interface, const char *method, sd_bus_message **ret)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
	int r;

	r = client_message(c, interface, method, &m);
	return r != 0 ? r : client_send(c, m, ret);
}

int client_call_text(struct client *c, const char *interface, const char *method, char **ret)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	const char *text;
	int r;

	r = client_call(c, interface, method, &reply);
	if (r != 0)
		return r;
	if (sd_bus_message_read(reply, "s", &text) < 0)
		return answer_invalid(method);
	*ret = strdup(text);
	return *ret ? 0 : bus_failed(-ENOMEM);
}

static json_t *object_of(const char *text)
{
	json_t *status = json_loads(text, 0, NULL);

	if (json_is_object(status))
		return status;
	json_decref(status);
	return NULL;
}

int client_status(struct client *c, const char *interface, json_t **ret)
{
	_cleanup_(freep) char *text = NULL;
	int r;

	r = client_call_text(c, interface, "Status", &text);
	if (r != 0)
		return r;
	*ret = object_of(text);
	return *ret ? 0 : answer_invalid("Status");
}

static json_t *object_or_null(struct client *c, const char *interface, const char *method)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	const char *text;

	if (sd_bus_call_method(c->bus, NAME, PATH, interface, method, NULL, &reply, NULL) < 0 ||
	    sd_bus_message_read(reply, "s", &text) < 0)
		return NULL;
	return object_of(text);
}

json_t *client_status_or_null(struct client *c, const char *interface)
{
	return object_or_null(c, interface, "Status");
}

json_t *client_facts_or_null(struct client *c)
{
	return object_or_null(c, CLIENT_AGENT, "Facts");
}

int client_get(struct client *c, const char *interface, const char *property, char **ret)
{
	_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	int r;

	r = sd_bus_get_property_string(c->bus, NAME, PATH, interface, property, &error, ret);
	return r < 0 ? call_failed(interface, &error, r) : 0;
}

bool client_is_served(struct client *c)
{
	return sd_bus_get_name_creds(c->bus, NAME, 0, NULL) >= 0;
}

/* ---- events ---- */

static int on_state(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	const struct client *c = userdata;
	const char *old_state, *new_state, *why;

	(void)error;
	if (c->events->state && sd_bus_message_read(m, "sss", &old_state, &new_state, &why) >= 0)
		c->events->state(c->events->userdata, old_state, new_state, why);
	return 0;
}

static int on_step(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	const struct client *c = userdata;
	const char *name, *text;

	(void)error;
	if (c->events->step && sd_bus_message_read(m, "ss", &name, &text) >= 0)
		c->events->step(c->events->userdata, name, text);
	return 0;
}

static int on_rolled_back(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	const struct client *c = userdata;
	const char *why;
	uint32_t tag;

	(void)error;
	if (c->events->rolled_back && sd_bus_message_read(m, "us", &tag, &why) >= 0)
		c->events->rolled_back(c->events->userdata, tag, why);
	return 0;
}

static int on_owner(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	const struct client *c = userdata;
	const char *name, *old_owner, *new_owner;

	(void)error;
	if (c->events->served && sd_bus_message_read(m, "sss", &name, &old_owner, &new_owner) >= 0)
		c->events->served(c->events->userdata, *new_owner != '\0');
	return 0;
}

static int on_called(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	const struct client *c = userdata;
	int r = 0;

	(void)error;
	if (sd_bus_message_is_method_error(m, NULL))
		r = call_failed(c->interface, sd_bus_message_get_error(m), -EIO);
	if (c->events->called)
		c->events->called(c->events->userdata, r);
	return 0;
}

/* Copies a run of bytes of at most size. */
static int read_bytes(sd_bus_message *m, uint8_t *ret, size_t size, size_t *ret_len)
{
	const void *data;
	size_t len;
	int r;

	r = sd_bus_message_read_array(m, 'y', &data, &len);
	if (r < 0)
		return r;
	if (len > size)
		return -EBADMSG;
	if (len > 0)
		memcpy(ret, data, len);
	*ret_len = len;
	return 0;
}

static int on_found(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	const struct client *c = userdata;
	struct wifi_record record = {0};
	struct wifi_network *n = &record.network;
	const char *auth;
	int16_t dbm;
	size_t len;

	(void)error;
	if (!c->events->found || read_bytes(m, n->ssid, sizeof(n->ssid), &n->ssid_len) < 0 ||
	    read_bytes(m, n->bssid, sizeof(n->bssid), &len) < 0 ||
	    sd_bus_message_read(m, "usn", &n->channel, &auth, &dbm) < 0)
		return 0;
	n->auth = WIFI_AUTH_UNKNOWN;
	for (int a = WIFI_AUTH_OPEN; a <= WIFI_AUTH_WPA3_PSK; a++)
		if (strcmp(auth, wifi_auth_name((enum wifi_auth)a)) == 0)
			n->auth = (enum wifi_auth)a;
	record.rssi_dbm = dbm;
	c->events->found(c->events->userdata, &record);
	return 0;
}

static int on_scan_done(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	const struct client *c = userdata;
	const char *text;

	(void)error;
	if (c->events->scan_done && sd_bus_message_read(m, "s", &text) >= 0)
		c->events->scan_done(c->events->userdata, text);
	return 0;
}

static int on_result(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	const struct client *c = userdata;
	const char *state, *reason;

	(void)error;
	if (c->events->result && sd_bus_message_read(m, "ss", &state, &reason) >= 0)
		c->events->result(c->events->userdata, state, reason);
	return 0;
}

int client_watch(struct client *c, const struct client_events *events)
{
	static const struct {
		const char *interface, *member;
		sd_bus_message_handler_t handler;
	} signals[] = {
		{CLIENT_AGENT, "StateChanged", on_state},
		{CLIENT_AGENT, "Step", on_step},
		{CLIENT_WIFI, "Found", on_found},
		{CLIENT_WIFI, "ScanDone", on_scan_done},
		{CLIENT_WIFI, "Result", on_result},
		{CLIENT_AGENT, "CredentialsRolledBack", on_rolled_back},
	};
	int r;

	c->events = events;
	r = sd_bus_add_match(c->bus, NULL,
			     "type='signal',sender='org.freedesktop.DBus',"
			     "interface='org.freedesktop.DBus',member='NameOwnerChanged',"
			     "arg0='" NAME "'",
			     on_owner, c);
	for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(signals); i++)
		r = sd_bus_match_signal(c->bus, NULL, NAME, PATH, signals[i].interface,
					signals[i].member, signals[i].handler, c);
	return r < 0 ? bus_failed(r) : 0;
}

int client_send_later(struct client *c, sd_bus_message *m)
{
	int r;

	c->interface = sd_bus_message_get_interface(m);
	c->interface = strcmp(c->interface, CLIENT_WIFI) == 0 ? CLIENT_WIFI : CLIENT_AGENT;
	r = sd_bus_call_async(c->bus, NULL, m, on_called, c, 0);
	return r < 0 ? bus_failed(r) : 0;
}

int client_call_later(struct client *c, const char *interface, const char *method)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
	int r;

	r = client_message(c, interface, method, &m);
	return r != 0 ? r : client_send_later(c, m);
}

int client_run(struct client *c, const bool *done, uint64_t timeout_ms)
{
	const uint64_t end_ms = clock_ms() + timeout_ms;
	int r;

	while (!*done) {
		uint64_t now_ms, wait_us = UINT64_MAX;

		r = sd_bus_process(c->bus, NULL);
		if (r < 0)
			return bus_failed(r);
		if (r > 0)
			continue;
		if (timeout_ms > 0) {
			now_ms = clock_ms();
			if (now_ms >= end_ms)
				return EXIT_CODE_TIMEOUT;
			wait_us = (end_ms - now_ms) * 1000;
		}
		r = sd_bus_wait(c->bus, wait_us);
		if (r < 0 && r != -EINTR)
			return bus_failed(r);
	}
	return 0;
}
