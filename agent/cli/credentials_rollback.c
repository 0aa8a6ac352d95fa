/* SPDX-License-Identifier: Apache-2.0 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "agent/cli/ask.h"
#include "agent/cli/credentials.h"
#include "agent/cli/verbs.h"
#include "base/exitcode.h"
#include "base/text.h"

/* Shows what is lost and what comes back. False: there is nothing to come back, which onboardd says
 * best. */
static bool show_change(const json_t *now, const json_t *before, uint32_t tag)
{
	const json_t *entry;
	bool found = false;
	size_t i;

	json_array_foreach(before, i, entry) found |=
		json_integer_value(json_object_get(entry, "tag")) == tag;
	if (!found)
		return false;
	printf("Tag %" PRIu32 " holds now, and will lose for good:\n", tag);
	if (!credentials_show(now, tag))
		printf("nothing\n");
	printf("\nIt will hold again:\n");
	(void)credentials_show(before, tag);
	return true;
}

static int confirm(struct client *c, uint32_t tag)
{
	_cleanup_(json_decrefp) json_t *now = NULL, *before = NULL;
	char answer[8];
	int r;

	r = credentials_read(c, "ListCredentials", &now);
	if (r == 0)
		r = credentials_read(c, "ListPrevious", &before);
	if (r != 0 || !show_change(now, before, tag))
		return r;
	if (!ask_is_possible()) {
		fprintf(stderr, "onboardctl credentials: nobody can be asked here: --yes does it "
				"without asking\n");
		return EXIT_CODE_FAILED;
	}
	r = ask_line("\nRoll back? [y/N] ", answer, sizeof(answer));
	if (r != 0)
		return r;
	if (strcmp(answer, "y") == 0 || strcmp(answer, "yes") == 0)
		return 0;
	fprintf(stderr, "Nothing was changed.\n");
	return EXIT_CODE_FAILED;
}

static int roll_back(struct client *c, uint32_t tag)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
	int r;

	r = client_message(c, CLIENT_AGENT, "RollBackCredentials", &m);
	if (r != 0)
		return r;
	r = sd_bus_message_append(m, "u", tag);
	if (r < 0)
		return client_message_failed(r);
	r = client_send(c, m, NULL);
	if (r == 0)
		printf("Tag %" PRIu32 " holds its predecessors again. Cloud access is validated "
		       "now: onboardctl status\n",
		       tag);
	return r;
}

int credentials_rollback(int argc, char **argv)
{
	static const struct option options[] = {{"yes", no_argument, NULL, 'y'},
						{NULL, 0, NULL, 0}};
	_cleanup_(client_freep) struct client *c = NULL;
	bool yes = false;
	uint64_t tag;
	int o, r;

	optind = 0;
	while ((o = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		if (o != 'y')
			return usage_error("credentials", "rollback: unknown flag");
		yes = true;
	}
	if (optind + 1 != argc)
		return usage_error("credentials", "rollback: one tag, as `list` shows it");
	if (decimal_parse(argv[optind], strlen(argv[optind]), UINT32_MAX, &tag) != 0)
		return usage_error("credentials", "rollback: '%s' is not a tag", argv[optind]);
	r = client_open(&c);
	if (r == 0 && !yes)
		r = confirm(c, (uint32_t)tag);
	return r == 0 ? roll_back(c, (uint32_t)tag) : r;
}
