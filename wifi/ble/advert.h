/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The advertisement on every adapter, by the kernel's management socket where that is allowed, else
 * by BlueZ; legacy packets either way. */

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "base/macros.h"
#include "wifi/ble/adapters.h"
#include "wifi/ble/peripheral.h"

struct advert;

struct advert_events {
	/* advert_is_on() or advert_why() changed, perhaps. */
	void (*changed)(void *userdata);
	/* As that of advert_mgmt_events; never without the management socket. */
	void (*auth_failed)(void *userdata, unsigned int index, const uint8_t address[static 6]);
	void *userdata;
};

/* Everything is borrowed. -errno. */
int advert_new(sd_event *event, sd_bus *bus, const struct adapters *adapters,
	       const struct advert_events *events, struct advert **ret) _must_check_;
struct advert *advert_free(struct advert *a);
DEFINE_CLEANUP(struct advert *, advert_free);

void advert_on_adapter(struct advert *a, const struct adapter_view *adapter);
void advert_on_gone(struct advert *a, const char *adapter);
/* What is to be on the air; NULL for nothing. -EINVAL for a name that is none. */
int advert_set(struct advert *a, const struct advertisement *advertisement) _must_check_;

/* On at least one adapter. */
bool advert_is_on(const struct advert *a);
/* What the last failure was; NULL for none. */
const char *advert_why(const struct advert *a);
/* Whether failed pairings are heard of (auth_failed) on this adapter. */
bool advert_hears_failures(const struct advert *a, unsigned int index);
