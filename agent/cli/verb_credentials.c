/* SPDX-License-Identifier: Apache-2.0 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "agent/cli/client.h"
#include "agent/cli/show.h"
#include "agent/cli/verbs.h"
#include "agent/plain.h"
#include "base/exitcode.h"

/* Types of %CMNG. */
static const char *type_name(uint32_t type)
{
	static const char *const names[] = {
		"root-ca", "client-certificate", "private-key", "psk", "psk-identity", NULL, NULL,
		NULL,      "endorsement-key"};

	return type < ARRAY_SIZE(names) && names[type] ? names[type] : "other";
}

/* Of a list in the reply: *ret is an array of objects. Returns what sd_bus_message_read() does. */
static int read_list(sd_bus_message *reply, json_t *list)
{
	uint32_t tag, type;
	const char *digest;
	int r;

	r = sd_bus_message_enter_container(reply, 'a', "(uus)");
	if (r < 0)
		return r;
	while ((r = sd_bus_message_read(reply, "(uus)", &tag, &type, &digest)) > 0)
		json_array_append_new(list,
				      json_pack("{s:I, s:I, s:s, s:s}", "tag", (json_int_t)tag,
						"type", (json_int_t)type, "type_name",
						type_name(type), "sha256", digest));
	return r;
}

static void show_table(const json_t *list)
{
	const json_t *entry;
	size_t i;

	if (json_array_size(list) == 0) {
		printf("No credentials are stored.\n");
		return;
	}
	printf("%10s  %-20s  %s\n", "TAG", "TYPE", "SHA-256");
	json_array_foreach(list, i, entry)
	{
		int64_t tag = (int64_t)json_integer_value(json_object_get(entry, "tag"));
		int64_t type = (int64_t)json_integer_value(json_object_get(entry, "type"));
		char name[32], digest[80];

		snprintf(name, sizeof(name), "%" PRId64 " %s", type, type_name((uint32_t)type));
		plain_text(json_string_value(json_object_get(entry, "sha256")), digest,
			   sizeof(digest));
		/* Enough to compare by eye in 80 columns; --json has all of it. */
		printf("%10" PRId64 "  %-20s  %.32s...\n", tag, name, digest);
	}
}

static int show(bool json)
{
	_cleanup_(client_freep) struct client *c = NULL;
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	_cleanup_(json_decrefp) json_t *list = json_array();
	int r;

	r = client_open(&c);
	if (r != 0)
		return r;
	r = client_call(c, CLIENT_AGENT, "ListCredentials", &reply);
	if (r != 0)
		return r;
	if (read_list(reply, list) < 0) {
		fprintf(stderr, "onboardctl: the answer of onboardd is not understood\n");
		return EXIT_CODE_FAILED;
	}
	if (json)
		show_json(list, false);
	else
		show_table(list);
	return 0;
}

int verb_credentials(int argc, char **argv)
{
	static const struct option options[] = {{"json", no_argument, NULL, 'j'},
						{NULL, 0, NULL, 0}};
	bool json = false;
	int o;

	while ((o = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		if (o != 'j')
			return usage_error("credentials", "unknown flag");
		json = true;
	}
	if (optind < argc && strcmp(argv[optind], "list") == 0)
		optind++;
	if (optind < argc)
		return usage_error("credentials", "'%s' is not 'list'", argv[optind]);
	return show(json);
}
