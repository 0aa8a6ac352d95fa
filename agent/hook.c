/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/hook.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <systemd/sd-bus.h>

#include "agent/plain.h"

#define SYSTEMD "org.freedesktop.systemd1"
#define MANAGER_PATH "/org/freedesktop/systemd1"
#define MANAGER SYSTEMD ".Manager"
#define FAILURE_MAX 384
#define READS_MAX 128 /* at once: more than a pipe holds */

struct hook {
	hook_fn fn;
	void *userdata;
	char *what; /* owned: the unit, or the program */
	sd_event_source *timer;

	/* A command. */
	pid_t pid; /* of its process group, too; 0: none runs */
	sd_event_source *child, *output;
	int errors; /* read end of its standard error */
	char text[256];
	size_t text_len;

	/* A unit. */
	sd_bus *bus;
	sd_bus_slot *removed, *call;
	char *job; /* owned: its object path */
};

struct hook *hook_free(struct hook *h)
{
	if (!h)
		return NULL;
	sd_event_source_disable_unref(h->timer);
	sd_event_source_disable_unref(h->child);
	sd_event_source_disable_unref(h->output);
	if (h->pid > 0) {
		kill(-h->pid, SIGKILL);
		(void)waitpid(h->pid, NULL, 0);
	}
	closep(&h->errors);
	sd_bus_slot_unref(h->removed);
	sd_bus_slot_unref(h->call);
	sd_bus_close_unref(h->bus);
	free(h->job);
	free(h->what);
	free(h);
	return NULL;
}

static void succeed(struct hook *h)
{
	hook_fn fn = h->fn;
	void *userdata = h->userdata;

	hook_free(h);
	fn(userdata, NULL);
}

static void fail(struct hook *h, const char *format, ...) _printf_(2, 3);
static void fail(struct hook *h, const char *format, ...)
{
	char text[FAILURE_MAX], plain[FAILURE_MAX];
	hook_fn fn = h->fn;
	void *userdata = h->userdata;
	va_list ap;
	int len;

	len = snprintf(text, sizeof(text), "%s: ", h->what);
	va_start(ap, format);
	if (len > 0 && (size_t)len < sizeof(text))
		vsnprintf(text + len, sizeof(text) - (size_t)len, format, ap);
	va_end(ap);
	hook_free(h);
	fn(userdata, plain_text(text, plain, sizeof(plain)));
}

static int on_timeout(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct hook *h = userdata;

	(void)source;
	(void)usec;
	fail(h, h->pid > 0 ? "took too long, and was killed" : "systemd did not finish it in time");
	return 0;
}

/* ---- a command ---- */

static void read_output(struct hook *h)
{
	char chunk[512];
	ssize_t n = 1;

	/* What does not fit is read all the same: a full pipe would stop the program. Somebody may
	 * write as fast as we read, so the loop has its turn in between. */
	for (int i = 0; i < READS_MAX && (n = read(h->errors, chunk, sizeof(chunk))) > 0; i++) {
		size_t fits = MIN((size_t)n, sizeof(h->text) - 1 - h->text_len);

		memcpy(h->text + h->text_len, chunk, fits);
		h->text_len += fits;
	}
	if (n == 0 || (n < 0 && errno != EAGAIN))
		(void)sd_event_source_set_enabled(h->output, SD_EVENT_OFF);
}

static int on_output(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	(void)source;
	(void)fd;
	(void)events;
	read_output(userdata);
	return 0;
}

static int on_ended(sd_event_source *source, const siginfo_t *info, void *userdata)
{
	struct hook *h = userdata;
	const char *says;

	(void)source;
	h->pid = 0; /* reaped by the loop */
	read_output(h);
	h->text[h->text_len] = '\0';
	h->text[strcspn(h->text, "\n")] = '\0';
	says = h->text[0] ? ": " : "";
	if (info->si_code != CLD_EXITED)
		fail(h, "ended by signal %d%s%s", info->si_status, says, h->text);
	else if (info->si_status != 0)
		fail(h, "exit status %d%s%s", info->si_status, says, h->text);
	else
		succeed(h);
	return 0;
}

static int prepare(posix_spawnattr_t *attributes, posix_spawn_file_actions_t *files, int errors)
{
	sigset_t none, all;
	int r;

	sigemptyset(&none);
	sigfillset(&all);
	r = posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
							 POSIX_SPAWN_SETSIGDEF);
	if (r == 0)
		r = posix_spawnattr_setsigmask(attributes, &none);
	if (r == 0)
		r = posix_spawnattr_setsigdefault(attributes, &all);
	if (r == 0)
		r = posix_spawn_file_actions_addopen(files, 0, "/dev/null", O_RDWR, 0);
	if (r == 0)
		r = posix_spawn_file_actions_adddup2(files, 0, 1);
	if (r == 0)
		r = posix_spawn_file_actions_adddup2(files, errors, 2);
	if (r == 0)
		r = posix_spawn_file_actions_addclosefrom_np(files, 3);
	return r;
}

static int spawn(struct hook *h, const struct hook_config *c, int errors)
{
	posix_spawnattr_t attributes;
	posix_spawn_file_actions_t files;
	int r;

	if (access(c->command[0], X_OK) < 0)
		return -errno;
	r = posix_spawnattr_init(&attributes);
	if (r != 0)
		return -r;
	r = posix_spawn_file_actions_init(&files);
	if (r == 0) {
		r = prepare(&attributes, &files, errors);
		if (r == 0)
			r = posix_spawn(&h->pid, c->command[0], &files, &attributes, c->command,
					(char *const *)c->names);
		posix_spawn_file_actions_destroy(&files);
	}
	posix_spawnattr_destroy(&attributes);
	if (r != 0)
		h->pid = 0;
	return -r;
}

static int start_command(struct hook *h, sd_event *event, const struct hook_config *c)
{
	_cleanup_(closep) int errors = -1;
	sigset_t child;
	int fds[2], r;

	/* sd_event_add_child() wants it blocked. */
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &child, NULL) < 0 || pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	h->errors = fds[0];
	errors = fds[1];
	if (fcntl(h->errors, F_SETFL, O_NONBLOCK) < 0)
		return -errno;
	r = spawn(h, c, errors);
	if (r == 0)
		r = sd_event_add_child(event, &h->child, h->pid, WEXITED, on_ended, h);
	if (r >= 0)
		r = sd_event_add_io(event, &h->output, h->errors, EPOLLIN, on_output, h);
	return r;
}

/* ---- a unit ---- */

static int on_removed(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct hook *h = userdata;
	const char *job, *unit, *result;
	uint32_t id;

	(void)error;
	if (sd_bus_message_read(m, "uoss", &id, &job, &unit, &result) < 0 || !h->job ||
	    strcmp(job, h->job) != 0)
		return 0;
	if (strcmp(result, "done") == 0)
		succeed(h);
	else
		fail(h, "systemd could not reload or restart it: %s", result);
	return 1;
}

static int on_queued(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct hook *h = userdata;
	const sd_bus_error *e = sd_bus_message_get_error(m);
	const char *job;

	(void)error;
	if (e)
		fail(h, "%s", e->message ? e->message : e->name);
	else if (sd_bus_message_read(m, "o", &job) < 0 || !(h->job = strdup(job)))
		fail(h, "the answer of systemd is not understood");
	return 1;
}

static int start_unit(struct hook *h, sd_event *event, const struct hook_config *c)
{
	int r;

	r = sd_bus_open_system(&h->bus);
	if (r >= 0)
		r = sd_bus_attach_event(h->bus, event, SD_EVENT_PRIORITY_NORMAL);
	if (r >= 0)
		r = sd_bus_match_signal_async(h->bus, &h->removed, SYSTEMD, MANAGER_PATH, MANAGER,
					      "JobRemoved", on_removed, NULL, h);
	/* Without a subscriber systemd may send no signals; its answer does not matter. */
	if (r >= 0)
		r = sd_bus_call_method_async(h->bus, NULL, SYSTEMD, MANAGER_PATH, MANAGER,
					     "Subscribe", NULL, NULL, NULL);
	if (r >= 0)
		r = sd_bus_call_method_async(h->bus, &h->call, SYSTEMD, MANAGER_PATH, MANAGER,
					     "ReloadOrRestartUnit", on_queued, h, "ss", c->unit,
					     "replace");
	return r;
}

/* ---- both ---- */

int hook_start(sd_event *event, const struct hook_config *c, hook_fn fn, void *userdata,
	       struct hook **ret)
{
	_cleanup_(hook_freep) struct hook *h = calloc(1, sizeof(*h));
	int r;

	if (!h)
		return -ENOMEM;
	h->errors = -1;
	h->fn = fn;
	h->userdata = userdata;
	h->what = strdup(c->unit ? c->unit : c->command[0]);
	if (!h->what)
		return -ENOMEM;
	r = sd_event_add_time_relative(event, &h->timer, CLOCK_BOOTTIME, c->timeout_ms * 1000, 0,
				       on_timeout, h);
	if (r >= 0)
		r = c->unit ? start_unit(h, event, c) : start_command(h, event, c);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(h);
	return 0;
}
