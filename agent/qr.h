/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A text as a QR code that a phone reads off a terminal: UTF-8 half blocks, two modules in a
 * character's height. Light modules are drawn and dark ones left blank, with the quiet zone of four
 * light modules around them, so that the code is dark on light on a terminal with a dark
 * background, without any control sequence: the text also goes to files, logs and serial lines. */

#include <stdio.h>

#include "base/macros.h"

/* *ret owned: lines ending in '\n'. -ERANGE: more than a QR code holds (2953 bytes); -EINVAL: empty
 * text; -ENOMEM. */
int qr_render(const char *text, char **ret) _must_check_;
/* Writes what qr_render() made; when f is a terminal, in white on black whatever its theme. */
void qr_print(FILE *f, const char *rendered);
