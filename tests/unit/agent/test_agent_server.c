/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/internal.h"
#include "agent_fixture.h"

/* Which server is asked, when the network may name one in site.test: decision 27. */

#define CONFIGURED "localhost"
#define FOUND "prov.site.test"
#define VALUE "server-of-owner"

static void look(struct fixture *f)
{
	configure(f, "[provisioning]\nlan-server-domain = site.test\n[cloud]\nvalidate = no\n");
}

static void announce(const char *host)
{
	service.found = (struct finder_server){.srv.port = host ? 5700 : 0};
	if (host)
		snprintf(service.found.srv.host, sizeof(service.found.srv.host), "%s", host);
}

static const char *server(struct fixture *f)
{
	return status_of(f).server;
}

/* One cycle of a new process. */
static void live(struct fixture *f)
{
	f->agent = agent_free(f->agent);
	f->n_ended = 0;
	start(f);
	run_until_ended(f, 1);
}

static void remember(struct fixture *f, const char *value)
{
	f->agent = agent_free(f->agent);
	make_agent(f);
	assert_int_equal(store_value_put(f->agent->store, VALUE, value), 0);
}

static void assert_remembered(struct fixture *f, const char *value)
{
	_cleanup_(freep) char *text = NULL;

	assert_int_equal(store_value_get(f->agent->store, VALUE, &text), 0);
	assert_string_equal(text, value);
}

static void the_network_is_not_asked_unless_a_domain_is_set(void **state)
{
	struct fixture *f = *state;

	announce(FOUND);
	live(f);
	assert_string_equal(server(f), CONFIGURED);
	assert_int_equal(service.n_looks, 0);
}

static void a_device_of_nobody_takes_the_one_that_is_found(void **state)
{
	struct fixture *f = *state;

	look(f);
	announce(FOUND);
	live(f);
	assert_string_equal(server(f), FOUND);
	assert_int_equal(status_of(f).port, 5700);
	assert_remembered(f, FOUND " 5700");
}

static void where_none_is_found_the_configured_one_is_asked(void **state)
{
	struct fixture *f = *state;

	look(f);
	live(f);
	assert_int_equal(service.n_looks, 1);
	assert_string_equal(server(f), CONFIGURED);
	assert_remembered(f, "configured");
}

static void when_the_one_found_is_not_good_the_configured_one_is_asked_at_once(void **state)
{
	struct fixture *f = *state;

	look(f);
	announce(FOUND);
	fake_set_connect(SESSION_E_CERTIFICATE);
	live(f);
	assert_int_equal(f->outcome, OUTCOME_CERTIFICATE);
	assert_string_equal(server(f), CONFIGURED);
	assert_int_equal(fake_count("provisioning: connect"), 2);
}

static void an_owner_by_configuration_keeps_the_network_out(void **state)
{
	struct fixture *f = *state;

	look(f);
	live(f);
	announce(FOUND);
	live(f);
	assert_int_equal(service.n_looks, 1);
	assert_string_equal(server(f), CONFIGURED);
}

static void an_owner_at_a_found_server_keeps_others_out(void **state)
{
	struct fixture *f = *state;

	look(f);
	announce(FOUND);
	live(f);
	announce("other.site.test");
	live(f);
	assert_string_equal(server(f), FOUND);
	announce(NULL);
	live(f);
	assert_string_equal(server(f), FOUND);
}

static void the_owners_server_may_move(void **state)
{
	struct fixture *f = *state;

	look(f);
	announce(FOUND);
	live(f);
	announce("PROV.site.test");
	service.found.srv.port = 5800;
	live(f);
	assert_int_equal(status_of(f).port, 5800);
	assert_remembered(f, "PROV.site.test 5800");
}

static void the_owners_server_is_not_given_up_for_the_configured_one(void **state)
{
	struct fixture *f = *state;

	look(f);
	announce(FOUND);
	live(f);
	fake_set_connect(SESSION_E_UNREACHABLE);
	live(f);
	assert_string_equal(server(f), FOUND);
}

static void a_device_that_is_nobodys_again_looks_again(void **state)
{
	struct fixture *f = *state;

	look(f);
	live(f);
	assert_remembered(f, "configured");
	service.auth[service.n_auth] = CODE(4, 1);
	live(f);
	assert_true(is_in(f, "unclaimed"));
	assert_remembered(f, "unclaimed");
	announce(FOUND);
	memset(service.auth, 0, sizeof(service.auth));
	live(f);
	assert_string_equal(server(f), FOUND);
}

static void a_device_that_was_provisioned_before_stays_with_the_configured_one(void **state)
{
	struct fixture *f = *state;

	OFFER("1=%KEYGEN 16842753,2,1", "2=finished");
	configure(f, "[cloud]\nvalidate = no\n");
	live(f);
	f->agent = agent_free(f->agent);
	look(f);
	announce(FOUND);
	live(f);
	assert_string_equal(server(f), CONFIGURED);
}

static void what_is_remembered_must_be_in_the_domain(void **state)
{
	static const char *const values[] = {"prov.evil.test 5700",
					     "prov.site.test",
					     "prov.site.test 0",
					     "prov.site.test 65536",
					     "prov.site.test x",
					     "a b.site.test 1",
					     " 5700",
					     ""};
	struct fixture *f = *state;

	look(f);
	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		print_message("'%s'\n", values[i]);
		remember(f, values[i]);
		live(f);
		assert_string_equal(server(f), CONFIGURED);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_network_is_not_asked_unless_a_domain_is_set),
		TEST(a_device_of_nobody_takes_the_one_that_is_found),
		TEST(where_none_is_found_the_configured_one_is_asked),
		TEST(when_the_one_found_is_not_good_the_configured_one_is_asked_at_once),
		TEST(an_owner_by_configuration_keeps_the_network_out),
		TEST(an_owner_at_a_found_server_keeps_others_out),
		TEST(the_owners_server_may_move),
		TEST(the_owners_server_is_not_given_up_for_the_configured_one),
		TEST(a_device_that_is_nobodys_again_looks_again),
		TEST(a_device_that_was_provisioned_before_stays_with_the_configured_one),
		TEST(what_is_remembered_must_be_in_the_domain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
