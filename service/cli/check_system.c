/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/timex.h>

#include "base/clock.h"
#include "service/address.h"
#include "service/cli/check.h"
#include "service/coap_deaf.h"

#define MIB (1024 * 1024)
#define DISK_LOW (500LL * MIB)
#define DISK_NONE (20LL * MIB)
#define BUILT_AT 1764460800 /* 2025-11-30: no clock is right before it */

static void port(struct check_report *r, const char *what, const char *text, int type)
{
	int fd, one = 1, e = 0;
	union address a;
	socklen_t len;

	if (address_parse(text, &a, &len) < 0) {
		check_say(r, CHECK_FAIL, what, "give ADDRESS:PORT, the address numeric",
			  "%s is no address and port", text);
		return;
	}
	fd = socket(a.sa.sa_family, type | SOCK_CLOEXEC, 0);
	/* As the fronts do: what the last process left behind is no hindrance. */
	if (fd < 0 ||
	    (type == SOCK_STREAM &&
	     setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0) ||
	    bind(fd, &a.sa, len) < 0)
		e = errno;
	if (fd >= 0)
		close(fd);
	if (e == 0)
		check_say(r, CHECK_OK, what, NULL, "%s is free", text);
	else if (e == EADDRINUSE)
		check_say(r, CHECK_WARN, what,
			  "if that is not the service itself: ss -lnp shows who has it",
			  "%s is in use", text);
	else
		check_say(r, CHECK_FAIL, what,
			  e == EACCES ? "choose a port from 1024 on, or allow the unit "
					"CAP_NET_BIND_SERVICE"
				      : "give an address of this machine",
			  "%s: %s", text, strerror(e));
}

static void hearing(struct check_report *r, const char *text)
{
	char deaf_at[ADDRESS_TEXT];
	union address a;
	socklen_t len;

	if (address_parse(text, &a, &len) == 0 && coap_deaf_at(&a, deaf_at))
		check_say(r, CHECK_FAIL, "coap", COAP_DEAF_REMEDY,
			  "libcoap takes %s for a broadcast address and answers nothing there",
			  deaf_at);
}

void check_ports(struct check_report *r, const struct serve_options *o)
{
	union address a;
	socklen_t len;

	port(r, "coap", o->coap, SOCK_DGRAM);
	hearing(r, o->coap);
	port(r, "rest", o->rest, SOCK_STREAM);
	if (!o->rest_cert && address_parse(o->rest, &a, &len) == 0 && !address_is_loopback(&a))
		check_say(r, CHECK_FAIL, "rest",
			  "give --rest-cert and --rest-key, or listen on "
			  "loopback behind a proxy",
			  "%s without TLS: API keys would travel in clear", o->rest);
}

void check_disk(struct check_report *r, const struct serve_options *o)
{
	struct statvfs fs;
	long long room;

	if (statvfs(o->state, &fs) < 0)
		return;
	room = (long long)fs.f_bavail * (long long)fs.f_frsize;
	if (room < DISK_LOW)
		check_say(r, room < DISK_NONE ? CHECK_FAIL : CHECK_WARN, "disk",
			  "make room: a service that cannot write refuses its devices",
			  "%lld MiB are left in %s", room / MIB, o->state);
	else
		check_say(r, CHECK_OK, "disk", NULL, "%lld MiB are left in %s", room / MIB,
			  o->state);
}

void check_clock(struct check_report *r)
{
	struct timex t = {.modes = 0};

	if (clock_wall_s() < BUILT_AT)
		check_say(r, CHECK_FAIL, "clock", "set it: tokens of devices carry times",
			  "the clock is wrong");
	else if (adjtimex(&t) == TIME_ERROR)
		check_say(r, CHECK_WARN, "clock", "run systemd-timesyncd or chrony",
			  "nothing keeps the clock right; devices are refused when it is off by "
			  "more than a minute");
	else
		check_say(r, CHECK_OK, "clock", NULL, "is kept right");
}
