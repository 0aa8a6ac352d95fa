/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "base/macros.h"
#include "wifi/station/networkmanager.h"

#define DEVICE NM_PATH "/Devices/3"

/* A bus that nobody is at the other end of: messages are made for one. */
struct fixture {
	sd_bus *bus;
	int peer;
};

static int set_up(void **state)
{
	static struct fixture f;
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds),
			 0);
	assert_true(sd_bus_new(&f.bus) >= 0);
	assert_true(sd_bus_set_fd(f.bus, fds[0], fds[0]) >= 0);
	assert_true(sd_bus_start(f.bus) >= 0);
	f.peer = fds[1];
	*state = &f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	f->bus = sd_bus_close_unref(f->bus);
	close(f->peer);
	return 0;
}

static sd_bus_message *message(struct fixture *f)
{
	sd_bus_message *m = NULL;

	assert_true(sd_bus_message_new_signal(f->bus, &m, "/x", "x.x", "X") >= 0);
	return m;
}

static void make_readable(sd_bus_message *m)
{
	assert_true(sd_bus_message_seal(m, 1, 0) >= 0);
	assert_true(sd_bus_message_rewind(m, true) >= 0);
}

/* ---- connections ---- */

static struct wifi_config config_of(const char *ssid, enum wifi_auth auth, const char *passphrase)
{
	struct wifi_config c = {.network = {.ssid_len = strlen(ssid), .auth = auth}};

	memcpy(c.network.ssid, ssid, c.network.ssid_len);
	if (passphrase) {
		c.has_passphrase = true;
		c.passphrase_len = strlen(passphrase);
		memcpy(c.passphrase, passphrase, c.passphrase_len);
	}
	return c;
}

/* What a connection says, as text. */
struct said {
	char ssid[65], bssid[32], band[8], key_mgmt[16], proto[8], psk[80], uuid[40], stable_id[80];
	char device[NM_PATH_MAX], object[NM_PATH_MAX], persist[16], bind[16], ipv4[16], ipv6[16];
	int autoconnect, hidden, dhcp_timeout;
	bool has_security;
};

static void take_text(sd_bus_message *m, char *ret, size_t size)
{
	const char *text;

	assert_true(sd_bus_message_read(m, "v", "s", &text) > 0);
	assert_true(nm_copy(ret, size, text));
}

static void take_bytes(sd_bus_message *m, char *ret, size_t size)
{
	const void *data;
	size_t len;

	assert_true(sd_bus_message_enter_container(m, 'v', "ay") > 0);
	assert_true(sd_bus_message_read_array(m, 'y', &data, &len) > 0);
	assert_true(len < size);
	memcpy(ret, data, len);
	ret[len] = '\0';
	assert_true(sd_bus_message_exit_container(m) > 0);
}

static void take_one(sd_bus_message *m, const char *setting, const char *name, struct said *s)
{
	const char *text;

	if (strcmp(name, "ssid") == 0)
		take_bytes(m, s->ssid, sizeof(s->ssid));
	else if (strcmp(name, "bssid") == 0)
		take_bytes(m, s->bssid, sizeof(s->bssid));
	else if (strcmp(name, "band") == 0)
		take_text(m, s->band, sizeof(s->band));
	else if (strcmp(name, "key-mgmt") == 0)
		take_text(m, s->key_mgmt, sizeof(s->key_mgmt));
	else if (strcmp(name, "psk") == 0)
		take_text(m, s->psk, sizeof(s->psk));
	else if (strcmp(name, "uuid") == 0)
		take_text(m, s->uuid, sizeof(s->uuid));
	else if (strcmp(name, "stable-id") == 0)
		take_text(m, s->stable_id, sizeof(s->stable_id));
	else if (strcmp(name, "persist") == 0)
		take_text(m, s->persist, sizeof(s->persist));
	else if (strcmp(name, "bind-activation") == 0)
		take_text(m, s->bind, sizeof(s->bind));
	else if (strcmp(name, "method") == 0)
		take_text(m, strcmp(setting, "ipv4") == 0 ? s->ipv4 : s->ipv6, sizeof(s->ipv4));
	else if (strcmp(name, "autoconnect") == 0)
		assert_true(sd_bus_message_read(m, "v", "b", &s->autoconnect) > 0);
	else if (strcmp(name, "hidden") == 0)
		assert_true(sd_bus_message_read(m, "v", "b", &s->hidden) > 0);
	else if (strcmp(name, "dhcp-timeout") == 0)
		assert_true(sd_bus_message_read(m, "v", "i", &s->dhcp_timeout) > 0);
	else if (strcmp(name, "proto") == 0) {
		assert_true(sd_bus_message_read(m, "v", "as", 1, &text) > 0);
		assert_true(nm_copy(s->proto, sizeof(s->proto), text));
	} else
		assert_true(sd_bus_message_skip(m, "v") >= 0);
}

static void take_dict(sd_bus_message *m, const char *setting, struct said *s)
{
	const char *name;

	assert_true(sd_bus_message_enter_container(m, 'a', "{sv}") > 0);
	while (sd_bus_message_enter_container(m, 'e', "sv") > 0) {
		assert_true(sd_bus_message_read(m, "s", &name) > 0);
		take_one(m, setting, name, s);
		assert_true(sd_bus_message_exit_container(m) > 0);
	}
	assert_true(sd_bus_message_exit_container(m) > 0);
}

static void say(struct fixture *f, const struct wifi_config *config, struct said *ret)
{
	sd_bus_message *m = message(f);
	const char *setting, *device, *object;

	*ret = (struct said){.autoconnect = -1, .hidden = -1};
	assert_int_equal(nm_append_connection(m, config, DEVICE), 0);
	make_readable(m);
	assert_string_equal(sd_bus_message_get_signature(m, true), "a{sa{sv}}ooa{sv}");
	assert_true(sd_bus_message_enter_container(m, 'a', "{sa{sv}}") > 0);
	while (sd_bus_message_enter_container(m, 'e', "sa{sv}") > 0) {
		assert_true(sd_bus_message_read(m, "s", &setting) > 0);
		if (strcmp(setting, "802-11-wireless-security") == 0)
			ret->has_security = true;
		take_dict(m, setting, ret);
		assert_true(sd_bus_message_exit_container(m) > 0);
	}
	assert_true(sd_bus_message_exit_container(m) > 0);
	assert_true(sd_bus_message_read(m, "oo", &device, &object) > 0);
	assert_true(nm_copy(ret->device, sizeof(ret->device), device));
	assert_true(nm_copy(ret->object, sizeof(ret->object), object));
	take_dict(m, "options", ret);
	sd_bus_message_unref(m);
}

static void the_profile_is_volatile_and_does_not_connect_by_itself(void **state)
{
	struct wifi_config c = config_of("home", WIFI_AUTH_WPA2_PSK, "correct horse");
	struct said s;

	say(*state, &c, &s);
	assert_string_equal(s.persist, "volatile");
	assert_string_equal(s.bind, "none");
	assert_int_equal(s.autoconnect, 0);
	assert_string_equal(s.uuid, NM_UUID);
	assert_string_equal(s.device, DEVICE);
	assert_string_equal(s.object, "/");
	assert_string_equal(s.ssid, "home");
	assert_int_equal(s.hidden, 1);
	assert_string_equal(s.stable_id, "686f6d65");
}

static void addresses_are_automatic_and_waited_for_without_end(void **state)
{
	struct wifi_config c = config_of("home", WIFI_AUTH_OPEN, NULL);
	struct said s;

	say(*state, &c, &s);
	assert_string_equal(s.ipv4, "auto");
	assert_string_equal(s.ipv6, "auto");
	assert_int_equal(s.dhcp_timeout, INT32_MAX);
}

static void each_authentication_has_its_key_management(void **state)
{
	static const struct {
		enum wifi_auth auth;
		const char *passphrase, *key_mgmt, *proto;
	} rows[] = {
		{WIFI_AUTH_WPA_PSK, "correct horse", "wpa-psk", "wpa"},
		{WIFI_AUTH_WPA2_PSK, "correct horse", "wpa-psk", "rsn"},
		{WIFI_AUTH_WPA_WPA2_PSK, "correct horse", "wpa-psk", ""},
		{WIFI_AUTH_WPA3_PSK, "correct horse", "sae", ""},
		{WIFI_AUTH_WPA3_PSK, "short", "sae", ""},
		/* WPA2 or WPA3; what is too short for WPA2 can only be WPA3. */
		{WIFI_AUTH_UNKNOWN, "correct horse", "wpa-psk", ""},
		{WIFI_AUTH_UNKNOWN, "8letters", "wpa-psk", ""},
		{WIFI_AUTH_UNKNOWN, "7letter", "sae", ""},
		{WIFI_AUTH_WPA3_PSK, "Gr\xc3\xbc\xc3\x9f Gott", "sae", ""},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct wifi_config c = config_of("home", rows[i].auth, rows[i].passphrase);
		struct said s;

		say(*state, &c, &s);
		assert_string_equal(s.key_mgmt, rows[i].key_mgmt);
		assert_string_equal(s.proto, rows[i].proto);
		assert_string_equal(s.psk, rows[i].passphrase);
	}
}

static void the_longest_passphrase_is_given_whole(void **state)
{
	static const char key[] =
		"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
	struct wifi_config c = config_of("home", WIFI_AUTH_WPA2_PSK, key);
	struct said s;

	say(*state, &c, &s);
	assert_string_equal(s.psk, key);
}

static void an_open_network_has_no_security(void **state)
{
	struct wifi_config c = config_of("home", WIFI_AUTH_OPEN, NULL);
	struct said s;

	say(*state, &c, &s);
	assert_false(s.has_security);
	c.network.auth = WIFI_AUTH_UNKNOWN;
	say(*state, &c, &s);
	assert_false(s.has_security);
	/* iOS sends an empty passphrase. */
	c.has_passphrase = true;
	say(*state, &c, &s);
	assert_false(s.has_security);
}

static void a_bssid_is_pinned_only_when_asked_for(void **state)
{
	static const uint8_t bssid[WIFI_BSSID_LEN] = {2, 1, 1, 1, 1, 3};
	struct wifi_config c = config_of("home", WIFI_AUTH_OPEN, NULL);
	struct said s;

	memcpy(c.network.bssid, bssid, sizeof(bssid));
	say(*state, &c, &s);
	assert_string_equal(s.bssid, "");
	c.has_any_channel = true;
	say(*state, &c, &s);
	assert_memory_equal(s.bssid, bssid, sizeof(bssid));
}

static void the_band_is_kept_to(void **state)
{
	struct wifi_config c = config_of("home", WIFI_AUTH_OPEN, NULL);
	struct said s;

	say(*state, &c, &s);
	assert_string_equal(s.band, "");
	c.network.band = WIFI_BAND_2_4_GHZ;
	say(*state, &c, &s);
	assert_string_equal(s.band, "bg");
	c.network.band = WIFI_BAND_5_GHZ;
	say(*state, &c, &s);
	assert_string_equal(s.band, "a");
}

static void what_networkmanager_has_no_words_for_is_refused(void **state)
{
	static const struct {
		const char *ssid;
		enum wifi_auth auth;
		const char *passphrase;
	} rows[] = {
		{"", WIFI_AUTH_OPEN, NULL},
		{"home", WIFI_AUTH_WEP, "abcde"},
		{"home", WIFI_AUTH_WPA2_ENTERPRISE, "correct horse"},
		{"home", WIFI_AUTH_WPA2_PSK, NULL},
		{"home", WIFI_AUTH_WPA2_PSK, ""},
		/* No UTF-8: a D-Bus string cannot carry it. */
		{"home", WIFI_AUTH_WPA3_PSK, "Gr\xfc\xdf Gott"},
		{"home", WIFI_AUTH_WPA3_PSK, "cut off \xc3"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct wifi_config c = config_of(rows[i].ssid, rows[i].auth, rows[i].passphrase);
		sd_bus_message *m = message(*state);

		assert_int_equal(nm_append_connection(m, &c, DEVICE), -EINVAL);
		sd_bus_message_unref(m);
	}
}

static void a_passphrase_with_a_zero_in_it_is_refused(void **state)
{
	struct wifi_config c = config_of("home", WIFI_AUTH_WPA3_PSK, "correct horse");
	sd_bus_message *m = message(*state);

	c.passphrase[4] = 0;
	assert_int_equal(nm_append_connection(m, &c, DEVICE), -EINVAL);
	sd_bus_message_unref(m);
}

/* ---- access points ---- */

static void append_ap(sd_bus_message *m, const char *ssid, const char *address, uint32_t mhz)
{
	assert_true(sd_bus_message_open_container(m, 'a', "{sv}") >= 0);
	assert_true(sd_bus_message_open_container(m, 'e', "sv") >= 0);
	assert_true(sd_bus_message_append(m, "s", "Ssid") >= 0);
	assert_true(sd_bus_message_open_container(m, 'v', "ay") >= 0);
	assert_true(sd_bus_message_append_array(m, 'y', ssid, strlen(ssid)) >= 0);
	assert_true(sd_bus_message_close_container(m) >= 0);
	assert_true(sd_bus_message_close_container(m) >= 0);
	assert_true(sd_bus_message_append(m, "{sv}{sv}{sv}{sv}{sv}{sv}{sv}{sv}", "Flags", "u", 1U,
					  "WpaFlags", "u", 0U, "RsnFlags", "u", 0x188U, "Frequency",
					  "u", mhz, "HwAddress", "s", address, "Strength", "y", 50,
					  "LastSeen", "i", 77, "Mode", "u", 2U) >= 0);
	assert_true(sd_bus_message_close_container(m) >= 0);
}

static void an_access_point_becomes_a_record(void **state)
{
	static const uint8_t bssid[WIFI_BSSID_LEN] = {2, 0, 0, 0, 0xaB, 1};
	sd_bus_message *m = message(*state);
	struct nm_access_point ap;

	append_ap(m, "home", "02:00:00:00:AB:01", 5180);
	make_readable(m);
	assert_int_equal(nm_read_access_point(m, &ap), 0);
	assert_true(ap.is_valid);
	assert_int_equal(ap.seen_s, 77);
	assert_int_equal(ap.record.network.ssid_len, 4);
	assert_memory_equal(ap.record.network.ssid, "home", 4);
	assert_memory_equal(ap.record.network.bssid, bssid, sizeof(bssid));
	assert_int_equal(ap.record.network.band, WIFI_BAND_5_GHZ);
	assert_int_equal(ap.record.network.channel, 36);
	assert_int_equal(ap.record.network.auth, WIFI_AUTH_WPA2_PSK);
	assert_int_equal(ap.record.rssi_dbm, -70);
	sd_bus_message_unref(m);
}

static void one_that_was_not_seen_is_not_valid(void **state)
{
	static const char *const addresses[] = {"",
						"02:00:00:00:01",
						"02:00:00:00:01:00:00",
						"02-00-00-00-01-00",
						"0g:00:00:00:01:00",
						"020:00:00:00:01:0"};

	for (size_t i = 0; i < ARRAY_SIZE(addresses); i++) {
		sd_bus_message *m = message(*state);
		struct nm_access_point ap;

		append_ap(m, "home", addresses[i], 2412);
		make_readable(m);
		assert_int_equal(nm_read_access_point(m, &ap), 0);
		assert_false(ap.is_valid);
		sd_bus_message_unref(m);
	}
}

static void an_access_point_that_says_nothing_is_not_valid(void **state)
{
	sd_bus_message *m = message(*state);
	struct nm_access_point ap;

	assert_true(sd_bus_message_append(m, "a{sv}", 0) >= 0);
	make_readable(m);
	assert_int_equal(nm_read_access_point(m, &ap), 0);
	assert_false(ap.is_valid);
	assert_int_equal(ap.seen_s, -1);
	sd_bus_message_unref(m);
}

static void a_name_that_is_too_long_is_refused(void **state)
{
	sd_bus_message *m = message(*state);
	struct nm_access_point ap;

	append_ap(m, "123456789012345678901234567890123", "02:00:00:00:01:00", 2412);
	make_readable(m);
	assert_int_equal(nm_read_access_point(m, &ap), -EBADMSG);
	sd_bus_message_unref(m);
}

static void a_property_of_another_type_is_refused(void **state)
{
	static const char *const names[] = {"Ssid",     "Flags",     "WpaFlags",  "RsnFlags",
					    "LastSeen", "HwAddress", "Frequency", "Strength"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		sd_bus_message *m = message(*state);
		struct nm_access_point ap;

		assert_true(sd_bus_message_append(m, "a{sv}", 1, names[i], "d", 1.0) >= 0);
		make_readable(m);
		assert_int_equal(nm_read_access_point(m, &ap), -EBADMSG);
		sd_bus_message_unref(m);
	}
}

/* ---- objects ---- */

static void open_object(sd_bus_message *m, const char *path, const char *interface)
{
	assert_true(sd_bus_message_open_container(m, 'e', "oa{sa{sv}}") >= 0);
	assert_true(sd_bus_message_append(m, "o", path) >= 0);
	assert_true(sd_bus_message_open_container(m, 'a', "{sa{sv}}") >= 0);
	assert_true(sd_bus_message_open_container(m, 'e', "sa{sv}") >= 0);
	assert_true(sd_bus_message_append(m, "s", interface) >= 0);
}

static void close_object(sd_bus_message *m)
{
	assert_true(sd_bus_message_close_container(m) >= 0);
	assert_true(sd_bus_message_close_container(m) >= 0);
	assert_true(sd_bus_message_close_container(m) >= 0);
}

struct found {
	size_t n;
	char first[WIFI_SSID_MAX + 1];
};

static void on_found(void *userdata, const struct nm_access_point *ap)
{
	struct found *f = userdata;

	if (f->n++ == 0) {
		memcpy(f->first, ap->record.network.ssid, ap->record.network.ssid_len);
		f->first[ap->record.network.ssid_len] = '\0';
	}
}

static void only_the_access_points_of_the_device_are_found(void **state)
{
	sd_bus_message *m = message(*state);
	struct found found = {0};

	assert_true(sd_bus_message_open_container(m, 'a', "{oa{sa{sv}}}") >= 0);
	open_object(m, NM_PATH "/AccessPoint/2", NM_ACCESS_POINT);
	append_ap(m, "other radio", "02:00:00:00:02:00", 2412);
	close_object(m);
	open_object(m, NM_PATH "/AccessPoint/1", NM_ACCESS_POINT);
	append_ap(m, "home", "02:00:00:00:01:00", 2412);
	close_object(m);
	open_object(m, DEVICE, NM_WIRELESS);
	assert_true(sd_bus_message_append(m, "a{sv}", 2, "Bitrate", "u", 1U, "AccessPoints", "ao",
					  1, NM_PATH "/AccessPoint/1") >= 0);
	close_object(m);
	open_object(m, NM_PATH "/Devices/4", NM_WIRELESS);
	assert_true(sd_bus_message_append(m, "a{sv}", 1, "AccessPoints", "ao", 1,
					  NM_PATH "/AccessPoint/2") >= 0);
	close_object(m);
	assert_true(sd_bus_message_close_container(m) >= 0);
	make_readable(m);
	assert_int_equal(nm_read_objects(m, DEVICE, on_found, &found), 0);
	assert_int_equal(found.n, 1);
	assert_string_equal(found.first, "home");
	sd_bus_message_unref(m);
}

static void no_objects_are_no_access_points(void **state)
{
	sd_bus_message *m = message(*state);
	struct found found = {0};

	assert_true(sd_bus_message_append(m, "a{oa{sa{sv}}}", 0) >= 0);
	make_readable(m);
	assert_int_equal(nm_read_objects(m, DEVICE, on_found, &found), 0);
	assert_int_equal(found.n, 0);
	sd_bus_message_unref(m);
}

static void an_answer_that_is_no_list_of_objects_is_refused(void **state)
{
	sd_bus_message *m = message(*state);
	struct found found = {0};

	assert_true(sd_bus_message_append(m, "s", "nothing of that kind") >= 0);
	make_readable(m);
	assert_true(nm_read_objects(m, DEVICE, on_found, &found) < 0);
	assert_int_equal(found.n, 0);
	sd_bus_message_unref(m);
}

/* ---- changes ---- */

static void a_change_of_the_device_is_read(void **state)
{
	sd_bus_message *m = message(*state);
	struct nm_change c;

	assert_true(sd_bus_message_append(m, "a{sv}", 5, "State", "u", 120U, "StateReason", "(uu)",
					  120U, 53U, "ActiveConnection", "o",
					  NM_PATH "/ActiveConnection/5", "Mtu", "u", 1500U,
					  "DeviceType", "u", 2U) >= 0);
	make_readable(m);
	assert_int_equal(nm_read_change(m, &c), 0);
	assert_true(c.has_state && c.has_active && c.has_type);
	assert_false(c.has_ap || c.has_last_scan || c.has_startup);
	assert_int_equal(c.device.state, NM_DEVICE_FAILED);
	assert_int_equal(c.device.reason, NM_REASON_SSID_NOT_FOUND);
	assert_int_equal(c.device.type, NM_DEVICE_TYPE_WIFI);
	assert_string_equal(c.device.active, NM_PATH "/ActiveConnection/5");
	sd_bus_message_unref(m);
}

static void a_change_of_the_radio_and_of_the_service_is_read(void **state)
{
	sd_bus_message *m = message(*state);
	struct nm_change c;

	assert_true(sd_bus_message_append(m, "a{sv}", 3, "LastScan", "x", INT64_C(34303),
					  "ActiveAccessPoint", "o", "/", "Startup", "b", 1) >= 0);
	make_readable(m);
	assert_int_equal(nm_read_change(m, &c), 0);
	assert_true(c.has_last_scan && c.has_ap && c.has_startup);
	assert_false(c.has_state || c.has_active || c.has_type);
	assert_int_equal(c.last_scan, 34303);
	assert_string_equal(c.device.ap, "/");
	assert_true(c.is_starting);
	sd_bus_message_unref(m);
}

static void a_path_that_is_too_long_is_refused(void **state)
{
	char path[NM_PATH_MAX + 1];
	sd_bus_message *m = message(*state);
	struct nm_change c;

	memset(path, 'x', sizeof(path));
	path[0] = '/';
	path[NM_PATH_MAX] = '\0';
	assert_true(sd_bus_message_append(m, "a{sv}", 1, "ActiveConnection", "o", path) >= 0);
	make_readable(m);
	assert_int_equal(nm_read_change(m, &c), -EBADMSG);
	sd_bus_message_unref(m);
}

static void a_change_of_another_type_is_refused(void **state)
{
	static const char *const names[] = {"ActiveConnection", "ActiveAccessPoint", "DeviceType",
					    "LastScan",         "Startup",           "StateReason"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		sd_bus_message *m = message(*state);
		struct nm_change c;

		assert_true(sd_bus_message_append(m, "a{sv}", 1, names[i], "d", 1.0) >= 0);
		make_readable(m);
		assert_int_equal(nm_read_change(m, &c), -EBADMSG);
		sd_bus_message_unref(m);
	}
}

static void the_supplicant_tells_its_state_and_the_refusal(void **state)
{
	sd_bus_message *m = message(*state);
	struct nm_supplicant_change c;

	assert_true(sd_bus_message_append(m, "a{sv}", 3, "State", "s", "disconnected",
					  "AuthStatusCode", "i", 1, "Scanning", "b", 0) >= 0);
	make_readable(m);
	assert_int_equal(nm_read_supplicant(m, &c), 0);
	assert_string_equal(c.state, "disconnected");
	assert_true(c.has_auth_status);
	assert_int_equal(c.auth_status, 1);
	sd_bus_message_unref(m);
}

static void a_supplicant_that_says_neither_says_nothing(void **state)
{
	sd_bus_message *m = message(*state);
	struct nm_supplicant_change c;

	assert_true(sd_bus_message_append(m, "a{sv}", 1, "Scanning", "b", 1) >= 0);
	make_readable(m);
	assert_int_equal(nm_read_supplicant(m, &c), 0);
	assert_string_equal(c.state, "");
	assert_false(c.has_auth_status);
	sd_bus_message_unref(m);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_profile_is_volatile_and_does_not_connect_by_itself),
		cmocka_unit_test(addresses_are_automatic_and_waited_for_without_end),
		cmocka_unit_test(each_authentication_has_its_key_management),
		cmocka_unit_test(the_longest_passphrase_is_given_whole),
		cmocka_unit_test(an_open_network_has_no_security),
		cmocka_unit_test(a_bssid_is_pinned_only_when_asked_for),
		cmocka_unit_test(the_band_is_kept_to),
		cmocka_unit_test(what_networkmanager_has_no_words_for_is_refused),
		cmocka_unit_test(a_passphrase_with_a_zero_in_it_is_refused),
		cmocka_unit_test(an_access_point_becomes_a_record),
		cmocka_unit_test(one_that_was_not_seen_is_not_valid),
		cmocka_unit_test(an_access_point_that_says_nothing_is_not_valid),
		cmocka_unit_test(a_name_that_is_too_long_is_refused),
		cmocka_unit_test(a_property_of_another_type_is_refused),
		cmocka_unit_test(only_the_access_points_of_the_device_are_found),
		cmocka_unit_test(no_objects_are_no_access_points),
		cmocka_unit_test(an_answer_that_is_no_list_of_objects_is_refused),
		cmocka_unit_test(a_change_of_the_device_is_read),
		cmocka_unit_test(a_change_of_the_radio_and_of_the_service_is_read),
		cmocka_unit_test(a_path_that_is_too_long_is_refused),
		cmocka_unit_test(a_change_of_another_type_is_refused),
		cmocka_unit_test(the_supplicant_tells_its_state_and_the_refusal),
		cmocka_unit_test(a_supplicant_that_says_neither_says_nothing),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
