/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/proof/strangers.h"

#include "base/auto.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

/* Returns false if no number is free. */
static bool be_and_go(int code)
{
	siginfo_t si = { 0 };
	pid_t pid = vfork();

	if (pid == 0)
		_exit(code);
	if (pid < 0)
		return false;
	if (waitid(P_PID, (id_t)pid, &si, WEXITED) < 0 || si.si_code != CLD_EXITED ||
		si.si_status != code)
		broken("wrong: a stranger with pid %d ended with %d, not %d", (int)pid,
			si.si_status, code);
	return true;
}

/* Uses up numbers as fast as can be. */
static int churn(void *arg)
{
	_Atomic long *count = arg;

	for (unsigned int i = 0;; i++)
		*count += be_and_go((int)(i % 100));
	return 0; /* never */
}

static void on_churn_exit(struct child *c, const struct exit_status *st)
{
	(void)c;
	if (st->signal != SIGTERM)
		broken("wrong: among the strangers: status %d", st->code);
}

static void stranger_begin(struct stranger *s);

static void on_stranger_exit(struct child *c, const struct exit_status *st)
{
	struct stranger *s = container_of(c, struct stranger, child);

	if (st->code != s->code)
		broken("wrong: a stranger with pid %d ended with status %d, not %d", (int)c->pid,
			st->code, s->code);
	(*s->count)++;
	if (!s->is_last)
		stranger_begin(s);
}

static void stranger_begin(struct stranger *s)
{
	char code[16];
	const char *argv[] = { MAYFLY, "-", "-", code, "5", NULL };
	const struct spawn spawn = { .argv = argv, .stdio = { -1, -1, -1 } };

	s->code = 121 + (int)(*s->count % 100);
	snprintf(code, sizeof(code), "%d", s->code);
	/* If no number is free there is one stranger less until the end. */
	(void)!child_spawn(&s->child, &s->stage->reaper, &spawn, on_stranger_exit);
}

void strangers_begin(struct strangers *all, struct stage *stage, _Atomic long *count)
{
	all->churner = CHILD_NONE;
	for (size_t i = 0; i < ARRAY_LEN(all->one); i++) {
		all->one[i] =
			(struct stranger){ .child = CHILD_NONE, .stage = stage, .count = count };
		stranger_begin(&all->one[i]);
	}
	if (child_fork(&all->churner, &stage->reaper, churn, (void *)count, on_churn_exit) < 0)
		give_up("no strangers");
}

static void end(struct child *c, struct ev_loop *loop)
{
	while (child_is_tracked(c))
		ev_run(loop, EVRUN_ONCE);
}

void strangers_end(struct strangers *all)
{
	struct ev_loop *loop = all->one[0].stage->loop;

	(void)child_signal(&all->churner, SIGTERM);
	end(&all->churner, loop);
	for (size_t i = 0; i < ARRAY_LEN(all->one); i++) {
		all->one[i].is_last = true;
		end(&all->one[i].child, loop);
	}
}
