# SPDX-License-Identifier: MIT
"""systemd-networkd as a gateway of the reference network in a guest, without the rest of systemd."""

from lib.reference import PORT

NETWORKD = "/usr/lib/systemd/systemd-networkd"


def networkd_files(near, far):
    """Return: {name: text} of the files by which systemd-networkd is the gateway `near`."""
    return {
        "wg0.netdev": f"""[NetDev]
Name=wg0
Kind=wireguard
[WireGuard]
PrivateKey={near.private}
ListenPort={PORT}
[WireGuardPeer]
PublicKey={far.public}
AllowedIPs={far.wg4}/32
Endpoint={far.underlay}:{PORT}
""",
        "wg0.network": f"""[Match]
Name=wg0
[Link]
MTUBytes=1440
[Network]
Address={near.wg4}/24
Tunnel=tunnel
""",
        "tunnel.netdev": f"""[NetDev]
Name=tunnel
Kind=l2tp
[L2TP]
TunnelId={near.tunnel}
PeerTunnelId={far.tunnel}
Local={near.wg4}
Remote={far.wg4}
EncapsulationType=udp
UDPSourcePort=1701
UDPDestinationPort=1701
[L2TPSession]
Name=l2tpeth0
SessionId={near.session}
PeerSessionId={far.session}
""",
        "bridge.netdev": "[NetDev]\nName=br-l2tp0\nKind=bridge\n",
        "bridge.network": f"[Match]\nName=br-l2tp0\n[Network]\nAddress={near.bridge4}/24\n",
        "ports.network": "[Match]\nName=l2tpeth0 eth1\n[Link]\nMTUBytes=1500\n[Network]\nBridge=br-l2tp0\n",
    }


# With a read-only /sys it waits for no udev. It runs as a user of its own.
RUN_NETWORKD = """
chmod 755 /run/systemd /run/systemd/network
chown -R systemd-network /run/systemd
chmod 644 /run/systemd/network/*
mount -o remount,ro /sys
SYSTEMD_LOG_TARGET=console /lib/systemd-networkd >/tmp/networkd.log 2>&1 &
echo $! >/tmp/networkd.pid
"""
