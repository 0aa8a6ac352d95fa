/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "wifi/tell.h"

static struct wifi_network home = {.ssid = "home", .ssid_len = 4};

static void assert_tells(const struct wifi_view *v, const char *what)
{
	char text[TELL_TEXT_MAX];

	tell_stage(v, text);
	if (!strstr(text, what))
		print_error("\"%s\" does not tell \"%s\"\n", text, what);
	assert_non_null(strstr(text, what));
}

static void an_unconfigured_device_says_how_to_configure_it(void **state)
{
	struct wifi_view v = {.link.stage = LINK_STAGE_UNCONFIGURED,
			      .name = "PV0A0B0C",
			      .is_window_open = true,
			      .is_advertising = true};

	(void)state;
	assert_tells(&v, "find PV0A0B0C");
	v.has_configurator = true;
	assert_tells(&v, "a configurator is connected");
	v.has_configurator = v.is_advertising = false;
	v.advertising_why = "no CAP_NET_ADMIN";
	assert_tells(&v, "not visible over Bluetooth: no CAP_NET_ADMIN");
	v.advertising_why = NULL;
	assert_tells(&v, "no adapter yet");
	v.is_window_open = false;
	assert_tells(&v, "onboardctl wifi advertise");
}

static void a_link_is_told_with_network_and_address(void **state)
{
	struct wifi_view v = {.link = {.stage = LINK_STAGE_CONNECTING, .configured = &home}};

	(void)state;
	assert_tells(&v, "connecting to \"home\"");
	v.link.stage = LINK_STAGE_OBTAINING_IP;
	v.link.connected = &home;
	assert_tells(&v, "waiting for an address");
	v.link.stage = LINK_STAGE_CONNECTED;
	assert_tells(&v, "connected to \"home\"");
	v.link.has_ip4 = true;
	memcpy(v.link.ip4, (uint8_t[]){192, 0, 2, 255}, 4);
	assert_tells(&v, "as 192.0.2.255");
}

static void an_attempt_is_told_with_the_network_that_is_tried(void **state)
{
	struct wifi_network other = {.ssid = "other", .ssid_len = 5};
	struct wifi_view v = {
		.link = {.stage = LINK_STAGE_CONNECTING, .configured = &home, .trying = &other}};

	(void)state;
	assert_tells(&v, "connecting to \"other\"");
}

static void a_failure_is_told_by_its_cause(void **state)
{
	static const struct {
		enum wifi_reason reason;
		const char *what;
	} rows[] = {{WIFI_REASON_AUTH_ERROR, "passphrase"},
		    {WIFI_REASON_NETWORK_NOT_FOUND, "not in reach"},
		    {WIFI_REASON_TIMEOUT, "in time"},
		    {WIFI_REASON_FAIL_IP, "DHCP"},
		    {WIFI_REASON_FAIL_CONN, "lost"}};
	struct wifi_view v = {.link = {.stage = LINK_STAGE_RETRYING, .configured = &home}};

	(void)state;
	assert_tells(&v, "it was lost");
	v.link.has_failed = true;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		v.link.last_reason = rows[i].reason;
		assert_tells(&v, rows[i].what);
		assert_tells(&v, "trying again");
	}
}

static void the_longest_name_fits(void **state)
{
	struct wifi_network odd = {.ssid_len = WIFI_SSID_MAX};
	struct wifi_view v = {.link = {.stage = LINK_STAGE_RETRYING,
				       .configured = &odd,
				       .has_failed = true,
				       .last_reason = WIFI_REASON_AUTH_ERROR}};

	(void)state;
	memset(odd.ssid, 0xff, sizeof(odd.ssid));
	assert_tells(&v, "trying again");
	v.link.stage = LINK_STAGE_NO_INTERFACE;
	assert_tells(&v, "no Wi-Fi interface");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_unconfigured_device_says_how_to_configure_it),
		cmocka_unit_test(a_link_is_told_with_network_and_address),
		cmocka_unit_test(an_attempt_is_told_with_the_network_that_is_tried),
		cmocka_unit_test(a_failure_is_told_by_its_cause),
		cmocka_unit_test(the_longest_name_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
