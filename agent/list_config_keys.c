/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "agent/config_exports.h"
#include "agent/config_keys.h"

/* "section.key" a line. */
int main(void)
{
	for (size_t i = 0; i < config_n_keys; i++)
		printf("%s.%s\n", config_keys[i].section, config_keys[i].name);
	for (size_t i = 0; i < CONFIG_EXPORT_N_KEYS; i++)
		printf("export.%s\n", config_export_keys[i].name);
	return 0;
}
