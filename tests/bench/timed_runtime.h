/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_BENCH_TIMED_RUNTIME_H
#define TESTS_BENCH_TIMED_RUNTIME_H

/*
 * timed_runtime.h - an OCI runtime that runs the real one and writes down how long that took.
 *
 * A shim's own share in a Create of 30 ms is far below what two runs of runc
 * differ by. Timed inside of the same call, runc's part can be taken out.
 */

#include <stdint.h>

#define TIMED_LOG     "BENCH_TIMINGS"      /* environment: the file records are appended to */
#define TIMED_PROGRAM "BENCH_REAL_RUNTIME" /* environment: the real runtime */

struct timed_record {
	int64_t began_ns, ended_ns; /* CLOCK_MONOTONIC */
};

#endif
