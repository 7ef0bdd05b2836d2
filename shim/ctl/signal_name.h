/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_CTL_SIGNAL_NAME_H
#define SHIM_CTL_SIGNAL_NAME_H

/*
 * signal_name.h - signals as people write them.
 */

/* "KILL", "SIGKILL", "kill", "9", "RTMIN+3". The number, or -1 for what is none. */
int signal_of(const char *word);

#endif
