/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/qr.h"

#include <errno.h>
#include <qrencode.h>
#include <stdbool.h>
#include <string.h>

#define QUIET 4 /* modules; ISO/IEC 18004 §5.3.8 */

static void qrcode_free(QRcode **qr)
{
	QRcode_free(*qr);
}

static bool is_light(const QRcode *qr, int x, int y)
{
	if (x < 0 || y < 0 || x >= qr->width || y >= qr->width)
		return true;
	return !(qr->data[y * qr->width + x] & 1);
}

/* Below the last row of an odd number of rows there is nothing to draw. */
static const char *half_blocks(const QRcode *qr, int x, int y)
{
	bool upper = is_light(qr, x, y);
	bool lower = y + 1 < qr->width + QUIET && is_light(qr, x, y + 1);

	if (upper && lower)
		return "\u2588";
	if (upper)
		return "\u2580";
	return lower ? "\u2584" : " ";
}

int qr_render(const char *text, char **ret)
{
	_cleanup_(qrcode_free) QRcode *qr = NULL;
	size_t size = 0;
	char *rendered;
	FILE *f;

	/* A screen has no dirt to correct: the lowest level gives the largest modules. */
	qr = QRcode_encodeString8bit(text, 0, QR_ECLEVEL_L);
	if (!qr)
		return errno == ERANGE || errno == EINVAL ? -errno : -ENOMEM;
	f = open_memstream(&rendered, &size);
	if (!f)
		return -errno;
	for (int y = -QUIET; y < qr->width + QUIET; y += 2) {
		for (int x = -QUIET; x < qr->width + QUIET; x++)
			fputs(half_blocks(qr, x, y), f);
		fputc('\n', f);
	}
	if (ferror(f) | fclose(f)) {
		free(rendered);
		return -ENOMEM;
	}
	*ret = rendered;
	return 0;
}

void qr_print(FILE *f, const char *rendered)
{
	bool colour = isatty(fileno(f));

	while (*rendered) {
		size_t len = strcspn(rendered, "\n");

		fprintf(f, "%s%.*s%s\n", colour ? "\033[97;40m" : "", (int)len, rendered,
			colour ? "\033[0m" : "");
		rendered += len + (rendered[len] == '\n');
	}
}
