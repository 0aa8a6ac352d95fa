/* SPDX-License-Identifier: Apache-2.0 */
/* From the cable to a name's address. */

#include "agent/doctor/judge.h"

void judge_link(const struct doctor_facts *f, struct doctor_finding *ret)
{
	if (f->n_running > 0) {
		finding_ok(ret, "%s is up", f->link);
	} else if (f->target_is_here) {
		finding_ok(ret, "none is needed: the server is on this device");
	} else if (f->n_links == 0) {
		finding_fail(ret, "Nothing outside of this device can be reached.",
			     "there is no network interface");
		finding_remedy(ret, "Load the driver of the network device: ip link, dmesg.");
	} else if (f->link_is_disabled) {
		finding_fail(ret, "Nothing outside of this device can be reached.",
			     "%s is switched off", f->link);
		finding_remedy(ret, "ip link set %s up, or let the network manager do it.",
			       f->link);
	} else {
		finding_fail(ret, "Nothing outside of this device can be reached.",
			     "%s has no carrier", f->link);
		finding_remedy(ret, "Plug the cable in; for Wi-Fi: onboardctl wifi status.");
	}
}

void judge_address(const struct doctor_facts *f, struct doctor_finding *ret)
{
	if (f->target_is_here) {
		finding_ok(ret, "none is needed: the server is on this device");
	} else if (f->n_addresses == 0) {
		finding_fail(ret, "The link is there, but no way to talk over it.",
			     f->has_link_local ? "%s has only the address that it gave itself: "
						 "DHCP has not answered"
					       : "%s has no address",
			     f->link);
		finding_remedy(ret,
			       "Look for the DHCP server of this network and the client on %s, or "
			       "set an address by hand.",
			       f->link);
	} else if (!f->has_default_route && f->needs_default_route) {
		finding_fail(ret, "onboardd waits for a default route before it does anything.",
			     "there is an address, but no default route");
		finding_remedy(ret,
			       "Let DHCP name a router or add a route; for a network without one "
			       "set `wait-for-default-route = no` in [network].");
	} else {
		finding_ok(ret, "%u, %s default route", f->n_addresses,
			   f->has_default_route ? "with a" : "without a");
	}
}

/* Whoever answers for every name belongs to a portal; when one was seen, that says it better. */
static bool is_portals_doing(const struct doctor_facts *f)
{
	return f->portal == FACTS_PORTAL_CAPTIVE && f->dns_invents;
}

void judge_dns(const struct doctor_facts *f, struct doctor_finding *ret)
{
	const bool is_answered = f->path_was_tried && f->path_largest > 0;

	if (!f->has_target) {
		finding_skip(ret, "no server is known");
	} else if (*f->literal) {
		finding_ok(ret, "not needed: %s is configured", f->literal);
	} else if (f->lookup == FACTS_LOOKUP_NONE) {
		finding_skip(ret, "not asked");
	} else if (f->lookup == FACTS_LOOKUP_FAILED) {
		finding_fail(ret, "The server's address is not known.", "%s: %s", f->server,
			     f->lookup_text);
		finding_remedy(ret,
			       "Check `server` in [provisioning] and the resolver in "
			       "/etc/resolv.conf: getent ahosts %s.",
			       f->server);
	} else if (f->address_is_nowhere) {
		finding_fail(ret, "The resolver sends this device to a place where no server is.",
			     "%s is %s, says the resolver", f->server, f->address);
		finding_remedy(ret,
			       "A filter of this network hides the server's name: allow it there, "
			       "or use another resolver in /etc/resolv.conf.");
	} else if (f->dns_invents && !is_answered && !is_portals_doing(f)) {
		finding_fail(ret, "The resolver invents addresses, also that of the server.",
			     "names that cannot exist have an address here; %s is %s", f->server,
			     f->address);
		finding_remedy(ret, "Log in to this network if it asks for that, or use another "
				    "resolver in /etc/resolv.conf.");
	} else {
		finding_ok(ret, "%s is %s", f->server, f->address);
	}
}

void judge_portal(const struct doctor_facts *f, struct doctor_finding *ret)
{
	const bool is_answered = f->path_was_tried && f->path_largest > 0;

	switch (f->portal) {
	case FACTS_PORTAL_NONE:
		finding_skip(ret, "`captive-portal-url` in [network] is not set");
		return;
	case FACTS_PORTAL_OPEN:
		finding_ok(ret, "none");
		return;
	case FACTS_PORTAL_SILENT:
		finding_skip(ret, "no answer that tells: %s", f->portal_text);
		return;
	case FACTS_PORTAL_CAPTIVE:
		break;
	}
	if (is_answered)
		finding_warn(
			ret,
			"The web goes through a portal here; the server is reached all the same.",
			"%s", f->portal_text);
	else
		finding_fail(ret,
			     "This network lets nothing through before somebody has logged in.",
			     "%s", f->portal_text);
	finding_remedy(ret, "Log in from a browser in this network, have this device's MAC address "
			    "allowed, or use another network.");
}
