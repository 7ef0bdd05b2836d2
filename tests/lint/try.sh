#!/bin/bash
# try.sh - the lints, tried on a tree in which everything is wrong, and on one in which nothing is.
set -u
here=$(realpath "$(dirname "$0")")
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
bad=0

# expect CODE LINT TEXT...: every TEXT must be among what LINT says.
expect() {
	local code=$1 lint=$2 output rc text

	shift 2
	output=$("$here/$lint.sh" "$tree" "$tree/build" 2>&1)
	rc=$?
	if [ $rc -eq 77 ]; then
		echo "$output"
		return
	fi
	for text; do
		[[ $output == *"$text"* ]] && continue
		echo "$lint does not say '$text' but: $output"
		bad=1
	done
	if [ $rc -ne "$code" ]; then
		echo "$lint: exit code $rc, not $code: $output"
		bad=1
	fi
}

# compile FILE: as if CMake had, for the lints that ask what is being compiled.
compile() {
	printf '[{\n  "directory": "%s",\n  "command": "cc -std=gnu17 -I. -c %s",\n  "file": "%s/%s"\n}]\n' \
		"$tree" "$1" "$tree" "$1" >"$tree/build/compile_commands.json"
}

mkdir -p "$tree"/{base,reaper,proto,process/io,process/rootfs,shim/ctl,tests,build}
cp "$here/../../.clang-tidy" "$here/../../.clang-format" "$tree"

printf 'int f(int a);\n\nint f(int a)\n{\n\treturn a;\n}\n' >"$tree/base/fine.c"
printf '#include <stddef.h>\nsize_t g(void);\n' >"$tree/base/fine.h"
printf '#include "base/fine.h"\n#include "process/io/stdio.h"\n' >"$tree/process/allowed.c"
compile base/fine.c
expect 1 tidy 'only 1 files were looked at'
expect 1 analyze 'only 1 files were looked at'
export LINT_FEWEST=1
for lint in analyze cppcheck format headers layers scripts size tidy words; do
	expect 0 $lint "ok $lint"
done

printf '#include "reaper/child.h"\n#include <protobuf-c/protobuf-c.h>\n' >"$tree/base/up.c"
printf '#include "process/rootfs/rootfs.h"\n' >"$tree/process/io/sideways.c"
printf '#include "shim/daemon.h"\n#include "proto/api/task.pb-c.h"\n' >"$tree/process/wire.c"
printf '#include "fine.h"\n' >"$tree/base/unrooted.c"
expect 1 layers 'base/up.c: may not include "reaper/child.h"' \
	'base/up.c: may not include <protobuf-c/protobuf-c.h>' \
	'process/io/sideways.c: may not include "process/rootfs/rootfs.h"' \
	'process/wire.c: may not include "shim/daemon.h"' \
	'process/wire.c: may not include "proto/api/task.pb-c.h"' \
	'base/unrooted.c: may not include "fine.h"' 'FAILED layers: 6 complaints'
rm "$tree"/base/u*.c "$tree"/process/{wire.c,io/sideways.c}

printf 'void f(void)\n{\n\tgoto out;\nout:\n\texit(1);\n\t// so what\n}\n' >"$tree/base/words.c"
printf '/* never exit(), never goto */\nint waitid_is_not_called;\n' >"$tree/base/innocent.c"
printf '\tsetns(fd, 0);\n' >"$tree/shim/setns.c"
printf '\twaitid(P_ALL, 0, &si, WEXITED);\n' | tee "$tree/shim/wait.c" >"$tree/reaper/wait.c"
expect 1 words 'base/words.c:3: one exit style' 'base/words.c:5: everybody else' \
	'base/words.c:6: comments are' 'shim/wait.c:1: only the reaper' \
	'shim/setns.c:1: only to leave' 'FAILED words: 5 complaints'
rm "$tree"/{base/words.c,base/innocent.c,shim/setns.c,shim/wait.c,reaper/wait.c}

yes '' | head -n 501 >"$tree/tests/long.c"
yes '#' | head -n 41 >"$tree/base/CMakeLists.txt"
expect 1 size 'tests/long.c: 501 lines, at most 500' 'base/CMakeLists.txt: 41 lines, at most 40'
rm "$tree"/{tests/long.c,base/CMakeLists.txt}

printf 'size_t g(void);\n' >"$tree/base/needy.h"
printf 'struct twice {\n\tint a;\n};\n' >"$tree/base/twice.h"
expect 1 headers 'base/needy.h does not compile alone' 'base/twice.h does not compile alone' \
	'FAILED headers: 2 complaints'
rm "$tree"/base/{needy,twice}.h

printf 'int  f( void ) { return 1; }\n' >"$tree/tests/ugly.c"
expect 1 format 'tests/ugly.c is not formatted'
rm "$tree/tests/ugly.c"

printf '# A b, c\n[a](#a-b-c) [b](none.md) [c](#none)\n| it is so | unit `x`: this_is_so_always |\n' >"$tree/README.md"
expect 1 links 'a link to none.md, which is not there' 'README.md has no heading none' \
	'no test is called this_is_so_always' 'FAILED links: 3 complaints'
rm "$tree/README.md"

mkdir -p "$tree/shim/man"
printf '.TH A 1\n.SH NAME\na \\- b\n.XX c\n.BR belay (5)\n' >"$tree/shim/man/a.1"
echo 'install(FILES man/b.1 DESTINATION man1)' >"$tree/shim/CMakeLists.txt"
expect 1 man "macro 'XX' not defined" 'names belay.5, which is not there' 'shim/man/a.1 is not installed' \
	'FAILED man: 3 complaints'
rm -r "$tree"/shim/{man,CMakeLists.txt}

# A function of 61 lines, one of six parameters, and a pointer that may be NULL.
{
	printf 'int many(int a, int b, int c, int d, int e, int f);\nint null(const int *p);\nint lines(void);\n'
	printf 'int many(int a, int b, int c, int d, int e, int f)\n{\n\treturn a+b+c+d+e+f;\n}\n'
	printf 'int null(const int *p)\n{\n\tif (!p)\n\t\treturn *p;\n\treturn 0;\n}\n'
	printf 'int lines(void)\n{\n'
	yes '	/* line */' | head -n 57
	printf '\treturn 0;\n}\n'
} >"$tree/base/sins.c"
compile base/sins.c
expect 1 tidy '6 parameters' '59 lines' 'clang-analyzer-core.NullDereference' \
	'FAILED tidy: 3 complaints'

rm "$tree/base/sins.c"

{
	printf '#include <stdlib.h>\nvoid twice(char *p);\nint past(void);\n'
	printf 'void twice(char *p)\n{\n\tfree(p);\n\tfree(p);\n}\n'
	printf 'int past(void)\n{\n\tint a[2] = { 0 };\n\n\treturn a[2];\n}\n'
} >"$tree/base/bounds.c"
compile base/bounds.c
expect 1 analyze 'double-' 'uninitialized-value' 'FAILED analyze: 2 complaints'
expect 1 cppcheck 'base/bounds.c:13: arrayIndexOutOfBounds' 'doubleFree' 'FAILED cppcheck: 2 complaints'
rm "$tree/base/bounds.c"

mkdir -p "$tree/build/shim"
echo 'CMAKE_BUILD_TYPE:STRING=Release' >"$tree/build/CMakeCache.txt"
echo 'int main(void) { return 0; }' |
	gcc -x c - -no-pie -z execstack -z norelro -z lazy -o "$tree/build/shim/belayctl"
echo 'int f(int a) { return a; }' | gcc -x c - -c -fcf-protection=none -o "$tree/build/f.o"
mkdir "$tree/build/base"
ar rc "$tree/build/base/libf.a" "$tree/build/f.o"
expect 1 hardened 'not position-independent' 'no RELRO' 'not full' 'stack is executable' \
	'libf.a: no stack protector' 'libf.a: not all of it is marked' 'not fortified' \
	'containerd-shim-belay-v2: is not there' 'FAILED hardened: 8 complaints'
rm -r "$tree/build/shim" "$tree/build/base"
expect 1 hardened 'there are no libraries of ours' 'FAILED hardened: 3 complaints'

mkdir "$tree/tests/some"
touch "$tree/tests/some/one.sh"
expect 1 scripts 'tests/some/one.sh: nobody runs it' 'FAILED scripts: 1 complaints'
echo 'add_test(NAME one COMMAND one.sh)' >"$tree/tests/some/CMakeLists.txt"
expect 0 scripts 'ok scripts'

if [ $bad -ne 0 ]; then
	echo "FAILED try"
	exit 1
fi
echo "ok try"
