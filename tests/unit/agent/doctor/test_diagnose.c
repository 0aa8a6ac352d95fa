/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>

#include "agent/doctor/diagnose.h"
#include "base/macros.h"
#include "session/certificate_fault.h"

#define NOW_S 1800000000

/* A claimed device that is well. */
static struct doctor_facts well(void)
{
	struct doctor_facts f = {
		.config = FACTS_CONFIG_GOOD,
		.config_text = "text",
		.key_text = "text",
		.portal_text = "text",
		.reason = "text",
		.has_target = true,
		.server = "provisioning.example.com",
		.port = 5684,
		.needs_default_route = true,
		.n_links = 1,
		.n_running = 1,
		.link = "eth0",
		.n_addresses = 1,
		.has_default_route = true,
		.lookup = FACTS_LOOKUP_FOUND,
		.address = "192.0.2.1",
		.portal = FACTS_PORTAL_OPEN,
		.portal_date_s = NOW_S,
		.path_was_tried = true,
		.path_largest = 1152,
		.path_wanted = 1152,
		.path_mtu = 1500,
		.now_s = NOW_S,
		.built_s = NOW_S - 1000,
		.floor_s = NOW_S - 1000,
		.is_synchronised = true,
		.time_source = "systemd-timesyncd",
		.has_root_ca = true,
		.root_ca_is_readable = true,
		.root_ca_from = "the store's",
		.root_ca_until_s = NOW_S + 1000,
		.handshake = FACTS_HANDSHAKE_DONE,
		.handshake_text = "ECDHE-ECDSA-AES128-GCM-SHA256",
		.daemon = FACTS_DAEMON_SERVED,
		.state = "idle",
		.outcome = "ok",
		.claimed = "yes",
		.key_was_tried = true,
		.key_works = true,
		.has_space = true,
		.state_dir = "/var/lib/onboardd",
		.free_kib = 100 * 1024,
		.free_inodes = 1000,
	};

	return f;
}

static enum doctor_check cause_of(const struct doctor_facts *f)
{
	struct doctor_report r;

	doctor_diagnose(f, &r);
	return r.cause;
}

static void a_device_that_is_well_has_no_cause_and_leaves_with_0(void **state)
{
	struct doctor_facts f = well();
	struct doctor_report r;

	(void)state;
	doctor_diagnose(&f, &r);
	assert_int_equal(r.cause, DOCTOR_N_CHECKS);
	assert_int_equal(doctor_exit_code(&r), EXIT_CODE_DONE);
	for (unsigned int i = 0; i < DOCTOR_N_CHECKS; i++) {
		assert_true(r.findings[i].level == DOCTOR_OK || i == DOCTOR_WIFI_SERVICES ||
			    i == DOCTOR_WIFI_INTERFACE);
		assert_true(*r.findings[i].what);
	}
}

static void every_check_has_a_name_of_its_own(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < DOCTOR_N_CHECKS; i++)
		for (unsigned int k = 0; k < i; k++)
			assert_string_not_equal(doctor_check_name((enum doctor_check)i),
						doctor_check_name((enum doctor_check)k));
	assert_null(doctor_check_name(DOCTOR_N_CHECKS));
}

#define BREAK(name, ...)                                                                           \
	static void name(struct doctor_facts *f)                                                   \
	{                                                                                          \
		__VA_ARGS__;                                                                       \
	}

BREAK(bad_config, f->config = FACTS_CONFIG_BAD)
BREAK(unreadable_config, f->config = FACTS_CONFIG_UNREADABLE; f->has_target = false)
BREAK(no_interface, f->n_links = f->n_running = 0)
BREAK(no_carrier, f->n_running = 0)
BREAK(switched_off, f->n_running = 0; f->link_is_disabled = true)
BREAK(no_address, f->n_addresses = 0)
BREAK(no_route, f->has_default_route = false)
BREAK(no_name, f->lookup = FACTS_LOOKUP_FAILED; f->path_was_tried = false)
BREAK(nowhere, f->address_is_nowhere = true)
BREAK(lying, f->dns_invents = true; f->path_largest = 0; f->handshake = FACTS_HANDSHAKE_NONE)
BREAK(captive, f->portal = FACTS_PORTAL_CAPTIVE; f->path_largest = 0;
      f->handshake = FACTS_HANDSHAKE_NONE)
BREAK(captive_and_lying, captive(f); f->dns_invents = true)
BREAK(silence, f->path_largest = 0; f->handshake = FACTS_HANDSHAKE_NONE)
BREAK(refused, silence(f); f->path_error = ECONNREFUSED)
BREAK(forbidden, silence(f); f->path_error = EPERM)
BREAK(unreachable, silence(f); f->path_error = EHOSTUNREACH)
BREAK(small_only, f->path_largest = 548)
BREAK(fragments, f->path_largest = 548; f->path_mtu = 600)
BREAK(stalled, f->handshake = FACTS_HANDSHAKE_STALLED)
BREAK(before_build, f->now_s = 1)
BREAK(year_10000, f->now_s = INT64_C(253402300800))
BREAK(before_floor, f->is_synchronised = false; f->floor_s = f->now_s + 1)
BREAK(web_disagrees, f->portal_date_s = f->now_s + 2 * 86400)
BREAK(sync_required, f->is_synchronised = false; f->require_sync = true)
BREAK(doubted, f->is_synchronised = false; f->portal_date_s = 0;
      f->handshake = FACTS_HANDSHAKE_CERTIFICATE; f->certificate_faults = CERTIFICATE_EXPIRED)
BREAK(no_root_ca, f->has_root_ca = false; f->handshake = FACTS_HANDSHAKE_NONE)
BREAK(no_pem, f->root_ca_is_readable = false; f->handshake = FACTS_HANDSHAKE_NONE)
BREAK(old_root_ca, f->root_ca_until_s = f->now_s - 1)
BREAK(untrusted, f->handshake = FACTS_HANDSHAKE_CERTIFICATE;
      f->certificate_faults = CERTIFICATE_UNTRUSTED | CERTIFICATE_NAME)
BREAK(alert, f->handshake = FACTS_HANDSHAKE_REFUSED)
BREAK(expired, f->handshake = FACTS_HANDSHAKE_CERTIFICATE;
      f->certificate_faults = CERTIFICATE_EXPIRED)
BREAK(other_fault, f->handshake = FACTS_HANDSHAKE_CERTIFICATE;
      f->certificate_faults = CERTIFICATE_OTHER)
BREAK(other_name, f->handshake = FACTS_HANDSHAKE_CERTIFICATE;
      f->certificate_faults = CERTIFICATE_NAME)
BREAK(no_key, f->key_works = false)
BREAK(no_key_file, strcpy(f->missing_file, "/etc/key"))
BREAK(open_key_file, strcpy(f->exposed_file, "/etc/key"))
BREAK(unclaimed, strcpy(f->claimed, "no"))
BREAK(rejected, strcpy(f->outcome, "rejected"))
BREAK(store_fails, strcpy(f->outcome, "store"))
BREAK(seal_gone, strcpy(f->seal_text, "gone"))
BREAK(full, f->free_kib = 10; strcpy(f->outcome, "store"))
BREAK(no_inodes, f->free_inodes = 0)
BREAK(no_services, f->wifi_enabled = true)
BREAK(no_bluez, f->wifi_enabled = f->has_wifi_service = true)
BREAK(no_radio, f->wifi_enabled = f->has_wifi_service = f->has_bluetooth_service = true)
BREAK(blocked_radio, no_radio(f); f->has_wifi_interface = f->is_blocked = true)
BREAK(no_bus, f->daemon = FACTS_DAEMON_NO_BUS)
BREAK(silent_daemon, f->daemon = FACTS_DAEMON_SILENT)
BREAK(degraded, strcpy(f->state, "degraded"))

static void each_fault_is_the_cause_and_has_meaning_and_remedy_and_exit_code(void **state)
{
	static const struct {
		void (*broken)(struct doctor_facts *f);
		enum doctor_check cause;
		enum exit_code exit;
	} rows[] = {
		{bad_config, DOCTOR_CONFIGURATION, EXIT_CODE_USAGE},
		{unreadable_config, DOCTOR_CONFIGURATION, EXIT_CODE_USAGE},
		{no_interface, DOCTOR_LINK, EXIT_CODE_NETWORK},
		{no_carrier, DOCTOR_LINK, EXIT_CODE_NETWORK},
		{switched_off, DOCTOR_LINK, EXIT_CODE_NETWORK},
		{no_address, DOCTOR_ADDRESS, EXIT_CODE_NETWORK},
		{no_route, DOCTOR_ADDRESS, EXIT_CODE_NETWORK},
		{no_name, DOCTOR_DNS, EXIT_CODE_NETWORK},
		{nowhere, DOCTOR_DNS, EXIT_CODE_NETWORK},
		{lying, DOCTOR_DNS, EXIT_CODE_NETWORK},
		{captive, DOCTOR_PORTAL, EXIT_CODE_NETWORK},
		{captive_and_lying, DOCTOR_PORTAL, EXIT_CODE_NETWORK},
		{silence, DOCTOR_UDP_PATH, EXIT_CODE_NETWORK},
		{refused, DOCTOR_UDP_PATH, EXIT_CODE_NETWORK},
		{forbidden, DOCTOR_UDP_PATH, EXIT_CODE_NETWORK},
		{unreachable, DOCTOR_UDP_PATH, EXIT_CODE_NETWORK},
		{small_only, DOCTOR_PATH_MTU, EXIT_CODE_NETWORK},
		{fragments, DOCTOR_PATH_MTU, EXIT_CODE_NETWORK},
		{stalled, DOCTOR_PATH_MTU, EXIT_CODE_NETWORK},
		{before_build, DOCTOR_TIME, EXIT_CODE_TIME},
		{year_10000, DOCTOR_TIME, EXIT_CODE_TIME},
		{before_floor, DOCTOR_TIME, EXIT_CODE_TIME},
		{web_disagrees, DOCTOR_TIME, EXIT_CODE_TIME},
		{sync_required, DOCTOR_TIME, EXIT_CODE_TIME},
		{doubted, DOCTOR_TIME, EXIT_CODE_TIME},
		{no_root_ca, DOCTOR_ROOT_CA, EXIT_CODE_NETWORK},
		{no_pem, DOCTOR_ROOT_CA, EXIT_CODE_NETWORK},
		{old_root_ca, DOCTOR_ROOT_CA, EXIT_CODE_NETWORK},
		{untrusted, DOCTOR_ROOT_CA, EXIT_CODE_NETWORK},
		{alert, DOCTOR_HANDSHAKE, EXIT_CODE_NETWORK},
		{expired, DOCTOR_CERTIFICATE, EXIT_CODE_NETWORK},
		{other_fault, DOCTOR_CERTIFICATE, EXIT_CODE_NETWORK},
		{other_name, DOCTOR_SERVER_NAME, EXIT_CODE_NETWORK},
		{no_key, DOCTOR_IDENTITY_KEY, EXIT_CODE_IDENTITY},
		{no_key_file, DOCTOR_IDENTITY_KEY, EXIT_CODE_IDENTITY},
		{open_key_file, DOCTOR_IDENTITY_KEY, EXIT_CODE_IDENTITY},
		{unclaimed, DOCTOR_CLAIM, EXIT_CODE_UNCLAIMED},
		{rejected, DOCTOR_CLAIM, EXIT_CODE_UNCLAIMED},
		{store_fails, DOCTOR_STORE, EXIT_CODE_STORE},
		{seal_gone, DOCTOR_SEALING_KEY, EXIT_CODE_STORE},
		{full, DOCTOR_SPACE, EXIT_CODE_STORE},
		{no_inodes, DOCTOR_SPACE, EXIT_CODE_STORE},
		{no_services, DOCTOR_WIFI_SERVICES, EXIT_CODE_NETWORK},
		{no_bluez, DOCTOR_WIFI_SERVICES, EXIT_CODE_NETWORK},
		{no_radio, DOCTOR_WIFI_INTERFACE, EXIT_CODE_NETWORK},
		{blocked_radio, DOCTOR_WIFI_INTERFACE, EXIT_CODE_NETWORK},
		{no_bus, DOCTOR_DAEMON, EXIT_CODE_FAILED},
		{silent_daemon, DOCTOR_DAEMON, EXIT_CODE_FAILED},
		{degraded, DOCTOR_CYCLE, EXIT_CODE_DEGRADED},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct doctor_facts f = well();
		struct doctor_report r;

		rows[i].broken(&f);
		doctor_diagnose(&f, &r);
		print_message("%zu: %s\n", i,
			      r.cause < DOCTOR_N_CHECKS ? r.findings[r.cause].what : "no cause");
		assert_int_equal(r.cause, rows[i].cause);
		assert_int_equal(doctor_exit_code(&r), rows[i].exit);
		assert_non_null(r.findings[r.cause].means);
		assert_true(*r.findings[r.cause].what && *r.findings[r.cause].remedy);
	}
}

static void what_needs_a_check_that_failed_is_skipped(void **state)
{
	struct doctor_facts f = well();
	struct doctor_report r;

	(void)state;
	no_carrier(&f);
	doctor_diagnose(&f, &r);
	for (unsigned int i = DOCTOR_ADDRESS; i <= DOCTOR_PATH_MTU; i++)
		assert_int_equal(r.findings[i].level, DOCTOR_SKIPPED);
	assert_string_equal(r.findings[DOCTOR_UDP_PATH].what, "needs address");
	/* Not by the network. */
	assert_int_equal(r.findings[DOCTOR_TIME].level, DOCTOR_OK);
	assert_int_equal(r.findings[DOCTOR_STORE].level, DOCTOR_OK);
}

static void a_daemon_that_ended_is_told_by_what_it_ended_by(void **state)
{
	static const enum doctor_check causes[] = {DOCTOR_ROOT_CA, DOCTOR_IDENTITY_KEY,
						   DOCTOR_STORE,   DOCTOR_SEALING_KEY,
						   DOCTOR_SPACE,   DOCTOR_DAEMON};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(causes); i++) {
		struct doctor_facts f = well();

		f.daemon = FACTS_DAEMON_ABSENT;
		snprintf(f.ended_by, sizeof(f.ended_by), "%s", doctor_check_name(causes[i]));
		assert_int_equal(cause_of(&f), causes[i]);
		/* What it once ended by does not matter while it runs. */
		f.daemon = FACTS_DAEMON_SERVED;
		assert_int_equal(cause_of(&f), DOCTOR_N_CHECKS);
	}
}

static void a_daemon_that_never_ended_by_itself_is_just_not_running(void **state)
{
	struct doctor_facts f = well();

	(void)state;
	f.daemon = FACTS_DAEMON_ABSENT;
	assert_int_equal(cause_of(&f), DOCTOR_DAEMON);
}

static void who_keeps_the_clock_right_is_told(void **state)
{
	struct doctor_facts f = well();
	struct doctor_report r;

	(void)state;
	doctor_diagnose(&f, &r);
	assert_non_null(strstr(r.findings[DOCTOR_TIME].what, "kept right by systemd-timesyncd"));
	f.is_synchronised = false;
	doctor_diagnose(&f, &r);
	assert_non_null(strstr(r.findings[DOCTOR_TIME].what, "no clock chip"));
}

static void warnings_are_a_cause_only_without_failures_and_leave_with_0(void **state)
{
	struct doctor_facts f = well();
	struct doctor_report r;

	(void)state;
	f.is_synchronised = false;
	doctor_diagnose(&f, &r);
	assert_int_equal(r.cause, DOCTOR_TIME);
	assert_int_equal(doctor_exit_code(&r), EXIT_CODE_DONE);
	unclaimed(&f);
	assert_int_equal(cause_of(&f), DOCTOR_CLAIM);
}

static void a_portal_or_an_inventive_resolver_does_not_matter_where_the_server_answers(void **state)
{
	struct doctor_facts f = well();
	struct doctor_report r;

	(void)state;
	f.dns_invents = true;
	assert_int_equal(cause_of(&f), DOCTOR_N_CHECKS);
	f.portal = FACTS_PORTAL_CAPTIVE;
	doctor_diagnose(&f, &r);
	assert_int_equal(r.findings[DOCTOR_PORTAL].level, DOCTOR_WARNING);
	assert_int_equal(doctor_exit_code(&r), EXIT_CODE_DONE);
}

static void a_server_on_this_device_needs_no_network(void **state)
{
	struct doctor_facts f = well();

	(void)state;
	f.target_is_here = true;
	f.n_links = f.n_running = f.n_addresses = 0;
	f.has_default_route = false;
	strcpy(f.literal, "127.0.0.1");
	assert_int_equal(cause_of(&f), DOCTOR_N_CHECKS);
}

static void an_expired_certificate_is_the_servers_fault_when_the_clock_is_kept_right(void **state)
{
	struct doctor_facts f = well();

	(void)state;
	doubted(&f);
	assert_int_equal(cause_of(&f), DOCTOR_TIME);
	f.is_synchronised = true;
	assert_int_equal(cause_of(&f), DOCTOR_CERTIFICATE);
	f.is_synchronised = false;
	f.portal_date_s = f.now_s;
	assert_int_equal(cause_of(&f), DOCTOR_CERTIFICATE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_device_that_is_well_has_no_cause_and_leaves_with_0),
		cmocka_unit_test(every_check_has_a_name_of_its_own),
		cmocka_unit_test(each_fault_is_the_cause_and_has_meaning_and_remedy_and_exit_code),
		cmocka_unit_test(what_needs_a_check_that_failed_is_skipped),
		cmocka_unit_test(a_daemon_that_ended_is_told_by_what_it_ended_by),
		cmocka_unit_test(a_daemon_that_never_ended_by_itself_is_just_not_running),
		cmocka_unit_test(who_keeps_the_clock_right_is_told),
		cmocka_unit_test(warnings_are_a_cause_only_without_failures_and_leave_with_0),
		cmocka_unit_test(
			a_portal_or_an_inventive_resolver_does_not_matter_where_the_server_answers),
		cmocka_unit_test(a_server_on_this_device_needs_no_network),
		cmocka_unit_test(
			an_expired_certificate_is_the_servers_fault_when_the_clock_is_kept_right),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
