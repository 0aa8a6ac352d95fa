/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "agent/cli/networks.h"

static struct wifi_record record(const char *ssid, int rssi_dbm, uint32_t channel)
{
	struct wifi_record r = {.rssi_dbm = rssi_dbm};

	r.network.ssid_len = strlen(ssid);
	memcpy(r.network.ssid, ssid, r.network.ssid_len);
	r.network.channel = channel;
	r.network.auth = WIFI_AUTH_WPA2_PSK;
	return r;
}

static void add(struct networks *n, const char *ssid, int rssi_dbm, uint32_t channel)
{
	const struct wifi_record r = record(ssid, rssi_dbm, channel);

	networks_add(n, &r);
}

/* What networks_show() prints. */
static const char *shown(const struct networks *n)
{
	static char text[4096];
	FILE *f = fmemopen(text, sizeof(text), "w");

	assert_non_null(f);
	networks_show(n, f);
	assert_int_equal(fclose(f), 0);
	return text;
}

static void the_strongest_network_comes_first_by_its_strongest_radio(void **state)
{
	static struct networks n;

	(void)state;
	add(&n, "far", -80, 1);
	add(&n, "near", -70, 6);
	add(&n, "near", -40, 36);
	add(&n, "near", -60, 11);
	add(&n, "middle", -50, 1);
	assert_int_equal(n.n, 3);
	assert_memory_equal(n.records[0].network.ssid, "near", 4);
	assert_int_equal(n.records[0].network.channel, 36);
	assert_memory_equal(n.records[1].network.ssid, "middle", 6);
	assert_memory_equal(n.records[2].network.ssid, "far", 3);
	add(&n, "far", -30, 1);
	assert_int_equal(n.n, 3);
	assert_memory_equal(n.records[0].network.ssid, "far", 3);
}

static void hidden_networks_are_left_out(void **state)
{
	static struct networks n;

	(void)state;
	add(&n, "", -10, 1);
	assert_int_equal(n.n, 0);
	assert_string_equal(shown(&n), "No networks were found.\n");
}

static void the_weakest_make_room_when_there_are_too_many(void **state)
{
	static struct networks n;
	char ssid[16];

	(void)state;
	for (int i = 0; i < NETWORKS_MAX + 5; i++) {
		snprintf(ssid, sizeof(ssid), "net%d", i);
		add(&n, ssid, -i, 1);
	}
	assert_int_equal(n.n, NETWORKS_MAX);
	assert_int_equal(n.records[NETWORKS_MAX - 1].rssi_dbm, -(NETWORKS_MAX - 1));
	add(&n, "strong", 1, 1);
	assert_int_equal(n.n, NETWORKS_MAX);
	assert_memory_equal(n.records[0].network.ssid, "strong", 6);
	assert_int_equal(n.records[NETWORKS_MAX - 1].rssi_dbm, -(NETWORKS_MAX - 2));
}

static void a_network_is_found_by_its_whole_name(void **state)
{
	static struct networks n;
	const struct wifi_record a = record("home", 0, 0), b = record("home2", 0, 0),
				 c = record("hom", 0, 0);

	(void)state;
	add(&n, "home", -40, 1);
	assert_ptr_equal(networks_find(&n, &a.network), &n.records[0]);
	assert_null(networks_find(&n, &b.network));
	assert_null(networks_find(&n, &c.network));
}

static void the_table_is_safe_for_any_name(void **state)
{
	static struct networks n;

	(void)state;
	add(&n, "a\x1b[2J\xff", -40, 11);
	assert_string_equal(shown(&n), "      SIGNAL  CHANNEL  SECURITY    NAME\n"
				       "  1  -40 dBm       11  WPA2        a\\x1b[2J\\xff\n");
}

static void json_has_the_bytes_of_the_name_besides_its_text(void **state)
{
	struct wifi_record r = record("a\xff", -40, 11);
	json_t *json;

	(void)state;
	memcpy(r.network.bssid, "\x02\x00\x00\x00\x01\xaf", WIFI_BSSID_LEN);
	json = networks_json(&r);
	assert_non_null(json);
	assert_string_equal(json_string_value(json_object_get(json, "ssid")), "a\\xff");
	assert_string_equal(json_string_value(json_object_get(json, "ssid_hex")), "61ff");
	assert_string_equal(json_string_value(json_object_get(json, "bssid")), "02:00:00:00:01:af");
	assert_string_equal(json_string_value(json_object_get(json, "auth")), "wpa2-psk");
	assert_int_equal(json_integer_value(json_object_get(json, "channel")), 11);
	assert_int_equal(json_integer_value(json_object_get(json, "signal")), -40);
	json_decref(json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_strongest_network_comes_first_by_its_strongest_radio),
		cmocka_unit_test(hidden_networks_are_left_out),
		cmocka_unit_test(the_weakest_make_room_when_there_are_too_many),
		cmocka_unit_test(a_network_is_found_by_its_whole_name),
		cmocka_unit_test(the_table_is_safe_for_any_name),
		cmocka_unit_test(json_has_the_bytes_of_the_name_besides_its_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
