/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <sys/socket.h>
#include <systemd/sd-bus.h>

#include "wifi/station/wpa_read.h"

/* Messages are made and read in place; the bus leads nowhere. */
struct scene {
	sd_bus *bus;
	int other;
	sd_bus_message *m;
};

static int setup(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));
	int fds[2];

	assert_non_null(s);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	s->other = fds[1];
	assert_true(sd_bus_new(&s->bus) >= 0);
	assert_true(sd_bus_set_fd(s->bus, fds[0], fds[0]) >= 0);
	assert_true(sd_bus_start(s->bus) >= 0);
	assert_true(sd_bus_message_new_signal(s->bus, &s->m, "/", "a.b", "C") >= 0);
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	struct scene *s = *state;

	sd_bus_message_unref(s->m);
	sd_bus_close_unref(s->bus);
	close(s->other);
	free(s);
	return 0;
}

static void finish(struct scene *s)
{
	assert_true(sd_bus_message_seal(s->m, 1, 0) >= 0);
	assert_true(sd_bus_message_rewind(s->m, 1) >= 0);
}

static void properties_of_an_interface_are_read(void **state)
{
	struct scene *s = *state;
	struct wpa_properties p;

	assert_true(sd_bus_message_append(
			    s->m, "a{sv}", 9, "State", "s", "4way_handshake", "AuthStatusCode", "i",
			    1, "AssocStatusCode", "i", 17, "DisconnectReason", "i", -3, "Scanning",
			    "b", 1, "CurrentBSS", "o", "/bss/7", "CurrentAuthMode", "s",
			    "WPA2-PSK+SAE", "Ifname", "s", "wlan0", "Capabilities", "a{sv}", 2,
			    "Scan", "as", 1, "active", "KeyMgmt", "as", 2, "wpa-psk", "sae") >= 0);
	finish(s);
	assert_int_equal(wpa_read_properties(s->m, &p), 0);
	assert_true(p.news.has_state);
	assert_int_equal(p.news.state, WPA_STATE_4WAY_HANDSHAKE);
	assert_true(p.news.has_auth_status && p.news.auth_status == 1);
	assert_true(p.news.has_assoc_status && p.news.assoc_status == 17);
	assert_true(p.news.has_disconnect_reason && p.news.disconnect_reason == -3);
	assert_true(p.has_scanning && p.is_scanning);
	assert_string_equal(p.current_bss, "/bss/7");
	assert_true(p.has_auth_mode && p.is_sae);
	assert_true(p.has_capabilities && p.can_sae);
	wpa_properties_done(&p);
	assert_null(p.current_bss);
}

static void what_is_not_there_is_not_claimed(void **state)
{
	struct scene *s = *state;
	struct wpa_properties p;

	assert_true(sd_bus_message_append(s->m, "a{sv}", 1, "Capabilities", "a{sv}", 1, "KeyMgmt",
					  "as", 1, "wpa-psk") >= 0);
	finish(s);
	assert_int_equal(wpa_read_properties(s->m, &p), 0);
	assert_false(p.news.has_state || p.news.has_auth_status || p.news.has_assoc_status ||
		     p.news.has_disconnect_reason || p.has_scanning || p.has_auth_mode);
	assert_null(p.current_bss);
	assert_true(p.has_capabilities);
	assert_false(p.can_sae);
	wpa_properties_done(&p);
}

static void known_names_of_a_foreign_type_are_skipped(void **state)
{
	struct scene *s = *state;
	struct wpa_properties p;

	assert_true(sd_bus_message_append(s->m, "a{sv}", 4, "State", "u", 3, "AuthStatusCode", "s",
					  "1", "Scanning", "as", 1, "b", "CurrentBSS", "s",
					  "/bss/7") >= 0);
	finish(s);
	assert_int_equal(wpa_read_properties(s->m, &p), 0);
	assert_false(p.news.has_state || p.news.has_auth_status || p.has_scanning);
	assert_null(p.current_bss);
	wpa_properties_done(&p);
}

static void a_message_of_another_shape_is_refused(void **state)
{
	struct scene *s = *state;
	struct wpa_properties p;
	struct wpa_bss bss;
	char *paths[2];
	size_t n = 0;
	int dbm;

	assert_true(sd_bus_message_append(s->m, "s", "nothing of the kind") >= 0);
	finish(s);
	assert_true(wpa_read_properties(s->m, &p) < 0);
	wpa_properties_done(&p);
	assert_true(wpa_read_bss(s->m, &bss) < 0);
	assert_true(wpa_read_bss_paths(s->m, paths, 2, &n) < 0);
	assert_true(wpa_read_rssi(s->m, &dbm) < 0);
	assert_int_equal(n, 0);
}

static void append_bss(struct scene *s, size_t ssid_len, size_t bssid_len)
{
	static const uint8_t bytes[40] = {'l', 'a', 'b', 0xff};
	sd_bus_message *m = s->m;

	assert_true(sd_bus_message_open_container(m, 'a', "{sv}") >= 0);
	for (int i = 0; i < 2; i++) {
		assert_true(sd_bus_message_open_container(m, 'e', "sv") >= 0);
		assert_true(sd_bus_message_append(m, "s", i ? "BSSID" : "SSID") >= 0);
		assert_true(sd_bus_message_open_container(m, 'v', "ay") >= 0);
		assert_true(sd_bus_message_append_array(m, 'y', bytes, i ? bssid_len : ssid_len) >=
			    0);
		assert_true(sd_bus_message_close_container(m) >= 0);
		assert_true(sd_bus_message_close_container(m) >= 0);
	}
	assert_true(sd_bus_message_append(m, "{sv}{sv}{sv}{sv}{sv}{sv}", "RSN", "a{sv}", 2,
					  "KeyMgmt", "as", 2, "wpa-psk", "sae", "Group", "s",
					  "ccmp", "WPA", "a{sv}", 2, "KeyMgmt", "as", 0, "Group",
					  "s", "", "Frequency", "q", 2437, "Signal", "n", -61,
					  "Age", "u", 12, "Privacy", "b", 1) >= 0);
	assert_true(sd_bus_message_close_container(m) >= 0);
	finish(s);
}

static void a_bss_is_read(void **state)
{
	struct scene *s = *state;
	struct wpa_bss bss;

	append_bss(s, 4, 6);
	assert_int_equal(wpa_read_bss(s->m, &bss), 0);
	assert_int_equal(bss.ssid_len, 4);
	assert_int_equal(bss.ssid[3], 0xff);
	assert_true(bss.has_bssid);
	assert_int_equal(bss.bssid[0], 'l');
	assert_int_equal(bss.mhz, 2437);
	assert_int_equal(bss.signal_dbm, -61);
	assert_int_equal(bss.age_s, 12);
	assert_true(bss.is_private);
	assert_int_equal(bss.rsn, WPA_KEY_ELEMENT | WPA_KEY_PSK | WPA_KEY_SAE);
	assert_int_equal(bss.wpa, 0);
}

static void an_ssid_of_impossible_length_is_refused(void **state)
{
	struct scene *s = *state;
	struct wpa_bss bss;

	append_bss(s, WIFI_SSID_MAX + 1, 6);
	assert_int_equal(wpa_read_bss(s->m, &bss), -EBADMSG);
}

static void a_bssid_of_impossible_length_is_refused(void **state)
{
	struct scene *s = *state;
	struct wpa_bss bss;

	append_bss(s, 0, 7);
	assert_int_equal(wpa_read_bss(s->m, &bss), -EBADMSG);
}

static void no_more_bss_are_listed_than_there_is_room_for(void **state)
{
	struct scene *s = *state;
	char *paths[2] = {NULL, NULL};
	size_t n = 0;

	assert_true(sd_bus_message_append(s->m, "v", "ao", 3, "/a", "/b", "/c") >= 0);
	finish(s);
	assert_int_equal(wpa_read_bss_paths(s->m, paths, 2, &n), 0);
	assert_int_equal(n, 2);
	assert_string_equal(paths[0], "/a");
	assert_string_equal(paths[1], "/b");
	free(paths[0]);
	free(paths[1]);
}

static void the_rssi_is_read_plain_or_as_a_variant(void **state)
{
	struct scene *s = *state;
	int dbm = 0;

	assert_true(sd_bus_message_append(s->m, "v", "a{sv}", 2, "linkspeed", "i", 54, "rssi", "i",
					  -47) >= 0);
	assert_true(sd_bus_message_append(s->m, "a{sv}", 1, "RSSI", "i", -48) >= 0);
	assert_true(sd_bus_message_append(s->m, "a{sv}", 1, "RSSI", "s", "-49") >= 0);
	finish(s);
	assert_int_equal(wpa_read_rssi(s->m, &dbm), 0);
	assert_int_equal(dbm, -47);
	assert_true(sd_bus_message_exit_container(s->m) >= 0);
	assert_int_equal(wpa_read_rssi(s->m, &dbm), 0);
	assert_int_equal(dbm, -48);
	assert_int_equal(wpa_read_rssi(s->m, &dbm), -ENODATA);
	assert_int_equal(dbm, -48);
}

static void a_block_is_written_as_wpa_supplicant_wants_it(void **state)
{
	struct scene *s = *state;
	const struct wpa_block b = {
		.ssid = {'l', 'a', 'b', 0xff},
		.ssid_len = 4,
		.key_mgmt = "SAE",
		.proto = "RSN",
		.has_pmf = true,
		.pmf = 2,
		.bssid = "02:00:00:00:01:00",
		.frequencies = "2412",
		.secret = WPA_SECRET_SAE,
		.bytes = "p\xe4ss",
		.len = 4,
	};
	const char *name;
	char seen[256] = "";

	assert_int_equal(wpa_append_block(s->m, &b), 0);
	finish(s);
	assert_string_equal(sd_bus_message_get_signature(s->m, 1), "a{sv}");
	assert_true(sd_bus_message_enter_container(s->m, 'a', "{sv}") > 0);
	while (sd_bus_message_enter_container(s->m, 'e', "sv") > 0) {
		const char *type;

		assert_true(sd_bus_message_read(s->m, "s", &name) > 0);
		assert_true(sd_bus_message_peek_type(s->m, NULL, &type) > 0);
		strcat(strcat(strcat(strcat(seen, name), ":"), type), " ");
		assert_true(sd_bus_message_skip(s->m, "v") > 0);
		assert_true(sd_bus_message_exit_container(s->m) > 0);
	}
	assert_string_equal(seen, "ssid:ay scan_ssid:u key_mgmt:s proto:s ieee80211w:u bssid:s "
				  "freq_list:s sae_password:ay ");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(properties_of_an_interface_are_read),
		TEST(what_is_not_there_is_not_claimed),
		TEST(known_names_of_a_foreign_type_are_skipped),
		TEST(a_message_of_another_shape_is_refused),
		TEST(a_bss_is_read),
		TEST(an_ssid_of_impossible_length_is_refused),
		TEST(a_bssid_of_impossible_length_is_refused),
		TEST(no_more_bss_are_listed_than_there_is_room_for),
		TEST(the_rssi_is_read_plain_or_as_a_variant),
		TEST(a_block_is_written_as_wpa_supplicant_wants_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
