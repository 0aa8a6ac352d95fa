/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "cloud/claim.h"
#include "proto/limits.h"

#define TOKEN "2dn3hQFQSWHIc0CMRc6xunwN.0oRDoQEmoQRBIfZYQOOK3tk8"
#define DEVICE "50363154-3931-44f0-8022-121b6401627d"
#define KEY "0123456789abcdef-KEY"

extern char **environ;

/* The fake service: its requests come out of `out`, and it ends when `in` is closed. */
struct service {
	pid_t pid;
	FILE *out;
	int in;
	char url[64];
};

static char dir[] = "/tmp/test_claim.XXXXXX";
static char cert[64], key[64], other[64], other_key[64];

static void service_start(struct service *s, const char *mode, bool tls)
{
	char path[512], line[32];
	char *argv[] = {(char *)"/usr/bin/python3", path, (char *)mode,
			tls ? cert : NULL,          key,  NULL};
	posix_spawn_file_actions_t actions;
	int in[2], out[2];

	snprintf(path, sizeof(path), "%s/tests/unit/cloud/fake_rest.py",
		 getenv("ONBOARD_SOURCE_DIR") ? getenv("ONBOARD_SOURCE_DIR") : ".");
	assert_int_equal(pipe(in), 0);
	assert_int_equal(pipe(out), 0);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, in[0], 0);
	posix_spawn_file_actions_adddup2(&actions, out[1], 1);
	posix_spawn_file_actions_addclose(&actions, in[1]);
	posix_spawn_file_actions_addclose(&actions, out[0]);
	assert_int_equal(posix_spawn(&s->pid, argv[0], &actions, NULL, argv, environ), 0);
	posix_spawn_file_actions_destroy(&actions);
	close(in[0]);
	close(out[1]);
	s->in = in[1];
	s->out = fdopen(out[0], "r");
	assert_non_null(s->out);
	assert_non_null(fgets(line, sizeof(line), s->out));
	snprintf(s->url, sizeof(s->url), "%s://localhost:%d/v1", tls ? "https" : "http",
		 atoi(line));
}

/* The request that it got, NULL when none. */
static json_t *service_request(struct service *s)
{
	char line[8192];

	return fgets(line, sizeof(line), s->out) ? json_loads(line, 0, NULL) : NULL;
}

static void service_stop(struct service *s)
{
	int status;

	close(s->in);
	fclose(s->out);
	assert_int_equal(waitpid(s->pid, &status, 0), s->pid);
}

static void assert_holds(const char *text, const char *part)
{
	if (!text || !strstr(text, part))
		print_error("'%s' does not hold '%s'\n", text ? text : "(null)", part);
	assert_non_null(text);
	assert_non_null(strstr(text, part));
	for (const char *c = text; *c; c++)
		assert_false((unsigned char)*c < 0x20 || *c == 0x7f);
	assert_null(strstr(text, KEY));
}

static int claim(const char *server, const char *ca, const char *api_key, const char *token,
		 const char *const *tags, unsigned int timeout_ms, char **ret_text)
{
	_cleanup_(secret_done) struct secret secret = SECRET_INIT;
	const struct claim_request request = {.server = server,
					      .api_key = &secret,
					      .ca_file = ca,
					      .token = token,
					      .tags = tags,
					      .timeout_ms = timeout_ms};

	assert_int_equal(secret_set(&secret, api_key, strlen(api_key)), 0);
	return claim_device(&request, ret_text);
}

/* One claim at a service of this mode. */
static void assert_claim(const char *mode, int expected, const char *part, unsigned int timeout_ms)
{
	_cleanup_(freep) char *text = NULL;
	struct service s;
	int r;

	service_start(&s, mode, false);
	r = claim(s.url, NULL, KEY, TOKEN, NULL, timeout_ms, &text);
	service_stop(&s);
	if (r != expected)
		print_error("%s: %d %s\n", mode, r, text ? text : "(null)");
	assert_int_equal(r, expected);
	assert_holds(text, part);
}

static void a_claim_is_posted_with_key_token_and_tags(void **state)
{
	static const char *const tags[] = {"nrf-cloud-onboarding", "a\"b\\", NULL};
	_cleanup_(freep) char *text = NULL;
	struct service s;
	json_t *request, *expected;

	(void)state;
	service_start(&s, "201:device", false);
	assert_int_equal(claim(s.url, NULL, KEY, TOKEN, tags, 0, &text), 0);
	assert_string_equal(text, DEVICE);
	request = service_request(&s);
	expected = json_pack("{s:s, s:s, s:s, s:s, s:{s:s, s:[s, s]}}", "method", "POST", "path",
			     "/v1/claimed-devices", "authorization", "Bearer " KEY, "content-type",
			     "application/json", "body", "claimToken", TOKEN, "tags", tags[0],
			     tags[1]);
	assert_true(json_equal(request, expected));
	json_decref(request);
	json_decref(expected);
	service_stop(&s);
}

static void a_slash_at_the_end_of_the_server_does_no_harm(void **state)
{
	_cleanup_(freep) char *text = NULL;
	char url[80];
	struct service s;
	json_t *request;

	(void)state;
	service_start(&s, "200:device", false);
	snprintf(url, sizeof(url), "%s//", s.url);
	assert_int_equal(claim(url, NULL, KEY, TOKEN, NULL, 0, &text), 0);
	request = service_request(&s);
	assert_string_equal(json_string_value(json_object_get(request, "path")),
			    "/v1/claimed-devices");
	json_decref(request);
	service_stop(&s);
}

static void refusals_say_the_problem_and_what_to_do(void **state)
{
	(void)state;
	assert_claim("409:problem", CLAIM_E_REFUSED,
		     "409 Conflict, claimed by another  [31mteam: ", 0);
	assert_claim("409:", CLAIM_E_REFUSED, "claimed already", 0);
	assert_claim("401:{\"message\":\"no such key\"}", CLAIM_E_REFUSED,
		     "answered 401, no such key: the API key is not accepted", 0);
	assert_claim("403:<html>", CLAIM_E_REFUSED, "role editor", 0);
	assert_claim("404:", CLAIM_E_REFUSED, "/v1", 0);
	assert_claim("400:", CLAIM_E_REFUSED, "fresh one", 0);
	assert_claim("429:", CLAIM_E_REFUSED, "wait", 0);
	assert_claim("500:", CLAIM_E_REFUSED, "try again later", 0);
	assert_claim("204:", CLAIM_E_REFUSED, "answered 204", 0);
	assert_claim("418:", CLAIM_E_REFUSED, "answered 418", 0);
	assert_claim("409:deep", CLAIM_E_REFUSED, "claimed already", 0);
}

static void redirects_are_told_and_not_followed(void **state)
{
	(void)state;
	assert_claim("302:redirect", CLAIM_E_REFUSED, "redirects are not followed", 0);
	assert_claim("307:redirect", CLAIM_E_REFUSED, "redirects are not followed", 0);
}

static void an_answer_without_the_device_is_no_success(void **state)
{
	static const char *const modes[] = {
		"201:",       "201:{\"id\":\"", "201:garbage",       "200:array",
		"201:number", "201:control",    "201:{\"id\":\"\"}", "200:deep"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++)
		assert_claim(modes[i], CLAIM_E_REFUSED, "not with the device", 0);
}

static void answers_are_bounded(void **state)
{
	(void)state;
	assert_claim("201:full", 0, DEVICE, 0);
	assert_claim("201:huge", CLAIM_E_TRANSPORT, "larger than 65536", 0);
	assert_claim("409:huge", CLAIM_E_TRANSPORT, "larger than 65536", 0);
}

static void a_silent_or_broken_server_is_given_up(void **state)
{
	(void)state;
	assert_claim("hang", CLAIM_E_TIMEOUT, "try again", 500);
	assert_claim("slow", CLAIM_E_TIMEOUT, "try again", 500);
	assert_claim("close", CLAIM_E_TRANSPORT, "http://localhost", 0);
	assert_claim("cut", CLAIM_E_TRANSPORT, "http://localhost", 0);
	assert_claim("nothttp", CLAIM_E_TRANSPORT, "http://localhost", 0);
}

static void nobody_listening_is_told(void **state)
{
	_cleanup_(freep) char *text = NULL;

	(void)state;
	/* Port 1 of the loopback network: tcpmux, which nobody runs. */
	assert_int_equal(claim("http://127.0.0.1:1/v1", NULL, KEY, TOKEN, NULL, 0, &text),
			 CLAIM_E_TRANSPORT);
	assert_holds(text, "check --server");
}

static void the_server_is_verified_by_chain_and_name(void **state)
{
	_cleanup_(freep) char *ok = NULL, *none = NULL, *wrong = NULL, *name = NULL, *file = NULL;
	struct service s;
	char url[64];

	(void)state;
	service_start(&s, "201:device", true);
	assert_int_equal(claim(s.url, cert, KEY, TOKEN, NULL, 0, &ok), 0);
	assert_string_equal(ok, DEVICE);
	assert_int_equal(claim(s.url, NULL, KEY, TOKEN, NULL, 0, &none), CLAIM_E_TRANSPORT);
	assert_holds(none, "--ca");
	assert_int_equal(claim(s.url, other, KEY, TOKEN, NULL, 0, &wrong), CLAIM_E_TRANSPORT);
	assert_holds(wrong, "--ca");
	/* The certificate is for "localhost" only. */
	snprintf(url, sizeof(url), "https://127.0.0.1:%s", strrchr(s.url, ':') + 1);
	assert_int_equal(claim(url, cert, KEY, TOKEN, NULL, 0, &name), CLAIM_E_TRANSPORT);
	assert_int_equal(claim(s.url, "/nonexistent", KEY, TOKEN, NULL, 0, &file),
			 CLAIM_E_TRANSPORT);
	assert_holds(file, "readable");
	service_stop(&s);
}

static void the_key_leaves_for_https_or_this_machine_only(void **state)
{
	static const char *const bad[] = {
		"http://example.invalid/v1",
		"http://127.0.0.1.example.invalid/v1",
		"http://128.0.0.1/v1",
		"http://[::2]/v1",
		"ftp://localhost/v1",
		"file:///etc/passwd",
		"localhost:1/v1",
		"example.invalid/v1",
		"https://",
		"",
		"https://u:p@localhost/v1",
		"https://localhost/v1?x=1",
		"https://localhost/v1#x",
		"http://localhost.example.invalid/v1",
		"https://a b/v1",
		"https://localhost:70000/v1",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		_cleanup_(freep) char *text = NULL;
		int r = claim(bad[i], NULL, KEY, TOKEN, NULL, 0, &text);

		if (r != CLAIM_E_INVALID)
			print_error("%s: %d %s\n", bad[i], r, text ? text : "");
		assert_int_equal(r, CLAIM_E_INVALID);
		assert_holds(text, "");
	}
}

static void keys_and_tokens_of_another_form_are_not_sent(void **state)
{
	static const char *const keys[] = {"",       "two words", "line\nX-Header: y",
					   "line\r", "\x7f",      "caf\xc3\xa9"};
	static const char *const tokens[] = {"",      ".",     "a",    "a.",      ".b",     "a.b.c",
					     "a.b\n", "a b.c", "a.b=", "\"a.b\"", "a.b\xff"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		_cleanup_(freep) char *text = NULL;

		assert_int_equal(
			claim("http://127.0.0.1:1/v1", NULL, keys[i], TOKEN, NULL, 0, &text),
			CLAIM_E_INVALID);
		assert_holds(text, "API key must be");
	}
	for (size_t i = 0; i < ARRAY_SIZE(tokens); i++) {
		_cleanup_(freep) char *text = NULL;

		assert_int_equal(
			claim("http://127.0.0.1:1/v1", NULL, KEY, tokens[i], NULL, 0, &text),
			CLAIM_E_INVALID);
		assert_holds(text, "not a claim token");
	}
}

/* Whether a request with a key, a token and tags of these sizes would be sent. */
static int claim_sized(size_t key_len, size_t token_len, size_t n_tags, size_t tag_len)
{
	_cleanup_(freep) char *text = NULL;
	char api_key[1100], token[CLAIM_TEXT_MAX + 100], tag[300];
	const char *tags[80] = {NULL};
	int r;

	memset(api_key, 'k', sizeof(api_key));
	api_key[key_len] = '\0';
	memset(token, 't', sizeof(token));
	token[1] = '.';
	token[token_len] = '\0';
	memset(tag, 'g', sizeof(tag));
	tag[tag_len] = '\0';
	for (size_t i = 0; i < n_tags; i++)
		tags[i] = tag;
	r = claim("http://127.0.0.1:1/v1", NULL, api_key, token, tags, 0, &text);
	assert_non_null(text);
	return r;
}

static void sizes_of_what_is_sent_are_limited(void **state)
{
	(void)state;
	assert_int_equal(claim_sized(1024, CLAIM_TEXT_MAX, 64, 256), CLAIM_E_TRANSPORT);
	assert_int_equal(claim_sized(1025, CLAIM_TEXT_MAX, 64, 256), CLAIM_E_INVALID);
	assert_int_equal(claim_sized(1024, CLAIM_TEXT_MAX + 1, 64, 256), CLAIM_E_INVALID);
	assert_int_equal(claim_sized(1024, CLAIM_TEXT_MAX, 65, 256), CLAIM_E_INVALID);
	assert_int_equal(claim_sized(1024, CLAIM_TEXT_MAX, 64, 257), CLAIM_E_INVALID);
	assert_int_equal(claim_sized(1024, CLAIM_TEXT_MAX, 1, 0), CLAIM_E_INVALID);
}

static void make_certificate(const char *name, char *ret_cert, char *ret_key)
{
	char command[512];

	snprintf(ret_cert, 64, "%s/%s.pem", dir, name);
	snprintf(ret_key, 64, "%s/%s.key", dir, name);
	snprintf(command, sizeof(command),
		 "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 "
		 "-subj /CN=%s -addext subjectAltName=DNS:localhost -keyout %s -out %s 2>/dev/null",
		 name, ret_key, ret_cert);
	assert_int_equal(system(command), 0);
}

static int setup(void **state)
{
	(void)state;
	signal(SIGPIPE, SIG_IGN);
	unsetenv("https_proxy");
	unsetenv("HTTPS_PROXY");
	unsetenv("all_proxy");
	unsetenv("ALL_PROXY");
	assert_non_null(mkdtemp(dir));
	make_certificate("one", cert, key);
	make_certificate("other", other, other_key);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	remove(cert);
	remove(key);
	remove(other);
	remove(other_key);
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_claim_is_posted_with_key_token_and_tags),
		cmocka_unit_test(a_slash_at_the_end_of_the_server_does_no_harm),
		cmocka_unit_test(refusals_say_the_problem_and_what_to_do),
		cmocka_unit_test(redirects_are_told_and_not_followed),
		cmocka_unit_test(an_answer_without_the_device_is_no_success),
		cmocka_unit_test(answers_are_bounded),
		cmocka_unit_test(a_silent_or_broken_server_is_given_up),
		cmocka_unit_test(nobody_listening_is_told),
		cmocka_unit_test(the_server_is_verified_by_chain_and_name),
		cmocka_unit_test(the_key_leaves_for_https_or_this_machine_only),
		cmocka_unit_test(keys_and_tokens_of_another_form_are_not_sent),
		cmocka_unit_test(sizes_of_what_is_sent_are_limited),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
