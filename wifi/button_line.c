/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <gpiod.h>

#include "wifi/button_line.h"

#define EDGES_MAX 16

struct button_line {
	struct gpiod_chip *chip; /* owned */
	struct gpiod_line *line; /* the chip's */
};

static int request(struct button_line *l, const char *path, unsigned int line, bool active_low)
{
	/* An input that floats would press itself. A button closes the line to one side; a weak
	 * pull to the other side does no harm beside a real resistor. */
	const struct gpiod_line_request_config config = {
		.consumer = "onboardd",
		.request_type = GPIOD_LINE_REQUEST_EVENT_BOTH_EDGES,
		.flags = active_low ? GPIOD_LINE_REQUEST_FLAG_ACTIVE_LOW |
					      GPIOD_LINE_REQUEST_FLAG_BIAS_PULL_UP
				    : GPIOD_LINE_REQUEST_FLAG_BIAS_PULL_DOWN,
	};

	l->chip = gpiod_chip_open(path);
	if (!l->chip)
		return errno == ENOENT || errno == ENOTTY ? -ENODEV : -errno;
	if (line >= gpiod_chip_num_lines(l->chip))
		return -ENODEV;
	l->line = gpiod_chip_get_line(l->chip, line);
	if (!l->line)
		return -errno;
	return gpiod_line_request(l->line, &config, 0) < 0 ? -errno : 0;
}

int button_line_open(const char *path, unsigned int line, bool active_low, struct button_line **ret)
{
	_cleanup_(button_line_closep) struct button_line *l = calloc(1, sizeof(*l));
	int r;

	if (!l)
		return -ENOMEM;
	r = request(l, path, line, active_low);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(l);
	return 0;
}

struct button_line *button_line_close(struct button_line *l)
{
	if (!l)
		return NULL;
	/* Releases the line, too. */
	if (l->chip)
		gpiod_chip_close(l->chip);
	free(l);
	return NULL;
}

int button_line_fd(const struct button_line *l)
{
	return gpiod_line_event_get_fd(l->line);
}

int button_line_take_edges(struct button_line *l)
{
	struct gpiod_line_event edges[EDGES_MAX];

	return gpiod_line_event_read_multiple(l->line, edges, EDGES_MAX) < 0 ? -errno : 0;
}

int button_line_value(struct button_line *l)
{
	int value = gpiod_line_get_value(l->line);

	return value < 0 ? -errno : value;
}
