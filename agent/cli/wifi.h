/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The verbs below "onboardctl wifi", one file each. As verbs.h says. */

#include <jansson.h>

#include "agent/cli/verbs.h"

int wifi_verb_status(int argc, char **argv) _must_check_;
int wifi_verb_scan(int argc, char **argv) _must_check_;
int wifi_verb_connect(int argc, char **argv) _must_check_;
int wifi_verb_forget(int argc, char **argv) _must_check_;
int wifi_verb_advertise(int argc, char **argv) _must_check_;
int wifi_verb_configure(int argc, char **argv) _must_check_;

/* For `onboardctl status`: the status of Wi-Fi in one line. */
void wifi_show_line(const json_t *status);
