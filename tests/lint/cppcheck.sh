#!/bin/bash
# cppcheck.sh - cppcheck over the product. A finding that is none says so beside its line.
. "$(dirname "$0")/lib.sh"
need cppcheck

# id                        why it is not asked for
suppressions='
missingIncludeSystem        the functions of libc and Linux are known to it, or guessed right
memleak                     it does not know __attribute__((cleanup)): auto_free frees
resourceLeak                the same of auto_fd
varFuncNullUB               NULL is a pointer here: Linux alone, gcc and clang
'
options=()
while read -r id _; do
	[ -n "$id" ] && options+=("--suppress=$id")
done <<<"$suppressions"

# container_of() asks for the type of a member at NULL, and is told that this is a NULL pointer. A
# generated header asks for the version of its own library.
while read -r line; do
	complain "$line"
done < <(product_files | grep '\.c$' | xargs cppcheck -q -j "$(nproc)" --std=c11 --inline-suppr \
	--enable=warning,performance,portability "${options[@]}" -D_GNU_SOURCE \
	-I. -I"$build" \
	--template='{file}:{line}: {id}: {message}' --template-location='' 2>&1 |
	grep -vE 'nullPointer: Null pointer dereference: \(struct [a-z_]+ ?\*\)0$|\.pb-c\.h:[0-9]+: preprocessorErrorDirective' |
	grep . | sort -u)
finish
