/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Advertising by the kernel's management socket, beside a bluetoothd that knows nothing of it: the
 * only way to put every byte where the phones look for it, with every version of BlueZ. Needs
 * CAP_NET_ADMIN. */

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "base/macros.h"
#include "wifi/ble/advertdata.h"

struct advert_mgmt;

struct advert_mgmt_events {
	/* On the air, or not; also when it failed and is tried again (why). */
	void (*changed)(void *userdata, unsigned int index, bool is_on, const char *why);
	/* It does not work this way on this adapter, and will not. */
	void (*impossible)(void *userdata, unsigned int index, const char *why);
	/* Pairing with a device failed; the address has its last byte first. */
	void (*auth_failed)(void *userdata, unsigned int index, const uint8_t address[static 6]);
	void *userdata;
};

/* -EAFNOSUPPORT without Bluetooth in the kernel, -errno. */
int advert_mgmt_new(sd_event *event, const struct advert_mgmt_events *events,
		    struct advert_mgmt **ret) _must_check_;
/* Takes what it has put on the air off it, in the kernel. */
struct advert_mgmt *advert_mgmt_free(struct advert_mgmt *m);
DEFINE_CLEANUP(struct advert_mgmt *, advert_mgmt_free);

/* What adapter index is to advertise; NULL for nothing. The first call for an adapter also removes
 * what a killed process of ours has left there. Events may come from within it. */
void advert_mgmt_set(struct advert_mgmt *m, unsigned int index, const struct advertdata *d);
/* The adapter is gone, or off: nothing of it is on the air. */
void advert_mgmt_forget(struct advert_mgmt *m, unsigned int index);
