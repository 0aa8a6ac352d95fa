/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "session/fdstore.h"

/* What a child found under 3, 4, ... as it would be started by systemd; it exits with what check()
 * says. */
static int in_child(const char *names, int n, const char *pid, int (*check)(void))
{
	pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (child == 0) {
		char number[16];

		for (int i = 0; i < n; i++) {
			char content = (char)('a' + i);
			int fd = memfd_create("test", 0);

			if (write(fd, &content, 1) != 1 || dup2(fd, 50 + i) < 0)
				_exit(90);
			close(fd);
		}
		for (int i = 0; i < n; i++)
			dup2(50 + i, 3 + i);
		snprintf(number, sizeof(number), "%d", getpid());
		setenv("LISTEN_PID", pid ? pid : number, 1);
		snprintf(number, sizeof(number), "%d", n);
		setenv("LISTEN_FDS", number, 1);
		setenv("LISTEN_FDNAMES", names, 1);
		_exit(check());
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* The letter of what was taken, or 0. */
static int taken(const char *name, const char *what)
{
	char content = 0;
	int fd;

	if (fdstore_take(name, what, &fd) != 0)
		return 0;
	if (pread(fd, &content, 1, 0) != 1 || !(fcntl(fd, F_GETFD) & FD_CLOEXEC))
		return 99;
	close(fd);
	return content;
}

static int take_socket(void)
{
	return taken("cloud", "socket");
}

static int take_socket_twice(void)
{
	taken("cloud", "socket");
	return taken("cloud", "socket");
}

static int take_both(void)
{
	int first = taken("cloud", "socket"), second = taken("cloud", "saved");

	return first == 'a' && second == 'b' ? 1 : 0;
}

/* The number of a taken descriptor must not be given to the next file that is opened. */
static int take_then_open(void)
{
	taken("cloud", "socket");
	return memfd_create("next", 0);
}

static void a_descriptor_is_found_by_its_name(void **state)
{
	(void)state;
	assert_int_equal(in_child("cloud-socket", 1, NULL, take_socket), 'a');
	assert_int_equal(in_child("other:cloud-socket", 2, NULL, take_socket), 'b');
	assert_int_equal(in_child("cloud-socket:cloud-saved", 2, NULL, take_both), 1);
}

static void of_several_the_last_is_taken(void **state)
{
	(void)state;
	assert_int_equal(in_child("cloud-socket:cloud-socket", 2, NULL, take_socket), 'b');
}

static void no_part_of_a_name_is_enough(void **state)
{
	(void)state;
	assert_int_equal(in_child("cloud-sock:cloud-socket2:xcloud-socket", 3, NULL, take_socket),
			 0);
}

static void a_descriptor_is_taken_once_and_its_number_stays_reserved(void **state)
{
	(void)state;
	assert_int_equal(in_child("cloud-socket", 1, NULL, take_socket_twice), 0);
	assert_int_not_equal(in_child("cloud-socket", 1, NULL, take_then_open), 3);
}

static void the_environment_of_another_process_is_ignored(void **state)
{
	(void)state;
	assert_int_equal(in_child("cloud-socket", 1, "1", take_socket), 0);
	assert_int_equal(in_child("cloud-socket", 1, "", take_socket), 0);
	assert_int_equal(in_child("cloud-socket", 1, "-5", take_socket), 0);
}

static void more_names_than_descriptors_are_ignored(void **state)
{
	(void)state;
	assert_int_equal(in_child("x:cloud-socket", 1, NULL, take_socket), 0);
	assert_int_equal(in_child("", 1, NULL, take_socket), 0);
}

static void without_systemd_nothing_happens(void **state)
{
	int fd;

	(void)state;
	unsetenv("NOTIFY_SOCKET");
	unsetenv("LISTEN_PID");
	assert_int_equal(fdstore_keep("cloud", "socket", STDIN_FILENO), 0);
	fdstore_remove("cloud", "socket");
	assert_int_equal(fdstore_take("cloud", "socket", &fd), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_descriptor_is_found_by_its_name),
		cmocka_unit_test(of_several_the_last_is_taken),
		cmocka_unit_test(no_part_of_a_name_is_enough),
		cmocka_unit_test(a_descriptor_is_taken_once_and_its_number_stays_reserved),
		cmocka_unit_test(the_environment_of_another_process_is_ignored),
		cmocka_unit_test(more_names_than_descriptors_are_ignored),
		cmocka_unit_test(without_systemd_nothing_happens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
