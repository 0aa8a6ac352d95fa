/* SPDX-License-Identifier: Apache-2.0 */
/* wifi/button alone, for a test with a real GPIO line: button_probe CHIP LINE high|low
 * prints "ready", then "press" for each press, until its standard input ends. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "wifi/button.h"

static void event_unrefp(sd_event **event)
{
	sd_event_unref(*event);
}

static void on_press(void *userdata)
{
	(void)userdata;
	printf("press\n");
}

static int on_stdin(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	char ignored[64];

	(void)revents;
	(void)userdata;
	if (read(fd, ignored, sizeof(ignored)) <= 0)
		sd_event_exit(sd_event_source_get_event(source), EXIT_SUCCESS);
	return 0;
}

int main(int argc, char **argv)
{
	_cleanup_(event_unrefp) sd_event *event = NULL;
	_cleanup_(button_freep) struct button *button = NULL;
	int r;

	if (argc != 4) {
		fprintf(stderr, "usage: button_probe CHIP LINE high|low\n");
		return EXIT_FAILURE;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	r = sd_event_new(&event);
	if (r >= 0)
		r = sd_event_add_io(event, NULL, STDIN_FILENO, EPOLLIN, on_stdin, NULL);
	if (r >= 0)
		r = button_new(event, argv[1], (unsigned int)strtoul(argv[2], NULL, 10),
			       strcmp(argv[3], "low") == 0, on_press, NULL, &button);
	if (r < 0) {
		printf("failed %s\n", strerror(-r));
		return EXIT_FAILURE;
	}
	printf("ready\n");
	return sd_event_loop(event);
}
