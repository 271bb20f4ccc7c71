# SPDX-License-Identifier: MIT
"""Faults of the network that need a module of Debian's kernel: VLANs of a bridge, a table of connections that is full, and a
path with a long delay, duplicates, and datagrams out of order. `check` names the first two, and its hint repairs them."""

import json
import re

from lib.reference import wirespan_conf
from lib.runner import wait_for
from vm.kernel_bench import both_down

COUNT = "/proc/sys/net/netfilter/nf_conntrack_count"
LIMIT = "/proc/sys/net/netfilter/nf_conntrack_max"


def engines_up(bench, order=(0, 1)):
    """Both gateways, with engines of their own."""
    for number in order:
        near, far = bench.sites[number], bench.sites[1 - number]
        bench.configure(near, wirespan_conf(near, far), "userspace")
        bench.up(near)


def look(bench, site):
    """Run check. Return: exit status, findings."""
    result = bench.at(site, f"wirespan check --json /tmp/{site.name}.conf", check=False, timeout=60)
    findings = json.loads(result.out)["findings"]
    errors = [f for f in findings if f["severity"] == "error"]
    assert result.status == (1 if errors else 0), result.out
    return result.status, findings


def passes(bench):
    """Whether a member reaches the other one, with nothing cached."""
    bench.guest.sh("for n in 1 2; do ip -n member0$n neigh flush all; done")
    return bench.guest.ping(bench.sites[1].member4, netns="member01", count=1, timeout=2).ok


def repair(bench, status, findings, name, pattern):
    """An error with that name has the text; the first command of its hint is run where it was found."""
    found = [f for f in findings if f["check"] == name and f["severity"] == "error" and re.search(pattern, f["text"])]
    assert status == 1 and found, (name, pattern, findings)
    bench.at(bench.sites[0], re.search("`([^`]*)`", found[0]["hint"]).group(1))
    wait_for(lambda: passes(bench), 60, 0.2, f"members, after {found[0]['hint']}")


VLAN_FAULTS = (
    ("add vid 1 pvid dev l2tpeth0", "frames of VLAN 1, such as those without a tag on eth1, leave by l2tpeth0 with one"),
    ("add vid 1 pvid dev eth1", "frames of VLAN 1, such as those without a tag on l2tpeth0, leave by eth1 with one"),
    ("del vid 1 dev eth1", "VLAN 0 on eth1 and to VLAN 1 on l2tpeth0"),
)


def vlans(bench, faults=VLAN_FAULTS):
    """A bridge filters VLANs: a port is in none, or gets frames with a tag; or the session's port does, which the far end
    does not see. PVIDs that differ between the sites are no fault."""
    one, two = bench.sites
    engines_up(bench)
    wait_for(lambda: passes(bench), 60, 0.2, "members")
    bench.at(one, "ip link set br-l2tp0 type bridge vlan_filtering 1")
    for fault, text in faults:
        bench.at(one, f"bridge vlan {fault}")
        assert not passes(bench), f"{fault} is no fault"
        if "dev l2tpeth0" in fault:
            assert look(bench, two)[0] == 1, "what comes with a tag is no answer"
        repair(bench, *look(bench, one), "host_drop", text)
    bench.at(one, "for i in eth1 l2tpeth0; do bridge vlan add vid 30 pvid untagged dev $i; bridge vlan del vid 1 dev $i; done")
    assert passes(bench) and (len(faults) < len(VLAN_FAULTS) or look(bench, one)[0] == 0)
    both_down(bench)


def full_table(bench):
    """The table of connections has no room for WireGuard's datagrams."""
    one = bench.sites[0]
    limit = bench.guest.sh(f"cat {LIMIT}").out.strip()
    bench.at(
        one,
        "nft 'table inet t { chain i { type filter hook input priority 0; ct state new accept; }\n"
        "chain o { type filter hook output priority 0; ct state new accept; }; }'\n"
        "echo 900 >/proc/sys/net/netfilter/nf_conntrack_icmp_timeout\n"
        "for n in 1 2 3; do ping -n -q -c 1 192.168.122.32; done",
    )
    count = bench.at(one, f"cat {COUNT}").out.strip()
    try:
        assert int(count) >= 3, count
        bench.guest.sh(f"echo {count} >{LIMIT}")
        engines_up(bench, (1, 0))
        assert not passes(bench), "the table is not full"
        status, findings = look(bench, one)
        found = [f for f in findings if f["check"] == "conntrack" and f["severity"] == "error"]
        assert status == 1 and found and "its table of connections is full" in found[0]["text"], findings
        (command,) = re.findall("`(sysctl -w [^`]*)`", found[0]["hint"])
        bench.guest.sh(command.replace("=N", f"={limit}"))
        wait_for(lambda: passes(bench), 60, 0.2, f"members, after {command}")
        assert look(bench, one)[0] == 0
    finally:
        bench.guest.sh(f"echo {limit} >{LIMIT}")
        bench.at(one, "nft delete table inet t")
    both_down(bench)


def slow_path(bench):
    """A delay of 300 ms; then datagrams that come twice, late, or out of order: nothing is wrong, and nothing is blamed."""
    one, two = bench.sites
    engines_up(bench)
    wait_for(lambda: passes(bench), 60, 0.2, "members")
    bench.at(one, "tc qdisc add dev eth0 root netem delay 300ms")
    for change in ("", "delay 20ms 10ms duplicate 20% reorder 30% 50%"):
        if change:
            bench.at(one, f"tc qdisc change dev eth0 root netem {change}")
        for site in (one, two):
            status, findings = look(bench, site)
            assert status == 0 and any(f["check"] == "members" and f["severity"] == "ok" for f in findings), findings
    bench.at(one, "tc qdisc del dev eth0 root")
    both_down(bench)
