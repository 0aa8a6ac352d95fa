/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The judges behind diagnose.c, one a check: facts in, one finding out. Those of a file share a
 * subject. Inside agent/doctor/ only. */

#include "agent/doctor/diagnose.h"
#include "base/macros.h"

typedef void (*judge_fn)(const struct doctor_facts *f, struct doctor_finding *ret);

void finding_ok(struct doctor_finding *ret, const char *format, ...) _printf_(2, 3);
void finding_skip(struct doctor_finding *ret, const char *format, ...) _printf_(2, 3);
/* means: static. The remedy is set apart, it may have a format of its own. */
void finding_warn(struct doctor_finding *ret, const char *means, const char *format, ...)
	_printf_(3, 4);
void finding_fail(struct doctor_finding *ret, const char *means, const char *format, ...)
	_printf_(3, 4);
void finding_remedy(struct doctor_finding *ret, const char *format, ...) _printf_(2, 3);

/* Whether onboardd ended by itself, and by what this check is about. */
bool judge_ended_by(const struct doctor_facts *f, enum doctor_check c);

/* judge_network.c */
void judge_link(const struct doctor_facts *f, struct doctor_finding *ret);
void judge_address(const struct doctor_facts *f, struct doctor_finding *ret);
void judge_dns(const struct doctor_facts *f, struct doctor_finding *ret);
void judge_portal(const struct doctor_facts *f, struct doctor_finding *ret);
/* judge_path.c */
void judge_udp_path(const struct doctor_facts *f, struct doctor_finding *ret);
void judge_path_mtu(const struct doctor_facts *f, struct doctor_finding *ret);
/* judge_trust.c */
void judge_time(const struct doctor_facts *f, struct doctor_finding *ret);
void judge_root_ca(const struct doctor_facts *f, struct doctor_finding *ret);
void judge_handshake(const struct doctor_facts *f, struct doctor_finding *ret);
void judge_certificate(const struct doctor_facts *f, struct doctor_finding *ret);
void judge_server_name(const struct doctor_facts *f, struct doctor_finding *ret);
/* judge_device.c */
void judge_configuration(const struct doctor_facts *f, struct doctor_finding *ret);
void judge_identity_key(const struct doctor_facts *f, struct doctor_finding *ret);
void judge_claim(const struct doctor_facts *f, struct doctor_finding *ret);
void judge_daemon(const struct doctor_facts *f, struct doctor_finding *ret);
void judge_cycle(const struct doctor_facts *f, struct doctor_finding *ret);
/* judge_storage.c */
void judge_store(const struct doctor_facts *f, struct doctor_finding *ret);
void judge_sealing_key(const struct doctor_facts *f, struct doctor_finding *ret);
void judge_space(const struct doctor_facts *f, struct doctor_finding *ret);
/* judge_wifi.c */
void judge_wifi_services(const struct doctor_facts *f, struct doctor_finding *ret);
void judge_wifi_interface(const struct doctor_facts *f, struct doctor_finding *ret);
