#!/bin/bash
# hardened.sh - the product as it was compiled and linked: what makes a bug in it harder to use.
#
# Of the programs only what the linker does can be told: they are static, and libc has stack protectors
# and fortified calls of its own. So our own objects are asked for those, and for the marks of control
# flow protection. The programs do not have these marks, as long as the distribution's libc.a has none.
. "$(dirname "$0")/lib.sh"
need readelf
need nm

check() {
	local program=$1 headers

	headers=$(readelf -hldW "$program" 2>/dev/null)
	grep -q 'Type: *DYN' <<<"$headers" || complain "$program: not position-independent"
	grep -q 'GNU_RELRO' <<<"$headers" || complain "$program: no RELRO"
	grep -qE 'BIND_NOW|Flags:.* NOW' <<<"$headers" || complain "$program: RELRO is not full"
	grep -qE 'GNU_STACK .* RW ' <<<"$headers" || complain "$program: the stack is executable"
	grep -q 'TEXTREL' <<<"$headers" && complain "$program: relocations in its code"
}

# What each object of the product's own libraries wants of others; generated code is left out.
check_objects() {
	local library undefined all='' mark

	case $(uname -m) in
	x86_64) mark='x86 feature: IBT, SHSTK' ;;
	aarch64) mark='AArch64 feature: BTI, PAC' ;;
	esac
	for library; do
		undefined=$(nm -u "$library" 2>/dev/null)
		all+=$undefined
		grep -q '__stack_chk_fail' <<<"$undefined" || complain "$library: no stack protector"
		[ "$(readelf -nW "$library" 2>/dev/null | grep -c "$mark")" = "$(ar t "$library" | wc -l)" ] ||
			complain "$library: not all of it is marked '$mark'"
	done
	grep -qE '__[a-z]*printf_chk' <<<"$all" && grep -qE '__(memcpy|read|strcpy|stpcpy|memmove|memset)_chk' <<<"$all" ||
		complain "our objects are not fortified"
}

if ! grep -q '^CMAKE_BUILD_TYPE:STRING=Release' "$build/CMakeCache.txt" 2>/dev/null; then
	echo "SKIPPED hardened: $build is not an optimised build"
	exit 77
fi
for program in "$build"/shim/containerd-shim-belay-v2 "$build"/shim/belayctl; do
	if [ -e "$program" ]; then
		check "$program"
	else
		complain "$program: is not there"
	fi
done
mapfile -t libraries < <(find "$build"/{base,reaper,proto,process,shim} -name 'lib*.a' ! -name libproto_api.a 2>/dev/null)
if [ ${#libraries[@]} -gt 0 ]; then
	check_objects "${libraries[@]}"
else
	complain "there are no libraries of ours"
fi
finish
