/* SPDX-License-Identifier: Apache-2.0 */

/*
 * top.c - `belayctl top`: what containers use now, in a terminal, until q.
 */

#include "base/auto.h"
#include "base/clock.h"
#include "shim/ctl/commands.h"
#include "shim/ctl/format.h"
#include "shim/ctl/survey.h"
#include "shim/ctl/target.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

/* As often as top(1). */
#define INTERVAL_MS 3000
#define NS_PER_MS   1000000LL

/* Of the ANSI standard: another screen and no cursor; back; the upper left; erase the rest. */
#define SCREEN_TAKE "\033[?1049h\033[?25l"
#define SCREEN_GIVE "\033[?25h\033[?1049l"
#define SCREEN_HOME "\033[H"
#define SCREEN_REST "\033[J"

struct top_args {
	struct where where;
};

/* What was used so far, at one moment. */
struct look {
	struct found_list list;
	struct seen *seen;
	int64_t at_ns;
};

/* A row, with what it used since the look before. */
struct row {
	const struct seen *seen;
	double cpu_percent; /* below 0: not known yet */
};

static void look_fini(struct look *l)
{
	survey_free(l->seen, l->list.n);
	found_fini(&l->list);
	*l = (struct look){ 0 };
}

static int look_at(const struct where *where, struct ev_loop *loop, struct look *ret, struct err *e)
{
	*ret = (struct look){ 0 };
	if (find_all(where, &ret->list, e) < 0)
		return -1;
	if (survey_all(&ret->list, loop, SURVEY_USAGE | SURVEY_SHIMS, &ret->seen, e) < 0) {
		found_fini(&ret->list);
		return -1;
	}
	ret->at_ns = clock_mono_ns();
	return 0;
}

static const struct seen *same_in(const struct look *before, const struct found *f)
{
	for (size_t i = 0; i < before->list.n; i++) {
		const struct found *other = before->seen[i].found;

		if (strcmp(other->id, f->id) == 0 && strcmp(other->ns, f->ns) == 0)
			return &before->seen[i];
	}
	return NULL;
}

static double cpu_percent(const struct look *before, const struct look *now, const struct seen *s)
{
	const struct seen *then = same_in(before, s->found);
	int64_t ns = now->at_ns - before->at_ns;

	if (!then || !then->has_usage || !s->has_usage || ns <= 0)
		return -1;
	/* One of that name, but not that one. */
	if (s->usage.cpu_ns < then->usage.cpu_ns)
		return -1;
	return 100. * (double)(s->usage.cpu_ns - then->usage.cpu_ns) / (double)ns;
}

static int by_use(const void *a, const void *b)
{
	const struct row *x = a;
	const struct row *y = b;

	if (x->cpu_percent != y->cpu_percent)
		return x->cpu_percent < y->cpu_percent ? 1 : -1;
	if (x->seen->usage.memory != y->seen->usage.memory)
		return x->seen->usage.memory < y->seen->usage.memory ? 1 : -1;
	return 0;
}

static int add_row(struct table *t, const struct row *r)
{
	const struct seen *s = r->seen;
	char memory[FORMAT_MAX], limit[FORMAT_MAX], pss[FORMAT_MAX], age[FORMAT_MAX];

	if (table_add(t, "%s", s->found->ns) < 0 || table_add(t, "%s", s->found->id) < 0 ||
		table_add(t, "%s", survey_status(s)) < 0)
		return -1;
	if ((r->cpu_percent < 0 ? table_add(t, "-") : table_add(t, "%.1f", r->cpu_percent)) < 0 ||
		table_add(t, "%s",
			format_bytes(s->has_usage ? s->usage.memory : UINT64_MAX, memory)) < 0 ||
		table_add(t, "%s",
			format_bytes(s->has_usage ? s->usage.memory_limit : UINT64_MAX, limit)) < 0)
		return -1;
	if (table_add(t, "%llu", (unsigned long long)s->usage.pids) < 0 ||
		table_add(t, "%s", format_age(s->age_s, age)) < 0)
		return -1;
	return table_add(
		t, "%s", format_bytes(s->shim_pss < 0 ? UINT64_MAX : (uint64_t)s->shim_pss, pss));
}

static struct winsize screen_size(void)
{
	struct winsize size = { .ws_col = 80, .ws_row = 24 };

	(void)ioctl(STDOUT_FILENO, TIOCGWINSZ, &size); /* then as terminals are born */
	return size;
}

static int fill(struct table *t, const struct look *before, const struct look *now, size_t rows)
{
	static const char *const heads[] = { "NAMESPACE", "ID", "STATUS", "%CPU", "MEMORY", "LIMIT",
		"PIDS", "AGE", "SHIM PSS" };
	struct row *row = calloc(now->list.n + 1, sizeof(*row));
	int rc = row ? 0 : -ENOMEM;

	t->columns = ARRAY_LEN(heads);
	for (size_t i = 0; row && i < now->list.n; i++)
		row[i] = (struct row){ &now->seen[i], cpu_percent(before, now, &now->seen[i]) };
	if (row)
		qsort(row, now->list.n, sizeof(*row), by_use);
	for (size_t i = 0; rc >= 0 && i < ARRAY_LEN(heads); i++)
		rc = table_add(t, "%s", heads[i]);
	for (size_t i = 0; rc >= 0 && i < now->list.n && i < rows; i++)
		rc = add_row(t, &row[i]);
	free(row);
	return rc;
}

static int draw(const struct look *before, const struct look *now, struct err *e)
{
	struct winsize size = screen_size();
	struct table t = { 0 };
	/* The line above, the heading, and the one the cursor ends in. */
	int rc = fill(&t, before, now, size.ws_row > 3 ? size.ws_row - 3 : 0);

	if (rc >= 0) {
		fputs(SCREEN_HOME SCREEN_REST, stdout);
		printf("%zu containers; q quits\n", now->list.n);
		table_print(&t, stdout, size.ws_col);
		fflush(stdout);
	}
	table_fini(&t);
	return rc < 0 ? err_oom(e) : 0;
}

/* The terminal while we have it. */
struct screen {
	struct termios before;
	int signals; /* owned; a signalfd: SIGWINCH draws anew, SIGTSTP stops, others end us */
};

static int show(struct screen *s, struct err *e)
{
	struct termios raw;

	if (tcgetattr(STDIN_FILENO, &s->before) < 0)
		return err_sys(e, "read the terminal's settings");
	raw = s->before;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	(void)tcsetattr(STDIN_FILENO, TCSADRAIN, &raw); /* then q needs a return */
	fputs(SCREEN_TAKE, stdout);
	return 0;
}

static void hide(const struct screen *s)
{
	fputs(SCREEN_GIVE, stdout);
	fflush(stdout);
	(void)tcsetattr(STDIN_FILENO, TCSADRAIN, &s->before); /* one that is gone needs nothing */
}

/* As the shell expects it. Where nobody could let us go on, the kernel does not stop us. */
static bool stop(struct screen *s)
{
	struct err e = ERR_INIT;
	sigset_t set;

	hide(s);
	sigemptyset(&set);
	sigaddset(&set, SIGTSTP);
	(void)raise(SIGTSTP);
	if (sigprocmask(SIG_UNBLOCK, &set, NULL) < 0 || sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return false;
	return show(s, &e) == 0;
}

/* False: it was q, or a signal, or there is no terminal any more. */
static bool key_goes_on(void)
{
	char key;

	return read(STDIN_FILENO, &key, 1) == 1 && key != 'q' && key != 'Q';
}

static bool signal_goes_on(struct screen *s)
{
	struct signalfd_siginfo si;

	if (read(s->signals, &si, sizeof(si)) != (ssize_t)sizeof(si))
		return false;
	return si.ssi_signo == SIGTSTP ? stop(s) : si.ssi_signo == SIGWINCH;
}

/* Until the next look is due. */
static bool await_next(struct screen *s)
{
	int64_t until = clock_mono_ns() + INTERVAL_MS * NS_PER_MS;
	struct pollfd in[] = {
		{ .fd = STDIN_FILENO, .events = POLLIN },
		{ .fd = s->signals, .events = POLLIN },
	};

	for (;;) {
		int64_t left_ms = (until - clock_mono_ns()) / NS_PER_MS;

		if (left_ms <= 0 || poll(in, ARRAY_LEN(in), (int)left_ms) <= 0)
			return true;
		if (in[1].revents)
			return signal_goes_on(s);
		if (!key_goes_on())
			return false;
	}
}

static int watch(const struct where *where, struct ev_loop *loop, struct screen *s, struct err *e)
{
	struct look before = { 0 }, now;

	do {
		int rc = look_at(where, loop, &now, e);

		if (rc == 0)
			rc = draw(&before, &now, e);
		look_fini(&before);
		before = now;
		if (rc < 0) {
			look_fini(&before);
			return -1;
		}
	} while (await_next(s));
	look_fini(&before);
	return 0;
}

static int take_screen(struct screen *s, struct err *e)
{
	static const int wanted[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGWINCH };
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
		sigaddset(&set, wanted[i]);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0 ||
		(s->signals = signalfd(-1, &set, SFD_CLOEXEC)) < 0)
		return err_sys(e, "watch signals");
	return show(s, e);
}

static int run_top(const struct top_args *args, struct err *e)
{
	struct ev_loop *loop = ev_loop_new(EVFLAG_NOENV | EVBACKEND_EPOLL);
	struct screen s = { .signals = -1 };
	int rc;

	if (!loop)
		return err_set(e, STATUS_UNKNOWN, "create event loop");
	rc = take_screen(&s, e);
	if (rc == 0) {
		rc = watch(&args->where, loop, &s, e);
		hide(&s);
	}
	fd_drop(&s.signals);
	ev_loop_destroy(loop);
	return rc;
}

static int top_run(const struct command *c, int argc, char **argv)
{
	struct top_args args = { 0 };
	struct err e = ERR_INIT;
	int first, rc = options_parse(c, argc, argv, &args, &first);

	if (rc == 0 && (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)))
		rc = options_complain(c, "this needs a terminal; `belayctl stats` does not");
	if (rc != 0)
		return rc < 0 ? EXIT_CTL_FAILED : 0;
	return run_top(&args, &e) < 0 ? target_failed(c->name, &e) : 0;
}

static const struct option_row rows[] = {
	OPTIONS_WHERE(struct top_args, where),
	OPTIONS_END,
};

const struct command command_top = {
	.name = "top",
	.summary = "show what containers use now, until q",
	.synopsis = { "[OPTIONS]" },
	.about = "Shows, every three seconds, what each container has used since the time before,\n"
		 "the busiest first, and the memory of its shim. %CPU is of one processor. q "
		 "quits.\n"
		 "\n"
		 "Exit status: 0; 125 if it failed, with the reason.\n",
	.rows = rows,
	.least = 0,
	.most = 0,
	.run = top_run,
};
