/* SPDX-License-Identifier: Apache-2.0 */
#include <getopt.h>
#include <stdio.h>

#include "agent/cli/client.h"
#include "agent/cli/wifi.h"

int wifi_verb_forget(int argc, char **argv)
{
	_cleanup_(client_freep) struct client *c = NULL;
	int r;

	if (argc > 1)
		return usage_error("wifi", "forget: '%s' is too much", argv[1]);
	r = client_open(&c);
	if (r == 0)
		r = client_call(c, CLIENT_WIFI, "Forget", NULL);
	if (r == 0)
		printf("The Wi-Fi configuration of this device is forgotten.\n");
	return r;
}
