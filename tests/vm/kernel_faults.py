# SPDX-License-Identifier: MIT
"""SIGKILL at each netlink request by which the kernel back end changes something, then `down`."""

from lib.reference import wirespan_conf
from vm.kernel_bench import second_session

# Kill wirespan before one change of the host after the other, until the function `changes` sets `alive`, as there are
# not so many; then `down`, which may find nothing to do.
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

# Bring the site up, in a process that is killed at the number in /tmp/kill. Return: whether it is up.
start()
{
	: >/tmp/up.log
	(LD_PRELOAD=/lib/kill_at_change.so KILL_AT=/tmp/kill wirespan up /tmp/vpn01.conf >>/tmp/up.log 2>&1 || true
	echo "ended" >>/tmp/up.log) &
	for try in $(seq 1000); do
		grep -q -e "is up" -e "^ended" /tmp/up.log && break
		sleep 0.05
	done
	! grep -q "^ended" /tmp/up.log
}

compare()
{
	for try in $(seq 20); do
		quick >/tmp/quick
		cmp -s /tmp/quick.before /tmp/quick && return
		sleep 0.2
	done
	echo "killed before change $1:"
	diff /tmp/quick.before /tmp/quick || true
	cat /tmp/*.log
	exit 1
}

rm -f /tmp/kill /tmp/*.log
quick >/tmp/quick.before
n=0
alive=
until [ "$alive" ]; do
	n=$((n + 1))
	cp /tmp/first.conf /tmp/vpn01.conf
	changes
	rm -f /tmp/kill
	wirespan down /tmp/vpn01.conf >/tmp/down.log 2>&1 || true
	compare $n
done
echo "changes $((n - 1))"
"""

CHANGES = {
    "up": """
	echo $n >/tmp/kill
	start && alive=1 || true
""",
    "reload": """
	start || { cat /tmp/up.log; exit 1; }
	cp /tmp/second.conf /tmp/vpn01.conf
	echo $n >/tmp/kill
	wirespan reload /tmp/vpn01.conf >/tmp/reload.log 2>&1 && alive=1 || true
""",
    # the site's process, and the one that undoes what it has left
    "down": """
	start || { cat /tmp/up.log; exit 1; }
	echo $n >/tmp/kill
	LD_PRELOAD=/lib/kill_at_change.so KILL_AT=/tmp/kill wirespan down /tmp/vpn01.conf >/tmp/first.log 2>&1 || true
	for try in $(seq 1000); do
		grep -q "^ended" /tmp/up.log && break
		sleep 0.05
	done
	grep -q Killed /tmp/up.log || alive=1
""",
}


def killed(bench, verb):
    """SIGKILL before each change that the verb makes in turn; then `down`, and all is as before."""
    one, two = bench.sites
    bench.configure(one, second_session(wirespan_conf(one, two, keepalive=25)))
    bench.guest.sh(f"mv /tmp/{one.name}.conf /tmp/second.conf")
    bench.configure(one, wirespan_conf(one, two))
    bench.guest.sh(f"mv /tmp/{one.name}.conf /tmp/first.conf")
    script = "changes()\n{" + CHANGES[verb] + "}\n" + LOOP
    result = bench.at(one, script, check=False, timeout=1000)
    assert result.ok and "changes " in result.out, result.out
    print(f"  {result.out.strip()}")
    assert int(result.out.split("changes ")[1]) >= 3, result.out
    bench.is_as_before(one)
