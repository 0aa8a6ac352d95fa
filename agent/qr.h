/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A text as a QR code that a phone reads off a terminal. Light modules are drawn and dark ones left
 * blank, with the quiet zone of four light modules around them, so that the code is dark on light
 * on a terminal with a dark background, without any control sequence: the text also goes to files,
 * logs and serial lines. */

#include <stdio.h>

#include "base/macros.h"

enum qr_style {
	QR_HALF_BLOCKS, /* UTF-8, two modules in a character's height */
	QR_ASCII,       /* "##" a module: twice as wide and as high */
};

/* *ret owned: lines ending in '\n'. -ERANGE: more than a QR code holds (2953 bytes); -EINVAL: empty
 * text; -ENOMEM. */
int qr_render(const char *text, enum qr_style style, char **ret) _must_check_;
/* Writes what qr_render() made; when f is a terminal, in white on black whatever its theme. */
void qr_print(FILE *f, const char *rendered);

/* Both in the style of f: half blocks for UTF-8 and for whatever is not a terminal here (a log, a
 * file: its reader's terminal counts), else ASCII; when a terminal is not wide enough, a line
 * that says what to do. A text that is too long for a QR code is a line that says so, no failure.
 * The other results of qr_render(), nothing being written then. */
int qr_show(FILE *f, const char *text) _must_check_;
