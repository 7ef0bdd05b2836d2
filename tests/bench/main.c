/* SPDX-License-Identifier: Apache-2.0 */

/*
 * main.c - `bench RUNTIME RESULTS SHIM...`, called by tests/bench/run in namespaces of its own.
 *
 * Rounds are interleaved, so that what else the machine does meets all shims alike.
 */

#include "base/attr.h"
#include "tests/bench/measure.h"

#include <stdlib.h>
#include <string.h>

struct scale {
	size_t rounds, calls, relays, relay_mib, execs;
	size_t shims[POINTS_MAX], n_shims;
	size_t containers[POINTS_MAX], n_containers;
};

static const struct scale full = {
	.rounds = 21,
	.calls = 500,
	.relays = 5,
	.relay_mib = 2048,
	.execs = 1000,
	.shims = { 1, 10, 20, 50, 200 },
	.n_shims = 5,
	.containers = { 1, 10, 50, 100, 200, 500 },
	.n_containers = 6,
};

static const struct scale brief = {
	.rounds = 3,
	.calls = 200,
	.relays = 1,
	.relay_mib = 256,
	.shims = { 1, 5 },
	.n_shims = 2,
	.containers = { 1, 5 },
	.n_containers = 2,
};

/* Of the curves, the points the table tells. */
static void tell_curves(struct report *r)
{
	for (size_t i = 0; i < r->n_shims; i++) {
		struct subject *s = &r->shim[i];
		const struct curve *c = &s->shims;
		size_t at = 0;

		while (at + 1 < c->n && c->at[at].n < 20)
			at++;
		r->density = c->at[at].n;
		samples_add(&s->of[FIGURE_PSS], c->at[at].pss);
		samples_add(&s->of[FIGURE_ANON_EACH], curve_slope(&s->containers));
	}
}

static void say(const char *what)
{
	fprintf(stderr, "bench: %s\n", what);
}

static void measure_rounds(struct bench *b, struct report *r, const struct scale *sc)
{
	struct subject warm_up = { 0 };

	say("one container each, interleaved");
	for (size_t i = 0; i < r->n_shims; i++) {
		warm_up.path = r->shim[i].path;
		measure_life(b, &warm_up, 16); /* pages come in, caches are written */
	}
	for (size_t k = 0; k < sc->rounds; k++)
		for (size_t i = 0; i < r->n_shims; i++)
			measure_life(b, &r->shim[i], sc->calls);
}

static void measure_all(struct bench *b, struct report *r, const struct scale *sc)
{
	measure_rounds(b, r, sc);
	say("streams");
	for (size_t k = 0; k < sc->relays; k++)
		for (size_t i = 0; i < r->n_shims; i++)
			measure_relay(b, &r->shim[i], sc->relay_mib);
	say("many shims");
	for (size_t i = 0; i < r->n_shims; i++)
		measure_shims(b, &r->shim[i], sc->shims, sc->n_shims);
	say("many containers");
	for (size_t i = 0; i < r->n_shims; i++)
		measure_containers(b, &r->shim[i], sc->containers, sc->n_containers);
	say("many execs");
	for (size_t i = 0; sc->execs > 0 && i < r->n_shims; i++)
		measure_execs(b, &r->shim[i], sc->execs);
	tell_curves(r);
}

static int tell(const struct report *r, const char *results, const char *runtime)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/figures.json", results);
	report_print(r, stdout);
	if (report_write_json(r, path, runtime) < 0 || report_write_plots(r, results) < 0)
		bench_give_up("cannot write to %s", results);
	return 0;
}

int main(int argc, char **argv)
{
	static struct report r;
	bool is_short = getenv("BENCH_SHORT") != NULL;
	struct bench b = { .rootfs = getenv("BENCH_ROOTFS"), .dir = getenv("BENCH_DIR") };
	struct scale sc = is_short ? brief : full;
	const char *execs = getenv("BENCH_EXECS");

	if (argc < 4 || argc - 3 > SHIMS_MAX || !b.rootfs || !b.dir)
		bench_give_up("usage: bench RUNTIME RESULTS SHIM..., by way of tests/bench/run");
	b.runtime = argv[1];
	for (int i = 3; i < argc; i++) {
		const char *slash = strrchr(argv[i], '/');

		r.shim[r.n_shims++] =
			(struct subject){ .path = argv[i], .name = slash ? slash + 1 : argv[i] };
	}
	if (execs)
		sc.execs = strtoul(execs, NULL, 10);
	bench_open(&b);
	measure_all(&b, &r, &sc);
	tell(&r, argv[2], getenv("BENCH_REAL_RUNTIME"));
	return is_short && !report_is_fine(&r, stdout);
}
