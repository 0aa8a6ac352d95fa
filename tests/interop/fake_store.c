/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/interop/fake_store.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define FIRST_FD 3

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	abort();
}

void fake_store_init(struct fake_store *s, const char *dir)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	memset(s, 0, sizeof(*s));
	snprintf(s->path, sizeof(s->path), "%s/notify", dir);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", s->path);
	s->socket = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	must(s->socket >= 0, "socket");
	must(bind(s->socket, (struct sockaddr *)&address, sizeof(address)) == 0, "bind");
	setenv("NOTIFY_SOCKET", s->path, 1);
}

static void drop(struct fake_store *s, const char *name)
{
	for (size_t i = 0; i < s->n;) {
		if (strcmp(s->kept[i].name, name) != 0) {
			i++;
			continue;
		}
		close(s->kept[i].fd);
		s->kept[i] = s->kept[--s->n];
	}
}

void fake_store_done(struct fake_store *s)
{
	while (s->n > 0)
		drop(s, s->kept[0].name);
	close(s->socket);
	unlink(s->path);
	unsetenv("NOTIFY_SOCKET");
}

static void take_in(struct fake_store *s, const char *text, int fd)
{
	const char *at = strstr(text, "FDNAME=");
	char name[64] = "";

	if (at)
		snprintf(name, sizeof(name), "%.*s", (int)strcspn(at + 7, "\n"), at + 7);
	if (strstr(text, "FDSTOREREMOVE=1")) {
		drop(s, name);
	} else if (strstr(text, "FDSTORE=1")) {
		must(fd >= 0 && strstr(text, "FDPOLL=0") && s->n < FAKE_STORE_MAX, text);
		snprintf(s->kept[s->n].name, sizeof(s->kept[0].name), "%s", name);
		s->kept[s->n++].fd = fd;
	}
}

void fake_store_read(struct fake_store *s)
{
	for (;;) {
		char text[512] = "";
		union {
			char space[CMSG_SPACE(sizeof(int))];
			struct cmsghdr align;
		} control;
		struct iovec iov = {text, sizeof(text) - 1};
		struct msghdr m = {.msg_iov = &iov,
				   .msg_iovlen = 1,
				   .msg_control = &control,
				   .msg_controllen = sizeof(control)};
		struct cmsghdr *c;
		int fd = -1;

		if (recvmsg(s->socket, &m, MSG_CMSG_CLOEXEC) < 0)
			return;
		c = CMSG_FIRSTHDR(&m);
		if (c && c->cmsg_type == SCM_RIGHTS)
			memcpy(&fd, CMSG_DATA(c), sizeof(fd));
		take_in(s, text, fd);
	}
}

int fake_store_find(const struct fake_store *s, const char *name)
{
	for (size_t i = 0; i < s->n; i++) {
		if (strcmp(s->kept[i].name, name) == 0)
			return s->kept[i].fd;
	}
	return -1;
}

void fake_store_hand_over(const struct fake_store *s)
{
	char names[FAKE_STORE_MAX * 65] = "", number[16];
	int high[FAKE_STORE_MAX];

	for (size_t i = 0; i < s->n; i++) {
		high[i] = fcntl(s->kept[i].fd, F_DUPFD, 100);
		must(high[i] >= 0, "F_DUPFD");
		if (i > 0)
			strcat(names, ":");
		strcat(names, s->kept[i].name);
	}
	for (size_t i = 0; i < s->n; i++) {
		must(dup2(high[i], FIRST_FD + (int)i) >= 0, "dup2");
		close(high[i]);
	}
	snprintf(number, sizeof(number), "%d", getpid());
	setenv("LISTEN_PID", number, 1);
	snprintf(number, sizeof(number), "%zu", s->n);
	setenv("LISTEN_FDS", number, 1);
	setenv("LISTEN_FDNAMES", names, 1);
}
