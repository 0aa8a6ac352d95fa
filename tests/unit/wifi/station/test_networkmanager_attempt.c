/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "base/macros.h"
#include "wifi/station/networkmanager.h"

/* What follows a connection once NetworkManager has it: the orders of events that the real one does
 * not show on demand. The bus takes every call and answers none. */

#define OURS NM_PATH "/ActiveConnection/5"
#define OTHER NM_PATH "/ActiveConnection/6"
#define AP NM_PATH "/AccessPoint/1"
#define SUPPLICANT "/fi/w1/wpa_supplicant1/Interfaces/0"

struct fixture {
	struct nm nm;
	int peer;
	char told[256]; /* a word an event */
};

static void tell(struct fixture *f, const char *what, int value)
{
	size_t len = strlen(f->told);

	snprintf(f->told + len, sizeof(f->told) - len, "%s%s %d", len > 0 ? ", " : "", what, value);
}

static void on_progress(void *userdata, enum wifi_state state)
{
	tell(userdata, "progress", (int)state);
}

static void on_failed(void *userdata, enum wifi_reason reason)
{
	tell(userdata, "failed", (int)reason);
}

static void on_lost(void *userdata)
{
	tell(userdata, "lost", 0);
}

static struct backend_events events = {
	.progress = on_progress, .failed = on_failed, .lost = on_lost};

static int set_up(void **state)
{
	static struct fixture f;
	int fds[2];

	f = (struct fixture){0};
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds),
			 0);
	f.peer = fds[1];
	assert_true(sd_event_new(&f.nm.event) >= 0);
	assert_true(sd_bus_new(&f.nm.bus) >= 0);
	assert_true(sd_bus_set_fd(f.nm.bus, fds[0], fds[0]) >= 0);
	assert_true(sd_bus_start(f.nm.bus) >= 0);
	events.userdata = &f;
	f.nm.events = &events;
	f.nm.told = BACKEND_READY;
	f.nm.auth = WIFI_AUTH_WPA3_PSK;
	f.nm.phase = NM_PHASE_ACTIVATING;
	assert_true(nm_copy(f.nm.active, sizeof(f.nm.active), OURS));
	assert_true(nm_copy(f.nm.supplicant, sizeof(f.nm.supplicant), SUPPLICANT));
	assert_true(nm_copy(f.nm.interface, sizeof(f.nm.interface), "wlan0"));
	f.nm.device.state = NM_DEVICE_DISCONNECTED;
	*state = &f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	nm_attempt_reset(&f->nm);
	nm_scan_reset(&f->nm);
	sd_bus_close_unref(f->nm.bus);
	sd_event_unref(f->nm.event);
	close(f->peer);
	return 0;
}

static void device_has(struct fixture *f, const char *active)
{
	assert_true(nm_copy(f->nm.device.active, sizeof(f->nm.device.active), active));
	nm_attempt_on_device(&f->nm);
}

static void device_is(struct fixture *f, uint32_t device_state, uint32_t reason)
{
	f->nm.device.state = device_state;
	f->nm.device.reason = reason;
	nm_attempt_on_device(&f->nm);
}

static void access_point_is(struct fixture *f, const char *path)
{
	assert_true(nm_copy(f->nm.device.ap, sizeof(f->nm.device.ap), path));
	nm_attempt_on_access_point(&f->nm);
}

static void supplicant_says(struct fixture *f, const char *path, const char *word, int status)
{
	struct nm_supplicant_change c = {.has_auth_status = status >= 0, .auth_status = status};

	assert_true(nm_copy(c.state, sizeof(c.state), word));
	nm_attempt_on_supplicant(&f->nm, path, &c);
}

static void link_up(struct fixture *f)
{
	device_has(f, OURS);
	device_is(f, NM_DEVICE_PREPARE, 0);
	device_is(f, NM_DEVICE_CONFIG, 0);
	device_is(f, NM_DEVICE_IP_CONFIG, 0);
	assert_string_equal(f->told, "progress 1, progress 3");
	*f->told = '\0';
}

static void a_connection_is_followed_to_its_link(void **state)
{
	struct fixture *f = *state;

	link_up(f);
	device_is(f, 80, 0);
	device_is(f, NM_DEVICE_ACTIVATED, 0);
	assert_string_equal(f->told, "");
	assert_int_equal(f->nm.phase, NM_PHASE_LINKED);
}

static void states_of_the_connection_before_are_not_ours(void **state)
{
	struct fixture *f = *state;

	device_has(f, OTHER);
	device_is(f, NM_DEVICE_ACTIVATED, 0);
	device_is(f, NM_DEVICE_DEACTIVATING, 60);
	device_has(f, "/");
	device_is(f, NM_DEVICE_DISCONNECTED, 60);
	assert_string_equal(f->told, "");
	link_up(f);
}

static void a_device_that_gets_the_connection_has_not_ended_it(void **state)
{
	struct fixture *f = *state;

	device_is(f, NM_DEVICE_DISCONNECTED, 60);
	device_has(f, OURS);
	assert_string_equal(f->told, "");
	assert_int_equal(f->nm.phase, NM_PHASE_ACTIVATING);
}

static void a_network_that_is_not_there_is_told(void **state)
{
	struct fixture *f = *state;

	device_has(f, OURS);
	device_is(f, NM_DEVICE_CONFIG, 0);
	device_is(f, NM_DEVICE_FAILED, NM_REASON_SSID_NOT_FOUND);
	assert_string_equal(f->told, "progress 1, failed 1");
	assert_int_equal(f->nm.phase, NM_PHASE_IDLE);
}

static void a_question_for_another_passphrase_is_an_authentication_error(void **state)
{
	struct fixture *f = *state;

	device_has(f, OURS);
	device_is(f, NM_DEVICE_CONFIG, 0);
	device_is(f, NM_DEVICE_NEED_AUTH, NM_REASON_NONE);
	device_is(f, NM_DEVICE_PREPARE, 0);
	device_is(f, NM_DEVICE_CONFIG, 0);
	assert_string_equal(f->told, "progress 1, progress 1");
	device_is(f, NM_DEVICE_NEED_AUTH, NM_REASON_SUPPLICANT_DISCONNECT);
	assert_string_equal(f->told, "progress 1, progress 1, failed 0");
	/* What NetworkManager says afterwards is of nobody. */
	device_is(f, NM_DEVICE_FAILED, NM_REASON_NO_SECRETS);
	assert_string_equal(f->told, "progress 1, progress 1, failed 0");
}

static void a_connection_that_another_displaces_has_failed(void **state)
{
	struct fixture *f = *state;

	device_has(f, OURS);
	device_is(f, NM_DEVICE_CONFIG, 0);
	device_has(f, OTHER);
	assert_string_equal(f->told, "progress 1, failed 4");
}

static void a_link_that_another_displaces_is_lost(void **state)
{
	struct fixture *f = *state;

	link_up(f);
	device_has(f, OTHER);
	assert_string_equal(f->told, "lost 0");
}

static void a_link_that_starts_over_is_lost(void **state)
{
	static const uint32_t states[] = {NM_DEVICE_PREPARE,      NM_DEVICE_CONFIG,
					  NM_DEVICE_NEED_AUTH,    NM_DEVICE_FAILED,
					  NM_DEVICE_DISCONNECTED, NM_DEVICE_UNAVAILABLE};

	for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
		struct fixture *f;

		if (i > 0) {
			tear_down(state);
			set_up(state);
		}
		f = *state;
		link_up(f);
		device_is(f, states[i], 0);
		assert_string_equal(f->told, "lost 0");
	}
}

static void a_connection_that_the_device_never_had_fails_when_it_ends(void **state)
{
	struct fixture *f = *state;

	nm_attempt_on_active(&f->nm, OURS, 1);
	nm_attempt_on_active(&f->nm, OTHER, 4);
	assert_string_equal(f->told, "");
	nm_attempt_on_active(&f->nm, OURS, 4);
	assert_string_equal(f->told, "failed 4");
}

/* ---- the supplicant ---- */

static void a_refused_sae_passphrase_is_told_at_once(void **state)
{
	struct fixture *f = *state;

	device_has(f, OURS);
	device_is(f, NM_DEVICE_CONFIG, 0);
	supplicant_says(f, SUPPLICANT, "authenticating", -1);
	supplicant_says(f, SUPPLICANT, "disconnected", 1);
	assert_string_equal(f->told, "progress 1, failed 0");
}

static void a_refusal_from_before_is_not_ours(void **state)
{
	struct fixture *f = *state;

	supplicant_says(f, SUPPLICANT, "authenticating", 1);
	device_has(f, OURS);
	supplicant_says(f, SUPPLICANT, "authenticating", 1);
	device_is(f, NM_DEVICE_CONFIG, 0);
	supplicant_says(f, SUPPLICANT, "disconnected", 1);
	assert_string_equal(f->told, "progress 1");
}

static void a_refusal_on_another_interface_is_not_ours(void **state)
{
	struct fixture *f = *state;

	device_has(f, OURS);
	device_is(f, NM_DEVICE_CONFIG, 0);
	supplicant_says(f, SUPPLICANT "1", "authenticating", -1);
	supplicant_says(f, SUPPLICANT "1", "disconnected", 1);
	supplicant_says(f, "", "authenticating", 1);
	assert_string_equal(f->told, "progress 1");
}

static void other_status_codes_leave_the_supplicant_its_tries(void **state)
{
	struct fixture *f = *state;

	device_has(f, OURS);
	device_is(f, NM_DEVICE_CONFIG, 0);
	supplicant_says(f, SUPPLICANT, "authenticating", 0);
	supplicant_says(f, SUPPLICANT, "disconnected", 77);
	assert_string_equal(f->told, "progress 1");
}

static void an_open_network_cannot_refuse_a_passphrase(void **state)
{
	struct fixture *f = *state;

	f->nm.auth = WIFI_AUTH_OPEN;
	device_has(f, OURS);
	device_is(f, NM_DEVICE_CONFIG, 0);
	supplicant_says(f, SUPPLICANT, "authenticating", 1);
	assert_string_equal(f->told, "progress 1");
}

static void a_network_that_answered_and_did_not_let_us_in_is_there(void **state)
{
	struct fixture *f = *state;

	device_has(f, OURS);
	device_is(f, NM_DEVICE_CONFIG, 0);
	supplicant_says(f, SUPPLICANT, "associating", -1);
	device_is(f, NM_DEVICE_FAILED, NM_REASON_SSID_NOT_FOUND);
	assert_string_equal(f->told, "progress 1, progress 2, failed 4");
}

/* ---- the access point ---- */

static void the_link_is_told_when_its_access_point_is_known(void **state)
{
	struct fixture *f = *state;

	device_has(f, OURS);
	device_is(f, NM_DEVICE_CONFIG, 0);
	access_point_is(f, AP);
	device_is(f, NM_DEVICE_IP_CONFIG, 0);
	/* It was asked, and has not answered. */
	assert_string_equal(f->told, "progress 1");
	assert_null(networkmanager_ops.network(&f->nm));
}

static void roaming_is_no_loss(void **state)
{
	struct fixture *f = *state;

	link_up(f);
	access_point_is(f, AP);
	access_point_is(f, "/");
	assert_non_null(f->nm.grace);
	access_point_is(f, AP);
	assert_null(f->nm.grace);
	assert_string_equal(f->told, "");
}

static void a_link_that_stays_without_an_access_point_is_lost(void **state)
{
	struct fixture *f = *state;

	link_up(f);
	access_point_is(f, "/");
	assert_string_equal(f->told, "");
	/* The time is over. */
	assert_true(sd_event_source_set_time(f->nm.grace, 1) >= 0);
	assert_true(sd_event_run(f->nm.event, UINT64_MAX) > 0);
	assert_string_equal(f->told, "lost 0");
	assert_null(f->nm.grace);
}

/* ---- calling it off ---- */

static void nothing_is_told_of_what_was_called_off(void **state)
{
	struct fixture *f = *state;

	link_up(f);
	nm_disconnect(&f->nm);
	device_is(f, NM_DEVICE_DEACTIVATING, 39);
	device_has(f, "/");
	device_is(f, NM_DEVICE_DISCONNECTED, 39);
	nm_attempt_on_active(&f->nm, OURS, 4);
	assert_string_equal(f->told, "");
	assert_null(networkmanager_ops.network(&f->nm));
}

static void a_request_that_is_under_way_is_remembered_when_called_off(void **state)
{
	struct fixture *f = *state;

	f->nm.phase = NM_PHASE_ADDING;
	nm_disconnect(&f->nm);
	assert_int_equal(f->nm.phase, NM_PHASE_CALLED_OFF);
	f->nm.phase = NM_PHASE_CLEARING;
	nm_disconnect(&f->nm);
	assert_int_equal(f->nm.phase, NM_PHASE_IDLE);
}

static void the_passphrase_goes_with_the_request(void **state)
{
	struct fixture *f = *state;
	struct wifi_config c = {.network = {.ssid = "home", .ssid_len = 4},
				.has_passphrase = true,
				.passphrase = "correct horse",
				.passphrase_len = 13};

	c.network.auth = WIFI_AUTH_WPA2_PSK;
	assert_true(nm_copy(f->nm.device.path, sizeof(f->nm.device.path), NM_PATH "/Devices/3"));
	assert_int_equal(nm_connect(&f->nm, &c), 0);
	assert_int_equal(f->nm.phase, NM_PHASE_CLEARING);
	assert_non_null(f->nm.request);
	nm_disconnect(&f->nm);
	assert_null(f->nm.request);
}

static void a_configuration_that_cannot_be_said_leaves_nothing_behind(void **state)
{
	struct fixture *f = *state;
	struct wifi_config c = {.network = {.ssid = "home", .ssid_len = 4}};

	c.network.auth = WIFI_AUTH_WPA2_ENTERPRISE;
	assert_true(nm_copy(f->nm.device.path, sizeof(f->nm.device.path), NM_PATH "/Devices/3"));
	assert_int_equal(nm_connect(&f->nm, &c), -EINVAL);
	assert_int_equal(f->nm.phase, NM_PHASE_IDLE);
	assert_null(f->nm.request);
	assert_null(f->nm.clear);
}

#define test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		test(a_connection_is_followed_to_its_link),
		test(states_of_the_connection_before_are_not_ours),
		test(a_device_that_gets_the_connection_has_not_ended_it),
		test(a_network_that_is_not_there_is_told),
		test(a_question_for_another_passphrase_is_an_authentication_error),
		test(a_connection_that_another_displaces_has_failed),
		test(a_link_that_another_displaces_is_lost),
		test(a_link_that_starts_over_is_lost),
		test(a_connection_that_the_device_never_had_fails_when_it_ends),
		test(a_refused_sae_passphrase_is_told_at_once),
		test(a_refusal_from_before_is_not_ours),
		test(a_refusal_on_another_interface_is_not_ours),
		test(other_status_codes_leave_the_supplicant_its_tries),
		test(an_open_network_cannot_refuse_a_passphrase),
		test(a_network_that_answered_and_did_not_let_us_in_is_there),
		test(the_link_is_told_when_its_access_point_is_known),
		test(roaming_is_no_loss),
		test(a_link_that_stays_without_an_access_point_is_lost),
		test(nothing_is_told_of_what_was_called_off),
		test(a_request_that_is_under_way_is_remembered_when_called_off),
		test(the_passphrase_goes_with_the_request),
		test(a_configuration_that_cannot_be_said_leaves_nothing_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
