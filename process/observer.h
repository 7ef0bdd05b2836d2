/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROCESS_OBSERVER_H
#define PROCESS_OBSERVER_H

/*
 * observer.h - how news travels upward without anybody here knowing who listens.
 */

struct container;
struct process;

struct observer {
	/*
	 * The exit of @p is final: its record is set, its state is STOPPED, and
	 * everything that has to be told before it has been. Called once for
	 * each process, before those who wait for it are answered.
	 */
	void (*exited)(const struct observer *o, struct process *p);

	/*
	 * The kernel killed in @ct for want of memory: once for any number,
	 * before the exit it caused and, like that, after the Create or Start
	 * of its init that is under way. A Create that fails has no such news.
	 */
	void (*oom)(const struct observer *o, struct container *ct);
};

#endif
