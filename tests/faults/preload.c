/* SPDX-License-Identifier: Apache-2.0 */

/* LD_PRELOAD into onboardd: watches the life of a saved DTLS session, and strikes at the instants
 * that no signal from outside can hit.
 *
 *   ONBOARD_TEST_LOADS=FILE   a line "save HEX" or "load HEX" for each blob, HEX a 64-bit FNV-1a of
 *                             it: two loads of one blob would show as two equal lines
 *   ONBOARD_TEST_STRIKE=WHERE:SIGNAL
 *                             once a process, at "saved" (a context was saved), "stored" (two
 *                             descriptors went to the fd store), "load" (entry of a load: marked
 *                             consumed, not yet loaded), "loaded" (the first datagram after it),
 *                             "key" (a private key was parsed) or "generated" (one was made)
 *   ONBOARD_TEST_SHORT=N
 *                             the N-th write to a file takes half of what it was given, and a line
 *                             "short" goes to the FILE of ONBOARD_TEST_LOADS
 *   ONBOARD_TEST_CLOCK=SECONDS
 *                             the wall clock stands still there, as one that was never set;
 *                             @FILE: at what FILE says just then
 *   ONBOARD_TEST_SYNC=yes|no  whether the kernel and systemd-timesyncd call it synchronised
 */

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <mbedtls/ecp.h>
#include <mbedtls/pk.h>
#include <mbedtls/ssl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

static bool loaded;

static time_t read_clock(const char *path)
{
	char text[32] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0)
		abort();
	close(fd);
	return (time_t)atoll(text);
}

time_t time(time_t *ret)
{
	const char *wish = getenv("ONBOARD_TEST_CLOCK");
	struct timespec now = {0};

	clock_gettime(CLOCK_REALTIME, &now);
	if (wish)
		now.tv_sec = *wish == '@' ? read_clock(wish + 1) : (time_t)atoll(wish);
	if (ret)
		*ret = now.tv_sec;
	return now.tv_sec;
}

int adjtimex(struct timex *t)
{
	int (*real)(struct timex *) = (int (*)(struct timex *))dlsym(RTLD_NEXT, "adjtimex");
	const char *wish = getenv("ONBOARD_TEST_SYNC");
	int r = real(t);

	if (!wish)
		return r;
	t->status = strcmp(wish, "yes") == 0 ? t->status & ~STA_UNSYNC : t->status | STA_UNSYNC;
	return TIME_OK;
}

int access(const char *path, int mode)
{
	int (*real)(const char *, int) = (int (*)(const char *, int))dlsym(RTLD_NEXT, "access");

	if (getenv("ONBOARD_TEST_SYNC") &&
	    strcmp(path, "/run/systemd/timesync/synchronized") == 0) {
		errno = ENOENT;
		return -1;
	}
	return real(path, mode);
}

static void strike(const char *where)
{
	const char *wish = getenv("ONBOARD_TEST_STRIKE");
	size_t n = strlen(where);
	static bool done;

	if (done || !wish || strncmp(wish, where, n) || wish[n] != ':')
		return;
	done = true;
	kill(getpid(), atoi(wish + n + 1));
}

static ssize_t real_write(int fd, const void *data, size_t len)
{
	ssize_t (*real)(int, const void *, size_t) =
		(ssize_t(*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write");

	return real(fd, data, len);
}

static void tell(const char *line)
{
	const char *path = getenv("ONBOARD_TEST_LOADS");
	int fd;

	if (!path)
		return;
	fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return;
	if (real_write(fd, line, strlen(line)) != (ssize_t)strlen(line))
		abort();
	close(fd);
}

static void note(const char *what, const unsigned char *blob, size_t len)
{
	uint64_t hash = 0xcbf29ce484222325;
	char line[64];

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ blob[i]) * 0x100000001b3;
	snprintf(line, sizeof(line), "%s %016llx\n", what, (unsigned long long)hash);
	tell(line);
}

static size_t shortened(int fd, size_t len)
{
	const char *wish = getenv("ONBOARD_TEST_SHORT");
	struct stat st;
	static int n;

	if (!wish || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || ++n != atoi(wish))
		return len;
	tell("short\n");
	return (len + 1) / 2;
}

ssize_t write(int fd, const void *data, size_t len)
{
	return real_write(fd, data, shortened(fd, len));
}

int mbedtls_ssl_context_save(mbedtls_ssl_context *ssl, unsigned char *buf, size_t buf_len,
			     size_t *olen)
{
	int (*real)(mbedtls_ssl_context *, unsigned char *, size_t, size_t *) =
		(int (*)(mbedtls_ssl_context *, unsigned char *, size_t, size_t *))dlsym(
			RTLD_NEXT, "mbedtls_ssl_context_save");
	int r = real(ssl, buf, buf_len, olen);

	if (r == 0 && buf) {
		note("save", buf, *olen);
		strike("saved");
	}
	return r;
}

int mbedtls_ssl_context_load(mbedtls_ssl_context *ssl, const unsigned char *buf, size_t len)
{
	int (*real)(mbedtls_ssl_context *, const unsigned char *, size_t) =
		(int (*)(mbedtls_ssl_context *, const unsigned char *, size_t))dlsym(
			RTLD_NEXT, "mbedtls_ssl_context_load");
	int r;

	note("load", buf, len);
	strike("load");
	r = real(ssl, buf, len);
	if (r == 0)
		loaded = true;
	return r;
}

/* The first thing asked of a key that was parsed. */
int mbedtls_pk_can_do(const mbedtls_pk_context *pk, mbedtls_pk_type_t type)
{
	int (*real)(const mbedtls_pk_context *, mbedtls_pk_type_t) =
		(int (*)(const mbedtls_pk_context *, mbedtls_pk_type_t))dlsym(RTLD_NEXT,
									      "mbedtls_pk_can_do");

	strike("key");
	return real(pk, type);
}

int mbedtls_ecp_gen_key(mbedtls_ecp_group_id group, mbedtls_ecp_keypair *key,
			int (*rng)(void *, unsigned char *, size_t), void *rng_context)
{
	int (*real)(mbedtls_ecp_group_id, mbedtls_ecp_keypair *,
		    int (*)(void *, unsigned char *, size_t), void *) =
		(int (*)(mbedtls_ecp_group_id, mbedtls_ecp_keypair *,
			 int (*)(void *, unsigned char *, size_t),
			 void *))dlsym(RTLD_NEXT, "mbedtls_ecp_gen_key");
	int r = real(group, key, rng, rng_context);

	strike("generated");
	return r;
}

static bool is_inet(int fd)
{
	struct sockaddr_storage address;
	socklen_t len = sizeof(address);

	return getsockname(fd, (struct sockaddr *)&address, &len) == 0 &&
	       (address.ss_family == AF_INET || address.ss_family == AF_INET6);
}

static void before_send(int fd)
{
	if (!is_inet(fd))
		return;
	if (loaded)
		strike("loaded");
}

ssize_t pwrite64(int fd, const void *data, size_t len, off64_t offset)
{
	ssize_t (*real)(int, const void *, size_t, off64_t) =
		(ssize_t(*)(int, const void *, size_t, off64_t))dlsym(RTLD_NEXT, "pwrite64");

	return real(fd, data, shortened(fd, len), offset);
}

static void after_sendmsg(int fd, const struct msghdr *message)
{
	static size_t n_fds;

	if (is_inet(fd))
		return;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c;
	     c = CMSG_NXTHDR((struct msghdr *)message, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
			n_fds += (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	if (n_fds >= 2)
		strike("stored");
}

ssize_t send(int fd, const void *data, size_t len, int flags)
{
	ssize_t (*real)(int, const void *, size_t, int) =
		(ssize_t(*)(int, const void *, size_t, int))dlsym(RTLD_NEXT, "send");

	before_send(fd);
	return real(fd, data, len, flags);
}

ssize_t sendto(int fd, const void *data, size_t len, int flags, __CONST_SOCKADDR_ARG to,
	       socklen_t to_len)
{
	ssize_t (*real)(int, const void *, size_t, int, __CONST_SOCKADDR_ARG, socklen_t) =
		(ssize_t(*)(int, const void *, size_t, int, __CONST_SOCKADDR_ARG, socklen_t))dlsym(
			RTLD_NEXT, "sendto");

	before_send(fd);
	return real(fd, data, len, flags, to, to_len);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
	ssize_t (*real)(int, const struct msghdr *, int) =
		(ssize_t(*)(int, const struct msghdr *, int))dlsym(RTLD_NEXT, "sendmsg");
	ssize_t n;

	before_send(fd);
	n = real(fd, message, flags);
	after_sendmsg(fd, message);
	return n;
}
