/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/ctl/target.h"

#include "shim/ctl/format.h"

#include <stdio.h>

int target_find_all(struct target *t, const struct where *where, struct err *e)
{
	if (find_all(where, &t->all, e) < 0)
		return -1;
	t->loop = ev_loop_new(EVFLAG_NOENV | EVBACKEND_EPOLL);
	return t->loop ? 0 : err_set(e, STATUS_UNKNOWN, "create event loop");
}

int target_find(struct target *t, const struct where *where, const char *word, struct err *e)
{
	if (target_find_all(t, where, e) < 0)
		return -1;
	t->found = found_pick(&t->all, word, e);
	return t->found ? 0 : -1;
}

int target_open(struct target *t, const struct where *where, const char *word, struct err *e)
{
	if (target_find(t, where, word, e) < 0)
		return -1;
	return ask_open(&t->ask, t->loop, t->found, e);
}

void target_close(struct target *t)
{
	ask_close(&t->ask);
	if (t->loop)
		ev_loop_destroy(t->loop);
	found_fini(&t->all);
	*t = (struct target){ 0 };
}

int target_failed(const char *command, struct err *e)
{
	fprintf(stderr, "belayctl %s: %s\n", command, format_tame(e->msg));
	return EXIT_CTL_FAILED;
}

static int open_all(struct target *t, const struct where *where, const char *word, struct err *e)
{
	return word ? target_find(t, where, word, e) : target_find_all(t, where, e);
}

static int run(const struct errand *what, int argc, char **argv,
	int (*open)(struct target *t, const struct where *where, const char *word, struct err *e))
{
	const struct command *c = what->command;
	struct target t = { 0 };
	struct err e = ERR_INIT;
	int first, rc = options_parse(c, argc, argv, what->args, &first);

	if (rc != 0)
		return rc < 0 ? EXIT_CTL_FAILED : 0;
	rc = open(&t, what->where, argv[first], &e);
	if (rc == 0)
		rc = what->act(&t, what->args, argv[first] ? argv + first + 1 : argv + first, &e);
	target_close(&t);
	return rc < 0 ? target_failed(c->name, &e) : rc;
}

int target_run(const struct errand *what, int argc, char **argv)
{
	return run(what, argc, argv, target_open);
}

int target_run_all(const struct errand *what, int argc, char **argv)
{
	return run(what, argc, argv, open_all);
}
