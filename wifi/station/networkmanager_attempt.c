/* SPDX-License-Identifier: Apache-2.0 */

/* One connection from its request to its end. NetworkManager gets a volatile profile and activates
 * it; how far it is shows in the state of the device, as long as the device's active connection is
 * ours. What NetworkManager does not tell (that the access point refused the passphrase of WPA3) is
 * overheard from its wpa_supplicant, when there is one that we may listen to. */

#include "wifi/station/networkmanager.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"

#define STATUS_UNSPECIFIED_FAILURE 1 /* IEEE 802.11: how a wrong SAE password is refused */

/* A little more than NetworkManager gives an active connection. One that still waits for an address
 * it would leave without an access point for ever. */
#define GRACE_US 20000000

static bool is_current(const struct nm *nm)
{
	return strcmp(nm->device.active, nm->active) == 0;
}

static bool has_access_point(const struct nm *nm)
{
	return *nm->device.ap && strcmp(nm->device.ap, "/") != 0;
}

static void deactivate(struct nm *nm, const char *active)
{
	int r = sd_bus_call_method_async(nm->bus, NULL, NM_SERVICE, NM_PATH, NM_SERVICE,
					 "DeactivateConnection", NULL, NULL, "o", active);

	if (r < 0)
		log_warning("networkmanager: cannot give up the connection of %s: %s",
			    nm->interface, strerror(-r));
}

void nm_attempt_reset(struct nm *nm)
{
	nm->phase = NM_PHASE_IDLE;
	nm->was_current = nm->is_started = nm->is_reached = nm->is_authenticating =
		nm->is_link_due = false;
	*nm->active = *nm->supplicant = *nm->supplicant_sender = '\0';
	nm->link = (struct wifi_network){0};
	nm->grace = sd_event_source_disable_unref(nm->grace);
	nm->request = sd_bus_message_unref(nm->request);
	nm->clear = sd_bus_slot_unref(nm->clear);
	nm->add = sd_bus_slot_unref(nm->add);
	nm->find_supplicant = sd_bus_slot_unref(nm->find_supplicant);
	nm->read_ap = sd_bus_slot_unref(nm->read_ap);
	nm->read_signal = sd_bus_slot_unref(nm->read_signal);
}

/* ---- ends ---- */

static void fail(struct nm *nm, enum wifi_reason reason)
{
	nm_disconnect(nm);
	nm->events->failed(nm->events->userdata, reason);
}

static void end(struct nm *nm)
{
	enum wifi_reason reason = nm_failure_of(nm->device.reason, nm->is_reached);
	bool was_linked = nm->phase == NM_PHASE_LINKED;

	log_debug("networkmanager: %s: the connection ended in state %u, reason %u", nm->interface,
		  nm->device.state, nm->device.reason);
	if (!was_linked) {
		fail(nm, reason);
		return;
	}
	nm_disconnect(nm);
	nm->events->lost(nm->events->userdata);
}

/* ---- the link ---- */

static void tell_link(struct nm *nm)
{
	nm->is_link_due = false;
	nm->events->progress(nm->events->userdata, WIFI_STATE_OBTAINING_IP);
}

static int on_access_point(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct nm *nm = userdata;
	struct nm_access_point ap;
	int r = sd_bus_message_get_errno(m);

	(void)error;
	nm->read_ap = sd_bus_slot_unref(nm->read_ap);
	/* It goes away while it is asked for when the supplicant drops it: keep what is known. */
	if (r == 0)
		r = -nm_read_access_point(m, &ap);
	if (r == 0 && ap.is_valid) {
		struct wifi_network *n = &ap.record.network;

		/* A hidden one may not tell its name. */
		memcpy(n->ssid, nm->link.ssid, sizeof(n->ssid));
		n->ssid_len = nm->link.ssid_len;
		nm->link = *n;
	}
	if (nm->is_link_due)
		tell_link(nm);
	return 0;
}

static int on_grace_over(sd_event_source *source, uint64_t usec, void *userdata)
{
	(void)source;
	(void)usec;
	end(userdata);
	return 0;
}

/* It roams, or the access point is gone. */
static void on_no_access_point(struct nm *nm)
{
	int r;

	if (nm->phase != NM_PHASE_LINKED || nm->grace)
		return;
	r = sd_event_add_time_relative(nm->event, &nm->grace, CLOCK_BOOTTIME, GRACE_US, 0,
				       on_grace_over, nm);
	if (r < 0)
		log_warning("networkmanager: cannot wait for an access point of %s: %s",
			    nm->interface, strerror(-r));
}

void nm_attempt_on_access_point(struct nm *nm)
{
	int r;

	if ((nm->phase != NM_PHASE_ACTIVATING && nm->phase != NM_PHASE_LINKED) || !is_current(nm))
		return;
	if (!has_access_point(nm)) {
		on_no_access_point(nm);
		return;
	}
	nm->grace = sd_event_source_disable_unref(nm->grace);
	nm->read_ap = sd_bus_slot_unref(nm->read_ap);
	r = sd_bus_call_method_async(nm->bus, &nm->read_ap, NM_SERVICE, nm->device.ap,
				     NM_PROPERTIES, "GetAll", on_access_point, nm, "s",
				     NM_ACCESS_POINT);
	if (r < 0)
		log_warning("networkmanager: cannot ask for the access point of %s: %s",
			    nm->interface, strerror(-r));
}

static void on_linked(struct nm *nm)
{
	if (nm->phase == NM_PHASE_LINKED)
		return;
	nm->phase = NM_PHASE_LINKED;
	nm->is_link_due = true;
	if (!nm->read_ap)
		tell_link(nm);
}

/* ---- what is told about it ---- */

void nm_attempt_on_device(struct nm *nm)
{
	if (nm->phase != NM_PHASE_ACTIVATING && nm->phase != NM_PHASE_LINKED)
		return;
	if (!is_current(nm)) {
		/* Not yet; or not any more, and no state came to say why. */
		if (nm->was_current)
			end(nm);
		return;
	}
	if (!nm->was_current) {
		nm->was_current = true;
		nm_attempt_on_access_point(nm);
	}
	if (nm_is_activating(nm->device.state))
		nm->is_started = true;
	/* It has the connection before it leaves the state it was in. */
	if (!nm->is_started)
		return;
	switch (nm_step_of(nm->device.state, nm->device.reason)) {
	case NM_STEP_NONE:
		nm->is_authenticating = false;
		if (nm->phase == NM_PHASE_LINKED)
			end(nm);
		return;
	case NM_STEP_ASSOCIATING:
		nm->is_authenticating = false;
		if (nm->phase == NM_PHASE_LINKED)
			end(nm);
		else
			nm->events->progress(nm->events->userdata, WIFI_STATE_AUTHENTICATION);
		return;
	case NM_STEP_LINKED:
		on_linked(nm);
		return;
	case NM_STEP_WRONG_KEY:
		if (nm->phase == NM_PHASE_LINKED)
			end(nm);
		else
			fail(nm, WIFI_REASON_AUTH_ERROR);
		return;
	case NM_STEP_OVER:
		end(nm);
		return;
	}
}

void nm_attempt_on_active(struct nm *nm, const char *path, uint32_t state)
{
	/* 4: NM_ACTIVE_CONNECTION_STATE_DEACTIVATED. Once the device had it, the device's state
	 * says more. */
	if (nm->phase == NM_PHASE_ACTIVATING && !nm->was_current && state == 4 &&
	    strcmp(path, nm->active) == 0)
		fail(nm, WIFI_REASON_FAIL_CONN);
}

static bool is_associating(const char *state)
{
	return strcmp(state, "associating") == 0 || strcmp(state, "associated") == 0 ||
	       strcmp(state, "4way_handshake") == 0 || strcmp(state, "group_handshake") == 0;
}

void nm_attempt_on_supplicant(struct nm *nm, const char *path,
			      const struct nm_supplicant_change *change)
{
	bool can_be_sae = nm->auth != WIFI_AUTH_OPEN && nm->auth != WIFI_AUTH_WPA_PSK;

	/* Before the device gets to this state, what comes may still be of the connection before.
	 */
	if (nm->phase != NM_PHASE_ACTIVATING || !is_current(nm) ||
	    nm->device.state != NM_DEVICE_CONFIG || !*path || strcmp(path, nm->supplicant) != 0)
		return;
	if (strcmp(change->state, "authenticating") == 0)
		nm->is_authenticating = nm->is_reached = true;
	if (nm->is_authenticating && can_be_sae && change->has_auth_status &&
	    change->auth_status == STATUS_UNSPECIFIED_FAILURE) {
		fail(nm, WIFI_REASON_AUTH_ERROR);
		return;
	}
	if (is_associating(change->state)) {
		nm->is_reached = true;
		nm->events->progress(nm->events->userdata, WIFI_STATE_ASSOCIATION);
	}
}

/* ---- the request ---- */

static int on_added(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct nm *nm = userdata;
	bool is_called_off = nm->phase == NM_PHASE_CALLED_OFF;
	const char *active;
	int r;

	(void)error;
	nm->add = sd_bus_slot_unref(nm->add);
	if (sd_bus_message_is_method_error(m, NULL)) {
		nm_attempt_reset(nm);
		if (is_called_off)
			return 0;
		nm_log_refusal(nm, "connect", sd_bus_message_get_error(m));
		nm->events->failed(nm->events->userdata, WIFI_REASON_FAIL_CONN);
		return 0;
	}
	r = sd_bus_message_read(m, "oo", NULL, &active);
	if (r < 0 || !nm_copy(nm->active, sizeof(nm->active), active)) {
		nm_attempt_reset(nm);
		if (!is_called_off)
			nm->events->failed(nm->events->userdata, WIFI_REASON_FAIL_CONN);
		return 0;
	}
	if (is_called_off) {
		deactivate(nm, active);
		nm_attempt_reset(nm);
		return 0;
	}
	nm->phase = NM_PHASE_ACTIVATING;
	if (is_current(nm))
		nm_attempt_on_device(nm);
	return 0;
}

static int on_supplicant_found(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct nm *nm = userdata;
	const char *path;

	(void)error;
	nm->find_supplicant = sd_bus_slot_unref(nm->find_supplicant);
	call_learn_sender(nm->supplicant_sender, m);
	/* No such program, no right to talk to it: done without. */
	if (sd_bus_message_is_method_error(m, NULL) || sd_bus_message_read(m, "o", &path) < 0 ||
	    !nm_copy(nm->supplicant, sizeof(nm->supplicant), path))
		log_debug("networkmanager: %s: its supplicant cannot be listened to",
			  nm->interface);
	return 0;
}

static int find_supplicant(struct nm *nm)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
	int r = sd_bus_message_new_method_call(nm->bus, &m, NM_SUPPLICANT, "/fi/w1/wpa_supplicant1",
					       NM_SUPPLICANT, "GetInterface");

	if (r < 0)
		return r;
	r = sd_bus_message_set_auto_start(m, 0);
	if (r < 0)
		return r;
	r = sd_bus_message_append(m, "s", nm->interface);
	if (r < 0)
		return r;
	return sd_bus_call_async(nm->bus, &nm->find_supplicant, m, on_supplicant_found, nm, 0);
}

/* The old profile is gone, or there was none. */
static void on_cleared(struct nm *nm)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = TAKE_PTR(nm->request);
	int r;

	if (nm->phase != NM_PHASE_CLEARING)
		return;
	nm->phase = NM_PHASE_ADDING;
	r = sd_bus_call_async(nm->bus, &nm->add, m, on_added, nm, 0);
	if (r >= 0)
		return;
	log_warning("networkmanager: cannot connect %s: %s", nm->interface, strerror(-r));
	nm_attempt_reset(nm);
	nm->events->failed(nm->events->userdata, WIFI_REASON_FAIL_CONN);
}

static int on_deleted(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct nm *nm = userdata;

	(void)m; /* it may have gone by itself */
	(void)error;
	nm->clear = sd_bus_slot_unref(nm->clear);
	on_cleared(nm);
	return 0;
}

static int on_profile(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct nm *nm = userdata;
	const char *path;

	(void)error;
	nm->clear = sd_bus_slot_unref(nm->clear);
	if (sd_bus_message_is_method_error(m, NULL) || sd_bus_message_read(m, "o", &path) < 0 ||
	    sd_bus_call_method_async(nm->bus, &nm->clear, NM_SERVICE, path,
				     NM_SETTINGS ".Connection", "Delete", on_deleted, nm, NULL) < 0)
		on_cleared(nm);
	return 0;
}

int nm_clear(struct nm *nm)
{
	nm->clear = sd_bus_slot_unref(nm->clear);
	return sd_bus_call_method_async(nm->bus, &nm->clear, NM_SERVICE, NM_PATH "/Settings",
					NM_SETTINGS, "GetConnectionByUuid", on_profile, nm, "s",
					NM_UUID);
}

static int make_request(struct nm *nm, const struct wifi_config *config)
{
	int r = sd_bus_message_new_method_call(nm->bus, &nm->request, NM_SERVICE, NM_PATH,
					       NM_SERVICE, "AddAndActivateConnection2");

	if (r < 0)
		return r;
	return nm_append_connection(nm->request, config, nm->device.path);
}

int nm_connect(struct nm *nm, const struct wifi_config *config)
{
	int r;

	nm_disconnect(nm);
	/* One that was called off and not answered yet is deleted as the profile before this one.
	 */
	nm_attempt_reset(nm);
	r = make_request(nm, config);
	if (r >= 0)
		r = nm_clear(nm);
	if (r >= 0)
		r = find_supplicant(nm);
	if (r < 0) {
		nm_attempt_reset(nm);
		return r;
	}
	nm->phase = NM_PHASE_CLEARING;
	nm->auth = backend_auth(config);
	memcpy(nm->link.ssid, config->network.ssid, sizeof(nm->link.ssid));
	nm->link.ssid_len = config->network.ssid_len;
	nm->link.auth = nm->auth;
	return 0;
}

void nm_disconnect(struct nm *nm)
{
	switch (nm->phase) {
	case NM_PHASE_IDLE:
	case NM_PHASE_CALLED_OFF:
		return;
	case NM_PHASE_CLEARING:
		nm_attempt_reset(nm);
		return;
	case NM_PHASE_ADDING:
		nm->phase = NM_PHASE_CALLED_OFF;
		return;
	case NM_PHASE_ACTIVATING:
	case NM_PHASE_LINKED:
		deactivate(nm, nm->active);
		nm_attempt_reset(nm);
		return;
	}
}

/* ---- signal ---- */

static int on_signal(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct nm *nm = userdata;
	struct nm_access_point ap;

	(void)error;
	nm->read_signal = sd_bus_slot_unref(nm->read_signal);
	if (!sd_bus_message_is_method_error(m, NULL) && nm_read_access_point(m, &ap) == 0)
		nm->events->signal(nm->events->userdata, ap.record.rssi_dbm);
	return 0;
}

void nm_ask_signal(struct nm *nm)
{
	int r;

	if (nm->phase != NM_PHASE_LINKED || !has_access_point(nm))
		return;
	nm->read_signal = sd_bus_slot_unref(nm->read_signal);
	r = sd_bus_call_method_async(nm->bus, &nm->read_signal, NM_SERVICE, nm->device.ap,
				     NM_PROPERTIES, "GetAll", on_signal, nm, "s", NM_ACCESS_POINT);
	if (r < 0)
		log_debug("networkmanager: cannot ask for the signal of %s: %s", nm->interface,
			  strerror(-r));
}
