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
#include <systemd/sd-event.h>
#include <unistd.h>

#include "wifi/ble/advert_mgmt.h"
#include "wifi/ble/mgmtmsg.h"

#define INDEX 1
#define INSTANCE 5
#define LIMIT_US (20 * 1000 * 1000ull)

/* The kernel's end of the socket: a guest's kernel neither lacks commands nor is busy on demand. */
static int kernel = -1;

int __wrap_socket(int domain, int type, int protocol);
int __wrap_bind(int fd, const struct sockaddr *address, socklen_t len);

int __wrap_socket(int domain, int type, int protocol)
{
	int fds[2];

	(void)type;
	(void)protocol;
	assert_int_equal(domain, AF_BLUETOOTH);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) < 0)
		return -1;
	kernel = fds[1];
	return fds[0];
}

int __wrap_bind(int fd, const struct sockaddr *address, socklen_t len)
{
	(void)fd;
	assert_int_equal(len, 6);
	assert_int_equal(address->sa_family, AF_BLUETOOTH);
	return 0;
}

struct fixture {
	sd_event *event;
	struct advert_mgmt *mgmt;
	struct advert_mgmt_events events;
	bool is_on;
	unsigned int n_changed, n_impossible, n_failed;
	char why[64];
	uint8_t failed[6];
	struct advertdata fast, slow;
};

static void on_changed(void *userdata, unsigned int index, bool is_on, const char *why)
{
	struct fixture *f = userdata;

	assert_int_equal(index, INDEX);
	f->is_on = is_on;
	f->n_changed++;
	(void)snprintf(f->why, sizeof(f->why), "%s", why ? why : "");
}

static void on_impossible(void *userdata, unsigned int index, const char *why)
{
	struct fixture *f = userdata;

	assert_int_equal(index, INDEX);
	f->n_impossible++;
	(void)snprintf(f->why, sizeof(f->why), "%s", why);
}

static void on_auth_failed(void *userdata, unsigned int index, const uint8_t address[static 6])
{
	struct fixture *f = userdata;

	assert_int_equal(index, INDEX);
	f->n_failed++;
	memcpy(f->failed, address, 6);
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct advertisement a = {.name = "PV0A0B0C", .is_fast = true};

	assert_non_null(f);
	assert_true(sd_event_new(&f->event) >= 0);
	f->events = (struct advert_mgmt_events){.changed = on_changed,
						.impossible = on_impossible,
						.auth_failed = on_auth_failed,
						.userdata = f};
	assert_int_equal(advert_mgmt_new(f->event, &f->events, &f->mgmt), 0);
	assert_int_equal(advertdata_encode(&a, &f->fast), 0);
	a.is_fast = false;
	a.is_provisioned = true;
	assert_int_equal(advertdata_encode(&a, &f->slow), 0);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	advert_mgmt_free(f->mgmt);
	sd_event_unref(f->event);
	close(kernel);
	free(f);
	return 0;
}

/* The command that the kernel has got, 0 for none; its body is behind the header in ret. */
static uint16_t received(uint8_t ret[static MGMTMSG_MAX])
{
	ssize_t n = recv(kernel, ret, MGMTMSG_MAX, MSG_DONTWAIT);

	if (n <= 0)
		return 0;
	assert_true(n >= 6);
	assert_int_equal(ret[2] | ret[3] << 8, INDEX);
	assert_int_equal(ret[4] | ret[5] << 8, n - 6);
	return (uint16_t)(ret[0] | ret[1] << 8);
}

static void assert_silent(void)
{
	uint8_t message[MGMTMSG_MAX];

	assert_int_equal(received(message), 0);
}

static void assert_command(uint16_t op)
{
	uint8_t message[MGMTMSG_MAX];

	assert_int_equal(received(message), op);
	if (op != MGMT_OP_READ_ADVERTISING_FEATURES)
		assert_int_equal(message[6], INSTANCE);
}

/* What the kernel says; it has been heard when this returns. */
static void say(struct fixture *f, const void *data, size_t len)
{
	assert_int_equal(send(kernel, data, len, 0), len);
	assert_true(sd_event_run(f->event, LIMIT_US) > 0);
}

static void reply(struct fixture *f, uint16_t op, uint8_t status, const void *body, size_t len)
{
	uint8_t message[64] = {0x01, 0, INDEX, 0, (uint8_t)(3 + len), 0, (uint8_t)op, 0, status};

	memcpy(message + 9, body, len);
	say(f, message, 9 + len);
}

static void refuse(struct fixture *f, uint16_t op, uint8_t status)
{
	uint8_t message[] = {0x02, 0, INDEX, 0, 3, 0, (uint8_t)op, 0, status};

	say(f, message, sizeof(message));
}

static void allow(struct fixture *f, uint16_t op)
{
	static const uint8_t features[] = {0, 0, 0, 0, 31, 31, INSTANCE, 0};
	static const uint8_t params[] = {INSTANCE, 127, 31, 31};

	if (op == MGMT_OP_READ_ADVERTISING_FEATURES)
		reply(f, op, 0, features, sizeof(features));
	else
		reply(f, op, 0, params, op == MGMT_OP_ADD_EXT_PARAMS ? sizeof(params) : 1);
}

static void expect(struct fixture *f, uint16_t op)
{
	assert_command(op);
	allow(f, op);
}

static void get_on_air(struct fixture *f)
{
	advert_mgmt_set(f->mgmt, INDEX, &f->fast);
	expect(f, MGMT_OP_READ_ADVERTISING_FEATURES);
	expect(f, MGMT_OP_REMOVE_ADVERTISING);
	expect(f, MGMT_OP_ADD_EXT_PARAMS);
	expect(f, MGMT_OP_ADD_EXT_DATA);
	assert_true(f->is_on);
	assert_silent();
}

static void what_a_killed_process_has_left_is_removed_first(void **state)
{
	struct fixture *f = *state;

	advert_mgmt_set(f->mgmt, INDEX, NULL);
	expect(f, MGMT_OP_READ_ADVERTISING_FEATURES);
	expect(f, MGMT_OP_REMOVE_ADVERTISING);
	assert_silent();
	assert_false(f->is_on);
}

static void nothing_left_behind_is_no_failure(void **state)
{
	struct fixture *f = *state;

	advert_mgmt_set(f->mgmt, INDEX, &f->fast);
	expect(f, MGMT_OP_READ_ADVERTISING_FEATURES);
	assert_command(MGMT_OP_REMOVE_ADVERTISING);
	refuse(f, MGMT_OP_REMOVE_ADVERTISING, 0x0d);
	expect(f, MGMT_OP_ADD_EXT_PARAMS);
	expect(f, MGMT_OP_ADD_EXT_DATA);
	assert_true(f->is_on);
}

static void the_same_again_is_no_work(void **state)
{
	struct fixture *f = *state;

	get_on_air(f);
	advert_mgmt_set(f->mgmt, INDEX, &f->fast);
	assert_silent();
	assert_int_equal(f->n_changed, 1);
}

static void a_change_gives_parameters_and_data_anew(void **state)
{
	struct fixture *f = *state;
	uint8_t message[MGMTMSG_MAX];

	get_on_air(f);
	advert_mgmt_set(f->mgmt, INDEX, &f->slow);
	assert_int_equal(received(message), MGMT_OP_ADD_EXT_PARAMS);
	assert_int_equal(message[15] | message[16] << 8, 0x0640);
	allow(f, MGMT_OP_ADD_EXT_PARAMS);
	assert_int_equal(received(message), MGMT_OP_ADD_EXT_DATA);
	assert_memory_equal(message + 9, f->slow.ad, f->slow.ad_len);
	allow(f, MGMT_OP_ADD_EXT_DATA);
	assert_true(f->is_on);
	assert_silent();
}

static void a_change_in_the_middle_waits_for_its_turn(void **state)
{
	struct fixture *f = *state;

	get_on_air(f);
	advert_mgmt_set(f->mgmt, INDEX, &f->slow);
	assert_command(MGMT_OP_ADD_EXT_PARAMS);
	advert_mgmt_set(f->mgmt, INDEX, &f->fast);
	assert_silent();
	allow(f, MGMT_OP_ADD_EXT_PARAMS);
	expect(f, MGMT_OP_ADD_EXT_DATA);
	expect(f, MGMT_OP_ADD_EXT_PARAMS);
	expect(f, MGMT_OP_ADD_EXT_DATA);
	assert_silent();
}

static void stopping_removes_it(void **state)
{
	struct fixture *f = *state;

	get_on_air(f);
	advert_mgmt_set(f->mgmt, INDEX, NULL);
	expect(f, MGMT_OP_REMOVE_ADVERTISING);
	assert_false(f->is_on);
	assert_silent();
}

static void stopping_in_the_middle_removes_what_was_added(void **state)
{
	struct fixture *f = *state;

	advert_mgmt_set(f->mgmt, INDEX, &f->fast);
	expect(f, MGMT_OP_READ_ADVERTISING_FEATURES);
	expect(f, MGMT_OP_REMOVE_ADVERTISING);
	expect(f, MGMT_OP_ADD_EXT_PARAMS);
	advert_mgmt_set(f->mgmt, INDEX, NULL);
	expect(f, MGMT_OP_ADD_EXT_DATA);
	expect(f, MGMT_OP_REMOVE_ADVERTISING);
	assert_false(f->is_on);
}

static void an_old_kernel_gets_the_old_command(void **state)
{
	struct fixture *f = *state;

	advert_mgmt_set(f->mgmt, INDEX, &f->fast);
	expect(f, MGMT_OP_READ_ADVERTISING_FEATURES);
	expect(f, MGMT_OP_REMOVE_ADVERTISING);
	assert_command(MGMT_OP_ADD_EXT_PARAMS);
	refuse(f, MGMT_OP_ADD_EXT_PARAMS, MGMT_STATUS_UNKNOWN_COMMAND);
	expect(f, MGMT_OP_ADD_ADVERTISING);
	assert_true(f->is_on);
	/* And at once the next time. */
	advert_mgmt_set(f->mgmt, INDEX, &f->slow);
	expect(f, MGMT_OP_ADD_ADVERTISING);
	assert_int_equal(f->n_impossible, 0);
}

static void a_process_that_may_not_is_told_so_once(void **state)
{
	struct fixture *f = *state;

	advert_mgmt_set(f->mgmt, INDEX, &f->fast);
	assert_command(MGMT_OP_READ_ADVERTISING_FEATURES);
	refuse(f, MGMT_OP_READ_ADVERTISING_FEATURES, MGMT_STATUS_PERMISSION_DENIED);
	assert_int_equal(f->n_impossible, 1);
	assert_non_null(strstr(f->why, "CAP_NET_ADMIN"));
	assert_silent();
}

static void an_adapter_without_instances_cannot(void **state)
{
	static const uint8_t features[] = {0, 0, 0, 0, 31, 31, 0, 0};
	struct fixture *f = *state;

	advert_mgmt_set(f->mgmt, INDEX, &f->fast);
	assert_command(MGMT_OP_READ_ADVERTISING_FEATURES);
	reply(f, MGMT_OP_READ_ADVERTISING_FEATURES, 0, features, sizeof(features));
	assert_int_equal(f->n_impossible, 1);
}

static void a_kernel_that_knows_neither_command_cannot(void **state)
{
	struct fixture *f = *state;

	advert_mgmt_set(f->mgmt, INDEX, &f->fast);
	expect(f, MGMT_OP_READ_ADVERTISING_FEATURES);
	expect(f, MGMT_OP_REMOVE_ADVERTISING);
	assert_command(MGMT_OP_ADD_EXT_PARAMS);
	refuse(f, MGMT_OP_ADD_EXT_PARAMS, MGMT_STATUS_NOT_SUPPORTED);
	assert_command(MGMT_OP_ADD_ADVERTISING);
	refuse(f, MGMT_OP_ADD_ADVERTISING, MGMT_STATUS_NOT_SUPPORTED);
	assert_int_equal(f->n_impossible, 1);
	assert_false(f->is_on);
}

static void a_busy_kernel_is_asked_again_from_the_start(void **state)
{
	struct fixture *f = *state;

	advert_mgmt_set(f->mgmt, INDEX, &f->fast);
	expect(f, MGMT_OP_READ_ADVERTISING_FEATURES);
	expect(f, MGMT_OP_REMOVE_ADVERTISING);
	expect(f, MGMT_OP_ADD_EXT_PARAMS);
	assert_command(MGMT_OP_ADD_EXT_DATA);
	refuse(f, MGMT_OP_ADD_EXT_DATA, 0x0a);
	assert_string_equal(f->why, "busy");
	assert_silent();
	assert_true(sd_event_run(f->event, LIMIT_US) > 0); /* the timer */
	expect(f, MGMT_OP_REMOVE_ADVERTISING);
	expect(f, MGMT_OP_ADD_EXT_PARAMS);
	expect(f, MGMT_OP_ADD_EXT_DATA);
	assert_true(f->is_on);
}

static void what_somebody_else_removes_is_off_and_comes_back(void **state)
{
	static const uint8_t removed[] = {0x24, 0, INDEX, 0, 1, 0, INSTANCE};
	struct fixture *f = *state;

	get_on_air(f);
	say(f, removed, sizeof(removed));
	assert_false(f->is_on);
	assert_true(sd_event_run(f->event, LIMIT_US) > 0);
	expect(f, MGMT_OP_REMOVE_ADVERTISING);
	expect(f, MGMT_OP_ADD_EXT_PARAMS);
	expect(f, MGMT_OP_ADD_EXT_DATA);
	assert_true(f->is_on);
}

static void an_instance_that_is_not_ours_may_go(void **state)
{
	static const uint8_t removed[] = {0x24, 0, INDEX, 0, 1, 0, 1};
	static const uint8_t elsewhere[] = {0x24, 0, INDEX + 1, 0, 1, 0, INSTANCE};
	struct fixture *f = *state;

	get_on_air(f);
	say(f, removed, sizeof(removed));
	say(f, elsewhere, sizeof(elsewhere));
	assert_true(f->is_on);
	assert_int_equal(f->n_changed, 1);
}

static void replies_to_somebody_else_are_not_ours(void **state)
{
	struct fixture *f = *state;

	advert_mgmt_set(f->mgmt, INDEX, &f->fast);
	assert_command(MGMT_OP_READ_ADVERTISING_FEATURES);
	allow(f, MGMT_OP_ADD_EXT_DATA);
	refuse(f, MGMT_OP_REMOVE_ADVERTISING, MGMT_STATUS_PERMISSION_DENIED);
	assert_silent();
	assert_false(f->is_on);
	assert_int_equal(f->n_impossible, 0);
	allow(f, MGMT_OP_READ_ADVERTISING_FEATURES);
	assert_command(MGMT_OP_REMOVE_ADVERTISING);
}

static void garbage_changes_nothing(void **state)
{
	struct fixture *f = *state;
	uint8_t garbage[MGMTMSG_EVENT_MAX + 1];

	get_on_air(f);
	for (size_t len = 1; len < sizeof(garbage); len = 2 * len + 1) {
		memset(garbage, 0x01, sizeof(garbage));
		say(f, garbage, len);
	}
	assert_true(f->is_on);
	assert_int_equal(f->n_changed, 1);
	assert_silent();
}

static void failed_pairings_are_told(void **state)
{
	static const uint8_t failed[] = {0x11, 0, INDEX, 0, 8, 0, 6, 5, 4, 3, 2, 1, 1, 5};
	struct fixture *f = *state;

	say(f, failed, sizeof(failed));
	assert_int_equal(f->n_failed, 1);
	assert_memory_equal(f->failed, failed + 6, 6);
}

static void a_forgotten_adapter_starts_anew(void **state)
{
	struct fixture *f = *state;

	get_on_air(f);
	advert_mgmt_forget(f->mgmt, INDEX);
	assert_silent();
	get_on_air(f);
}

static void the_end_takes_it_off_the_air(void **state)
{
	struct fixture *f = *state;

	get_on_air(f);
	f->mgmt = advert_mgmt_free(f->mgmt);
	assert_command(MGMT_OP_REMOVE_ADVERTISING);
}

static void a_socket_that_ends_makes_it_impossible(void **state)
{
	struct fixture *f = *state;

	get_on_air(f);
	assert_int_equal(shutdown(kernel, SHUT_RDWR), 0);
	assert_true(sd_event_run(f->event, LIMIT_US) > 0);
	assert_int_equal(f->n_impossible, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_a_killed_process_has_left_is_removed_first),
		TEST(nothing_left_behind_is_no_failure),
		TEST(the_same_again_is_no_work),
		TEST(a_change_gives_parameters_and_data_anew),
		TEST(a_change_in_the_middle_waits_for_its_turn),
		TEST(stopping_removes_it),
		TEST(stopping_in_the_middle_removes_what_was_added),
		TEST(an_old_kernel_gets_the_old_command),
		TEST(a_process_that_may_not_is_told_so_once),
		TEST(an_adapter_without_instances_cannot),
		TEST(a_kernel_that_knows_neither_command_cannot),
		TEST(a_busy_kernel_is_asked_again_from_the_start),
		TEST(what_somebody_else_removes_is_off_and_comes_back),
		TEST(an_instance_that_is_not_ours_may_go),
		TEST(replies_to_somebody_else_are_not_ours),
		TEST(garbage_changes_nothing),
		TEST(failed_pairings_are_told),
		TEST(a_forgotten_adapter_starts_anew),
		TEST(the_end_takes_it_off_the_air),
		TEST(a_socket_that_ends_makes_it_impossible),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
