/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_PROOF_TURNS_H
#define TESTS_PROOF_TURNS_H

/*
 * turns.h - whether a shim slept anywhere but in epoll_wait(), which is where a loop that waits for
 * nobody sleeps.
 *
 * A shim linked with turns.c counts in a shared file, named by $PROOF_TURNS.
 * No clock is asked: a thread that waits gives up its processor, and the kernel
 * counts that as a voluntary context switch, however short the wait.
 *
 * Told apart are the sleeps in which the kernel alone is waited for: in clone(),
 * and where a file of a control group is looked up, since any process of the
 * machine that makes or removes a control group meanwhile holds a lock
 * (kernfs_rwsem, Linux 6.18).
 */

#define TURNS_ENV "PROOF_TURNS"

struct turns {
	long turns;
	long slept;     /* switches inside epoll_wait() */
	long spawned;   /* inside clone(): vfork() waits for the exec, by design */
	long at_locks;  /* inside open(), openat() and readdir() of control groups */
	long in_turns;  /* all others: somebody was waited for */
	long bad_turns; /* how many turns had some */
};

#endif
