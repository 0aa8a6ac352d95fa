/* SPDX-License-Identifier: Apache-2.0 */
#include "wifi/link_internal.h"

static enum link_stage stage_of(enum linkfsm_state state)
{
	switch (state) {
	case LINKFSM_STATE_NO_INTERFACE:
	case LINKFSM_N_STATES:
		break;
	case LINKFSM_STATE_CHOOSING:
	case LINKFSM_STATE_UNCONFIGURED:
		return LINK_STAGE_UNCONFIGURED;
	case LINKFSM_STATE_CONNECTING:
	case LINKFSM_STATE_TRYING:
		return LINK_STAGE_CONNECTING;
	case LINKFSM_STATE_OBTAINING_IP:
	case LINKFSM_STATE_TRYING_IP:
		return LINK_STAGE_OBTAINING_IP;
	case LINKFSM_STATE_CONNECTED:
		return LINK_STAGE_CONNECTED;
	case LINKFSM_STATE_RETRYING:
	case LINKFSM_STATE_SCANNING:
		return LINK_STAGE_RETRYING;
	}
	return LINK_STAGE_NO_INTERFACE;
}

const char *link_stage_name(enum link_stage stage)
{
	switch (stage) {
	case LINK_STAGE_NO_INTERFACE:
		return "no-interface";
	case LINK_STAGE_UNCONFIGURED:
		return "unconfigured";
	case LINK_STAGE_CONNECTING:
		return "connecting";
	case LINK_STAGE_OBTAINING_IP:
		return "obtaining-ip";
	case LINK_STAGE_CONNECTED:
		return "connected";
	case LINK_STAGE_RETRYING:
		return "retrying";
	}
	return "unknown";
}

void link_get_view(const struct link *l, struct link_view *ret)
{
	const struct wifi_config *config = saved_get(l->saved);
	enum link_stage stage = stage_of(l->fsm.state);

	*ret = (struct link_view){
		.stage = stage,
		.interface = station_interface(l->station),
		.backend = station_backend(l->station),
		.is_configured = config != NULL,
		.is_volatile = config && config->is_volatile,
		.is_trying = linkfsm_is_trial(l->fsm.state),
		.is_stranded = l->is_stranded,
		.configured = config ? &config->network : NULL,
		.has_rssi = l->has_rssi,
		.rssi_dbm = l->rssi_dbm,
		.has_failed = l->has_failed,
		.last_reason = l->last_reason,
	};
	if (ret->is_trying)
		ret->trying = &l->trial.config.network;
	if (stage == LINK_STAGE_OBTAINING_IP || stage == LINK_STAGE_CONNECTED)
		ret->connected = station_network(l->station);
	if (stage == LINK_STAGE_CONNECTED)
		ret->has_ip4 = address_ip4(l->address, ret->ip4);
	if (l->fsm.state == LINKFSM_STATE_RETRYING)
		ret->retry_in_ms = deadline_left_ms(l->timer);
}
