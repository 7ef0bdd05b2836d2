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

static void play_act(
	const struct scene *act, struct stage *like, const char *only, struct record *r)
{
	for (const struct scene *sc = act; sc->name; sc++) {
		struct stage s = *like;

		if (fnmatch(only, sc->name, FNM_EXTMATCH) != 0)
			continue;
		s.scene = sc->name;
		s.record = r;
		sc->play(&s);
	}
}

static void play(struct stage *like, const char *only, struct record *r)
{
	if (strncmp(only, "criu", 4) == 0) {
		play_act(scenes_of_criu, like, only, r);
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(acts); i++)
		play_act(acts[i], like, only, r);
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

static int compare(struct stage *ours, struct stage *theirs, const char *only)
{
	struct record stock = { 0 }, belay = { 0 };
	const char *slash = strrchr(theirs->runtime, '/');
	char version[64], with[128];
	struct comparison c = { .path = SOURCE_DIR "/tests/parity/README.md",
		.with = with,
		.is_whole = strcmp(only, "*") == 0 };

	find_version(theirs, version);
	ours->version = theirs->version = version;
	snprintf(with, sizeof(with), "%s %s", version, slash ? slash + 1 : theirs->runtime);
	play(theirs, only, &stock);
	play(ours, only, &belay);
	record_compare(&stock, &belay, &c);
	printf("%s: %zu answers alike, %zu different as README.md has it, %zu wrong\n", with,
		c.n_same, c.n_known, c.n_bad);
	record_fini(&stock);
	record_fini(&belay);
	return c.n_bad > 0;
}

int main(int argc, char **argv)
{
	struct stage ours = { .shim = argc > 1 ? argv[1] : NULL, .version = "" };
	struct stage theirs = { .shim = argc > 2 ? argv[2] : NULL, .is_stock = true };
	const char *only = argc > 4 ? argv[4] : "*";
	struct record r = { 0 };

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
	play(&ours, only, &r);
	record_print(&r);
	record_fini(&r);
	return 0;
}
