/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "base/log.h"
#include "tests/unit/buspair.h"
#include "wifi/ble/bluez.h"
#include "wifi/ble/peripheral.h"

/* Who is served and for how long, with a bluetoothd that says what the test wants. */

#define OWNER ":1.7"
/* No machine has this one: the kernel knows nothing of it. */
#define ADAPTER "/org/bluez/hci4000"
#define PHONE ADAPTER "/dev_00_00_00_00_00_01"
#define OTHER ADAPTER "/dev_00_00_00_00_00_02"
#define CHARACTERISTIC "org.bluez.GattCharacteristic1"
#define INFO BLE_PATH "/gatt/service/info"
#define CONTROL BLE_PATH "/gatt/service/control"
#define CLAIM BLE_PATH "/gatt/claim/value"
#define CLAIM_LEN 300
#define MINUTE_US 60000000ull
#define TIMERS_MAX 64

struct scene {
	sd_event *event;
	sd_bus *bus, *daemon; /* two ends of one line */
	struct peripheral *peripheral;
	struct peripheral_events events;
	unsigned int n_bonds;
	enum pairing pairing;
	bool may_pair, is_answered, is_error;
	char error[64];        /* its name */
	sd_bus_message *reply; /* owned; the last one */
	int claim_r;
	char disconnected[BLUEZ_PATH_MAX]; /* who was sent away last */
	char peer[BLUEZ_PATH_MAX];         /* who is there, as it is told */
};

/* ---- timers ---- */

static struct {
	sd_event_source *source; /* a reference */
	uint64_t us;
} timers[TIMERS_MAX];
static size_t n_timers;

int __real_sd_event_add_time_relative(sd_event *e, sd_event_source **s, clockid_t clock,
				      uint64_t usec, uint64_t accuracy,
				      sd_event_time_handler_t callback, void *userdata);
int __wrap_sd_event_add_time_relative(sd_event *e, sd_event_source **s, clockid_t clock,
				      uint64_t usec, uint64_t accuracy,
				      sd_event_time_handler_t callback, void *userdata);

int __wrap_sd_event_add_time_relative(sd_event *e, sd_event_source **s, clockid_t clock,
				      uint64_t usec, uint64_t accuracy,
				      sd_event_time_handler_t callback, void *userdata)
{
	int r = __real_sd_event_add_time_relative(e, s, clock, usec, accuracy, callback, userdata);

	if (r >= 0 && usec >= MINUTE_US) {
		assert_true(n_timers < TIMERS_MAX);
		timers[n_timers].source = sd_event_source_ref(*s);
		timers[n_timers++].us = usec;
	}
	return r;
}

static bool is_running(size_t i)
{
	int enabled = SD_EVENT_OFF;

	(void)sd_event_source_get_enabled(timers[i].source, &enabled);
	return enabled != SD_EVENT_OFF;
}

/* The one that runs, of a minute or more; 0 when none does. */
static uint64_t limit_us(void)
{
	uint64_t us = 0;

	for (size_t i = 0; i < n_timers; i++)
		if (is_running(i))
			us = timers[i].us;
	return us;
}

/* ---- bluetoothd ---- */

static void settle(struct scene *s)
{
	while (sd_event_run(s->event, 20000) > 0)
		;
}

static void ring(struct scene *s)
{
	for (size_t i = 0; i < n_timers; i++)
		if (is_running(i))
			assert_true(sd_event_source_set_time(timers[i].source, 0) >= 0);
	settle(s);
}

static int say(sd_bus_message *m, const char *sender)
{
	assert_true(sd_bus_message_set_sender(m, sender) >= 0);
	assert_true(sd_bus_send(NULL, m, NULL) >= 0);
	sd_bus_message_unref(m);
	return 1;
}

static void append_bond(sd_bus_message *m, unsigned int i)
{
	char path[BLUEZ_PATH_MAX];

	snprintf(path, sizeof(path), ADAPTER "/dev_01_00_00_00_%02X_%02X", i >> 8, i & 0xff);
	assert_true(sd_bus_message_append(m, "{oa{sa{sv}}}", path, 1, BLUEZ_DEVICE, 2, "Connected",
					  "b", 0, "Paired", "b", 1) >= 0);
}

static int list(struct scene *s, sd_bus_message *call)
{
	sd_bus_message *m = NULL;

	assert_true(sd_bus_message_new_method_return(call, &m) >= 0);
	assert_true(sd_bus_message_open_container(m, 'a', "{oa{sa{sv}}}") >= 0);
	assert_true(sd_bus_message_append(m, "{oa{sa{sv}}}", ADAPTER, 2, BLUEZ_ADAPTER, 1,
					  "Powered", "b", 1, BLUEZ_GATT_MANAGER, 0) >= 0);
	for (unsigned int i = 0; i < s->n_bonds; i++)
		append_bond(m, i);
	assert_true(sd_bus_message_close_container(m) >= 0);
	return say(m, OWNER);
}

static int on_call(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct scene *s = userdata;

	(void)error;
	if (sd_bus_message_is_method_call(m, BLUEZ_DEVICE, "Disconnect"))
		snprintf(s->disconnected, sizeof(s->disconnected), "%s",
			 sd_bus_message_get_path(m));
	if (sd_bus_message_is_method_call(m, DBUS_OBJECT_MANAGER, "GetManagedObjects"))
		return list(s, m);
	return sd_bus_message_is_method_call(m, NULL, NULL) ? sd_bus_reply_method_return(m, NULL)
							    : 0;
}

static int on_reply(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct scene *s = userdata;

	(void)error;
	s->is_answered = true;
	s->is_error = sd_bus_message_is_method_error(m, NULL);
	snprintf(s->error, sizeof(s->error), "%s",
		 s->is_error ? sd_bus_message_get_error(m)->name : "");
	sd_bus_message_unref(s->reply);
	s->reply = sd_bus_message_ref(m);
	return 0;
}

static void call_as(struct scene *s, const char *sender, sd_bus_message *m)
{
	s->is_answered = false;
	assert_true(sd_bus_message_set_sender(m, sender) >= 0);
	assert_true(sd_bus_call_async(s->daemon, NULL, m, on_reply, s, 0) >= 0);
	sd_bus_message_unref(m);
	settle(s);
	assert_true(s->is_answered);
}

static void call(struct scene *s, sd_bus_message *m)
{
	call_as(s, OWNER, m);
}

static void read_claim(struct scene *s, const char *sender, const char *device, uint16_t offset)
{
	sd_bus_message *m = NULL;

	assert_true(sd_bus_message_new_method_call(s->daemon, &m, NULL, CLAIM, CHARACTERISTIC,
						   "ReadValue") >= 0);
	assert_true(sd_bus_message_append(m, "a{sv}", 2, "device", "o", device, "offset", "q",
					  offset) >= 0);
	call_as(s, sender, m);
}

static void assert_flags(struct scene *s, const char *first, const char *second)
{
	sd_bus_message *m = NULL;
	const char *flag;

	assert_true(sd_bus_message_new_method_call(s->daemon, &m, NULL, CLAIM, DBUS_PROPERTIES,
						   "Get") >= 0);
	assert_true(sd_bus_message_append(m, "ss", CHARACTERISTIC, "Flags") >= 0);
	call(s, m);
	assert_true(sd_bus_message_enter_container(s->reply, 'v', "as") > 0);
	assert_true(sd_bus_message_enter_container(s->reply, 'a', "s") > 0);
	assert_true(sd_bus_message_read(s->reply, "s", &flag) > 0);
	assert_string_equal(flag, first);
	assert_true(sd_bus_message_read(s->reply, "s", &flag) > 0);
	assert_string_equal(flag, second);
	assert_int_equal(sd_bus_message_read(s->reply, "s", &flag), 0);
}

static void read_info(struct scene *s, const char *device)
{
	sd_bus_message *m = NULL;

	assert_true(sd_bus_message_new_method_call(s->daemon, &m, NULL, INFO, CHARACTERISTIC,
						   "ReadValue") >= 0);
	assert_true(sd_bus_message_append(m, "a{sv}", 1, "device", "o", device) >= 0);
	call(s, m);
}

static void write_control(struct scene *s, const char *device)
{
	sd_bus_message *m = NULL;

	assert_true(sd_bus_message_new_method_call(s->daemon, &m, NULL, CONTROL, CHARACTERISTIC,
						   "WriteValue") >= 0);
	assert_true(sd_bus_message_append(m, "aya{sv}", 2, 8, 1, 1, "device", "o", device) >= 0);
	call(s, m);
}

static void pair(struct scene *s, const char *device)
{
	sd_bus_message *m = NULL;

	assert_true(sd_bus_message_new_method_call(s->daemon, &m, NULL, BLE_PATH "/agent",
						   "org.bluez.Agent1",
						   "RequestAuthorization") >= 0);
	assert_true(sd_bus_message_append(m, "o", device) >= 0);
	call(s, m);
}

static void tell_device(struct scene *s, const char *device, const char *property, int value)
{
	sd_bus_message *m = NULL;

	assert_true(sd_bus_message_new_signal(s->daemon, &m, device, DBUS_PROPERTIES,
					      "PropertiesChanged") >= 0);
	assert_true(sd_bus_message_append(m, "sa{sv}as", BLUEZ_DEVICE, 1, property, "b", value,
					  0) >= 0);
	say(m, OWNER);
	settle(s);
}

static void tell_gone(struct scene *s, const char *sender)
{
	sd_bus_message *m = NULL;

	assert_true(sd_bus_message_new_signal(s->daemon, &m, "/org/freedesktop/DBus",
					      "org.freedesktop.DBus", "NameOwnerChanged") >= 0);
	assert_true(sd_bus_message_append(m, "sss", BLUEZ, OWNER, "") >= 0);
	say(m, sender);
	settle(s);
}

/* ---- what is served ---- */

static int on_read(void *userdata, uint8_t *ret, size_t size, size_t *ret_len)
{
	(void)userdata;
	assert_true(size > 0);
	*ret = 1;
	*ret_len = 1;
	return 0;
}

static int on_read_claim(void *userdata, const char *peer, size_t offset, uint8_t *ret, size_t size,
			 size_t *ret_len)
{
	struct scene *s = userdata;

	assert_string_equal(peer, PHONE);
	assert_true(size >= CLAIM_LEN);
	if (s->claim_r < 0)
		return s->claim_r;
	if (offset > CLAIM_LEN)
		return -ERANGE;
	*ret_len = CLAIM_LEN - offset;
	for (size_t i = offset; i < CLAIM_LEN; i++)
		ret[i - offset] = (uint8_t)i;
	return 0;
}

static int on_write(void *userdata, const char *peer, size_t limit, const void *data, size_t len)
{
	(void)userdata;
	(void)peer;
	(void)limit;
	(void)data;
	(void)len;
	return 0;
}

static void on_peer(void *userdata, const char *peer, bool is_connected)
{
	struct scene *s = userdata;

	snprintf(s->peer, sizeof(s->peer), "%s", is_connected ? peer : "");
}

static bool on_may_pair(void *userdata, const char *peer)
{
	(void)peer;
	return ((struct scene *)userdata)->may_pair;
}

static void begin(struct scene *s)
{
	const struct peripheral_options options = {.pairing = s->pairing};

	assert_int_equal(peripheral_new(s->event, s->bus, &options, &s->events, &s->peripheral), 0);
	settle(s);
}

static int setup(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	log_set_level(LOG_LEVEL_ERROR);
	s->events = (struct peripheral_events){.read = on_read,
					       .read_claim = on_read_claim,
					       .write = on_write,
					       .peer = on_peer,
					       .may_pair = on_may_pair,
					       .userdata = s};
	assert_true(sd_event_new(&s->event) >= 0);
	buspair_open(s->event, on_call, s, &s->daemon, &s->bus);
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	struct scene *s = *state;

	peripheral_free(s->peripheral);
	while (n_timers > 0)
		sd_event_source_unref(timers[--n_timers].source);
	sd_bus_message_unref(s->reply);
	sd_bus_close_unref(s->bus);
	sd_bus_close_unref(s->daemon);
	sd_event_unref(s->event);
	free(s);
	return 0;
}

/* Reading the version takes no bond, so it earns nobody the right to stay. */
static void who_only_reads_is_sent_away_after_a_minute(void **state)
{
	struct scene *s = *state;

	begin(s);
	read_info(s, PHONE);
	assert_false(s->is_error);
	assert_string_equal(s->peer, PHONE);
	assert_int_equal(limit_us(), MINUTE_US);
	read_info(s, PHONE);
	ring(s);
	assert_string_equal(s->disconnected, PHONE);
}

static void who_may_not_pair_is_sent_away_after_a_minute(void **state)
{
	struct scene *s = *state;

	begin(s);
	pair(s, PHONE);
	assert_true(s->is_error);
	assert_int_equal(limit_us(), MINUTE_US);
	ring(s);
	assert_string_equal(s->disconnected, PHONE);
}

static void who_wrote_may_think_for_ten_minutes(void **state)
{
	struct scene *s = *state;

	begin(s);
	write_control(s, PHONE);
	assert_false(s->is_error);
	assert_int_equal(limit_us(), 10 * MINUTE_US);
	ring(s);
	assert_string_equal(s->disconnected, PHONE);
}

static void who_paired_may_think_for_ten_minutes(void **state)
{
	struct scene *s = *state;

	s->may_pair = true;
	begin(s);
	pair(s, PHONE);
	assert_false(s->is_error);
	assert_int_equal(limit_us(), MINUTE_US);
	tell_device(s, PHONE, "Paired", 1);
	assert_int_equal(limit_us(), 10 * MINUTE_US);
}

static void a_second_central_is_refused_and_sent_away(void **state)
{
	struct scene *s = *state;

	begin(s);
	write_control(s, PHONE);
	write_control(s, OTHER);
	assert_true(s->is_error);
	assert_string_equal(s->disconnected, OTHER);
	assert_string_equal(s->peer, PHONE);
}

/* It got through the encryption, which BlueZ sees to by the flags. */
static void who_read_the_claim_may_think_for_ten_minutes_once(void **state)
{
	struct scene *s = *state;

	begin(s);
	read_claim(s, OWNER, PHONE, 0);
	assert_false(s->is_error);
	assert_string_equal(s->peer, PHONE);
	assert_int_equal(limit_us(), 10 * MINUTE_US);
	ring(s);
	assert_string_equal(s->disconnected, PHONE);
	read_claim(s, OWNER, PHONE, 0);
	assert_int_equal(limit_us(), 0);
}

static void the_claim_is_read_from_any_offset_by_bluetoothd_alone(void **state)
{
	struct scene *s = *state;
	const uint8_t *value;
	size_t len;

	begin(s);
	for (uint16_t offset = 0; offset <= CLAIM_LEN; offset += 150) {
		read_claim(s, OWNER, PHONE, offset);
		assert_false(s->is_error);
		assert_true(sd_bus_message_read_array(s->reply, 'y', (const void **)&value, &len) >=
			    0);
		assert_int_equal(len, CLAIM_LEN - offset);
		if (len > 0)
			assert_int_equal(value[0], (uint8_t)offset);
	}
	read_claim(s, OWNER, PHONE, CLAIM_LEN + 1);
	assert_string_equal(s->error, "org.bluez.Error.InvalidOffset");
	/* Any user of the machine. */
	read_claim(s, ":1.99", PHONE, 0);
	assert_string_equal(s->error, "org.bluez.Error.NotAuthorized");
	/* Whoever may not now. */
	s->claim_r = -EACCES;
	read_claim(s, OWNER, PHONE, 0);
	assert_string_equal(s->error, "org.bluez.Error.NotAuthorized");
	write_control(s, PHONE);
	read_claim(s, OWNER, OTHER, 0);
	assert_string_equal(s->error, "org.bluez.Error.InProgress");
}

static void the_claim_needs_the_link_that_pairing_gives(void **state)
{
	struct scene *s = *state;

	begin(s);
	assert_flags(s, "read", "encrypt-read");
	peripheral_free(s->peripheral);
	s->pairing = PAIRING_PASSKEY;
	begin(s);
	assert_flags(s, "read", "encrypt-authenticated-read");
}

/* Else the first one to come would be served for ever. */
static void the_end_of_a_central_is_seen_beside_any_number_of_bonds(void **state)
{
	struct scene *s = *state;

	s->n_bonds = 400;
	begin(s);
	write_control(s, PHONE);
	assert_string_equal(s->peer, PHONE);
	tell_device(s, PHONE, "Connected", 0);
	assert_string_equal(s->peer, "");
	write_control(s, OTHER);
	assert_false(s->is_error);
	assert_string_equal(s->peer, OTHER);
}

/* Everybody can send it to us straight. */
static void only_the_bus_says_that_bluetoothd_is_gone(void **state)
{
	struct scene *s = *state;

	begin(s);
	write_control(s, PHONE);
	tell_gone(s, ":1.99");
	assert_string_equal(s->peer, PHONE);
	tell_gone(s, "org.freedesktop.DBus");
	assert_string_equal(s->peer, "");
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(who_only_reads_is_sent_away_after_a_minute),
		T(who_may_not_pair_is_sent_away_after_a_minute),
		T(who_wrote_may_think_for_ten_minutes),
		T(who_paired_may_think_for_ten_minutes),
		T(a_second_central_is_refused_and_sent_away),
		T(who_read_the_claim_may_think_for_ten_minutes_once),
		T(the_claim_is_read_from_any_offset_by_bluetoothd_alone),
		T(the_claim_needs_the_link_that_pairing_gives),
		T(the_end_of_a_central_is_seen_beside_any_number_of_bonds),
		T(only_the_bus_says_that_bluetoothd_is_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
