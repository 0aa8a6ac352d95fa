/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <gpiod.h>
#include <stdio.h>
#include <string.h>

#include "wifi/button_line.h"

#define EDGES_MAX 16

struct button_line {
	struct gpiod_line_request *request;    /* owned */
	struct gpiod_edge_event_buffer *edges; /* owned */
	unsigned int line;
};

/* What a request is made from; all owned. */
struct plan {
	struct gpiod_chip *chip;
	struct gpiod_line_settings *settings;
	struct gpiod_line_config *lines;
	struct gpiod_request_config *config;
};

static void plan_done(struct plan *p)
{
	gpiod_request_config_free(p->config);
	gpiod_line_config_free(p->lines);
	gpiod_line_settings_free(p->settings);
	if (p->chip)
		gpiod_chip_close(p->chip);
}

static int request(struct button_line *l, const char *path, bool active_low)
{
	_cleanup_(plan_done) struct plan p = {
		.settings = gpiod_line_settings_new(),
		.lines = gpiod_line_config_new(),
		.config = gpiod_request_config_new(),
	};

	l->edges = gpiod_edge_event_buffer_new(EDGES_MAX);
	if (!p.settings || !p.lines || !p.config || !l->edges)
		return -ENOMEM;
	p.chip = gpiod_chip_open(path);
	if (!p.chip)
		return errno == ENOENT || errno == ENOTTY ? -ENODEV : -errno;
	gpiod_request_config_set_consumer(p.config, "onboardd");
	gpiod_line_settings_set_active_low(p.settings, active_low);
	/* An input that floats would press itself. A button closes the line to one side; a weak
	 * pull to the other side does no harm beside a real resistor. */
	if (gpiod_line_settings_set_direction(p.settings, GPIOD_LINE_DIRECTION_INPUT) < 0 ||
	    gpiod_line_settings_set_edge_detection(p.settings, GPIOD_LINE_EDGE_BOTH) < 0 ||
	    gpiod_line_settings_set_bias(p.settings, active_low ? GPIOD_LINE_BIAS_PULL_UP
								: GPIOD_LINE_BIAS_PULL_DOWN) < 0 ||
	    gpiod_line_config_add_line_settings(p.lines, &l->line, 1, p.settings) < 0)
		return -errno;
	l->request = gpiod_chip_request_lines(p.chip, p.config, p.lines);
	if (!l->request)
		/* An offset that the chip does not have. */
		return errno == EINVAL ? -ENODEV : -errno;
	return 0;
}

int button_line_open(const char *chip, unsigned int line, bool active_low, struct button_line **ret)
{
	_cleanup_(button_line_closep) struct button_line *l = calloc(1, sizeof(*l));
	_cleanup_(freep) char *path = NULL;
	int r;

	if (!l || asprintf(&path, "%s%s", strchr(chip, '/') ? "" : "/dev/", chip) < 0)
		return -ENOMEM;
	l->line = line;
	r = request(l, path, active_low);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(l);
	return 0;
}

struct button_line *button_line_close(struct button_line *l)
{
	if (!l)
		return NULL;
	if (l->request)
		gpiod_line_request_release(l->request);
	gpiod_edge_event_buffer_free(l->edges);
	free(l);
	return NULL;
}

int button_line_fd(const struct button_line *l)
{
	return gpiod_line_request_get_fd(l->request);
}

int button_line_take_edges(struct button_line *l)
{
	return gpiod_line_request_read_edge_events(l->request, l->edges, EDGES_MAX) < 0 ? -errno
											: 0;
}

int button_line_value(struct button_line *l)
{
	enum gpiod_line_value value = gpiod_line_request_get_value(l->request, l->line);

	if (value == GPIOD_LINE_VALUE_ERROR)
		return -errno;
	return value == GPIOD_LINE_VALUE_ACTIVE;
}
