/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The records of one scan on their way to a phone: only those that its app can use, each BSSID
 * once, and no faster than the radio, which scans at the same time, gets rid of them. */

#include <systemd/sd-event.h>

#include "proto/wifi/wifi.h"

/* More than an app can show, and than one block of flats holds. */
#define RECORDS_MAX 256
#define RECORDS_GAP_MS 20

struct records;

/* Never from within a call of this header. */
typedef void (*records_fn)(const struct wifi_record *record, void *userdata);

/* -errno. */
int records_new(sd_event *event, records_fn fn, void *userdata, struct records **ret) _must_check_;
struct records *records_free(struct records *r);
DEFINE_CLEANUP(struct records *, records_free);

/* A new scan, of band: nothing was told yet. */
void records_start(struct records *r, enum wifi_band band);
/* Leaves out what an app cannot show or pick, what is of another band, and what is too much. */
void records_add(struct records *r, const struct wifi_record *record);
/* Forgets what is not told yet. */
void records_stop(struct records *r);
