#!/bin/bash
# hardened.sh - the product as it was linked: what makes a bug in it harder to use.
. "$(dirname "$0")/lib.sh"
need readelf

check() {
	local program=$1 headers symbols

	headers=$(readelf -hldW "$program" 2>/dev/null)
	symbols=$(readelf -sW "$program" 2>/dev/null)
	grep -q 'Type: *DYN' <<<"$headers" || complain "$program: not position-independent"
	grep -q 'GNU_RELRO' <<<"$headers" || complain "$program: no RELRO"
	grep -qE 'BIND_NOW|Flags:.* NOW' <<<"$headers" || complain "$program: RELRO is not full"
	grep -qE 'GNU_STACK .* RW ' <<<"$headers" || complain "$program: the stack is executable"
	grep -q 'TEXTREL' <<<"$headers" && complain "$program: relocations in its code"
	grep -q '__stack_chk_fail' <<<"$symbols" || complain "$program: no stack protector"
	grep -q '__[a-z]*printf_chk' <<<"$symbols" || complain "$program: not fortified"
}

if ! grep -q '^CMAKE_BUILD_TYPE:STRING=Release' "$build/CMakeCache.txt" 2>/dev/null; then
	echo "SKIPPED hardened: $build is not an optimised build"
	exit 77
fi
for program in "$build"/shim/containerd-shim-belay-v2 "$build"/shim/ctl/belayctl "$build"/shim/belayctl; do
	[ -e "$program" ] && check "$program"
done
finish
