/* SPDX-License-Identifier: Apache-2.0 */
/* What the datagrams of the probe came to, small ones and large ones. */

#include <errno.h>
#include <string.h>

#include "agent/doctor/judge.h"

static const char *where(const struct doctor_facts *f)
{
	return *f->literal ? f->literal : f->address;
}

static void fail_with_error(const struct doctor_facts *f, struct doctor_finding *ret)
{
	static const char means[] = "Not one datagram of a session gets through.";

	switch (f->path_error) {
	case ECONNREFUSED:
		finding_fail(ret, means, "nothing listens at %s port %u", where(f), f->port);
		finding_remedy(ret,
			       "Check `server` and `port` in [provisioning], and that the service "
			       "runs.");
		return;
	case EPERM:
	case EACCES:
		finding_fail(ret, means, "this device itself does not let UDP to port %u out",
			     f->port);
		finding_remedy(ret, "Its packet filter forbids it: nft list ruleset.");
		return;
	default:
		finding_fail(ret, means, "%s port %u: %s", where(f), f->port,
			     strerror(f->path_error));
		finding_remedy(ret, "There is no route to the server: ip route get %s.", where(f));
		return;
	}
}

void judge_udp_path(const struct doctor_facts *f, struct doctor_finding *ret)
{
	if (!f->path_was_tried) {
		finding_skip(ret, "not tried");
	} else if (f->path_largest > 0) {
		finding_ok(ret, "%s port %u answers", where(f), f->port);
	} else if (f->path_error != 0) {
		fail_with_error(f, ret);
	} else {
		finding_fail(ret, "Not one datagram of a session gets through.",
			     "no answer from %s port %u", where(f), f->port);
		finding_remedy(ret,
			       "Let UDP to port %u out, and its answers in, in the firewall of "
			       "this network; check that the service runs.",
			       f->port);
	}
}

void judge_path_mtu(const struct doctor_facts *f, struct doctor_finding *ret)
{
	static const char means[] = "Sessions open or not by luck, and long results never arrive.";

	if (f->path_largest < f->path_wanted) {
		if (f->path_mtu > 0 && f->path_mtu < f->path_wanted)
			finding_fail(ret, means,
				     "of datagrams of %zu bytes not all fragments arrive; the link "
				     "takes "
				     "%u at once",
				     f->path_wanted, f->path_mtu);
		else
			finding_fail(ret, means,
				     "datagrams of %zu bytes arrive, such of %zu do not",
				     f->path_largest, f->path_wanted);
		finding_remedy(
			ret, "Let fragments and ICMP \"fragmentation needed\" through, or set the "
			     "MTU of this link to what the path takes.");
	} else if (f->handshake == FACTS_HANDSHAKE_STALLED) {
		finding_fail(ret, means,
			     "the server's small answers arrive, its large ones do not");
		finding_remedy(ret,
			       "On the way here large datagrams or their fragments are dropped: "
			       "let them and ICMP \"fragmentation needed\" through.");
	} else {
		finding_ok(ret, "datagrams of %zu bytes arrive", f->path_largest);
	}
}
