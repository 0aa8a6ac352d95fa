/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <sys/utsname.h>

#include "agent/cli/report.h"

#define OS_RELEASE "/etc/os-release"

static void show_os(FILE *f)
{
	FILE *file = fopen(OS_RELEASE, "re");
	char line[256];

	while (file && fgets(line, sizeof(line), file))
		if (strncmp(line, "PRETTY_NAME=", 12) == 0)
			fprintf(f, "system: %s", line + 12);
	if (file)
		fclose(file);
}

void report_system(FILE *f)
{
	struct utsname u;

	fprintf(f, "onboardctl: " ONBOARD_VERSION "\n");
	if (uname(&u) == 0)
		fprintf(f, "kernel: %s %s %s\n", u.sysname, u.release, u.machine);
	show_os(f);
}
