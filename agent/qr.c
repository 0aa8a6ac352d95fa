/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/qr.h"

#include <errno.h>
#include <qrencode.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>

#include "agent/charset.h"

#define QUIET 4        /* modules; ISO/IEC 18004 §5.3.8 */
#define BYTES_MAX 2953 /* of version 40-L; ISO/IEC 18004 table 7 */
#define COLUMNS 80     /* of a terminal that does not tell: a serial line */

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

static void draw(const QRcode *qr, enum qr_style style, FILE *f)
{
	const int step = style == QR_ASCII ? 1 : 2;

	for (int y = -QUIET; y < qr->width + QUIET; y += step) {
		for (int x = -QUIET; x < qr->width + QUIET; x++)
			if (style == QR_ASCII)
				fputs(is_light(qr, x, y) ? "##" : "  ", f);
			else
				fputs(half_blocks(qr, x, y), f);
		fputc('\n', f);
	}
}

int qr_render(const char *text, enum qr_style style, char **ret)
{
	_cleanup_(qrcode_free) QRcode *qr = NULL;
	size_t size = 0;
	char *rendered;
	FILE *f;

	/* A screen has no dirt to correct: the lowest level gives the largest modules. */
	qr = QRcode_encodeString8bit(text, 0, QR_ECLEVEL_L);
	if (!qr && errno == ERANGE)
		return -ERANGE;
	if (!qr)
		return errno == EINVAL ? -EINVAL : -ENOMEM;
	f = open_memstream(&rendered, &size);
	if (!f)
		return -ENOMEM;
	draw(qr, style, f);
	if (ferror(f) | fclose(f)) {
		free(rendered);
		return -ENOMEM;
	}
	*ret = rendered;
	return 0;
}

/* On a terminal '#' alone would leave gaps: what is light gets a light background, too. */
static void print_line(FILE *f, const char *line, size_t len)
{
	for (size_t i = 0, n; i < len; i += n) {
		bool light = line[i] == '#';

		n = light ? strspn(line + i, "#") : strcspn(line + i, "#");
		n = MIN(n, len - i);
		fprintf(f, "%s%.*s", light ? "\033[97;107m" : "\033[97;40m", (int)n, line + i);
	}
	fputs("\033[0m\n", f);
}

void qr_print(FILE *f, const char *rendered)
{
	bool colour = isatty(fileno(f));

	while (*rendered) {
		size_t len = strcspn(rendered, "\n");

		if (colour)
			print_line(f, rendered, len);
		else
			fprintf(f, "%.*s\n", (int)len, rendered);
		rendered += len + (rendered[len] == '\n');
	}
}

static size_t columns_of(FILE *f)
{
	struct winsize size;

	if (ioctl(fileno(f), TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
		return COLUMNS;
	return size.ws_col;
}

/* Of a line of half blocks: characters that do not go on with a byte of UTF-8. */
static size_t columns(const char *line)
{
	size_t n = 0;

	for (; *line != '\n' && *line; line++)
		n += ((unsigned char)*line & 0xc0) != 0x80;
	return n;
}

int qr_show(FILE *f, const char *text)
{
	enum qr_style style = charset_is_utf8() || !isatty(fileno(f)) ? QR_HALF_BLOCKS : QR_ASCII;
	_cleanup_(freep) char *rendered = NULL;
	int r = qr_render(text, style, &rendered);

	if (r == -ERANGE) {
		fprintf(f,
			"(No QR code: it would hold %d characters, and this has %zu. Use the "
			"text.)\n",
			BYTES_MAX, strlen(text));
		return 0;
	}
	if (r != 0)
		return r;
	if (style == QR_HALF_BLOCKS && isatty(fileno(f)) && columns(rendered) > columns_of(f))
		fprintf(f, "(The QR code needs %zu columns: a wider terminal shows it.)\n",
			columns(rendered));
	else if (style == QR_ASCII && strcspn(rendered, "\n") > columns_of(f))
		fprintf(f,
			"(A QR code needs %zu columns here; where UTF-8 is shown: "
			"LC_ALL=C.UTF-8 onboardctl token --qr)\n",
			strcspn(rendered, "\n"));
	else
		qr_print(f, rendered);
	return 0;
}
