# SPDX-License-Identifier: MIT
"""A TCP stream through the reference network in a guest, whose lines and segments are counted at both ends."""

from lib.runner import wait_for

# A TCP stream of numbered lines from member01 to member02, which go on until there is /tmp/stop. Its packets are counted
# at both ends; those that member01 sends where the gateway receives them, as TCP passes several segments on at once.
# The receiver checks the numbers.
STREAM = """
rm -f /tmp/stop /tmp/stream.out
ip netns exec vpn01 nft -f - <<'RULES'
table netdev stream {{
	chain in {{
		type filter hook ingress device eth1 priority 0;
		tcp dport 7001 counter
	}}
}}
RULES
for n in 1 2; do
	ip netns exec member0$n ethtool -K eth0 tso off gso off gro off >/dev/null
	ip netns exec member0$n nft -f - <<'RULES'
table ip stream {{
	chain out {{
		type filter hook output priority 0;
		tcp sport 7001 counter
	}}
	chain in {{
		type filter hook prerouting priority 0;
		tcp dport 7001 counter
		tcp sport 7001 counter
	}}
}}
RULES
done
ip netns exec member02 sysctl -q -w net.ipv4.tcp_rmem="4096 65536 131072" # fewer segments at once than a queue takes
cat >/tmp/check.awk <<'EOF'
$1 != NR {{ wrong = 1 }}
END {{ print NR, "lines", wrong + 0, "wrong" }}
EOF
sleep 900 | ip netns exec member02 busybox nc -l -p 7001 2>/dev/null | busybox awk -f /tmp/check.awk >/tmp/stream.out &
for try in $(seq 600); do
	ip netns exec member02 grep -q ':1B59 .* 0A ' /proc/net/tcp /proc/net/tcp6 && break
	sleep 0.1
done
(
	n=0
	while ! [ -e /tmp/stop ]; do
		busybox seq $((n + 1)) $((n + 2000))
		n=$((n + 2000))
		sleep 0.05
	done
) | ip netns exec member01 busybox nc {far} 7001 >/dev/null 2>&1 &
"""

STREAM_RESULT = """
touch /tmp/stop
for try in $(seq 600); do
	grep -q lines /tmp/stream.out && break
	sleep 0.1
done
cat /tmp/stream.out
ip netns exec vpn01 nft list table netdev stream >/tmp/counts
for n in 1 2; do
	ip netns exec member0$n nft list table ip stream >>/tmp/counts
done
sed -n 's/.*packets \\([0-9]*\\) .*/\\1/p' /tmp/counts
"""


def start_stream(guest, far):
    """Begin a stream from member01 to the address `far` of member02."""
    guest.sh(STREAM.format(far=far), timeout=90)


def stream_result(guest):
    """End the stream. Return: the segments that it had; all lines and segments have arrived."""

    def counts():
        out = guest.sh(STREAM_RESULT, timeout=90).out.split()
        assert out[1:4] == ["lines", "0", "wrong"] and len(out) == 11, out
        # what the first gateway gets; then of each member: sent back, received of both directions
        sent, _, _, back, sent_back, received, _ = [int(word) for word in out[4:]]
        return int(out[0]), sent, received, sent_back, back

    def arrived():
        last[:] = counts()
        return last[1] == last[2] and last[3] == last[4]

    last = []
    try:
        wait_for(arrived, 60, 0.5, "each segment to arrive")  # the last acknowledgement may come later
    except AssertionError as e:
        raise AssertionError(f"{e}: {last}") from e
    lines, sent, *_ = last
    assert lines >= 4000 and sent >= 20, last
    guest.sh(
        "ip netns exec vpn01 nft delete table netdev stream\n"
        "for n in 1 2; do ip netns exec member0$n nft delete table ip stream; done"
    )
    return sent
