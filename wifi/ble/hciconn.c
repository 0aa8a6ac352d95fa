/* SPDX-License-Identifier: Apache-2.0 */
#include "wifi/ble/hciconn.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/macros.h"

/* As in the kernel's include/net/bluetooth/hci_sock.h, which no user space header has without
 * libbluetooth. */
#define BTPROTO_HCI 1
#define LE_LINK 0x80
#define LINK_MODE_CENTRAL 0x0001 /* our role */
#define CONNECTIONS_MAX 32

struct connection {
	uint16_t handle;
	uint8_t address[6];
	uint8_t type, is_outgoing;
	uint16_t state;
	uint32_t link_mode;
};

struct connection_list {
	uint16_t index, n;
	struct connection connections[CONNECTIONS_MAX];
};

#define HCIGETCONNLIST _IOR('H', 212, int)

bool hciconn_is_central(unsigned int index, const uint8_t address[static 6])
{
	struct connection_list list = {.index = (uint16_t)index, .n = CONNECTIONS_MAX};
	_cleanup_(closep) int fd = -1;

	fd = socket(AF_BLUETOOTH, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, BTPROTO_HCI);
	if (fd < 0 || ioctl(fd, HCIGETCONNLIST, &list) < 0)
		return false;
	for (size_t i = 0; i < MIN(list.n, CONNECTIONS_MAX); i++) {
		const struct connection *c = &list.connections[i];

		if (c->type == LE_LINK && memcmp(c->address, address, sizeof(c->address)) == 0)
			return !(c->link_mode & LINK_MODE_CENTRAL);
	}
	return false;
}
