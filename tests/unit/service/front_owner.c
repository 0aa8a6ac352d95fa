/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "base/file.h"
#include "fake_core.h"
#include "pki.h"
#include "service/address.h"
#include "service/owner_front.h"

#define MAX_BODY 4096
#define WAIT_US 20000000ULL /* a failure limit */
#define ARGS_MAX 24
#define AUTHORIZED "-H", "Authorization: Bearer " FAKE_KEY
#define JSON "-H", "Content-Type: application/json"
#define ID "50363154-3931-44f0-8022-121b6401627d"

/* The front, asked by the curl command. */
struct bench {
	char *pki;
	sd_event *event;
	struct owner_front *front;
	const char *scheme;
	char *head, *body; /* of the last answer */
	unsigned int status;
};

static void open_front(struct bench *b, bool has_tls)
{
	_cleanup_(freep) char *cert = pki_path(b->pki, "chain.pem");
	_cleanup_(freep) char *key = pki_path(b->pki, "leaf.key");
	struct owner_front_config config = {
		.listen = "127.0.0.1:0",
		.cert_file = has_tls ? cert : NULL,
		.key_file = has_tls ? key : NULL,
		.max_body = MAX_BODY,
	};
	char *detail = NULL;

	b->scheme = has_tls ? "https" : "http";
	assert_int_equal(owner_front_new(b->event, NULL, &config, &b->front, &detail), 0);
	assert_int_not_equal(owner_front_port(b->front), 0);
}

static int set_up(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));
	sigset_t child;

	fake_reset();
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	assert_int_equal(sigprocmask(SIG_BLOCK, &child, NULL), 0);
	b->pki = pki_make();
	assert_true(sd_event_new(&b->event) >= 0);
	open_front(b, false);
	*state = b;
	return 0;
}

static int tear_down(void **state)
{
	struct bench *b = *state;

	owner_front_free(b->front);
	sd_event_unref(b->event);
	pki_free(b->pki);
	free(b->head);
	free(b->body);
	free(b);
	fake_reset();
	return 0;
}

static int on_child(sd_event_source *s, const siginfo_t *info, void *userdata)
{
	(void)s;
	*(int *)userdata = info->si_status;
	return 0;
}

static char *slurp(const char *dir, const char *name)
{
	_cleanup_(freep) char *path = pki_path(dir, name);
	_cleanup_(secret_done) struct secret s = SECRET_INIT;

	assert_int_equal(file_read(path, 1 << 20, &s), 0);
	return strdup((const char *)s.data);
}

/* Runs curl with the arguments given, up to NULL, beside the loop; its exit status. */
static int curl(struct bench *b, const char *path, ...)
{
	const char *argv[ARGS_MAX] = {"curl", "-s", "--path-as-is", "-D", NULL, "-o", NULL};
	_cleanup_(freep) char *url = NULL, *head = pki_path(b->pki, "head");
	_cleanup_(freep) char *body = pki_path(b->pki, "body"),
			      *root = pki_path(b->pki, "root.pem");
	sd_event_source *source = NULL;
	int status = -1, n = 7;
	va_list ap;
	pid_t pid;

	(void)remove(body);
	argv[4] = head;
	argv[6] = body;
	argv[n++] = "--cacert";
	argv[n++] = root;
	assert_true(asprintf(&url, "%s://localhost:%u%s", b->scheme, owner_front_port(b->front),
			     path) > 0);
	argv[n++] = "-4";
	argv[n++] = url;
	va_start(ap, path);
	do
		assert_true(n < ARGS_MAX);
	while ((argv[n++] = va_arg(ap, const char *)));
	va_end(ap);

	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		execvp("curl", (char **)argv);
		_exit(127);
	}
	assert_true(sd_event_add_child(b->event, &source, pid, WEXITED, on_child, &status) >= 0);
	while (status < 0)
		assert_true(sd_event_run(b->event, WAIT_US) > 0);
	sd_event_source_unref(source);

	free(b->head);
	free(b->body);
	b->head = b->body = NULL;
	b->status = 0;
	if (status == 0) {
		const char *last;

		b->head = slurp(b->pki, "head");
		b->body = access(body, F_OK) == 0 ? slurp(b->pki, "body") : strdup("");
		/* 100 Continue comes before the answer */
		last = strstr(b->head, "100 Continue") ? strstr(b->head, "\r\n\r\n") + 4 : b->head;
		assert_int_equal(sscanf(last, "HTTP/1.1 %u", &b->status), 1);
	}
	return status;
}

#define CURL(b, path, ...) assert_int_equal(curl(b, path, ##__VA_ARGS__, NULL), 0)

static void an_owner_is_served(void **state)
{
	struct bench *b = *state;

	CURL(b, "/v1/account", AUTHORIZED);
	assert_int_equal(b->status, 200);
	assert_string_equal(b->body, "{\"called\":\"account\"}");
	assert_non_null(strstr(b->head, "Content-Type: application/json\r\n"));
	assert_non_null(strstr(b->head, "Cache-Control: no-store\r\n"));
	assert_non_null(strstr(b->head, "X-Content-Type-Options: nosniff\r\n"));
	assert_null(strstr(b->head, "Strict-Transport-Security"));
	CURL(b, "/v1/claimed-devices/" ID "/provisioning/" ID ".1f?x=y", AUTHORIZED);
	assert_int_equal(b->status, 200);
	assert_string_equal(fake.device, ID);
	assert_string_equal(fake.command, ID ".1f");
	fake.status = 201;
	CURL(b, "/v1/claimed-devices", AUTHORIZED, JSON, "-d", "{\"claimToken\":\"a.b\"}");
	assert_int_equal(b->status, 201);
	assert_string_equal(fake.json, "{\"claimToken\":\"a.b\"}");
	fake.status = 204;
	CURL(b, "/v1/claimed-devices/" ID, AUTHORIZED, "-X", "DELETE");
	assert_int_equal(b->status, 204);
	assert_string_equal(b->body, "");
	assert_null(strstr(b->head, "\nContent-Type:"));
	fake.status = 409;
	CURL(b, "/v1/devices/" ID "/state", AUTHORIZED, "-X", "PATCH", "-H",
	     "Content-Type: application/merge-patch+json", "-d", "{}");
	assert_int_equal(b->status, 409);
	assert_non_null(strstr(b->head, "Content-Type: application/problem+json\r\n"));
}

static void without_a_valid_key_nobody_is(void **state)
{
	static const char *const bad[] = {
		"X: y",
		"Authorization:",
		"Authorization: Bearer",
		"Authorization: Bearer  ",
		"Authorization: Bearer " FAKE_KEY "x",
		"Authorization: Basic " FAKE_KEY,
		"Authorization: " FAKE_KEY,
	};
	struct bench *b = *state;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		CURL(b, "/v1/account", "-H", bad[i]);
		assert_int_equal(b->status, 401);
		assert_non_null(strstr(b->head, "WWW-Authenticate: Bearer"));
		assert_non_null(strstr(b->head, "application/problem+json"));
	}
	assert_int_equal(fake.n_owner, 0);
}

static void a_role_that_is_too_low_is_forbidden(void **state)
{
	static const char *const low[] = {"viewer", "", "root"};
	struct bench *b = *state;

	for (size_t i = 0; i < ARRAY_SIZE(low); i++) {
		strcpy(fake.role, low[i]);
		CURL(b, "/v1/claimed-devices", AUTHORIZED, JSON, "-d", "{}");
		assert_int_equal(b->status, 403);
		CURL(b, "/v1/account", AUTHORIZED);
		assert_int_equal(b->status, i == 0 ? 200 : 403);
	}
	assert_int_equal(fake.n_owner, 1);
}

static void what_the_table_does_not_name_is_refused(void **state)
{
	struct bench *b = *state;

	CURL(b, "/v1/nothing", AUTHORIZED);
	assert_int_equal(b->status, 404);
	CURL(b, "/v1/account%00", AUTHORIZED);
	assert_int_equal(b->status, 404);
	CURL(b, "/v1/../v1/account", AUTHORIZED);
	assert_int_equal(b->status, 404);
	CURL(b, "/v1/account", AUTHORIZED, "-X", "PUT");
	assert_int_equal(b->status, 405);
	assert_non_null(strstr(b->head, "Allow: GET\r\n"));
	CURL(b, "/v1/devices/1", AUTHORIZED);
	assert_int_equal(b->status, 400);
	assert_int_equal(fake.n_owner, 0);
}

static void bodies_are_bounded_json_objects(void **state)
{
	static const char *const bad[] = {"", "{", "[]", "1", "{\"a\":1,\"a\":2}", "{}x", "nul"};
	struct bench *b = *state;
	char text[MAX_BODY + 2];

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		CURL(b, "/v1/claimed-devices", AUTHORIZED, JSON, "-d", bad[i]);
		assert_int_equal(b->status, 400);
		assert_non_null(strstr(b->body, "JSON"));
	}
	CURL(b, "/v1/claimed-devices", AUTHORIZED, "-d", "{}");
	assert_int_equal(b->status, 415);
	CURL(b, "/v1/claimed-devices", AUTHORIZED, "-H", "Content-Type: application/jsonx", "-d",
	     "{}");
	assert_int_equal(b->status, 415);
	CURL(b, "/v1/claimed-devices", AUTHORIZED, "-H",
	     "Content-Type: application/json; charset=utf-8", "-d", "{}");
	assert_int_equal(b->status, 200);

	memset(text, ' ', sizeof(text));
	text[0] = '{';
	text[MAX_BODY - 1] = '}';
	text[MAX_BODY] = '\0';
	CURL(b, "/v1/claimed-devices", AUTHORIZED, JSON, "-d", text);
	assert_int_equal(b->status, 200);
	CURL(b, "/v1/claimed-devices", AUTHORIZED, JSON, "-H", "Transfer-Encoding: chunked", "-d",
	     text);
	assert_int_equal(b->status, 200);
	text[MAX_BODY] = ' ';
	text[MAX_BODY + 1] = '\0';
	CURL(b, "/v1/claimed-devices", AUTHORIZED, JSON, "-d", text);
	assert_int_equal(b->status, 413);
	CURL(b, "/v1/claimed-devices", AUTHORIZED, JSON, "-H", "Transfer-Encoding: chunked", "-d",
	     text);
	assert_int_equal(b->status, 413);
	assert_int_equal(fake.n_owner, 3);
}

static void headers_are_bounded(void **state)
{
	struct bench *b = *state;
	static char header[60000] = "X-Long: ";

	memset(header + 8, 'a', sizeof(header) - 9);
	CURL(b, "/v1/account", AUTHORIZED, "-H", header);
	assert_true(b->status == 431 || b->status == 413 || b->status == 400);
	assert_int_equal(fake.n_owner, 0);
	CURL(b, "/v1/account", AUTHORIZED);
	assert_int_equal(b->status, 200);
}

static void tls_is_served_with_the_whole_chain(void **state)
{
	struct bench *b = *state;

	b->front = owner_front_free(b->front);
	open_front(b, true);
	CURL(b, "/v1/account", AUTHORIZED);
	assert_int_equal(b->status, 200);
	assert_non_null(strstr(b->head, "Strict-Transport-Security"));
	assert_int_not_equal(
		curl(b, "/v1/account", AUTHORIZED, "--tlsv1.0", "--tls-max", "1.1", NULL), 0);
	b->scheme = "http";
	assert_int_not_equal(curl(b, "/v1/account", AUTHORIZED, NULL), 0);
	assert_int_equal(fake.n_owner, 1);
}

static void keys_do_not_travel_in_clear_beyond_this_machine(void **state)
{
	static const char *const far[] = {"0.0.0.0:0", "[::]:0", "192.0.2.1:0"};
	struct bench *b = *state;

	for (size_t i = 0; i < ARRAY_SIZE(far); i++) {
		struct owner_front_config config = {.listen = far[i], .max_body = MAX_BODY};
		_cleanup_(freep) char *detail = NULL;
		struct owner_front *f = NULL;

		assert_int_equal(owner_front_new(b->event, NULL, &config, &f, &detail),
				 OWNER_FRONT_E_REFUSED);
		assert_non_null(strstr(detail, far[i]));
	}
}

static void an_address_in_use_is_named(void **state)
{
	struct bench *b = *state;
	char listen[ADDRESS_TEXT];
	struct owner_front_config config = {.listen = listen, .max_body = MAX_BODY};
	_cleanup_(freep) char *detail = NULL;
	struct owner_front *f = NULL;

	snprintf(listen, sizeof(listen), "127.0.0.1:%u", owner_front_port(b->front));
	assert_int_equal(owner_front_new(b->event, NULL, &config, &f, &detail),
			 OWNER_FRONT_E_REFUSED);
	assert_non_null(strstr(detail, listen));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_owner_is_served),
		TEST(without_a_valid_key_nobody_is),
		TEST(a_role_that_is_too_low_is_forbidden),
		TEST(what_the_table_does_not_name_is_refused),
		TEST(bodies_are_bounded_json_objects),
		TEST(headers_are_bounded),
		TEST(tls_is_served_with_the_whole_chain),
		TEST(keys_do_not_travel_in_clear_beyond_this_machine),
		TEST(an_address_in_use_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
