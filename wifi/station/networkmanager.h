/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The NetworkManager back end from inside: networkmanager.c follows the service and the device,
 * networkmanager_attempt.c connects, networkmanager_scan.c scans, networkmanager_message.c writes
 * and reads D-Bus messages, networkmanager_map.c turns its numbers into ours. Other files know
 * networkmanager_ops (wifi/station/backend.h). */

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "base/macros.h"
#include "wifi/station/backend.h"
#include "wifi/station/call.h"

#define NM_SERVICE "org.freedesktop.NetworkManager"
#define NM_PATH "/org/freedesktop/NetworkManager"
#define NM_DEVICE NM_SERVICE ".Device"
#define NM_WIRELESS NM_DEVICE ".Wireless"
#define NM_SETTINGS NM_SERVICE ".Settings"
#define NM_ACTIVE NM_SERVICE ".Connection.Active"
#define NM_ACCESS_POINT NM_SERVICE ".AccessPoint"
#define NM_SUPPLICANT "fi.w1.wpa_supplicant1"
#define NM_SUPPLICANT_INTERFACE NM_SUPPLICANT ".Interface"
#define NM_PROPERTIES "org.freedesktop.DBus.Properties"

#define NM_PATH_MAX 128 /* of an object, with NUL; longer ones are not NetworkManager's */
#define NM_ACCESS_POINTS_MAX 256
/* Of the one profile that is ours: what an earlier run left behind is found by it, and
 * NetworkManager's lease files do not become more with every connection. */
#define NM_UUID "0ba7dd5f-9c21-4f0e-8d1b-5a3f6e7c9210"

/* ---- networkmanager_map.c ---- */

/* NM_DEVICE_STATE_* of NetworkManager's D-Bus API. */
enum nm_device_state {
	NM_DEVICE_UNKNOWN = 0,
	NM_DEVICE_UNMANAGED = 10,
	NM_DEVICE_UNAVAILABLE = 20,
	NM_DEVICE_DISCONNECTED = 30,
	NM_DEVICE_PREPARE = 40,
	NM_DEVICE_CONFIG = 50,
	NM_DEVICE_NEED_AUTH = 60,
	NM_DEVICE_IP_CONFIG = 70,
	NM_DEVICE_ACTIVATED = 100,
	NM_DEVICE_DEACTIVATING = 110,
	NM_DEVICE_FAILED = 120,
};

/* Those of NM_DEVICE_STATE_REASON_* that say something to us. */
enum nm_reason {
	NM_REASON_NONE = 0,
	NM_REASON_IP_UNAVAILABLE = 5,
	NM_REASON_IP_EXPIRED = 6,
	NM_REASON_NO_SECRETS = 7,
	NM_REASON_SUPPLICANT_DISCONNECT = 8,
	NM_REASON_SUPPLICANT_TIMEOUT = 11,
	NM_REASON_DHCP_START_FAILED = 15,
	NM_REASON_DHCP_ERROR = 16,
	NM_REASON_DHCP_FAILED = 17,
	NM_REASON_SLEEPING = 37,
	NM_REASON_SSID_NOT_FOUND = 53,
};

#define NM_DEVICE_TYPE_WIFI 2

/* What is known of the device; `path` empty when NetworkManager has none of that name. */
struct nm_device {
	char path[NM_PATH_MAX];
	char active[NM_PATH_MAX]; /* its active connection; "/" or empty for none */
	char ap[NM_PATH_MAX];     /* its access point; the same */
	uint32_t type, state, reason;
};
enum backend_state nm_backend_state(const struct nm_device *d, bool is_starting);

/* How far an activation is, by the state of its device. */
enum nm_step {
	NM_STEP_NONE,
	NM_STEP_ASSOCIATING, /* the supplicant is at work */
	NM_STEP_LINKED,      /* traffic can pass; addresses are NetworkManager's business */
	NM_STEP_WRONG_KEY,   /* it wants another passphrase */
	NM_STEP_OVER,
};
/* From the first step to an active connection. */
bool nm_is_activating(uint32_t state);
enum nm_step nm_step_of(uint32_t state, uint32_t reason);
/* is_reached: the network was there and answered, as the supplicant saw it. */
enum wifi_reason nm_failure_of(uint32_t reason, bool is_reached);

enum wifi_auth nm_auth_of(uint32_t flags, uint32_t wpa_flags, uint32_t rsn_flags);
/* NetworkManager tells percent; it counts -100 dBm as 0 and -40 dBm or more as 100, in a straight
 * line. So the strongest signals all read -40. */
int nm_dbm_of(uint8_t percent);

/* Whether text fits, and then it is in ret. */
bool nm_copy(char *ret, size_t size, const char *text) _must_check_;

/* ---- networkmanager_message.c ---- */

/* The arguments of AddAndActivateConnection2. Marks m as sensitive. -EINVAL for what NetworkManager
 * has no words for. */
int nm_append_connection(sd_bus_message *m, const struct wifi_config *config,
			 const char *device) _must_check_;

struct nm_access_point {
	struct wifi_record record;
	int32_t seen_s; /* CLOCK_BOOTTIME; -1: never */
	bool is_valid;  /* a real one: it has a BSSID */
};
/* An a{sv} of NM_ACCESS_POINT. */
int nm_read_access_point(sd_bus_message *m, struct nm_access_point *ret) _must_check_;
/* The access points of a device in an answer to GetManagedObjects, at most
 * NM_ACCESS_POINTS_MAX. fn must not use m. */
int nm_read_objects(sd_bus_message *m, const char *device,
		    void (*fn)(void *userdata, const struct nm_access_point *ap),
		    void *userdata) _must_check_;

/* What a PropertiesChanged or an answer to GetAll says of a device. */
struct nm_change {
	bool has_active, has_ap, has_type, has_state, has_last_scan, has_startup;
	struct nm_device device; /* path is not set */
	int64_t last_scan;
	bool is_starting;
};
/* An a{sv} of NM_DEVICE, NM_WIRELESS or NM_SERVICE. */
int nm_read_change(sd_bus_message *m, struct nm_change *ret) _must_check_;

/* What wpa_supplicant says of its interface. */
struct nm_supplicant_change {
	char state[32]; /* empty: not said */
	bool has_auth_status;
	int32_t auth_status; /* IEEE 802.11 status code of the last authentication */
};
int nm_read_supplicant(sd_bus_message *m, struct nm_supplicant_change *ret) _must_check_;

/* ---- the instance ---- */

enum nm_phase {
	NM_PHASE_IDLE,
	NM_PHASE_CLEARING,   /* the profile before is looked for and deleted */
	NM_PHASE_ADDING,     /* AddAndActivateConnection2 is on its way */
	NM_PHASE_CALLED_OFF, /* the same, but nobody wants it any more */
	NM_PHASE_ACTIVATING, /* `active` is ours */
	NM_PHASE_LINKED,
};

struct nm {
	sd_event *event;                     /* borrowed */
	sd_bus *bus;                         /* borrowed */
	const struct backend_events *events; /* borrowed */
	char interface[32];
	char sender[CALL_SENDER_MAX]; /* NetworkManager's; "" until it answered */

	sd_bus_slot *matches[6];              /* owned */
	sd_bus_slot *lookup, *startup, *look; /* owned; calls under way */
	bool is_looked_up, has_startup, is_starting;
	struct nm_device device;
	enum backend_state told;

	enum nm_phase phase;
	char active[NM_PATH_MAX]; /* our connection */
	bool was_current;         /* the device has had it */
	bool is_started;          /* … and began with it */
	bool is_reached, is_authenticating;
	enum wifi_auth auth; /* asked for */
	char supplicant[NM_PATH_MAX];
	char supplicant_sender[CALL_SENDER_MAX];
	sd_bus_message *request; /* owned; AddAndActivateConnection2 */
	sd_bus_slot *clear, *add, *find_supplicant, *read_ap, *read_signal; /* owned */
	bool is_link_due; /* linked, told when read_ap is answered */
	struct wifi_network link;
	sd_event_source *grace; /* owned; runs while a link has no access point */

	bool is_scanning, is_scan_asked;
	uint64_t scan_from_ms;
	sd_bus_slot *scan, *read_objects; /* owned */
	sd_event_source *settle;          /* owned */
};

/* networkmanager.c. Logs what it does not let us do, and what is to be done about it. */
void nm_log_refusal(const struct nm *nm, const char *what, const sd_bus_error *error);

/* Drops what is under way, without a word to anybody. */
void nm_attempt_reset(struct nm *nm);
void nm_scan_reset(struct nm *nm);

/* networkmanager_attempt.c. The on_*() may tell an event: they come last in a handler. */
/* Deletes the profile that an earlier run may have left. */
int nm_clear(struct nm *nm) _must_check_;
int nm_connect(struct nm *nm, const struct wifi_config *config) _must_check_;
void nm_disconnect(struct nm *nm);
void nm_ask_signal(struct nm *nm);
void nm_attempt_on_device(struct nm *nm);
void nm_attempt_on_access_point(struct nm *nm);
void nm_attempt_on_active(struct nm *nm, const char *path, uint32_t state);
void nm_attempt_on_supplicant(struct nm *nm, const char *path,
			      const struct nm_supplicant_change *change);

/* networkmanager_scan.c */
int nm_scan(struct nm *nm, const struct wifi_scan_params *params) _must_check_;
/* Ends it with what is known by now. */
void nm_scan_cut(struct nm *nm);
void nm_scan_on_done(struct nm *nm);
