/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The Wi-Fi provisioning service without its transport (docs/ble.md §5, §6): a request in, one
 * response and perhaps results out. One configurator at a time.
 *
 * Judges who may. Anybody who is connected: GET_STATUS, STOP_SCAN. In the presence window:
 * START_SCAN, SET_CONFIG, FORGET_CONFIG; the last two within the rate of attempts and with the
 * label code, too. A closed window and too many attempts are answered INTERNAL_ERROR, since nothing
 * is wrong with the argument and the same request may pass later; a missing or wrong label code is
 * INVALID_ARGUMENT. An attempt that connects closes the window.
 *
 * It judges, too, who may read the claim token (claimread.h): see provisioner_claim_refusal(). */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "proto/wifi/wifi.h"
#include "wifi/link.h"
#include "wifi/window.h"

struct provisioner;

struct provisioner_options {
	unsigned int attempts;       /* SET_CONFIG and wrong label codes … */
	uint64_t attempts_period_ms; /* … in so long; more are refused. 0 attempts: every one */
	const char *label_code;      /* NULL: none is asked for. Borrowed. */
};

struct provisioner_events {
	/* Exactly one for every provisioner_request() that returned 0; may come from within it. */
	void (*response)(void *userdata, const uint8_t *data, size_t len);
	void (*result)(void *userdata, const uint8_t *data, size_t len);
	void *userdata;
};

/* link, window and events are borrowed and outlive it; the link's result, found and scan_done must
 * be passed on to it. -errno. */
int provisioner_new(sd_event *event, struct link *link, struct window *window,
		    const struct provisioner_options *options,
		    const struct provisioner_events *events, struct provisioner **ret) _must_check_;
struct provisioner *provisioner_free(struct provisioner *p);
DEFINE_CLEANUP(struct provisioner *, provisioner_free);

/* The bytes of the Information characteristic. */
int provisioner_info(struct provisioner *p, uint8_t *ret, size_t size,
		     size_t *ret_len) _must_check_;

/* One message from peer (any stable name of it). limit: the longest message that gets through to it
 * uncut. 0: answered, if only by an error status. -EMSGSIZE: limit is too small for what may have
 * to be said, -EBUSY: another peer is served; both before anything was done. */
int provisioner_request(struct provisioner *p, const char *peer, size_t limit, const void *data,
			size_t len) _must_check_;
/* It went away: nothing more is sent, the scan ends, an attempt to connect goes on. */
void provisioner_peer_gone(struct provisioner *p, const char *peer);

/* Why peer may not be told the claim token now, for the log; NULL: it may. Whoever may configure
 * may, so in the presence window and, where one is asked for, with the label code given on this
 * connection (with any request). The peer whose attempt closed the window may until it disconnects:
 * only then the device gets to its service, and learns whether it has an owner. */
const char *provisioner_claim_refusal(const struct provisioner *p, const char *peer);

/* The radio is at work for the configurator. */
bool provisioner_is_scanning(const struct provisioner *p);

/* From the link. What the configurator here did not ask for is ignored, so everything may be passed
 * on. When a command of the owner takes the place of an attempt (link.h tells nothing of that one
 * any more), call this with CONNECTION_FAILED and FAIL_CONN before: a phone would wait for ever. */
void provisioner_on_result(struct provisioner *p, enum wifi_state state, enum wifi_reason reason);
void provisioner_on_found(struct provisioner *p, const struct wifi_record *record);
void provisioner_on_scan_done(struct provisioner *p, int r);
