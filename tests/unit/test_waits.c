/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A sweep through operations that wait for others: a client that does not read yet,
 * a terminal, a logger. Each row of each fails once, and in each row in which one
 * waits its time is up once; then it is done again, and nothing is left. What a row
 * has freed, an undo must not touch: the builds with a sanitizer see it.
 */

#include "base/op.h"
#include "tests/lib/leaks.h"
#include "tests/unit/process_rig.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ROWS_MAX 64

enum partner {
	SLOW_CLIENT,
	TERMINAL,
	LOGGER,
	N_PARTNERS
};

enum trouble {
	FAULT,   /* the row fails, when it is done */
	TIMEOUT, /* its time is up while it waits */
	N_TROUBLES
};

static struct {
	const char *plan; /* NULL: none */
	size_t row;
	enum trouble trouble;
	bool was_hit;
} armed;

static bool is_due(const struct op *op, enum trouble trouble)
{
	return armed.plan && armed.trouble == trouble && strcmp(op->plan->name, armed.plan) == 0 &&
	       op->at == armed.row;
}

static void hit(void)
{
	armed.plan = NULL;
	armed.was_hit = true;
}

bool op_fault(const struct op *op)
{
	if (!is_due(op, FAULT))
		return false;
	hit();
	return true;
}

struct scene {
	struct rig rig;
	struct leaks before;
	char uri[PATH_MAX];
	struct container *ct;
	struct process *p; /* the exec */
	struct stdio_paths io;
	int leave; /* owned; who may write more waits for a line from here */
	bool done;
	struct err err;
};

static void scene_set(struct scene *s, enum partner partner)
{
	memset(s, 0, sizeof(*s));
	rig_init(&s->rig);
	s->leave = open(rig_fifo(&s->rig, "leave"), O_RDWR | O_NONBLOCK | O_CLOEXEC);
	assert_true(s->leave >= 0);
	s->io = rig_streams(&s->rig);
	if (partner == TERMINAL) {
		s->io.terminal = true;
		s->io.err = NULL;
	}
	if (partner == LOGGER) {
		snprintf(s->uri, sizeof(s->uri),
			"binary://%s/tests/fake/fake-logger?file=%s/logged", BUILD_DIR,
			s->rig.dir.path);
		s->io = (struct stdio_paths){ .out = s->uri, .err = s->uri };
	}
	leaks_note(&s->before);
}

/* A line each for all there may be. */
static void let_go(struct scene *s)
{
	(void)!write(s->leave, "\n\n\n\n", 4);
}

static void scene_strike(struct scene *s)
{
	let_go(s); /* also those that no Delete has waited for */
	rig_expect_nothing_left(&s->rig);
	assert_int_equal(leaks_report(&s->before), 0);
	rig_expect_streams_are_free(&s->rig);
	fd_drop(&s->leave);
	rig_fini(&s->rig);
}

static void read_all(struct scene *s)
{
	char chunk[4096];

	for (int i = 0; i < 2; i++)
		while (read(s->rig.reads[i], chunk, sizeof(chunk)) > 0) {
		}
}

/*
 * Whose time is up is told so. (But for a runtime, which would be killed wherever it is just then:
 * test_create.c and others have those that hang.) The client reads, and who may write more goes,
 * only when somebody waits for that: sooner there might be nothing left to wait for.
 */
static bool is_going(void *arg)
{
	struct scene *s = arg;

	if (s->done)
		return false; /* and the container may be gone */
	list_each (it, &s->ct->under_way) {
		struct op *op = container_of(it, struct op, in);
		const char *step = op_step_name(op);

		if (!op->unwinding && is_due(op, TIMEOUT) && strcmp(step, "run runtime") != 0) {
			hit();
			ev_feed_event(s->rig.loop, &op->timer, EV_TIMER);
		} else if (strcmp(step, "drain stdio") == 0) {
			read_all(s);
		} else if (strcmp(step, "end logger") == 0) {
			let_go(s);
		}
	}
	return true;
}

static void over(struct scene *s, const struct err *e)
{
	s->done = true;
	s->err = *e;
}

static void created(void *user, struct container *ct, const struct err *e)
{
	(void)ct; /* in the set, too */
	over(user, e);
}

static void started(void *user, struct process *p, const struct err *e)
{
	(void)p;
	over(user, e);
}

static void deleted(void *user, struct container *ct, const struct err *e)
{
	(void)ct;
	over(user, e);
}

static void exec_deleted(void *user, struct process *p, const struct err *e)
{
	(void)p;
	over(user, e);
}

static struct container *newest(struct scene *s)
{
	struct list *last = s->rig.set.all.prev;

	return last == &s->rig.set.all ? NULL : container_of(last, struct container, link);
}

static void begin_create(struct scene *s)
{
	create_begin(&s->rig.set, &s->rig.args, created, s);
	s->ct = newest(s);
}

static void begin_start(struct scene *s)
{
	start_begin(s->ct, 0, started, s);
}

static void begin_delete(struct scene *s)
{
	delete_begin(s->ct, 0, deleted, s);
}

static void begin_exec(struct scene *s)
{
	exec_start_begin(s->p, 0, started, s);
}

static void begin_exec_delete(struct scene *s)
{
	exec_delete_begin(s->p, 0, exec_deleted, s);
}

static void run(struct scene *s, void (*begin)(struct scene *s))
{
	s->done = false;
	s->err = ERR_INIT;
	begin(s);
	if (!s->done)
		loop_run_while(s->rig.loop, is_going, s);
}

/* And again, if it met with trouble: then it goes well. */
static void run_twice(struct scene *s, void (*begin)(struct scene *s))
{
	bool was_hit = armed.was_hit;

	run(s, begin);
	if (armed.was_hit == was_hit) {
		if (err_is_set(&s->err))
			fail_msg("%s", s->err.msg);
		return;
	}
	assert_true(err_is_set(&s->err));
	run(s, begin);
	if (err_is_set(&s->err))
		fail_msg("again: %s", s->err.msg);
}

static bool has_exited(void *arg)
{
	const struct process *p = arg;

	return !p->exit.is_set;
}

static void end(struct scene *s, struct process *p, enum partner partner)
{
	if (partner == TERMINAL)
		(void)child_signal(&p->child, SIGKILL); /* gone already is as good */
	loop_run_while(s->rig.loop, has_exited, p);
}

/* These leave more than a FIFO holds, or, to be deleted, somebody who may write more for a while.
 */
static const char *script_for(const char *plan, enum partner partner)
{
	if (partner == SLOW_CLIENT)
		return "seq 70000";
	if (partner == LOGGER)
		return strstr(plan, "delete") ? "read line <$B/leave &" : "true";
	return "exec sleep 1000";
}

/* A failed Start is not repeated: the runtime may have done it. */
static void live_as_init(struct scene *s, const char *plan, enum partner partner)
{
	rig_script(&s->rig, script_for(plan, partner));
	s->rig.args.io = s->io;
	run_twice(s, begin_create);
	run(s, begin_start);
	if (!err_is_set(&s->err))
		end(s, &s->ct->init, partner);
	run_twice(s, begin_delete);
}

static void live_as_exec(struct scene *s, const char *plan, enum partner partner)
{
	struct exec_args args = { .exec_id = "e1", .io = s->io };
	struct err e = ERR_INIT;
	char spec[128];

	s->ct = rig_create(&s->rig);
	rig_start(&s->rig, s->ct);
	snprintf(
		spec, sizeof(spec), "{\"args\":[\"sh\",\"-c\",\"%s\"]}", script_for(plan, partner));
	args.spec = spec;
	args.spec_len = strlen(spec);
	s->p = exec_add(s->ct, &args, &e);
	assert_non_null(s->p);
	run_twice(s, begin_exec);
	end(s, s->p, partner);
	run_twice(s, begin_exec_delete);
	s->rig.exited = false;
	rig_kill(&s->rig, s->ct);
	rig_delete(&s->rig, s->ct);
}

static bool meets(const char *plan, enum partner partner, enum trouble trouble, size_t row)
{
	struct scene s;

	scene_set(&s, partner);
	armed.plan = plan;
	armed.row = row;
	armed.trouble = trouble;
	armed.was_hit = false;
	if (strstr(plan, "exec"))
		live_as_exec(&s, plan, partner);
	else
		live_as_init(&s, plan, partner);
	armed.plan = NULL;
	scene_strike(&s);
	return armed.was_hit;
}

/* Of so many rows at least, and so many at least that wait for somebody with one of the partners.
 */
static void sweep(const char *plan, size_t min_rows, size_t min_waits)
{
	size_t waits = 0;

	for (int partner = 0; partner < N_PARTNERS; partner++) {
		size_t rows = 0;

		while (meets(plan, (enum partner)partner, FAULT, rows))
			assert_true(++rows < ROWS_MAX);
		assert_true(rows >= min_rows);
		for (size_t row = 0; row < rows; row++)
			waits += meets(plan, (enum partner)partner, TIMEOUT, row);
	}
	print_message("%zu waits in %s\n", waits, plan);
	assert_true(waits >= min_waits);
}

TEST_WITHIN(300, a_create_that_waits_can_end_in_any_row)
{
	sweep("create", 13, 2);
}

TEST_WITHIN(300, a_start_that_waits_can_end_in_any_row)
{
	sweep("start", 3, 0);
}

TEST_WITHIN(300, a_delete_that_waits_can_end_in_any_row)
{
	sweep("delete", 9, 2);
}

TEST_WITHIN(300, an_exec_that_waits_can_end_in_any_row)
{
	sweep("exec", 11, 2);
}

TEST_WITHIN(300, a_delete_of_an_exec_that_waits_can_end_in_any_row)
{
	sweep("delete exec", 4, 2);
}
