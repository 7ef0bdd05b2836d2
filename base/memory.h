/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

/*
 * memory.h - pages that are only used while something happens.
 *
 * A shim works for some milliseconds and then sleeps for days. What a Create
 * has dirtied, the stack of the deepest call and the heap of a parsed
 * config.json, would stay in memory for as long: 50 KiB, a third of the whole.
 */

/*
 * Hands the kernel the free pages of the heap and those of the stack below the
 * caller. Some 20 us, and as many page faults later as pages are used again.
 * Call it from near the loop: what is above the caller is in use and stays.
 */
void memory_give_back(void);

/*
 * Address space that libev may still have when there is no memory, in bytes;
 * never touched, so it costs none. As much as malloc() asks of the kernel at a
 * time (glibc: 132 KiB by brk(), 1 MiB by mmap()).
 */
#define MEMORY_LOOP_RESERVE (1024 * 1024)

/* How long the loop waits before it asks the kernel again for what it cannot do without. */
#define MEMORY_LOOP_PAUSE_MS 10

/*
 * libev ends the process when it is refused memory, as it may be in the middle
 * of anything: it grows a table with the number of descriptors, timers and
 * events. So it is given a reserve, which goes back to the kernel when malloc()
 * fails it and is made again when there is some; only what does not fit in
 * there still ends us. Nor does it end us when the kernel refuses it an epoll of
 * its own, which it may make anew at any time (an event came for a descriptor
 * that is closed here and open in a child): where descriptors or memory are
 * short it waits, and tries again. Once, before the first loop is made.
 */
void memory_keep_for_loop(void);

#endif
