# shellcheck shell=bash
# packages.sh - installs what tests/packages.txt lists. Sourced by tests/run, tests/demo and their like.

# The packages of the sections named, or of all.
list_packages() {
	awk -v wanted=" $* " '
		{ sub(/#.*/, ""); gsub(/[ \t]/, "") }
		/^\[.*\]$/ { section = substr($0, 2, length($0) - 2); next }
		$0 != "" && (wanted ~ /^ *$/ || index(wanted, " " section " "))
	' "$(dirname "${BASH_SOURCE[0]}")/../packages.txt"
}

# Where this machine gets Debian from.
debian_archive() {
	apt-get indextargets --format '$(REPO_URI) $(COMPONENT) $(ORIGIN) $(SUITE)' 'Created-By: Packages' |
		awk '$2 == "main" && $3 == "Debian" && $4 !~ /security|updates|backports/ { print $1; exit }'
}

# private_apt_begin DIR ARCHIVE SUITE, then private_apt DIR WORDS...: an apt-get that knows of nothing but that suite, with
# lists, a cache and an empty status of its own in DIR. Nothing is installed by it. A mirror that lags behind is good
# enough for a test, so the date of the index is not looked at.
private_apt_begin() {
	mkdir -p "$1/lists/partial" "$1/cache/archives/partial"
	: >"$1/status"
	echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $2 $3 main" >"$1/sources.list"
}

private_apt() {
	local at=$1

	shift
	DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Dir::Etc::sourcelist="$at/sources.list" \
		-o Dir::Etc::sourceparts=- -o Dir::Etc::preferencesparts=- -o Dir::Etc::preferences=- \
		-o Dir::State::lists="$at/lists" -o Dir::State::status="$at/status" \
		-o Dir::Cache="$at/cache" -o APT::Sandbox::User=root -o Debug::NoLocking=1 \
		-o APT::Install-Recommends=0 -o APT::Install-Suggests=0 -o Acquire::Languages=none \
		-o Acquire::Check-Valid-Until=false \
		-o APT::Keep-Downloaded-Packages=1 -o DPkg::Pre-Install-Pkgs= -o DPkg::Post-Invoke= \
		-o APT::Update::Post-Invoke= -o APT::Update::Post-Invoke-Success= "$@"
}

missing_packages() {
	local package

	for package in $(list_packages "$@"); do
		[ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] ||
			echo "$package"
	done
}

# Debian starts what it installs. policy-rc.d is its own way of saying no; the machine's is put back.
forbid_daemons() {
	local policy=/usr/sbin/policy-rc.d

	if [ -e $policy ] && [ ! -e $policy.belay ]; then
		mv $policy $policy.belay
	fi
	printf '#!/bin/sh\nexit 101\n' >$policy
	chmod 755 $policy
}

allow_daemons() {
	local policy=/usr/sbin/policy-rc.d

	rm -f $policy
	if [ -e $policy.belay ]; then
		mv $policy.belay $policy
	fi
}

# install_packages [SECTION...]: touches nothing, not even the network, when all is there.
install_packages() {
	local missing

	if ! command -v dpkg-query >/dev/null; then
		echo "no dpkg here: taking it on trust that tests/packages.txt is installed" >&2
		return 0
	fi
	missing=$(missing_packages "$@" | tr '\n' ' ')
	[ -n "$missing" ] || return 0
	if [ "$(id -u)" -ne 0 ]; then
		echo "missing, and only root may install it: apt-get install $missing" >&2
		return 1
	fi
	echo "installing: $missing"
	(
		trap allow_daemons EXIT
		forbid_daemons
		export DEBIAN_FRONTEND=noninteractive
		# shellcheck disable=SC2086 # a list, on purpose
		apt-get -q update && apt-get -q install -y --no-install-recommends $missing
	) </dev/null >/tmp/belay-apt.$$ 2>&1 && rm -f /tmp/belay-apt.$$ && return 0
	echo "apt-get failed:" >&2
	tail -n 20 /tmp/belay-apt.$$ >&2
	rm -f /tmp/belay-apt.$$
	return 1
}
