#!/bin/bash
# layers.sh - who may include whom. Good intentions are not enough.
. "$(dirname "$0")/lib.sh"

# directory            of ours, beside itself                               libraries
table='
base                   -                                                    ev jansson
reaper                 base                                                 ev
proto                  base proto/api                                       ev protobuf-c
process/runtime        base reaper                                          ev jansson
process/io             base reaper                                          ev jansson
process/rootfs         base reaper                                          ev jansson
process/cgroup         base reaper                                          ev jansson
process                base reaper process/runtime process/io process/rootfs process/cgroup   ev jansson
shim                   base reaper proto proto/api process process/runtime process/io process/rootfs process/cgroup   ev jansson protobuf-c
shim/ctl               base reaper proto proto/api process/runtime process/rootfs shim   ev jansson protobuf-c
'

# The rows as "directory|ours|libraries", the directory itself among ours.
rows=$(echo "$table" | awk 'NF {
	ours = $1; libraries = ""
	for (i = 2; i <= NF; i++)
		if ($i ~ /^(ev|jansson|protobuf-c)$/) libraries = libraries " " $i
		else ours = ours " " $i
	print $1 "|" ours " |" libraries " "
}')

row_of() {
	echo "$rows" | grep "^$1|"
}

# A directory without a row of its own lives by the rules of the one above.
layer_of() {
	local dir=$1

	until [ -n "$(row_of "$dir")" ] || [ "$dir" = . ]; do
		dir=$(dirname "$dir")
	done
	echo "$dir"
}

check_ours() {
	local file=$1 included=$2 allowed=$3 dir

	dir=$(dirname "$included")
	case " $allowed " in
	*" $dir "*) ;;
	*) complain "$file: may not include \"$included\"" ;;
	esac
}

check_library() {
	local file=$1 included=$2 allowed=$3 library

	case $included in
	ev.h) library=ev ;;
	jansson.h) library=jansson ;;
	protobuf-c/*) library=protobuf-c ;;
	*) return ;;
	esac
	case " $allowed " in
	*" $library "*) ;;
	*) complain "$file: may not include <$included>" ;;
	esac
}

while read -r file; do
	layer=$(layer_of "$(dirname "$file")")
	IFS='|' read -r _ ours libraries <<<"$(row_of "$layer")"
	while read -r kind included; do
		case $kind in
		'"') check_ours "$file" "$included" "$ours $(dirname "$file")" ;;
		'<') check_library "$file" "$included" "$libraries" ;;
		esac
	done < <(sed -nE 's/^#include ([<"])([^>"]+)[>"].*/\1 \2/p' "$file")
done < <(product_files)
finish
