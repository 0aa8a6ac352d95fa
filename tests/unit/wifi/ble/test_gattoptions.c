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
#include <unistd.h>

#include "wifi/ble/gattoptions.h"

#define DEVICE "/org/bluez/hci0/dev_00_AA_01_01_00_01"

static int peer_fd = -1;

/* A message whose body is ours to fill, on a bus whose other end says nothing. */
static sd_bus_message *new_message(sd_bus **ret_bus)
{
	sd_bus_message *m;
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds),
			 0);
	peer_fd = fds[1];
	assert_true(sd_bus_new(ret_bus) >= 0);
	assert_true(sd_bus_set_fd(*ret_bus, fds[0], fds[0]) >= 0);
	assert_true(sd_bus_start(*ret_bus) >= 0);
	assert_true(sd_bus_message_new_signal(*ret_bus, &m, "/a", "a.b", "C") >= 0);
	return m;
}

static int read_options(sd_bus *bus, sd_bus_message *m, struct gatt_options *ret)
{
	int r;

	assert_true(sd_bus_message_seal(m, 1, 0) >= 0);
	r = gatt_options_read(m, ret);
	sd_bus_message_unref(m);
	sd_bus_close_unref(bus);
	close(peer_fd);
	return r;
}

static void everything_that_bluez_says_is_read(void **state)
{
	struct gatt_options o;
	sd_bus *bus;
	sd_bus_message *m = new_message(&bus);

	(void)state;
	assert_true(sd_bus_message_append(m, "a{sv}", 5, "device", "o", DEVICE, "link", "s", "LE",
					  "mtu", "q", 517, "offset", "q", 3, "prepare-authorize",
					  "b", 1) >= 0);
	assert_int_equal(read_options(bus, m, &o), 0);
	assert_string_equal(o.device, DEVICE);
	assert_int_equal(o.mtu, 517);
	assert_int_equal(o.offset, 3);
	assert_true(o.is_prepare);
	assert_int_equal(gatt_options_limit(&o), 512);
}

static void without_a_word_about_it_the_mtu_is_the_smallest(void **state)
{
	struct gatt_options o;
	sd_bus *bus;
	sd_bus_message *m = new_message(&bus);

	(void)state;
	assert_true(sd_bus_message_append(m, "a{sv}", 0) >= 0);
	assert_int_equal(read_options(bus, m, &o), 0);
	assert_string_equal(o.device, "");
	assert_int_equal(o.offset, 0);
	assert_false(o.is_prepare);
	assert_int_equal(gatt_options_limit(&o), 18);
}

static void an_mtu_below_the_smallest_does_not_wrap_the_limit(void **state)
{
	struct gatt_options o;

	(void)state;
	for (int mtu = 0; mtu < 23; mtu++) {
		sd_bus *bus;
		sd_bus_message *m = new_message(&bus);

		assert_true(sd_bus_message_append(m, "a{sv}", 1, "mtu", "q", mtu) >= 0);
		assert_int_equal(read_options(bus, m, &o), 0);
		assert_int_equal(gatt_options_limit(&o), 18);
	}
}

static void options_of_another_type_are_refused(void **state)
{
	static const char *const names[] = {"device", "mtu", "offset", "prepare-authorize"};
	struct gatt_options o;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		sd_bus *bus;
		sd_bus_message *m = new_message(&bus);

		assert_true(sd_bus_message_append(m, "a{sv}", 1, names[i], "x", (int64_t)1) >= 0);
		assert_true(read_options(bus, m, &o) < 0);
	}
}

static void a_device_that_is_no_path_of_bluez_is_refused(void **state)
{
	static const char *const paths[] = {
		"/",
		"/org/bluez",
		"/org/bluez/hci",
		"/org/bluez/hcix/dev_00_AA_01_01_00_01",
		"/org/bluez/hci99999/dev_00_AA_01_01_00_01",
		"/org/bluez/hci0/dev_00_AA_01_01_00_01/and/so/on/until/it/is/far/too/long",
	};
	struct gatt_options o;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		sd_bus *bus;
		sd_bus_message *m = new_message(&bus);

		assert_true(sd_bus_message_append(m, "a{sv}", 1, "device", "o", paths[i]) >= 0);
		assert_int_equal(read_options(bus, m, &o), -EBADMSG);
	}
}

static void a_body_of_another_shape_is_refused(void **state)
{
	struct gatt_options o;
	sd_bus *bus;
	sd_bus_message *m = new_message(&bus);

	(void)state;
	assert_true(sd_bus_message_append(m, "s", "a{sv}") >= 0);
	assert_true(read_options(bus, m, &o) < 0);
	m = new_message(&bus);
	assert_true(read_options(bus, m, &o) < 0);
}

static void addresses_are_read_last_byte_first(void **state)
{
	static const uint8_t expected[] = {0x01, 0x00, 0x01, 0x0b, 0xaa, 0x00};
	uint8_t address[6];

	(void)state;
	assert_int_equal(bluez_path_address("/org/bluez/hci0/dev_00_AA_0B_01_00_01", address), 0);
	assert_memory_equal(address, expected, 6);
	assert_int_equal(bluez_address("00:AA:0B:01:00:01", address), 0);
	assert_memory_equal(address, expected, 6);
}

static void what_is_no_address_is_refused(void **state)
{
	static const char *const texts[] = {
		"",
		"00:AA:0B:01:00",
		"00:AA:0B:01:00:0",
		"00:AA:0B:01:00:0g",
		"00:AA:0B:01:00_01",
		"00:AA:0B:01:00:01:",
		"00-AA-0B-01-00-01",
	};
	static const char *const paths[] = {
		"",
		"dev_00_AA_0B_01_00_01",
		"/dev_00:AA_0B_01_00_01",
		"/00_AA_0B_01_00_01",
		"/dev_00_AA_0B_01_00_01/service0001",
	};
	uint8_t address[6];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		assert_int_equal(bluez_address(texts[i], address), -EINVAL);
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		assert_int_equal(bluez_path_address(paths[i], address), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_that_bluez_says_is_read),
		cmocka_unit_test(without_a_word_about_it_the_mtu_is_the_smallest),
		cmocka_unit_test(an_mtu_below_the_smallest_does_not_wrap_the_limit),
		cmocka_unit_test(options_of_another_type_are_refused),
		cmocka_unit_test(a_device_that_is_no_path_of_bluez_is_refused),
		cmocka_unit_test(a_body_of_another_shape_is_refused),
		cmocka_unit_test(addresses_are_read_last_byte_first),
		cmocka_unit_test(what_is_no_address_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
