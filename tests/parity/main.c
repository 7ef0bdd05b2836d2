/* SPDX-License-Identifier: Apache-2.0 */

/*
 * parity - the stock shim and ours are asked the same, and the answers laid side by side.
 *
 *	parity OURS THEIRS [RUNTIME [SCENE]]    compares; README.md has what may differ
 *	parity OURS - [RUNTIME [SCENE]]         prints what one shim says
 *
 * To be run by run.sh, in namespaces of its own.
 */

#include "tests/parity/parity.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct scene *const acts[] = {
	scenes_of_states,
	scenes_of_execs,
	scenes_of_failures,
	scenes_of_streams,
	scenes_of_binary,
};

/*
 * The stock shim tells of an exit in a thread of its own, now and then after what
 * it does next: it plays a scene that differs again, this often in all. Ours has
 * one try.
 */
#define TIMES_OF_STOCK 3

typedef void visit_fn(const struct scene *sc, void *user);

static void each_of(const struct scene *act, const char *only, visit_fn *visit, void *user)
{
	for (const struct scene *sc = act; sc->name; sc++)
		if (fnmatch(only, sc->name, FNM_EXTMATCH) == 0)
			visit(sc, user);
}

static void each_scene(const char *only, visit_fn *visit, void *user)
{
	if (strncmp(only, "criu", 4) == 0) {
		each_of(scenes_of_criu, only, visit, user);
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(acts); i++)
		each_of(acts[i], only, visit, user);
}

static void play(const struct scene *sc, const struct stage *like, struct record *r)
{
	struct stage s = *like;

	s.scene = sc->name;
	s.record = r;
	sc->play(&s);
}

/* "  Version:  1.6.20~ds1" is the second line of `-v`. */
static void find_version(struct stage *s, char ret[64])
{
	const char *argv[] = { s->shim, "-v", NULL };
	struct ran r;
	const char *at;

	s->input = -1;
	s->loop = ev_loop_new(EVFLAG_NOENV | EVBACKEND_EPOLL);
	if (!s->loop || reaper_init(&s->reaper, s->loop) < 0)
		give_up("no loop");
	r = stage_run_words(s, argv);
	at = buf_text(&r.output) ? strstr(buf_text(&r.output), "Version:") : NULL;
	if (!at || sscanf(at, "Version: %63[^~+ \n]", ret) != 1)
		give_up("%s -v says no version", s->shim);
	ran_fini(&r);
	reaper_fini(&s->reaper);
	ev_loop_destroy(s->loop);
}

struct pair {
	struct stage *ours, *theirs;
	struct comparison c;
};

static void compare_scene(const struct scene *sc, void *user)
{
	struct record stock = { 0 }, belay = { 0 };
	struct pair *p = user;

	play(sc, p->theirs, &stock);
	play(sc, p->ours, &belay);
	for (int i = 1; i < TIMES_OF_STOCK && !record_is_as_known(&p->c, &stock, &belay); i++) {
		printf("'%s' differs, and the stock shim plays it again\n", sc->name);
		record_fini(&stock);
		play(sc, p->theirs, &stock);
	}
	record_compare(&p->c, &stock, &belay);
	record_fini(&stock);
	record_fini(&belay);
}

static int compare(struct stage *ours, struct stage *theirs, const char *only)
{
	struct pair p = { .ours = ours, .theirs = theirs };
	const char *slash = strrchr(theirs->runtime, '/');
	char version[64], with[128];

	find_version(theirs, version);
	ours->version = theirs->version = version;
	snprintf(with, sizeof(with), "%s %s", version, slash ? slash + 1 : theirs->runtime);
	comparison_init(&p.c, SOURCE_DIR "/tests/parity/README.md", with, strcmp(only, "*") == 0);
	each_scene(only, compare_scene, &p);
	comparison_end(&p.c);
	printf("%s: %zu answers alike, %zu different as README.md has it, %zu wrong\n", with,
		p.c.n_same, p.c.n_known, p.c.n_bad);
	return p.c.n_bad > 0;
}

static void print_scene(const struct scene *sc, void *user)
{
	struct record r = { 0 };

	play(sc, user, &r);
	record_print(&r);
	record_fini(&r);
}

int main(int argc, char **argv)
{
	struct stage ours = { .shim = argc > 1 ? argv[1] : NULL, .version = "" };
	struct stage theirs = { .shim = argc > 2 ? argv[2] : NULL, .is_stock = true };
	const char *only = argc > 4 ? argv[4] : "*";

	if (argc < 3 || argc > 5) {
		fprintf(stderr, "usage: parity OURS THEIRS|- [RUNTIME [SCENE]]\n");
		return 2;
	}
	ours.runtime = theirs.runtime = argc > 3 ? argv[3] : "runc";
	ours.rootfs = theirs.rootfs = getenv("PARITY_ROOTFS");
	if (!ours.rootfs)
		give_up("to be run by run.sh");
	if (strcmp(argv[2], "-") != 0)
		return compare(&ours, &theirs, only);
	ours.is_stock = strstr(ours.shim, "shim-runc") != NULL;
	each_scene(only, print_scene, &ours);
	return 0;
}
