/* SPDX-License-Identifier: Apache-2.0 */

/* The messages of the provisioning service, over the connection that device.c made. */

#include <errno.h>
#include <string.h>

#include "base/secret.h"
#include "wifi/busread.h"
#include "wifi/central/internal.h"

/* The phones' apps wait so long. */
#define MESSAGE_MS 60000
/* ATT gives a transaction 30 s. */
#define TRANSACTION_MS 35000

struct value {
	struct central *central;
	bool is_response;
};

static int read_value(sd_bus_message *m, const char *name, void *userdata)
{
	const struct value *v = userdata;
	const void *data;
	size_t len;
	int r;

	if (strcmp(name, "Value") != 0)
		return 0;
	r = sd_bus_message_enter_container(m, 'v', "ay");
	if (r >= 0)
		r = sd_bus_message_read_array(m, 'y', &data, &len);
	if (r < 0)
		return r;
	queue_put(&v->central->queue, v->is_response, data, len);
	r = sd_bus_message_exit_container(m);
	return r < 0 ? r : 1;
}

int exchange_on_value(struct central *c, const char *path, sd_bus_message *m)
{
	struct value v = {.central = c};

	if (!c->control || !c->output ||
	    (strcmp(path, c->control) != 0 && strcmp(path, c->output) != 0))
		return 0;
	v.is_response = strcmp(path, c->control) == 0;
	return busread_properties(m, read_value, &v);
}

static int check_connected(struct central *c, const char *what)
{
	if (c->is_gone)
		return central_fail(c, -ENODEV, "%s: Bluetooth is not there", what);
	if (!c->device || !c->control || !c->is_connected)
		return central_fail(c, -ENOTCONN, "%s: the device is not connected", what);
	return 0;
}

/* What a call failed with, when the link was lost over it. */
static int of_link(struct central *c, int r)
{
	if (r < 0 && r != -ENODEV && !c->is_connected)
		return central_fail(c, -ENOTCONN, "the device ended the connection");
	return r;
}

int central_subscribe(struct central *c)
{
	const uint64_t end_ms = central_deadline(0, TRANSACTION_MS);
	int r;

	r = check_connected(c, "subscribing");
	if (r < 0 || c->is_subscribed)
		return r;
	r = central_call_plain(c, c->control, CHARACTERISTIC1, "StartNotify", end_ms,
			       "subscribing");
	if (r == 0)
		r = central_call_plain(c, c->output, CHARACTERISTIC1, "StartNotify", end_ms,
				       "subscribing");
	if (r == 0)
		c->is_subscribed = true;
	return of_link(c, r);
}

int central_read_info(struct central *c, uint32_t *ret_version)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
	const void *data;
	size_t len;
	int r;

	r = check_connected(c, "reading the version");
	if (r < 0)
		return r;
	r = central_message(c, c->info, CHARACTERISTIC1, "ReadValue", &m);
	if (r < 0)
		return r;
	r = sd_bus_message_append(m, "a{sv}", 0);
	if (r < 0)
		return central_fail(c, r, "reading the version: %s", strerror(-r));
	r = central_call(c, m, central_deadline(0, TRANSACTION_MS), "reading the version", &reply);
	if (r < 0)
		return of_link(c, r);
	r = sd_bus_message_read_array(reply, 'y', &data, &len);
	if (r < 0)
		return central_fail(c, -EIO, "reading the version: not bytes");
	r = wifi_info_decode(data, len, ret_version);
	return r < 0 ? central_fail(c, r, "the device's version is not understood") : 0;
}

static int write_value(struct central *c, const void *data, size_t len, uint64_t end_ms)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
	int r;

	r = check_connected(c, "writing");
	if (r < 0)
		return r;
	r = central_message(c, c->control, CHARACTERISTIC1, "WriteValue", &m);
	if (r < 0)
		return r;
	r = sd_bus_message_sensitive(m);
	if (r >= 0)
		r = sd_bus_message_append_array(m, 'y', data, len);
	if (r >= 0)
		r = sd_bus_message_append(m, "a{sv}", 1, "type", "s", "request");
	if (r < 0)
		return central_fail(c, r, "writing: %s", strerror(-r));
	return of_link(c, central_call(c, m, end_ms, "writing", NULL));
}

int central_write(struct central *c, const void *data, size_t len)
{
	return write_value(c, data, len, central_deadline(0, TRANSACTION_MS));
}

/* Waits for the next response or result, or the next of either. Messages that came before the
 * connection ended are still taken. *ret is the caller's. */
static int wait_message(struct central *c, const bool *is_response, uint64_t end_ms,
			const char *what, struct message **ret)
{
	struct message *m;
	int r;

	for (;;) {
		m = is_response ? queue_take(&c->queue, *is_response) : queue_take_any(&c->queue);
		if (m) {
			*ret = m;
			return 0;
		}
		if (c->queue.has_lost) {
			c->queue.has_lost = false;
			return central_fail(c, -EIO, "the device sent more than could be kept");
		}
		if (!c->device)
			return central_fail(c, -ENOTCONN, "%s: not connected", what);
		r = central_step_connected(c, end_ms, what);
		if (r < 0)
			return r;
	}
}

int central_request(struct central *c, const struct wifi_request *request, uint64_t timeout_ms,
		    struct wifi_response *ret)
{
	const uint64_t end_ms = central_deadline(timeout_ms, MESSAGE_MS);
	const bool is_response = true;
	uint8_t buf[WIFI_MESSAGE_MAX];
	struct wifi_response response = {0};
	struct message *m = NULL;
	size_t len;
	int r;

	r = wifi_request_encode(request, buf, sizeof(buf), &len);
	if (r < 0)
		return central_fail(c, r, "the request breaks a limit");
	/* An answer that came after its request was given up on is none to this one. */
	while ((m = queue_take(&c->queue, is_response)))
		free(m);
	r = write_value(c, buf, len, end_ms);
	secret_wipe(buf, sizeof(buf));
	if (r == 0)
		r = wait_message(c, &is_response, end_ms, "the answer of the device", &m);
	if (r < 0 || !m)
		return r;
	r = wifi_response_decode(m->data, m->len, &response);
	free(m);
	if (r < 0)
		return central_fail(c, r, "the device's answer is not understood");
	if (response.has_op && response.op != request->op)
		return central_fail(c, -EBADMSG, "the device answered another request");
	if (!response.has_answer)
		return central_fail(c, -EBADMSG, "the device's answer says nothing");
	*ret = response;
	return 0;
}

int central_next_result(struct central *c, uint64_t timeout_ms, struct wifi_result *ret)
{
	const bool is_response = false;
	struct message *m = NULL;
	int r;

	r = wait_message(c, &is_response, central_deadline(timeout_ms, MESSAGE_MS),
			 "the result of the device", &m);
	if (r < 0 || !m)
		return r;
	r = wifi_result_decode(m->data, m->len, ret);
	free(m);
	return r < 0 ? central_fail(c, r, "a result of the device is not understood") : 0;
}

int central_next_message(struct central *c, uint64_t timeout_ms, bool *ret_is_response,
			 uint8_t *ret, size_t size, size_t *ret_len)
{
	struct message *m = NULL;
	int r;

	r = wait_message(c, NULL, central_deadline(timeout_ms, MESSAGE_MS),
			 "the message of the device", &m);
	if (r < 0 || !m)
		return r;
	if (m->len > size) {
		free(m);
		return central_fail(c, -ENOBUFS, "a message of the device is too long");
	}
	*ret_is_response = m->is_response;
	memcpy(ret, m->data, m->len);
	*ret_len = m->len;
	free(m);
	return 0;
}
