/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_BENCH_MEASURE_H
#define TESTS_BENCH_MEASURE_H

/*
 * measure.h - each takes one sample, or some, of figures that need the same ground.
 */

#include "tests/bench/figures.h"
#include "tests/bench/guest.h"

/* One shim with one container from start to shutdown: calls, times and memory. */
void measure_life(struct bench *b, struct subject *s, size_t n_calls);

/* Many shims with one container each; at each of the @n numbers memory is taken. */
void measure_shims(struct bench *b, struct subject *s, const size_t *at, size_t n);

/* Many containers in one shim. */
void measure_containers(struct bench *b, struct subject *s, const size_t *at, size_t n);

/* What a container writes to its stdout, in MiB. */
void measure_relay(struct bench *b, struct subject *s, size_t mib);

/* Execs one after the other, and how the shim has grown. */
void measure_execs(struct bench *b, struct subject *s, size_t n);

/* What /proc says of a shim; KiB. */
struct memory {
	double pss, anon, threads;
};
struct memory memory_of(const struct guest *g);

/* CPU time it has used so far, of all its threads. */
int64_t cpu_ns_of(const struct guest *g);

#endif
