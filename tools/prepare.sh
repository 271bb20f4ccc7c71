# SPDX-License-Identifier: MIT
# Sourced by demo.sh and test.sh: installs packages from dist/packages.txt, and builds.

# install_packages PURPOSE…: what dist/packages.txt lists for these purposes and is not there yet.
install_packages() {
	wanted=
	for purpose in "$@"; do
		wanted="$wanted $(awk -v p="$purpose" '$1 !~ /^#/ && $2 == p { print $1 }' dist/packages.txt)"
	done
	missing=
	for package in $wanted; do
		dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
	done
	[ -n "$missing" ] || return 0
	if [ "$(id -u)" != 0 ]; then
		echo "These Debian packages are missing, and only root can install them:$missing" >&2
		return 1
	fi
	echo "Installing:$missing"
	log=$(mktemp)
	if ! { DEBIAN_FRONTEND=noninteractive apt-get -q update &&
		DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install $missing; } >"$log" 2>&1 </dev/null; then
		cat "$log" >&2
		rm -f "$log"
		return 1
	fi
	rm -f "$log"
}

# build_in FOLDER [meson option…]: configure if need be, and build.
build_in() {
	folder=$1
	shift
	if [ ! -f "$folder/build.ninja" ]; then
		meson setup "$folder" "$@" >"$folder.log" 2>&1 || { cat "$folder.log" >&2; return 1; }
		rm -f "$folder.log"
	fi
	ninja -C "$folder" >"$folder/build.log" 2>&1 || { tail -n 50 "$folder/build.log" >&2; return 1; }
}
