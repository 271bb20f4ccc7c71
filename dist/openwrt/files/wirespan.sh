#!/bin/sh
# SPDX-License-Identifier: MIT
# Protocol handler of OpenWrt's netifd, as /lib/netifd/proto/wirespan.sh:
#
#   config interface 'lan2'
#           option proto 'wirespan'
#           option site 'branch'        # the file /etc/wirespan/branch.conf
#
# netifd runs one process of the site, starts it again when it ends, and knows its WireGuard interface as the device.
# Addresses, routes and the bridge are those of the site's file. Its members are in the file, too, not in UCI: a port
# belongs to one bridge.

# shellcheck disable=SC1091 # files of OpenWrt
[ -n "$INCLUDE_ONLY" ] || {
	. /lib/functions.sh
	. ../netifd-proto.sh
	init_proto "$@"
}

WIRESPAN=${WIRESPAN:-/usr/sbin/wirespan}
WIRESPAN_WAIT=${WIRESPAN_WAIT:-60} # seconds for the site to come up

proto_wirespan_init_config() {
	# shellcheck disable=SC2034 # netifd-proto.sh reads them
	no_device=1 available=1 lasterror=1
	proto_config_add_string site
}

# Report an error that lasts until the configuration is changed.
wirespan_give_up() {
	proto_notify_error "$1" "$2"
	proto_block_restart "$1"
}

# The site's WireGuard interface, once it is up.
wirespan_interface() {
	"$WIRESPAN" status --json "$1" 2>/dev/null | jsonfilter -e '@.wireguard.name'
}

proto_wirespan_setup() {
	local config=$1
	local site device problems waited=0

	json_get_vars site
	if [ -z "$site" ]; then
		wirespan_give_up "$config" NO_SITE
		return 1
	fi
	# Another try would not help.
	if ! problems=$("$WIRESPAN" validate "$site" 2>&1); then
		echo "$problems" | logger -p daemon.err -t wirespan
		wirespan_give_up "$config" INVALID_FILE
		return 1
	fi
	# What a process that was killed has left.
	"$WIRESPAN" down "$site" >/dev/null 2>&1
	proto_run_command "$config" "$WIRESPAN" up "$site"
	while device=$(wirespan_interface "$site"); [ -z "$device" ]; do
		if [ "$waited" -ge "$WIRESPAN_WAIT" ]; then
			proto_notify_error "$config" NOT_UP
			proto_kill_command "$config"
			return 1
		fi
		sleep 1
		waited=$((waited + 1))
	done
	proto_init_update "$device" 1 1
	proto_send_update "$config"
}

proto_wirespan_teardown() {
	local config=$1
	local site

	json_get_vars site
	proto_kill_command "$config"
	# Waits for the process, and removes what one that was killed has left.
	[ -z "$site" ] || "$WIRESPAN" down "$site" >/dev/null 2>&1
	return 0
}

[ -n "$INCLUDE_ONLY" ] || add_protocol wirespan
