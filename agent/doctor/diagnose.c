/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/doctor/diagnose.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "agent/doctor/judge.h"

#define NEEDS(check) (1U << DOCTOR_##check)

/* clang-format off */
static const struct {
	const char *name;
	judge_fn judge;
	unsigned int needs; /* it is skipped when one of these failed or was skipped */
	enum exit_code exit;
} checks[DOCTOR_N_CHECKS] = {
	[DOCTOR_CONFIGURATION] = {"configuration", judge_configuration, 0, EXIT_CODE_USAGE},
	[DOCTOR_LINK] = {"link", judge_link, 0, EXIT_CODE_NETWORK},
	[DOCTOR_ADDRESS] = {"address", judge_address, NEEDS(LINK), EXIT_CODE_NETWORK},
	[DOCTOR_DNS] = {"dns", judge_dns, NEEDS(ADDRESS), EXIT_CODE_NETWORK},
	[DOCTOR_PORTAL] = {"captive-portal", judge_portal, NEEDS(ADDRESS), EXIT_CODE_NETWORK},
	[DOCTOR_UDP_PATH] = {"udp-path", judge_udp_path, NEEDS(ADDRESS) | NEEDS(DNS), EXIT_CODE_NETWORK},
	[DOCTOR_PATH_MTU] = {"path-mtu", judge_path_mtu, NEEDS(UDP_PATH), EXIT_CODE_NETWORK},
	[DOCTOR_TIME] = {"time", judge_time, 0, EXIT_CODE_TIME},
	[DOCTOR_ROOT_CA] = {"root-ca", judge_root_ca, 0, EXIT_CODE_NETWORK},
	[DOCTOR_HANDSHAKE] = {"handshake", judge_handshake, NEEDS(UDP_PATH) | NEEDS(PATH_MTU) | NEEDS(ROOT_CA), EXIT_CODE_NETWORK},
	[DOCTOR_CERTIFICATE] = {"certificate", judge_certificate, NEEDS(HANDSHAKE), EXIT_CODE_NETWORK},
	[DOCTOR_SERVER_NAME] = {"server-name", judge_server_name, NEEDS(HANDSHAKE), EXIT_CODE_NETWORK},
	[DOCTOR_IDENTITY_KEY] = {"identity-key", judge_identity_key, 0, EXIT_CODE_IDENTITY},
	[DOCTOR_CLAIM] = {"claim", judge_claim, 0, EXIT_CODE_UNCLAIMED},
	[DOCTOR_STORE] = {"store", judge_store, 0, EXIT_CODE_STORE},
	[DOCTOR_SEALING_KEY] = {"sealing-key", judge_sealing_key, 0, EXIT_CODE_STORE},
	[DOCTOR_SPACE] = {"space", judge_space, 0, EXIT_CODE_STORE},
	[DOCTOR_WIFI_SERVICES] = {"wifi-services", judge_wifi_services, 0, EXIT_CODE_NETWORK},
	[DOCTOR_WIFI_INTERFACE] = {"wifi-interface", judge_wifi_interface, NEEDS(WIFI_SERVICES), EXIT_CODE_NETWORK},
	[DOCTOR_DAEMON] = {"daemon", judge_daemon, 0, EXIT_CODE_FAILED},
	[DOCTOR_CYCLE] = {"cycle", judge_cycle, NEEDS(DAEMON), EXIT_CODE_DEGRADED},
};
/* clang-format on */

const char *doctor_check_name(enum doctor_check c)
{
	return c < DOCTOR_N_CHECKS ? checks[c].name : NULL;
}

const char *doctor_level_name(enum doctor_level l)
{
	static const char *const names[] = {"ok", "skipped", "warning", "failed"};

	return names[l];
}

static _printf_(4, 0) void write_finding(struct doctor_finding *ret, enum doctor_level level,
					 const char *means, const char *format, va_list ap)
{
	ret->level = level;
	ret->means = means;
	vsnprintf(ret->what, sizeof(ret->what), format, ap);
}

void finding_ok(struct doctor_finding *ret, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	write_finding(ret, DOCTOR_OK, NULL, format, ap);
	va_end(ap);
}

void finding_skip(struct doctor_finding *ret, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	write_finding(ret, DOCTOR_SKIPPED, NULL, format, ap);
	va_end(ap);
}

void finding_warn(struct doctor_finding *ret, const char *means, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	write_finding(ret, DOCTOR_WARNING, means, format, ap);
	va_end(ap);
}

void finding_fail(struct doctor_finding *ret, const char *means, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	write_finding(ret, DOCTOR_FAILED, means, format, ap);
	va_end(ap);
}

void finding_remedy(struct doctor_finding *ret, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(ret->remedy, sizeof(ret->remedy), format, ap);
	va_end(ap);
}

bool judge_ended_by(const struct doctor_facts *f, enum doctor_check c)
{
	return f->daemon == FACTS_DAEMON_ABSENT && strcmp(f->ended_by, checks[c].name) == 0;
}

/* The first of those that this check needs and that is of no use, else DOCTOR_N_CHECKS. */
static enum doctor_check hindrance(const struct doctor_report *r, enum doctor_check c)
{
	for (unsigned int i = 0; i < c; i++)
		if (checks[c].needs & (1U << i) && (r->findings[i].level == DOCTOR_FAILED ||
						    r->findings[i].level == DOCTOR_SKIPPED))
			return (enum doctor_check)i;
	return DOCTOR_N_CHECKS;
}

static enum doctor_check first_of(const struct doctor_report *r, enum doctor_level level)
{
	unsigned int i = 0;

	while (i < DOCTOR_N_CHECKS && r->findings[i].level != level)
		i++;
	return (enum doctor_check)i;
}

void doctor_diagnose(const struct doctor_facts *f, struct doctor_report *ret)
{
	*ret = (struct doctor_report){.cause = DOCTOR_N_CHECKS};
	for (unsigned int i = 0; i < DOCTOR_N_CHECKS; i++) {
		enum doctor_check by = hindrance(ret, (enum doctor_check)i);

		if (by < DOCTOR_N_CHECKS)
			finding_skip(&ret->findings[i], "needs %s", checks[by].name);
		else
			checks[i].judge(f, &ret->findings[i]);
	}
	ret->cause = first_of(ret, DOCTOR_FAILED);
	if (ret->cause == DOCTOR_N_CHECKS)
		ret->cause = first_of(ret, DOCTOR_WARNING);
}

enum exit_code doctor_exit_code(const struct doctor_report *r)
{
	if (r->cause == DOCTOR_N_CHECKS || r->findings[r->cause].level != DOCTOR_FAILED)
		return EXIT_CODE_DONE;
	return checks[r->cause].exit;
}
