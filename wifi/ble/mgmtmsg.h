/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Messages of the kernel's Bluetooth management socket, as far as advertising needs them (doc/mgmt
 * of BlueZ). Pure: bytes out, bytes in. */

#include <stddef.h>
#include <stdint.h>

#include "wifi/ble/advertdata.h"

#define MGMTMSG_MAX 128        /* of a command of ours */
#define MGMTMSG_EVENT_MAX 1024 /* longer events are cut when they are read, and then refused */

enum mgmt_op {
	MGMT_OP_READ_ADVERTISING_FEATURES = 0x003d,
	MGMT_OP_ADD_ADVERTISING = 0x003e,
	MGMT_OP_REMOVE_ADVERTISING = 0x003f,
	MGMT_OP_ADD_EXT_PARAMS = 0x0054,
	MGMT_OP_ADD_EXT_DATA = 0x0055,
};

enum mgmt_status {
	MGMT_STATUS_SUCCESS = 0x00,
	MGMT_STATUS_UNKNOWN_COMMAND = 0x01,
	MGMT_STATUS_NOT_SUPPORTED = 0x0c,
	MGMT_STATUS_PERMISSION_DENIED = 0x14,
};

/* All: the number of bytes in ret. */
size_t mgmtmsg_read_features(unsigned int index, uint8_t ret[static MGMTMSG_MAX]);
size_t mgmtmsg_remove(unsigned int index, uint8_t instance, uint8_t ret[static MGMTMSG_MAX]);
/* The two commands of kernels since 5.11: interval first, then data. */
size_t mgmtmsg_ext_params(unsigned int index, uint8_t instance, const struct advertdata *d,
			  uint8_t ret[static MGMTMSG_MAX]);
size_t mgmtmsg_ext_data(unsigned int index, uint8_t instance, const struct advertdata *d,
			uint8_t ret[static MGMTMSG_MAX]);
/* The one of older kernels, which advertise at an interval of their own. */
size_t mgmtmsg_add(unsigned int index, uint8_t instance, const struct advertdata *d,
		   uint8_t ret[static MGMTMSG_MAX]);

enum mgmtmsg_type {
	MGMTMSG_REPLY,               /* op, status; instance */
	MGMTMSG_ADVERTISING_REMOVED, /* instance */
	MGMTMSG_AUTH_FAILED,         /* address, status */
	MGMTMSG_OTHER,
};

struct mgmtmsg {
	enum mgmtmsg_type type;
	uint16_t index;
	uint16_t op;
	uint8_t status;
	/* The one it is about; in the reply to READ_ADVERTISING_FEATURES, the highest there is. */
	uint8_t instance;
	uint8_t address[6]; /* last byte first */
};

/* 0, or -EBADMSG for bytes that are no whole event. */
int mgmtmsg_parse(const void *data, size_t len, struct mgmtmsg *ret) _must_check_;
/* A status for people. */
const char *mgmtmsg_status_text(uint8_t status);
