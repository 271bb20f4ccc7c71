# SPDX-License-Identifier: MIT
# Sourced by demo.sh and test.sh: what both install, from dist/packages.txt, and how they build.

# missing_packages [PURPOSE…]: what dist/packages.txt lists for these purposes (none named: all) and is not there yet.
missing_packages() {
	for package in $(awk -v purposes=" $* " '$1 !~ /^#/ && NF && (purposes == "  " || index(purposes, " " $2 " ")) \
		{ print $1 }' dist/packages.txt); do
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

# build_in FOLDER [OPTION…]: build, configured afresh if the folder cannot be brought to these options as it is.
build_in() {
	folder=$1
	shift
	if [ -f "$folder/build.ninja" ]; then
		meson setup --reconfigure "$folder" "$@" || rm -rf "$folder/meson-private" "$folder/build.ninja"
	fi
	if [ ! -f "$folder/build.ninja" ]; then
		CC=gcc meson setup "$folder" "$@" || return 1
	fi
	ninja -C "$folder"
}
