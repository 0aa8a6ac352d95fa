/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* D-Bus for tests, without a bus: two ends of one connection, and messages made by hand. */

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

/* The code under test gets *ret_bus; what it sends comes to on_call at the other end, *ret_daemon.
 * Both are owned by the caller, and run by event. */
void buspair_open(sd_event *event, sd_bus_message_handler_t on_call, void *userdata,
		  sd_bus **ret_daemon, sd_bus **ret_bus);

/* For cmocka's group: a bus with nobody at the other end, to make messages on. */
int buspair_open_alone(void **state);
int buspair_close_alone(void **state);
/* A sealed message on it with these contents, owned by the caller. */
sd_bus_message *buspair_message(const char *types, ...);
