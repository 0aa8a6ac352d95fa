/* SPDX-License-Identifier: Apache-2.0 */
/* Where an export goes: owners, groups, disks and readers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <grp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "export_world.h"

/* ---- groups and owners */

static void files_get_the_owner_and_group_and_the_directory_the_group(void **state)
{
	struct world *w = *state;
	struct stat st;

	if (geteuid() != 0)
		skip();
	w->spec.owner = 12345;
	w->spec.group = 23456;
	exports(w);
	assert_int_equal(stat(in(w->directory, "key.pem"), &st), 0);
	assert_int_equal(st.st_uid, 12345);
	assert_int_equal(st.st_gid, 23456);
	assert_int_equal(stat(w->directory, &st), 0);
	assert_int_equal(st.st_uid, 0);
	assert_int_equal(st.st_gid, 23456);
	exports(w);
	assert_false(w->changed);
	rotate(w);
	exports(w);
	assert_true(w->changed);
	assert_false(is_there(w->temporary));
}

/* In a child, as a user without privileges. The exit code is 0 when `run` did not fail. */
static int as_nobody(struct world *w, void (*run)(struct world *w))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (setgid(65534) < 0 || setuid(65534) < 0)
			_exit(99);
		run(w);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition))                                                                  \
			_exit(__LINE__ % 90 + 1);                                                  \
	} while (0)

/* Its contents are wiped in a child. */
static struct export_set loaded;

static void may_not_chown(struct world *w)
{
	_cleanup_(freep) char *detail = NULL;
	bool changed;

	CHECK(export_apply(&w->spec, &loaded, &changed, &detail) == -EPERM);
	CHECK(strstr(detail, "CAP_CHOWN"));
	CHECK(!changed && !is_there(w->directory) && !is_there(w->temporary));
}

static void may_not_write(struct world *w)
{
	_cleanup_(freep) char *detail = NULL;
	bool changed;

	CHECK(export_apply(&w->spec, &loaded, &changed, &detail) == -EACCES);
	CHECK(strstr(detail, "Permission denied"));
	CHECK(!changed && !is_there(w->directory));
}

static void a_group_that_is_not_ours_needs_a_capability(void **state)
{
	struct world *w = *state;

	if (geteuid() != 0)
		skip();
	assert_int_equal(load(w, &loaded), 0);
	assert_int_equal(chmod(w->scratch->dir, 0777), 0);
	w->spec.group = 23456;
	assert_int_equal(as_nobody(w, may_not_chown), 0);
	export_set_done(&loaded);
}

static gid_t group_of(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 ? st.st_gid : (gid_t)-1;
}

static void gives_the_group(struct world *w)
{
	_cleanup_(freep) char *detail = NULL;
	bool changed;

	CHECK(export_apply(&w->spec, &loaded, &changed, &detail) == 0 && changed);
	CHECK(group_of(w->directory) == 23456);
	CHECK(group_of(in(w->directory, "key.pem")) == 23456);
	CHECK(mode_of(in(w->directory, "key.pem")) == 0640);
	CHECK(export_apply(&w->spec, &loaded, &changed, &detail) == 0 && !changed);
}

static void a_group_of_ours_needs_no_capability(void **state)
{
	struct world *w = *state;
	gid_t group = 23456;

	if (geteuid() != 0)
		skip();
	assert_int_equal(load(w, &loaded), 0);
	assert_int_equal(chmod(w->scratch->dir, 0777), 0);
	w->spec.group = group;
	assert_int_equal(setgroups(1, &group), 0);
	assert_int_equal(as_nobody(w, gives_the_group), 0);
	assert_int_equal(setgroups(0, NULL), 0);
	export_set_done(&loaded);
}

static void a_parent_with_the_set_group_id_bit_gives_its_group(void **state)
{
	struct world *w = *state;

	if (geteuid() != 0)
		skip();
	assert_int_equal(load(w, &loaded), 0);
	assert_int_equal(chown(w->scratch->dir, 65534, 23456), 0);
	assert_int_equal(chmod(w->scratch->dir, 02755), 0);
	assert_int_equal(as_nobody(w, gives_the_group), 0);
	export_set_done(&loaded);
}

static void a_parent_that_we_may_not_write_in_is_told(void **state)
{
	struct world *w = *state;

	if (geteuid() != 0)
		skip();
	assert_int_equal(load(w, &loaded), 0);
	assert_int_equal(chmod(w->scratch->dir, 0755), 0);
	assert_int_equal(as_nobody(w, may_not_write), 0);
	export_set_done(&loaded);
}

static void a_parent_that_is_not_there_is_told(void **state)
{
	struct world *w = *state;

	snprintf(w->directory, sizeof(w->directory), "%s/no/app", w->scratch->dir);
	refuses(w, -ENOENT, "must be there");
}

/* ---- disks */

static void a_disk_that_fills_up_leaves_the_old_set(void **state)
{
	struct world *w = *state;
	struct rlimit old, tight = {.rlim_cur = 300};
	int r;

	exports(w);
	/* A file may not grow beyond this: the marker fits, a certificate does not. */
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	tight.rlim_max = old.rlim_max;
	signal(SIGXFSZ, SIG_IGN);
	{
		struct pair before = w->pair;
		_cleanup_(export_set_done) struct export_set set = {0};

		w->pair = (struct pair){0};
		rotate(w);
		assert_int_equal(load(w, &set), 0);
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
		r = export_apply(&w->spec, &set, &w->changed, &w->detail);
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
		assert_int_equal(r, -EFBIG);
		assert_false(w->changed);
		free(w->pair.key);
		free(w->pair.certificate);
		w->pair = before;
	}
	holds_the_pair(w);
}

static void on_a_small_disk(struct world *w)
{
	_cleanup_(freep) char *detail = NULL;
	bool changed;

	CHECK(export_apply(&w->spec, &loaded, &changed, &detail) == -ENOSPC);
	CHECK(strstr(detail, "No space left"));
	CHECK(!changed && !is_there(w->directory) && !is_there(w->temporary));
}

static void a_full_disk_leaves_nothing_behind(void **state)
{
	struct world *w = *state;
	char path[96];
	int status;
	pid_t pid;

	if (geteuid() != 0)
		skip();
	assert_int_equal(load(w, &loaded), 0);
	snprintf(path, sizeof(path), "%s/small", w->scratch->dir);
	pid = fork();
	if (pid == 0) {
		/* Two pages and three inodes, in a mount namespace of its own. In a chroot "/" is
		 * no mount to be made private: the parent cleans up. */
		CHECK(unshare(CLONE_NEWNS) == 0);
		(void)!mount("none", "/", "none", MS_REC | MS_PRIVATE, "");
		CHECK(mkdir(path, 0700) == 0);
		CHECK(mount("small", path, "tmpfs", 0, "size=8k,mode=700") == 0);
		snprintf(w->directory, sizeof(w->directory), "%s/app", path);
		snprintf(w->temporary, sizeof(w->temporary), "%s/.app.onboardd-new", path);
		on_a_small_disk(w);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	(void)!umount2(path, MNT_DETACH);
	export_set_done(&loaded);
	assert_int_equal(status, 0);
}

/* ---- readers */

/* One file of the directory as it was when it was opened; NULL: gone. */
static char *read_at(int dir, const char *name)
{
	char text[4096];
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return NULL;
	n = read(fd, text, sizeof(text));
	close(fd);
	return n > 0 ? strndup(text, (size_t)n) : NULL;
}

static bool holds(const struct export_set *set, char *const read[])
{
	for (size_t i = 0; i < set->n; i++)
		if (strcmp((char *)set->files[i].content.data, read[i]) != 0)
			return false;
	return true;
}

/* 'a' or 'b', '-' when a file was gone, '!' for a mixture. */
static char look(const struct world *w, const struct export_set *a, const struct export_set *b)
{
	int dir = open(w->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char *texts[EXPORT_FILES_MAX] = {NULL}, seen = '-';
	size_t n = 0;

	assert_true(dir >= 0);
	while (n < a->n && (texts[n] = read_at(dir, a->files[n].name)))
		n++;
	if (n == a->n)
		seen = holds(a, texts) ? 'a' : holds(b, texts) ? 'b' : '!';
	for (size_t i = 0; i < n; i++)
		free(texts[i]);
	close(dir);
	return seen;
}

struct rotor {
	const struct export_spec *spec;
	const struct export_set *a, *b;
	unsigned int n_swaps, n_changed;
	atomic_bool is_seen, is_over;
};

/* Two hundred times, and until the reader has seen both sets: on a busy machine it may sleep for
 * all of the two hundred. The upper bound is for a reader that never sees one. A thread, not a
 * process: secrets do not survive a fork. */
static void *swap_many_times(void *userdata)
{
	struct rotor *r = userdata;

	for (; r->n_swaps < 200 || (!r->is_seen && r->n_swaps < 20000); r->n_swaps++) {
		_cleanup_(freep) char *detail = NULL;
		bool changed;

		if (export_apply(r->spec, r->n_swaps % 2 ? r->a : r->b, &changed, &detail) == 0)
			r->n_changed += changed;
	}
	r->is_over = true;
	return NULL;
}

static void a_reader_of_one_directory_never_sees_two_sets(void **state)
{
	struct world *w = *state;
	_cleanup_(export_set_done) struct export_set a = {0}, b = {0};
	struct rotor rotor = {.spec = &w->spec, .a = &a, .b = &b};
	unsigned int n[128] = {0};
	pthread_t thread;

	assert_int_equal(load(w, &a), 0);
	assert_int_equal(export_apply(&w->spec, &a, &w->changed, &w->detail), 0);
	rotate(w);
	assert_int_equal(load(w, &b), 0);
	assert_int_equal(pthread_create(&thread, NULL, swap_many_times, &rotor), 0);
	while (!rotor.is_over) {
		n[(int)look(w, &a, &b)]++;
		rotor.is_seen = n['a'] > 0 && n['b'] > 0;
	}
	assert_int_equal(pthread_join(thread, NULL), 0);
	print_message("%u and %u whole sets read, %u on their way out\n", n['a'], n['b'], n['-']);
	assert_int_equal(rotor.n_changed, rotor.n_swaps);
	assert_int_equal(n['!'], 0);
	assert_true(n['a'] > 0 && n['b'] > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		EXPORT_TEST(files_get_the_owner_and_group_and_the_directory_the_group),
		EXPORT_TEST(a_group_that_is_not_ours_needs_a_capability),
		EXPORT_TEST(a_group_of_ours_needs_no_capability),
		EXPORT_TEST(a_parent_with_the_set_group_id_bit_gives_its_group),
		EXPORT_TEST(a_parent_that_we_may_not_write_in_is_told),
		EXPORT_TEST(a_parent_that_is_not_there_is_told),
		EXPORT_TEST(a_disk_that_fills_up_leaves_the_old_set),
		EXPORT_TEST(a_full_disk_leaves_nothing_behind),
		EXPORT_TEST(a_reader_of_one_directory_never_sees_two_sets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
