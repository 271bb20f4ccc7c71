# SPDX-License-Identifier: MIT
"""Configurations as people have them, in the words of each program; keys are %K1%, %P1% and so on.

FILES: what, the file's name, its text, lines that the site's file has, and notes that `wirespan import` has.
"""

FILES = (
    (
        "wg-quick's, with SaveConfig",
        "wg0.conf",
        """\
[Interface]
Address = 10.200.200.1/24
SaveConfig = true
PostUp = iptables -A FORWARD -i %i -j ACCEPT; iptables -t nat -A POSTROUTING -o eth0 -j MASQUERADE
PostDown = iptables -D FORWARD -i %i -j ACCEPT; iptables -t nat -D POSTROUTING -o eth0 -j MASQUERADE
ListenPort = 51820
FwMark = 0xca6c
PrivateKey = %K1%

[Peer]
PublicKey = %P1%
PresharedKey = %PSK%
AllowedIPs = 10.200.200.2/32
Endpoint = 203.0.113.5:41234
""",
        ('PostUp = iptables -A FORWARD -i %i -j ACCEPT; iptables -t nat -A POSTROUTING -o eth0 -j MASQUERADE', 'FwMark = 0xca6c', 'Endpoint = 203.0.113.5:41234'),
        ('3: dropped: SaveConfig',),
    ),
    (
        "wg-quick's, of a provider",
        "wg-provider.conf",
        """\
# Mullvad style
[Interface]
PrivateKey = %K1%
Address = 10.66.1.2/32,fc00:bbbb:bbbb:bb01::3:102/128
DNS = 10.64.0.1

[Peer]
PublicKey = %P1%
AllowedIPs = 0.0.0.0/0,::0/0
Endpoint = 193.27.12.34:51820
""",
        ('DNS = 10.64.0.1', 'Address = fc00:bbbb:bbbb:bb01::3:102/128', 'AllowedIPs = ::/0'),
        (),
    ),
    (
        "wg-quick's, in lower case",
        "wg1.conf",
        """\
[interface]
privatekey=%K1%
address=10.9.0.1
address=fd00::1/64
mtu=1380
table=off
preup=sysctl -w net.ipv4.ip_forward=1
postup=wg set %i peer %P1% persistent-keepalive 25

[peer]
# laptop
publickey=%P1%
allowedips=10.9.0.2/32
persistentkeepalive=off
[Peer]
PublicKey = %P2%
AllowedIPs =
""",
        ('MTU = 1380', 'Table = off', 'Address = fd00::1/64'),
        ('17: dropped: AllowedIPs: it has no value',),
    ),
    (
        "wg-quick's, with L2TP in hooks, and keys of another program",
        "wg2.conf",
        """\
[Interface]
Address = 10.1.0.1/24
ListenPort = 51820
PostUp = wg set %i private-key /etc/wireguard/%i.key
PostUp = ip l2tp add tunnel tunnel_id 10 peer_tunnel_id 20 encap udp local 10.1.0.1 remote 10.1.0.2 udp_sport 5000 udp_dport 5000
PostUp = ip l2tp add session name l2tpeth0 tunnel_id 10 session_id 11 peer_session_id 21
PostUp = ip link set l2tpeth0 up mtu 1446; ip link set l2tpeth0 master br0
PreDown = ip l2tp del tunnel tunnel_id 10
UnknownKey = foo
Jc = 4
Jmin = 40
S1 = 20
[Peer]
PublicKey = %P1%
AllowedIPs = 10.1.0.2/32
Endpoint = gw.example.net:51820
PersistentKeepalive = 25
""",
        ('PreDown = ip l2tp del tunnel tunnel_id 10',),
        ("10: dropped: Jc: it is of AmneziaWG",),
    ),
    (
        "wg-quick's, of an editor of Windows",
        "wg3.conf",
        """\
\ufeff[Interface]\r
PrivateKey = %K1%\r
Address = 10.1.0.1/24 # home\r
\r
[Peer]\r
PublicKey = %P1%\r
AllowedIPs = 10.1.0.0/24\r
Endpoint = [2001:db8::5]:51820\r
""",
        ('Address = 10.1.0.1/24', 'Endpoint = [2001:db8::5]:51820'),
        (),
    ),
    (
        "wg show's words in a file",
        "wg4.conf",
        """\
[Interface]
PrivateKey = %K1%
ListenPort = 51820
[Peer]
PublicKey = %P1%
AllowedIPs = 10.1.0.2
PresharedKey = (hidden)
Endpoint = (none)
""",
        ('AllowedIPs = 10.1.0.2/32',),
        ('7: dropped: PresharedKey',),
    ),
    (
        "a script with variables",
        "up.sh",
        """\
#!/bin/bash
set -euo pipefail
WG_IF=wg0
LOCAL=10.0.0.1
REMOTE=10.0.0.2
TID=1000
modprobe l2tp_eth
modprobe l2tp_ip
ip link add dev "$WG_IF" type wireguard
ip address add $LOCAL/24 dev $WG_IF
wg setconf $WG_IF /etc/wireguard/wg0.conf
ip link set up dev $WG_IF
ip l2tp add tunnel tunnel_id $TID peer_tunnel_id $((TID+1)) encap ip local $LOCAL remote $REMOTE
ip l2tp add session tunnel_id $TID session_id 1 peer_session_id 1
ip link set l2tpeth0 mtu 1500 up
brctl addbr br0
brctl addif br0 eth1
brctl addif br0 l2tpeth0
ifconfig br0 up
""",
        ('TunnelId = 1000', 'EncapsulationType = ip', 'MTU = 1500', 'Member = eth1'),
        ('11: dropped: name the file that it reads as well', '13: dropped: PeerTunnelId'),
    ),
    (
        "a script of init",
        "line",
        """\
#!/bin/sh
# Written 2019 for the branch office
case "$1" in
start)
  ip link add wg0 type wireguard
  wg set wg0 listen-port 51820 private-key <(echo %K1%) peer %P1% allowed-ips 10.0.0.2/32 endpoint 198.51.100.7:51820 persistent-keepalive 25
  ip addr add 10.0.0.1/30 dev wg0
  ip link set wg0 up mtu 1420
  ip l2tp add tunnel tunnel_id 1 peer_tunnel_id 1 encap udp local 10.0.0.1 remote 10.0.0.2 udp_sport 1701 udp_dport 1701
  ip l2tp add session name l2tpeth0 tunnel_id 1 session_id 1 peer_session_id 1 cookie 0011223344556677 peer_cookie 8899aabbccddeeff l2spec_type none
  ip link add br0 type bridge stp_state 1
  ip link set l2tpeth0 master br0
  ip link set eth1 master br0
  ip link set dev l2tpeth0 up
  ip link set dev br0 up
  iptables -t mangle -A FORWARD -p tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu
  echo 1 > /proc/sys/net/ipv4/ip_forward
  ;;
stop)
  ip l2tp del session tunnel_id 1 session_id 1
  ip l2tp del tunnel tunnel_id 1
  ip link del wg0
  ip link del br0
  ;;
esac
""",
        ('Endpoint = 198.51.100.7:51820', 'Layer2SpecificHeader = none', 'STP = yes', 'Member = eth1'),
        ('16: dropped',),
    ),
    (
        "a script with a loop",
        "rc.local",
        """\
ip link add wg0 type wireguard
wg set wg0 private-key ./privatekey listen-port 51820
wg set wg0 peer %P1% allowed-ips 0.0.0.0/0 endpoint vpn.example.com:51820
ip -4 address add 192.168.2.1/24 dev wg0
ip link set mtu 1420 up dev wg0
ip route add 10.0.0.0/8 dev wg0
for i in 1 2 3; do
  ip l2tp add tunnel tunnel_id $i peer_tunnel_id $i encap ip local 192.168.2.1 remote 192.168.2.2
  ip l2tp add session tunnel_id $i session_id $i peer_session_id $i
done
bridge vlan add dev l2tpeth0 vid 100 pvid untagged
tc qdisc add dev wg0 root fq
nft add rule inet filter forward tcp flags syn tcp option maxseg size set rt mtu
sudo sysctl -w net.bridge.bridge-nf-call-iptables=0
""",
        ('Address = 192.168.2.1/24',),
        ('6: dropped: route', '8-9: dropped: tunnel_id is missing, or known only while', '12: dropped'),
    ),
    (
        "NetworkManager's, with a gateway",
        "wg0.nmconnection",
        """\
[connection]
id=wg0
uuid=2f5b1d6c-5b3f-4b7e-9f5f-0a1c5f0f6a01
type=wireguard
autoconnect=false
interface-name=wg0
permissions=user:alice:;
timestamp=1700000000

[wireguard]
listen-port=51820
private-key=%K1%
fwmark=51820
peer-routes=true
mtu=1400
ip4-auto-default-route=0

[wireguard-peer.%P1%]
endpoint=vpn.example.com:51820
preshared-key=%PSK%
preshared-key-flags=0
persistent-keepalive=25
allowed-ips=10.0.0.0/24;fd00::/64;

[ipv4]
address1=10.0.0.2/24,10.0.0.1
dns=10.0.0.53;1.1.1.1;
dns-search=example.org;
method=manual
route1=192.168.7.0/24,0.0.0.0,50
never-default=true

[ipv6]
addr-gen-mode=default
method=disabled

[proxy]
""",
        ('FwMark = 0xca6c', 'AllowedIPs = fd00::/64', 'DNS = 1.1.1.1', 'MTU = 1400'),
        ('26: dropped: the gateway "10.0.0.1"', '30: dropped: "route1"'),
    ),
    (
        "NetworkManager's, whose key is elsewhere",
        "rw.nmconnection",
        """\
[connection]
id=wg-roadwarrior
type=wireguard
interface-name=wg-rw

[wireguard]
private-key-flags=1
peer-routes=false

[wireguard-peer.%P1%]
endpoint=[2001:db8::9]:51820
allowed-ips=0.0.0.0/0;::/0;

[ipv4]
method=manual
addresses=172.16.9.2/32;

[ipv6]
method=manual
address1=fd12::2/128
""",
        ('Address = 172.16.9.2/32', 'Address = fd12::2/128', 'Table = off'),
        ('7: dropped: "private-key-flags"',),
    ),
    (
        "VyOS commands, a peer of which is disabled",
        "config.txt",
        """\
set interfaces wireguard wg01 address '10.1.0.1/30'
set interfaces wireguard wg01 description 'VPN-to-wg02'
set interfaces wireguard wg01 peer to-wg02 address '203.0.113.12'
set interfaces wireguard wg01 peer to-wg02 allowed-ips '192.168.2.0/24'
set interfaces wireguard wg01 peer to-wg02 allowed-ips '10.1.0.2/32'
set interfaces wireguard wg01 peer to-wg02 port '51820'
set interfaces wireguard wg01 peer to-wg02 public-key '%P1%'
set interfaces wireguard wg01 peer to-wg02 persistent-keepalive '15'
set interfaces wireguard wg01 peer to-wg02 disable
set interfaces wireguard wg01 port '51820'
set interfaces wireguard wg01 private-key '%K1%'
set interfaces wireguard wg01 ip adjust-mss '1380'
set interfaces wireguard wg01 vrf RED
set interfaces l2tpv3 l2tpeth10 encapsulation 'udp'
set interfaces l2tpv3 l2tpeth10 source-address '10.1.0.1'
set interfaces l2tpv3 l2tpeth10 remote '10.1.0.2'
set interfaces l2tpv3 l2tpeth10 session-id '110'
set interfaces l2tpv3 l2tpeth10 peer-session-id '110'
set interfaces l2tpv3 l2tpeth10 source-port '9001'
set interfaces l2tpv3 l2tpeth10 destination-port '9001'
set interfaces l2tpv3 l2tpeth10 tunnel-id '200'
set interfaces l2tpv3 l2tpeth10 peer-tunnel-id '200'
set interfaces l2tpv3 l2tpeth10 mtu '1500'
set interfaces bridge br0 member interface eth1
set interfaces bridge br0 member interface l2tpeth10
set interfaces bridge br0 address 192.168.9.1/24
set interfaces bridge br0 enable-vlan
set interfaces bridge br0 stp
set protocols static route 192.168.2.0/24 interface wg01
set system host-name vyos
""",
        ('UDPSourcePort = 9001', 'MTU = 1500', 'Member = eth1', 'STP = yes'),
        ('3-9: dropped: the peer is disabled',),
    ),
    (
        "VyOS's config.boot",
        "config.boot",
        """\
interfaces {
    bridge br0 {
        aging 300
        member {
            interface eth2 {
                native-vlan 10
            }
            interface l2tpeth0 {
            }
        }
    }
    ethernet eth0 {
        address 198.51.100.2/24
        hw-id 00:53:29:44:3b:19
    }
    l2tpv3 l2tpeth0 {
        encapsulation ip
        local-ip 10.9.0.1
        peer-session-id 10
        peer-tunnel-id 20
        remote-ip 10.9.0.2
        session-id 11
        tunnel-id 21
    }
    loopback lo {
    }
    wireguard wg0 {
        address 10.9.0.1/24
        address fd00:9::1/64
        peer branch {
            allowed-ips 10.9.0.2/32
            endpoint 203.0.113.9:51820
            preshared-key %PSK%
            pubkey %P1%
        }
        port 51820
        private-key default
    }
}
/* Warning: Do not remove the following line. */
// vyos-config-version: "bgp@4:broadcast-relay@1"
""",
        ('EncapsulationType = ip', 'Member = eth2', 'SessionId = 11'),
        ('6: dropped: "native-vlan"', '3: dropped: "aging"'),
    ),
    (
        "OpenWrt's",
        "network",
        """\
config interface 'loopback'
	option device 'lo'
	option proto 'static'
	option ipaddr '127.0.0.1'
	option netmask '255.0.0.0'

config globals 'globals'
	option ula_prefix 'fd12:3456::/48'

config device
	option name 'br-lan'
	option type 'bridge'
	list ports 'lan1'
	list ports 'lan2'
	list ports 'l2tp-site'
	option igmp_snooping '1'

config interface 'lan'
	option device 'br-lan'
	option proto 'static'
	option ipaddr '192.168.1.1'
	option netmask '255.255.255.0'
	option ip6assign '60'

config interface 'wan'
	option device 'wan'
	option proto 'pppoe'
	option username 'u'
	option password 'geheim'

config interface 'wg0'
	option proto 'wireguard'
	option private_key '%K1%'
	option listen_port '51820'
	list addresses '10.0.0.1/24'
	list addresses 'fd00::1/64'
	option mtu '1412'
	option nohostroute '1'
	option fwmark '0x42'
	option peerdns '0'

config wireguard_wg0
	option description 'branch'
	option public_key '%P1%'
	option preshared_key '%PSK%'
	list allowed_ips '10.0.0.2/32'
	list allowed_ips '192.168.2.0/24'
	option route_allowed_ips '1'
	option endpoint_host 'branch.example.net'
	option endpoint_port '51821'
	option persistent_keepalive '25'
	option disabled '0'

config interface 'site'
	option proto 'l2tpv3'
	option localaddr '10.0.0.1'
	option peeraddr '10.0.0.2'
	option tunnel_id '1'
	option peer_tunnel_id '2'
	option encap 'ip'
	option session_id '3'
	option peer_session_id '4'
""",
        ('Endpoint = branch.example.net:51821', 'AllowedIPs = 192.168.2.0/24', 'PeerSessionId = 4', 'FwMark = 0x42'),
        ('29: dropped: "password"',),
    ),
    (
        "OpenWrt's, a peer of which is disabled",
        "network2",
        """\

config interface 'vpn'
        option proto wireguard
        option private_key "%K1%"
        option addresses '10.7.0.2/32'

config wireguard_vpn
        option public_key '%P1%'
        option endpoint_host '203.0.113.77'
        option allowed_ips '0.0.0.0/0'
        option disabled '1'

config wireguard_vpn 'second'
        option public_key '%P2%'
        option private_key '%K2%'
        option endpoint_host '2001:db8::77'
        list allowed_ips '10.7.0.1/32'

config bridge-vlan
        option device 'br-lan'
        option vlan '10'
        list ports 'lan1:t'
""",
        ('Endpoint = [2001:db8::77]:51820', 'Table = off'),
        ('8-11: dropped: the peer is disabled',),
    ),
    (
        "RouterOS's export",
        "core.rsc",
        """\
# 2024-03-02 11:22:33 by RouterOS 7.14
# software id = ABCD-1234
#
# model = RB5009UG+S+
/interface bridge
add admin-mac=48:A9:8A:00:00:01 auto-mac=no name=bridge1 protocol-mode=none vlan-filtering=yes
/interface wireguard
add comment="to branch" listen-port=13231 mtu=1420 name=wireguard1 private-key="%K1%"
/interface l2tp-ether
add allow-fast-path=yes connect-to=10.0.0.2 disabled=no l2tpv3-circuit-id=site1 \\
    l2tpv3-cookie-length=4-bytes name=l2tp-ether1 unmanaged-mode=yes local-session-id=1 \\
    remote-session-id=2 local-tunnel-id=10 remote-tunnel-id=20 l2tpv3-digest-hash=none use-ipsec=no local-address=10.0.0.1
/interface list
add name=WAN
/interface bridge port
add bridge=bridge1 interface=ether2
add bridge=bridge1 interface=l2tp-ether1 disabled=yes
/interface wireguard peers
add allowed-address=10.0.0.2/32,192.168.2.0/24 endpoint-address=203.0.113.8 endpoint-port=13231 interface=wireguard1 \\
    persistent-keepalive=25s preshared-key="%PSK%" public-key="%P1%"
add allowed-address=10.0.0.3/32 disabled=yes interface=wireguard1 public-key="%P2%" persistent-keepalive=1m10s name=peer5
/ip address
add address=10.0.0.1/24 interface=wireguard1 network=10.0.0.0
add address=192.168.88.1/24 comment=defconf interface=bridge1 network=192.168.88.0
/ip firewall filter
add action=accept chain=input dst-port=13231 protocol=udp
/ip route
add dst-address=192.168.2.0/24 gateway=wireguard1
/system identity
set name=core
""",
        ('PersistentKeepalive = 25', 'TunnelId = 10', 'Layer2SpecificHeader = none', 'ListenPort = 13231'),
        ('21: dropped: disabled', '10: dropped: "l2tpv3-cookie-length"'),
    ),
    (
        "RouterOS's, with paths of version 7",
        "wg1.rsc",
        """\
/interface/wireguard/add name=wg1 listen-port=51820
/interface/wireguard/peers/add interface=wg1 public-key="%P1%" endpoint-address=2001:db8::8 endpoint-port=51820 allowed-address=0.0.0.0/0,::/0 client-address=10.1.1.1/32
/ip/address/add address=10.1.1.1/24 interface=wg1
/ipv6/address/add address=fd00::1/64 interface=wg1 advertise=no
/interface/bridge/add name=br-l2
/interface/bridge/port/add bridge=br-l2 interface=ether3 pvid=20
""",
        ('ListenPort = 51820', 'Endpoint = [2001:db8::8]:51820', 'Address = fd00::1/64'),
        ('2: dropped: "client-address"',),
    ),
)

# systemd-networkd's, which are read together.
NETWORKD = {
    "50-wg0.netdev": """\
[NetDev]
Name=wg0
Kind=wireguard
Description=WireGuard tunnel wg0
MTUBytes=1420

[WireGuard]
ListenPort=51820
PrivateKeyFile=/etc/systemd/network/wg0.key
RouteTable=main
FirewallMark=0x8888

[WireGuardPeer]
PublicKey=%P1%
PresharedKeyFile=/etc/systemd/network/wg0.psk
AllowedIPs=10.0.0.2/32
AllowedIPs=fd00::2/128,10.5.0.0/16
Endpoint=wireguard.example.com:51820
PersistentKeepalive=25
RouteMetric=100
""",
    "50-wg0.network": """\
[Match]
Name=wg0

[Network]
Address=10.0.0.1/24
DNS=10.0.0.53
Domains=~corp.example
IPForward=yes
LLMNR=no

[Address]
Address=fd00::1/64

[Route]
Gateway=10.0.0.2
Destination=172.16.0.0/12
GatewayOnLink=yes

[RoutingPolicyRule]
FirewallMark=0x8888
InvertRule=true
Table=1000
""",
    "60-l2tp.netdev": """\
[NetDev]
Name=l2tp-site
Kind=l2tp

[L2TP]
TunnelId=10
PeerTunnelId=12
Local=static
Remote=10.0.0.2
EncapsulationType=udp
UDPSourcePort=3000
UDPDestinationPort=4000
UDPChecksum=yes

[L2TPSession]
SessionId=25
PeerSessionId=26
Name=l2tp-sess
Layer2SpecificHeader=none
""",
    "60-l2tp.network": """\
[Match]
Name=l2tp-sess
[Network]
Bridge=br0
[Bridge]
Cost=100
UnicastFlood=no
""",
    "70-br0.netdev": """\
[NetDev]
Name=br0
Kind=bridge
MACAddress=52:54:00:aa:bb:cc
[Bridge]
STP=yes
VLANFiltering=yes
MulticastSnooping=no
""",
    "70-br0.network": """\
[Match]
Name=br0
[Network]
DHCP=ipv4
""",
    "71-lan.network": """\
[Match]
Name=enp3s0 enp4s0
[Network]
Bridge=br0
[Link]
MTUBytes=1500
""",
}
NETWORKD_LINES = ("Member = enp3s0", "Member = enp4s0", "Table = 254", "FwMark = 0x8888", "UDPDestinationPort = 4000",
                  "PresharedKeyFile = /etc/systemd/network/wg0.psk", "MTU = 1420")  # fmt: skip
NETWORKD_NOTES = ('71-lan.network:6: dropped: MTU of "enp3s0"', '50-wg0.network:15: dropped: "Gateway"',
                  '60-l2tp.network:6: dropped: "Cost"', '50-wg0.netdev:20: dropped: "RouteMetric"')  # fmt: skip
