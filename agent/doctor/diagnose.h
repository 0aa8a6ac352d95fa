/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* From facts to findings, one a check, and to the one that explains the others. Pure. */

#include "agent/doctor/facts.h"
#include "base/exitcode.h"

/* In the order in which they are judged and shown: what comes later needs, more or less, what comes
 * before. */
enum doctor_check {
	DOCTOR_CONFIGURATION,
	DOCTOR_LINK,
	DOCTOR_ADDRESS,
	DOCTOR_DNS,
	DOCTOR_PORTAL,
	DOCTOR_UDP_PATH,
	DOCTOR_PATH_MTU,
	DOCTOR_TIME,
	DOCTOR_ROOT_CA,
	DOCTOR_HANDSHAKE,
	DOCTOR_CERTIFICATE,
	DOCTOR_SERVER_NAME,
	DOCTOR_IDENTITY_KEY,
	DOCTOR_CLAIM,
	DOCTOR_STORE,
	DOCTOR_SEALING_KEY,
	DOCTOR_SPACE,
	DOCTOR_WIFI_SERVICES,
	DOCTOR_WIFI_INTERFACE,
	DOCTOR_DAEMON,
	DOCTOR_CYCLE,
	DOCTOR_N_CHECKS,
};

enum doctor_level {
	DOCTOR_OK,
	DOCTOR_SKIPPED, /* it cannot be told, or would say what another check says */
	DOCTOR_WARNING, /* it works, for now */
	DOCTOR_FAILED,
};

struct doctor_finding {
	enum doctor_level level;
	char what[2 * FACTS_TEXT_MAX]; /* one sentence's part */
	const char *means;             /* static: what it leads to; NULL unless WARNING or FAILED */
	char remedy[FACTS_TEXT_MAX];
};

struct doctor_report {
	struct doctor_finding findings[DOCTOR_N_CHECKS];
	/* The first that failed, else the first warning, else DOCTOR_N_CHECKS. */
	enum doctor_check cause;
};

void doctor_diagnose(const struct doctor_facts *f, struct doctor_report *ret);
/* Of the cause; warnings alone are EXIT_CODE_DONE. */
enum exit_code doctor_exit_code(const struct doctor_report *r);
/* "udp-path". NULL past the last one. */
const char *doctor_check_name(enum doctor_check c);
/* "ok", "skipped", "warning", "failed". */
const char *doctor_level_name(enum doctor_level l);
