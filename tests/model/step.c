/* SPDX-License-Identifier: Apache-2.0 */
#include "step.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct world world;
const struct scenario *scenario;
enum mutant mutant;
const struct fsm_move *removed;
bool is_telling;
char violation[256];

enum property violated;

/* ---- what a move may choose ---- */

static struct choices now;
static unsigned int at;

unsigned int choose(unsigned int n, const char *const names[])
{
	if (at == CHOICES_MAX)
		abort();
	if (at >= now.n) {
		now.made[at] = 0;
		now.n = (uint8_t)(at + 1);
	}
	now.of[at] = (uint8_t)n;
	say("%s", names[now.made[at]]);
	return now.made[at++];
}

bool choices_next(struct choices *c)
{
	while (c->n > 0 && c->made[c->n - 1] + 1 == c->of[c->n - 1])
		c->n--;
	if (c->n == 0)
		return false;
	c->made[c->n - 1]++;
	return true;
}

bool choices_are_zero(const struct choices *c)
{
	for (unsigned int i = 0; i < c->n; i++)
		if (c->made[i])
			return false;
	return true;
}

/* ---- one move ---- */

struct world snapshots[SNAPSHOTS_MAX];
unsigned int n_snapshots;

void say(const char *format, ...)
{
	va_list ap;

	if (!is_telling || is_quiet)
		return;
	va_start(ap, format);
	printf("        ");
	vprintf(format, ap);
	printf("\n");
	va_end(ap);
}

void violate(enum property p, const char *format, ...)
{
	va_list ap;

	if (violation[0])
		return;
	violated = p;
	va_start(ap, format);
	vsnprintf(violation, sizeof(violation), format, ap);
	va_end(ap);
}

void note_durable(void)
{
	if (is_quiet)
		return;
	if (n_snapshots == SNAPSHOTS_MAX) {
		violate(PROPERTY_BOUNDS, "more than %d durable effects in one move", SNAPSHOTS_MAX);
		return;
	}
	memcpy(&snapshots[n_snapshots++], &world, sizeof(world));
}

static void lose_power(void)
{
	static const char *const names[] = {"what was forgotten is forgotten",
					    "what was forgotten comes back"};
	struct disk *d = &world.disk;
	bool may_come_back = false;

	world.kept = (struct kept){.blob = BLOB_NONE};
	if (scenario->is_clock_late)
		world.outside.is_clock_good = false;
	for (unsigned int i = 0; i < COMMANDS; i++)
		may_come_back = may_come_back || d->forgotten[i];
	if (may_come_back && choose(2, names) == 1)
		for (unsigned int i = 0; i < COMMANDS; i++)
			if (d->forgotten[i])
				d->journal[i] = d->forgotten[i];
	memset(d->forgotten, 0, sizeof(d->forgotten));
}

void crash(enum move how)
{
	static const char *const names[] = {"its report is lost", "its report arrives later"};

	say("%s", move_name(how));
	if (scenario->has_late && world.process.request == REQUEST_REPORT && world.outside.is_up &&
	    choose(2, names) == 1)
		memcpy(world.outside.late, world.disk.journal, COMMANDS);
	if (how == MOVE_POWER)
		lose_power();
	else if (!world.kept.is_stored)
		world.kept = (struct kept){.blob = BLOB_NONE};
	machine_boot();
}

void step_begin(const struct choices *c)
{
	now = *c;
	at = 0;
	n_snapshots = 0;
	row_made = NULL;
}

void step_end(struct choices *ret)
{
	now.n = (uint8_t)at;
	*ret = now;
	machine_take();
	judge();
}
