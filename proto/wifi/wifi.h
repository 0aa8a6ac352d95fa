/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The messages of the Wi-Fi provisioning service (docs/ble.md §4): protobuf bytes in, our structs
 * out, and back. Pure. A decoder refuses what breaks a limit, so a struct that it filled in keeps
 * every one of them; an encoder refuses a struct that does not (-EINVAL). Unknown fields are
 * skipped. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"
#include "base/text.h"
#include "proto/limits.h"

#define WIFI_SSID_MAX 32
#define WIFI_BSSID_LEN 6
#define WIFI_PASSPHRASE_MAX 64 /* on the wire; SAE passwords of more cannot be sent */
#define WIFI_LABEL_CODE_MAX 32
/* One ATT attribute value. */
#define WIFI_MESSAGE_MAX 512
#define WIFI_VERSION 1
#define WIFI_CLAIM_VERSION 1
/* Of the claim token in one message, so that the rest has room beside it. */
#define WIFI_CLAIM_PART_MAX 448
/* What GET_STATUS says of a configuration that is not pinned to a channel. */
#define WIFI_CHANNEL_ANY 255

enum wifi_op {
	WIFI_OP_GET_STATUS = 1,
	WIFI_OP_START_SCAN = 2,
	WIFI_OP_STOP_SCAN = 3,
	WIFI_OP_SET_CONFIG = 4,
	WIFI_OP_FORGET_CONFIG = 5,
};

enum wifi_answer {
	WIFI_ANSWER_SUCCESS = 0,
	WIFI_ANSWER_INVALID_ARGUMENT = 1,
	WIFI_ANSWER_INVALID_PROTO = 2,
	WIFI_ANSWER_INTERNAL_ERROR = 3,
};

enum wifi_state {
	WIFI_STATE_DISCONNECTED = 0,
	WIFI_STATE_AUTHENTICATION = 1,
	WIFI_STATE_ASSOCIATION = 2,
	WIFI_STATE_OBTAINING_IP = 3,
	WIFI_STATE_CONNECTED = 4,
	WIFI_STATE_CONNECTION_FAILED = 5,
};

enum wifi_reason {
	WIFI_REASON_AUTH_ERROR = 0,
	WIFI_REASON_NETWORK_NOT_FOUND = 1,
	WIFI_REASON_TIMEOUT = 2,
	WIFI_REASON_FAIL_IP = 3,
	WIFI_REASON_FAIL_CONN = 4,
};

enum wifi_band { WIFI_BAND_ANY = 0, WIFI_BAND_2_4_GHZ = 1, WIFI_BAND_5_GHZ = 2 };

/* Larger numbers exist in newer SDKs; the phones' apps do not know them, so they are never sent,
 * and one that comes in reads as WIFI_AUTH_UNKNOWN. */
enum wifi_auth {
	WIFI_AUTH_OPEN = 0,
	WIFI_AUTH_WEP = 1,
	WIFI_AUTH_WPA_PSK = 2,
	WIFI_AUTH_WPA2_PSK = 3,
	WIFI_AUTH_WPA_WPA2_PSK = 4,
	WIFI_AUTH_WPA2_ENTERPRISE = 5,
	WIFI_AUTH_WPA3_PSK = 6,
	WIFI_AUTH_UNKNOWN = 255, /* absent, or of no known number; not encoded */
};

struct wifi_network {
	uint8_t ssid[WIFI_SSID_MAX];   /* any bytes */
	size_t ssid_len;               /* 0: hidden, or not said */
	uint8_t bssid[WIFI_BSSID_LEN]; /* all zero: not known */
	enum wifi_band band;
	uint32_t channel;
	enum wifi_auth auth;
};

struct wifi_scan_params {
	enum wifi_band band;
	bool passive;
	uint32_t period_ms; /* 0: no time limit */
	uint32_t group_channels;
};

/* Holds a passphrase: _cleanup_(wifi_config_wipe). Plain data, copied by assignment. */
struct wifi_config {
	struct wifi_network network;
	bool has_passphrase; /* present on the wire, perhaps empty */
	uint8_t passphrase[WIFI_PASSPHRASE_MAX];
	size_t passphrase_len;
	bool is_volatile;
	bool has_any_channel, any_channel;
	bool has_certs; /* enterprise credentials came along; they are not kept */
};
void wifi_config_wipe(struct wifi_config *c);

/* Whether a station could use it at all: a name; a passphrase that the authentication takes (8 to
 * 63 bytes or 64 hex digits; SAE 1 to 63 bytes; of UTF-8 without control characters; none for an
 * open network, where an empty one counts as none); an authentication that this protocol has
 * credentials for, and not WEP. An absent or unknown authentication is taken from the passphrase:
 * WPA2 or WPA3 with one, which has to suit both, open without; but certificates make it enterprise.
 * NULL, or what is wrong, for people. */
const char *wifi_config_refusal(const struct wifi_config *c);

struct wifi_request {
	uint32_t op; /* enum wifi_op, or any number a peer sent; 0 when absent */
	bool has_scan_params;
	struct wifi_scan_params scan_params;
	bool has_config, has_network; /* config; config.wifi */
	struct wifi_config config;
	/* Our extension (field 100): the code on the device's label. Not NUL-terminated. */
	uint8_t label_code[WIFI_LABEL_CODE_MAX];
	size_t label_code_len;
};
void wifi_request_wipe(struct wifi_request *r);

struct wifi_device_status {
	bool has_state;
	enum wifi_state state;
	bool has_network; /* provisioning_info */
	struct wifi_network network;
	bool has_ip4; /* connection_info, with its address */
	uint8_t ip4[4];
};

struct wifi_response {
	bool has_op;
	uint32_t op;
	bool has_answer; /* always, when we send */
	enum wifi_answer answer;
	bool has_device_status;
	struct wifi_device_status device_status;
};

struct wifi_record {
	struct wifi_network network;
	int rssi_dbm; /* 0 when the peer did not say */
};

struct wifi_result {
	bool has_record; /* and it names a network */
	struct wifi_record record;
	bool has_state;
	enum wifi_state state;
	bool has_reason;
	enum wifi_reason reason;
};

enum wifi_claim_state {
	WIFI_CLAIM_STATE_UNKNOWN = 0, /* the service was not asked yet */
	WIFI_CLAIM_STATE_UNCLAIMED = 1,
	WIFI_CLAIM_STATE_CLAIMED = 2,
};

/* Ours (docs/ble.md §9). Holds a claim token or a part of it: _cleanup_(wifi_claim_wipe). */
struct wifi_claim {
	uint32_t version;
	char uuid[UUID_TEXT_LEN + 1];
	enum wifi_claim_state state;
	/* Characters of base64url and '.', no NUL behind; none unless the state is unclaimed. */
	char token[WIFI_CLAIM_PART_MAX];
	size_t token_len, token_offset;
	size_t token_whole_len; /* at most CLAIM_TEXT_MAX; 0: no token, else the part is not empty
				 */
};
void wifi_claim_wipe(struct wifi_claim *c);

/* All: *ret_len bytes into ret (size WIFI_MESSAGE_MAX is always enough), or -EINVAL, -ENOBUFS.
 * Decoders: 0, or -EBADMSG for bytes that are no such message, break a limit or are more than
 * WIFI_MESSAGE_MAX. Numbers that no enum here has read as absent, except operations. Nothing is
 * allocated. */
int wifi_info_encode(uint32_t version, uint8_t *ret, size_t size, size_t *ret_len) _must_check_;
int wifi_info_decode(const void *data, size_t len, uint32_t *ret_version) _must_check_;
int wifi_request_encode(const struct wifi_request *r, uint8_t *ret, size_t size,
			size_t *ret_len) _must_check_;
int wifi_request_decode(const void *data, size_t len, struct wifi_request *ret) _must_check_;
int wifi_response_encode(const struct wifi_response *r, uint8_t *ret, size_t size,
			 size_t *ret_len) _must_check_;
int wifi_response_decode(const void *data, size_t len, struct wifi_response *ret) _must_check_;
int wifi_result_encode(const struct wifi_result *r, uint8_t *ret, size_t size,
		       size_t *ret_len) _must_check_;
int wifi_result_decode(const void *data, size_t len, struct wifi_result *ret) _must_check_;
int wifi_claim_encode(const struct wifi_claim *c, uint8_t *ret, size_t size,
		      size_t *ret_len) _must_check_;
int wifi_claim_decode(const void *data, size_t len, struct wifi_claim *ret) _must_check_;
/* One WifiConfig by itself: how it is stored. One without a network is refused. */
int wifi_config_encode(const struct wifi_config *c, uint8_t *ret, size_t size,
		       size_t *ret_len) _must_check_;
int wifi_config_decode(const void *data, size_t len, struct wifi_config *ret) _must_check_;

/* Stable words: "get-status", "obtaining-ip", "auth-error", "wpa2-psk", "2.4 GHz". */
const char *wifi_op_name(uint32_t op);
const char *wifi_answer_name(enum wifi_answer answer);
const char *wifi_state_name(enum wifi_state state);
const char *wifi_reason_name(enum wifi_reason reason);
const char *wifi_band_name(enum wifi_band band);
const char *wifi_auth_name(enum wifi_auth auth);
const char *wifi_claim_state_name(enum wifi_claim_state state); /* "unclaimed" */
/* The SSID for people and logs: UTF-8 as it is, anything else, controls and what would turn the
 * direction of writing as \xNN. */
#define WIFI_SSID_TEXT_MAX (4 * WIFI_SSID_MAX + 1)
const char *wifi_ssid_text(const struct wifi_network *n, char ret[static WIFI_SSID_TEXT_MAX]);
