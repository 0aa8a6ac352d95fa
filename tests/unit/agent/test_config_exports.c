/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/agent/config_place.h"

#include <stdio.h>

#include "agent/config_exports.h"

static void an_export_needs_no_more_than_a_directory(void **state)
{
	_cleanup_(config_freep) struct config *c = place_load_text(
		*state, "[cloud]\nsec-tag = 7\n[export \"a\"]\ndirectory = /run/x/a\n");
	const struct config_export *e = c->exports;

	assert_int_equal(c->n_exports, 1);
	assert_string_equal(e->spec.name, "a");
	assert_string_equal(e->spec.directory, "/run/x/a");
	assert_int_equal(e->spec.tag, 7);
	assert_string_equal(e->spec.files[EXPORT_ROLE_CA], "ca.pem");
	assert_string_equal(e->spec.files[EXPORT_ROLE_CERTIFICATE], "cert.pem");
	assert_string_equal(e->spec.files[EXPORT_ROLE_KEY], "key.pem");
	assert_string_equal(e->spec.uri_file, "pkcs11.env");
	assert_null(e->spec.files[EXPORT_ROLE_PSK]);
	assert_int_equal(e->spec.mode, 0640);
	assert_int_equal(e->spec.directory_mode, 0750);
	assert_true(e->spec.owner == EXPORT_OWNER_ANY);
	assert_true(e->spec.group == EXPORT_GROUP_ANY);
	assert_null(e->hook);
	assert_null(e->hook_command);
	assert_int_equal(e->hook_timeout_ms, 30000);
}

static void every_key_is_read(void **state)
{
	_cleanup_(config_freep) struct config *c = place_load_text(
		*state, "[export \"my-app_1\"]\ntag = 0\ndirectory = /a/b\nca = c\ncertificate =\n"
			"key = k\nkey-uri = u\npsk = p\npsk-identity = i\nowner = root\ngroup = 0\n"
			"mode = 600\ndirectory-mode = 0700\nhook-command = /bin/x a  b\n"
			"hook-timeout = 2s\n");
	const struct config_export *e = c->exports;

	assert_int_equal(e->spec.tag, 0);
	assert_null(e->spec.files[EXPORT_ROLE_CERTIFICATE]);
	assert_string_equal(e->spec.files[EXPORT_ROLE_PSK_IDENTITY], "i");
	assert_int_equal(e->spec.owner, 0);
	assert_int_equal(e->spec.group, 0);
	assert_int_equal(e->spec.mode, 0600);
	assert_int_equal(e->spec.directory_mode, 0700);
	assert_string_equal(e->hook_command[0], "/bin/x");
	assert_string_equal(e->hook_command[2], "b");
	assert_null(e->hook_command[3]);
	assert_int_equal(e->hook_timeout_ms, 2000);
}

static void a_drop_in_adds_to_an_export_of_the_same_name(void **state)
{
	struct place *p = *state;
	_cleanup_(config_freep) struct config *c = NULL;

	place_put_drop_in(p, "1.conf",
			  "[export \"a\"]\nhook = x@y.service\nmode = 0600\n"
			  "[export \"b\"]\ndirectory = /b\n");
	c = place_load_text(p, "[export \"a\"]\ndirectory = /a\nmode = 0640\n");
	assert_int_equal(c->n_exports, 2);
	assert_string_equal(c->exports[0].spec.directory, "/a");
	assert_string_equal(c->exports[0].hook, "x@y.service");
	assert_int_equal(c->exports[0].spec.mode, 0600);
}

static void a_key_may_be_readable_by_nobody_else_but_certificates_may(void **state)
{
	_cleanup_(config_freep) struct config *c = place_load_text(
		*state,
		"[export \"a\"]\ndirectory = /a\nkey =\nmode = 0644\ndirectory-mode = 0755\n");

	assert_int_equal(c->exports[0].spec.mode, 0644);
	place_refuses_text(*state, "[export \"a\"]\ndirectory = /a\nmode = 0644\n",
			   "onboardd.conf:3: ", "lets everybody read the key");
	place_refuses_text(*state, "[export \"a\"]\ndirectory = /a\nkey =\npsk = p\nmode = 0644\n",
			   "onboardd.conf:5: ", "lets everybody read the key");
}

static void what_cannot_be_is_refused_with_file_and_line(void **state)
{
	static const struct {
		const char *line, *what;
	} cases[] = {
		{"tag = x", "a whole number from 0"},
		{"tag = 2147483648", "a whole number from 0"},
		{"directory = a/b", "begins with /"},
		{"directory = /", "begins with /"},
		{"directory = /a/", "begins with /"},
		{"directory = /a//b", "begins with /"},
		{"directory = /a/../b", "begins with /"},
		{"directory = /./b", "begins with /"},
		{"ca = a/b", "a file's name without directory"},
		{"certificate = ..", "not beginning with a dot"},
		{"key = .onboardd", "not beginning with a dot"},
		{"key = a b", "a file's name without directory"},
		{"key-uri =", "a file's name"},
		{"key-uri = ../x", "a file's name without directory"},
		{"owner = no-such-user-here", "no such user"},
		{"group = no-such-group-here", "no such group"},
		{"mode = rw", "octal digits"},
		{"mode = 64", "octal digits"},
		{"mode = 0200", "with 0400"},
		{"mode = 0740", "without 7113"},
		{"mode = 4640", "without 7113"},
		{"mode = 0642", "without 7113"},
		{"directory-mode = 0640", "with 0700"},
		{"directory-mode = 0770", "without 7022"},
		{"directory-mode = 1777", "without 7022"},
		{"hook = mosquitto", "with its type"},
		{"hook = .service", "with its type"},
		{"hook = a/b.service", "with its type"},
		{"hook-command = true", "begins with /"},
		{"hook-timeout = 1h", "100ms to 10min"},
		{"hook-timeout = 1ms", "100ms to 10min"},
		{"shell = /bin/sh", "allowed are tag, directory, ca, certificate, key, key-uri,"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[256];

		snprintf(text, sizeof(text), "[export \"a\"]\n%s\n", cases[i].line);
		place_refuses_text(*state, text, "onboardd.conf:2: ", cases[i].what);
	}
}

static void what_does_not_go_together_is_refused(void **state)
{
	struct place *p = *state;

	place_refuses_text(p, "\n[export \"a\"]\n", "onboardd.conf:2: ", "needs a 'directory'");
	place_refuses_text(p, "[export \"a\"]\ndirectory = /a\ndirectory = /b\n",
			   "onboardd.conf:3: ", "already set in");
	place_refuses_text(p,
			   "[export \"a\"]\ndirectory = /a\nhook = a.service\nhook-command = /b\n",
			   "onboardd.conf:4: ", "exclude each other");
	place_refuses_text(p, "[export \"a\"]\ndirectory = /a\nkey = cert.pem\n",
			   "onboardd.conf:3: ", "name one file");
	place_refuses_text(p, "[export \"a\"]\ndirectory = /a\nkey-uri = ca.pem\n",
			   "onboardd.conf:3: ", "name one file");
	place_refuses_text(p, "[export \"a\"]\ndirectory = /a\nca =\ncertificate =\nkey =\n",
			   "onboardd.conf:3: ", "exports nothing");
	place_refuses_text(p, "[export \"a\"]\ndirectory = /x\n[export \"b\"]\ndirectory = /x\n",
			   "onboardd.conf:4: ", "are one");
	place_refuses_text(p,
			   "[export \"a\"]\ndirectory = /x/y/z\n[export \"b\"]\ndirectory = /x/y\n",
			   "onboardd.conf:4: ", "inside the other");
	place_put_drop_in(p, "1.conf", "[export \"b\"]\ndirectory = /x\n");
	place_refuses_text(p, "[export \"a\"]\ndirectory = /x\n", "conf.d/1.conf:2: ", "are one");
}

static void neighbours_are_no_trouble(void **state)
{
	_cleanup_(config_freep) struct config *c = place_load_text(
		*state, "[export \"a\"]\ndirectory = /x/y\n[export \"b\"]\ndirectory = /x/yz\n");

	assert_int_equal(c->n_exports, 2);
}

static void the_name_is_quoted_and_plain(void **state)
{
	static const char *const bad[] = {
		"export",         "export \"\"",   "export a",
		"export \"a",     "export a\"",    "export \"a b\"",
		"export \"a/b\"", "export\"a\"",   "export \"a\" b",
		"export \"",      "export \"..\"", "export \"123456789012345678901234567890123\""};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		char text[128];

		snprintf(text, sizeof(text), "# x\n[%s]\ndirectory = /a\n", bad[i]);
		place_refuses_text(*state, text, "onboardd.conf:2: ", "[export \"NAME\"]");
	}
	place_refuses_text(*state, "[exports]\n",
			   "onboardd.conf:1: ", "unknown section [exports]; allowed are");
	place_refuses_text(*state, "[exports]\n", "onboardd.conf:1: ", "daemon, export \"NAME\"");
}

static void there_are_at_most_sixteen(void **state)
{
	char text[2048];
	size_t len = 0;

	for (size_t i = 0; i <= CONFIG_EXPORTS_MAX; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
					"[export \"e%zu\"]\ndirectory = /d/%zu\n", i, i);
	place_refuses_text(*state, text, "onboardd.conf:33: ", "at most 16 exports");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PLACE_TEST(an_export_needs_no_more_than_a_directory),
		PLACE_TEST(every_key_is_read),
		PLACE_TEST(a_drop_in_adds_to_an_export_of_the_same_name),
		PLACE_TEST(a_key_may_be_readable_by_nobody_else_but_certificates_may),
		PLACE_TEST(what_cannot_be_is_refused_with_file_and_line),
		PLACE_TEST(what_does_not_go_together_is_refused),
		PLACE_TEST(neighbours_are_no_trouble),
		PLACE_TEST(the_name_is_quoted_and_plain),
		PLACE_TEST(there_are_at_most_sixteen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
