/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "agent/cli/client.h"
#include "agent/cli/wifi.h"
#include "agent/duration.h"

static int open_window(struct client *c, uint64_t ms)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
	int r;

	r = client_message(c, CLIENT_WIFI, "OpenWindow", &m);
	if (r != 0)
		return r;
	r = sd_bus_message_append(m, "t", ms);
	return r < 0 ? client_message_failed(r) : client_send(c, m, NULL);
}

int wifi_verb_advertise(int argc, char **argv)
{
	_cleanup_(client_freep) struct client *c = NULL;
	uint64_t ms = 0;
	int r;

	if (argc > 2)
		return usage_error("wifi", "advertise: '%s' is too much", argv[2]);
	if (argc == 2 && (duration_parse(argv[1], &ms) < 0 || ms == 0))
		return usage_error("wifi", "advertise: '%s' is not a time such as 30 or 5min",
				   argv[1]);
	r = client_open(&c);
	if (r == 0)
		r = open_window(c, ms);
	if (r == 0)
		printf("This device may be configured over Bluetooth now. Until when: onboardctl "
		       "wifi status\n");
	return r;
}
