/* SPDX-License-Identifier: Apache-2.0 */
#include "wifi/station/networkmanager.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/secret.h"
#include "base/text.h"
#include "wifi/busread.h"

/* ---- writing ---- */

/* D-Bus strings are UTF-8 without NUL; a peer that sends others is thrown off the bus. */
static bool is_dbus_text(const uint8_t *text, size_t len)
{
	uint32_t point;
	size_t n;

	for (size_t i = 0; i < len; i += n) {
		n = utf8_char(text + i, len - i, &point);
		if (n == 0 || point == 0)
			return false;
	}
	return true;
}

static int append_bytes(sd_bus_message *m, const char *name, const void *data, size_t len)
{
	int r = sd_bus_message_open_container(m, SD_BUS_TYPE_DICT_ENTRY, "sv");

	if (r < 0)
		return r;
	r = sd_bus_message_append_basic(m, SD_BUS_TYPE_STRING, name);
	if (r < 0)
		return r;
	r = sd_bus_message_open_container(m, SD_BUS_TYPE_VARIANT, "ay");
	if (r < 0)
		return r;
	r = sd_bus_message_append_array(m, SD_BUS_TYPE_BYTE, data, len);
	if (r < 0)
		return r;
	r = sd_bus_message_close_container(m);
	if (r < 0)
		return r;
	return sd_bus_message_close_container(m);
}

static int open_setting(sd_bus_message *m, const char *name)
{
	int r = sd_bus_message_open_container(m, SD_BUS_TYPE_DICT_ENTRY, "sa{sv}");

	if (r < 0)
		return r;
	r = sd_bus_message_append_basic(m, SD_BUS_TYPE_STRING, name);
	if (r < 0)
		return r;
	return sd_bus_message_open_container(m, SD_BUS_TYPE_ARRAY, "{sv}");
}

static int close_setting(sd_bus_message *m)
{
	int r = sd_bus_message_close_container(m);

	if (r < 0)
		return r;
	return sd_bus_message_close_container(m);
}

static int append_identity(sd_bus_message *m, const struct wifi_network *network)
{
	char stable[2 * WIFI_SSID_MAX + 1];
	int r = open_setting(m, "connection");

	if (r < 0)
		return r;
	/* stable-id: of the UUID alone, the addresses that NetworkManager makes up would be the
	 * same in every network. */
	hex_encode(network->ssid, network->ssid_len, stable);
	r = sd_bus_message_append(m, "{sv}{sv}{sv}{sv}{sv}", "id", "s", "onboardd", "uuid", "s",
				  NM_UUID, "type", "s", "802-11-wireless", "stable-id", "s", stable,
				  "autoconnect", "b", 0);
	if (r < 0)
		return r;
	return close_setting(m);
}

static int append_wireless(sd_bus_message *m, const struct wifi_config *config)
{
	const struct wifi_network *n = &config->network;
	enum wifi_band band = backend_band(config);
	int r = open_setting(m, "802-11-wireless");

	if (r < 0)
		return r;
	r = append_bytes(m, "ssid", n->ssid, n->ssid_len);
	if (r < 0)
		return r;
	/* hidden: it asks for the network by its name, too. Whether that is needed is not known. */
	r = sd_bus_message_append(m, "{sv}{sv}", "mode", "s", "infrastructure", "hidden", "b", 1);
	if (r < 0)
		return r;
	if (backend_is_pinned(config)) {
		r = append_bytes(m, "bssid", n->bssid, sizeof(n->bssid));
		if (r < 0)
			return r;
	}
	if (band != WIFI_BAND_ANY) {
		r = sd_bus_message_append(m, "{sv}", "band", "s",
					  band == WIFI_BAND_5_GHZ ? "a" : "bg");
		if (r < 0)
			return r;
	}
	return close_setting(m);
}

static int append_security(sd_bus_message *m, const struct wifi_config *config, enum wifi_auth auth)
{
	char passphrase[WIFI_PASSPHRASE_MAX + 1] = {0};
	const char *only = NULL; /* of WPA and WPA2 */
	int r;

	if (!config->has_passphrase || config->passphrase_len == 0 ||
	    config->passphrase_len > WIFI_PASSPHRASE_MAX ||
	    !is_dbus_text(config->passphrase, config->passphrase_len))
		return -EINVAL;
	/* "wpa-psk" takes SAE as well where both sides can; it takes no short passphrases. */
	if (auth == WIFI_AUTH_UNKNOWN && config->passphrase_len < 8)
		auth = WIFI_AUTH_WPA3_PSK;
	if (auth == WIFI_AUTH_WPA_PSK)
		only = "wpa";
	else if (auth == WIFI_AUTH_WPA2_PSK)
		only = "rsn";

	r = open_setting(m, "802-11-wireless-security");
	if (r < 0)
		return r;
	r = sd_bus_message_append(m, "{sv}", "key-mgmt", "s",
				  auth == WIFI_AUTH_WPA3_PSK ? "sae" : "wpa-psk");
	if (r < 0)
		return r;
	if (only) {
		r = sd_bus_message_append(m, "{sv}", "proto", "as", 1, only);
		if (r < 0)
			return r;
	}
	memcpy(passphrase, config->passphrase, config->passphrase_len);
	r = sd_bus_message_append(m, "{sv}", "psk", "s", passphrase);
	secret_wipe(passphrase, sizeof(passphrase));
	if (r < 0)
		return r;
	return close_setting(m);
}

static int append_addresses(sd_bus_message *m)
{
	int r = open_setting(m, "ipv4");

	if (r < 0)
		return r;
	/* How long to wait for an address is not for NetworkManager to say. */
	r = sd_bus_message_append(m, "{sv}{sv}", "method", "s", "auto", "dhcp-timeout", "i",
				  INT32_MAX);
	if (r < 0)
		return r;
	r = close_setting(m);
	if (r < 0)
		return r;
	r = open_setting(m, "ipv6");
	if (r < 0)
		return r;
	r = sd_bus_message_append(m, "{sv}", "method", "s", "auto");
	if (r < 0)
		return r;
	return close_setting(m);
}

int nm_append_connection(sd_bus_message *m, const struct wifi_config *config, const char *device)
{
	enum wifi_auth auth = backend_auth(config);
	int r = sd_bus_message_sensitive(m);

	if (r < 0)
		return r;
	if (auth == WIFI_AUTH_WEP || auth == WIFI_AUTH_WPA2_ENTERPRISE ||
	    config->network.ssid_len == 0 || config->network.ssid_len > WIFI_SSID_MAX)
		return -EINVAL;
	r = sd_bus_message_open_container(m, SD_BUS_TYPE_ARRAY, "{sa{sv}}");
	if (r < 0)
		return r;
	r = append_identity(m, &config->network);
	if (r < 0)
		return r;
	r = append_wireless(m, config);
	if (r < 0)
		return r;
	if (auth != WIFI_AUTH_OPEN) {
		r = append_security(m, config, auth);
		if (r < 0)
			return r;
	}
	r = append_addresses(m);
	if (r < 0)
		return r;
	r = sd_bus_message_close_container(m);
	if (r < 0)
		return r;
	/* volatile: kept in memory alone and gone with its activation. bind-activation none: the
	 * link outlives us. */
	r = sd_bus_message_append(m, "ooa{sv}", device, "/", 2, "persist", "s", "volatile",
				  "bind-activation", "s", "none");
	return r < 0 ? r : 0;
}

/* ---- reading ---- */

/* 1, or -EBADMSG when the property is of another type. */
static int read_variant(sd_bus_message *m, const char *type, void *ret)
{
	int r = sd_bus_message_read(m, "v", type, ret);

	if (r == -ENXIO)
		return -EBADMSG;
	return r < 0 ? r : 1;
}

static int read_path(sd_bus_message *m, char ret[static NM_PATH_MAX])
{
	const char *path;
	int r = read_variant(m, "o", &path);

	if (r < 0)
		return r;
	return nm_copy(ret, NM_PATH_MAX, path) ? 1 : -EBADMSG;
}

struct ap_fields {
	struct nm_access_point *ap;
	uint32_t flags, wpa, rsn;
};

static int read_ssid(sd_bus_message *m, struct wifi_network *ret)
{
	const void *ssid;
	size_t len;
	int r = sd_bus_message_enter_container(m, SD_BUS_TYPE_VARIANT, "ay");

	if (r < 0)
		return r == -ENXIO ? -EBADMSG : r;
	r = sd_bus_message_read_array(m, SD_BUS_TYPE_BYTE, &ssid, &len);
	if (r < 0)
		return r;
	if (backend_set_ssid(ret, ssid, len) < 0)
		return -EBADMSG;
	r = sd_bus_message_exit_container(m);
	return r < 0 ? r : 1;
}

/* "02:00:00:00:01:00"; the one that NetworkManager makes up for a network it has not seen has an
 * empty address. */
static bool read_bssid(const char *text, uint8_t ret[static WIFI_BSSID_LEN])
{
	if (strlen(text) != WIFI_BSSID_LEN * 3 - 1)
		return false;
	for (size_t i = 0; i < WIFI_BSSID_LEN; i++)
		if ((i > 0 && text[3 * i - 1] != ':') ||
		    hex_decode(text + 3 * i, 2, ret + i, 1) < 0)
			return false;
	return true;
}

static int on_ap_property(sd_bus_message *m, const char *name, void *userdata)
{
	struct ap_fields *f = userdata;
	struct wifi_record *record = &f->ap->record;
	const char *text;
	uint32_t mhz;
	uint8_t percent;
	int r;

	if (strcmp(name, "Ssid") == 0)
		return read_ssid(m, &record->network);
	if (strcmp(name, "Flags") == 0)
		return read_variant(m, "u", &f->flags);
	if (strcmp(name, "WpaFlags") == 0)
		return read_variant(m, "u", &f->wpa);
	if (strcmp(name, "RsnFlags") == 0)
		return read_variant(m, "u", &f->rsn);
	if (strcmp(name, "LastSeen") == 0)
		return read_variant(m, "i", &f->ap->seen_s);
	if (strcmp(name, "HwAddress") == 0) {
		r = read_variant(m, "s", &text);
		if (r > 0)
			f->ap->is_valid = read_bssid(text, record->network.bssid);
		return r;
	}
	if (strcmp(name, "Frequency") == 0) {
		r = read_variant(m, "u", &mhz);
		if (r > 0)
			backend_set_frequency(&record->network, mhz);
		return r;
	}
	if (strcmp(name, "Strength") == 0) {
		r = read_variant(m, "y", &percent);
		if (r > 0)
			record->rssi_dbm = nm_dbm_of(percent);
		return r;
	}
	return 0;
}

int nm_read_access_point(sd_bus_message *m, struct nm_access_point *ret)
{
	struct nm_access_point ap = {.record.rssi_dbm = nm_dbm_of(0), .seen_s = -1};
	struct ap_fields fields = {.ap = &ap};
	int r = busread_properties(m, on_ap_property, &fields);

	if (r < 0)
		return r;
	ap.record.network.auth = nm_auth_of(fields.flags, fields.wpa, fields.rsn);
	*ret = ap;
	return 0;
}

static int on_change(sd_bus_message *m, const char *name, void *userdata)
{
	struct nm_change *c = userdata;
	int r, yes;

	if (strcmp(name, "ActiveConnection") == 0) {
		c->has_active = true;
		return read_path(m, c->device.active);
	}
	if (strcmp(name, "ActiveAccessPoint") == 0) {
		c->has_ap = true;
		return read_path(m, c->device.ap);
	}
	if (strcmp(name, "DeviceType") == 0) {
		c->has_type = true;
		return read_variant(m, "u", &c->device.type);
	}
	if (strcmp(name, "LastScan") == 0) {
		c->has_last_scan = true;
		return read_variant(m, "x", &c->last_scan);
	}
	if (strcmp(name, "Startup") == 0) {
		r = read_variant(m, "b", &yes);
		if (r > 0) {
			c->has_startup = true;
			c->is_starting = yes;
		}
		return r;
	}
	if (strcmp(name, "StateReason") == 0) {
		r = sd_bus_message_read(m, "v", "(uu)", &c->device.state, &c->device.reason);
		if (r > 0)
			c->has_state = true;
		return r == -ENXIO ? -EBADMSG : r;
	}
	return 0;
}

int nm_read_change(sd_bus_message *m, struct nm_change *ret)
{
	*ret = (struct nm_change){0};
	return busread_properties(m, on_change, ret);
}

static int on_supplicant_change(sd_bus_message *m, const char *name, void *userdata)
{
	struct nm_supplicant_change *c = userdata;
	const char *text;
	int r;

	if (strcmp(name, "State") == 0) {
		r = read_variant(m, "s", &text);
		/* A longer one is none that we know. */
		if (r > 0 && !nm_copy(c->state, sizeof(c->state), text))
			*c->state = '\0';
		return r;
	}
	if (strcmp(name, "AuthStatusCode") == 0) {
		c->has_auth_status = true;
		return read_variant(m, "i", &c->auth_status);
	}
	return 0;
}

int nm_read_supplicant(sd_bus_message *m, struct nm_supplicant_change *ret)
{
	*ret = (struct nm_supplicant_change){0};
	return busread_properties(m, on_supplicant_change, ret);
}

/* ---- GetManagedObjects ---- */

struct access_points {
	char (*paths)[NM_PATH_MAX];
	size_t n;
};

static int read_access_point_paths(sd_bus_message *m, struct access_points *ret)
{
	const char *path;
	int r = sd_bus_message_enter_container(m, SD_BUS_TYPE_VARIANT, "ao");

	if (r < 0)
		return r == -ENXIO ? -EBADMSG : r;
	r = sd_bus_message_enter_container(m, SD_BUS_TYPE_ARRAY, "o");
	if (r < 0)
		return r;
	while ((r = sd_bus_message_read(m, "o", &path)) > 0)
		if (ret->n < NM_ACCESS_POINTS_MAX && nm_copy(ret->paths[ret->n], NM_PATH_MAX, path))
			ret->n++;
	if (r < 0)
		return r;
	r = sd_bus_message_exit_container(m);
	if (r < 0)
		return r;
	r = sd_bus_message_exit_container(m);
	return r < 0 ? r : 1;
}

static int on_wireless_property(sd_bus_message *m, const char *name, void *userdata)
{
	return strcmp(name, "AccessPoints") == 0 ? read_access_point_paths(m, userdata) : 0;
}

static int read_all(sd_bus_message *m, busread_interface_fn fn, void *userdata)
{
	int r = sd_bus_message_rewind(m, true);

	return r < 0 ? r : busread_objects(m, fn, userdata);
}

struct objects {
	const char *device;
	struct access_points aps;
	void (*fn)(void *userdata, const struct nm_access_point *ap);
	void *userdata;
};

static int on_device_object(sd_bus_message *m, const char *path, const char *interface,
			    void *userdata)
{
	struct objects *o = userdata;
	int r;

	if (strcmp(path, o->device) != 0 || strcmp(interface, NM_WIRELESS) != 0)
		return 0;
	r = busread_properties(m, on_wireless_property, &o->aps);
	return r < 0 ? r : 1;
}

static int on_ap_object(sd_bus_message *m, const char *path, const char *interface, void *userdata)
{
	struct objects *o = userdata;
	struct nm_access_point ap;
	bool is_ours = false;
	int r;

	for (size_t i = 0; i < o->aps.n; i++)
		is_ours = is_ours || strcmp(path, o->aps.paths[i]) == 0;
	if (!is_ours || strcmp(interface, NM_ACCESS_POINT) != 0)
		return 0;
	r = nm_read_access_point(m, &ap);
	if (r < 0)
		return r;
	o->fn(o->userdata, &ap);
	return 1;
}

int nm_read_objects(sd_bus_message *m, const char *device,
		    void (*fn)(void *userdata, const struct nm_access_point *ap), void *userdata)
{
	struct objects o = {.device = device, .fn = fn, .userdata = userdata};
	int r;

	o.aps.paths = calloc(NM_ACCESS_POINTS_MAX, sizeof(*o.aps.paths));
	if (!o.aps.paths)
		return -ENOMEM;
	/* An access point may come before its device. */
	r = read_all(m, on_device_object, &o);
	if (r >= 0)
		r = read_all(m, on_ap_object, &o);
	free(o.aps.paths);
	return r < 0 ? r : 0;
}
