/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The probes behind examine.c, one subject each. They write what they see into the facts and judge
 * nothing. -errno only for what keeps this program from working. Inside agent/doctor/ only. */

#include <systemd/sd-bus.h>

#include "agent/config.h"
#include "agent/doctor/facts.h"
#include "base/macros.h"
#include "session/resolve.h"

/* What is needed on the way and is no fact. */
struct probe {
	struct doctor_facts *facts; /* borrowed */
	struct config *config;      /* owned; NULL: not understood, or not readable */
	char *root_ca;              /* owned PEM; NULL: there is none to be had */
	struct resolve_address address;
	bool has_address;
};

void fact_set(char *ret, size_t size, const char *text);

int probe_config(struct probe *p, const char *file) _must_check_;
/* Also the configuration and the root CA as onboardd has them. */
void probe_daemon(struct probe *p);
int probe_links(struct probe *p) _must_check_;
int probe_dns(struct probe *p) _must_check_;
int probe_portal(struct probe *p) _must_check_;
int probe_trust(struct probe *p) _must_check_;
int probe_way(struct probe *p) _must_check_;
void probe_time(struct probe *p);
void probe_files(struct probe *p);
void probe_wifi(struct probe *p);
