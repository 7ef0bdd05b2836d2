/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_BANNED_H
#define BASE_BANNED_H

/*
 * banned.h - functions that do not compile here; forced into every product file.
 *
 * They overflow, guess, block the loop, or reap somebody else's child. The
 * headers that declare them come first, so that only a use is an error.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#undef alloca
#undef strcpy
#undef strcat
#undef strncpy
#undef strncat
#undef sprintf
#undef vsprintf
#pragma GCC poison strcpy strcat strncpy strncat strtok sprintf vsprintf alloca atoi atol
#pragma GCC poison system popen sleep usleep wait waitpid wait3 wait4

#endif
