/* SPDX-License-Identifier: Apache-2.0 */
#include "wifi/provisioner_status.h"

#include <string.h>

#include "wifi/provisioner_ssid.h"

static enum wifi_state state_of(const struct link_view *view)
{
	switch (view->stage) {
	case LINK_STAGE_NO_INTERFACE:
	case LINK_STAGE_UNCONFIGURED:
	case LINK_STAGE_RETRYING:
		return WIFI_STATE_DISCONNECTED;
	case LINK_STAGE_CONNECTING:
		return WIFI_STATE_ASSOCIATION;
	case LINK_STAGE_OBTAINING_IP:
		return WIFI_STATE_OBTAINING_IP;
	case LINK_STAGE_CONNECTED:
		return WIFI_STATE_CONNECTED;
	}
	return WIFI_STATE_DISCONNECTED;
}

static void put_network(struct wifi_device_status *s, const struct wifi_network *n)
{
	s->has_network = true;
	s->network = *n;
	ssid_make_showable(&s->network);
}

/* Where a network was last seen is no promise of where it will be joined. */
static void put_unlinked(struct wifi_device_status *s, const struct wifi_network *n)
{
	put_network(s, n);
	s->network.channel = WIFI_CHANNEL_ANY;
}

/* What the back end knows of the link, and the configuration where it knows nothing. */
static void put_linked(struct wifi_device_status *s, const struct link_view *view)
{
	struct wifi_network n = *view->connected;

	memcpy(n.ssid, view->configured->ssid, sizeof(n.ssid));
	n.ssid_len = view->configured->ssid_len;
	if (n.auth > WIFI_AUTH_WPA3_PSK)
		n.auth = view->configured->auth;
	put_network(s, &n);
}

void provisioner_status(const struct link_view *view, const struct wifi_network *tried,
			enum wifi_state state, struct wifi_device_status *ret)
{
	struct wifi_device_status s = {0};

	/* Name and state are shown side by side, so they have to be of the same network. */
	if (tried) {
		s.state = state;
		put_unlinked(&s, tried);
	} else if (view->configured) {
		/* The owner tries something else: what is kept is not connected. */
		s.state = view->is_trying ? WIFI_STATE_DISCONNECTED : state_of(view);
		if (s.state == WIFI_STATE_CONNECTED && view->connected)
			put_linked(&s, view);
		else
			put_unlinked(&s, view->configured);
	}
	if (s.state == WIFI_STATE_CONNECTED && view->has_ip4) {
		s.has_ip4 = true;
		memcpy(s.ip4, view->ip4, sizeof(s.ip4));
	}
	s.has_state = s.has_network;
	if (s.network.auth > WIFI_AUTH_WPA3_PSK)
		s.network.auth = WIFI_AUTH_UNKNOWN;
	*ret = s;
}
