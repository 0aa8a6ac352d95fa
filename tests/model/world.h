/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One state of the model: the agent, of which the code is the real one, and what is around it: its
 * store, what systemd keeps for it, the network, the service. Plain bytes, so that a state can be
 * hashed, compared, kept, and the agent put back into it. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/hook.h"
#include "agent/internal.h"

#define COMMANDS 3 /* of the service, in all */
#define VALUES_MAX 12
#define POSTED_MAX 8

/* What the service has of a command. */
enum row { ROW_NONE, ROW_PENDING, ROW_IN_PROGRESS, ROW_SUCCEEDED, ROW_FAILED };

/* Survives a power cut. An answer is the number of the run that it is of, 0 for none: whatever is
 * executed again gives another answer, as a key generation does. */
struct disk {
	uint8_t journal[COMMANDS];
	uint8_t forgotten[COMMANDS]; /* and a power cut may bring them back */
	uint8_t executed[COMMANDS];  /* times, at most 2 */
	uint8_t values[VALUES_MAX];
	uint8_t staged; /* enum staged_state */
};

/* A trace id, by what it has to do with the session that is the latest. */
enum trace {
	TRACE_NONE,
	TRACE_OTHER,
	TRACE_SERVICE, /* the service knows that session by it: who authenticated, did so under it
			*/
};

enum blob { BLOB_NONE, BLOB_SAVED, BLOB_CONSUMED };

/* Survives the process. */
struct kept {
	uint8_t blob; /* enum blob: of the saved session */
	uint8_t loads;
	bool is_stored; /* systemd has it */
	bool note;      /* it was authenticated */
	uint8_t label;  /* enum trace */
};

/* Does not know of the process. */
struct outside {
	uint8_t rows[COMMANDS]; /* enum row */
	uint8_t news[COMMANDS]; /* times that an answer was taken as one, at most 2 */
	uint8_t said[COMMANDS]; /* bit per run: answers that ever came */
	uint8_t handed;         /* rows of the body that is repeated until it is answered */
	uint8_t late[COMMANDS]; /* a report that is still on its way */
	bool is_authenticated;  /* the session that is the latest */
	bool is_claimed, is_up, is_clock_good;
};

enum request_kind { REQUEST_NONE, REQUEST_LOGIN, REQUEST_FETCH, REQUEST_REPORT };
enum cloud_kind { CLOUD_IDLE, CLOUD_VALIDATE, CLOUD_PREVIOUS, CLOUD_POLL };

/* Dies with the process. */
struct process {
	hook_fn hook; /* NULL: none runs */
	const char *claimed, *shadow_refused;
	void (*link_then)(struct agent *a);
	uint8_t posted[POSTED_MAX]; /* events that are still queued, as enum fsm_event */
	uint8_t n_posted;
	uint8_t dead; /* bit per queued event: a result of a state already left */
	uint8_t external;
	uint8_t state;   /* enum fsm_state */
	uint8_t session; /* enum session_state */
	uint8_t request; /* enum request_kind */
	uint8_t cloud;   /* enum cloud_kind */
	uint8_t n_lost, validate_tries, n_refused, link_event;
	uint8_t poll_due; /* 0: never; 1: later; 2: now */
	uint8_t held;     /* bit per command: fetched, not executed */
	uint8_t trace;    /* enum trace: of the cycle, as the agent logs it */
	bool note, worker;
	bool authenticated, reauthenticated, failed_command, validated, token_shown,
		network_changed;
	bool pending, durable, taken; /* Provision */
	bool executing, link_is_down, link_comes_up;
	bool stay_failed, has_batch, trace_is_kept;
};

/* What the model remembers of the past, to judge the present. */
struct witness {
	/* 1: a cycle was asked for, durably; 2: one has begun since; 3: the service was asked in it
	 */
	uint8_t asked;
};

struct world {
	struct disk disk;
	struct kept kept;
	struct outside outside;
	struct process process;
	struct witness witness;
};

/* What a run of the explorer is about. */
struct scenario {
	const char *name;
	const char *config; /* of the agent */
	const char *kinds; /* of the commands: 'o' executes, 'e' answers an error, 'f' finished, ' '
			      none */
	bool is_claimed_late;
	bool is_clock_late; /* a power cut loses the time */
	bool has_previous;  /* credentials that worked before */
	bool has_cloud;
	bool has_network; /* or rather: it goes, and comes back */
	bool has_late;    /* reports that arrive when nobody waits for them */
	bool asks;        /* people ask for cycles */
};

/* A rule broken on purpose. */
enum mutant {
	MUTANT_NONE,
	MUTANT_FORGETS_EARLY,     /* the journal forgets when the report is sent */
	MUTANT_FORGETS_NEVER,     /* an acknowledgement changes nothing */
	MUTANT_NOT_MARKED,        /* a saved session is loaded without being marked before */
	MUTANT_MARKED_LATE,       /* it is marked after it was loaded */
	MUTANT_COUNTS_NOTHING,    /* the agent does not see that results are unreported */
	MUTANT_NO_JOURNAL_LOOKUP, /* the same, and a command is executed whatever the journal has */
	MUTANT_NO_TRANSACTION,    /* a result is durable after its effect, not with it */
	MUTANT_REQUEST_TAKEN,     /* a request leaves the store when its cycle begins */
	MUTANT_SERVICE_REPEATS,   /* the service takes a repeated answer as a new one */
	MUTANT_SERVICE_FORGETS,   /* the service hands a command out once */
	MUTANT_MUTE,              /* a failed connect is told to nobody */
	MUTANT_OLD_FINISHED,      /* an earlier cycle's finished ends the present one */
	MUTANT_TRACE_LOST,        /* an adopted session is authenticated and of no cycle */
	MUTANT_TRACE_CHANGED,     /* an adopted session goes on under another trace id */
	MUTANT_N,
};

extern struct world world; /* the present */
extern const struct scenario *scenario;
extern enum mutant mutant;
extern const struct fsm_move *removed;  /* from the table; NULL: none */
extern const struct fsm_move *row_made; /* by the move that was made last; NULL: none */
extern bool is_telling;                 /* say() prints */

void say(const char *format, ...) _printf_(1, 2);

/* What must hold. */
enum property {
	PROPERTY_NO_RESULT_LOST,
	PROPERTY_NO_RESULT_NEW_TWICE,
	PROPERTY_NO_COMMAND_TWICE,
	PROPERTY_ONE_ANSWER,
	PROPERTY_NO_SESSION_TWICE,
	PROPERTY_REPORTS_FIRST,
	PROPERTY_REQUEST_SERVED,
	PROPERTY_REQUEST_NOT_LEFT,
	PROPERTY_NO_HANG,
	PROPERTY_PROGRESS,
	PROPERTY_STOPS,
	PROPERTY_NOTHING_UNDERWAY,
	PROPERTY_ONE_TRACE,
	PROPERTY_N,
	PROPERTY_BOUNDS = PROPERTY_N, /* of the model, not of the agent */
};
/* It does not: the first one of a step counts. */
void violate(enum property p, const char *format, ...) _printf_(2, 3);
extern char violation[256]; /* "" for none */

/* 0 … n - 1; 0 is what a world that means well does. */
unsigned int choose(unsigned int n, const char *const names[]);

/* Something durable has changed: the process may die here. */
void note_durable(void);

/* service.c */
void service_add(void);
bool service_can_add(void);
/* Bit per command that is handed out now. */
uint8_t service_fetch(void);
/* answers: as journal. */
void service_report(const uint8_t answers[static COMMANDS]);
bool service_is_done(void);

/* store.c */
const char *command_name(unsigned int i);
/* -1: none of ours. */
int command_of(const char *correlation);
bool is_error(unsigned int i);

/* session.c */
/* As the agent sees it, and back. */
const char *trace_text(enum trace t);
enum trace trace_of(const char *text);
/* The latest session is not authenticated, or not any more. */
void session_forget_login(void);
void session_answer(void);
void session_connected(void);
/* Into the agent: the commands that it has fetched. */
void session_put_held(void);
void session_cloud_answer(void);
/* A body of these commands, as p/cmd answers. */
size_t body_of(uint8_t commands, uint8_t *ret, size_t size);

/* machine.c, moves.c */
extern struct agent *agent;
extern bool is_quiet; /* the agent is being put back: nothing happens */
extern bool is_on;    /* the model is around it */
void machine_init(const struct scenario *s);
void machine_done(void);
/* The agent as it was in the world's process, and back. */
void machine_put(void);
void machine_take(void);
/* A process that starts on what the one before left. */
void machine_boot(void);

enum move {
	MOVE_DISPATCH,
	MOVE_ANSWER,
	MOVE_CONNECTED,
	MOVE_WORKER,
	MOVE_HOOK,
	MOVE_CLOUD,
	MOVE_TICK,
	MOVE_TIMER,
	MOVE_POLL,
	MOVE_PROVISION,
	MOVE_NETWORK,
	MOVE_CLOCK,
	MOVE_CLAIM,
	MOVE_ADD,
	MOVE_LATE,
	MOVE_LOGOUT,
	MOVE_EXPIRE,
	MOVE_STOP,
	MOVE_KILL,  /* of the explorer, between any two durable effects */
	MOVE_POWER, /* the same */
	MOVE_N,
};
const char *move_name(enum move m);
bool move_is_possible(enum move m);
/* The one that happens when nobody disturbs; MOVE_N: none is needed. */
enum move move_good(void);
void move_make(enum move m);
/* After any move. */
void judge(void);
