/* SPDX-License-Identifier: Apache-2.0 */
/* The service's queue of one device, as service/fetch.c and service/report.c keep it: everything
 * that is open is handed out in order, the same body until a report changes the queue; a report
 * closes what is open, an error drops the rest; answers to what is closed change nothing. */

#include "world.h"

static bool is_open(unsigned int i)
{
	return world.outside.rows[i] == ROW_PENDING || world.outside.rows[i] == ROW_IN_PROGRESS;
}

bool service_can_add(void)
{
	for (unsigned int i = 0; i < COMMANDS; i++)
		if (world.outside.rows[i] == ROW_NONE && scenario->kinds[i] != ' ')
			return true;
	return false;
}

void service_add(void)
{
	unsigned int i = 0;

	while (world.outside.rows[i] != ROW_NONE)
		i++;
	world.outside.rows[i] = ROW_PENDING;
	say("the owner adds command %u", i);
}

uint8_t service_fetch(void)
{
	struct outside *o = &world.outside;
	uint8_t open = 0;

	for (unsigned int i = 0; i < COMMANDS; i++)
		if (is_open(i) && (mutant != MUTANT_SERVICE_FORGETS || o->rows[i] == ROW_PENDING))
			open |= (uint8_t)(1 << i);
	if (open & o->handed)
		open &= o->handed;
	o->handed = open;
	for (unsigned int i = 0; i < COMMANDS; i++)
		if (open & 1 << i)
			o->rows[i] = ROW_IN_PROGRESS;
	return open;
}

static void drop_rest(void)
{
	for (unsigned int i = 0; i < COMMANDS; i++)
		if (is_open(i))
			world.outside.rows[i] = ROW_FAILED;
}

void service_report(const uint8_t answers[static COMMANDS])
{
	struct outside *o = &world.outside;
	bool failed = false, is_news = false;

	for (unsigned int i = 0; i < COMMANDS; i++) {
		if (!answers[i])
			continue;
		o->said[i] |= (uint8_t)(1 << answers[i]);
		if (!is_open(i) && mutant != MUTANT_SERVICE_REPEATS)
			continue;
		is_news = true;
		if (o->news[i] < 2)
			o->news[i]++;
		o->rows[i] = is_error(i) ? ROW_FAILED : ROW_SUCCEEDED;
		failed = failed || is_error(i);
		say("the service takes the answer of command %u", i);
	}
	if (failed)
		drop_rest();
	if (is_news)
		o->handed = 0;
}

bool service_is_done(void)
{
	for (unsigned int i = 0; i < COMMANDS; i++)
		if (is_open(i))
			return false;
	return true;
}
