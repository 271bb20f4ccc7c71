# SPDX-License-Identifier: MIT
"""The reference network's four hosts as network namespaces of one guest: vpn01, vpn02, member01 and member02."""

NETWORK = """
for ns in vpn01 vpn02 member01 member02; do
	ip netns add $ns
	ip -n $ns link set lo up
done
ip link add eth0 netns vpn01 type veth peer name eth0 netns vpn02
ip link add eth1 netns vpn01 type veth peer name eth0 netns member01
ip link add eth1 netns vpn02 type veth peer name eth0 netns member02
ip -n vpn01 addr add 192.168.122.24/24 dev eth0
ip -n vpn02 addr add 192.168.122.32/24 dev eth0
for at in vpn01/eth0 vpn02/eth0 vpn01/eth1 vpn02/eth1 member01/eth0 member02/eth0; do
	ip -n ${at%/*} link set ${at#*/} up
done
"""


def in_netns(name, script):
    return f"ip netns exec {name} sh -e <<'END'\n{script}\nEND\n"


def create_network(guest, sites):
    guest.sh(NETWORK)
    for number, site in enumerate(sites, 1):
        guest.write(f"/tmp/{site.name}.key", site.private)
        guest.sh(
            f"ip -n member0{number} addr add {site.member4}/24 dev eth0\n"
            f"ip -n member0{number} addr add {site.member6}/64 dev eth0 nodad"
        )
