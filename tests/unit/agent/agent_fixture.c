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
#include <ftw.h>
#include <sys/stat.h>

#include "agent/fsm.h"
#include "agent/internal.h"
#include "agent_fixture.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "proto/command.h"
#include "proto/jwt.h"

struct far_end service;

static void note_jti(const struct fake_request *q, char *ret, size_t size)
{
	struct jwt jwt;

	assert_int_equal(jwt_parse((const char *)q->payload, q->payload_len, &jwt), 0);
	assert_string_not_equal(jwt.jti, ret); /* never twice */
	snprintf(ret, size, "%s", jwt.jti);
}

static void far_end(const struct fake_request *q, struct fake_reply *ret)
{
	if (strcmp(q->session, "cloud") == 0) {
		ret->code = CODE(2, 5);
		if (strcmp(q->path, "auth/jwt") != 0)
			return;
		note_jti(q, service.jti[1], sizeof(service.jti[1]));
		ret->code = CODE(2, 1);
		ret->has_max_age = service.cloud_max_age_s > 0;
		ret->max_age_s = service.cloud_max_age_s;
		if (service.n_cloud++ < service.cloud_refusals) {
			ret->code = service.cloud_code ? service.cloud_code : CODE(4, 1);
			ret->r = service.cloud_r;
		}
		return;
	}
	ret->has_max_age = service.max_age_s != 0;
	ret->max_age_s = service.max_age_s;
	if (strcmp(q->path, "p/auth-jwt") == 0) {
		unsigned int n = service.n_auth++;

		note_jti(q, service.jti[0], sizeof(service.jti[0]));
		while (n > 0 && (n >= sizeof(service.auth) || !service.auth[n]))
			n--;
		ret->code = service.auth[n] ? service.auth[n] : CODE(2, 1);
		if (ret->code == CODE(2, 1)) {
			assert_true(jwt_trace(service.jti[0], service.trace));
			ret->has_max_age = true;
			ret->max_age_s = 2592000;
		}
	} else if (strcmp(q->path, "p/cmd") == 0) {
		unsigned int n = service.n_fetch++;

		ret->hold = service.hold_fetch;
		ret->code = n < 8 && service.fetch_code[n] ? service.fetch_code[n] : CODE(2, 5);
		if (ret->code == CODE(2, 5) && service.at_body < service.n_bodies) {
			ret->payload_len = service.body_len[service.at_body];
			memcpy(ret->payload, service.bodies[service.at_body++], ret->payload_len);
		}
	} else {
		unsigned int n = service.n_report++;

		ret->r = n < 8 ? service.report_r[n] : 0;
		ret->code = n < 8 && service.report_code[n] ? service.report_code[n] : CODE(2, 4);
	}
}

/* spec: "id=verb parameters" lines; "id=finished". */
void offer(const char *const *spec)
{
	struct command commands[8] = {0};
	size_t n = 0, slot = service.n_bodies++;

	for (; spec[n]; n++) {
		const char *equals = strchr(spec[n], '='), *blank = strchr(spec[n], ' ');

		memcpy(commands[n].correlation, spec[n], (size_t)(equals - spec[n]));
		if (!blank) {
			commands[n].type = COMMAND_FINISHED;
			continue;
		}
		if (equals[1] != '%') {
			commands[n].type = COMMAND_CONFIG;
			commands[n].pairs[0] = (struct config_pair){
				strndup(equals + 1, (size_t)(blank - equals - 1)),
				strdup(blank + 1)};
			commands[n].n_pairs = 1;
			continue;
		}
		commands[n].type = COMMAND_AT;
		commands[n].verb = strndup(equals + 1, (size_t)(blank - equals - 1));
		commands[n].parameters = strdup(blank + 1);
	}
	assert_int_equal(command_list_encode(commands, n, service.bodies[slot],
					     sizeof(service.bodies[0]), &service.body_len[slot]),
			 0);
	for (size_t i = 0; i < n; i++)
		command_done(&commands[i]);
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

/* Whatever the way to it: each state of a cycle is told under an id, and what goes over a session
 * under the one that the service knows the session by. */
static void check_trace(const struct fixture *f, const char *from, const char *to)
{
	const char *trace = identity_trace(f->agent->identity);

	if (strcmp(from, "booting") != 0 || strcmp(to, "stopped") != 0)
		assert_int_equal(strlen(trace), JWT_TRACE_TEXT - 1);
	if (strcmp(to, "fetching") == 0 || strcmp(to, "reporting") == 0)
		assert_string_equal(trace, service.trace);
}

static void on_changed(void *userdata, const char *from, const char *to, const char *why)
{
	struct fixture *f = userdata;
	size_t len = strlen(f->states);

	check_trace(f, from, to);
	assert_true(strlen(why) > 0);
	f->n_callbacks++;
	snprintf(f->states + len, sizeof(f->states) - len, "%s ", to);
}

static void on_step(void *userdata, const char *name, const char *text)
{
	struct fixture *f = userdata;
	size_t len = strlen(f->steps);

	f->n_callbacks++;
	snprintf(f->steps + len, sizeof(f->steps) - len, "%s: %s\n", name, text);
}

static void on_rolled_back(void *userdata, uint32_t tag, const char *why)
{
	struct fixture *f = userdata;

	f->n_callbacks++;
	f->n_rolled_back++;
	f->rolled_back_tag = tag;
	snprintf(f->rolled_back_why, sizeof(f->rolled_back_why), "%s", why);
}

static void on_ended(void *userdata, enum outcome outcome)
{
	struct fixture *f = userdata;

	f->n_callbacks++;
	f->n_ended++;
	f->outcome = outcome;
}

void write_file(struct fixture *f, const char *name, const char *text)
{
	char path[96];

	snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	assert_int_equal(file_write_atomic(path, text, strlen(text), 0600), 0);
}

/* What `more` sets wins: it is a drop-in. */
void configure(struct fixture *f, const char *more)
{
	char path[96], text[1024];
	char *detail = NULL;

	snprintf(text, sizeof(text),
		 "[provisioning]\nserver = localhost\naddress = 127.0.0.1\nroot-ca = %s/ca.pem\n"
		 "retry-first = 10ms\nretry-max = 100ms\nunclaimed-poll = 10ms\n"
		 "[cloud]\nretry-first = 10ms\nretry-max = 20ms\nattempts = 3\n"
		 "[network]\nwait-for-default-route = no\n[daemon]\nstate-directory = %s/state\n",
		 f->dir, f->dir);
	write_file(f, "onboardd.conf", text);
	write_file(f, "conf.d/more.conf", more);
	f->config = config_free(f->config);
	snprintf(path, sizeof(path), "%s/onboardd.conf", f->dir);
	if (config_load(path, &f->config, &detail) != 0)
		fail_msg("%s", detail);
}

void leave_session(uint64_t authenticated_until_ms, const char *trace)
{
	fake_set_adoptable(authenticated_until_ms, trace);
	snprintf(service.trace, sizeof(service.trace), "%s", trace);
}

void make_agent(struct fixture *f)
{
	const struct agent_observer o = {.changed = on_changed,
					 .step = on_step,
					 .rolled_back = on_rolled_back,
					 .cycle_ended = on_ended,
					 .userdata = f};
	char *detail = NULL;

	if (agent_new(f->event, f->config, &f->agent, &detail) != 0)
		fail_msg("%s", detail);
	assert_int_equal(agent_add_observer(f->agent, &o), 0);
}

bool __wrap_timewatch_is_synchronised(void);

bool __wrap_timewatch_is_synchronised(void)
{
	return service.clock_synchronised;
}

/* The network: what it names, from the loop as the real one tells it. */
struct fake_finder {
	sd_event_source *soon;
	finder_fn fn;
	void *userdata;
};

static int on_soon(sd_event_source *source, void *userdata)
{
	const struct fake_finder *f = userdata;

	(void)source;
	f->fn(service.found.srv.port > 0 ? &service.found : NULL, f->userdata);
	return 0;
}

int __wrap_finder_new(sd_event *event, const char *domain, finder_fn fn, void *userdata,
		      struct finder **ret);
struct finder *__wrap_finder_free(struct finder *f);

int __wrap_finder_new(sd_event *event, const char *domain, finder_fn fn, void *userdata,
		      struct finder **ret)
{
	struct fake_finder *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	assert_string_equal(domain, "site.test");
	service.n_looks++;
	f->fn = fn;
	f->userdata = userdata;
	assert_true(sd_event_add_defer(event, &f->soon, on_soon, f) >= 0);
	*ret = (struct finder *)f;
	return 0;
}

struct finder *__wrap_finder_free(struct finder *finder)
{
	struct fake_finder *f = (struct fake_finder *)finder;

	if (f)
		sd_event_source_disable_unref(f->soon);
	free(f);
	return NULL;
}

int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	char path[96];

	assert_non_null(f);
	log_set_level(LOG_LEVEL_ERROR);
	memset(&service, 0, sizeof(service));
	service.clock_synchronised = true;
	fake_reset(far_end);
	snprintf(f->dir, sizeof(f->dir), "/tmp/agent-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(path, sizeof(path), "%s/conf.d", f->dir);
	assert_int_equal(mkdir(path, 0700), 0);
	write_file(f, "ca.pem", "a root\n");
	assert_true(sd_event_new(&f->event) >= 0);
	configure(f, "");
	*state = f;
	return 0;
}

int teardown(void **state)
{
	struct fixture *f = *state;

	agent_free(f->agent);
	assert_true(worker_settle(LIMIT_MS));
	config_free(f->config);
	sd_event_unref(f->event);
	nftw(f->dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
	free(f);
	return 0;
}

struct agent_status status_of(struct fixture *f)
{
	struct agent_status s;

	agent_get_status(f->agent, &s);
	return s;
}

bool is_in(struct fixture *f, const char *state)
{
	return strcmp(status_of(f).state, state) == 0;
}

void run_until_ended(struct fixture *f, unsigned int n)
{
	uint64_t limit = clock_ms() + LIMIT_MS;

	while (f->n_ended < n) {
		assert_true(clock_ms() < limit);
		assert_true(sd_event_run(f->event, 1000000) >= 0);
	}
}

void run_until_state(struct fixture *f, const char *state)
{
	uint64_t limit = clock_ms() + LIMIT_MS;

	while (!is_in(f, state)) {
		assert_true(clock_ms() < limit);
		assert_true(sd_event_run(f->event, 1000000) >= 0);
	}
}

void start(struct fixture *f)
{
	make_agent(f);
	assert_int_equal(agent_start(f->agent), 0);
}
