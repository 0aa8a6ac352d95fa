/* SPDX-License-Identifier: Apache-2.0 */
#include "session/pathmtu.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "base/macros.h"

#define HEADERS4 28
#define HEADERS6 48
#define PAYLOAD_MIN 256 /* DTLS gets nowhere with less: such a link has to make fragments */

static bool is_ipv6(int fd)
{
	int domain = AF_INET;
	socklen_t len = sizeof(domain);

	return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0 && domain == AF_INET6;
}

size_t pathmtu_payload(int fd)
{
	const bool v6 = is_ipv6(fd);
	const int headers = v6 ? HEADERS6 : HEADERS4;
	int mtu = 0;
	socklen_t len = sizeof(mtu);

	if (getsockopt(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_MTU : IP_MTU, &mtu, &len) < 0)
		return PATHMTU_SURE4;
	return (size_t)MAX(mtu - headers, PAYLOAD_MIN);
}

size_t pathmtu_sure(int fd)
{
	const size_t sure = is_ipv6(fd) ? PATHMTU_SURE6 : PATHMTU_SURE4;

	return MIN(pathmtu_payload(fd), sure);
}
