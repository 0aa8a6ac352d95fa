/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <gpiod.h>

#include "wifi/button_line.h"

#define EDGES_MAX 16

struct button_line {
	struct gpiod_line_request *request;    /* owned */
	struct gpiod_edge_event_buffer *edges; /* owned */
	unsigned int line;
};

DEFINE_CLEANUP(struct gpiod_chip *, gpiod_chip_close);
DEFINE_CLEANUP(struct gpiod_chip_info *, gpiod_chip_info_free);
DEFINE_CLEANUP(struct gpiod_line_settings *, gpiod_line_settings_free);
DEFINE_CLEANUP(struct gpiod_line_config *, gpiod_line_config_free);
DEFINE_CLEANUP(struct gpiod_request_config *, gpiod_request_config_free);

/* As libgpiod says it: -1 and errno. */
static int describe(struct gpiod_line_settings *settings, struct gpiod_line_config *lines,
		    unsigned int line, bool active_low)
{
	gpiod_line_settings_set_active_low(settings, active_low);
	if (gpiod_line_settings_set_direction(settings, GPIOD_LINE_DIRECTION_INPUT) < 0 ||
	    gpiod_line_settings_set_edge_detection(settings, GPIOD_LINE_EDGE_BOTH) < 0)
		return -1;
	/* An input that floats would press itself. A button closes the line to one side; a weak
	 * pull to the other side does no harm beside a real resistor. */
	if (gpiod_line_settings_set_bias(settings, active_low ? GPIOD_LINE_BIAS_PULL_UP
							      : GPIOD_LINE_BIAS_PULL_DOWN) < 0)
		return -1;
	return gpiod_line_config_add_line_settings(lines, &line, 1, settings);
}

static int request(struct button_line *l, const char *path, bool active_low)
{
	_cleanup_(gpiod_chip_closep) struct gpiod_chip *chip = NULL;
	_cleanup_(gpiod_chip_info_freep) struct gpiod_chip_info *info = NULL;
	_cleanup_(gpiod_line_settings_freep) struct gpiod_line_settings *settings =
		gpiod_line_settings_new();
	_cleanup_(gpiod_line_config_freep) struct gpiod_line_config *lines =
		gpiod_line_config_new();
	_cleanup_(gpiod_request_config_freep) struct gpiod_request_config *config =
		gpiod_request_config_new();

	if (!settings || !lines || !config)
		return -ENOMEM;
	chip = gpiod_chip_open(path);
	if (!chip)
		return errno == ENOENT || errno == ENOTTY ? -ENODEV : -errno;
	info = gpiod_chip_get_info(chip);
	if (!info)
		return -errno;
	if (l->line >= gpiod_chip_info_get_num_lines(info))
		return -ENODEV;
	gpiod_request_config_set_consumer(config, "onboardd");
	if (describe(settings, lines, l->line, active_low) < 0)
		return -errno;
	l->request = gpiod_chip_request_lines(chip, config, lines);
	return l->request ? 0 : -errno;
}

int button_line_open(const char *path, unsigned int line, bool active_low, struct button_line **ret)
{
	_cleanup_(button_line_closep) struct button_line *l = calloc(1, sizeof(*l));
	int r;

	if (!l)
		return -ENOMEM;
	l->line = line;
	l->edges = gpiod_edge_event_buffer_new(EDGES_MAX);
	if (!l->edges)
		return -ENOMEM;
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
	switch (gpiod_line_request_get_value(l->request, l->line)) {
	case GPIOD_LINE_VALUE_ACTIVE:
		return 1;
	case GPIOD_LINE_VALUE_INACTIVE:
		return 0;
	case GPIOD_LINE_VALUE_ERROR:
		break;
	}
	return -errno;
}
