/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "tests/unit/buspair.h"
#include "wifi/central/seen.h"

#define PATH "/org/bluez/hci1/dev_00_AA_01_00_00_00"
#define OTHER "0000180a-0000-1000-8000-00805f9b34fb"
#define DATA(...) "ServiceData", "a{sv}", 1, WIFI_SERVICE, "ay", 4, __VA_ARGS__
#define RSSI(n) "RSSI", "n", (n)

/* Gives the properties to seen and frees the message. */
static int update(struct seen *s, const char *path, sd_bus_message *m)
{
	int r = seen_update(s, path, m);

	sd_bus_message_unref(m);
	return r;
}

static sd_bus_message *whole(const char *name)
{
	return buspair_message("a{sv}", 5, "Address", "s", "00:AA:01:00:00:00", "Alias", "s", name,
			       "UUIDs", "as", 2, OTHER, WIFI_SERVICE, DATA(1, 0, 0, 0x80),
			       RSSI(-40));
}

static void a_device_that_offers_the_service_is_told_with_all_it_says(void **state)
{
	struct seen s = {0};
	const struct central_device *d;

	(void)state;
	assert_true(update(&s, PATH, whole("PV0A0B0C")) >= 0);
	d = seen_next(&s);
	assert_non_null(d);
	assert_string_equal(d->path, PATH);
	assert_string_equal(d->name, "PV0A0B0C");
	assert_string_equal(d->address, "00:AA:01:00:00:00");
	assert_true(d->has_service_data);
	assert_int_equal(d->version, 1);
	assert_false(d->is_provisioned);
	assert_false(d->is_connected);
	assert_int_equal(d->wifi_rssi_dbm, INT8_MIN);
	assert_int_equal(d->rssi_dbm, -40);
	assert_null(seen_next(&s));
	seen_clear(&s);
}

static void
a_device_is_told_again_when_it_says_something_else_but_not_for_its_strength(void **state)
{
	struct seen s = {0};
	const struct central_device *d;

	(void)state;
	assert_true(update(&s, PATH, whole("PV0A0B0C")) >= 0);
	assert_non_null(seen_next(&s));
	assert_true(update(&s, PATH, buspair_message("a{sv}", 1, RSSI(-41))) >= 0);
	assert_true(update(&s, PATH, whole("PV0A0B0C")) >= 0);
	assert_null(seen_next(&s));
	assert_true(update(&s, PATH, buspair_message("a{sv}", 1, DATA(1, 3, 0, 0xc5))) >= 0);
	d = seen_next(&s);
	assert_non_null(d);
	assert_true(d->is_provisioned && d->is_connected);
	assert_int_equal(d->wifi_rssi_dbm, -59);
	assert_true(update(&s, PATH, buspair_message("a{sv}", 1, "Alias", "s", "PVFFFFFF")) >= 0);
	d = seen_next(&s);
	assert_non_null(d);
	assert_string_equal(d->name, "PVFFFFFF");
	seen_clear(&s);
}

static void a_device_that_is_only_remembered_is_not_told_until_it_is_heard(void **state)
{
	struct seen s = {0};

	(void)state;
	assert_true(update(&s, PATH,
			   buspair_message("a{sv}", 4, "Address", "s", "00:AA:01:00:00:00", "Alias",
					   "s", "PV0A0B0C", "UUIDs", "as", 1, WIFI_SERVICE,
					   DATA(1, 0, 0, 0x80))) >= 0);
	assert_null(seen_next(&s));
	assert_true(update(&s, PATH, buspair_message("a{sv}", 1, RSSI(127))) >= 0);
	assert_non_null(seen_next(&s));
	seen_clear(&s);
}

static void other_devices_are_not_told(void **state)
{
	struct seen s = {0};

	(void)state;
	assert_true(update(&s, PATH,
			   buspair_message("a{sv}", 4, "Address", "s", "00:AA:01:00:00:00", "Alias",
					   "s", "a lamp", "UUIDs", "as", 1, OTHER, RSSI(-40))) >=
		    0);
	assert_true(update(&s, PATH,
			   buspair_message("a{sv}", 1, "ServiceData", "a{sv}", 1, OTHER, "ay", 1,
					   7)) >= 0);
	assert_null(seen_next(&s));
	seen_clear(&s);
}

static void values_of_other_types_and_lengths_are_left_out(void **state)
{
	struct seen s = {0};
	const struct central_device *d;

	(void)state;
	assert_true(update(&s, PATH, whole("PV0A0B0C")) >= 0);
	assert_non_null(seen_next(&s));
	assert_true(update(&s, PATH,
			   buspair_message("a{sv}", 5, "Alias", "u", 7u, "Address", "ay", 1, 1,
					   "RSSI", "s", "loud", "UUIDs", "s", OTHER, "ServiceData",
					   "s", "none")) >= 0);
	assert_true(update(&s, PATH,
			   buspair_message("a{sv}", 1, "ServiceData", "a{sv}", 1, WIFI_SERVICE, "s",
					   "text")) >= 0);
	assert_true(update(&s, PATH,
			   buspair_message("a{sv}", 1, "ServiceData", "a{sv}", 1, WIFI_SERVICE,
					   "ay", 3, 1, 3, 0)) >= 0);
	assert_null(seen_next(&s));
	assert_true(update(&s, PATH, buspair_message("a{sv}", 1, "Alias", "s", "other")) >= 0);
	d = seen_next(&s);
	assert_non_null(d);
	assert_string_equal(d->address, "00:AA:01:00:00:00");
	assert_int_equal(d->rssi_dbm, -40);
	assert_false(d->is_provisioned);
	seen_clear(&s);
}

static void devices_come_and_go_up_to_a_bound(void **state)
{
	struct seen s = {0};
	char path[64];
	size_t told = 0;

	(void)state;
	for (int i = 0; i <= SEEN_MAX; i++) {
		snprintf(path, sizeof(path), "/org/bluez/hci1/dev_%d", i);
		assert_true(update(&s, path, whole("PV0A0B0C")) >= 0);
	}
	while (seen_next(&s))
		told++;
	assert_int_equal(told, SEEN_MAX);
	seen_remove(&s, "/org/bluez/hci1/dev_0");
	seen_remove(&s, "/org/bluez/hci1/dev_0");
	assert_true(update(&s, path, whole("PV0A0B0C")) >= 0);
	assert_string_equal(seen_next(&s)->path, path);
	assert_null(seen_next(&s));
	seen_clear(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_device_that_offers_the_service_is_told_with_all_it_says),
		cmocka_unit_test(
			a_device_is_told_again_when_it_says_something_else_but_not_for_its_strength),
		cmocka_unit_test(a_device_that_is_only_remembered_is_not_told_until_it_is_heard),
		cmocka_unit_test(other_devices_are_not_told),
		cmocka_unit_test(values_of_other_types_and_lengths_are_left_out),
		cmocka_unit_test(devices_come_and_go_up_to_a_bound),
	};

	return cmocka_run_group_tests(tests, buspair_open_alone, buspair_close_alone);
}
