/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "agent/cli/wifi.h"

int verb_wifi(int argc, char **argv)
{
	static const struct {
		const char *name;
		verb_fn run;
	} rows[] = {
		{"status", wifi_verb_status},       {"scan", wifi_verb_scan},
		{"connect", wifi_verb_connect},     {"forget", wifi_verb_forget},
		{"advertise", wifi_verb_advertise}, {"configure", wifi_verb_configure},
	};

	if (argc < 2)
		return usage_error("wifi", "say what: status, scan, connect, forget, advertise or "
					   "configure");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (strcmp(argv[1], rows[i].name) == 0)
			return rows[i].run(argc - 1, argv + 1);
	return usage_error("wifi", "there is no '%s'", argv[1]);
}
