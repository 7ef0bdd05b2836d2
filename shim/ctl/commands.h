/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_CTL_COMMANDS_H
#define SHIM_CTL_COMMANDS_H

/*
 * commands.h - the commands of belayctl, one a file.
 */

#include "shim/ctl/options.h"

extern const struct command command_run;
extern const struct command command_ps;
extern const struct command command_inspect;
extern const struct command command_exec;
extern const struct command command_kill;
extern const struct command command_pause;
extern const struct command command_resume;
extern const struct command command_wait;
extern const struct command command_stats;
extern const struct command command_top;
extern const struct command command_events;
extern const struct command command_dump;
extern const struct command command_doctor;

#endif
