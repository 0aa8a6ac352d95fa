/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What all of ble/ needs of BlueZ (org.bluez): names, and calls whose outcome only the log wants
 * to know. */

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-bus.h>

#include "base/macros.h"

#define BLUEZ "org.bluez"
#define BLUEZ_ROOT "/org/bluez"
#define BLUEZ_ADAPTER "org.bluez.Adapter1"
#define BLUEZ_DEVICE "org.bluez.Device1"
#define BLUEZ_GATT_MANAGER "org.bluez.GattManager1"
#define BLUEZ_AGENT_MANAGER "org.bluez.AgentManager1"
#define BLUEZ_ADVERTISING_MANAGER "org.bluez.LEAdvertisingManager1"
#define DBUS_PROPERTIES "org.freedesktop.DBus.Properties"
#define DBUS_OBJECT_MANAGER "org.freedesktop.DBus.ObjectManager"
/* Object paths of adapters and devices, with NUL; longer ones are none. */
#define BLUEZ_PATH_MAX 64

#define BLE_UUID(number) "143878" number "-130c-49e7-b877-2881c89cb258"
#define BLE_UUID_SERVICE BLE_UUID("00")
#define BLE_UUID_INFO BLE_UUID("01")
#define BLE_UUID_CONTROL BLE_UUID("02")
#define BLE_UUID_DATA_OUT BLE_UUID("03")
/* Ours, docs/ble.md §9. */
#define BLE_UUID_CLAIM_SERVICE "9152bd00-3121-4c3a-a079-9c4b1b7c4df0"
#define BLE_UUID_CLAIM "9152bd01-3121-4c3a-a079-9c4b1b7c4df0"
/* As it goes over the air, last byte first. */
#define BLE_UUID_SERVICE_BYTES                                                                     \
	{                                                                                          \
		0x58, 0xb2, 0x9c, 0xc8, 0x81, 0x28, 0x77, 0xb8, 0xe7, 0x49, 0x0c, 0x13, 0x00,      \
			0x78, 0x38, 0x14                                                           \
	}

/* Our objects. */
#define BLE_PATH "/org/onboardd/ble"

/* BlueZ often has no words for an error; then its name. */
const char *bluez_error_text(const sd_bus_error *error);

/* path is short enough. */
void bluez_path_copy(char ret[static BLUEZ_PATH_MAX], const char *path);

/* The number of "/org/bluez/hci<number>" and of anything below it. -EINVAL. */
int bluez_index(const char *path, unsigned int *ret) _must_check_;
/* "AA:BB:CC:DD:EE:FF", or a path that ends in "/dev_AA_BB_CC_DD_EE_FF"; last byte first, as the
 * kernel has it. -EINVAL. */
int bluez_address(const char *text, uint8_t ret[static 6]) _must_check_;
int bluez_path_address(const char *path, uint8_t ret[static 6]) _must_check_;

/* These do not wait; what goes wrong is only logged. */
void bluez_set_bool(sd_bus *bus, const char *path, const char *property, bool value);
void bluez_set_u32(sd_bus *bus, const char *path, const char *property, uint32_t value);
void bluez_set_text(sd_bus *bus, const char *path, const char *property, const char *value);
void bluez_disconnect(sd_bus *bus, const char *device);
/* Forgets the bond. Only for a device that is not connected: with one that is, BlueZ 5.66 never
 * answers. */
void bluez_remove_device(sd_bus *bus, const char *device);
