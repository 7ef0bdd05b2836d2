#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# `-info` asks the runtime that the options name, however they are written.
. "$(dirname "$0")/lib.sh"

shim=$1/containerd-shim-belay-v2
cat >"$T/marked" <<-'END'
	#!/bin/sh
	echo '{ "ociVersionMin": "1.0.0", "annotations": { "mark": "this one" } }'
END
chmod +x "$T/marked"
cat >"$T/encode.py" <<-'END'
	import sys

	def field(number, data):
	    return bytes([number << 3 | 2, len(data)]) + data  # no text here is longer than 127

	kind, text = sys.argv[1], sys.argv[2].encode()
	if kind == "runc":
	    url, value = b"containerd.runc.v1.Options", field(6, text)
	else:
	    url, value = b"runtimeoptions.v1.Options", field(3, text)
	sys.stdout.buffer.write(field(1, url) + field(2, value))
END

info() { # KIND TEXT: what it says, as text
	python3 "$T/encode.py" "$1" "$2" >"$T/any"
	PATH=/nowhere "$shim" -info <"$T/any" >"$T/out" 2>"$T/err"
	expect "$1: status" "${3:-0}" $?
}

info runc "$T/marked"
expect_words "options of runc" '"mark": "this one"' "$T/out"
info toml "BinaryName = \"$T/marked\""
expect_words "the same as TOML, as CRI has it" '"mark": "this one"' "$T/out"
info toml "BinaryName = [" 1
expect_words "options that cannot be read: the default" 'exec: "runc"' "$T/err"
nothing_left
finish
