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
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "tests/unit/buspair.h"
#include "wifi/station/backend.h"
#include "wifi/station/netif.h"
#include "wifi/station/station.h"

/* The station between two back ends, a kernel and a bus that do what the test says. */

enum { NM, WPA, N_BACKENDS };
#define NM_NAME "org.freedesktop.NetworkManager"
#define WPA_NAME "fi.w1.wpa_supplicant1"

struct fake {
	const struct backend_events *events; /* of the instance; NULL: there is none */
	char interface[IF_NAMESIZE];
	int scans, cuts, stops, connects, disconnects, made;
	struct wifi_network network;
};

static struct fake fakes[N_BACKENDS];
static char kernel_interface[IF_NAMESIZE];
static netif_fn kernel_fn;
static void *kernel_userdata;

int netif_pick(const char *wanted, char ret_name[static IF_NAMESIZE], unsigned int *ret_index)
{
	if (!*kernel_interface || (wanted && strcmp(wanted, kernel_interface) != 0))
		return -ENODEV;
	memcpy(ret_name, kernel_interface, IF_NAMESIZE);
	*ret_index = (unsigned int)strlen(kernel_interface);
	return 0;
}

int netif_mac(const char *name, uint8_t ret[static 6])
{
	if (!*name)
		return -ENODEV;
	memset(ret, 2, 6);
	return 0;
}

int netif_watch_new(sd_event *event, netif_fn fn, void *userdata, struct netif_watch **ret)
{
	(void)event;
	kernel_fn = fn;
	kernel_userdata = userdata;
	*ret = NULL;
	return 0;
}

struct netif_watch *netif_watch_free(struct netif_watch *w)
{
	return w;
}

static int fake_new(struct fake *f, const char *interface, const struct backend_events *events,
		    void **ret)
{
	assert_null(f->events);
	f->events = events;
	f->made++;
	snprintf(f->interface, sizeof(f->interface), "%s", interface);
	*ret = f;
	return 0;
}

static int nm_new(sd_event *event, sd_bus *bus, const char *interface,
		  const struct backend_events *events, void **ret)
{
	(void)event;
	(void)bus;
	return fake_new(&fakes[NM], interface, events, ret);
}

static int wpa_new(sd_event *event, sd_bus *bus, const char *interface,
		   const struct backend_events *events, void **ret)
{
	(void)event;
	(void)bus;
	return fake_new(&fakes[WPA], interface, events, ret);
}

static void fake_free(void *backend)
{
	((struct fake *)backend)->events = NULL;
}

static int fake_scan(void *backend, const struct wifi_scan_params *params)
{
	assert_non_null(params);
	((struct fake *)backend)->scans++;
	return 0;
}

static void fake_cut(void *backend)
{
	((struct fake *)backend)->cuts++;
}

static void fake_stop(void *backend)
{
	((struct fake *)backend)->stops++;
}

static int fake_connect(void *backend, const struct wifi_config *config)
{
	(void)config;
	((struct fake *)backend)->connects++;
	return 0;
}

static void fake_disconnect(void *backend)
{
	((struct fake *)backend)->disconnects++;
}

static const struct wifi_network *fake_network(void *backend)
{
	return &((struct fake *)backend)->network;
}

static void fake_ask_signal(void *backend)
{
	struct fake *f = backend;

	f->events->signal(f->events->userdata, -50);
}

#define FAKE(fn_new, text, bus)                                                                    \
	{                                                                                          \
		.name = (text), .bus_name = (bus), .new = (fn_new), .free = fake_free,             \
		.scan = fake_scan, .scan_cut = fake_cut, .scan_stop = fake_stop,                   \
		.connect = fake_connect, .disconnect = fake_disconnect, .network = fake_network,   \
		.ask_signal = fake_ask_signal,                                                     \
	}
const struct backend_ops networkmanager_ops = FAKE(nm_new, "NetworkManager", NM_NAME);
const struct backend_ops wpa_supplicant_ops = FAKE(wpa_new, "wpa_supplicant", WPA_NAME);

/* ---- the scene ---- */

struct scene {
	sd_event *event;
	sd_bus *bus, *daemon; /* two ends of one line */
	struct station *station;
	bool has_owner[N_BACKENDS];
	int answered, activations;
	char told[512]; /* one letter an event */
};

static void tell(struct scene *s, const char *text)
{
	assert_true(strlen(s->told) + strlen(text) < sizeof(s->told));
	strcat(s->told, text);
}

static void on_available(void *userdata, bool is_available)
{
	tell(userdata, is_available ? "A" : "a");
}

static void on_found(void *userdata, const struct wifi_record *record)
{
	(void)record;
	tell(userdata, "f");
}

static void on_scan_done(void *userdata, int r)
{
	tell(userdata, r == 0 ? "d" : "D");
}

static void on_progress(void *userdata, enum wifi_state state)
{
	const char text[] = {(char)('0' + (int)state), '\0'};

	tell(userdata, text);
}

static void on_failed(void *userdata, enum wifi_reason reason)
{
	tell(userdata, reason == WIFI_REASON_AUTH_ERROR ? "X" : "x");
}

static void on_lost(void *userdata)
{
	tell(userdata, "L");
}

static void on_signal(void *userdata, int rssi_dbm)
{
	assert_int_equal(rssi_dbm, -50);
	tell(userdata, "s");
}

static int on_call(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct scene *s = userdata;
	const char *name = NULL;

	(void)error;
	if (sd_bus_message_is_method_call(m, "org.freedesktop.DBus", "NameHasOwner")) {
		assert_true(sd_bus_message_read(m, "s", &name) > 0);
		s->answered++;
		return sd_bus_reply_method_return(
			m, "b", (int)s->has_owner[strcmp(name, NM_NAME) == 0 ? NM : WPA]);
	}
	if (sd_bus_message_is_method_call(m, "org.freedesktop.DBus", "StartServiceByName")) {
		s->activations++;
		return sd_bus_reply_method_errorf(m, "a.b", "no such service");
	}
	return 0;
}

/* Until everything that was said is heard. */
static void settle(struct scene *s)
{
	while (sd_event_run(s->event, 20000) > 0)
		;
}

static void say_owner(struct scene *s, const char *sender, int i, bool is_there)
{
	sd_bus_message *m = NULL;

	assert_true(sd_bus_message_new_signal(s->daemon, &m, "/org/freedesktop/DBus",
					      "org.freedesktop.DBus", "NameOwnerChanged") >= 0);
	assert_true(sd_bus_message_set_sender(m, sender) >= 0);
	assert_true(sd_bus_message_append(m, "sss", i == NM ? NM_NAME : WPA_NAME,
					  is_there ? "" : ":1.7", is_there ? ":1.7" : "") >= 0);
	assert_true(sd_bus_send(s->daemon, m, NULL) >= 0);
	sd_bus_message_unref(m);
	settle(s);
}

static void set_owner(struct scene *s, int i, bool is_there)
{
	s->has_owner[i] = is_there;
	say_owner(s, "org.freedesktop.DBus", i, is_there);
}

static void set_kernel(const char *interface)
{
	memset(kernel_interface, 0, sizeof(kernel_interface));
	snprintf(kernel_interface, sizeof(kernel_interface), "%s", interface);
	if (kernel_fn)
		kernel_fn(kernel_userdata);
}

static void set_state(int i, enum backend_state state)
{
	assert_non_null(fakes[i].events);
	fakes[i].events->state(fakes[i].events->userdata, state);
}

static void expect(struct scene *s, const char *told)
{
	assert_string_equal(s->told, told);
	s->told[0] = '\0';
}

static void begin(struct scene *s, const char *interface)
{
	static const struct station_events events = {0};
	static struct station_events mine;

	mine = events;
	mine.available = on_available;
	mine.found = on_found;
	mine.scan_done = on_scan_done;
	mine.progress = on_progress;
	mine.failed = on_failed;
	mine.lost = on_lost;
	mine.signal = on_signal;
	mine.userdata = s;
	assert_int_equal(station_new(s->event, s->bus, interface, &mine, &s->station), 0);
	expect(s, "");
	while (s->answered < N_BACKENDS)
		assert_true(sd_event_run(s->event, 5000000) > 0);
	settle(s);
}

static int setup(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	memset(fakes, 0, sizeof(fakes));
	kernel_fn = NULL;
	set_kernel("wlan0");
	assert_true(sd_event_new(&s->event) >= 0);
	buspair_open(s->event, on_call, s, &s->daemon, &s->bus);
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	struct scene *s = *state;

	station_free(s->station);
	assert_null(fakes[NM].events);
	assert_null(fakes[WPA].events);
	sd_bus_close_unref(s->bus);
	sd_bus_close_unref(s->daemon);
	sd_event_unref(s->event);
	free(s);
	return 0;
}

/* With wpa_supplicant ready. */
static struct scene *ready(void **state)
{
	struct scene *s = *state;

	s->has_owner[WPA] = true;
	begin(s, NULL);
	set_state(WPA, BACKEND_READY);
	expect(s, "A");
	return s;
}

static const struct wifi_config open_network = {
	.network = {.ssid = "home", .ssid_len = 4, .auth = WIFI_AUTH_OPEN}};

static const struct backend_events *wpa(void)
{
	return fakes[WPA].events;
}

/* ---- who runs the interface ---- */

static void networkmanager_goes_before_wpa_supplicant(void **state)
{
	struct scene *s = *state;

	s->has_owner[NM] = s->has_owner[WPA] = true;
	begin(s, NULL);
	assert_non_null(fakes[NM].events);
	assert_null(fakes[WPA].events);
	assert_false(station_is_available(s->station));
	set_state(NM, BACKEND_READY);
	expect(s, "A");
	assert_string_equal(station_backend(s->station), "NetworkManager");
	/* Its own wpa_supplicant died: that is no reason to take over. */
	set_state(NM, BACKEND_AWAY);
	expect(s, "a");
	assert_null(fakes[WPA].events);
	assert_string_equal(station_backend(s->station), "none");
}

static void what_networkmanager_does_not_manage_is_wpa_supplicants(void **state)
{
	struct scene *s = *state;

	s->has_owner[NM] = s->has_owner[WPA] = true;
	begin(s, NULL);
	set_state(NM, BACKEND_FOREIGN);
	set_state(WPA, BACKEND_READY);
	expect(s, "A");
	assert_string_equal(station_backend(s->station), "wpa_supplicant");
	/* It does now. */
	assert_int_equal(station_connect(s->station, &open_network), 0);
	set_state(NM, BACKEND_READY);
	expect(s, "aA");
	assert_int_equal(fakes[WPA].disconnects, 1);
	assert_null(fakes[WPA].events);
	assert_string_equal(station_backend(s->station), "NetworkManager");
	/* And when it goes, the other is there again. */
	set_owner(s, NM, false);
	expect(s, "a");
	assert_null(fakes[NM].events);
	set_state(WPA, BACKEND_READY);
	expect(s, "A");
}

static void a_back_end_that_dies_and_comes_back_serves_again(void **state)
{
	struct scene *s = ready(state);

	assert_int_equal(station_connect(s->station, &open_network), 0);
	set_owner(s, WPA, false);
	expect(s, "a");
	assert_null(wpa());
	assert_int_equal(station_scan(s->station, NULL), -ENODEV);
	assert_int_equal(station_connect(s->station, &open_network), -ENODEV);
	assert_null(station_network(s->station));
	station_scan_stop(s->station);
	station_disconnect(s->station);
	station_ask_signal(s->station);
	set_owner(s, WPA, true);
	set_state(WPA, BACKEND_READY);
	expect(s, "A");
}

/* Everybody can send it to us straight. */
static void only_the_bus_says_who_is_there(void **state)
{
	struct scene *s = ready(state);

	say_owner(s, ":1.99", WPA, false);
	expect(s, "");
	assert_true(station_is_available(s->station));
	set_owner(s, WPA, false);
	expect(s, "a");
}

static void wpa_supplicant_is_started_once_for_an_interface(void **state)
{
	struct scene *s = *state;

	begin(s, NULL);
	settle(s);
	assert_int_equal(s->activations, 1);
	set_owner(s, WPA, true);
	set_owner(s, WPA, false);
	assert_int_equal(s->activations, 1);
	set_kernel("");
	set_kernel("wlan10");
	settle(s);
	assert_int_equal(s->activations, 2);
}

static void nothing_is_started_beside_networkmanager_or_without_an_interface(void **state)
{
	struct scene *s = *state;

	s->has_owner[NM] = true;
	begin(s, NULL);
	assert_int_equal(s->activations, 0);
	set_kernel("");
	set_owner(s, NM, false);
	assert_int_equal(s->activations, 0);
}

static void an_interface_that_comes_later_is_taken(void **state)
{
	struct scene *s = *state;
	uint8_t mac[6];

	set_kernel("");
	s->has_owner[WPA] = true;
	begin(s, "wlan10");
	assert_string_equal(station_interface(s->station), "");
	assert_int_equal(station_mac(s->station, mac), -ENODEV);
	set_kernel("wlan0");
	assert_null(wpa());
	set_kernel("wlan10");
	assert_string_equal(fakes[WPA].interface, "wlan10");
	assert_int_equal(station_mac(s->station, mac), 0);
	set_state(WPA, BACKEND_READY);
	expect(s, "A");
	set_kernel("");
	expect(s, "a");
	assert_null(wpa());
}

static void another_interface_means_another_instance(void **state)
{
	struct scene *s = ready(state);

	set_kernel("wlan10");
	expect(s, "a");
	assert_int_equal(fakes[WPA].made, 2);
	assert_string_equal(fakes[WPA].interface, "wlan10");
	set_state(WPA, BACKEND_READY);
	expect(s, "A");
	/* Nothing new is nothing. */
	set_kernel("wlan10");
	expect(s, "");
}

/* ---- scan ---- */

static void a_scan_is_told_until_it_is_done(void **state)
{
	struct scene *s = ready(state);
	const struct wifi_record record = {.network = {.band = WIFI_BAND_2_4_GHZ}};

	wpa()->found(wpa()->userdata, &record);
	wpa()->scan_done(wpa()->userdata, 0);
	expect(s, "");
	assert_int_equal(station_scan(s->station, NULL), 0);
	wpa()->found(wpa()->userdata, &record);
	wpa()->scan_done(wpa()->userdata, 0);
	wpa()->found(wpa()->userdata, &record);
	wpa()->scan_done(wpa()->userdata, 0);
	expect(s, "fd");
	assert_int_equal(station_scan(s->station, NULL), 0);
	wpa()->scan_done(wpa()->userdata, -EIO);
	expect(s, "D");
}

static void only_the_band_that_was_asked_for_is_told(void **state)
{
	struct scene *s = ready(state);
	const struct wifi_scan_params params = {.band = WIFI_BAND_5_GHZ};
	struct wifi_record record = {.network = {.band = WIFI_BAND_2_4_GHZ}};

	assert_int_equal(station_scan(s->station, &params), 0);
	wpa()->found(wpa()->userdata, &record);
	expect(s, "");
	record.network.band = WIFI_BAND_5_GHZ;
	wpa()->found(wpa()->userdata, &record);
	expect(s, "f");
}

static void a_stopped_scan_tells_nothing_more(void **state)
{
	struct scene *s = ready(state);
	const struct wifi_record record = {0};

	assert_int_equal(station_scan(s->station, NULL), 0);
	station_scan_stop(s->station);
	station_scan_stop(s->station);
	assert_int_equal(fakes[WPA].stops, 1);
	wpa()->found(wpa()->userdata, &record);
	wpa()->scan_done(wpa()->userdata, 0);
	expect(s, "");
}

static void a_scan_whose_time_is_up_is_cut(void **state)
{
	struct scene *s = ready(state);
	const struct wifi_scan_params params = {.period_ms = 1};

	assert_int_equal(station_scan(s->station, &params), 0);
	while (fakes[WPA].cuts == 0)
		assert_true(sd_event_run(s->event, 5000000) > 0);
	expect(s, "");
	wpa()->scan_done(wpa()->userdata, 0);
	expect(s, "d");
	/* One that does not end then is given up. */
	assert_int_equal(station_scan(s->station, &params), 0);
	while (!*s->told)
		assert_true(sd_event_run(s->event, 10000000) > 0);
	expect(s, "D");
	assert_int_equal(fakes[WPA].stops, 1);
}

/* ---- connection ---- */

static void progress_is_told_in_order_and_once(void **state)
{
	struct scene *s = ready(state);
	const struct backend_events *e = wpa();

	e->progress(e->userdata, WIFI_STATE_AUTHENTICATION);
	expect(s, "");
	assert_int_equal(station_connect(s->station, &open_network), 0);
	assert_int_equal(station_scan(s->station, NULL), -EBUSY);
	e->progress(e->userdata, WIFI_STATE_AUTHENTICATION);
	e->progress(e->userdata, WIFI_STATE_AUTHENTICATION);
	e->progress(e->userdata, WIFI_STATE_ASSOCIATION);
	e->progress(e->userdata, WIFI_STATE_AUTHENTICATION);
	assert_null(station_network(s->station));
	e->progress(e->userdata, WIFI_STATE_OBTAINING_IP);
	e->progress(e->userdata, WIFI_STATE_OBTAINING_IP);
	e->progress(e->userdata, WIFI_STATE_CONNECTED);
	expect(s, "123");
	assert_ptr_equal(station_network(s->station), &fakes[WPA].network);
	station_ask_signal(s->station);
	expect(s, "s");
	e->lost(e->userdata);
	e->lost(e->userdata);
	e->failed(e->userdata, WIFI_REASON_AUTH_ERROR);
	expect(s, "L");
	assert_null(station_network(s->station));
	station_ask_signal(s->station);
	expect(s, "");
}

static void a_failure_is_told_once_and_a_new_attempt_begins_anew(void **state)
{
	struct scene *s = ready(state);
	const struct backend_events *e = wpa();

	assert_int_equal(station_connect(s->station, &open_network), 0);
	e->progress(e->userdata, WIFI_STATE_ASSOCIATION);
	e->failed(e->userdata, WIFI_REASON_AUTH_ERROR);
	e->failed(e->userdata, WIFI_REASON_AUTH_ERROR);
	expect(s, "2X");
	assert_int_equal(station_connect(s->station, &open_network), 0);
	e->progress(e->userdata, WIFI_STATE_AUTHENTICATION);
	expect(s, "1");
	station_disconnect(s->station);
	e->progress(e->userdata, WIFI_STATE_OBTAINING_IP);
	e->failed(e->userdata, WIFI_REASON_AUTH_ERROR);
	expect(s, "");
}

static void a_connection_ends_a_scan_and_refuses_nonsense(void **state)
{
	struct scene *s = ready(state);
	struct wifi_config bad = open_network;

	bad.network.ssid_len = 0;
	assert_int_equal(station_connect(s->station, &bad), -EINVAL);
	assert_int_equal(fakes[WPA].connects, 0);
	assert_int_equal(station_scan(s->station, NULL), 0);
	assert_int_equal(station_connect(s->station, &open_network), 0);
	assert_int_equal(fakes[WPA].stops, 1);
	wpa()->scan_done(wpa()->userdata, 0);
	expect(s, "");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(networkmanager_goes_before_wpa_supplicant),
		TEST(what_networkmanager_does_not_manage_is_wpa_supplicants),
		TEST(a_back_end_that_dies_and_comes_back_serves_again),
		TEST(only_the_bus_says_who_is_there),
		TEST(wpa_supplicant_is_started_once_for_an_interface),
		TEST(nothing_is_started_beside_networkmanager_or_without_an_interface),
		TEST(an_interface_that_comes_later_is_taken),
		TEST(another_interface_means_another_instance),
		TEST(a_scan_is_told_until_it_is_done),
		TEST(only_the_band_that_was_asked_for_is_told),
		TEST(a_stopped_scan_tells_nothing_more),
		TEST(a_scan_whose_time_is_up_is_cut),
		TEST(progress_is_told_in_order_and_once),
		TEST(a_failure_is_told_once_and_a_new_attempt_begins_anew),
		TEST(a_connection_ends_a_scan_and_refuses_nonsense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
