/* SPDX-License-Identifier: Apache-2.0 */
#include "service/cli/password_input.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "base/exitcode.h"
#include "base/file.h"
#include "base/log.h"
#include "service/password.h"

#define INPUT_MAX (PASSWORD_MAX + 2) /* with a line's end */

static int too_long(void)
{
	log_error("%s", password_why(PASSWORD_E_LONG));
	return EXIT_CODE_FAILED;
}

/* Up to a line's end or the end of the input. */
static int read_line(int fd, struct secret *ret)
{
	int r;

	r = secret_alloc(ret, INPUT_MAX);
	if (r < 0)
		return r;
	ret->len = 0;
	for (;;) {
		ssize_t n = read(fd, ret->data + ret->len, 1);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0 || ret->data[ret->len] == '\n')
			break;
		if (++ret->len == INPUT_MAX)
			return -EFBIG;
	}
	if (ret->len > 0 && ret->data[ret->len - 1] == '\r')
		ret->len--;
	ret->data[ret->len] = '\0';
	return 0;
}

/* A terminal hands a line over when it is whole. -EINTR when a signal comes before. */
static int wait_for_line(const sigset_t *ending)
{
	_cleanup_(closep) int signals = signalfd(-1, ending, SFD_CLOEXEC);
	struct pollfd fds[] = {{.fd = STDIN_FILENO, .events = POLLIN},
			       {.fd = signals, .events = POLLIN}};

	if (signals < 0)
		return -errno;
	while (poll(fds, ARRAY_SIZE(fds), -1) < 0)
		if (errno != EINTR)
			return -errno;
	return fds[1].revents ? -EINTR : 0;
}

/* What would end us is held back until the terminal is as it was: one without echo is a broken one.
 */
static int read_hidden(const char *prompt, struct secret *ret)
{
	struct termios before, hidden;
	sigset_t ending, mask;
	int r;

	if (tcgetattr(STDIN_FILENO, &before) < 0)
		return -errno;
	hidden = before;
	hidden.c_lflag &= ~(tcflag_t)ECHO;
	hidden.c_lflag |= ECHONL;
	sigemptyset(&ending);
	sigaddset(&ending, SIGINT);
	sigaddset(&ending, SIGTERM);
	sigaddset(&ending, SIGHUP);
	sigaddset(&ending, SIGQUIT);
	sigprocmask(SIG_BLOCK, &ending, &mask);
	r = tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden) < 0 ? -errno : 0;
	fputs(prompt, stderr);
	if (r == 0)
		r = wait_for_line(&ending);
	if (r == 0)
		r = read_line(STDIN_FILENO, ret);
	(void)tcsetattr(STDIN_FILENO, TCSADRAIN, &before);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	return r;
}

static int ask_twice(struct secret *ret)
{
	_cleanup_(secret_done) struct secret again = SECRET_INIT;
	int r;

	r = read_hidden("Password: ", ret);
	if (r == 0)
		r = read_hidden("Once more: ", &again);
	if (r < 0)
		return r;
	if (secret_equal(ret->data, ret->len, again.data, again.len))
		return 0;
	log_error("the two are not the same");
	return EXIT_CODE_FAILED;
}

static int read_file(const char *path, struct secret *ret)
{
	size_t len;
	int r;

	r = file_read(path, INPUT_MAX, ret);
	if (r < 0)
		return r;
	len = strcspn((const char *)ret->data, "\r\n");
	/* One line, with or without an end. */
	if (ret->len - len > 2 || strspn((const char *)ret->data + len, "\r\n") != ret->len - len)
		return -EBADMSG;
	ret->len = len;
	ret->data[len] = '\0';
	return 0;
}

int password_input(const char *file, struct secret *ret)
{
	bool is_stdin = !file || strcmp(file, "-") == 0;
	int r;

	if (!is_stdin)
		r = read_file(file, ret);
	else if (isatty(STDIN_FILENO))
		r = ask_twice(ret);
	else
		r = read_line(STDIN_FILENO, ret);
	if (r > 0)
		return r;
	if (r == -EFBIG)
		return too_long();
	if (r < 0) {
		log_error("cannot read the password from %s: %s",
			  is_stdin ? "standard input" : file,
			  r == -EBADMSG ? "not a file of one line" : strerror(-r));
		return EXIT_CODE_FAILED;
	}
	r = password_check((const char *)ret->data, ret->len);
	if (r == 0)
		return 0;
	log_error("%s", password_why(r));
	return EXIT_CODE_FAILED;
}
