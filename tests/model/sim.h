/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_MODEL_SIM_H
#define TESTS_MODEL_SIM_H

/*
 * sim.h - a world in which time is a number, for the task service to live in.
 *
 * The service, its operations and its order of exits are the product's own code. What is below
 * and around them is replaced at link time: libev's timers (sim_time.c), processes and the runtime
 * (sim_world.c), calls and events (sim_calls.c). Nothing waits, so ten thousand lives of a pod pass
 * in half a minute; and every delay and every fate follows from a seed, so each can be repeated.
 */

#include "shim/daemon.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* --- sim_time.c --- */

extern double sim_now; /* seconds */

/* Calls @fire(@arg, @serial) after @delay_s, unless the world has been reset. */
void sim_after(
	double delay_s, void (*fire)(void *arg, unsigned serial), void *arg, unsigned serial);

/* The next timer or event; false when there is none, and so will never be any. */
bool sim_step(void);
size_t sim_timers(void);
void sim_time_reset(void);

/* --- sim_world.c --- */

#define SIM_PROCS_MAX 2048

enum sim_kind {
	SIM_RUNTIME,
	SIM_INIT,
	SIM_EXEC
};

struct sim_proc {
	enum sim_kind kind;
	unsigned serial; /* its index and 1: never used again, as the pid is */
	int pid;
	char ct[16], exec[16];
	bool is_dead, is_reaped;
	int code, signal;
	struct child *tracker;
	/* Of a runtime. */
	char verb[16], pid_file[256], log[256];
	bool force, own_pidns;
};

/* What @kind of fate: a number below @n that follows from the seed, the name and how often it was
 * asked. */
unsigned sim_fate(const char *what, const char *who, unsigned n);
double sim_delay(const char *what, const char *who);

void sim_world_reset(uint64_t seed);

/* The latest process of that name, whatever became of it; NULL if there was none. */
const struct sim_proc *sim_find(enum sim_kind kind, const char *ct, const char *exec);
size_t sim_unreaped(void);
int sim_holds(void);

/* For the runtime: a new process, and the end of one. */
struct sim_proc *sim_fork(enum sim_kind kind, const char *ct, const char *exec);
void sim_die(struct sim_proc *p, int code, int signo);

/* --- sim_runtime.c --- */

/* Takes its command line; what it does comes later, if it lives to do it. */
void sim_runtime_begin(struct sim_proc *rt, const char *const *argv);
void sim_runtime_work(void *rt, unsigned serial);
void sim_runtime_reset(void);

/* --- sim_calls.c --- */

#define SIM_CALLS_MAX 1024

struct sim_call {
	struct call call;
	const char *method;
	char ct[16], exec[16];
	bool is_parked, has_ended, is_ok;
	bool is_inert;      /* its client has left */
	bool init_was_gone; /* the shim had been told of its end when this was asked */
	ProtobufCBinaryData payload;
};

/* Asks the service of @d; the answer is told to sim_answered(), perhaps before this returns. */
void sim_ask(struct daemon *d, const char *method, const char *ct, const char *exec,
	const ProtobufCMessage *m);

/* The client of one of those that are not answered hangs up. */
void sim_hang_up(unsigned nth);

/* Something other than Wait is asked of that container, and not answered. */
bool sim_is_busy(const char *ct);
size_t sim_open_calls(void);
void sim_calls_reset(void);

/* --- checks.c: what the world has seen of the service --- */

/* Containers c0, c1... and in each execs e0, e1... */
#define CTS   3
#define EXECS 3

/* How often what was reached, and how often it should be in ten thousand lives. */
enum reached {
	REACHED_START,
	REACHED_EXEC_START,
	REACHED_EXEC_EXIT,
	REACHED_PAUSE,
	REACHED_RESUME,
	REACHED_UPDATE,
	REACHED_DELETE,
	REACHED_GIVEN_UP,
	N_REACHED
};
extern const char *const reached_names[N_REACHED];
extern const unsigned long reached_floor[N_REACHED];

void checks_count(unsigned long reached[N_REACHED]);
void sim_given_up(void);

void sim_answered(const struct sim_call *c, const ProtobufCMessage *reply);
void sim_event(const char *topic, const ProtobufCMessage *m);

/* The script that runs has failed; the first reason counts. "": it has not. */
void sim_wrong(const char *fmt, ...) PRINTF_LIKE(1, 2);
void sim_demand(bool holds, const char *what, const char *ct, const char *exec);
const char *sim_reason(void);

/* Of every container that was told of, the whole was. */
void checks_at_end(void);
void checks_reset(void);

#endif
