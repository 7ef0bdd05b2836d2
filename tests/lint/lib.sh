# shellcheck shell=bash
# lib.sh - what every lint is made of. Sourced; the arguments are [ROOT [BUILD]].
#
# A lint prints its complaints as it finds them and ends in `finish`, which
# speaks the language of the harness: ok, FAILED or SKIPPED, and the name.

set -u -o pipefail
name=$(basename "$0" .sh)
build=$(realpath -m "${2:-build/gcc-release}")
cd "${1:-$(dirname "$0")/../..}" || exit 1
complaints=0

product_files() {
	find base reaper proto process shim -name '*.[ch]' 2>/dev/null | sort
}

our_files() {
	product_files
	find tests -name '*.[ch]' 2>/dev/null | sort
}

complain() {
	echo "$*"
	complaints=$((complaints + 1))
}

# enough COUNT WHAT: a lint that has seen next to nothing has not seen that all is well.
enough() {
	[ "$1" -ge "${LINT_FEWEST:-50}" ] || complain "only $1 $2 were looked at"
}

need() {
	if ! command -v "$1" >/dev/null; then
		echo "SKIPPED $name: $1 is not installed"
		exit 77
	fi
}

finish() {
	if [ "$complaints" -gt 0 ]; then
		echo "FAILED $name: $complaints complaints"
		exit 1
	fi
	echo "ok $name"
	exit 0
}
