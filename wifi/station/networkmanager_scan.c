/* SPDX-License-Identifier: Apache-2.0 */

/* Scans. NetworkManager tells that one has ended (LastScan) a moment before its access points show
 * what was found; then all are read in one call. It scans every band, actively, and at most once in
 * some eight seconds: a request before that waits. There is no way to stop one. */

#include "wifi/station/networkmanager.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

#define SETTLE_US 500000
/* What was seen so long before the scan is there still. */
#define FRESH_MS 15000

void nm_scan_reset(struct nm *nm)
{
	nm->is_scanning = nm->is_scan_asked = false;
	nm->scan = sd_bus_slot_unref(nm->scan);
	nm->read_objects = sd_bus_slot_unref(nm->read_objects);
	nm->settle = sd_event_source_disable_unref(nm->settle);
}

static void finish(struct nm *nm, int r)
{
	nm_scan_reset(nm);
	nm->events->scan_done(nm->events->userdata, r);
}

struct results {
	uint64_t from_ms;
	struct wifi_record *records; /* owned */
	size_t n;
};

static void results_done(struct results *r)
{
	free(r->records);
}

static void on_result(void *userdata, const struct nm_access_point *ap)
{
	struct results *results = userdata;
	bool is_fresh =
		ap->seen_s >= 0 && (uint64_t)ap->seen_s * 1000 + FRESH_MS >= results->from_ms;

	if (ap->is_valid && is_fresh && results->n < NM_ACCESS_POINTS_MAX)
		results->records[results->n++] = ap->record;
}

static int on_objects(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	_cleanup_(results_done) struct results results = {0};
	struct nm *nm = userdata;
	int r = -sd_bus_message_get_errno(m);

	(void)error;
	nm->read_objects = sd_bus_slot_unref(nm->read_objects);
	results.from_ms = nm->scan_from_ms;
	results.records = calloc(NM_ACCESS_POINTS_MAX, sizeof(*results.records));
	if (r == 0 && !results.records)
		r = -ENOMEM;
	if (r == 0)
		r = nm_read_objects(m, nm->device.path, on_result, &results);
	if (r < 0) {
		log_warning("networkmanager: cannot read what a scan of %s has found: %s",
			    nm->interface, strerror(-r));
		finish(nm, r);
		return 0;
	}
	/* Whoever is told may stop the scan. */
	for (size_t i = 0; i < results.n && nm->is_scanning; i++)
		nm->events->found(nm->events->userdata, &results.records[i]);
	if (nm->is_scanning)
		finish(nm, 0);
	return 0;
}

static int read_objects(struct nm *nm)
{
	return sd_bus_call_method_async(nm->bus, &nm->read_objects, NM_SERVICE, "/org/freedesktop",
					"org.freedesktop.DBus.ObjectManager", "GetManagedObjects",
					on_objects, nm, NULL);
}

static int on_settled(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct nm *nm = userdata;
	int r;

	(void)source;
	(void)usec;
	nm->settle = sd_event_source_disable_unref(nm->settle);
	r = read_objects(nm);
	if (r < 0)
		finish(nm, r);
	return 0;
}

void nm_scan_cut(struct nm *nm)
{
	int r;

	if (!nm->is_scanning || nm->read_objects)
		return;
	nm->scan = sd_bus_slot_unref(nm->scan);
	nm->settle = sd_event_source_disable_unref(nm->settle);
	r = read_objects(nm);
	/* Nothing may be told from within: the station ends what does not end. */
	if (r < 0)
		log_warning("networkmanager: cannot ask for what a scan of %s has found: %s",
			    nm->interface, strerror(-r));
}

void nm_scan_on_done(struct nm *nm)
{
	int r;

	if (!nm->is_scan_asked || nm->settle || nm->read_objects)
		return;
	r = sd_event_add_time_relative(nm->event, &nm->settle, CLOCK_BOOTTIME, SETTLE_US, 0,
				       on_settled, nm);
	if (r < 0)
		finish(nm, r);
}

static int on_scan_asked(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct nm *nm = userdata;

	(void)error;
	nm->scan = sd_bus_slot_unref(nm->scan);
	if (sd_bus_message_is_method_error(m, NULL)) {
		nm_log_refusal(nm, "scan", sd_bus_message_get_error(m));
		finish(nm, -EIO);
		return 0;
	}
	nm->is_scan_asked = true;
	return 0;
}

int nm_scan(struct nm *nm, const struct wifi_scan_params *params)
{
	int r;

	(void)params; /* the band is the station's to filter, and it cannot scan passively */
	/* Everything is told at the end: who joins has missed nothing. */
	if (nm->is_scanning)
		return 0;
	r = sd_bus_call_method_async(nm->bus, &nm->scan, NM_SERVICE, nm->device.path, NM_WIRELESS,
				     "RequestScan", on_scan_asked, nm, "a{sv}", 0);
	if (r < 0)
		return r;
	nm->is_scanning = true;
	nm->scan_from_ms = clock_ms();
	return 0;
}
