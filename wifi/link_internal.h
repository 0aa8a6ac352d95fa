/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the files of the link share: link.c has its header's functions and the events from below,
 * link_moves.c the one door to its state. Inside wifi/link*.c only. */

#include "base/backoff.h"
#include "wifi/deadline.h"
#include "wifi/link.h"
#include "wifi/linkfsm.h"
#include "wifi/station/address.h"
#include "wifi/station/station.h"
#include "wifi/trial.h"

#define NO_REASON (-1)

struct posted {
	enum linkfsm_event event;
	int reason; /* enum wifi_reason when it is a failure, else NO_REASON */
	const char *why;
};

struct link {
	/* What it works with. */
	struct saved *saved; /* borrowed */
	struct link_options options;
	struct link_events events;
	struct station_events station_events;
	struct station *station; /* owned */
	struct address *address; /* owned; NULL until a link is up on this interface */
	sd_event *event;         /* borrowed */

	/* Where it is. */
	bool is_started;
	struct linkfsm fsm;
	struct posted posted;
	bool has_posted;
	struct trial trial;
	struct deadline *timer; /* owned; of the state */

	/* The attempt under way. */
	uint64_t attempt_end_ms;       /* 0: no limit any more */
	bool is_address_limit;         /* what the timer of an address stands for here */
	struct deadline *ip6_deadline; /* owned */
	bool is_ip6_enough;
	int try_r;

	/* Waits between attempts. */
	struct backoff backoff;
	uint64_t connected_ms;
	uint64_t retried_at_once_ms; /* 0: never */

	/* The scan under way. */
	const struct wifi_scan_params *scan_params; /* during link_scan() only */
	int scan_r;
	bool is_scanning;

	/* What people see. */
	bool has_failed;
	enum wifi_reason last_reason;
	struct deadline *stranded_deadline; /* owned */
	bool is_stranded;
	bool has_rssi;
	int rssi_dbm;

	/* What is still to be told. */
	sd_event_source *teller; /* owned */
	bool is_changed;
	bool is_scan_ended; /* by us */
	int scan_end_r;
};

/* Makes the move of this event, and those that follow from it. reason: enum wifi_reason when it is
 * a failure, else NO_REASON; why is for the log. Never from within a move: station and watches do
 * not call back from within a call. */
void link_say(struct link *l, enum linkfsm_event event, int reason, const char *why);

/* What is to be told is told when the event loop runs. */
void link_wake_teller(struct link *l);
void link_mark_changed(struct link *l);
/* The scan under way, if there is one, ended by our doing. */
void link_end_scan(struct link *l, int r);
/* Judges anew whether somebody has to help. */
void link_judge_stranded(struct link *l);
