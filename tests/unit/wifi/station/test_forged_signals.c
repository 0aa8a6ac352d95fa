/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "tests/unit/buspair.h"
#include "wifi/station/networkmanager.h"
#include "wifi/station/wpa.h"

/* Every user of the machine can send a signal straight to us, and says in it what they like but
 * for the sender: that is the bus's. */

#define OWNER ":1.7"
#define STRANGER ":1.99"
#define WPA_OBJECT WPA_PATH "/Interfaces/0"
#define NM_OBJECT NM_PATH "/Devices/3"
#define PROPERTIES_INTERFACE "org.freedesktop.DBus.Properties"

struct scene {
	sd_event *event;
	sd_bus *bus, *daemon; /* two ends of one line */
	const struct backend_ops *ops;
	void *backend;
	struct backend_events events;
	enum backend_state state;
};

static void on_state(void *userdata, enum backend_state state)
{
	((struct scene *)userdata)->state = state;
}

static void settle(struct scene *s)
{
	while (sd_event_run(s->event, 20000) > 0)
		;
}

static int answer(sd_bus_message *call, const char *types, ...)
{
	sd_bus_message *m = NULL;
	va_list ap;

	assert_true(sd_bus_message_new_method_return(call, &m) >= 0);
	assert_true(sd_bus_message_set_sender(m, OWNER) >= 0);
	va_start(ap, types);
	assert_true(sd_bus_message_appendv(m, types, ap) >= 0);
	va_end(ap);
	assert_true(sd_bus_send(NULL, m, NULL) >= 0);
	sd_bus_message_unref(m);
	return 1;
}

static int on_call(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	(void)userdata;
	(void)error;
	if (sd_bus_message_is_method_call(m, WPA_NAME, "GetInterface"))
		return answer(m, "o", WPA_OBJECT);
	if (sd_bus_message_is_method_call(m, NM_SERVICE, "GetDeviceByIpIface"))
		return answer(m, "o", NM_OBJECT);
	if (!sd_bus_message_is_method_call(m, PROPERTIES_INTERFACE, "GetAll"))
		return 0;
	if (strcmp(sd_bus_message_get_path(m), WPA_OBJECT) == 0)
		return answer(m, "a{sv}", 1, "State", "s", "inactive");
	if (strcmp(sd_bus_message_get_path(m), NM_PATH) == 0)
		return answer(m, "a{sv}", 1, "Startup", "b", 0);
	return answer(m, "a{sv}", 2, "DeviceType", "u", NM_DEVICE_TYPE_WIFI, "StateReason", "(uu)",
		      NM_DEVICE_DISCONNECTED, 0);
}

static void tell(struct scene *s, const char *sender, const char *path, const char *interface,
		 const char *member, const char *types, ...)
{
	sd_bus_message *m = NULL;
	va_list ap;

	assert_true(sd_bus_message_new_signal(s->daemon, &m, path, interface, member) >= 0);
	assert_true(sd_bus_message_set_sender(m, sender) >= 0);
	va_start(ap, types);
	assert_true(sd_bus_message_appendv(m, types, ap) >= 0);
	va_end(ap);
	assert_true(sd_bus_send(s->daemon, m, NULL) >= 0);
	sd_bus_message_unref(m);
	settle(s);
}

static int setup(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	s->events = (struct backend_events){.state = on_state, .userdata = s};
	assert_true(sd_event_new(&s->event) >= 0);
	buspair_open(s->event, on_call, s, &s->daemon, &s->bus);
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	struct scene *s = *state;

	if (s->backend)
		s->ops->free(s->backend);
	sd_bus_close_unref(s->bus);
	sd_bus_close_unref(s->daemon);
	sd_event_unref(s->event);
	free(s);
	return 0;
}

static struct scene *begin(void **state, const struct backend_ops *ops)
{
	struct scene *s = *state;

	s->ops = ops;
	assert_int_equal(ops->new (s->event, s->bus, "wlan0", &s->events, &s->backend), 0);
	settle(s);
	assert_int_equal(s->state, BACKEND_READY);
	return s;
}

static void only_wpa_supplicant_says_what_it_does(void **state)
{
	struct scene *s = begin(state, &wpa_supplicant_ops);
	const struct wpa *w = s->backend;

	tell(s, STRANGER, WPA_OBJECT, PROPERTIES_INTERFACE, "PropertiesChanged", "sa{sv}as",
	     WPA_INTERFACE, 1, "State", "s", "completed", 0);
	assert_int_equal(w->state, WPA_STATE_INACTIVE);
	tell(s, OWNER, WPA_OBJECT, PROPERTIES_INTERFACE, "PropertiesChanged", "sa{sv}as",
	     WPA_INTERFACE, 1, "State", "s", "scanning", 0);
	assert_int_equal(w->state, WPA_STATE_SCANNING);
}

static void only_wpa_supplicant_takes_an_interface_away(void **state)
{
	struct scene *s = begin(state, &wpa_supplicant_ops);

	tell(s, STRANGER, WPA_PATH, WPA_NAME, "InterfaceRemoved", "o", WPA_OBJECT);
	assert_int_equal(s->state, BACKEND_READY);
	tell(s, OWNER, WPA_PATH, WPA_NAME, "InterfaceRemoved", "o", WPA_OBJECT);
	assert_int_equal(s->state, BACKEND_AWAY);
}

static void only_networkmanager_says_how_its_device_is(void **state)
{
	struct scene *s = begin(state, &networkmanager_ops);

	tell(s, STRANGER, NM_OBJECT, PROPERTIES_INTERFACE, "PropertiesChanged", "sa{sv}as",
	     NM_DEVICE, 1, "StateReason", "(uu)", NM_DEVICE_UNMANAGED, 0, 0);
	assert_int_equal(s->state, BACKEND_READY);
	tell(s, OWNER, NM_OBJECT, PROPERTIES_INTERFACE, "PropertiesChanged", "sa{sv}as", NM_DEVICE,
	     1, "StateReason", "(uu)", NM_DEVICE_UNMANAGED, 0, 0);
	assert_int_equal(s->state, BACKEND_FOREIGN);
}

static void only_networkmanager_takes_a_device_away(void **state)
{
	struct scene *s = begin(state, &networkmanager_ops);

	tell(s, STRANGER, NM_PATH, NM_SERVICE, "DeviceRemoved", "o", NM_OBJECT);
	tell(s, STRANGER, NM_PATH, PROPERTIES_INTERFACE, "PropertiesChanged", "sa{sv}as",
	     NM_SERVICE, 1, "Startup", "b", 1, 0);
	assert_string_equal(((const struct nm *)s->backend)->device.path, NM_OBJECT);
	assert_false(((const struct nm *)s->backend)->is_starting);
	tell(s, OWNER, NM_PATH, PROPERTIES_INTERFACE, "PropertiesChanged", "sa{sv}as", NM_SERVICE,
	     1, "Startup", "b", 1, 0);
	assert_true(((const struct nm *)s->backend)->is_starting);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(only_wpa_supplicant_says_what_it_does),
		TEST(only_wpa_supplicant_takes_an_interface_away),
		TEST(only_networkmanager_says_how_its_device_is),
		TEST(only_networkmanager_takes_a_device_away),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
