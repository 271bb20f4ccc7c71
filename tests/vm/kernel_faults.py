# SPDX-License-Identifier: MIT
"""Faults at each netlink request by which the kernel back end changes something: SIGKILL, then `down`; or an error."""

import errno

from lib.reference import wirespan_conf
from vm.kernel_bench import second_session

VERBS = ("up", "reload", "down")
ERROR = errno.ENOBUFS

# One run per change of the host, until the function `changes` sets `last`, as there are not so many; then all is as before,
# with `down`, which may find nothing to do, or without.
LOOP = """
quick()
{
	echo /sys/class/net/*
	ip -o addr
	ip rule
	ip -6 rule
	ip l2tp show tunnel
	nft list tables
}

# Bring the site up, in a process that has the fault in /tmp/fault. Return: whether it is up.
start()
{
	: >/tmp/up.log
	(status=0; LD_PRELOAD=/lib/fault_at_change.so FAULT_AT=/tmp/fault wirespan up /tmp/vpn01.conf >>/tmp/up.log 2>&1 || status=$?
	echo "ended $status" >>/tmp/up.log) &
	for try in $(seq 2000); do
		grep -q -e "is up" -e "^ended" /tmp/up.log && break
		sleep 0.05
	done
	! grep -q "^ended" /tmp/up.log
}

ready()
{
	start || wrong "no up without a fault"
}

wrong()
{
	echo "fault at change $n: $1"
	tail -n 20 /tmp/*.log
	exit 1
}

await_end()
{
	for try in $(seq 2000); do
		grep -q "^ended" /tmp/up.log && return
		sleep 0.05
	done
	wrong "it has not ended"
}

# A failure has a status and a sentence.
explained()
{
	grep -q " .* " $1 || wrong "no sentence in $1"
}

verb()
{
	LD_PRELOAD=/lib/fault_at_change.so FAULT_AT=/tmp/fault wirespan $* >/tmp/first.log 2>&1
}

down()
{
	rm -f /tmp/fault
	wirespan down /tmp/vpn01.conf >/tmp/down.log 2>&1 || true
}

compare()
{
	for try in $(seq 50); do
		quick >/tmp/quick
		cmp -s /tmp/quick.before /tmp/quick && return
		sleep 0.2
	done
	diff /tmp/quick.before /tmp/quick || true
	wrong "not as before"
}

rm -f /tmp/fault /tmp/*.log
quick >/tmp/quick.before
n=0
last=
until [ "$last" ]; do
	n=$((n + 1))
	cp /tmp/first.conf /tmp/vpn01.conf
	changes
	compare
done
echo "changes $((n - 1))"
"""

KILLED = {
    "up": """
	echo $n >/tmp/fault
	start && last=1 || true
	down
""",
    "reload": """
	ready
	cp /tmp/second.conf /tmp/vpn01.conf
	echo $n >/tmp/fault
	wirespan reload /tmp/vpn01.conf >/tmp/reload.log 2>&1 && last=1 || true
	down
""",
    # the site's process, and the one that undoes what it has left
    "down": """
	ready
	echo $n >/tmp/fault
	verb down /tmp/vpn01.conf || true
	await_end
	grep -q Killed /tmp/up.log || last=1
	down
""",
}

# The file of the fault is still there if the fault was not reached.
FAILING = {
    "up": f"""
	echo $n {ERROR} >/tmp/fault
	if start; then
		[ ! -e /tmp/fault ] || last=1
		down
	else
		explained /tmp/up.log
		grep -q "^ended [1-9]" /tmp/up.log || wrong "no status"
	fi
""",
    "reload": f"""
	ready
	cp /tmp/second.conf /tmp/vpn01.conf
	echo $n {ERROR} >/tmp/fault
	if ! wirespan reload /tmp/vpn01.conf >/tmp/reload.log 2>&1; then
		explained /tmp/reload.log
		rm -f /tmp/fault
		wirespan reload /tmp/vpn01.conf >/tmp/second.log 2>&1 || wrong "the second reload fails, too"
	fi
	ip link show l2tpeth1 >/dev/null || wrong "not reloaded"
	[ ! -e /tmp/fault ] || last=1
	down
""",
    "down": f"""
	ready
	echo $n {ERROR} >/tmp/fault
	verb down /tmp/vpn01.conf || explained /tmp/first.log
	await_end
	[ ! -e /tmp/fault ] || last=1
	down
""",
}


def run_loop(bench, changes):
    """One run with each fault. Print: how many there were."""
    one, two = bench.sites
    bench.configure(one, second_session(wirespan_conf(one, two, keepalive=25)))
    bench.guest.sh(f"mv /tmp/{one.name}.conf /tmp/second.conf")
    bench.configure(one, wirespan_conf(one, two))
    bench.guest.sh(f"mv /tmp/{one.name}.conf /tmp/first.conf")
    result = bench.at(one, "changes()\n{" + changes + "}\n" + LOOP, check=False, timeout=1000)
    assert result.ok and "changes " in result.out, result.out
    print(f"  {result.out.strip()}")
    assert int(result.out.split("changes ")[1]) >= 3, result.out
    bench.is_as_before(one)


def killed(bench, verb):
    """SIGKILL before each change that the verb makes in turn; then `down`, and all is as before."""
    run_loop(bench, KILLED[verb])


def failing(bench, verb):
    """Each change that the verb makes fails in turn. After `up`, all is as before; after `reload`, the next one succeeds;
    and `down` leaves nothing."""
    run_loop(bench, FAILING[verb])
