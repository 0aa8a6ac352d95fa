/* SPDX-License-Identifier: Apache-2.0 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "agent/cli/credentials.h"
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

bool credentials_show(const json_t *list, json_int_t only)
{
	const json_t *entry;
	bool shown = false;
	size_t i;

	json_array_foreach(list, i, entry)
	{
		json_int_t tag = json_integer_value(json_object_get(entry, "tag"));
		int64_t type = (int64_t)json_integer_value(json_object_get(entry, "type"));
		char name[32], digest[80];

		if (only >= 0 && tag != only)
			continue;
		if (!shown)
			printf("%10s  %-20s  %s\n", "TAG", "TYPE", "SHA-256");
		shown = true;
		snprintf(name, sizeof(name), "%" PRId64 " %s", type, type_name((uint32_t)type));
		plain_text(json_string_value(json_object_get(entry, "sha256")), digest,
			   sizeof(digest));
		/* Enough to compare by eye in 80 columns; --json has all of it. */
		printf("%10" PRId64 "  %-20s  %.32s...\n", (int64_t)tag, name, digest);
	}
	return shown;
}

/* Both lists are in the order of their tags. */
static void show_previous(const json_t *previous)
{
	json_int_t told = -1;
	const json_t *entry;
	size_t i;

	json_array_foreach(previous, i, entry)
	{
		json_int_t tag = json_integer_value(json_object_get(entry, "tag"));

		if (tag == told)
			continue;
		told = tag;
		printf("\nThe cloud has not accepted tag %" PRId64 " yet; what it held before is "
		       "kept:\nonboardctl credentials rollback %" PRId64 "\n",
		       (int64_t)tag, (int64_t)tag);
	}
}

static void mark_previous(json_t *list, const json_t *previous)
{
	const json_t *kept;
	json_t *entry;
	size_t i, k;

	json_array_foreach(list, i, entry)
	{
		bool has = false;

		json_array_foreach(previous, k, kept) has |=
			json_equal(json_object_get(kept, "tag"), json_object_get(entry, "tag"));
		json_object_set_new(entry, "has_previous", json_boolean(has));
	}
}

int credentials_read(struct client *c, const char *method, json_t **ret)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	_cleanup_(json_decrefp) json_t *list = json_array();
	int r;

	r = client_call(c, CLIENT_AGENT, method, &reply);
	if (r != 0)
		return r;
	if (!list || read_list(reply, list) < 0) {
		fprintf(stderr, "onboardctl: the answer of onboardd is not understood\n");
		return EXIT_CODE_FAILED;
	}
	*ret = TAKE_PTR(list);
	return 0;
}

static int show(bool json)
{
	_cleanup_(client_freep) struct client *c = NULL;
	_cleanup_(json_decrefp) json_t *list = NULL, *previous = NULL;
	int r;

	r = client_open(&c);
	if (r == 0)
		r = credentials_read(c, "ListCredentials", &list);
	if (r == 0)
		r = credentials_read(c, "ListPrevious", &previous);
	if (r != 0)
		return r;
	if (json) {
		mark_previous(list, previous);
		show_json(list, false);
		return 0;
	}
	if (!credentials_show(list, -1))
		printf("No credentials are stored.\n");
	show_previous(previous);
	return 0;
}

int verb_credentials(int argc, char **argv)
{
	static const struct option options[] = {{"json", no_argument, NULL, 'j'},
						{NULL, 0, NULL, 0}};
	bool json = false;
	int o;

	if (argc > 1 && strcmp(argv[1], "rollback") == 0)
		return credentials_rollback(argc - 1, argv + 1);
	while ((o = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		if (o != 'j')
			return usage_error("credentials", "unknown flag");
		json = true;
	}
	if (optind < argc && strcmp(argv[optind], "list") == 0)
		optind++;
	if (optind < argc)
		return usage_error("credentials", "'%s' is neither 'list' nor 'rollback'",
				   argv[optind]);
	return show(json);
}
