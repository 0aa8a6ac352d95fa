/* SPDX-License-Identifier: Apache-2.0 */
#include "base/options.h"

#include <errno.h>
#include <getopt.h>

int options_read(int argc, char **argv, const struct option_place *places, size_t n)
{
	struct option known[OPTIONS_MAX + 1] = {{NULL, 0, NULL, 0}};
	int i;

	if (n > OPTIONS_MAX)
		return -EINVAL;
	/* The numbers keep an abbreviation of two options ambiguous. */
	for (i = 0; i < (int)n; i++)
		known[i] = (struct option){
			places[i].name, places[i].text ? required_argument : no_argument, NULL, i};
	while ((i = getopt_long(argc, argv, "", known, NULL)) >= 0 && i < (int)n) {
		if (places[i].text)
			*places[i].text = optarg;
		else
			*places[i].flag = true;
	}
	return i == -1 ? 0 : -EINVAL;
}
