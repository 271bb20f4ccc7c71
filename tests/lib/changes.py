# SPDX-License-Identifier: MIT
"""What others change on the host of a running site, and what the log then has."""

import sys

# Sets fdb_max_learned (attribute 49) of a bridge: iproute2 before 6.7 cannot.
FDB_MAX = """
import socket, struct, sys
def attribute(kind, data):
    return struct.pack("HH", len(data) + 4, kind) + data + bytes(-len(data) % 4)
index = socket.if_nametoindex(sys.argv[1])
data = attribute(2, attribute(49, struct.pack("I", int(sys.argv[2]))))
body = struct.pack("BxHiII", 0, 0, index, 0, 0) + attribute(18, attribute(1, b"bridge\\0") + data)
s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
s.send(struct.pack("IHHII", len(body) + 16, 16, 5, 1, 0) + body)
assert struct.unpack_from("i", s.recv(9999), 16)[0] == 0
"""

# name, what another program does in vpn01, and what the log has of it
HEALED = (
    ("bridge down", "ip link set br-l2tp0 down", "br-l2tp0 is down: restored"),
    ("wg0 down", "ip link set wg0 down", "wg0 is down: restored"),
    ("addresses of wg0 flushed", "ip addr flush dev wg0", "wg0 does not have the address 10.0.1.11/24: restored"),
    ("an address removed", "ip addr del 10.0.2.11/24 dev br-l2tp0", "the address 10.0.2.11/24: restored"),
    ("IPv6 address removed", "ip addr del fd00:2::11/64 dev br-l2tp0", "the address fd00:2::11/64: restored"),
    ("addresses of the bridge flushed", "ip addr flush dev br-l2tp0", "br-l2tp0 does not have the address fe80:"),
    ("bridge deleted", "ip link del br-l2tp0", "There is no bridge br-l2tp0: restored"),
    ("bridge renamed", "ip link set br-l2tp0 down name foo", "br-l2tp0 has been renamed to foo: restored"),
    ("wg0 renamed", "ip link set wg0 down name foo", "wg0 has been renamed to foo: restored"),
    ("TAP renamed", "ip link set l2tpeth0 down name foo", "l2tpeth0 has been renamed to foo: restored"),
    ("member taken out", "ip link set eth1 nomaster", "eth1 is not a port of br-l2tp0: restored"),
    ("member down", "ip link set eth1 down", "eth1 is down: restored"),
    ("TAP taken out", "ip link set l2tpeth0 nomaster", "l2tpeth0 is not a port of br-l2tp0: restored"),
    (
        "TAP moved to another bridge",
        "ip link set l2tpeth0 master other",
        "l2tpeth0 is a port of other instead of br-l2tp0: restored",
    ),
    ("TAP deleted", "ip link del l2tpeth0", "There is no interface l2tpeth0: restored"),
    ("wg0 deleted", "ip link del wg0", "There is no interface wg0: restored"),
    ("TAP down", "ip link set l2tpeth0 down", "l2tpeth0 is down: restored"),
    ("MTU of the bridge", "ip link set br-l2tp0 mtu 1400", "The MTU of br-l2tp0 is 1400 instead of 1500: restored"),
    ("MTU of the TAP", "ip link set l2tpeth0 mtu 1400", "The MTU of l2tpeth0 is 1400 instead of 1500: restored"),
    ("MTU of wg0", "ip link set wg0 mtu 1300", "The MTU of wg0 is 1300 instead of 1440: restored"),
    ("route deleted", "ip route del 10.9.0.0/16", "There is no route to 10.9.0.0/16 by wg0: restored"),
    ("default route deleted", "ip route del default table 51820", "no route to 0.0.0.0/0 by wg0: restored"),
    (
        "policy rule deleted",
        "ip rule del not fwmark 51820 table 51820",
        "A policy rule of the default route (table 51820, IPv4) is missing: restored",
    ),
    (
        "STP turned on",
        "ip link set br-l2tp0 type bridge stp_state 1",
        "br-l2tp0 runs the spanning tree protocol, but [Bridge] does not set STP = yes: restored",
    ),
    (
        "multicast snooping turned on",
        "ip link set br-l2tp0 type bridge mcast_snooping 1",
        "br-l2tp0 snoops multicast, but [Bridge] does not set MulticastSnooping = yes: restored",
    ),
    (
        "control frames forwarded by all ports",
        "ip link set br-l2tp0 type bridge group_fwd_mask 0x4000",
        "The group_fwd_mask of br-l2tp0 is 0x4000 instead of 0",
    ),
    (
        "control frames forwarded by a member",
        "ip link set eth1 type bridge_slave group_fwd_mask 0x4000",
        "The group_fwd_mask of eth1 is 0x4000 instead of 0x0",
    ),
    ("session isolated", "bridge link set dev l2tpeth0 isolated on", "l2tpeth0 is isolated, but SplitHorizon is not yes"),
    (
        "session no router port",
        "bridge link set dev l2tpeth0 mcast_router 0",
        "The multicast_router setting of l2tpeth0 is 0 instead of 1: restored",
    ),
    (
        "connected route of the bridge deleted",
        "ip route del 10.0.2.0/24 dev br-l2tp0",
        "There is no route to 10.0.2.0/24 by br-l2tp0: restored",
    ),
    ("connected route of wg0 deleted", "ip route del 10.0.1.0/24 dev wg0", "There is no route to 10.0.1.0/24 by wg0: restored"),
    ("routes of the bridge flushed", "ip route flush dev br-l2tp0", "There is no route to 10.0.2.0/24 by br-l2tp0: restored"),
    (
        "IPv6 routes of the bridge flushed",
        "ip -6 route flush dev br-l2tp0",
        "There is no route to fd00:2::/64 by br-l2tp0: restored",
    ),
    (
        "an address deprecated",
        "ip addr change 10.0.2.11/24 dev br-l2tp0 preferred_lft 0",
        "The address 10.0.2.11/24 of br-l2tp0 is deprecated: restored",
    ),
    (
        "an address that expires",
        "ip addr change fd00:2::11/64 dev br-l2tp0 valid_lft 1000 preferred_lft 1000",
        "The address fd00:2::11/64 of br-l2tp0 will expire: restored",
    ),
    (
        "forward delay of the bridge",
        "ip link set br-l2tp0 type bridge forward_delay 1500",
        "The forward_delay of br-l2tp0 is 15.00 s instead of 0, so that a new port waits: restored",
    ),
    (
        "limit of learnt addresses",
        f"{sys.executable} -c '{FDB_MAX}' br-l2tp0 77",
        "The fdb_max_learned of br-l2tp0 is 77 instead of 16384: restored",
    ),
    (
        "addresses of its own on the TAP",
        "ip link set l2tpeth0 addrgenmode eui64",
        "net.ipv6.conf.l2tpeth0.addr_gen_mode is not 1 any more",
    ),
    (
        "addresses of its own on wg0",
        "ip link set wg0 addrgenmode eui64",
        "net.ipv6.conf.wg0.addr_gen_mode is not 1 any more",
    ),
    ("IPv6 address of wg0 removed", "ip addr del fd00:1::11/64 dev wg0", "the address fd00:1::11/64: restored"),
    (
        "the other policy rule deleted",
        "ip rule del table main suppress_prefixlength 0",
        "A policy rule of the default route (table 51820, IPv4) is missing: restored",
    ),
    ("accept_ra of wg0", "echo 1 >/proc/sys/net/ipv6/conf/wg0/accept_ra", "net.ipv6.conf.wg0.accept_ra is not 0 any more"),
    (
        "accept_ra of the bridge",
        "echo 1 >/proc/sys/net/ipv6/conf/br-l2tp0/accept_ra",
        "net.ipv6.conf.br-l2tp0.accept_ra is not 0 any more",
    ),
    (
        "accept_ra of the TAP",
        "echo 1 >/proc/sys/net/ipv6/conf/l2tpeth0/accept_ra",
        "net.ipv6.conf.l2tpeth0.accept_ra is not 0 any more",
    ),
    (
        "src_valid_mark",
        "echo 0 >/proc/sys/net/ipv4/conf/all/src_valid_mark",
        "net.ipv4.conf.all.src_valid_mark, which the default route by wg0 needs, is not 1 any more: restored",
    ),
    ("nftables table deleted", "nft delete table ip wirespan-wg0", "The nftables table ip wirespan-wg0 is missing: restored"),
    ("MAC of the bridge", "ip link set br-l2tp0 address 02:00:00:00:00:77", "Ethernet address of br-l2tp0 has changed"),
    ("alias removed", "ip link set br-l2tp0 alias ''", "br-l2tp0 has lost its alias"),
    ("alias of wg0 removed", "ip link set wg0 alias ''", "wg0 has lost its alias"),
)

# name, address, and what others have there: another address, a gateway and a route by it
LOCAL_ROUTES = (
    ("local route deleted", "10.0.2.11", ("10.0.2.99/24", "10.0.2.98", "10.77.0.0/16")),
    ("local route of wg0 deleted", "10.0.1.11", ("10.0.1.99/24", "10.0.1.98", "10.78.0.0/16")),
    ("IPv6 local route deleted", "fd00:2::11", ("fd00:2::99/64 nodad", "fd00:2::98", "fd00:77::/64")),
)

# Each change that `up` makes to vpn01, and the cases in which others undo it.
CHANGES = {
    "ip link set wg0 addrgenmode none": ("addresses of its own on wg0",),
    "sysctl -w net/ipv6/conf/wg0/accept_ra=0": ("accept_ra of wg0",),
    'ip link set wg0 alias "wirespan vpn01"': ("alias of wg0 removed",),
    "ip address add 10.0.1.11/24 dev wg0": ("addresses of wg0 flushed", "connected route of wg0 deleted"),
    "ip address add fd00:1::11/64 dev wg0": ("IPv6 address of wg0 removed",),
    "ip link set wg0 mtu 1440": ("MTU of wg0",),
    "ip link set wg0 up": ("wg0 down",),
    "ip route add 10.9.0.0/16 dev wg0": ("route deleted",),
    "ip route add 0.0.0.0/0 dev wg0 table 51820": ("default route deleted",),
    "ip -4 rule add priority N not fwmark 51820 table 51820": ("policy rule deleted",),
    "ip -4 rule add priority N table main suppress_prefixlength 0": ("the other policy rule deleted",),
    "sysctl -w net/ipv4/conf/all/src_valid_mark=1": ("src_valid_mark",),
    "nft add table ip wirespan-wg0": ("nftables table deleted",),
    "ip link add br-l2tp0 address MAC type bridge stp_state 0 forward_delay 0 mcast_snooping 0 fdb_max_learned 16384": (
        "bridge deleted",
        "STP turned on",
        "forward delay of the bridge",
        "multicast snooping turned on",
        "limit of learnt addresses",
    ),
    'ip link set br-l2tp0 alias "wirespan vpn01"': ("alias removed",),
    "sysctl -w net/ipv6/conf/br-l2tp0/accept_ra=0": ("accept_ra of the bridge",),
    "ip link set br-l2tp0 address MAC": ("MAC of the bridge",),
    "ip address add 10.0.2.11/24 dev br-l2tp0": ("an address removed", "connected route of the bridge deleted"),
    "ip address add fd00:2::11/64 dev br-l2tp0": ("IPv6 address removed", "IPv6 routes of the bridge flushed"),
    "ip link set eth1 master br-l2tp0": ("member taken out",),
    "ip link set br-l2tp0 up": ("bridge down",),
    "sysctl -w net/ipv6/conf/l2tpeth0/accept_ra=0": ("accept_ra of the TAP",),
    "ip link set l2tpeth0 addrgenmode none": ("addresses of its own on the TAP",),
    "ip link set l2tpeth0 master br-l2tp0": ("TAP taken out",),
    "ip link set l2tpeth0 up": ("TAP down",),
}

# name, what another program does, the difference (kind, interface), how it ends
REPORTED = (
    ("member moved", "ip link set eth1 master other", ("port", "eth1"), "ip link set eth1 nomaster"),
    (
        "member renamed",
        "ip link set eth1 down name lan0; ip link set lan0 up",
        ("name", "eth1"),
        "ip link set lan0 down name eth1; ip link set eth1 up",
    ),
)
