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

#include "base/clock.h"
#include "base/file.h"
#include "fake_core.h"
#include "pki.h"
#include "service/address.h"
#include "service/device_http.h"
#include "service/owner_front.h"

#define MAX_BODY 4096
#define WAIT_US 20000000ULL /* a failure limit */
#define ARGS_MAX 24
#define AUTHORIZED "-H", "Authorization: Bearer " FAKE_KEY
#define JSON "-H", "Content-Type: application/json"
#define ID "50363154-3931-44f0-8022-121b6401627d"

/* ---- a table of our own: handlers that say what the test tells them to ---- */

static unsigned int answer_named(const struct router_call *c, const char *name, struct answer *ret)
{
	fake.n_owner++;
	snprintf(fake.called, sizeof(fake.called), "%s", name);
	snprintf(fake.device, sizeof(fake.device), "%s", c->params->device);
	snprintf(fake.command, sizeof(fake.command), "%s", c->params->command);
	fake_keep_json(c->body);
	fake.body_len = c->kind == BODY_JSON ? 0 : c->len;
	memcpy(fake.body, c->bytes, MIN(fake.body_len, sizeof(fake.body)));
	if (fake.status != 204)
		ret->json = json_pack("{s:s}", "called", name);
	return fake.status;
}

static unsigned int account(const struct router_call *c, struct answer *ret)
{
	return answer_named(c, "account", ret);
}

static unsigned int claim(const struct router_call *c, struct answer *ret)
{
	return answer_named(c, c->kind == BODY_CSV ? "claim_csv" : "claim", ret);
}

static unsigned int device(const struct router_call *c, struct answer *ret)
{
	return answer_named(c, "device", ret);
}

static unsigned int list(const struct router_call *c, struct answer *ret)
{
	ret->json = json_pack("{s:s?, s:s?}", "search", c->query[QUERY_SEARCH], "tag",
			      c->query[QUERY_TAG]);
	return 200;
}

static unsigned int page(const struct router_call *c, struct answer *ret)
{
	static const char text[] = "<p>page</p>";

	assert_string_equal(c->owner->actor, "");
	assert_string_equal(c->owner->address, "127.0.0.1");
	ret->bytes = text;
	ret->len = sizeof(text) - 1;
	ret->type = "text/html";
	assert_true(answer_header(ret, "Cache-Control", "max-age=%d", 60));
	assert_false(answer_header(ret, "X-Split", "a\r\nb"));
	return 200;
}

/* Work in slices: one in each turn of the loop. */
static unsigned int steps_left, jobs_freed;

static unsigned int on_step(void *data, struct answer *ret)
{
	assert_ptr_equal(data, &steps_left);
	if (--steps_left > 0)
		return EXCHANGE_LATER;
	ret->json = json_pack("{s:s}", "done", "slices");
	return 201;
}

static void on_job_free(void *data)
{
	(void)data;
	jobs_freed++;
}

static unsigned int slices(const struct router_call *c, struct answer *ret)
{
	(void)ret;
	steps_left = 1000;
	exchange_later(c->exchange, &(struct exchange_job){&steps_left, on_step, on_job_free});
	return EXCHANGE_LATER;
}

/* An answer that an event elsewhere brings. */
static struct exchange *waiting;
static sd_event_source *waiting_timer;

static int on_waited(sd_event_source *s, uint64_t us, void *userdata)
{
	struct answer a = {.json = json_pack("{s:s}", "done", "event")};

	(void)s;
	(void)us;
	(void)userdata;
	exchange_answer(waiting, 200, &a);
	return 0;
}

static unsigned int event(const struct router_call *c, struct answer *ret)
{
	(void)ret;
	waiting = c->exchange;
	exchange_later(c->exchange, &(struct exchange_job){&waiting, NULL, on_job_free});
	assert_true(sd_event_add_time_relative(exchange_event(c->exchange), &waiting_timer,
					       CLOCK_MONOTONIC, 20000, 1, on_waited, NULL) >= 0);
	return EXCHANGE_LATER;
}

static unsigned int never(const struct router_call *c, struct answer *ret)
{
	(void)ret;
	waiting = c->exchange;
	exchange_later(c->exchange, &(struct exchange_job){&waiting, NULL, on_job_free});
	return EXCHANGE_LATER;
}

/* What is said bit by bit. */
static unsigned int said, streams_freed;
static bool has_word;

static int on_word(sd_event_source *s, uint64_t us, void *userdata)
{
	(void)us;
	has_word = true;
	exchange_wake(userdata);
	return said < 3 ? sd_event_source_set_time_relative(s, 5000) : 0;
}

static ssize_t on_read(void *data, char *ret, size_t size)
{
	assert_ptr_equal(data, &said);
	if (said == 3)
		return -1;
	if (!has_word)
		return 0;
	has_word = false;
	assert_int_equal(sd_event_source_set_enabled(waiting_timer, SD_EVENT_ONESHOT), 0);
	return snprintf(ret, size, "word %u\n", ++said);
}

/* Whoever wakes an exchange stops when its stream is freed: the exchange is gone then. */
static void on_stream_free(void *data)
{
	(void)data;
	assert_true(sd_event_source_set_enabled(waiting_timer, SD_EVENT_OFF) >= 0);
	streams_freed++;
}

static unsigned int stream(const struct router_call *c, struct answer *ret)
{
	said = 0;
	has_word = false;
	ret->type = "text/event-stream";
	ret->stream = (struct answer_stream){on_read, on_stream_free, &said};
	assert_true(sd_event_add_time_relative(exchange_event(c->exchange), &waiting_timer,
					       CLOCK_MONOTONIC, 5000, 1, on_word,
					       c->exchange) >= 0);
	return 200;
}

static unsigned int tree(void *userdata, struct exchange *x, const char *path, struct answer *ret)
{
	(void)x;
	assert_ptr_equal(userdata, &waiting);
	if (strcmp(path, "a.css") != 0)
		return core_problem(404, &ret->json, "no such page");
	ret->bytes = "body{}";
	ret->len = 6;
	ret->type = "text/css";
	return 200;
}

static const struct router_route rows[] = {
	{"POST", "/v1/claimed-devices", ROLE_EDITOR, BODY_JSON | BODY_CSV, 3 * MAX_BODY, 0, claim},
	{"DELETE", "/v1/claimed-devices/{id}", ROLE_EDITOR, 0, 0, 0, device},
	{"GET", "/v1/claimed-devices/{id}/provisioning/{cmdId}", ROLE_VIEWER, 0, 0, 0, device},
	{"GET", "/v1/devices/{id}", ROLE_VIEWER, 0, 0, 0, device},
	{"PATCH", "/v1/devices/{id}/state", ROLE_EDITOR, BODY_JSON, 0, 0, device},
	{"GET", "/v1/account", ROLE_VIEWER, 0, 0, 0, account},
	{"GET", "/v1/list", ROLE_VIEWER, 0, 0, QUERY(QUERY_SEARCH) | QUERY(QUERY_TAG), list},
	{"POST", "/v1/optional", ROLE_EDITOR, BODY_JSON | BODY_OPTIONAL, 0, 0, account},
	{"GET", "/v1/page", ROLE_PUBLIC, 0, 0, 0, page},
	{"GET", "/v1/forgotten", ROLE_NONE, 0, 0, 0, account},
	{"POST", "/v1/slices", ROLE_EDITOR, 0, 0, 0, slices},
	{"GET", "/v1/event", ROLE_VIEWER, 0, 0, 0, event},
	{"GET", "/v1/never", ROLE_VIEWER, 0, 0, 0, never},
	{"GET", "/v1/stream", ROLE_VIEWER, 0, 0, 0, stream},
	{"POST", "/v1/provisioning/auth-jwt", ROLE_DEVICE, 0, 0, 0, device_http},
	{"GET", "/v1/provisioning/commands", ROLE_DEVICE, 0, 0, 0, device_http},
};
static const struct router router = {rows, ARRAY_SIZE(rows)};

/* Hooks of a portal. */
static unsigned int admit(struct portal *portal, struct exchange *x, struct answer *ret)
{
	const char *host = exchange_header(x, "Host");

	(void)portal;
	if (host && strncmp(host, "localhost", 9) == 0)
		return 0;
	return core_problem(403, &ret->json, "who is that?");
}

static unsigned int by_cookie(struct portal *portal, struct exchange *x,
			      struct core_owner *ret_owner, struct answer *ret)
{
	const char *cookie = exchange_cookie(x, "s");

	(void)portal;
	if (!cookie || strcmp(cookie, "good") != 0)
		return core_problem(401, &ret->json, "sign in");
	strcpy(ret_owner->role, "viewer");
	return 0;
}

/* The front, asked by the curl command. */
struct bench {
	char *pki;
	sd_event *event;
	struct owner_front *front;
	const char *scheme;
	char *head, *body; /* of the last answer */
	unsigned int status;
};

static struct admission admission; /* of the front for devices, which is not here */
static unsigned int body_time_ms;  /* 0: what it is by itself */

static void open_front(struct bench *b, bool has_tls)
{
	_cleanup_(freep) char *cert = pki_path(b->pki, "chain.pem");
	_cleanup_(freep) char *key = pki_path(b->pki, "leaf.key");
	struct owner_front_config config = {
		.listen = "127.0.0.1:0",
		.cert_file = has_tls ? cert : NULL,
		.key_file = has_tls ? key : NULL,
		.max_body = MAX_BODY,
		.body_time_ms = body_time_ms,
		.admission = &admission,
		.router = &router,
		.admit = admit,
		.identify = by_cookie,
		.trees = {{"/portal/", tree, &waiting}},
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
	jobs_freed = streams_freed = 0;
	admission.state = GATE_OPEN;
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
	waiting_timer = sd_event_source_disable_unref(waiting_timer);
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
	CURL(b, "/v1/claimed-devices/" ID "/provisioning/" ID ".1f", AUTHORIZED);
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

#define LOGIN "/v1/provisioning/auth-jwt", "-X", "POST", "-H", "Authorization: Bearer a.b.c"

static void while_no_more_are_let_in_over_udp_a_device_is_told_to_come_later(void **state)
{
	struct bench *b = *state;
	const char *header;
	unsigned int after_s;

	admission.state = GATE_CLOSED;
	CURL(b, LOGIN);
	assert_int_equal(b->status, 503);
	assert_int_equal(fake.n_authenticate, 0);
	header = strstr(b->head, "Retry-After: ");
	assert_non_null(header);
	assert_int_equal(sscanf(header, "Retry-After: %u", &after_s), 1);
	assert_in_range(after_s, 5, 10);
	/* Who has logged in goes on. */
	CURL(b, "/v1/provisioning/commands", "-H", "Authorization: Bearer a.b.c");
	assert_int_equal(fake.n_authenticate, 1);
	admission.state = GATE_OPEN;
	CURL(b, LOGIN);
	assert_int_equal(fake.n_authenticate, 2);
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

static void a_list_has_a_limit_of_its_own(void **state)
{
	struct bench *b = *state;
	char text[3 * MAX_BODY + 2];

	memset(text, 'a', sizeof(text));
	text[3 * MAX_BODY] = '\0';
	CURL(b, "/v1/claimed-devices", AUTHORIZED, "-H", "Content-Type: text/csv", "-d", text);
	assert_int_equal(b->status, 200);
	assert_string_equal(fake.called, "claim_csv");
	assert_int_equal(fake.body_len, 3 * MAX_BODY);
	assert_memory_equal(fake.body, text, fake.body_len);
	text[3 * MAX_BODY] = 'a';
	text[3 * MAX_BODY + 1] = '\0';
	CURL(b, "/v1/claimed-devices", AUTHORIZED, "-H", "Content-Type: text/csv", "-d", text);
	assert_int_equal(b->status, 413);
	CURL(b, "/v1/claimed-devices", AUTHORIZED, JSON, "-d", text);
	assert_int_equal(b->status, 413);
	/* as nRF Cloud's own tool says it */
	CURL(b, "/v1/claimed-devices", AUTHORIZED, "-H", "Content-Type:", "-H",
	     "contentType: text/csv", "-d", "a");
	assert_int_equal(b->status, 200);
	assert_string_equal(fake.called, "claim_csv");
	CURL(b, "/v1/claimed-devices", AUTHORIZED, "-H", "Content-Type: text/plain", "-d", "a");
	assert_int_equal(b->status, 415);
}

static void a_body_may_be_optional(void **state)
{
	struct bench *b = *state;

	CURL(b, "/v1/optional", AUTHORIZED, "-X", "POST");
	assert_int_equal(b->status, 200);
	assert_null(fake.json);
	CURL(b, "/v1/optional", AUTHORIZED, JSON, "-d", "{\"a\":1}");
	assert_int_equal(b->status, 200);
	assert_string_equal(fake.json, "{\"a\":1}");
	CURL(b, "/v1/optional", AUTHORIZED, "-d", "{\"a\":1}");
	assert_int_equal(b->status, 415);
	CURL(b, "/v1/optional", AUTHORIZED, JSON, "-d", "[]");
	assert_int_equal(b->status, 400);
}

static void queries_are_what_the_row_names(void **state)
{
	static const char *const bad[] = {
		"/v1/list?x=y",        "/v1/list?search=a&search=b", "/v1/list?status=waiting",
		"/v1/list?search=%",   "/v1/list?search=%0",         "/v1/list?search=%00",
		"/v1/list?search=%ff", "/v1/account?tag=a",
	};
	struct bench *b = *state;

	CURL(b, "/v1/list?search=a%20b+c%C3%BC&tag", AUTHORIZED);
	assert_int_equal(b->status, 200);
	assert_string_equal(b->body, "{\"search\":\"a b c\303\274\",\"tag\":\"\"}");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		CURL(b, bad[i], AUTHORIZED);
		if (b->status != 400)
			fail_msg("%s: %u", bad[i], b->status);
	}
}

static void pages_say_their_own_headers(void **state)
{
	struct bench *b = *state;

	CURL(b, "/v1/page");
	assert_int_equal(b->status, 200);
	assert_string_equal(b->body, "<p>page</p>");
	assert_non_null(strstr(b->head, "Content-Type: text/html\r\n"));
	assert_non_null(strstr(b->head, "Cache-Control: max-age=60\r\n"));
	assert_null(strstr(b->head, "no-store"));
	assert_non_null(strstr(b->head, "X-Content-Type-Options: nosniff\r\n"));
}

static void a_row_without_a_role_is_nobodys(void **state)
{
	struct bench *b = *state;

	strcpy(fake.role, "admin");
	CURL(b, "/v1/forgotten", AUTHORIZED);
	assert_int_equal(b->status, 403);
	assert_int_equal(fake.n_owner, 0);
}

static void work_is_done_in_slices(void **state)
{
	struct bench *b = *state;

	CURL(b, "/v1/slices", AUTHORIZED, "-X", "POST");
	assert_int_equal(b->status, 201);
	assert_string_equal(b->body, "{\"done\":\"slices\"}");
	assert_int_equal(steps_left, 0);
	CURL(b, "/v1/account", AUTHORIZED);
	assert_int_equal(b->status, 200);
	assert_int_equal(jobs_freed, 1);
}

static void an_answer_may_come_with_an_event(void **state)
{
	struct bench *b = *state;

	CURL(b, "/v1/event", AUTHORIZED);
	assert_int_equal(b->status, 200);
	assert_string_equal(b->body, "{\"done\":\"event\"}");
}

static void what_is_put_aside_is_freed_with_the_front(void **state)
{
	struct bench *b = *state;

	assert_int_equal(curl(b, "/v1/never", AUTHORIZED, "-m", "0.3", NULL), 28);
	assert_int_equal(jobs_freed, 0);
	b->front = owner_front_free(b->front);
	assert_int_equal(jobs_freed, 1);
}

static void a_stream_says_what_it_has_when_it_has_it(void **state)
{
	struct bench *b = *state;

	CURL(b, "/v1/stream", AUTHORIZED);
	assert_int_equal(b->status, 200);
	assert_string_equal(b->body, "word 1\nword 2\nword 3\n");
	assert_non_null(strstr(b->head, "Content-Type: text/event-stream\r\n"));
	b->front = owner_front_free(b->front);
	assert_int_equal(streams_freed, 1);
}

static void a_tree_has_everything_below_its_prefix(void **state)
{
	struct bench *b = *state;

	CURL(b, "/portal/a.css");
	assert_int_equal(b->status, 200);
	assert_string_equal(b->body, "body{}");
	CURL(b, "/portal/b.css");
	assert_int_equal(b->status, 404);
	CURL(b, "/portal");
	assert_int_equal(b->status, 404);
	CURL(b, "/portal/a.css", "-X", "POST", "-d", "");
	assert_int_equal(b->status, 405);
	assert_non_null(strstr(b->head, "Allow: GET\r\n"));
}

static void hooks_admit_and_identify(void **state)
{
	struct bench *b = *state;

	CURL(b, "/v1/page", "-H", "Host: evil.example");
	assert_int_equal(b->status, 403);
	CURL(b, "/v1/account", "-H", "Cookie: s=good");
	assert_int_equal(b->status, 200);
	CURL(b, "/v1/account", "-H", "Cookie: s=bad");
	assert_int_equal(b->status, 401);
	CURL(b, "/v1/claimed-devices", "-H", "Cookie: s=good", JSON, "-d", "{}");
	assert_int_equal(b->status, 403);
	/* A key that is none is not made good by a cookie. */
	CURL(b, "/v1/account", "-H", "Cookie: s=good", "-H", "Authorization: Bearer x");
	assert_int_equal(b->status, 401);
}

/* Byte by byte, a request is never idle; whether it is let in or not makes no difference. */
static void assert_dropped(struct bench *b, const char *path)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
				.sin_port = htons(owner_front_port(b->front)),
				.sin_addr = {htonl(INADDR_LOOPBACK)}};
	uint64_t limit = clock_ms() + WAIT_US / 1000;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char head[256], c;

	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	snprintf(head, sizeof(head),
		 "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
		 "Authorization: Bearer " FAKE_KEY "\r\nContent-Length: 4000\r\n\r\n",
		 path);
	assert_int_equal(send(fd, head, strlen(head), 0), strlen(head));
	while (send(fd, " ", 1, MSG_NOSIGNAL) == 1 && recv(fd, &c, 1, MSG_DONTWAIT) < 0) {
		assert_true(sd_event_run(b->event, 5000) >= 0);
		assert_true(clock_ms() < limit);
	}
	close(fd);
}

static void a_body_that_comes_too_slowly_is_dropped(void **state)
{
	struct bench *b = *state;

	b->front = owner_front_free(b->front);
	body_time_ms = 300;
	open_front(b, false);
	body_time_ms = 0;
	assert_dropped(b, "/v1/claimed-devices");
	assert_dropped(b, "/v1/nothing");
	assert_dropped(b, "/v1/slices");
	assert_int_equal(fake.n_owner, 0);
	CURL(b, "/v1/account", AUTHORIZED);
	assert_int_equal(b->status, 200);
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
		struct owner_front_config config = {.listen = far[i], .router = &router};
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
	struct owner_front_config config = {.listen = listen, .router = &router};
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
		TEST(while_no_more_are_let_in_over_udp_a_device_is_told_to_come_later),
		TEST(without_a_valid_key_nobody_is),
		TEST(a_role_that_is_too_low_is_forbidden),
		TEST(what_the_table_does_not_name_is_refused),
		TEST(bodies_are_bounded_json_objects),
		TEST(a_list_has_a_limit_of_its_own),
		TEST(a_body_may_be_optional),
		TEST(queries_are_what_the_row_names),
		TEST(pages_say_their_own_headers),
		TEST(a_row_without_a_role_is_nobodys),
		TEST(work_is_done_in_slices),
		TEST(an_answer_may_come_with_an_event),
		TEST(what_is_put_aside_is_freed_with_the_front),
		TEST(a_stream_says_what_it_has_when_it_has_it),
		TEST(a_tree_has_everything_below_its_prefix),
		TEST(hooks_admit_and_identify),
		TEST(a_body_that_comes_too_slowly_is_dropped),
		TEST(headers_are_bounded),
		TEST(tls_is_served_with_the_whole_chain),
		TEST(keys_do_not_travel_in_clear_beyond_this_machine),
		TEST(an_address_in_use_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
