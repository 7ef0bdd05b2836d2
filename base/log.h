/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

/*
 * log.h - lines for whoever is awake at three.
 *
 *	log_info("exit", "id=%s pid=%d code=%d", id, pid, code);
 *
 * One line per call, in the logfmt containerd itself writes: it copies what a
 * shim puts into the `log` FIFO of the bundle to its own log, as it is.
 * Error: an operator must act. Warn: ends in what we do instead. Info: a
 * lifecycle edge. Debug: everything, and only with -debug.
 *
 * Logging never blocks. A line that does not fit into the pipe is dropped and
 * counted; the next line that does fit tells how many were. errno is kept.
 *
 * The sink is the one piece of process-wide state: an error path that had to
 * be handed a logger could not report that it was not.
 */

#include "base/attr.h"

#include <stdbool.h>

enum log_level {
	LOG_ERROR,
	LOG_WARN,
	LOG_INFO,
	LOG_DEBUG,
	N_LOG_LEVELS
};

/* A longer line is cut. Below PIPE_BUF, so that lines of several writers never mix. */
#define LOG_LINE_MAX 2048

/* Sends lines to @fd (borrowed; non-blocking if it can block at all; -1 for nowhere). */
void log_to(int fd, enum log_level level);

/* The lines dropped so far. */
unsigned long log_dropped(void);

/*
 * A line that is not logfmt and may be longer: a dump. Without its newline; what
 * the pipe does not take whole counts as dropped.
 */
void log_raw(const char *line);

/* @verb is fixed text; @fmt makes key=value pairs. */
void log_line(enum log_level level, const char *verb, const char *fmt, ...) PRINTF_LIKE(3, 4);

#define log_error(verb, ...) log_line(LOG_ERROR, verb, __VA_ARGS__)
#define log_warn(verb, ...)  log_line(LOG_WARN, verb, __VA_ARGS__)
#define log_info(verb, ...)  log_line(LOG_INFO, verb, __VA_ARGS__)
#define log_debug(verb, ...) log_line(LOG_DEBUG, verb, __VA_ARGS__)

#endif
