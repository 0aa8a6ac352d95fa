/* SPDX-License-Identifier: Apache-2.0 */
#include "wifi/provisioner_records.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "wifi/provisioner_ssid.h"

#define ACCURACY_US 1000

struct records {
	sd_event_source *timer; /* owned; for the next one */
	records_fn fn;
	void *userdata;
	enum wifi_band band;
	size_t n, n_told;
	uint64_t next_ms; /* clock_ms(); not before */
	struct wifi_record record[RECORDS_MAX];
};

static void arm(struct records *r)
{
	if (r->n_told == r->n) {
		sd_event_source_set_enabled(r->timer, SD_EVENT_OFF);
		return;
	}
	sd_event_source_set_time(r->timer, r->next_ms * 1000);
	sd_event_source_set_enabled(r->timer, SD_EVENT_ONESHOT);
}

static int on_timer(sd_event_source *source, uint64_t us, void *userdata)
{
	struct records *r = userdata;
	struct wifi_record record;
	uint64_t now = clock_ms();

	(void)source;
	(void)us;
	if (now < r->next_ms || r->n_told == r->n) {
		arm(r);
		return 0;
	}
	/* Whoever hears of it may start or stop us. */
	record = r->record[r->n_told++];
	r->next_ms = now + RECORDS_GAP_MS;
	arm(r);
	r->fn(&record, r->userdata);
	return 0;
}

int records_new(sd_event *event, records_fn fn, void *userdata, struct records **ret)
{
	_cleanup_(records_freep) struct records *r = calloc(1, sizeof(*r));
	int e;

	if (!r)
		return -ENOMEM;
	r->fn = fn;
	r->userdata = userdata;
	e = sd_event_add_time(event, &r->timer, CLOCK_BOOTTIME, 0, ACCURACY_US, on_timer, r);
	if (e < 0)
		return e;
	e = sd_event_source_set_enabled(r->timer, SD_EVENT_OFF);
	if (e < 0)
		return e;
	*ret = TAKE_PTR(r);
	return 0;
}

struct records *records_free(struct records *r)
{
	if (!r)
		return NULL;
	sd_event_source_disable_unref(r->timer);
	free(r);
	return NULL;
}

void records_stop(struct records *r)
{
	/* next_ms stays: the gap is the radio's, whichever scan a record is of. */
	r->n = r->n_told = 0;
	arm(r);
}

void records_start(struct records *r, enum wifi_band band)
{
	records_stop(r);
	r->band = band;
}

static bool is_wanted(const struct records *r, const struct wifi_network *n)
{
	if (r->band != WIFI_BAND_ANY && n->band != r->band)
		return false;
	/* Apps drop a network without one, and take larger numbers for none. */
	return n->auth <= WIFI_AUTH_WPA3_PSK && ssid_is_showable(n);
}

static bool is_known(const struct records *r, const struct wifi_network *n)
{
	for (size_t i = 0; i < r->n; i++)
		if (memcmp(r->record[i].network.bssid, n->bssid, sizeof(n->bssid)) == 0)
			return true;
	return false;
}

void records_add(struct records *r, const struct wifi_record *record)
{
	if (!is_wanted(r, &record->network) || is_known(r, &record->network))
		return;
	if (r->n == RECORDS_MAX) {
		log_debug("provisioner: more than %d networks, ignoring", RECORDS_MAX);
		return;
	}
	r->record[r->n++] = *record;
	if (r->n == r->n_told + 1)
		arm(r);
}
