/* SPDX-License-Identifier: Apache-2.0 */
/* Who does Wi-Fi and Bluetooth for onboardd. */

#include "agent/doctor/judge.h"

void judge_wifi_services(const struct doctor_facts *f, struct doctor_finding *ret)
{
	if (!f->wifi_enabled) {
		finding_skip(ret, "`enable` in [wifi] is not set");
	} else if (f->daemon == FACTS_DAEMON_NO_BUS) {
		finding_skip(ret, "only the bus can tell");
	} else if (!f->has_wifi_service) {
		finding_fail(ret, "This device cannot be given a network.",
			     "neither wpa_supplicant nor NetworkManager is on the bus%s",
			     f->has_bluetooth_service ? "" : ", nor is BlueZ");
		finding_remedy(ret, "Install and start one: systemctl start wpa_supplicant%s.",
			       f->has_bluetooth_service ? "" : " bluetooth");
	} else if (!f->has_bluetooth_service) {
		finding_fail(ret, "No phone can give this device a network.",
			     "BlueZ is not on the bus");
		finding_remedy(ret, "Install and start it: systemctl start bluetooth.");
	} else {
		finding_ok(ret, "Wi-Fi and Bluetooth are served");
	}
}

void judge_wifi_interface(const struct doctor_facts *f, struct doctor_finding *ret)
{
	if (!f->has_wifi_interface) {
		finding_fail(ret, "This device has no Wi-Fi to give to anybody.",
			     *f->wifi_interface ? "there is no wireless interface %s"
						: "there is no wireless interface%s",
			     f->wifi_interface);
		finding_remedy(ret, "Load the radio's driver and firmware: dmesg, iw dev.");
	} else if (f->is_blocked) {
		finding_fail(ret, "The radio is off.", "a radio is blocked");
		finding_remedy(ret, "rfkill list, rfkill unblock all.");
	} else {
		finding_ok(ret, "there");
	}
}
