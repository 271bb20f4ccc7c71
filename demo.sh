#!/bin/sh
# SPDX-License-Identifier: MIT
# Demonstrates wirespan: installs missing packages, builds, brings up the reference network in network namespaces from
# examples/vpn01.conf and examples/vpn02.conf, shows that it is one LAN, and cleans up.
set -eu
cd "$(dirname "$0")"
. tools/prepare.sh

[ "$(id -u)" = 0 ] || { echo "demo.sh makes network namespaces: run it as root." >&2; exit 1; }
[ -c /dev/net/tun ] || { echo "demo.sh needs /dev/net/tun (modprobe tun)." >&2; exit 1; }

id=wsdemo$$
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export WIRESPAN_RUNDIR="$work/run"
mkdir "$work/run"
failures=0
pids=

# quietly TEXT COMMAND…: print TEXT and run COMMAND; print its output only if it fails
quietly() {
	printf '%s …\n' "$1"
	shift
	"$@" >"$work/step.log" 2>&1 </dev/null || { cat "$work/step.log" >&2; exit 1; }
}
missing=$(missing_packages build demo | tr '\n' ' ')
[ -z "$missing" ] || quietly "Installing $missing" install_packages build demo
quietly "Building" build_in build
wirespan=$PWD/build/src/cli/wirespan

if [ -t 1 ]; then bold=$(printf '\033[1m') good=$(printf '\033[32m') bad=$(printf '\033[31m') plain=$(printf '\033[0m'); else bold='' good='' bad='' plain=''; fi

in_ns() { # in_ns HOST COMMAND…
	host=$1
	shift
	ip netns exec "$id-$host" "$@"
}

cleanup() {
	status=$?
	trap - EXIT
	trap '' INT TERM HUP PIPE
	for site in vpn01 vpn02; do
		in_ns $site "$wirespan" down $site >/dev/null 2>&1 || true
	done
	for pid in $pids; do
		kill "$pid" 2>/dev/null || true
	done
	for host in vpn01 vpn02 member01 member02; do
		ip netns del "$id-$host" 2>/dev/null || true
	done
	rm -rf "$work"
	exit $status
}
trap cleanup EXIT
trap 'exit 130' INT TERM HUP PIPE

heading() { printf '\n%s%s%s\n' "$bold" "$1" "$plain"; }

# result TEXT NUMBER-OR-REMARK: the last command's exit status decides
result() {
	if [ "$3" = 0 ]; then
		printf '  %sok%s    %-58s %s\n' "$good" "$plain" "$1" "$2"
	else
		printf '  %sFAIL%s  %-58s %s\n' "$bad" "$plain" "$1" "$2"
		failures=$((failures + 1))
	fi
}

# ping_ok TEXT FROM TO: three echoes, round trip shown
ping_ok() {
	text=$1 from=$2 to=$3
	shift 3
	if out=$(in_ns "$from" ping -q -c 3 -i 0.2 -W 2 "$@" "$to" 2>&1); then
		result "$text" "$(echo "$out" | sed -n 's|^rtt [^=]*= [^/]*/\([0-9.]*\)/.*|\1 ms|p')" 0
	else
		result "$text" "no answer" 1
	fi
}

# refused TEXT FROM TO: must not get through
refused() {
	text=$1 from=$2 to=$3
	shift 3
	if in_ns "$from" ping -q -c 1 -W 1 "$@" "$to" >/dev/null 2>&1; then
		result "$text" "got through" 1
	else
		result "$text" "refused" 0
	fi
}

# ---- the reference network, all but the tunnel ----
for host in vpn01 vpn02 member01 member02; do
	ip netns add "$id-$host"
	in_ns $host ip link set lo up
	in_ns $host sysctl -qw net.ipv6.conf.default.accept_ra=0 2>/dev/null || true
done
ip link add eth0 netns "$id-vpn01" type veth peer name eth0 netns "$id-vpn02"
for n in 1 2; do
	ip link add eth1 netns "$id-vpn0$n" type veth peer name eth1 netns "$id-member0$n"
	in_ns vpn0$n sh -c 'echo 1 > /proc/sys/net/ipv6/conf/eth0/disable_ipv6'
	in_ns member0$n ip link set eth1 up
done
in_ns vpn01 ip address add 192.168.122.24/24 dev eth0
in_ns vpn02 ip address add 192.168.122.32/24 dev eth0
in_ns vpn01 ip link set eth0 up
in_ns vpn02 ip link set eth0 up
in_ns member01 ip address add 10.0.2.12/24 dev eth1
in_ns member02 ip address add 10.0.2.22/24 dev eth1

cat <<'EOF'

 member01 10.0.2.12 ── eth1┐                                  ┌eth1 ── 10.0.2.22 member02
                      br-l2tp0 10.0.2.11              br-l2tp0 10.0.2.21
                           └l2tpeth0 ═══ L2TPv3 pseudowire ═══ l2tpeth0┘
                      wg0 10.0.1.11 ═══════ WireGuard ═══════ wg0 10.0.1.21
                      eth0 192.168.122.24 ─── underlay ─── eth0 192.168.122.32
                          vpn01                                vpn02
EOF

# ---- one command on each side ----
heading "Bringing it up"
for site in vpn01 vpn02; do
	cp examples/$site.conf "$work/$site.conf"
	chmod 600 "$work/$site.conf"
	begin=$(date +%s%N)
	# separate hosts have separate /run folders; here the gateways would share one
	in_ns $site sh -c 'mount -t tmpfs run /run && exec "$0" "$@"' "$wirespan" up "$work/$site.conf" -d \
		2>"$work/$site.log" && status=0 || status=1
	result "wirespan up $site.conf -d" "ready in $((($(date +%s%N) - begin) / 1000000)) ms" $status
	[ $status = 0 ] || cat "$work/$site.log"
done

# starts now: before vpn02 was up, its kernel sent ICMP errors to vpn01
in_ns vpn01 tcpdump -i eth0 -s 128 -U -w "$work/underlay.pcap" >/dev/null 2>&1 &
pids="$pids $!"
tries=0
while [ ! -s "$work/underlay.pcap" ] && [ $tries -lt 50 ]; do
	sleep 0.1
	tries=$((tries + 1))
done

heading "One LAN"
# on a busy host a message of the first handshake may be late: it is repeated after 5 s
in_ns member01 ping -q -c 1 -w 15 10.0.2.22 >/dev/null 2>&1 || :
ping_ok "member01 to member02" member01 10.0.2.22
ping_ok "member02 to member01" member02 10.0.2.12
ping_ok "member01 to the far bridge, 10.0.2.21" member01 10.0.2.21
ping_ok "vpn01 to the far wg0, 10.0.1.21" vpn01 10.0.1.21
lladdr=$(in_ns member02 ip -6 address show dev eth1 scope link | sed -n 's|.*inet6 \([^/]*\)/.*|\1|p')
sleep 1 # duplicate address detection
ping_ok "member01 to member02, IPv6 link-local" member01 "$lladdr%eth1"

heading "The MTU, to the byte"
json=$(in_ns vpn01 "$wirespan" status vpn01 --json)
number() { echo "$json" | tr ',{}' '\n\n\n' | sed -n "s|^ *\"$1\": *\([0-9]*\).*|\1|p" | head -n 1; }
budget=$(number inner_ip)
mtu=$(in_ns vpn01 cat /sys/class/net/l2tpeth0/mtu)
printf '        underlay %s, wg0 %s, l2tpeth0 %s; largest unfragmented packet %s\n' \
	1500 "$(in_ns vpn01 cat /sys/class/net/wg0/mtu)" "$mtu" "$budget"
ping_ok "DF, $budget bytes, member01 to member02" member01 10.0.2.22 -M do -s $((budget - 28))
ping_ok "DF, $budget bytes, member02 to member01" member02 10.0.2.12 -M do -s $((budget - 28))
ping_ok "DF, $mtu bytes: carried in fragments inside the tunnel" member01 10.0.2.22 -M do -s $((mtu - 28))
refused "DF, $((mtu + 1)) bytes: more than l2tpeth0 carries" vpn01 10.0.2.22 -M do -s $((mtu - 27))

heading "Throughput (TCP, one stream, 5 s; members at MTU 1500, all on this host)"
in_ns member02 iperf3 -s >/dev/null 2>&1 &
pids="$pids $!"
sleep 0.5
for direction in "" -R; do
	if out=$(in_ns member01 iperf3 -C cubic -c 10.0.2.22 -t 5 -f m $direction 2>&1); then status=0; else status=1; fi
	rate=$(echo "$out" | sed -n 's|.* \([0-9.]*\) Mbits/sec.*receiver.*|\1 Mbit/s|p')
	[ -n "$rate" ] || status=1
	if [ -n "$direction" ]; then text="member02 to member01"; else text="member01 to member02"; fi
	result "$text" "$rate" $status
done

heading "The underlay, as captured on vpn01 eth0 meanwhile"
sleep 0.5
count() { tcpdump -nr "$work/underlay.pcap" "$@" 2>/dev/null | wc -l; }
wg=$(count 'udp port 8172 and (udp[8:4] = 0x01000000 or udp[8:4] = 0x02000000 or udp[8:4] = 0x03000000 or udp[8:4] = 0x04000000)')
other=$(count 'not udp port 8172 and not arp')
odd=$(count 'udp port 8172 and not (udp[8:4] = 0x01000000 or udp[8:4] = 0x02000000 or udp[8:4] = 0x03000000 or udp[8:4] = 0x04000000)')
fragments=$(count 'ip[6:2] & 0x3fff != 0')
[ "$wg" -gt 0 ] && status=0 || status=1
result "WireGuard messages" "$wg" $status
[ "$((other + odd))" = 0 ] && status=0 || status=1
result "anything else (but the gateways' own ARP)" "$((other + odd))" $status
[ "$fragments" = 0 ] && status=0 || status=1
result "IP fragments" "$fragments" $status

heading "Taking it down"
for site in vpn01 vpn02; do
	in_ns $site "$wirespan" down $site >"$work/$site.log" 2>&1 && status=0 || status=1
	left=$(in_ns $site ip -o link | grep -cE ' (wg0|l2tpeth0|br-l2tp0)[@:]' || true)
	[ "$left" = 0 ] || status=1
	result "wirespan down $site" "$left interfaces left" $status
done

if [ $failures = 0 ]; then
	printf '\n%sAll of it works.%s\n' "$good" "$plain"
else
	printf '\n%s%s of the checks failed.%s\n' "$bad" "$failures" "$plain"
	exit 1
fi
