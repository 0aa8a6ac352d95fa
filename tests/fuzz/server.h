/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A provisioning service and a cloud, as a target's bytes make them: a byte for each handshake,
 * datagram and command decides what becomes of it. When there are no more bytes it is an honest
 * one, that has no new commands. */

#include <stdbool.h>

#include "base/cursor.h"

/* input: borrowed until the next beginning. */
void server_begin(struct reader *input);
/* Something that nobody asked for, on the session that was used last. */
void server_disturb(void);
/* It knows no result of these: commands that it handed out and would hand out again. */
bool server_waits(void);
/* It has said, since it handed this command out last, that it has its result. */
bool server_has_result(const char *correlation);
/* Datagrams of the agent so far. */
unsigned int server_heard(void);
