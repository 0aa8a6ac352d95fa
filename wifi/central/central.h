/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A configurator: the Bluetooth LE central of Wi-Fi provisioning, on BlueZ, for a program that does
 * one thing after another. Calls wait, at most timeout_ms (0: BlueZ's own limits). */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/wifi/wifi.h"

struct central;

struct central_device {
	char *path, *name, *address; /* owned */
	bool has_service_data;
	uint8_t version;
	bool is_provisioned, is_connected; /* to Wi-Fi */
	int wifi_rssi_dbm;                 /* INT8_MIN: not connected */
	int16_t rssi_dbm;                  /* of its advertisement; 127: not known */
};
void central_device_done(struct central_device *d);

struct central_options {
	const char *adapter; /* "hci0"; NULL: the first powered one */
	/* Asked for a passkey that the device shows: 0 and the six digits, or -ECANCELED. NULL:
	 * Just Works only. */
	int (*passkey)(void *userdata, uint32_t *ret);
	/* Whether the user wants it to end: then calls come back with -EINTR, soon. A signal makes
	 * that at once. May be NULL. */
	bool (*is_cancelled)(void *userdata);
	void *userdata;
};

/* Errors of all: -errno (-ENODEV no adapter or no bluetoothd, -ETIMEDOUT, -ENOTCONN the device went
 * away, -EINTR cancelled, -EACCES pairing refused or not enough of it, -EBADMSG a message that is
 * none, -EIO), and central_error() says it for people. */
/* *ret is set when it fails, too (NULL when there is no memory for it), for central_error(). */
int central_open(const struct central_options *options, struct central **ret) _must_check_;
struct central *central_free(struct central *c); /* disconnects */
DEFINE_CLEANUP(struct central *, central_free);
const char *central_error(const struct central *c);

/* Looks for devices that offer the service; fn (true: enough) for each, again when what it says
 * changed. fn calls nothing of this header. 0 when the time is over or fn had enough. */
int central_discover(struct central *c, uint64_t timeout_ms,
		     bool (*fn)(void *userdata, const struct central_device *d),
		     void *userdata) _must_check_;
/* Connects and finds the characteristics. A device that BlueZ has dropped since it was discovered
 * is looked for first. */
int central_connect(struct central *c, const char *path, uint64_t timeout_ms) _must_check_;
/* Fine when paired. BlueZ 5.82 then tells the device what its default agent can, not that there is
 * options.passkey. */
int central_pair(struct central *c, uint64_t timeout_ms) _must_check_;
/* Both in one: a device that is not paired yet is connected to by pairing with it, which goes by
 * options.passkey with every BlueZ. */
int central_connect_paired(struct central *c, const char *path, uint64_t timeout_ms) _must_check_;
/* Whether the device that was connected last was paired before the connection began. */
bool central_had_bond(const struct central *c);
/* Forgets the bond at the end, as the Android app does. */
int central_unpair(struct central *c) _must_check_;
/* The same for a device that is not connected. */
int central_forget(struct central *c, const char *path) _must_check_;
int central_subscribe(struct central *c) _must_check_;
void central_disconnect(struct central *c);

int central_read_info(struct central *c, uint32_t *ret_version) _must_check_;
/* Who the device is and whether it has an owner; its claim token, "" while it tells none. Holds a
 * secret: _cleanup_(central_claim_wipe). */
struct central_claim {
	char uuid[UUID_TEXT_LEN + 1];
	enum wifi_claim_state state;
	char token[CLAIM_TEXT_MAX + 1];
};
void central_claim_wipe(struct central_claim *c);
/* -EOPNOTSUPP: the device has nothing of the kind; -EACCES: not to us, or not now. */
int central_read_claim(struct central *c, struct central_claim *ret) _must_check_;
/* So long, while what the device sends is taken in. */
int central_wait(struct central *c, uint64_t ms) _must_check_;

/* Writes and waits for the response. */
int central_request(struct central *c, const struct wifi_request *request, uint64_t timeout_ms,
		    struct wifi_response *ret) _must_check_;
/* The next result, in order of arrival. */
int central_next_result(struct central *c, uint64_t timeout_ms,
			struct wifi_result *ret) _must_check_;
/* For tests of the other side: any bytes; the response is not waited for. */
int central_write(struct central *c, const void *data, size_t len) _must_check_;
/* The next raw response or result. */
int central_next_message(struct central *c, uint64_t timeout_ms, bool *ret_is_response,
			 uint8_t *ret, size_t size, size_t *ret_len) _must_check_;
