/* SPDX-License-Identifier: Apache-2.0 */
/* The clock, and whether the server is who it should be: the one decides on the other. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "agent/doctor/judge.h"
#include "session/certificate_fault.h"

#define DAY_S 86400
#define YEAR_9999_S INT64_C(253402300799)
#define DATE_MAX 40

static const char *date(int64_t s, char ret[static DATE_MAX])
{
	const time_t t = (time_t)s;
	struct tm tm;

	if (!gmtime_r(&t, &tm) || strftime(ret, DATE_MAX, "%Y-%m-%d %H:%M UTC", &tm) == 0)
		snprintf(ret, DATE_MAX, "%" PRId64, s);
	return ret;
}

static bool disagrees_with_the_web(const struct doctor_facts *f)
{
	return f->portal_date_s > 0 && llabs(f->now_s - f->portal_date_s) > DAY_S;
}

/* Nobody vouches for the clock, and by it a certificate is out of its time. */
static bool is_doubted_by_certificate(const struct doctor_facts *f)
{
	return f->handshake == FACTS_HANDSHAKE_CERTIFICATE && !f->is_synchronised &&
	       f->portal_date_s == 0 &&
	       f->certificate_faults & (CERTIFICATE_EXPIRED | CERTIFICATE_FUTURE);
}

void judge_time(const struct doctor_facts *f, struct doctor_finding *ret)
{
	static const char means[] =
		"The service refuses tokens of a wrong time, and no certificate can be checked.";
	static const char remedy[] =
		"Let an NTP client set the clock (systemd-timesyncd, chrony), or set it: date -s.";
	char now[DATE_MAX], other[DATE_MAX];

	date(f->now_s, now);
	if (f->now_s < f->built_s || f->now_s > YEAR_9999_S) {
		finding_fail(ret, means, "the clock says %s; this program was built at %s", now,
			     date(f->built_s, other));
	} else if (disagrees_with_the_web(f)) {
		finding_fail(ret, means, "the clock says %s, a web server says %s", now,
			     date(f->portal_date_s, other));
	} else if (!f->is_synchronised && f->now_s < f->floor_s) {
		finding_fail(ret, means, "the clock says %s; it was later already: %s", now,
			     date(f->floor_s, other));
	} else if (is_doubted_by_certificate(f)) {
		finding_fail(
			ret, means,
			"nothing keeps the clock right, it says %s, and that is out of the time of "
			"the server's certificate",
			now);
	} else if (!f->is_synchronised && f->require_sync) {
		finding_fail(ret, "onboardd waits until the clock is kept right.",
			     "nothing keeps the clock right, and `require-sync` in [time] is set");
	} else if (!f->is_synchronised) {
		finding_warn(ret, "When the clock goes wrong, the service will refuse this device.",
			     "it may be right (%s), but nothing keeps it so%s", now,
			     f->has_clock_chip ? "" : ", and there is no clock chip");
	} else {
		finding_ok(ret, "%s, kept right by %s", now, f->time_source);
		return;
	}
	finding_remedy(ret, "%s", remedy);
}

void judge_root_ca(const struct doctor_facts *f, struct doctor_finding *ret)
{
	static const char means[] = "No server can prove who it is.";
	char until[DATE_MAX];

	if (judge_ended_by(f, DOCTOR_ROOT_CA))
		finding_fail(ret, means, "%s", f->ended_text);
	else if (!f->has_target)
		finding_skip(ret, "the configuration is not known");
	else if (!f->has_root_ca)
		finding_fail(ret, means, "%s: %s", f->root_ca_from, f->root_ca_text);
	else if (!f->root_ca_is_readable)
		finding_fail(ret, means, "%s: not PEM certificates", f->root_ca_from);
	else if (f->now_s >= f->built_s && f->now_s > f->root_ca_until_s)
		finding_fail(ret, means, "%s: expired at %s", f->root_ca_from,
			     date(f->root_ca_until_s, until));
	else if (f->handshake == FACTS_HANDSHAKE_CERTIFICATE &&
		 f->certificate_faults & CERTIFICATE_UNTRUSTED)
		finding_fail(ret,
			     "The server is not one that this device trusts: a wrong root CA, or "
			     "somebody in between.",
			     "%s", f->handshake_text);
	else
		finding_ok(ret, "%s, until %s", f->root_ca_from, date(f->root_ca_until_s, until));
	if (ret->level == DOCTOR_FAILED)
		finding_remedy(
			ret,
			"Put the CA above the server's certificate into `root-ca` of "
			"[provisioning] and restart onboardd; if it is the right one, ask who "
			"answers at %s.",
			*f->literal ? f->literal : f->address);
}

void judge_handshake(const struct doctor_facts *f, struct doctor_finding *ret)
{
	switch (f->handshake) {
	case FACTS_HANDSHAKE_NONE:
		finding_skip(ret, "not tried");
		return;
	case FACTS_HANDSHAKE_DONE:
		finding_ok(ret, "%s", f->handshake_text);
		return;
	case FACTS_HANDSHAKE_CERTIFICATE:
		finding_ok(ret, "the server shows its certificate");
		return;
	case FACTS_HANDSHAKE_REFUSED:
	case FACTS_HANDSHAKE_STALLED:
		break;
	}
	finding_fail(ret, "No session can be opened.", "%s", f->handshake_text);
	finding_remedy(ret, "Check that `server` and `port` of [provisioning] are those of a "
			    "provisioning service with DTLS 1.2 and a P-256 certificate.");
}

void judge_certificate(const struct doctor_facts *f, struct doctor_finding *ret)
{
	const unsigned int mine = ~(unsigned int)(CERTIFICATE_UNTRUSTED | CERTIFICATE_NAME);

	if (f->handshake != FACTS_HANDSHAKE_CERTIFICATE || !(f->certificate_faults & mine)) {
		finding_ok(ret, "of the server: good");
		return;
	}
	finding_fail(ret, "The server's certificate cannot be accepted.", "%s", f->handshake_text);
	finding_remedy(ret, "Renew it where the service runs.");
}

void judge_server_name(const struct doctor_facts *f, struct doctor_finding *ret)
{
	if (f->handshake != FACTS_HANDSHAKE_CERTIFICATE ||
	    !(f->certificate_faults & CERTIFICATE_NAME)) {
		finding_ok(ret, "%s", f->server);
		return;
	}
	finding_fail(ret, "The server that answers is not the one that was asked for.", "%s",
		     f->handshake_text);
	finding_remedy(ret,
		       "Write the name of the certificate into `server` of [provisioning]; if that "
		       "is right, something leads this device to another server.");
}
