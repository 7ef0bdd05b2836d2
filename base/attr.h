/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_ATTR_H
#define BASE_ATTR_H

/*
 * attr.h - the few words the language lacks.
 */

#include <stddef.h>

#define PRINTF_LIKE(fmt, first) __attribute__((format(printf, fmt, first)))
#define NODISCARD               __attribute__((warn_unused_result))
#define NORETURN                __attribute__((noreturn))
#define ARRAY_LEN(a)            (sizeof(a) / sizeof((a)[0]))

/* From a member back to the struct that holds it. The temporary makes the compiler check the type.
 */
#define container_of(ptr, type, member)                                                            \
	({                                                                                         \
		const __typeof__(((type *)0)->member) *member_ = (ptr);                            \
		(type *)(void *)((char *)member_ - offsetof(type, member));                        \
	})

#endif
