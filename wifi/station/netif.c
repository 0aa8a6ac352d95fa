/* SPDX-License-Identifier: Apache-2.0 */
#include "wifi/station/netif.h"

#include <dirent.h>
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

/* A wireless interface is announced a moment before it can be told from a wired one. */
#define SECOND_LOOK_US 500000

static bool is_wireless(const char *name)
{
	char path[sizeof("/sys/class/net//phy80211") + IF_NAMESIZE];

	if (strchr(name, '/') || strlen(name) >= IF_NAMESIZE)
		return false;
	snprintf(path, sizeof(path), "/sys/class/net/%.*s/phy80211", IF_NAMESIZE, name);
	return access(path, F_OK) == 0;
}

static void closedirp(DIR **d)
{
	if (*d)
		closedir(*d);
}

int netif_pick(const char *wanted, char ret_name[static IF_NAMESIZE], unsigned int *ret_index)
{
	_cleanup_(closedirp) DIR *d = opendir("/sys/class/net");
	unsigned int best = 0;
	struct dirent *e;

	if (!d)
		return -ENODEV;
	while ((e = readdir(d))) {
		unsigned int index;

		if ((wanted && strcmp(e->d_name, wanted) != 0) || !is_wireless(e->d_name))
			continue;
		/* 0: sysfs is of another network namespace, or it has just gone. */
		index = if_nametoindex(e->d_name);
		if (index == 0 || (best != 0 && index > best))
			continue;
		best = index;
		snprintf(ret_name, IF_NAMESIZE, "%.*s", IF_NAMESIZE - 1, e->d_name);
	}
	if (best == 0)
		return -ENODEV;
	*ret_index = best;
	return 0;
}

int netif_mac(const char *name, uint8_t ret[static 6])
{
	_Alignas(struct ethtool_perm_addr) uint8_t bytes[sizeof(struct ethtool_perm_addr) + 32];
	struct ethtool_perm_addr *permanent = (void *)bytes;
	static const uint8_t none[6];
	struct ifreq request = {0};
	_cleanup_(closep) int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (strlen(name) == 0 || strlen(name) >= sizeof(request.ifr_name))
		return -ENODEV;
	memcpy(request.ifr_name, name, strlen(name));
	memset(bytes, 0, sizeof(bytes));
	permanent->cmd = ETHTOOL_GPERMADDR;
	permanent->size = 32;
	request.ifr_data = (void *)permanent;
	if (ioctl(fd, SIOCETHTOOL, &request) == 0 && permanent->size == 6 &&
	    memcmp(permanent->data, none, 6) != 0) {
		memcpy(ret, permanent->data, 6);
		return 0;
	}
	if (ioctl(fd, SIOCGIFHWADDR, &request) < 0)
		return -ENODEV;
	memcpy(ret, request.ifr_hwaddr.sa_data, 6);
	return 0;
}

struct netif_watch {
	int fd;                   /* owned */
	sd_event_source *source;  /* owned */
	sd_event_source *another; /* owned; the second look */
	netif_fn fn;
	void *userdata;
};

static int on_second_look(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct netif_watch *w = userdata;

	(void)source;
	(void)usec;
	w->fn(w->userdata);
	return 0;
}

static int look_again(struct netif_watch *w)
{
	int r = sd_event_source_set_time_relative(w->another, SECOND_LOOK_US);

	if (r < 0)
		return r;
	return sd_event_source_set_enabled(w->another, SD_EVENT_ONESHOT);
}

/* What it says is not read: sysfs is asked anew. */
static int on_readable(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct netif_watch *w = userdata;
	char buffer[16384];
	bool has_news = false;

	(void)source;
	(void)revents;
	while (recv(fd, buffer, sizeof(buffer), MSG_DONTWAIT) >= 0 || errno == ENOBUFS)
		has_news = true;
	if (!has_news)
		return 0;
	(void)look_again(w);
	w->fn(w->userdata);
	return 0;
}

static int watch(struct netif_watch *w, sd_event *event)
{
	struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK};
	int r;

	w->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	if (w->fd < 0)
		return -errno;
	if (bind(w->fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	r = sd_event_add_io(event, &w->source, w->fd, EPOLLIN, on_readable, w);
	if (r < 0)
		return r;
	r = sd_event_add_time_relative(event, &w->another, CLOCK_MONOTONIC, 0, 0, on_second_look,
				       w);
	if (r < 0)
		return r;
	return sd_event_source_set_enabled(w->another, SD_EVENT_OFF);
}

int netif_watch_new(sd_event *event, netif_fn fn, void *userdata, struct netif_watch **ret)
{
	struct netif_watch *w = calloc(1, sizeof(*w));
	int r;

	if (!w)
		return -ENOMEM;
	w->fd = -1;
	w->fn = fn;
	w->userdata = userdata;
	r = watch(w, event);
	if (r < 0) {
		netif_watch_free(w);
		return r;
	}
	*ret = w;
	return 0;
}

struct netif_watch *netif_watch_free(struct netif_watch *w)
{
	if (!w)
		return NULL;
	sd_event_source_disable_unref(w->source);
	sd_event_source_disable_unref(w->another);
	closep(&w->fd);
	free(w);
	return NULL;
}
