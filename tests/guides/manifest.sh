#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# manifest.sh MANIFEST SHIM KUBECTL - the larger documents go through kubectl's own types and come out whole: a field that
# those do not have, or have elsewhere, would be lost. The small ones have each of their fields looked up by name. Then
# what the containers run is run: the file arrives while it is in use, and the node's label comes and goes.
#
# kubectl asks a server even for a dry run; only what `set` does --local goes by the types that are built in (`label`
# and `annotate` keep what they do not know), and there is no `set` for the small kinds.
set -u -o pipefail
manifest=$(realpath "$1") shim=$(realpath "$2") kubectl=$3
failures=0

skip() { echo "SKIPPED manifest: $*"; exit 77; }
fail() {
	echo "FAILED manifest: $*"
	failures=$((failures + 1))
}
[ -x "$kubectl" ] || skip "there is no kubectl"
T=$(mktemp -d /tmp/belay-manifest.XXXXXX)
user=
trap '[ -z "$user" ] || kill $user; rm -rf "$T"' EXIT
export HOME=$T KUBECONFIG=$T/none

mkdir "$T/documents"
awk -v to="$T/documents/" 'BEGIN { n = 1 } /^---$/ { n++; next } { print >(to n ".yaml") }' "$manifest"
document_of() { grep -l "^kind: $1$" "$T"/documents/*.yaml; }

typed() { # KIND
	case $1 in
	DaemonSet) "$kubectl" set env --local -f "$(document_of "$1")" -c label -o yaml THROUGH=types ;;
	ClusterRoleBinding) "$kubectl" set subject --local -f "$(document_of "$1")" -o yaml --user=through-types ;;
	esac
}

# The lines of YAML that carry something, without the order and depth they have: keys with values, items of lists.
lines() { sed -E 's/^[ -]+//; s/ #.*//; /^#/d; /^$/d; s/"//g; s/\[([^]]*)\]/\1/' "$1" | sort; }

for kind in DaemonSet ClusterRoleBinding; do
	typed $kind >"$T/typed" 2>"$T/err" || { fail "$(cat "$T/err")"; continue; }
	sed -E 's/: \[([^]]*)\]$/:\n- \1/; s/", "/\n- /' "$(document_of $kind)" >"$T/flat"
	lost=$(comm -23 <(lines "$T/flat") <(lines "$T/typed"))
	[ -z "$lost" ] || fail "kubectl's types do not have this: $lost"
done

of() { # KIND JSONPATH: of the manifest
	"$kubectl" label --local -f "$(document_of "$1")" through=types -o jsonpath="$2"
}
is() { # KIND JSONPATH WANTED
	[ "$(of "$1" "$2")" = "$3" ] || fail "$1 $2: wanted '$3', got '$(of "$1" "$2")'"
}
is RuntimeClass '{.apiVersion} {.handler} {.scheduling.nodeSelector}' 'node.k8s.io/v1 belay {"belay/installed":"true"}'
is ClusterRole '{.apiVersion} {.rules}' \
	'rbac.authorization.k8s.io/v1 [{"apiGroups":[""],"resources":["nodes"],"verbs":["get","patch"]}]'
is ServiceAccount '{.apiVersion} {.metadata.namespace}' 'v1 belay'
is Namespace '{.apiVersion} {.metadata.name}' 'v1 belay'
is ClusterRoleBinding '{.subjects[0].namespace}/{.subjects[0].name}' 'belay/installer'
pod='{.spec.template.spec'
for path in "$pod.serviceAccountName}" "$pod.initContainers[0].image}"; do
	[ -n "$(of DaemonSet "$path")" ] || fail "the DaemonSet has no $path"
done
[ "$(of DaemonSet "$pod.serviceAccountName}")" = "$(of ServiceAccount '{.metadata.name}')" ] || fail "another account"
[ "$(of DaemonSet '{.spec.selector.matchLabels.app}')" = "$(of DaemonSet '{.spec.template.metadata.labels.app}')" ] ||
	fail "the DaemonSet does not select its own pods"
[ "$(of ClusterRoleBinding '{.roleRef.name}')" = "$(of ClusterRole '{.metadata.name}')" ] || fail "another role"

# The scripts, where a container would have what they want. The file is in use: a copy of it runs.
mkdir -p "$T/image" "$T/node" "$T/bin"
cp "$shim" "$T/image/containerd-shim-belay-v2"
cp "$(command -v sleep)" "$T/node/containerd-shim-belay-v2"
"$T/node/containerd-shim-belay-v2" 1000 &
user=$!
of DaemonSet "$pod.initContainers[0].command[2]}" | sed "s| /belay/| $T/image/|g; s| /node/| $T/node/|g" >"$T/install"
busybox sh -e "$T/install" || fail "the install script"
cmp "$shim" "$T/node/containerd-shim-belay-v2" || fail "the file did not arrive"
[ "$(stat -c %a "$T/node/containerd-shim-belay-v2")" = 755 ] || fail "the file's mode"
[ "$(find "$T/node" -type f | wc -l)" = 1 ] || fail "something is left beside it: $(ls -A "$T/node")"
kill $user && wait $user 2>/dev/null
user=

printf '#!/bin/sh\necho "$*" >>%s/labels\n' "$T" >"$T/bin/kubectl"
printf '#!/bin/sh\necho $$ >%s/sleeper\nexec %s "$@"\n' "$T" "$(command -v sleep)" >"$T/bin/sleep"
chmod 755 "$T"/bin/*
of DaemonSet "$pod.containers[0].command[2]}" >"$T/label"
NODE=n1 PATH=$T/bin:$PATH bash -e "$T/label" &
labeller=$!
for i in $(seq 200); do [ -s "$T/sleeper" ] && break; sleep 0.05; done
kill -TERM $labeller
wait $labeller || fail "the label script ends with $?"
kill "$(cat "$T/sleeper")" # in the cluster it ends with its container
[ "$(paste -sd ';' "$T/labels")" = "label --overwrite node n1 belay/installed=true;label node n1 belay/installed-" ] ||
	fail "labels: $(cat "$T/labels")"

[ $failures = 0 ] && echo "ok manifest"
exit $((failures > 0))
