/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/exitcode.h"
#include "base/log.h"
#include "service/cli/state.h"
#include "service/cli/verbs.h"

static const char *text_of(const json_t *device, const char *key)
{
	const char *text = json_string_value(json_object_get(device, key));

	return text && *text ? text : "-";
}

static void print_table(const json_t *items)
{
	json_t *device;
	size_t i;

	printf("%-36s  %-10s  %-24s  %-24s  %s\n", "DEVICE", "HARDWARE", "LAST SEEN", "CLOUD LOGIN",
	       "TEAM");
	json_array_foreach((json_t *)items, i, device)
		printf("%-36s  %-10s  %-24s  %-24s  %s\n", text_of(device, "id"),
		       text_of(device, "hardware"), text_of(device, "lastSeenAt"),
		       text_of(device, "cloudLoginAt"), text_of(device, "team"));
}

static int list(const char *dir, const char *store, bool as_json)
{
	_cleanup_(state_close) struct state state = {0};
	_cleanup_(json_decrefp) json_t *devices = NULL;
	int r;

	r = state_open(dir, store, false, (struct core_config){0}, &state);
	if (r != 0)
		return r;
	r = core_admin_devices(state.core, &devices);
	if (r != 0) {
		log_error("device list: %s", strerror(r < 0 ? -r : EIO));
		return EXIT_CODE_STORE;
	}
	if (as_json) {
		if (json_dumpf(devices, stdout, JSON_INDENT(2)) < 0)
			return EXIT_CODE_FAILED;
		putchar('\n');
	} else {
		print_table(json_object_get(devices, "items"));
	}
	return fflush(stdout) == 0 ? EXIT_CODE_DONE : EXIT_CODE_FAILED;
}

int verb_device(int argc, char **argv)
{
	const char *dir = NULL, *store = NULL;
	bool as_json = false;
	const struct option_place options[] = {
		{"state", .text = &dir},
		{"store", .text = &store},
		{"json", .flag = &as_json},
	};

	if (verb_options(argc, argv, options, ARRAY_SIZE(options)) != 0)
		return EXIT_CODE_USAGE;
	if (argc - optind != 1 || strcmp(argv[optind], "list") != 0)
		return verb_usage("device: the one thing it does is list");
	if (!dir && !store)
		return verb_usage("device list: --state or --store is needed");
	return list(dir, store, as_json);
}
