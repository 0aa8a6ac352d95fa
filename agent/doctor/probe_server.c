/* SPDX-License-Identifier: Apache-2.0 */
/* The way to the server, and the server: what the portal says, which datagrams arrive, whom the
 * certificate names, and the two clocks that decide on it. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/doctor/probe.h"
#include "agent/timewatch.h"
#include "base/clock.h"
#include "base/file.h"
#include "cloud/portal.h"
#include "session/anchors.h"
#include "session/probe.h"
#include "session/session.h"

#define PORTAL_TIMEOUT_MS 3000
#define PATH_TIMEOUT_MS 4000
#define HANDSHAKE_TIMEOUT_MS 4000
#define ROOT_CA_MAX 65536
#define TIMESYNCD "/run/systemd/timesync/synchronized"
#define CLOCK_CHIP "/sys/class/rtc/rtc0"

/* A bare hello; the least that every IPv4 host takes in one piece; a full block of a report with
 * its CoAP and DTLS around it. */
static const size_t path_sizes[] = {128, 548, 1152};

static enum facts_portal portal_of(enum portal_result r)
{
	switch (r) {
	case PORTAL_OPEN:
		return FACTS_PORTAL_OPEN;
	case PORTAL_CAPTIVE:
		return FACTS_PORTAL_CAPTIVE;
	case PORTAL_SILENT:
		break;
	}
	return FACTS_PORTAL_SILENT;
}

int probe_portal(struct probe *p)
{
	struct doctor_facts *f = p->facts;
	struct portal_answer answer;
	int r;

	/* Its name would be asked of the same resolver. */
	if (!p->config || !p->config->portal_url || f->n_addresses == 0 ||
	    f->lookup == FACTS_LOOKUP_FAILED)
		return 0;
	r = portal_probe(p->config->portal_url, PORTAL_TIMEOUT_MS, &answer);
	if (r < 0)
		return r;
	f->portal = portal_of(answer.result);
	fact_set(f->portal_text, sizeof(f->portal_text), answer.detail);
	f->portal_date_s = answer.date_s;
	return 0;
}

void probe_time(struct probe *p)
{
	struct doctor_facts *f = p->facts;

	f->now_s = clock_wall_s();
	f->built_s = timewatch_built_at();
	f->floor_s = MAX(f->floor_s, f->built_s);
	f->is_synchronised = timewatch_is_synchronised();
	fact_set(f->time_source, sizeof(f->time_source),
		 access(TIMESYNCD, F_OK) == 0 ? "systemd-timesyncd" : "an NTP client");
	f->has_clock_chip = access(CLOCK_CHIP, F_OK) == 0;
}

/* The file, when onboardd does not say what it trusts. */
static int read_root_ca(struct probe *p)
{
	struct doctor_facts *f = p->facts;
	_cleanup_(secret_done) struct secret file = SECRET_INIT;
	int r;

	if (p->root_ca || !p->config)
		return 0;
	fact_set(f->root_ca_from, sizeof(f->root_ca_from), p->config->root_ca);
	r = file_read(p->config->root_ca, ROOT_CA_MAX, &file);
	if (r == -ENOMEM)
		return r;
	if (r < 0) {
		fact_set(f->root_ca_text, sizeof(f->root_ca_text), strerror(-r));
		return 0;
	}
	p->root_ca = strndup(file.data ? (const char *)file.data : "", file.len);
	return p->root_ca ? 0 : -ENOMEM;
}

int probe_trust(struct probe *p)
{
	struct doctor_facts *f = p->facts;
	struct anchors a;
	int r = read_root_ca(p);

	if (r < 0 || !p->root_ca)
		return r;
	f->has_root_ca = true;
	r = anchors_examine(p->root_ca, &a);
	if (r == -ENOMEM)
		return r;
	f->root_ca_is_readable = r == 0;
	if (r == 0) {
		f->root_ca_from_s = a.from_s;
		f->root_ca_until_s = a.until_s;
	}
	return 0;
}

static enum facts_handshake handshake_of(int r)
{
	switch (r) {
	case 0:
		return FACTS_HANDSHAKE_DONE;
	case SESSION_E_CERTIFICATE:
		return FACTS_HANDSHAKE_CERTIFICATE;
	case SESSION_E_TIMEOUT:
		return FACTS_HANDSHAKE_STALLED;
	default:
		return FACTS_HANDSHAKE_REFUSED;
	}
}

static int shake_hands(struct probe *p)
{
	struct doctor_facts *f = p->facts;
	struct probe_server server;
	int r;

	r = probe_server(&p->address, f->server, f->port, p->root_ca, HANDSHAKE_TIMEOUT_MS,
			 &server);
	if (r < 0)
		return r;
	f->handshake = handshake_of(server.result);
	f->certificate_faults = server.faults;
	fact_set(f->handshake_text, sizeof(f->handshake_text), server.detail);
	return 0;
}

int probe_way(struct probe *p)
{
	struct doctor_facts *f = p->facts;
	struct probe_path path;
	int r;

	if (!p->has_address || (f->n_running == 0 && !f->target_is_here))
		return 0;
	r = probe_path(&p->address, path_sizes, ARRAY_SIZE(path_sizes), PATH_TIMEOUT_MS, &path);
	if (r < 0)
		return r;
	f->path_was_tried = true;
	f->path_error = path.error;
	f->path_largest = path.largest;
	f->path_wanted = path_sizes[ARRAY_SIZE(path_sizes) - 1];
	f->path_mtu = path.mtu;
	return path.largest > 0 && f->root_ca_is_readable ? shake_hands(p) : 0;
}
