/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/doctor/examine.h"

#include "agent/doctor/probe.h"
#include "agent/plain.h"

void fact_set(char *ret, size_t size, const char *text)
{
	plain_text(text, ret, size);
}

static int examine_all(struct probe *p, const char *config_file)
{
	int r = probe_config(p, config_file);

	if (r == 0) {
		probe_daemon(p);
		r = probe_links(p);
	}
	if (r == 0)
		r = probe_dns(p);
	if (r == 0)
		r = probe_portal(p);
	probe_time(p);
	if (r == 0)
		r = probe_trust(p);
	if (r == 0)
		r = probe_way(p);
	probe_files(p);
	probe_wifi(p);
	return r;
}

int doctor_examine(const char *config_file, struct doctor_facts *ret)
{
	struct probe p = {.facts = ret};
	int r;

	*ret = (struct doctor_facts){0};
	r = examine_all(&p, config_file);
	config_free(p.config);
	free(p.root_ca);
	return r;
}
