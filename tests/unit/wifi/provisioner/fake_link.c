/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/wifi/provisioner/fake_link.h"

static struct fake_link *fake(const struct link *l)
{
	return (struct fake_link *)l;
}

struct link *fake_link_as_link(struct fake_link *f)
{
	return (struct link *)f;
}

int link_try(struct link *l, const struct wifi_config *config)
{
	struct fake_link *f = fake(l);

	f->n_tries++;
	f->tried = *config;
	if (f->try_r == 0)
		f->view.is_trying = true;
	return f->try_r;
}

int link_forget(struct link *l)
{
	fake(l)->n_forgets++;
	return fake(l)->forget_r;
}

int link_scan(struct link *l, const struct wifi_scan_params *params)
{
	struct fake_link *f = fake(l);

	f->n_scans++;
	f->has_scan_params = params != NULL;
	if (params)
		f->scan_params = *params;
	return f->scan_r;
}

void link_scan_stop(struct link *l)
{
	fake(l)->n_stops++;
}

void link_get_view(const struct link *l, struct link_view *ret)
{
	*ret = fake(l)->view;
}
