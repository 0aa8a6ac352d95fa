/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/buspair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static sd_bus *alone;
static int nobody = -1; /* the other end of its line: nothing is read there, nothing said */

void buspair_open(sd_event *event, sd_bus_message_handler_t on_call, void *userdata,
		  sd_bus **ret_daemon, sd_bus **ret_bus)
{
	sd_bus *daemon = NULL, *bus = NULL;
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds),
			 0);
	assert_true(sd_bus_new(&daemon) >= 0);
	assert_true(sd_bus_set_fd(daemon, fds[0], fds[0]) >= 0);
	assert_true(sd_bus_set_server(
			    daemon, 1,
			    SD_ID128_MAKE(1, 2, 3, 4, 5, 6, 7, 8, 9, a, b, c, d, e, f, 1)) >= 0);
	assert_true(sd_bus_set_anonymous(daemon, 1) >= 0);
	assert_true(sd_bus_add_filter(daemon, NULL, on_call, userdata) >= 0);
	assert_true(sd_bus_start(daemon) >= 0);
	assert_true(sd_bus_new(&bus) >= 0);
	assert_true(sd_bus_set_fd(bus, fds[1], fds[1]) >= 0);
	assert_true(sd_bus_start(bus) >= 0);
	assert_true(sd_bus_attach_event(daemon, event, 0) >= 0);
	assert_true(sd_bus_attach_event(bus, event, 0) >= 0);
	*ret_daemon = daemon;
	*ret_bus = bus;
}

int buspair_open_alone(void **state)
{
	int fds[2];

	(void)state;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) < 0)
		return -1;
	nobody = fds[1];
	return sd_bus_new(&alone) < 0 || sd_bus_set_fd(alone, fds[0], fds[0]) < 0 ||
	       sd_bus_start(alone) < 0;
}

int buspair_close_alone(void **state)
{
	(void)state;
	alone = sd_bus_close_unref(alone);
	close(nobody);
	return 0;
}

sd_bus_message *buspair_message(const char *types, ...)
{
	sd_bus_message *m = NULL;
	va_list ap;

	assert_true(sd_bus_message_new(alone, &m, SD_BUS_MESSAGE_METHOD_CALL) >= 0);
	va_start(ap, types);
	assert_true(sd_bus_message_appendv(m, types, ap) >= 0);
	va_end(ap);
	assert_true(sd_bus_message_seal(m, 1, 0) >= 0);
	return m;
}
