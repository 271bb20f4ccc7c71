# SPDX-License-Identifier: MIT
"""The reference network's four hosts in one guest, with the kernel back end at one gateway or both."""

import json
import os

from lib.node import need_root
from lib.reference import make_sites, wirespan_conf
from lib.runner import Skip
from lib.wirespan import find_binary
from vm.four_hosts import create_network, in_netns
from vm.guest import Guest
from vm.networkd import NETWORKD

# What `down` has to leave as it was; a tunnel's interfaces vanish a moment after it.
STATE = """
state()
{
	ip -o link
	ip -o addr
	ip route show table all
	ip rule
	ip -6 rule
	ip l2tp show tunnel
	ip l2tp show session
	nft list ruleset
	cat /proc/sys/net/ipv4/conf/*/src_valid_mark /proc/sys/net/ipv6/conf/eth*/accept_ra
}
"""

IS_AS_BEFORE = STATE + """
for try in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
	state >/tmp/after
	cmp -s /tmp/before /tmp/after && break
	sleep 0.2
done
diff /tmp/before /tmp/after
"""

# The project's processes of a gateway, which is vpn01 unless another one is given.
PIDS = """
pids()
{
	for pid in $(ip netns pids ${1:-vpn01}); do
		[ "$(readlink /proc/$pid/exe)" != /usr/local/bin/wirespan ] || echo $pid
	done
}
"""


def helper_path(name):
    """Return: the path of a program of this folder; Skip if it is not built."""
    build = os.environ.get("WIRESPAN_BUILD") or os.path.join(os.path.dirname(__file__), "..", "..", "build")
    path = os.path.join(build, "tests", "vm", name)
    if not os.path.isfile(path):
        raise Skip(f"{name} is not built: run ninja -C build")
    return path


class Bench:
    """The guest with its four hosts."""

    def __init__(self):
        need_root()
        helpers = [helper_path("fault_at_change.so"), helper_path("datagrams")]
        networkd = [NETWORKD] if os.path.isfile(NETWORKD) else []
        terminal = "/lib/terminfo/v/vt100"  # for top
        self.guest = Guest(wirespan=find_binary(), files=[*helpers, *networkd, terminal], programs=("script", "stty"))
        print(f"  kernel {self.guest.release}, ready after {self.guest.boot_seconds:.1f} s")
        self.sites = make_sites()
        create_network(self.guest, self.sites)
        # duplicate address detection, and with it the state of addresses, would change below
        self.guest.sh(
            "for ns in vpn01 vpn02; do for i in eth0 eth1; do\n"
            "ip netns exec $ns sysctl -q -w net.ipv6.conf.$i.addr_gen_mode=1\n"
            "ip -n $ns -6 addr flush dev $i\n"
            "done; done"
        )
        for site in self.sites:
            self.at(site, STATE + f"state >/tmp/before.{site.name}")

    def at(self, site, script, **kwargs):
        """Run a script on a gateway. Return: Result."""
        return self.guest.sh(in_netns(site.name, script), **kwargs)

    def configure(self, site, text, backend="kernel"):
        self.guest.write(f"/tmp/{site.name}.conf", f"[Site]\nBackend = {backend}\n\n{text}")

    def up(self, site):
        return self.at(site, f"wirespan up -d /tmp/{site.name}.conf").out

    def down(self, site):
        self.at(site, f"wirespan down /tmp/{site.name}.conf")

    def status(self, site):
        """Return: the decoded output of `wirespan status --json`."""
        return json.loads(self.at(site, f"wirespan status --json /tmp/{site.name}.conf").out)

    def is_as_before(self, site):
        script = f"cp /tmp/before.{site.name} /tmp/before\n" + IS_AS_BEFORE
        result = self.at(site, script, check=False, timeout=60)
        assert result.ok, f"{site.name} is not as before `up`:\n{result.out}"

    def clear(self):
        """Remove what a failed case has left, so that the next one does not fail by it, too. Return: what is left."""
        problems = []
        for site in self.sites:
            try:
                self.at(site, CLEAR, check=False, timeout=60)
                self.is_as_before(site)
            except Exception as problem:  # the other site is cleared nevertheless
                problems.append(f"{site.name} is not cleared: {problem}")
        return "\n".join(problems)

    def ping(self, ns, target, what, **options):
        result = self.guest.ping(target, netns=ns, **options)
        assert result.ok, f"{what}: {result.out}"

    def diagnostics(self):
        show = "wg show; ip -s -o link; ip l2tp show tunnel; ip l2tp show session; wirespan status || true"
        parts = [self.at(site, show, check=False).out for site in self.sites]
        return "\n".join([*parts, self.guest.console_text(10)])


REMOVE = """
for id in $(ip l2tp show tunnel | sed -n 's/^Tunnel \\([0-9]*\\),.*/\\1/p'); do ip l2tp del tunnel tunnel_id $id; done
ip link del wg0 2>/dev/null || true
"""

# Whatever site is there, its own `down` comes first, and then what that has not removed.
CLEAR = PIDS + """
set +e
ns=$(ip netns identify $$)
kill -CONT $(pids $ns)
for conf in /tmp/other.conf /tmp/$ns.conf; do [ ! -e $conf ] || wirespan down $conf; done
kill -9 $(pids $ns)
""" + REMOVE + """
for i in $(ip -o link show type wireguard | cut -d : -f 2) $(ip -o link show type bridge | cut -d : -f 2); do ip link del $i; done
for family in -4 -6; do
	ip $family rule | sed -n -e '/lookup \\(local\\|main\\|default\\) *$/d' -e 's/:.*//p' | while read priority; do
		ip $family rule del priority $priority
	done
done
nft flush ruleset
"""


def both_up(bench, other="kernel", texts=None):
    """Bring both gateways up; the other one with that back end."""
    one, two = bench.sites
    bench.configure(one, texts[0] if texts else wirespan_conf(one, two))
    bench.configure(two, texts[1] if texts else wirespan_conf(two, one), other)
    bench.up(two)
    bench.up(one)


def both_down(bench):
    for site in bench.sites:
        bench.down(site)
        bench.is_as_before(site)


def second_session(text):
    """A configuration with one more session, outside the bridge."""
    own, peer = (int(line.split()[2]) + 100 for line in text.splitlines() if "SessionId = " in line)
    more = f"[L2TPSession]\nName = l2tpeth1\nSessionId = {own}\nPeerSessionId = {peer}\nBridge = none\n\n[Bridge]"
    return text.replace("[Bridge]", more)
