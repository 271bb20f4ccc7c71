/* SPDX-License-Identifier: MIT */
/* For the test of import: files, and the sites that are expected of them. */
#pragma once

#include <stdbool.h>

#define KEY_A "+KR6xCvxk3MZ1Y/4a8R5sXS5I2mNzVZoa3Yox5n6qG0="
#define KEY_B "plQhgah/od+4eyAutHMahlotYnHdMg3A2m7MGNzSqSo="
#define KEY_C "DaHajLVjyDp0Vezvo5iciZSJztA71HlOAtPezaGR8XU="

#define FILES 4

/** Files of one import, and the site that is expected. */
struct example {
	const char *name;
	const char *files[FILES];
	const char *formats[FILES];
	const char *site;
	const char *notes[4]; /* each is in the notes */
	bool public_c;	      /* KEY_C is a public key here, which a note may have */
};

/* The parts that the sites have in common. */
#define SITE_WG                                                                                    \
	"[Interface]\nName = wg0\nPrivateKey = " KEY_A                                             \
	"\nListenPort = 8172\nAddress = 10.0.1.11/24\n"
#define SITE_PEER                                                                                  \
	"[Peer]\nPublicKey = " KEY_B "\nPresharedKey = " KEY_C "\nEndpoint = 192.0.2.2:8172\n"     \
	"AllowedIPs = 10.0.1.21/32\nPersistentKeepalive = 25\n"
#define SITE_L2TP                                                                                  \
	"[L2TP]\nTunnelId = 3939\nPeerTunnelId = 3940\nLocal = 10.0.1.11\nRemote = 10.0.1.21\n"
#define SITE_SESSION "[L2TPSession]\nName = l2tpeth0\nSessionId = 3941\nPeerSessionId = 3942\n"
#define SITE_BRIDGE  "[Bridge]\nName = br0\nAddress = 10.0.2.11/24\nMember = eth1\n"

static const struct example examples[] = {
	{ .name = "wg-quick, a peer in two sections and a prefix of two peers, as wg setconf",
		.files = { "[Interface]\nPrivateKey = " KEY_A "\n[Peer]\nPublicKey = " KEY_B
			   "\nEndpoint = 192.0.2.1:1\nAllowedIPs = 10.1.0.0/16, 10.8.0.0/16\n"
			   "PersistentKeepalive = 25\n[Peer]\nPublicKey = " KEY_C
			   "\nAllowedIPs = 10.2.0.0/16, 10.4.0.9/16\nAllowedIPs = 10.3.0.0/16\n"
			   "[Peer]\nPublicKey = " KEY_B "\nAllowedIPs = 10.3.0.0/16, 10.4.0.0/16\n"
			   "Endpoint = 192.0.2.2:8172\nAllowedIPs = 10.5.0.0/16\n" },
		.formats = { "wg-quick" },
		.site = "[Interface]\nName = 1\nPrivateKey = " KEY_A "\n[Peer]\nPublicKey = " KEY_B
			"\nEndpoint = 192.0.2.2:8172\nAllowedIPs = 10.3.0.0/16, 10.4.0.0/16, "
			"10.5.0.0/16\nPersistentKeepalive = 25\n[Peer]\nPublicKey = " KEY_C
			"\nAllowedIPs = 10.2.0.0/16\n",
		.notes = { "1:5: dropped: Endpoint: line 15 replaces it",
			"1:6: dropped: AllowedIPs: line 12 replaces it",
			"1:10: dropped: AllowedIPs: line 14 gives 10.4.0.0/16 to another peer",
			"1:11: dropped: AllowedIPs: line 14 gives 10.3.0.0/16 to another peer" },
		.public_c = true },
	{ .name = "a prefix that its last peer drops belongs to none",
		.files = { "[Interface]\nPrivateKey = " KEY_A "\n[Peer]\nPublicKey = " KEY_B
			   "\nAllowedIPs = 10.1.0.0/16\n[Peer]\nPublicKey = " KEY_C
			   "\nAllowedIPs = 10.1.0.0/16\n[Peer]\nPublicKey = " KEY_C "\n" },
		.formats = { "wg-quick" },
		.site = "[Interface]\nName = 1\nPrivateKey = " KEY_A "\n[Peer]\nPublicKey = " KEY_B
			"\n[Peer]\nPublicKey = " KEY_C "\n",
		.notes = { "1:5: dropped: AllowedIPs: line 8 gives 10.1.0.0/16 to another peer",
			"1:8: dropped: AllowedIPs: line 9 replaces it" },
		.public_c = true },
	{ .name = "OpenWrt, a peer in two sections",
		.files = { "config interface 'wg0'\n\toption proto 'wireguard'\n"
			   "\toption private_key '" KEY_A "'\n"
			   "config wireguard_wg0\n\toption public_key '" KEY_B "'\n"
			   "\tlist allowed_ips '10.1.0.0/16'\n\toption route_allowed_ips '1'\n"
			   "config wireguard_wg0\n\toption public_key '" KEY_C "'\n"
			   "\tlist allowed_ips '10.2.0.0/16'\n\toption route_allowed_ips '1'\n"
			   "\toption disabled '1'\n"
			   "config wireguard_wg0\n\toption public_key '" KEY_B "'\n"
			   "\tlist allowed_ips '10.2.0.0/16'\n\tlist allowed_ips '10.3.0.0/16'\n"
			   "\toption route_allowed_ips '1'\n" },
		.formats = { "OpenWrt" },
		.site = "[Interface]\nName = wg0\nPrivateKey = " KEY_A
			"\n[Peer]\nPublicKey = " KEY_B "\nAllowedIPs = 10.2.0.0/16, 10.3.0.0/16\n",
		.notes = { "1:6: dropped: AllowedIPs: line 13 replaces it" },
		.public_c = true },
	{ .name = "systemd-networkd",
		.files = { "[NetDev]\nKind=wireguard\nName=wg0\n[WireGuard]\nListenPort=8172\n"
			   "PrivateKey=" KEY_A "\n[WireGuardPeer]\nPublicKey=" KEY_B
			   "\nPresharedKey=" KEY_C "\nEndpoint=192.0.2.2:8172\n"
			   "AllowedIPs=10.0.1.21/32\nPersistentKeepalive=25\n",
			"[Match]\nName=wg0\n[Network]\nAddress=10.0.1.11/24\n",
			"[NetDev]\nName=l2tp-tun\nKind=l2tp\n[L2TP]\nTunnelId=3939\n"
			"PeerTunnelId=3940\nLocal=10.0.1.11\nRemote=10.0.1.21\n"
			"EncapsulationType=ip\n[L2TPSession]\nSessionId=3941\n"
			"PeerSessionId=3942\nLayer2SpecificHeader=none\nName=l2tpeth0\n",
			"[Match]\nName=l2tpeth0 "
			"\n[Network]\nBridge=br0\n[Bridge]\nIsolated=yes\n" },
		.formats = { "systemd-networkd", "systemd-networkd", "systemd-networkd",
			"systemd-networkd" },
		.site = SITE_WG SITE_PEER SITE_L2TP "EncapsulationType = ip\n" SITE_SESSION
						    "Layer2SpecificHeader = none\n"
						    "SplitHorizon = yes\n[Bridge]\nName = br0\n"
						    "Adopt = yes\n",
		.notes = { "3:7: imported: [L2TP] Local = 10.0.1.11",
			"4:4: changed: [Bridge] Name = br0, Adopt = yes" } },
	{ .name = "a bridge of systemd-networkd",
		.files = { "[NetDev]\nName=br0\nKind=bridge\n[Bridge]\nSTP=yes\nAgeingTimeSec=30\n",
			"[Match]\nName=eth1\n[Network]\nBridge=br0\n",
			"[Match]\nName=br0\n[Network]\nAddress=10.0.2.11/24\n",
			"ip l2tp add tunnel tunnel_id 3939 peer_tunnel_id 3940 local 10.0.1.11 "
			"remote "
			"10.0.1.21\nip l2tp add session tunnel_id 3939 session_id 3941 "
			"peer_session_id 3942\nbrctl addif br0 l2tpeth0\n" },
		.formats = { "systemd-networkd", "systemd-networkd", "systemd-networkd",
			"shell script" },
		.site = SITE_L2TP SITE_SESSION SITE_BRIDGE "STP = yes\n",
		.notes = { "1:6: dropped: \"AgeingTimeSec\" of [Bridge] has no counterpart" } },
	{ .name = "NetworkManager",
		.files = { "[connection]\nid=between sites\ntype=wireguard\ninterface-name=wg0\n"
			   "[wireguard]\nlisten-port=8172\npeer-routes=false\nprivate-key=" KEY_A
			   "\n[wireguard-peer." KEY_B "]\nendpoint=192.0.2.2:8172\n"
			   "preshared-key=" KEY_C "\npreshared-key-flags=0\n"
			   "allowed-ips=10.0.1.21/32;10.0.3.0/24;\npersistent-keepalive=25\n"
			   "[ipv4]\naddress1=10.0.1.11/24,10.0.1.1\ndns=10.0.0.53;10.0.0.54;\n"
			   "method=manual\n",
			"[connection]\ntype=bridge\ninterface-name=br0\n[ipv4]\n"
			"address1=10.0.2.11/24\n",
			"[connection]\ntype=ethernet\ninterface-name=eth1\nmaster=br0\n",
			"#!/bin/sh\nip l2tp add tunnel tunnel_id 3939 peer_tunnel_id 3940 local "
			"10.0.1.11 remote 10.0.1.21\nip l2tp add session name l2tpeth0 tunnel_id "
			"3939 session_id 3941 peer_session_id 3942\nip link set l2tpeth0 master "
			"br0\n" },
		.formats = { "NetworkManager", "NetworkManager", "NetworkManager", "shell script" },
		.site = SITE_WG "Table = off\nDNS = 10.0.0.53, 10.0.0.54\n" SITE_PEER
				"AllowedIPs = 10.0.3.0/24\n" SITE_L2TP SITE_SESSION
				"[Bridge]\nName = br0\nAdopt = yes\n",
		.notes = { "2:5: dropped: Address of \"br0\": the bridge exists and has it already",
			"3:4: dropped: master of \"eth1\": the bridge exists and has the port" } },
	{ .name = "VyOS, commands",
		.files = { "set interfaces wireguard wg0 address '10.0.1.11/24'\n"
			   "set interfaces wireguard wg0 port '8172'\n"
			   "set interfaces wireguard wg0 private-key '" KEY_A "'\n"
			   "set interfaces wireguard wg0 peer two address '192.0.2.2'\n"
			   "set interfaces wireguard wg0 peer two port '8172'\n"
			   "set interfaces wireguard wg0 peer two public-key '" KEY_B "'\n"
			   "set interfaces wireguard wg0 peer two preshared-key '" KEY_C "'\n"
			   "set interfaces wireguard wg0 peer two allowed-ips '10.0.1.21/32'\n"
			   "set interfaces wireguard wg0 peer two allowed-ips '10.9.0.0/16'\n"
			   "set interfaces wireguard wg0 peer two persistent-keepalive '25'\n"
			   "set interfaces l2tpv3 l2tpeth0 encapsulation 'udp'\n"
			   "set interfaces l2tpv3 l2tpeth0 source-address 10.0.1.11\n"
			   "set interfaces l2tpv3 l2tpeth0 remote 10.0.1.21\n"
			   "set interfaces l2tpv3 l2tpeth0 source-port '5000'\n"
			   "set interfaces l2tpv3 l2tpeth0 destination-port '5001'\n"
			   "set interfaces l2tpv3 l2tpeth0 tunnel-id 3939\n"
			   "set interfaces l2tpv3 l2tpeth0 peer-tunnel-id 3940\n"
			   "set interfaces l2tpv3 l2tpeth0 session-id 3941\n"
			   "set interfaces l2tpv3 l2tpeth0 peer-session-id 3942\n"
			   "set interfaces l2tpv3 l2tpeth0 mtu 1500\n"
			   "set interfaces bridge br0 address 10.0.2.11/24\n"
			   "set interfaces bridge br0 member interface eth1\n"
			   "set interfaces bridge br0 member interface l2tpeth0\n"
			   "set system host-name gateway\n" },
		.formats = { "VyOS" },
		.site = SITE_WG "Table = off\n" SITE_PEER "AllowedIPs = 10.9.0.0/16\n" SITE_L2TP
				"UDPSourcePort = 5000\nUDPDestinationPort = 5001\n" SITE_SESSION
				"MTU = 1500\n" SITE_BRIDGE,
		.notes = { "1:24: dropped: not a part of the site",
			"1:1: changed: [Interface] Table = off" } },
	{ .name = "VyOS, braces",
		.files = { "interfaces {\n    bridge br0 {\n        address 10.0.2.11/24\n"
			   "        member {\n            interface eth1 {\n            }\n"
			   "            interface l2tpeth0 {\n                isolated\n"
			   "            }\n        }\n        stp\n    }\n"
			   "    l2tpv3 l2tpeth0 {\n        local-ip 10.0.1.11\n"
			   "        remote-ip 10.0.1.21\n        tunnel-id 3939\n"
			   "        peer-tunnel-id 3940\n        session-id 3941\n"
			   "        peer-session-id 3942\n    }\n    loopback lo {\n    }\n"
			   "    wireguard wg0 {\n        address 10.0.1.11/24\n"
			   "        peer two {\n            address 192.0.2.2\n"
			   "            allowed-ips 10.0.1.21/32\n            allowed-ips "
			   "10.9.0.0/16\n"
			   "            persistent-keepalive 25\n            port 8172\n"
			   "            preshared-key " KEY_C "\n            public-key " KEY_B
			   "\n        }\n        port 8172\n        private-key " KEY_A
			   "\n    }\n}\n"
			   "protocols {\n    static {\n        route 10.9.0.0/16 {\n"
			   "            interface wg0 {\n            }\n        }\n    }\n}\n" },
		.formats = { "VyOS" },
		.site = SITE_WG SITE_PEER "AllowedIPs = 10.9.0.0/16\n" SITE_L2TP SITE_SESSION
					  "SplitHorizon = yes\n" SITE_BRIDGE "STP = yes\n" },
	{ .name = "OpenWrt",
		.files = { "config interface 'loopback'\n\toption device 'lo'\n\n"
			   "config device\n\toption name 'br-lan'\n\toption type 'bridge'\n"
			   "\tlist ports 'lan1'\n\tlist ports 'pw0'\n\n"
			   "config interface 'wg0'\n\toption proto 'wireguard'\n"
			   "\toption private_key '" KEY_A "'\n\toption listen_port '8172'\n"
			   "\tlist addresses '10.0.1.11/24'\n\n"
			   "config wireguard_wg0\n\toption description 'the other site'\n"
			   "\toption public_key '" KEY_B "'\n\toption preshared_key '" KEY_C "'\n"
			   "\tlist allowed_ips '10.0.1.21/32'\n\tlist allowed_ips '10.9.0.0/16'\n"
			   "\toption endpoint_host '192.0.2.2'\n\toption endpoint_port '8172'\n"
			   "\toption route_allowed_ips '1'\n\toption persistent_keepalive '25'\n\n"
			   "config interface 'pw0'\n\toption proto 'l2tpv3'\n"
			   "\toption remote '10.0.1.21'\n\toption local '10.0.1.11'\n"
			   "\toption tunnel_id '3939'\n\toption peer_tunnel_id '3940'\n"
			   "\toption encap 'udp'\n\toption udp_sport '1701'\n"
			   "\toption udp_dport '1701'\n\toption session_id '3941'\n"
			   "\toption peer_session_id '3942'\n" },
		.formats = { "OpenWrt" },
		.site = SITE_WG SITE_PEER
		"AllowedIPs = 10.9.0.0/16\n" SITE_L2TP
		"[L2TPSession]\nName = pw0\nSessionId = 3941\nPeerSessionId = 3942\n"
		"[Bridge]\nName = br-lan\nAdopt = yes\n",
		.notes = { "1:2: dropped: \"device\" belongs to an interface that is not a part",
			"1:7: dropped: master of \"lan1\": the bridge exists" } },
	{ .name = "RouterOS",
		.files = { "# 2024-05-01 10:00:00 by RouterOS 7.14\n/interface bridge\n"
			   "add igmp-snooping=yes name=br0 protocol-mode=none\n"
			   "/interface wireguard\nadd listen-port=8172 mtu=1420 name=wg0 "
			   "private-key=\\\n    \"" KEY_A "\"\n"
			   "/interface l2tp-ether\nadd connect-to=10.0.1.21 disabled=no \\\n"
			   "    local-address=10.0.1.11 local-session-id=3941 local-tunnel-id=3939 "
			   "\\\n"
			   "    name=l2tpeth0 peer-cookie=a1a2a3a4 remote-session-id=3942 \\\n"
			   "    remote-tunnel-id=3940 send-cookie=01020304 unmanaged-mode=yes\n"
			   "/interface bridge port\nadd bridge=br0 interface=eth1\n"
			   "add bridge=br0 interface=l2tpeth0\n"
			   "/interface wireguard peers\nadd "
			   "allowed-address=10.0.1.21/32,10.9.0.0/16 "
			   "endpoint-address=192.0.2.2 \\\n    endpoint-port=8172 interface=wg0 "
			   "persistent-keepalive=25 preshared-key=\\\n    \"" KEY_C "\" "
			   "public-key=\"" KEY_B "\"\n"
			   "/ip address\nadd address=10.0.1.11/24 interface=wg0 network=10.0.1.0\n"
			   "add address=10.0.2.11/24 interface=br0\n"
			   "/ip route add dst-address=10.9.0.0/16 gateway=wg0\n"
			   "/system identity\nset name=gateway\n" },
		.formats = { "RouterOS" },
		.site = SITE_WG SITE_PEER "AllowedIPs = 10.9.0.0/16\n" SITE_L2TP SITE_SESSION
					  "Layer2SpecificHeader = none\nCookie = 01020304\n"
					  "PeerCookie = a1a2a3a4\n" SITE_BRIDGE
					  "MulticastSnooping = yes\n" },
	{ .name = "a script of init.d",
		.files = { "#!/bin/sh\ncase \"$1\" in\nstart)\n\t/sbin/ip link add dev wg0 type "
			   "wireguard\n\tip link set up dev wg0\n\tip link set mtu 1400 dev wg0\n"
			   "\tip l2tp add tunnel remote 10.0.1.21 local 10.0.1.11 tunnel_id 1 "
			   "peer_tunnel_id 2\n\tip l2tp add session tunnel_id 1 session_id 3 "
			   "peer_session_id 4\n\tip link set dev l2tpeth0 up mtu 1346\n"
			   "\tbrctl addbr br0\n\tbrctl addif br0 l2tpeth0 eth1\n"
			   "\tip link set eth2 up master br0\n"
			   "\tfor i in eth3 eth4; do ip link set $i master br0; done\n\t;;\n"
			   "stop)\n\tip l2tp del session tunnel_id 1 session_id 3\n\t;;\nesac\n" },
		.formats = { "shell script" },
		.site = "[Interface]\nName = wg0\nMTU = 1400\n[L2TP]\nTunnelId = 1\n"
			"PeerTunnelId = 2\nLocal = 10.0.1.11\nRemote = 10.0.1.21\n"
			"[L2TPSession]\nName = l2tpeth0\nSessionId = 3\nPeerSessionId = 4\n"
			"[Bridge]\nName = br0\nMember = eth1, eth2\n",
		.notes = { "1:5: dropped: the site brings its interfaces up",
			"1:9: changed: [L2TPSession] MTU = auto",
			"1:13: dropped: its interface is missing, or known only while" } },
	{ .name = "two files about one interface and one peer",
		.files = { "[Interface]\nPrivateKey = " KEY_A "\nAddress = 10.0.1.11/24\n"
			   "[Peer]\nPublicKey = " KEY_B "\nAllowedIPs = 10.0.1.21/32\n",
			"#!/bin/sh\nip link add 1 type wireguard\nwg set 1 listen-port 8172 "
			"peer " KEY_B
			" allowed-ips 10.0.1.21/32,10.9.0.0/16 endpoint 192.0.2.2:8172 "
			"persistent-keepalive 25\nip addr add 10.0.1.11/24 dev 1\n"
			"echo " KEY_C " | wg set 1 private-key /dev/stdin\n"
			"ip route add 10.9.0.0/16 dev 1\nip route add 10.7.0.0/16 dev 1\n" },
		.formats = { "wg-quick", "shell script" },
		.site = "[Interface]\nName = 1\nPrivateKey = " KEY_A
			"\nListenPort = 8172\nAddress = 10.0.1.11/24\n[Peer]\nPublicKey = " KEY_B
			"\nEndpoint = 192.0.2.2:8172\nAllowedIPs = 10.0.1.21/32, 10.9.0.0/16\n"
			"PersistentKeepalive = 25\n",
		.notes = { "2:5: dropped: PrivateKey: it is set twice",
			"2:6: imported: the route to 10.9.0.0/16",
			"2:7: dropped: route of \"1\": no peer has the prefix" } },
	{ .name = "two WireGuard interfaces: the tunnel's is taken",
		.files = { "ip link add wg7 type wireguard\nwg set wg7 listen-port 1\n"
			   "ip a a 10.7.0.1/24 dev wg7\nip link add dev wg0 type wireguard\n"
			   "wg set wg0 listen-port 8172 private-key <(echo '" KEY_A "') peer " KEY_B
			   " endpoint 192.0.2.2:8172 allowed-ips 10.0.1.21/32 persistent-keepalive "
			   "25\necho " KEY_C " | wg set wg0 peer " KEY_B
			   " preshared-key /dev/stdin\nip a a 10.0.1.11/24 dev wg0\n"
			   "ip l2tp add tunnel tunnel_id 3939 peer_tunnel_id 3940 local 10.0.1.11 "
			   "remote 10.0.1.21\n" },
		.formats = { "shell script" },
		.site = SITE_WG SITE_PEER SITE_L2TP,
		.notes = { "1:2: dropped: ListenPort of \"wg7\": a site has one WireGuard" } },
	{ .name = "RouterOS: a horizon is a split horizon",
		.files = { "/interface bridge\nadd name=br0 protocol-mode=none\n"
			   "/interface l2tp-ether\nadd connect-to=10.0.1.21 local-session-id=3941 "
			   "local-tunnel-id=3939 name=l2tpeth0 remote-session-id=3942 "
			   "remote-tunnel-id=3940 unmanaged-mode=yes\n"
			   "/interface bridge port\nadd bridge=br0 interface=eth1 horizon=none\n"
			   "add bridge=br0 horizon=1 interface=l2tpeth0 pvid=7\n"
			   "/ip address add address=10.0.2.11/24 interface=br0\n" },
		.formats = { "RouterOS" },
		.site = "[L2TP]\nTunnelId = 3939\nPeerTunnelId = 3940\n"
			"Remote = 10.0.1.21\n" SITE_SESSION
			"Layer2SpecificHeader = none\nSplitHorizon = yes\n" SITE_BRIDGE,
		.notes = { "1:7: imported: [L2TPSession] Bridge = br0", "SplitHorizon = yes",
			"1:7: changed: horizon=\"1\": it isolates a session",
			"1:7: dropped: \"pvid\" has no counterpart" } },
	{ .name = "OpenWrt: the routes of one peer are not those of another",
		.files = { "config interface 'wg0'\n\toption proto 'wireguard'\n"
			   "config wireguard_wg0\n\toption public_key '" KEY_B "'\n"
			   "\tlist allowed_ips '10.9.0.0/16'\n\toption route_allowed_ips '1'\n"
			   "config wireguard_wg0\n\toption public_key '" KEY_C "'\n"
			   "\tlist allowed_ips '0.0.0.0/0'\n" },
		.formats = { "OpenWrt" },
		.site = "[Interface]\nName = wg0\nTable = off\n[Peer]\nPublicKey = " KEY_B
			"\nAllowedIPs = 10.9.0.0/16\n[Peer]\nPublicKey = " KEY_C
			"\nAllowedIPs = 0.0.0.0/0\n",
		.notes = { "1:1: changed: [Interface] Table = off: the files have no route to "
			   "0.0.0.0/0",
			"1:6: dropped: route of \"uci 0\": Table = off" },
		.public_c = true },
	{ .name = "OpenWrt: a disabled peer has no routes",
		.files = { "config interface 'wg0'\n\toption proto 'wireguard'\n"
			   "config wireguard_wg0\n\toption public_key '" KEY_B "'\n"
			   "\tlist allowed_ips '0.0.0.0/0'\n"
			   "config wireguard_wg0\n\toption public_key '" KEY_C "'\n"
			   "\toption route_allowed_ips '1'\n\toption disabled '1'\n" },
		.formats = { "OpenWrt" },
		.site = "[Interface]\nName = wg0\nTable = off\n[Peer]\nPublicKey = " KEY_B
			"\nAllowedIPs = 0.0.0.0/0\n",
		.notes = { "1:7-9: dropped: the peer is disabled" } },
	{ .name = "a route to one prefix is none to another",
		.files = { "ip link add wg0 type wireguard\nwg set wg0 peer " KEY_B
			   " allowed-ips 10.9.0.0/16 peer " KEY_C " allowed-ips 0.0.0.0/0\n"
			   "ip route add 10.9.0.0/16 dev wg0\n" },
		.formats = { "shell script" },
		.site = "[Interface]\nName = wg0\nTable = off\n[Peer]\nPublicKey = " KEY_B
			"\nAllowedIPs = 10.9.0.0/16\n[Peer]\nPublicKey = " KEY_C
			"\nAllowedIPs = 0.0.0.0/0\n",
		.notes = { "1:3: dropped: route of \"wg0\": Table = off, as others of" },
		.public_c = true },
	{ .name = "a route in the main table by name",
		.files = { "ip link add wg0 type wireguard\nwg set wg0 peer " KEY_B
			   " allowed-ips 0.0.0.0/0\nip route add 10.9.0.0/16 dev wg0 table "
			   "main\n" },
		.formats = { "shell script" },
		.site = "[Interface]\nName = wg0\nTable = off\n[Peer]\nPublicKey = " KEY_B
			"\nAllowedIPs = 0.0.0.0/0\n",
		.notes = { "1:3: dropped: route of \"wg0\": Table = off, as others of" } },
	{ .name = "routes in several tables",
		.files = { "ip link add wg0 type wireguard\nwg set wg0 peer " KEY_B
			   " allowed-ips 10.9.0.0/16,10.8.0.0/16\n"
			   "ip route add 10.9.0.0/16 dev wg0 table 77\n"
			   "ip route add 10.8.0.0/16 dev wg0\n" },
		.formats = { "shell script" },
		.site = "[Interface]\nName = wg0\nTable = off\n[Peer]\nPublicKey = " KEY_B
			"\nAllowedIPs = 10.9.0.0/16, 10.8.0.0/16\n",
		.notes = { "1:3-4: dropped: route of \"wg0\": Table = off, as the routes" } },
	{ .name = "routes in one table",
		.files = { "ip link add wg0 type wireguard\nwg set wg0 peer " KEY_B
			   " allowed-ips 10.9.0.0/16\n"
			   "ip route add 10.9.0.0/16 dev wg0 table 77\n" },
		.formats = { "shell script" },
		.site = "[Interface]\nName = wg0\nTable = 77\n[Peer]\nPublicKey = " KEY_B
			"\nAllowedIPs = 10.9.0.0/16\n",
		.notes = { "1:3: imported: the route to 10.9.0.0/16" } },
	{ .name = "routes beside Table = off",
		.files = { "[Interface]\nTable = off\n[Peer]\nPublicKey = " KEY_B
			   "\nAllowedIPs = 10.9.0.0/16\n",
			"ip route add 10.9.0.0/16 dev 1\n" },
		.formats = { "wg-quick", "shell script" },
		.site = "[Interface]\nName = 1\nTable = off\n[Peer]\nPublicKey = " KEY_B
			"\nAllowedIPs = 10.9.0.0/16\n",
		.notes = { "2:1: dropped: route of \"1\": Table = off in the files" } },
	{ .name = "systemd-networkd: names of several lines",
		.files = { "[Match]\nName=eth9\nName=\nName=eth1\nName=eth2\n[Network]\n"
			   "Bridge=br0\n",
			"[NetDev]\nName=br0\nKind=bridge\n",
			"ip l2tp add tunnel tunnel_id 3939 peer_tunnel_id 3940 local 10.0.1.11 "
			"remote 10.0.1.21\nip l2tp add session tunnel_id 3939 session_id 3941 "
			"peer_session_id 3942\nbrctl addif br0 l2tpeth0\n" },
		.formats = { "systemd-networkd", "systemd-networkd", "shell script" },
		.site = SITE_L2TP SITE_SESSION "[Bridge]\nName = br0\nMember = eth1, eth2\n" },
	{ .name = "ip(8) and wg(8): arguments in another order",
		.files = { "ip link add mtu 1380 dev wg0 type wireguard\n"
			   "ip address add dev wg0 10.0.1.11/24\n"
			   "ip addr add scope global 10.3.0.1/24 dev wg0\n"
			   "wg set wg0 peer " KEY_B " allowed-ips 10.9.0.0/16 peer " KEY_C
			   " allowed-ips 0.0.0.0/0\nwg set wg0 peer " KEY_C " remove\n"
			   "ip route add dev wg0 to 10.9.0.0/16 metric 5\nip link add br0 type "
			   "bridge\nip link set up master br0 eth1\n"
			   "ip l2tp add tunnel tunnel_id 3939 peer_tunnel_id 3940 local 10.0.1.11 "
			   "remote 10.0.1.21\nip l2tp add session tunnel_id 3939 session_id 3941 "
			   "peer_session_id 3942\nip link set master br0 l2tpeth0\n"
			   "ip addr add dev br0 10.0.2.11/24\n" },
		.formats = { "shell script" },
		.site = "[Interface]\nName = wg0\nMTU = 1380\nAddress = 10.0.1.11/24, 10.3.0.1/24\n"
			"[Peer]\nPublicKey = " KEY_B
			"\nAllowedIPs = 10.9.0.0/16\n" SITE_L2TP SITE_SESSION SITE_BRIDGE,
		.notes = { "1:4-5: dropped: the peer is disabled",
			"1:6: imported: the route to 10.9.0.0/16",
			"1:6: dropped: \"metric\" has no counterpart in a site" } },
	{ .name = "wg(8): a later command replaces",
		.files = { "ip link add wg0 type wireguard\n"
			   "echo " KEY_C " | wg set wg0 listen-port 1 fwmark 1 private-key "
			   "/dev/stdin\nwg set wg0 listen-port 8172 fwmark 2 private-key /etc/k\n"
			   "wg set wg0 peer " KEY_B " allowed-ips 10.8.0.0/16,10.7.0.0/16 endpoint "
			   "192.0.2.1:1 persistent-keepalive 9 preshared-key /etc/p\n"
			   "wg set wg0 peer " KEY_B " allowed-ips 10.9.0.0/16 allowed-ips "
			   "10.6.0.0/16 endpoint 192.0.2.2:2 persistent-keepalive 25 preshared-key "
			   "/dev/null\nwg set wg0 peer " KEY_B " endpoint $X allowed-ips $Y\n" },
		.formats = { "shell script" },
		.site = "[Interface]\nName = wg0\nPrivateKeyFile = /etc/k\nListenPort = 8172\n"
			"FwMark = 2\nTable = off\n[Peer]\nPublicKey = " KEY_B
			"\nEndpoint = 192.0.2.2:2\nAllowedIPs = 10.9.0.0/16, 10.6.0.0/16\n"
			"PersistentKeepalive = 25\n",
		.notes = { "1:2: dropped: ListenPort: line 3 replaces it",
			"1:4: dropped: AllowedIPs: line 5 replaces it",
			"1:4: dropped: PresharedKeyFile: line 5 replaces it",
			"1:5: dropped: PresharedKey: an empty file removes it" } },
	{ .name = "wg(8): allowed-ips with a sign, or without any",
		.files = { "ip link add wg0 type wireguard\n"
			   "wg set wg0 peer " KEY_B " allowed-ips '10.8.0.0/16, 10.7.0.1/32 "
			   ",10.5.0.0/16'\nwg set wg0 peer " KEY_B
			   " allowed-ips +10.9.0.0/16,-10.7.0.1,10.6.0.0/16\n"
			   "wg set wg0 peer " KEY_B " allowed-ips -10.8.0.0/16\n"
			   "wg set wg0 peer " KEY_C " allowed-ips 10.1.0.0/16\n"
			   "wg set wg0 peer " KEY_C " allowed-ips ''\n" },
		.formats = { "shell script" },
		.site = "[Interface]\nName = wg0\nTable = off\n[Peer]\nPublicKey = " KEY_B
			"\nAllowedIPs = 10.5.0.0/16, 10.9.0.0/16, 10.6.0.0/16\n"
			"[Peer]\nPublicKey = " KEY_C "\n",
		.notes = { "1:2: dropped: AllowedIPs: line 3 removes 10.7.0.1",
			"1:2: dropped: AllowedIPs: line 4 removes 10.8.0.0/16",
			"1:5: dropped: AllowedIPs: line 6 replaces it",
			"1:6: dropped: AllowedIPs: an empty list removes them" },
		.public_c = true },
	{ .name = "wg(8): files that replace what was set, or add to it",
		.files = { "ip link add wg0 type wireguard\n"
			   "wg set wg0 listen-port 1 peer " KEY_C " allowed-ips 10.1.0.0/16\n"
			   "wg setconf wg0 /etc/wg0.conf\n"
			   "wg set wg0 listen-port 8172 peer " KEY_B " allowed-ips 10.9.0.0/16\n"
			   "wg addconf wg0 /etc/more.conf\n"
			   "wg showconf wg0\n" },
		.formats = { "shell script" },
		.site = "[Interface]\nName = wg0\nListenPort = 8172\nTable = "
			"off\n[Peer]\nPublicKey = " KEY_B "\nAllowedIPs = 10.9.0.0/16\n",
		.notes = { "1:2: dropped: ListenPort: line 3 replaces it",
			"1:3: dropped: name the file that it reads as well",
			"1:5: dropped: name the file that it reads as well",
			"1:6: dropped: it sets nothing" },
		.public_c = true },
	{ .name = "ip(8): what adds, and what replaces",
		.files = { "ip link add wg0 type wireguard\nip addr add 10.0.1.11/24 dev wg0\n"
			   "ip addr replace 10.0.1.12/24 dev wg0\nip link set wg0 mtu 1300\n"
			   "ip link set wg0 mtu 1380\nwg set wg0 peer " KEY_B
			   " allowed-ips 10.9.0.0/16,10.8.0.0/16\n"
			   "ip route add 10.9.0.0/16 dev wg0\nip route add 10.8.0.0/16 dev wg0\n"
			   "ip route replace 10.8.0.0/16 dev eth7\n"
			   "ip link add br0 type bridge\nip link add br1 type bridge\n"
			   "ip link set eth1 master br1\nip link set eth1 master br0\n"
			   "ip l2tp add tunnel tunnel_id 3939 peer_tunnel_id 3940 local 10.0.1.11 "
			   "remote 10.0.1.21\nip l2tp add session tunnel_id 3939 session_id 3941 "
			   "peer_session_id 3942\nip link set l2tpeth0 master br1\n"
			   "ip link set l2tpeth0 master br0\n"
			   "ip addr add dev br0 10.0.2.11/24\n"
			   "bridge link set dev l2tpeth0 isolated on\n"
			   "bridge link set dev l2tpeth0 isolated off\n" },
		.formats = { "shell script" },
		.site = "[Interface]\nName = wg0\nMTU = 1380\nAddress = 10.0.1.11/24, "
			"10.0.1.12/24\n"
			"Table = off\n[Peer]\nPublicKey = " KEY_B
			"\nAllowedIPs = 10.9.0.0/16, 10.8.0.0/16\n" SITE_L2TP SITE_SESSION
				SITE_BRIDGE,
		.notes = { "1:4: dropped: mtu: line 5 replaces it",
			"1:8: dropped: route: line 9 replaces it",
			"1:12: dropped: master: line 13 replaces it",
			"1:16: dropped: master: line 17 replaces it" } },
	{ .name = "the address of a peer is a route",
		.files = { "ip link add name wg0 type wireguard\n"
			   "ip addr add 10.0.0.1 peer 10.0.0.2 dev wg0\n"
			   "wg set wg0 peer " KEY_B " allowed-ips 10.0.0.2/32\n" },
		.formats = { "shell script" },
		.site = "[Interface]\nName = wg0\nAddress = 10.0.0.1/32\n[Peer]\nPublicKey = " KEY_B
			"\nAllowedIPs = 10.0.0.2/32\n",
		.notes = { "1:2: imported: [Interface] Address = 10.0.0.1",
			"the route to 10.0.0.2: it follows from AllowedIPs" } },
	{ .name = "name servers by resolvconf",
		.files = { "ip link add wg0 type wireguard\n"
			   "/sbin/resolvconf -a wg0 -m 0 <<E\nnameserver 10.0.0.1\n# no\n"
			   "nameserver 10.0.0.2\nsearch a.example\noptions edns0\nE\n"
			   "echo nameserver 10.0.0.3 | resolvconf -x -a wg0\n"
			   "printf 'nameserver %s\\n' 10.0.0.4 10.0.0.5 | resolvconf -a wg0\n"
			   "echo \"nameserver 10.0.0.6\nsearch b.example\" | resolvconf -a wg0\n"
			   "cat /etc/servers | resolvconf -a wg0\n" },
		.formats = { "shell script" },
		.site = "[Interface]\nName = wg0\nDNS = 10.0.0.1, 10.0.0.2, a.example, 10.0.0.3, "
			"10.0.0.4, 10.0.0.5, 10.0.0.6, b.example\n",
		.notes = { "\"options\" has no counterpart",
			"dropped: the script does not contain the name servers" } },
};
