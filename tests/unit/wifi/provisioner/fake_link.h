/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* wifi/link.h, where nothing happens but what the test says. */

#include "wifi/link.h"

struct fake_link {
	int try_r, forget_r, scan_r; /* what the calls return */
	struct link_view view;       /* what link_get_view() says */

	unsigned int n_tries, n_forgets, n_scans, n_stops;
	struct wifi_config tried;
	bool has_scan_params;
	struct wifi_scan_params scan_params;
};

struct link *fake_link_as_link(struct fake_link *f);
