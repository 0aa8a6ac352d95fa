/* SPDX-License-Identifier: Apache-2.0 */
#include "wifi/ble/advert_mgmt.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>

#include "base/log.h"
#include "wifi/ble/mgmtmsg.h"

#define ADAPTERS_MAX 8
/* As in the kernel's include/net/bluetooth/hci_sock.h. */
#define BTPROTO_HCI 1
#define INDEX_NONE 0xffff
#define CHANNEL_CONTROL 3
/* The kernel answers at once unless the controller hangs. */
#define REPLY_LIMIT_US (10 * 1000 * 1000ull)
#define RETRY_US (2 * 1000 * 1000ull)
#define ACCURACY_US (50 * 1000)

struct address {
	sa_family_t family;
	uint16_t index, channel;
};

/* The command that is under way. */
enum step {
	STEP_NONE,
	STEP_FEATURES,
	STEP_ADD_PARAMS,
	STEP_ADD_DATA,
	STEP_ADD, /* for kernels without the two before */
	STEP_REMOVE,
};

struct air {
	struct advert_mgmt *mgmt; /* borrowed; NULL: unused */
	unsigned int index;
	uint8_t instance; /* 0: not known yet. The highest: bluetoothd takes them from 1 up. */
	bool is_clean;    /* nothing is left of a process before us */
	bool has_no_ext;
	bool is_wanted, is_dirty; /* is_dirty: what is wanted has not been asked for */
	bool is_on;
	struct advertdata data;
	enum step step;
	sd_event_source *timer; /* owned; limit of the step, or wait between two tries */
};

struct advert_mgmt {
	sd_event *event; /* borrowed */
	const struct advert_mgmt_events *events;
	int fd;
	sd_event_source *source; /* owned */
	struct air airs[ADAPTERS_MAX];
};

static void run(struct air *x);

static struct air *find(struct advert_mgmt *m, unsigned int index)
{
	for (size_t i = 0; i < ARRAY_SIZE(m->airs); i++)
		if (m->airs[i].mgmt && m->airs[i].index == index)
			return &m->airs[i];
	return NULL;
}

static void drop(struct air *x)
{
	x->timer = sd_event_source_disable_unref(x->timer);
	*x = (struct air){0};
}

static void set_on(struct air *x, bool is_on, const char *why)
{
	struct advert_mgmt *m = x->mgmt;

	if (x->is_on == is_on && !why)
		return;
	x->is_on = is_on;
	m->events->changed(m->events->userdata, x->index, is_on, why);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct air *x = userdata;

	(void)source;
	(void)usec;
	x->timer = sd_event_source_disable_unref(x->timer);
	if (x->step != STEP_NONE) {
		log_warning("ble: hci%u: the kernel does not answer, asking again", x->index);
		x->step = STEP_NONE;
		x->is_dirty = true;
		x->is_clean = false;
	}
	run(x);
	return 0;
}

static void set_timer(struct air *x, uint64_t us)
{
	int r;

	x->timer = sd_event_source_disable_unref(x->timer);
	r = sd_event_add_time_relative(x->mgmt->event, &x->timer, CLOCK_BOOTTIME, us, ACCURACY_US,
				       on_timer, x);
	if (r < 0)
		log_error("ble: hci%u: no timer for advertising: %s", x->index, strerror(-r));
}

static void try_later(struct air *x, const char *why)
{
	x->step = STEP_NONE;
	x->is_dirty = true;
	x->is_clean = false; /* the instance may be half there */
	set_timer(x, RETRY_US);
	set_on(x, false, why);
}

static void give_up(struct air *x, const char *why)
{
	struct advert_mgmt *m = x->mgmt;
	unsigned int index = x->index;

	drop(x);
	m->events->impossible(m->events->userdata, index, why);
}

static void send_step(struct air *x, enum step step)
{
	uint8_t message[MGMTMSG_MAX];
	size_t len = 0;

	switch (step) {
	case STEP_NONE:
		return;
	case STEP_FEATURES:
		len = mgmtmsg_read_features(x->index, message);
		break;
	case STEP_ADD_PARAMS:
		len = mgmtmsg_ext_params(x->index, x->instance, &x->data, message);
		break;
	case STEP_ADD_DATA:
		len = mgmtmsg_ext_data(x->index, x->instance, &x->data, message);
		break;
	case STEP_ADD:
		len = mgmtmsg_add(x->index, x->instance, &x->data, message);
		break;
	case STEP_REMOVE:
		len = mgmtmsg_remove(x->index, x->instance, message);
		break;
	}
	if (write(x->mgmt->fd, message, len) < 0) {
		try_later(x, strerror(errno));
		return;
	}
	x->step = step;
	set_timer(x, REPLY_LIMIT_US);
}

/* Begins the next thing to be done, if nothing is under way. */
static void run(struct air *x)
{
	if (x->step != STEP_NONE || x->timer)
		return;
	if (x->instance == 0) {
		send_step(x, STEP_FEATURES);
	} else if (!x->is_clean) {
		send_step(x, STEP_REMOVE);
	} else if (x->is_dirty && x->is_wanted) {
		x->is_dirty = false;
		send_step(x, x->has_no_ext ? STEP_ADD : STEP_ADD_PARAMS);
	} else if (x->is_dirty) {
		x->is_dirty = false;
		if (x->is_on)
			send_step(x, STEP_REMOVE);
	}
}

static uint16_t step_op(enum step step)
{
	switch (step) {
	case STEP_NONE:
		return 0;
	case STEP_FEATURES:
		return MGMT_OP_READ_ADVERTISING_FEATURES;
	case STEP_ADD_PARAMS:
		return MGMT_OP_ADD_EXT_PARAMS;
	case STEP_ADD_DATA:
		return MGMT_OP_ADD_EXT_DATA;
	case STEP_ADD:
		return MGMT_OP_ADD_ADVERTISING;
	case STEP_REMOVE:
		return MGMT_OP_REMOVE_ADVERTISING;
	}
	return 0;
}

static void on_refused(struct air *x, enum step step, uint8_t status)
{
	const char *why = mgmtmsg_status_text(status);
	bool is_unknown =
		status == MGMT_STATUS_UNKNOWN_COMMAND || status == MGMT_STATUS_NOT_SUPPORTED;

	if (status == MGMT_STATUS_PERMISSION_DENIED) {
		give_up(x, why);
	} else if (step == STEP_ADD_PARAMS && is_unknown) {
		x->has_no_ext = true;
		x->is_dirty = true;
		run(x);
	} else if (is_unknown) {
		give_up(x, why);
	} else if (step == STEP_REMOVE) {
		/* There was none. */
		x->is_clean = true;
		set_on(x, false, NULL);
		run(x);
	} else {
		log_debug("ble: hci%u: step %d of advertising: %s", x->index, (int)step, why);
		try_later(x, why);
	}
}

static void on_done(struct air *x, enum step step, const struct mgmtmsg *msg)
{
	switch (step) {
	case STEP_NONE:
		return;
	case STEP_FEATURES:
		if (msg->instance == 0) {
			give_up(x, "the adapter cannot advertise");
			return;
		}
		x->instance = msg->instance;
		break;
	case STEP_ADD_PARAMS:
		send_step(x, STEP_ADD_DATA);
		return;
	case STEP_ADD_DATA:
	case STEP_ADD:
		set_on(x, true, NULL);
		break;
	case STEP_REMOVE:
		x->is_clean = true;
		set_on(x, false, NULL);
		break;
	}
	run(x);
}

static void on_reply(struct air *x, const struct mgmtmsg *msg)
{
	enum step step = x->step;

	if (step == STEP_NONE || msg->op != step_op(step))
		return;
	x->step = STEP_NONE;
	x->timer = sd_event_source_disable_unref(x->timer);
	if (msg->status == MGMT_STATUS_SUCCESS)
		on_done(x, step, msg);
	else
		on_refused(x, step, msg->status);
}

static void on_message(struct advert_mgmt *m, const struct mgmtmsg *msg)
{
	struct air *x = find(m, msg->index);

	switch (msg->type) {
	case MGMTMSG_REPLY:
		if (x)
			on_reply(x, msg);
		break;
	case MGMTMSG_ADVERTISING_REMOVED:
		/* By somebody else: a bluetoothd that starts clears the table. */
		if (x && x->is_on && msg->instance == x->instance && x->step == STEP_NONE)
			try_later(x, "the advertisement was removed");
		break;
	case MGMTMSG_AUTH_FAILED:
		m->events->auth_failed(m->events->userdata, msg->index, msg->address);
		break;
	case MGMTMSG_OTHER:
		break;
	}
}

static void on_broken(struct advert_mgmt *m, int r)
{
	log_warning("ble: the management socket failed: %s", strerror(-r));
	m->source = sd_event_source_disable_unref(m->source);
	for (size_t i = 0; i < ARRAY_SIZE(m->airs); i++)
		if (m->airs[i].mgmt)
			give_up(&m->airs[i], "the management socket failed");
}

static int on_readable(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct advert_mgmt *m = userdata;
	uint8_t bytes[MGMTMSG_EVENT_MAX];
	struct mgmtmsg msg;
	ssize_t n;

	(void)source;
	(void)revents;
	n = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);
	if (n < 0) {
		if (errno != EAGAIN && errno != EINTR)
			on_broken(m, -errno);
		return 0;
	}
	if (n == 0) {
		on_broken(m, -EPIPE);
		return 0;
	}
	if (mgmtmsg_parse(bytes, (size_t)n, &msg) == 0)
		on_message(m, &msg);
	return 0;
}

static int open_socket(struct advert_mgmt *m)
{
	struct address address = {
		.family = AF_BLUETOOTH, .index = INDEX_NONE, .channel = CHANNEL_CONTROL};
	int r;

	m->fd = socket(AF_BLUETOOTH, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, BTPROTO_HCI);
	if (m->fd < 0)
		return -errno;
	if (bind(m->fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	r = sd_event_add_io(m->event, &m->source, m->fd, EPOLLIN, on_readable, m);
	return r < 0 ? r : 0;
}

int advert_mgmt_new(sd_event *event, const struct advert_mgmt_events *events,
		    struct advert_mgmt **ret)
{
	_cleanup_(advert_mgmt_freep) struct advert_mgmt *m = calloc(1, sizeof(*m));
	int r;

	if (!m)
		return -ENOMEM;
	m->event = event;
	m->events = events;
	r = open_socket(m);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(m);
	return 0;
}

struct advert_mgmt *advert_mgmt_free(struct advert_mgmt *m)
{
	uint8_t message[MGMTMSG_MAX];

	if (!m)
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(m->airs); i++) {
		struct air *x = &m->airs[i];

		/* The instance would outlive the socket. Nobody waits for the answer. */
		if (x->mgmt && x->instance != 0)
			(void)!write(m->fd, message,
				     mgmtmsg_remove(x->index, x->instance, message));
		drop(x);
	}
	sd_event_source_disable_unref(m->source);
	closep(&m->fd);
	free(m);
	return NULL;
}

static struct air *add(struct advert_mgmt *m, unsigned int index)
{
	for (size_t i = 0; i < ARRAY_SIZE(m->airs); i++) {
		struct air *x = &m->airs[i];

		if (x->mgmt)
			continue;
		*x = (struct air){.mgmt = m, .index = index};
		return x;
	}
	return NULL;
}

void advert_mgmt_set(struct advert_mgmt *m, unsigned int index, const struct advertdata *d)
{
	struct air *x = find(m, index);

	if (!x)
		x = add(m, index);
	if (!x)
		return;
	if (x->is_wanted == (d != NULL) && (!d || advertdata_equal(&x->data, d)) && x->is_clean)
		return;
	x->is_wanted = d;
	if (d)
		x->data = *d;
	x->is_dirty = true;
	run(x);
}

void advert_mgmt_forget(struct advert_mgmt *m, unsigned int index)
{
	struct air *x = find(m, index);

	if (x)
		drop(x);
}
