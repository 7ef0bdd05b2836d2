/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_PROOF_INJECT_H
#define TESTS_PROOF_INJECT_H

/*
 * inject.h - a shim in which one call fails: the n-th from when it is armed.
 *
 * inject.c is linked in with --wrap, so that it sees the calls of libraries
 * too. It counts in a shared file, named by $PROOF_FAULTS, that the children of
 * the shim share until they become other programs.
 */

#include <stdbool.h>

#define FAULTS_ENV "PROOF_FAULTS"

enum fault_kind {
	FAULT_MEMORY, /* malloc, calloc, realloc */
	FAULT_CALL,   /* system calls */
	N_FAULT_KINDS
};

struct faults {
	enum fault_kind kind;
	_Atomic bool is_armed;
	_Atomic long count; /* calls of that kind since */
	_Atomic long at;    /* which one fails */
	char hit[32];       /* its name, when it has */

	/* With a sanitizer: each connection is a reason to look for memory that nobody holds. */
	_Atomic bool looks_for_leaks;
	_Atomic long n_leaks;
};

#endif
