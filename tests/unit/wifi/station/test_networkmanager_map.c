/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/macros.h"
#include "wifi/station/networkmanager.h"

#define PRIVACY 0x1
#define CCMP 0x88 /* pairwise and group */
#define TKIP 0x44
#define PSK 0x100
#define EAP 0x200
#define SAE 0x400
#define OWE 0x800
#define OWE_TRANSITION 0x1000
#define SUITE_B 0x2000

static void the_flags_of_an_access_point_tell_its_authentication(void **state)
{
	static const struct {
		uint32_t flags, wpa, rsn;
		enum wifi_auth auth;
	} rows[] = {
		{0, 0, 0, WIFI_AUTH_OPEN},
		{PRIVACY, 0, 0, WIFI_AUTH_WEP},
		{PRIVACY, TKIP | PSK, 0, WIFI_AUTH_WPA_PSK},
		{PRIVACY, 0, CCMP | PSK, WIFI_AUTH_WPA2_PSK},
		{PRIVACY, TKIP | PSK, CCMP | PSK, WIFI_AUTH_WPA_WPA2_PSK},
		{PRIVACY, 0, CCMP | SAE, WIFI_AUTH_WPA3_PSK},
		/* Takes both; older apps know no name for that. */
		{PRIVACY, 0, CCMP | PSK | SAE, WIFI_AUTH_WPA2_PSK},
		{PRIVACY, TKIP | EAP, 0, WIFI_AUTH_WPA2_ENTERPRISE},
		{PRIVACY, 0, CCMP | EAP, WIFI_AUTH_WPA2_ENTERPRISE},
		{PRIVACY, 0, CCMP | SUITE_B, WIFI_AUTH_WPA2_ENTERPRISE},
		{PRIVACY, 0, CCMP | PSK | EAP, WIFI_AUTH_WPA2_PSK},
		{PRIVACY, 0, CCMP | OWE, WIFI_AUTH_UNKNOWN},
		{0, 0, OWE_TRANSITION, WIFI_AUTH_OPEN},
		{PRIVACY, 0, CCMP, WIFI_AUTH_UNKNOWN},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(nm_auth_of(rows[i].flags, rows[i].wpa, rows[i].rsn), rows[i].auth);
}

static void percent_become_dbm_between_minus_100_and_minus_40(void **state)
{
	(void)state;
	assert_int_equal(nm_dbm_of(0), -100);
	assert_int_equal(nm_dbm_of(50), -70);
	assert_int_equal(nm_dbm_of(75), -55);
	assert_int_equal(nm_dbm_of(100), -40);
	assert_int_equal(nm_dbm_of(255), -40);
}

static void more_percent_are_never_less_dbm(void **state)
{
	(void)state;
	for (unsigned int i = 1; i <= UINT8_MAX; i++)
		assert_true(nm_dbm_of((uint8_t)i) >= nm_dbm_of((uint8_t)(i - 1)));
}

static void an_activation_is_followed_by_the_states_of_its_device(void **state)
{
	static const struct {
		uint32_t state, reason;
		enum nm_step step;
	} rows[] = {
		{NM_DEVICE_PREPARE, 0, NM_STEP_NONE},
		{NM_DEVICE_CONFIG, 0, NM_STEP_ASSOCIATING},
		/* The profile's own passphrase is fetched. */
		{NM_DEVICE_NEED_AUTH, 0, NM_STEP_NONE},
		/* As seen with a wrong WPA2 passphrase. */
		{NM_DEVICE_NEED_AUTH, NM_REASON_SUPPLICANT_DISCONNECT, NM_STEP_WRONG_KEY},
		{NM_DEVICE_IP_CONFIG, 0, NM_STEP_LINKED},
		{80, 0, NM_STEP_LINKED}, /* ip-check */
		{90, 0, NM_STEP_LINKED}, /* secondaries */
		{NM_DEVICE_ACTIVATED, 0, NM_STEP_LINKED},
		{NM_DEVICE_DEACTIVATING, 39, NM_STEP_OVER},
		{NM_DEVICE_FAILED, NM_REASON_SSID_NOT_FOUND, NM_STEP_OVER},
		{NM_DEVICE_DISCONNECTED, 0, NM_STEP_OVER},
		{NM_DEVICE_UNAVAILABLE, 0, NM_STEP_OVER},
		{NM_DEVICE_UNMANAGED, 0, NM_STEP_OVER},
		{NM_DEVICE_UNKNOWN, 0, NM_STEP_OVER},
		{4711, 0, NM_STEP_OVER},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(nm_step_of(rows[i].state, rows[i].reason), rows[i].step);
}

static void a_missing_secret_is_a_wrong_passphrase(void **state)
{
	(void)state;
	assert_int_equal(nm_failure_of(NM_REASON_NO_SECRETS, true), WIFI_REASON_AUTH_ERROR);
	assert_int_equal(nm_failure_of(NM_REASON_NO_SECRETS, false), WIFI_REASON_AUTH_ERROR);
}

/* NetworkManager says "not found" of both. */
static void a_network_that_answered_is_not_told_as_not_found(void **state)
{
	(void)state;
	assert_int_equal(nm_failure_of(NM_REASON_SSID_NOT_FOUND, false),
			 WIFI_REASON_NETWORK_NOT_FOUND);
	assert_int_equal(nm_failure_of(NM_REASON_SSID_NOT_FOUND, true), WIFI_REASON_FAIL_CONN);
}

static void other_reasons_are_sorted_by_what_a_person_can_do(void **state)
{
	static const uint32_t ip[] = {NM_REASON_IP_UNAVAILABLE, NM_REASON_IP_EXPIRED,
				      NM_REASON_DHCP_START_FAILED, NM_REASON_DHCP_ERROR,
				      NM_REASON_DHCP_FAILED};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ip); i++)
		assert_int_equal(nm_failure_of(ip[i], true), WIFI_REASON_FAIL_IP);
	assert_int_equal(nm_failure_of(NM_REASON_SUPPLICANT_TIMEOUT, true), WIFI_REASON_TIMEOUT);
	assert_int_equal(nm_failure_of(NM_REASON_SUPPLICANT_DISCONNECT, true),
			 WIFI_REASON_FAIL_CONN);
	assert_int_equal(nm_failure_of(0, false), WIFI_REASON_FAIL_CONN);
	assert_int_equal(nm_failure_of(4711, false), WIFI_REASON_FAIL_CONN);
}

static struct nm_device wireless(uint32_t device_state, uint32_t reason)
{
	return (struct nm_device){.path = NM_PATH "/Devices/3",
				  .type = NM_DEVICE_TYPE_WIFI,
				  .state = device_state,
				  .reason = reason};
}

static void a_managed_device_serves(void **state)
{
	struct nm_device d = wireless(NM_DEVICE_DISCONNECTED, 0);

	(void)state;
	assert_int_equal(nm_backend_state(&d, false), BACKEND_READY);
	assert_int_equal(nm_backend_state(&d, true), BACKEND_READY);
	d = wireless(NM_DEVICE_ACTIVATED, 0);
	assert_int_equal(nm_backend_state(&d, false), BACKEND_READY);
	d = wireless(NM_DEVICE_FAILED, 0);
	assert_int_equal(nm_backend_state(&d, false), BACKEND_READY);
}

static void an_unmanaged_device_is_for_others(void **state)
{
	struct nm_device d = wireless(NM_DEVICE_UNMANAGED, 0);

	(void)state;
	assert_int_equal(nm_backend_state(&d, false), BACKEND_FOREIGN);
	d = wireless(NM_DEVICE_UNKNOWN, 0);
	assert_int_equal(nm_backend_state(&d, false), BACKEND_FOREIGN);
}

static void a_device_that_is_no_wireless_one_is_for_others(void **state)
{
	struct nm_device d = wireless(NM_DEVICE_ACTIVATED, 0);

	(void)state;
	d.type = 1;
	assert_int_equal(nm_backend_state(&d, false), BACKEND_FOREIGN);
}

static void nothing_is_left_to_others_before_networkmanager_has_started(void **state)
{
	struct nm_device none = {0}, d = wireless(NM_DEVICE_UNMANAGED, 0);

	(void)state;
	assert_int_equal(nm_backend_state(&none, true), BACKEND_AWAY);
	assert_int_equal(nm_backend_state(&none, false), BACKEND_FOREIGN);
	assert_int_equal(nm_backend_state(&d, true), BACKEND_AWAY);
}

static void sleep_and_a_missing_supplicant_pass(void **state)
{
	struct nm_device d = wireless(NM_DEVICE_UNMANAGED, NM_REASON_SLEEPING);

	(void)state;
	assert_int_equal(nm_backend_state(&d, false), BACKEND_AWAY);
	d = wireless(NM_DEVICE_UNAVAILABLE, 0);
	assert_int_equal(nm_backend_state(&d, false), BACKEND_AWAY);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_flags_of_an_access_point_tell_its_authentication),
		cmocka_unit_test(percent_become_dbm_between_minus_100_and_minus_40),
		cmocka_unit_test(more_percent_are_never_less_dbm),
		cmocka_unit_test(an_activation_is_followed_by_the_states_of_its_device),
		cmocka_unit_test(a_missing_secret_is_a_wrong_passphrase),
		cmocka_unit_test(a_network_that_answered_is_not_told_as_not_found),
		cmocka_unit_test(other_reasons_are_sorted_by_what_a_person_can_do),
		cmocka_unit_test(a_managed_device_serves),
		cmocka_unit_test(an_unmanaged_device_is_for_others),
		cmocka_unit_test(a_device_that_is_no_wireless_one_is_for_others),
		cmocka_unit_test(nothing_is_left_to_others_before_networkmanager_has_started),
		cmocka_unit_test(sleep_and_a_missing_supplicant_pass),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
