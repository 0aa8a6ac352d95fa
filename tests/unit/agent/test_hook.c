/* SPDX-License-Identifier: Apache-2.0 */
/* The hook that is a unit: a real bus, and behind systemd's name what this test says. What commands
 * do is in test_exports. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <systemd/sd-bus.h>

#include "agent/hook.h"
#include "base/clock.h"
#include "base/file.h"

#define LIMIT_MS 20000
#define JOB "/org/freedesktop/systemd1/job/7"

extern char **environ;

struct world {
	char dir[32], config[64];
	pid_t bus;
	sd_event *event;
	sd_bus *systemd;
	sd_bus_slot *vtable;
	const char *result; /* of the job; NULL: it never ends */
	const char *refusal;
	bool goes_away;
	char asked[128];
	struct hook *hook;
	unsigned int n_over;
	char failure[256];
};

static int reload(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct world *w = userdata;
	const char *unit, *mode;
	int r;

	assert_true(sd_bus_message_read(m, "ss", &unit, &mode) >= 0);
	snprintf(w->asked, sizeof(w->asked), "%s %s", unit, mode);
	if (w->goes_away)
		return kill(w->bus, SIGKILL);
	if (w->refusal)
		return sd_bus_error_set(error, "org.freedesktop.systemd1.NoSuchUnit", w->refusal);
	r = sd_bus_reply_method_return(m, "o", JOB);
	assert_true(r >= 0);
	/* Another unit's job ends first. */
	assert_true(sd_bus_emit_signal(w->systemd, "/org/freedesktop/systemd1",
				       "org.freedesktop.systemd1.Manager", "JobRemoved", "uoss", 6,
				       "/org/freedesktop/systemd1/job/6", unit, "canceled") >= 0);
	if (w->result)
		r = sd_bus_emit_signal(w->systemd, "/org/freedesktop/systemd1",
				       "org.freedesktop.systemd1.Manager", "JobRemoved", "uoss", 7,
				       JOB, unit, w->result);
	assert_true(r >= 0);
	return 1;
}

static int subscribe(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	(void)userdata;
	(void)error;
	return sd_bus_reply_method_return(m, NULL);
}

static const sd_bus_vtable vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_METHOD("Subscribe", NULL, NULL, subscribe, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD("ReloadOrRestartUnit", "ss", "o", reload, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_VTABLE_END,
};

static void write_config(struct world *w)
{
	char text[1024];

	snprintf(w->config, sizeof(w->config), "%s/bus.conf", w->dir);
	snprintf(text, sizeof(text),
		 "<!DOCTYPE busconfig PUBLIC \"-//freedesktop//DTD D-Bus Bus Configuration "
		 "1.0//EN\" \"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\">\n"
		 "<busconfig><listen>unix:path=%s/bus</listen><auth>EXTERNAL</auth>\n"
		 "<policy context=\"default\"><allow send_destination=\"*\" eavesdrop=\"true\"/>"
		 "<allow eavesdrop=\"true\"/><allow own=\"*\"/>"
		 "</policy></busconfig>\n",
		 w->dir);
	assert_int_equal(file_write_atomic(w->config, text, strlen(text), 0600), 0);
}

/* Returns when the bus listens. */
static void start_bus(struct world *w)
{
	posix_spawn_file_actions_t files;
	char config[128], line[256], address[64];
	char *words[] = {(char *)"dbus-daemon", (char *)"--nofork", (char *)"--print-address",
			 config, NULL};
	int fds[2];

	write_config(w);
	snprintf(config, sizeof(config), "--config-file=%s", w->config);
	assert_int_equal(pipe(fds), 0);
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_adddup2(&files, fds[1], 1);
	assert_int_equal(posix_spawnp(&w->bus, words[0], &files, NULL, words, environ), 0);
	posix_spawn_file_actions_destroy(&files);
	close(fds[1]);
	assert_true(read(fds[0], line, sizeof(line)) > 0);
	close(fds[0]);
	snprintf(address, sizeof(address), "unix:path=%s/bus", w->dir);
	setenv("DBUS_SYSTEM_BUS_ADDRESS", address, 1);
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	strcpy(w->dir, "/tmp/test_hook.XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	assert_true(sd_event_new(&w->event) >= 0);
	start_bus(w);
	assert_true(sd_bus_open_system(&w->systemd) >= 0);
	assert_true(sd_bus_add_object_vtable(w->systemd, &w->vtable, "/org/freedesktop/systemd1",
					     "org.freedesktop.systemd1.Manager", vtable, w) >= 0);
	assert_true(sd_bus_request_name(w->systemd, "org.freedesktop.systemd1", 0) >= 0);
	assert_true(sd_bus_attach_event(w->systemd, w->event, 0) >= 0);
	w->result = "done";
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;
	char socket[64];

	hook_free(w->hook);
	sd_bus_slot_unref(w->vtable);
	sd_bus_close_unref(w->systemd);
	sd_event_unref(w->event);
	kill(w->bus, SIGKILL);
	waitpid(w->bus, NULL, 0);
	snprintf(socket, sizeof(socket), "%s/bus", w->dir);
	unlink(socket);
	unlink(w->config);
	rmdir(w->dir);
	unsetenv("DBUS_SYSTEM_BUS_ADDRESS");
	free(w);
	return 0;
}

static void on_hook(void *userdata, const char *failure)
{
	struct world *w = userdata;

	w->hook = NULL;
	w->n_over++;
	snprintf(w->failure, sizeof(w->failure), "%s", failure ? failure : "");
}

static void run(struct world *w, uint64_t timeout_ms)
{
	const struct hook_config c = {.unit = "app@1.service", .timeout_ms = timeout_ms};
	uint64_t limit = clock_ms() + LIMIT_MS;

	assert_int_equal(hook_start(w->event, &c, on_hook, w, &w->hook), 0);
	while (w->n_over == 0) {
		assert_true(clock_ms() < limit);
		assert_true(sd_event_run(w->event, 1000000) >= 0);
	}
	assert_null(w->hook);
}

static void says(struct world *w, const char *what)
{
	if (!strstr(w->failure, what))
		fail_msg("\"%s\" does not say \"%s\"", w->failure, what);
}

static void a_unit_is_reloaded_or_restarted_and_its_job_awaited(void **state)
{
	struct world *w = *state;

	run(w, 10000);
	assert_string_equal(w->asked, "app@1.service replace");
	assert_string_equal(w->failure, "");
}

static void a_unit_whose_job_fails_is_told(void **state)
{
	struct world *w = *state;

	w->result = "failed";
	run(w, 10000);
	says(w, "app@1.service: systemd could not reload or restart it: failed");
}

static void a_unit_that_systemd_does_not_know_is_told(void **state)
{
	struct world *w = *state;

	w->refusal = "Unit app@1.service not found.";
	run(w, 10000);
	says(w, "app@1.service: Unit app@1.service not found.");
}

static void a_job_that_never_ends_is_given_up(void **state)
{
	struct world *w = *state;

	w->result = NULL;
	run(w, 300);
	says(w, "systemd did not finish it in time");
}

static void a_bus_without_systemd_is_told(void **state)
{
	struct world *w = *state;

	assert_true(sd_bus_release_name(w->systemd, "org.freedesktop.systemd1") >= 0);
	run(w, 10000);
	says(w, "app@1.service: ");
}

static void a_bus_that_goes_away_is_told(void **state)
{
	struct world *w = *state;

	w->goes_away = true;
	run(w, 10000);
	says(w, "app@1.service: ");
}

static void no_bus_at_all_is_an_error_at_once(void **state)
{
	struct world *w = *state;
	const struct hook_config c = {.unit = "app.service", .timeout_ms = 1000};

	setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent", 1);
	assert_int_equal(hook_start(w->event, &c, on_hook, w, &w->hook), -ENOENT);
	assert_null(w->hook);
}

static void a_hook_that_is_let_go_calls_nobody(void **state)
{
	struct world *w = *state;
	const struct hook_config c = {.unit = "app.service", .timeout_ms = 10000};

	assert_int_equal(hook_start(w->event, &c, on_hook, w, &w->hook), 0);
	while (!*w->asked)
		assert_true(sd_event_run(w->event, 1000000) >= 0);
	w->hook = hook_free(w->hook);
	for (int i = 0; i < 20; i++)
		assert_true(sd_event_run(w->event, 0) >= 0);
	assert_int_equal(w->n_over, 0);
}

#define HOOK_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOOK_TEST(a_unit_is_reloaded_or_restarted_and_its_job_awaited),
		HOOK_TEST(a_unit_whose_job_fails_is_told),
		HOOK_TEST(a_unit_that_systemd_does_not_know_is_told),
		HOOK_TEST(a_job_that_never_ends_is_given_up),
		HOOK_TEST(a_bus_without_systemd_is_told),
		HOOK_TEST(a_bus_that_goes_away_is_told),
		HOOK_TEST(no_bus_at_all_is_an_error_at_once),
		HOOK_TEST(a_hook_that_is_let_go_calls_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
