/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/bus_wifi.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "agent/plain.h"
#include "base/clock.h"
#include "base/log.h"
#include "wifi/tell.h"

#define INTERFACE "org.onboardd.Wifi1"
#define ERROR_WIFI "org.onboardd.Error.Wifi"
#define WINDOW_MAX_MS (UINT64_C(8760) * 3600 * 1000)
#define NO_SIGNAL (-128)

struct ssid {
	uint8_t data[WIFI_SSID_MAX];
	size_t len;
};

/* What the properties say, taken at one moment. */
struct snapshot {
	char stage[24], interface[32], backend[24], address[16], name[16], failure[24];
	struct ssid configured_ssid, ssid;
	int16_t signal;
	bool configured, is_volatile, advertising, window_open, configurator;
};

struct bus_wifi {
	sd_bus *bus; /* borrowed, as the next */
	struct agent *agent;
	struct permit *permit;
	sd_bus_slot *vtable; /* owned */
	struct wifi_events events;
	struct snapshot told;
};

/* ---- properties ---- */

static const struct property {
	const char *name;
	char type; /* s: char[], y: struct ssid, n: int16_t, b: bool */
	size_t offset, size;
} properties[] = {
#define P(name, type, field)                                                                       \
	{                                                                                          \
		name, type, offsetof(struct snapshot, field),                                      \
			sizeof(((struct snapshot *)0)->field)                                      \
	}
	P("Stage", 's', stage),
	P("Interface", 's', interface),
	P("Backend", 's', backend),
	P("ConfiguredSsid", 'y', configured_ssid),
	P("Ssid", 'y', ssid),
	P("Address", 's', address),
	P("Signal", 'n', signal),
	P("Configured", 'b', configured),
	P("Volatile", 'b', is_volatile),
	P("Name", 's', name),
	P("Advertising", 'b', advertising),
	P("WindowOpen", 'b', window_open),
	P("ConfiguratorConnected", 'b', configurator),
	P("LastFailure", 's', failure),
#undef P
};

static void copy_ssid(struct ssid *ret, const struct wifi_network *n)
{
	if (!n)
		return;
	memcpy(ret->data, n->ssid, n->ssid_len);
	ret->len = n->ssid_len;
}

/* Every byte of it is set: it is compared as a whole. */
static void take(struct agent *agent, struct snapshot *ret)
{
	struct wifi *wifi = agent_wifi(agent);
	struct wifi_view v;

	memset(ret, 0, sizeof(*ret));
	ret->signal = NO_SIGNAL;
	snprintf(ret->stage, sizeof(ret->stage), "%s", link_stage_name(LINK_STAGE_NO_INTERFACE));
	if (!wifi)
		return;
	wifi_get_view(wifi, &v);
	snprintf(ret->stage, sizeof(ret->stage), "%s", link_stage_name(v.link.stage));
	snprintf(ret->interface, sizeof(ret->interface), "%s", v.link.interface);
	snprintf(ret->backend, sizeof(ret->backend), "%s", v.link.backend);
	snprintf(ret->name, sizeof(ret->name), "%s", v.name);
	if (v.link.has_ip4)
		snprintf(ret->address, sizeof(ret->address), "%u.%u.%u.%u", v.link.ip4[0],
			 v.link.ip4[1], v.link.ip4[2], v.link.ip4[3]);
	if (v.link.has_failed)
		snprintf(ret->failure, sizeof(ret->failure), "%s",
			 wifi_reason_name(v.link.last_reason));
	copy_ssid(&ret->configured_ssid, v.link.configured);
	copy_ssid(&ret->ssid, v.link.connected);
	if (v.link.has_rssi)
		ret->signal = (int16_t)v.link.rssi_dbm;
	ret->configured = v.link.is_configured;
	ret->is_volatile = v.link.is_volatile;
	ret->advertising = v.is_advertising;
	ret->window_open = v.is_window_open;
	ret->configurator = v.has_configurator;
}

static int property_get(sd_bus *bus, const char *path, const char *interface, const char *name,
			sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
	struct bus_wifi *b = userdata;
	struct snapshot now;

	(void)bus;
	(void)path;
	(void)interface;
	(void)error;
	take(b->agent, &now);
	for (size_t i = 0; i < ARRAY_SIZE(properties); i++) {
		const struct property *p = &properties[i];
		const void *at = (const char *)&now + p->offset;
		const struct ssid *ssid = at;

		if (strcmp(p->name, name) != 0)
			continue;
		if (p->type == 'y')
			return sd_bus_message_append_array(reply, 'y', ssid->data, ssid->len);
		if (p->type == 's')
			return sd_bus_message_append(reply, "s", (const char *)at);
		if (p->type == 'n')
			return sd_bus_message_append(reply, "n", *(const int16_t *)at);
		return sd_bus_message_append(reply, "b", *(const bool *)at);
	}
	return -ENOENT;
}

static void on_changed(void *userdata)
{
	struct bus_wifi *b = userdata;
	char *names[ARRAY_SIZE(properties) + 1];
	struct snapshot now;
	size_t n = 0;
	int r;

	take(b->agent, &now);
	for (size_t i = 0; i < ARRAY_SIZE(properties); i++)
		if (memcmp((char *)&now + properties[i].offset,
			   (char *)&b->told + properties[i].offset, properties[i].size) != 0)
			names[n++] = (char *)properties[i].name;
	names[n] = NULL;
	b->told = now;
	if (n == 0 || !sd_bus_is_open(b->bus))
		return;
	r = sd_bus_emit_properties_changed_strv(b->bus, BUS_PATH, INTERFACE, names);
	if (r < 0)
		log_debug("bus: PropertiesChanged of Wi-Fi: %s", strerror(-r));
}

/* ---- methods ---- */

static int failed(sd_bus_error *error, int r, const char *what)
{
	const char *why = r == -EINVAL     ? "the network's name, passphrase and authentication do "
					     "not fit together"
			  : r == -ENODEV   ? "no Wi-Fi interface is there"
			  : r == -EBUSY    ? "an attempt or a configurator is at work, try again "
					     "when it is done"
			  : r == -ENOENT   ? "Wi-Fi is off: `enable = yes` in [wifi]"
			  : r == -ENOTCONN ? "no system bus"
			  : r < 0          ? strerror(-r)
					   : "the store does not work, see the journal of onboardd";

	if (r == -ENOMEM)
		return r;
	return sd_bus_error_setf(error, ERROR_WIFI, "%s: %s", what, why);
}

/* 0 and *ret, or what failed() takes. */
static int find(struct bus_wifi *b, struct wifi **ret)
{
	if (!agent_has_wifi(b->agent))
		return -ENOENT;
	*ret = agent_wifi(b->agent);
	return *ret ? 0 : -ENOTCONN;
}

static json_t *view_json(const struct bus_wifi *b, const struct wifi_view *v)
{
	char configured[WIFI_SSID_TEXT_MAX] = "", connected[WIFI_SSID_TEXT_MAX] = "",
	     text[TELL_TEXT_MAX];
	struct snapshot s;

	take(b->agent, &s);
	if (v->link.configured)
		wifi_ssid_text(v->link.configured, configured);
	if (v->link.connected)
		wifi_ssid_text(v->link.connected, connected);
	return json_pack(
		"{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:b, s:b, s:s, s:b, s:s, s:b, s:I, s:b, "
		"s:s, s:I, s:s}",
		"stage", s.stage, "text", tell_stage(v, text), "interface", s.interface, "backend",
		s.backend, "configured_ssid", configured, "ssid", connected, "address", s.address,
		"signal", s.signal, "configured", s.configured, "volatile", s.is_volatile, "name",
		s.name, "advertising", s.advertising, "advertising_why", v->advertising_why,
		"window_open", s.window_open, "window_left_ms", (json_int_t)v->window_left_ms,
		"configurator", s.configurator, "last_failure", s.failure, "retry_in_ms",
		(json_int_t)v->link.retry_in_ms, "passkey", agent_passkey(b->agent));
}

static int method_status(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct bus_wifi *b = userdata;
	_cleanup_(json_decrefp) json_t *json = NULL;
	_cleanup_(freep) char *text = NULL;
	struct wifi_view v;
	struct wifi *wifi;
	int r = find(b, &wifi);

	if (r < 0)
		return failed(error, r, "no status");
	wifi_get_view(wifi, &v);
	json = view_json(b, &v);
	text = json ? json_dumps(json, JSON_COMPACT) : NULL;
	if (!text)
		return -ENOMEM;
	return sd_bus_reply_method_return(m, "s", text);
}

static int scan(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct wifi *wifi;
	int r = find(userdata, &wifi);

	if (r == 0)
		r = wifi_scan(wifi);
	if (r != 0)
		return failed(error, r, "no scan");
	return sd_bus_reply_method_return(m, NULL);
}

static int method_scan(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct bus_wifi *b = userdata;

	return permit_then(b->permit, &permit_wifi, m, scan, b, error);
}

static int forget(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct wifi *wifi;
	int r = find(userdata, &wifi);

	if (r == 0)
		r = wifi_forget(wifi);
	if (r != 0)
		return failed(error, r, "not forgotten");
	return sd_bus_reply_method_return(m, NULL);
}

static int method_forget(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct bus_wifi *b = userdata;

	return permit_then(b->permit, &permit_wifi, m, forget, b, error);
}

static int open_window(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct wifi *wifi;
	uint64_t ms;
	int r = sd_bus_message_read(m, "t", &ms);

	if (r < 0)
		return r;
	r = find(userdata, &wifi);
	if (r < 0)
		return failed(error, r, "the window stays as it is");
	wifi_open_window(wifi, MIN(ms, WINDOW_MAX_MS));
	return sd_bus_reply_method_return(m, NULL);
}

static int method_open_window(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct bus_wifi *b = userdata;

	return permit_then(b->permit, &permit_wifi, m, open_window, b, error);
}

/* "" is WIFI_AUTH_UNKNOWN: what fits the passphrase. */
static int read_auth(const char *text, enum wifi_auth *ret)
{
	*ret = WIFI_AUTH_UNKNOWN;
	for (int a = WIFI_AUTH_OPEN; a <= WIFI_AUTH_WPA3_PSK; a++)
		if (strcmp(text, wifi_auth_name((enum wifi_auth)a)) == 0)
			*ret = (enum wifi_auth)a;
	return *text && *ret == WIFI_AUTH_UNKNOWN ? -EINVAL : 0;
}

static int read_bytes(sd_bus_message *m, uint8_t *ret, size_t size, size_t *ret_len)
{
	const void *data;
	size_t len;
	int r = sd_bus_message_read_array(m, 'y', &data, &len);

	if (r < 0)
		return r;
	if (len > size)
		return -EINVAL;
	if (len > 0)
		memcpy(ret, data, len);
	*ret_len = len;
	return 0;
}

static int read_config(sd_bus_message *m, struct wifi_config *ret)
{
	size_t bssid_len = 0;
	const char *auth;
	int is_volatile = 0, r;

	r = read_bytes(m, ret->network.ssid, sizeof(ret->network.ssid), &ret->network.ssid_len);
	if (r == 0)
		r = read_bytes(m, ret->passphrase, sizeof(ret->passphrase), &ret->passphrase_len);
	if (r == 0)
		r = sd_bus_message_read(m, "s", &auth);
	if (r >= 0)
		r = read_auth(auth, &ret->network.auth);
	if (r == 0)
		r = read_bytes(m, ret->network.bssid, sizeof(ret->network.bssid), &bssid_len);
	if (r == 0)
		r = sd_bus_message_read(m, "b", &is_volatile);
	if (r < 0)
		return r;
	if (bssid_len != 0 && bssid_len != WIFI_BSSID_LEN)
		return -EINVAL;
	ret->has_passphrase = ret->passphrase_len > 0;
	ret->is_volatile = is_volatile;
	ret->has_any_channel = true;
	ret->any_channel = bssid_len == 0;
	return 0;
}

static int connect_to(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	_cleanup_(wifi_config_wipe) struct wifi_config config = {0};
	const char *refusal;
	struct wifi *wifi;
	int r = find(userdata, &wifi);

	if (r == 0)
		r = read_config(m, &config);
	refusal = r == 0 ? wifi_config_refusal(&config) : NULL;
	if (refusal)
		return sd_bus_error_setf(error, ERROR_WIFI, "not connected: %s", refusal);
	if (r == 0)
		r = wifi_connect(wifi, &config);
	if (r != 0)
		return failed(error, r, "not connected");
	return sd_bus_reply_method_return(m, NULL);
}

static int method_connect(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct bus_wifi *b = userdata;
	int r = sd_bus_message_sensitive(m);

	if (r < 0)
		return r;
	return permit_then(b->permit, &permit_wifi, m, connect_to, b, error);
}

/* ---- signals ---- */

static void emitted(struct bus_wifi *b, sd_bus_message *m, int r, const char *name)
{
	if (r >= 0)
		r = sd_bus_send(b->bus, m, NULL);
	if (r < 0)
		log_debug("bus: %s of Wi-Fi: %s", name, strerror(-r));
	sd_bus_message_unref(m);
}

static void on_found(void *userdata, const struct wifi_record *record)
{
	struct bus_wifi *b = userdata;
	const struct wifi_network *n = &record->network;
	sd_bus_message *m = NULL;
	int r = sd_bus_message_new_signal(b->bus, &m, BUS_PATH, INTERFACE, "Found");

	if (r >= 0)
		r = sd_bus_message_append_array(m, 'y', n->ssid, n->ssid_len);
	if (r >= 0)
		r = sd_bus_message_append_array(m, 'y', n->bssid, sizeof(n->bssid));
	if (r >= 0)
		r = sd_bus_message_append(m, "usn", n->channel, wifi_auth_name(n->auth),
					  (int16_t)record->rssi_dbm);
	emitted(b, m, r, "Found");
}

static void on_scan_done(void *userdata, int result)
{
	struct bus_wifi *b = userdata;
	sd_bus_message *m = NULL;
	int r = sd_bus_message_new_signal(b->bus, &m, BUS_PATH, INTERFACE, "ScanDone");

	if (r >= 0)
		r = sd_bus_message_append(m, "s", result < 0 ? strerror(-result) : "");
	emitted(b, m, r, "ScanDone");
}

static void on_result(void *userdata, enum wifi_state state, enum wifi_reason reason)
{
	struct bus_wifi *b = userdata;
	sd_bus_message *m = NULL;
	int r = sd_bus_message_new_signal(b->bus, &m, BUS_PATH, INTERFACE, "Result");

	if (r >= 0)
		r = sd_bus_message_append(
			m, "ss", wifi_state_name(state),
			state == WIFI_STATE_CONNECTION_FAILED ? wifi_reason_name(reason) : "");
	emitted(b, m, r, "Result");
}

#define CHANGES SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE
#define BY_POLICY SD_BUS_VTABLE_UNPRIVILEGED

/* clang-format off */
static const sd_bus_vtable vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_PROPERTY("Stage", "s", property_get, 0, CHANGES),
	SD_BUS_PROPERTY("Interface", "s", property_get, 0, CHANGES),
	SD_BUS_PROPERTY("Backend", "s", property_get, 0, CHANGES),
	SD_BUS_PROPERTY("ConfiguredSsid", "ay", property_get, 0, CHANGES),
	SD_BUS_PROPERTY("Ssid", "ay", property_get, 0, CHANGES),
	SD_BUS_PROPERTY("Address", "s", property_get, 0, CHANGES),
	SD_BUS_PROPERTY("Signal", "n", property_get, 0, CHANGES),
	SD_BUS_PROPERTY("Configured", "b", property_get, 0, CHANGES),
	SD_BUS_PROPERTY("Volatile", "b", property_get, 0, CHANGES),
	SD_BUS_PROPERTY("Name", "s", property_get, 0, CHANGES),
	SD_BUS_PROPERTY("Advertising", "b", property_get, 0, CHANGES),
	SD_BUS_PROPERTY("WindowOpen", "b", property_get, 0, CHANGES),
	SD_BUS_PROPERTY("ConfiguratorConnected", "b", property_get, 0, CHANGES),
	SD_BUS_PROPERTY("LastFailure", "s", property_get, 0, CHANGES),
	SD_BUS_METHOD_WITH_ARGS("Status", SD_BUS_NO_ARGS, SD_BUS_RESULT("s", json), method_status, BY_POLICY),
	SD_BUS_METHOD_WITH_ARGS("Scan", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, method_scan, BY_POLICY),
	SD_BUS_METHOD_WITH_ARGS("Connect", SD_BUS_ARGS("ay", ssid, "ay", passphrase, "s", auth, "ay", bssid, "b", is_volatile), SD_BUS_NO_RESULT, method_connect, BY_POLICY | SD_BUS_VTABLE_SENSITIVE),
	SD_BUS_METHOD_WITH_ARGS("Forget", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, method_forget, BY_POLICY),
	SD_BUS_METHOD_WITH_ARGS("OpenWindow", SD_BUS_ARGS("t", milliseconds), SD_BUS_NO_RESULT, method_open_window, BY_POLICY),
	SD_BUS_SIGNAL_WITH_ARGS("Found", SD_BUS_ARGS("ay", ssid, "ay", bssid, "u", channel, "s", auth, "n", dbm), 0),
	SD_BUS_SIGNAL_WITH_ARGS("ScanDone", SD_BUS_ARGS("s", error), 0),
	SD_BUS_SIGNAL_WITH_ARGS("Result", SD_BUS_ARGS("s", state, "s", reason), 0),
	SD_BUS_VTABLE_END,
};
/* clang-format on */

/* ---- life ---- */

int bus_wifi_new(sd_bus *bus, struct agent *agent, struct permit *permit, struct bus_wifi **ret)
{
	_cleanup_(bus_wifi_freep) struct bus_wifi *b = calloc(1, sizeof(*b));
	int r;

	if (!b)
		return -ENOMEM;
	b->bus = bus;
	b->agent = agent;
	b->permit = permit;
	b->events = (struct wifi_events){.changed = on_changed,
					 .result = on_result,
					 .found = on_found,
					 .scan_done = on_scan_done,
					 .userdata = b};
	take(agent, &b->told);
	r = sd_bus_add_object_vtable(bus, &b->vtable, BUS_PATH, INTERFACE, vtable, b);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(b);
	return 0;
}

struct bus_wifi *bus_wifi_free(struct bus_wifi *b)
{
	if (!b)
		return NULL;
	sd_bus_slot_unref(b->vtable);
	free(b);
	return NULL;
}

const struct wifi_events *bus_wifi_events(const struct bus_wifi *b)
{
	return &b->events;
}
