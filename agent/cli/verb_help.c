/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "agent/cli/verbs.h"

static void print_verb(const struct verb *v)
{
	printf("onboardctl %s%s%s\n", v->name, *v->arguments ? " " : "", v->arguments);
	printf("  %s\n%s", v->summary, v->details);
}

int verb_help(int argc, char **argv)
{
	if (argc > 2)
		return usage_error("help", "one verb at most");
	for (const struct verb *v = verbs; argc == 2 && v->name; v++)
		if (strcmp(argv[1], v->name) == 0) {
			print_verb(v);
			return 0;
		}
	if (argc == 2)
		return usage_error("help", "there is no verb '%s'", argv[1]);
	printf("onboardctl - see and steer onboardd, which takes this device to trusted cloud "
	       "access\n");
	for (const struct verb *v = verbs; v->name; v++) {
		putchar('\n');
		print_verb(v);
	}
	printf("\nExit codes: 0 done, 1 failed, 2 degraded, 3 timeout, 4 network, 5 unclaimed,\n"
	       "6 identity or authentication, 7 time, 8 store, 64 usage. See onboardctl(1).\n");
	return 0;
}
