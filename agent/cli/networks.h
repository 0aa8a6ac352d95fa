/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The networks that a scan found, the strongest radio of each, the strongest network first. */

#include <jansson.h>
#include <stdio.h>

#include "proto/wifi/wifi.h"

#define NETWORKS_MAX 128 /* names; the weakest make room */

struct networks {
	struct wifi_record records[NETWORKS_MAX];
	size_t n;
};

/* Hidden networks, which have no name, are left out: they can only be asked for by name. */
void networks_add(struct networks *n, const struct wifi_record *record);
/* NULL when it was not found. */
const struct wifi_record *networks_find(const struct networks *n, const struct wifi_network *name);
/* Numbered from 1. */
void networks_show(const struct networks *n, FILE *f);
/* New reference; NULL without memory. */
json_t *networks_json(const struct wifi_record *record);
