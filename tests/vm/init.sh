#!/bin/busybox sh
# SPDX-License-Identifier: MIT
# Process 1 of the test guest: mounts, modules, then a shell that answers requests on a virtio-serial port.
#
# Request, one line:   ID SECONDS BASE64-OF-A-SHELL-SCRIPT
# Answer, one line:    ID STATUS BASE64-OF-ITS-OUTPUT          (status 143 or 137: killed after SECONDS)
export PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
/bin/busybox mkdir -p /bin /sbin /usr/bin /usr/sbin
/bin/busybox --install -s
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mkdir -p /dev/pts /run /tmp /var /etc /root
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /tmp
ln -s /run /var/run
# devtmpfs has no /dev/fd; without it `wg set ... <(...)` and scripts that read /dev/stdin fail
ln -s /proc/self/fd /dev/fd
ln -s /proc/self/fd/0 /dev/stdin
ln -s /proc/self/fd/1 /dev/stdout
ln -s /proc/self/fd/2 /dev/stderr
echo 127.0.0.1 localhost >/etc/hosts
echo root:x:0:0:root:/root:/bin/sh >/etc/passwd
echo systemd-network:x:998:998::/:/bin/false >>/etc/passwd
echo systemd-network:x:998: >/etc/group
hostname guest
while read -r module; do
	insmod "/modules/$module" || echo "init: cannot load $module" >&2
done </modules/order
ip link set lo up

port=
for try in 1 2 3 4 5 6 7 8 9 10; do
	for entry in /sys/class/virtio-ports/*; do
		[ "$(cat "$entry/name" 2>/dev/null)" = wirespan.test ] && port=/dev/${entry##*/}
	done
	[ -n "$port" ] && break
	sleep 0.1
done
[ -n "$port" ] || { echo "init: no request port" >&2; poweroff -f; }
exec <>"$port" >&0
echo "READY $(cut -d' ' -f1 /proc/uptime) $(uname -r)"
while read -r id seconds script; do
	echo "$script" | base64 -d >/tmp/request
	# not busybox' shell: that one prefers its own ip and ping to the real ones
	timeout -k 2 "$seconds" /usr/local/bin/sh -e /tmp/request >/tmp/answer 2>&1 </dev/null
	status=$?
	printf '%s %s %s\n' "$id" "$status" "$(base64 /tmp/answer | tr -d '\n')"
done
poweroff -f
