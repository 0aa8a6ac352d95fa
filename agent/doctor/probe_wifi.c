/* SPDX-License-Identifier: Apache-2.0 */
/* Services and radios that Wi-Fi provisioning stands on. */

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "agent/doctor/probe.h"

static bool is_served(sd_bus *bus, const char *name)
{
	return sd_bus_get_name_creds(bus, name, 0, NULL) >= 0;
}

static void look_at_bus(struct doctor_facts *f)
{
	_cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;

	if (sd_bus_open_system(&bus) < 0)
		return;
	f->has_wifi_service = is_served(bus, "fi.w1.wpa_supplicant1") ||
			      is_served(bus, "org.freedesktop.NetworkManager");
	f->has_bluetooth_service = is_served(bus, "org.bluez");
}

static bool is_wireless(const char *name)
{
	char path[300];

	snprintf(path, sizeof(path), "/sys/class/net/%.64s/phy80211", name);
	return access(path, F_OK) == 0;
}

static void look_at_interfaces(struct doctor_facts *f)
{
	DIR *d = opendir("/sys/class/net");

	for (const struct dirent *e = d ? readdir(d) : NULL; e; e = readdir(d))
		if (e->d_name[0] != '.' && is_wireless(e->d_name) &&
		    (!*f->wifi_interface || strcmp(e->d_name, f->wifi_interface) == 0))
			f->has_wifi_interface = true;
	if (d)
		closedir(d);
}

static bool is_one(const char *kill_switch, const char *what)
{
	char path[300], text[4] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/sys/class/rfkill/%.64s/%s", kill_switch, what);
	file = fopen(path, "re");
	if (!file)
		return false;
	if (!fgets(text, sizeof(text), file))
		text[0] = '\0';
	fclose(file);
	return text[0] == '1';
}

static void look_at_kill_switches(struct doctor_facts *f)
{
	DIR *d = opendir("/sys/class/rfkill");

	for (const struct dirent *e = d ? readdir(d) : NULL; e; e = readdir(d))
		if (e->d_name[0] != '.' && (is_one(e->d_name, "soft") || is_one(e->d_name, "hard")))
			f->is_blocked = true;
	if (d)
		closedir(d);
}

void probe_wifi(struct probe *p)
{
	if (!p->facts->wifi_enabled)
		return;
	look_at_bus(p->facts);
	look_at_interfaces(p->facts);
	look_at_kill_switches(p->facts);
}
