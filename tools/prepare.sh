# SPDX-License-Identifier: MIT
# Sourced by demo.sh, test.sh and tools/lint: installs the packages of dist/packages.txt, and builds.

# missing_packages [PURPOSE…]: packages of dist/packages.txt for these purposes (default: all) that are not installed.
missing_packages() {
	arch=$(dpkg --print-architecture)
	for package in $(awk -v purposes=" $* " -v arch="[$arch]" '$1 !~ /^#/ && NF && ($3 !~ /^\[/ || $3 == arch) &&
		(purposes == "  " || index(purposes, " " $2 " ")) { print $1 }' dist/packages.txt); do
		dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || echo "$package"
	done
}

# install_packages [PURPOSE…]: install them, as root.
install_packages() {
	missing=$(missing_packages "$@" | tr '\n' ' ')
	[ -n "$missing" ] || return 0
	if [ "$(id -u)" != 0 ]; then
		echo "These Debian packages are missing, and only root can install them: $missing" >&2
		return 1
	fi
	apt-get -q update || return 1
	# shellcheck disable=SC2086 # a list of names without blanks
	DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install $missing
}

# Options of meson to build all that there is, with warnings as errors.
# shellcheck disable=SC2034 # used by those who source this file
all_options='-Dtests=true -Dfuzz=true -Dbench=true -Dwerror=true'

# build_in FOLDER [OPTION…]: build; starts from scratch if the folder cannot be reconfigured to these options. With
# BUILD_TARGET, only that target.
build_in() {
	folder=$1
	shift
	if [ -f "$folder/build.ninja" ]; then
		meson setup --reconfigure "$folder" "$@" || rm -rf "$folder/meson-private" "$folder/build.ninja"
	fi
	if [ ! -f "$folder/build.ninja" ]; then
		CC=gcc meson setup "$folder" "$@" || return 1
	fi
	ninja -C "$folder" ${BUILD_TARGET:+"$BUILD_TARGET"}
}
