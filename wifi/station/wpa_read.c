/* SPDX-License-Identifier: Apache-2.0 */
#include "wifi/station/wpa_read.h"

#include <errno.h>
#include <string.h>

#include "wifi/busread.h"

/* One value of a dictionary: fn reads it from the variant of that type, or leaves it alone. 1 when
 * it took it. */
typedef int (*value_fn)(sd_bus_message *m, const char *name, const char *type, void *userdata);

struct values {
	value_fn fn;
	void *userdata;
};

static int on_property(sd_bus_message *m, const char *name, void *userdata)
{
	const struct values *v = userdata;
	const char *type = NULL;
	int r = sd_bus_message_peek_type(m, NULL, &type);

	if (r >= 0)
		r = sd_bus_message_enter_container(m, 'v', type);
	if (r >= 0)
		r = v->fn(m, name, type, v->userdata);
	if (r == 0)
		r = sd_bus_message_skip(m, type);
	if (r >= 0)
		r = sd_bus_message_exit_container(m);
	return r < 0 ? r : 1;
}

static int each_value(sd_bus_message *m, value_fn fn, void *userdata)
{
	struct values v = {fn, userdata};

	return busread_properties(m, on_property, &v);
}

static bool is(const char *name, const char *type, const char *wanted, const char *wanted_type)
{
	return strcmp(name, wanted) == 0 && strcmp(type, wanted_type) == 0;
}

static int took(int r)
{
	return r < 0 ? r : 1;
}

/* ---- the interface ---- */

static int read_int(sd_bus_message *m, bool *ret_has, int *ret)
{
	int32_t value = 0;
	int r = sd_bus_message_read(m, "i", &value);

	if (r >= 0) {
		*ret_has = true;
		*ret = value;
	}
	return took(r);
}

/* Capabilities: {"KeyMgmt": [..., "sae"], ...} */
static int take_capability(sd_bus_message *m, const char *name, const char *type, void *userdata)
{
	struct wpa_properties *p = userdata;
	const char *word = NULL;
	int r;

	if (!is(name, type, "KeyMgmt", "as"))
		return 0;
	r = sd_bus_message_enter_container(m, 'a', "s");
	if (r < 0)
		return r;
	p->has_capabilities = true;
	while ((r = sd_bus_message_read(m, "s", &word)) > 0)
		p->can_sae = p->can_sae || strcmp(word, "sae") == 0;
	if (r < 0)
		return r;
	return took(sd_bus_message_exit_container(m));
}

static int take_property(sd_bus_message *m, const char *name, const char *type, void *userdata)
{
	struct wpa_properties *p = userdata;
	const char *text = NULL;
	int flag = 0;
	int r;

	if (is(name, type, "State", "s")) {
		r = sd_bus_message_read(m, "s", &text);
		if (r < 0)
			return r;
		p->news.has_state = true;
		p->news.state = wpa_state_of(text);
		return 1;
	}
	if (is(name, type, "AuthStatusCode", "i"))
		return read_int(m, &p->news.has_auth_status, &p->news.auth_status);
	if (is(name, type, "AssocStatusCode", "i"))
		return read_int(m, &p->news.has_assoc_status, &p->news.assoc_status);
	if (is(name, type, "DisconnectReason", "i"))
		return read_int(m, &p->news.has_disconnect_reason, &p->news.disconnect_reason);
	if (is(name, type, "Scanning", "b")) {
		r = sd_bus_message_read(m, "b", &flag);
		p->has_scanning = true;
		p->is_scanning = flag;
		return took(r);
	}
	if (is(name, type, "CurrentBSS", "o")) {
		r = sd_bus_message_read(m, "o", &text);
		if (r < 0)
			return r;
		free(p->current_bss);
		p->current_bss = strdup(text);
		return p->current_bss ? 1 : -ENOMEM;
	}
	if (is(name, type, "CurrentAuthMode", "s")) {
		r = sd_bus_message_read(m, "s", &text);
		if (r < 0)
			return r;
		p->has_auth_mode = true;
		p->is_sae = strstr(text, "SAE");
		return 1;
	}
	if (is(name, type, "Capabilities", "a{sv}"))
		return took(each_value(m, take_capability, p));
	return 0;
}

void wpa_properties_done(struct wpa_properties *p)
{
	free(p->current_bss);
	*p = (struct wpa_properties){0};
}

int wpa_read_properties(sd_bus_message *m, struct wpa_properties *ret)
{
	*ret = (struct wpa_properties){0};
	return each_value(m, take_property, ret);
}

/* ---- a BSS ---- */

/* RSN or WPA: {"KeyMgmt": ["wpa-psk", ...], ...}, empty when the BSS has no such element. */
static int take_element(sd_bus_message *m, const char *name, const char *type, void *userdata)
{
	unsigned int *flags = userdata;
	const char *word = NULL;
	int r;

	if (is(name, type, "Group", "s")) {
		r = sd_bus_message_read(m, "s", &word);
		if (r >= 0 && *word)
			*flags |= WPA_KEY_ELEMENT;
		return took(r);
	}
	if (!is(name, type, "KeyMgmt", "as"))
		return 0;
	r = sd_bus_message_enter_container(m, 'a', "s");
	if (r < 0)
		return r;
	while ((r = sd_bus_message_read(m, "s", &word)) > 0)
		*flags |= WPA_KEY_ELEMENT | wpa_key_flag(word);
	if (r < 0)
		return r;
	return took(sd_bus_message_exit_container(m));
}

static int take_ssid(sd_bus_message *m, struct wpa_bss *bss)
{
	const void *data = NULL;
	size_t len = 0;
	int r = sd_bus_message_read_array(m, 'y', &data, &len);

	if (r < 0)
		return r;
	if (len > sizeof(bss->ssid))
		return -EBADMSG;
	if (len > 0)
		memcpy(bss->ssid, data, len);
	bss->ssid_len = len;
	return 1;
}

static int take_bssid(sd_bus_message *m, struct wpa_bss *bss)
{
	const void *data = NULL;
	size_t len = 0;
	int r = sd_bus_message_read_array(m, 'y', &data, &len);

	if (r < 0)
		return r;
	if (len != sizeof(bss->bssid))
		return -EBADMSG;
	memcpy(bss->bssid, data, len);
	bss->has_bssid = true;
	return 1;
}

static int take_bss_value(sd_bus_message *m, const char *name, const char *type, void *userdata)
{
	struct wpa_bss *bss = userdata;
	uint16_t mhz = 0;
	int16_t dbm = 0;
	int flag = 0;
	int r;

	if (is(name, type, "SSID", "ay"))
		return take_ssid(m, bss);
	if (is(name, type, "BSSID", "ay"))
		return take_bssid(m, bss);
	if (is(name, type, "RSN", "a{sv}"))
		return took(each_value(m, take_element, &bss->rsn));
	if (is(name, type, "WPA", "a{sv}"))
		return took(each_value(m, take_element, &bss->wpa));
	if (is(name, type, "Age", "u"))
		return took(sd_bus_message_read(m, "u", &bss->age_s));
	if (is(name, type, "Frequency", "q")) {
		r = sd_bus_message_read(m, "q", &mhz);
		bss->mhz = mhz;
		return took(r);
	}
	if (is(name, type, "Signal", "n")) {
		r = sd_bus_message_read(m, "n", &dbm);
		bss->signal_dbm = dbm;
		return took(r);
	}
	if (is(name, type, "Privacy", "b")) {
		r = sd_bus_message_read(m, "b", &flag);
		bss->is_private = flag;
		return took(r);
	}
	return 0;
}

int wpa_read_bss(sd_bus_message *m, struct wpa_bss *ret)
{
	*ret = (struct wpa_bss){0};
	return each_value(m, take_bss_value, ret);
}

int wpa_read_bss_paths(sd_bus_message *m, char **ret, size_t max, size_t *ret_n)
{
	const char *path = NULL;
	size_t n = 0;
	int r;

	r = sd_bus_message_enter_container(m, 'v', "ao");
	if (r < 0)
		return r;
	r = sd_bus_message_enter_container(m, 'a', "o");
	while (r >= 0 && (r = sd_bus_message_read(m, "o", &path)) > 0 && n < max) {
		ret[n] = strdup(path);
		if (!ret[n])
			r = -ENOMEM;
		else
			n++;
	}
	if (r < 0) {
		while (n > 0)
			free(ret[--n]);
		return r;
	}
	*ret_n = n;
	return 0;
}

/* ---- the signal ---- */

struct rssi {
	bool has;
	int dbm;
};

static int take_rssi(sd_bus_message *m, const char *name, const char *type, void *userdata)
{
	struct rssi *rssi = userdata;

	if (strcasecmp(name, "rssi") != 0 || strcmp(type, "i") != 0)
		return 0;
	return read_int(m, &rssi->has, &rssi->dbm);
}

int wpa_read_rssi(sd_bus_message *m, int *ret)
{
	struct rssi rssi = {0};
	const char *contents = NULL;
	char type = 0;
	int r;

	r = sd_bus_message_peek_type(m, &type, &contents);
	if (r < 0)
		return r;
	if (type == 'v') {
		r = sd_bus_message_enter_container(m, 'v', "a{sv}");
		if (r < 0)
			return r;
	}
	r = each_value(m, take_rssi, &rssi);
	if (r < 0)
		return r;
	if (!rssi.has)
		return -ENODATA;
	*ret = rssi.dbm;
	return 0;
}

/* ---- the network block ---- */

static int append_bytes(sd_bus_message *m, const char *name, const void *data, size_t len)
{
	int r;

	r = sd_bus_message_open_container(m, 'e', "sv");
	if (r < 0)
		return r;
	r = sd_bus_message_append(m, "s", name);
	if (r < 0)
		return r;
	r = sd_bus_message_open_container(m, 'v', "ay");
	if (r < 0)
		return r;
	r = sd_bus_message_append_array(m, 'y', data, len);
	if (r < 0)
		return r;
	r = sd_bus_message_close_container(m);
	if (r < 0)
		return r;
	return sd_bus_message_close_container(m);
}

static int append_text(sd_bus_message *m, const char *name, const char *text)
{
	return sd_bus_message_append(m, "{sv}", name, "s", text);
}

static int append_secret(sd_bus_message *m, const struct wpa_block *b)
{
	switch (b->secret) {
	case WPA_SECRET_NONE:
		return 0;
	case WPA_SECRET_PASSPHRASE:
		return append_text(m, "psk", (const char *)b->bytes);
	case WPA_SECRET_KEY:
		return append_bytes(m, "psk", b->bytes, b->len);
	case WPA_SECRET_SAE:
		return append_bytes(m, "sae_password", b->bytes, b->len);
	}
	return -EINVAL;
}

int wpa_append_block(sd_bus_message *m, const struct wpa_block *b)
{
	int r;

	r = sd_bus_message_sensitive(m);
	if (r < 0)
		return r;
	r = sd_bus_message_open_container(m, 'a', "{sv}");
	if (r < 0)
		return r;
	r = append_bytes(m, "ssid", b->ssid, b->ssid_len);
	/* Asks for the name aloud in the scan, which a hidden network answers to. */
	if (r >= 0)
		r = sd_bus_message_append(m, "{sv}", "scan_ssid", "u", (uint32_t)1);
	if (r >= 0)
		r = append_text(m, "key_mgmt", b->key_mgmt);
	if (r >= 0 && b->proto)
		r = append_text(m, "proto", b->proto);
	if (r >= 0 && b->has_pmf)
		r = sd_bus_message_append(m, "{sv}", "ieee80211w", "u", b->pmf);
	if (r >= 0 && *b->bssid)
		r = append_text(m, "bssid", b->bssid);
	if (r >= 0 && b->frequencies)
		r = append_text(m, "freq_list", b->frequencies);
	if (r >= 0)
		r = append_secret(m, b);
	if (r < 0)
		return r;
	return sd_bus_message_close_container(m);
}
