/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROCESS_RUNTIME_LOG_H
#define PROCESS_RUNTIME_LOG_H

/*
 * log.h - the runtime's own words, from its --log file.
 *
 * log.json is appended to by every call for a bundle, so a call notes where
 * the file ended before and looks only at what came after. That tells it from
 * those before, not from those beside it: execs, of which several may be started
 * at once, have a log each, ID.log.json.
 */

#include <stddef.h>
#include <sys/types.h>

/* What of one call's log is looked at, in bytes, from its end. */
#define LOG_TAIL_MAX (64 * 1024)

/*
 * The text of the last record with level=error in @name behind offset @from, without
 * white space around it. 1 if there is one, 0 if not, -errno if the file
 * cannot be read.
 */
int log_last_error(int bundle_fd, const char *name, off_t from, char *ret, size_t room);

/* The same from memory: JSON objects, each beginning a line; what does not parse is passed over. */
int log_find_error(const char *text, size_t len, char *ret, size_t room);

#endif
