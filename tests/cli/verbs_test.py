#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The command line: verbs and their help, exit codes, keys, validate, init, script, and the completeness of the man
pages."""

import contextlib
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..")
sys.path.insert(0, os.path.join(HERE, ".."))
from lib import defaults
from lib.runner import Skip, Suite, cleanup
from lib.wirespan import find_binary

# A key pair made by wg(8), the reference for both directions.
PRIVATE = "+KR6xCvxk3MZ1Y/4a8R5sXS5I2mNzVZoa3Yox5n6qG0="
PUBLIC = "DaHajLVjyDp0Vezvo5iciZSJztA71HlOAtPezaGR8XU="
KEY = re.compile(r"^[A-Za-z0-9+/]{43}=\n$")


class Bench:
    """The binary, and a working folder."""

    def __init__(self):
        self.binary = find_binary()
        self.folder = cleanup.enter_context(tempfile.TemporaryDirectory(prefix="wirespan-test-"))
        os.chmod(self.folder, 0o755)

    def run(self, *words, stdin="", env=None):
        """Run `wirespan WORDS` in the folder. Return: exit status, standard output, standard error."""
        result = subprocess.run(
            [self.binary, *words], input=stdin, cwd=self.folder, env=env, capture_output=True, text=True, timeout=120
        )
        return result.returncode, result.stdout, result.stderr

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text, mode=0o600):
        with open(self.path(name), "w") as file:
            file.write(text)
        os.chmod(self.path(name), mode)

    def read(self, name):
        with open(self.path(name)) as file:
            return file.read()

    def verbs(self):
        """The verbs in the program's own table."""
        status, out, _ = self.run("--help")
        assert status == 0
        verbs = re.findall(r"^  wirespan ([a-z]+)  ", out, re.M)
        assert len(verbs) > 8, out
        return verbs


def page(name):
    with open(os.path.join(ROOT, "doc", name)) as file:
        return file.read()


def help_for_each_verb(bench):
    for verb in bench.verbs():
        by_option = bench.run(verb, "--help")
        assert by_option[0] == 0 and by_option[2] == "", (verb, by_option)
        assert by_option[1].startswith(f"wirespan {verb}: "), by_option
        assert f"\nUsage: wirespan {verb}" in by_option[1], by_option
        assert bench.run("help", verb) == by_option
        assert bench.run(verb, "-h") == by_option
        assert all(len(line) <= 90 for line in by_option[1].splitlines()), by_option
    assert bench.run("help") == bench.run("--help") == bench.run("-h")


def version(bench):
    status, out, err = bench.run("--version")
    assert status == 0 and re.fullmatch(r"wirespan \d+\.\d+\.\d+(-rc\d+)?\n", out), out
    assert bench.run("version") == (status, out, err)


def usage(bench):
    status, out, err = bench.run()
    assert (status, out) == (2, "") and "Usage:" in err
    for words, problem in [
        (["vaildate"], 'did you mean "validate"?'),
        (["gen-key"], 'did you mean "genkey"?'),
        (["frobnicate"], 'there is no verb "frobnicate"'),
        (["help", "statsu"], 'did you mean "status"?'),
        (["validate"], "name a configuration file"),
        (["validate", "--frob", "x"], "--frob"),
        (["up", "--deamon", "x"], 'wirespan up: did you mean "--detach"?'),
        (["up", "x", "--verbos=1x"], "doesn't allow an argument"),
        (["up", "--vrebose", "x"], 'wirespan up: did you mean "--verbose"?'),
        (["status", "--jsno=1"], 'wirespan status: did you mean "--json"?'),
        (["init", "--bridge", "x"], "unrecognized option '--bridge'\nTry"),
        (["init", "--site"], "requires an argument\nTry"),
        (["genkey", "x"], "takes no arguments"),
        (["pubkey", PRIVATE], "takes no arguments"),
        (["script"], "name one configuration file"),
        (["script", "a", "b"], "name one configuration file"),
        (["script", "-u", "9", "a"], "--underlay takes an MTU"),
        (["init"], "two or more sites"),
        (["init", "--site", "a"], "two or more sites"),
        (["init", "--site", "../a", "--site", "b"], "starts with a name"),
        (["init", "--site", "a,color=red", "--site", "b"], "an unknown key"),
        (["init", "--site", "a,member=a/b", "--site", "b"], "a character that"),
        (["init", "--site", "a,endpoint=x:0", "--site", "b"], "port"),
        (["init", "--site", "a,bridge=10.0.0.1", "--site", "b"], "with its subnet"),
        (["init", "--site", "a,join=all", "--site", "b"], "a name that the kernel reserves"),
        (["init", "--site", "a,join=br0,bridge=10.0.0.1/24", "--site", "b"], "leave out join or bridge"),
        (["init", "x"], "is no option"),
        (["mtu", "a", "b"], "at most"),
        (["up"], "name one configuration"),
    ]:
        status, out, err = bench.run(*words)
        assert (status, out) == (2, ""), (words, status, out, err)
        assert problem in err and "--help" in err, (words, err)


def full_disk(bench):
    if not os.path.exists("/dev/full"):
        raise Skip("there is no /dev/full")
    for words in (["genkey"], ["--help"]):
        with open("/dev/full", "w") as full:
            result = subprocess.run([bench.binary, *words], stdout=full, stderr=subprocess.PIPE, text=True, timeout=120)
        assert result.returncode == 1 and "standard output" in result.stderr, (words, result)


def keys(bench):
    made = set()
    for verb in ("genkey", "genpsk"):
        for _ in range(20):
            status, out, err = bench.run(verb)
            assert status == 0 and KEY.match(out) and err == "", (verb, out, err)
            made.add(out)
    assert len(made) == 40
    assert bench.run("pubkey", stdin=PRIVATE + "\n") == (0, PUBLIC + "\n", "")
    for text in (PRIVATE, f"  {PRIVATE} \n\n", f"{PRIVATE}\r\n"):
        assert bench.run("pubkey", stdin=text)[1] == PUBLIC + "\n", text
    for text in ("", "x", PRIVATE[:-1], PRIVATE[:-2] + "=", PRIVATE.replace("+", "-"), "=" * 44):
        status, out, err = bench.run("pubkey", stdin=text)
        assert (status, out) == (1, "") and "Key is not the correct length or format" in err, (text, err)
    for text in (PRIVATE + "x", PRIVATE + "\n" + PRIVATE, PRIVATE + " " * 5000):
        status, out, err = bench.run("pubkey", stdin=text)
        assert (status, out) == (1, "") and "Trailing characters" in err, (text, err)


def keys_as_wg(bench):
    if not shutil.which("wg"):
        raise Skip("wg is not installed")
    for _ in range(50):
        key = bench.run("genkey")[1]
        wg = subprocess.run(["wg", "pubkey"], input=key, capture_output=True, text=True, check=True)
        assert bench.run("pubkey", stdin=key)[1] == wg.stdout


def key_file_warning(bench):
    for mode, warned in ((0o644, True), (0o600, False)):
        path = bench.path("out.key")
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
            os.chmod(path, mode)
            result = subprocess.run([bench.binary, "genkey"], stdout=out, stderr=subprocess.PIPE, text=True, timeout=120)
        assert result.returncode == 0 and KEY.match(bench.read("out.key"))
        assert ("world accessible" in result.stderr) == warned, (oct(mode), result.stderr)


def validate(bench):
    examples = [os.path.join(ROOT, "examples", name) for name in ("vpn01.conf", "vpn02.conf")]
    status, out, err = bench.run("validate", "--offline", *examples)
    assert status == 0 and out.count(": fine: 1 peer, 1 tunnel, 1 session, 1 bridge") == 2, (out, err)
    assert ": error: " not in err, err
    bench.write("bad.conf", "[Interface]\nListnPort = 1\n[Bridge]\nMember = nosuch0\n")
    status, out, err = bench.run("validate", "bad.conf")
    assert status == 1 and out.startswith("bad.conf: "), out
    assert 'bad.conf:2: error: unknown key "ListnPort" in [Interface]\n    did you mean "ListenPort"?\n' in err, err
    assert 'bad.conf:4: warning: Member: there is no interface "nosuch0" on this host yet\n' in err, err
    status, out, err = bench.run("validate", "--offline", "bad.conf")
    assert "nosuch0" not in err
    status, out, err = bench.run("validate", "nonexistent.conf", *examples)
    assert status == 1 and "cannot read nonexistent.conf: No such file" in err
    status, out, err = bench.run("validate", "no-such-name-anywhere")
    assert status == 1 and "/etc/wirespan/no-such-name-anywhere.conf" in err


def secrets_stay(bench):
    """A misplaced key in a file is never shown in a message."""
    for text in (
        f"{PRIVATE}\n",
        f"[Interface]\n{PRIVATE}\n",
        f"[Interface]\nListenPort = {PRIVATE}\n",
        f"[{PRIVATE}]\n",
    ):
        bench.write("leak.conf", text)
        for words in (["validate"], ["script"], ["mtu"], ["up"]):
            status, out, err = bench.run(*words, "leak.conf")
            expected = 2 if words == ["up"] else 1  # a service manager does not repeat it
            assert status == expected and PRIVATE[:8] not in out + err, (words, text, out, err)


def init_pair(bench):
    folder = bench.path("pair")
    os.mkdir(folder)
    status, out, err = bench.run(
        "init", "-d", folder, "-p",
        "--site", "a,endpoint=192.0.2.1:8172,member=eth1,bridge=10.0.2.11/24,address=10.0.1.11/24",
        "--site", "b,endpoint=vpn.example.org,join=vmbr0,member=eth1,member=eth2,address=10.0.1.21/24",
    )  # fmt: skip
    assert (status, err) == (0, ""), err
    a, b = bench.read("pair/a.conf"), bench.read("pair/b.conf")
    for text, name in ((a, "a"), (b, "b")):
        assert stat.S_IMODE(os.stat(os.path.join(folder, f"{name}.conf")).st_mode) == 0o600
        assert bench.run("validate", "--offline", os.path.join(folder, f"{name}.conf"))[0] == 0
        assert value(text, "PrivateKey") not in out

    assert bench.run("pubkey", stdin=value(a, "PrivateKey"))[1].strip() == value(b, "PublicKey")
    assert bench.run("pubkey", stdin=value(b, "PrivateKey"))[1].strip() == value(a, "PublicKey")
    assert value(a, "PresharedKey") == value(b, "PresharedKey")
    peers = [text.split("[Peer]")[1].split("[L2TP]")[0] for text in (a, b)]
    assert [value(peer, "Name") for peer in peers] == ["b", "a"], peers
    assert (value(a, "Endpoint"), value(b, "Endpoint")) == ("vpn.example.org:51820", "192.0.2.1:8172")
    assert (value(a, "ListenPort"), value(b, "ListenPort")) == ("8172", "51820")
    assert (value(a, "AllowedIPs"), value(b, "AllowedIPs")) == ("10.0.1.21/32", "10.0.1.11/32")
    for ours, theirs in (("TunnelId", "PeerTunnelId"), ("SessionId", "PeerSessionId"), ("Local", "Remote")):
        assert value(a, ours) == value(b, theirs) and value(b, ours) == value(a, theirs), (ours, a, b)
    assert "\nName = vmbr0\nMember = eth1\nMember = eth2\nAdopt = yes\n" in b and "Adopt" not in a
    assert "\nAddress = 10.0.2.11/24\n" in a


def value(text, key):
    found = re.findall(rf"^{key} = (.*)$", text, re.M)
    assert len(found) == 1, (key, text)
    return found[0]


def init_many(bench):
    sites = [word for n in range(1, 5) for word in ("--site", f"s{n},endpoint=192.0.2.{n}")]
    for option, wires, mesh in (("--psk", [3, 1, 1, 1], False), ("--mesh", [3, 3, 3, 3], True)):
        folder = bench.path("many" + option)
        os.mkdir(folder)
        assert bench.run("init", "--dir", folder, option, *sites)[0] == 0
        for n, count in enumerate(wires, 1):
            path = os.path.join(folder, f"s{n}.conf")
            text = bench.read(path)
            assert bench.run("validate", "--offline", path) == (0, out_of(bench, path), "")
            assert text.count("[Peer]") == text.count("[L2TP]") == text.count("[L2TPSession]") == count, text
            assert "STP" not in text and text.count("SplitHorizon = yes") == (3 if mesh else 0), text
            if mesh:
                bench.write("loop.conf", text.replace("SplitHorizon = yes\n", ""))
                status, out, err = bench.run("validate", "--offline", "loop.conf")
                assert "is a loop if their sites are wired to each other" in out + err, (status, out, err)


def out_of(bench, path):
    return bench.run("validate", "--offline", path)[1]


def init_loses_nothing(bench):
    folder = bench.path("full")
    os.mkdir(folder)
    bench.write("full/b.conf", "mine\n")
    words = ["init", "-d", folder, "--site", "a,endpoint=::1", "--site", "b"]
    status, out, err = bench.run(*words)
    assert (status, out) == (1, "") and "full/b.conf is there already: nothing was written" in err, err
    assert os.listdir(folder) == ["b.conf"] and bench.read("full/b.conf") == "mine\n"
    assert bench.run(*words, "--force")[0] == 0
    assert sorted(os.listdir(folder)) == ["a.conf", "b.conf"]
    assert "Endpoint = [::1]:51820\n" in bench.read("full/b.conf")
    assert stat.S_IMODE(os.stat(os.path.join(folder, "b.conf")).st_mode) == 0o600
    status, out, err = bench.run("init", "-d", bench.path("nowhere"), "--site", "a,endpoint=::1", "--site", "b")
    assert (status, out) == (1, "") and "cannot write" in err, err
    for sites, problem in [
        (["a", "b"], "neither a nor b has an endpoint"),
        (["a,endpoint=::1", "a"], "two sites are called a"),
        (["a,endpoint=::1,bridge=10.20.30.9/24", "b"], "overlaps"),
        (["a,endpoint=::1,address=10.1.0.1/24", "b,address=10.1.0.1/24"], "own address"),
    ]:
        other = bench.path("other")
        os.makedirs(other, exist_ok=True)
        status, out, err = bench.run("init", "-d", other, *[word for site in sites for word in ("--site", site)])
        assert (status, out) == (1, "") and problem in err, (sites, out, err)
        assert os.listdir(other) == [], sites
    status, out, err = bench.run("init", "-t", "10.0.0.0/30", "-d", other, *["-sa,endpoint=::1", "-sb", "-sc"])
    assert status == 1 and "no address left for c" in err, err


FULL = f"""[Interface]
PrivateKey = {PRIVATE} # secret
ListenPort = 8172
Address = 10.0.1.11/24, fd00::1/64
MTU = 1400
FwMark = 0x10
DNS = example.org, 10.0.0.53, example.com
PreUp = echo "pre %i"
PostDown = echo post %i # a comment
[Peer]
PublicKey = plQhgah/od+4eyAutHMahlotYnHdMg3A2m7MGNzSqSo=
PresharedKeyFile = psk file
Endpoint = [2001:db8::1]:8172
AllowedIPs = 10.0.1.21/32, 10.9.0.0/16, ::/0
[L2TP]
TunnelId = 1
PeerTunnelId = 2
Remote = 10.0.1.21
UDPChecksum = yes
[L2TPSession]
SessionId = 3
PeerSessionId = 4
Layer2SpecificHeader = none
Cookie = 01020304
PeerCookie = 0102030405060708
SplitHorizon = yes
[L2TP]
TunnelId = 5
PeerTunnelId = 6
Remote = fd00::2
EncapsulationType = ip
[L2TPSession]
SessionId = 7
PeerSessionId = 8
Sequence = both
MTU = 1500
[Bridge]
Address = 10.0.2.11/24
Member = eth1
STP = yes
MulticastSnooping = yes
ForwardControl = lldp, eapol
"""


class Shell:
    """Runs a script with fake ip, wg and other programs, which record their arguments."""

    def __init__(self, bench, fail=""):
        self.bench = bench
        self.bin = bench.path("bin")
        os.makedirs(self.bin, exist_ok=True)
        self.log = bench.path("calls")
        for name in ("ip", "wg", "modprobe", "sysctl", "resolvconf"):
            bench.write(
                f"bin/{name}",
                "#!/bin/sh\n"
                f'case "{name} $*" in "ip link show"*) exit 1 ;; esac\n'
                f'echo "{name} $*" >>"{self.log}"\n'
                f'case "$*" in */dev/stdin*|"-a "*) sed "s/^/< /" >>"{self.log}" ;; esac\n'
                f'case "{name} $*" in {fail or "never"}) exit 1 ;; esac\n',
                mode=0o755,
            )

    def run(self, script, verb):
        """Return: exit status, output, and the recorded calls."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.log)
        env = {**os.environ, "PATH": f"{self.bin}:{os.environ['PATH']}"}
        result = subprocess.run(["sh", script, verb], env=env, cwd="/", capture_output=True, text=True, timeout=120)
        calls = self.bench.read("calls").splitlines() if os.path.exists(self.log) else []
        return result.returncode, result.stdout + result.stderr, calls


def make_script(bench, *options):
    bench.write("full.conf", FULL)
    bench.write("psk file", PUBLIC + "\n")
    status, out, err = bench.run("script", *options, "full.conf")
    assert status == 0 and ": error: " not in err, err
    bench.write("full.sh", out)
    return out


def script_up(bench):
    text = make_script(bench)
    assert PRIVATE not in text and PUBLIC not in text, "no key unless asked"
    status, out, calls = Shell(bench).run(bench.path("full.sh"), "up")
    assert (status, out) == (0, "pre wg0\n"), (out, calls)
    assert (
        calls
        == f"""ip link add wg0 type wireguard
wg set wg0 private-key /dev/stdin
< {PRIVATE}
wg set wg0 listen-port 8172
wg set wg0 fwmark 0x10
wg set wg0 peer plQhgah/od+4eyAutHMahlotYnHdMg3A2m7MGNzSqSo= endpoint [2001:db8::1]:8172 allowed-ips 10.0.1.21/32,10.9.0.0/16,::/0
wg set wg0 peer plQhgah/od+4eyAutHMahlotYnHdMg3A2m7MGNzSqSo= preshared-key {os.path.realpath(bench.folder)}/psk file
ip address add 10.0.1.11/24 dev wg0
ip address add fd00::1/64 dev wg0
ip link set wg0 mtu 1400 up
resolvconf -a wg0 -m 0 -x
< nameserver 10.0.0.53
< search example.org example.com
ip -4 route add 10.9.0.0/16 dev wg0
ip -6 route add default dev wg0 table 16
ip -6 rule add not fwmark 16 table 16
ip -6 rule add table main suppress_prefixlength 0
modprobe -qa l2tp_eth l2tp_ip l2tp_ip6
ip l2tp add tunnel tunnel_id 1 peer_tunnel_id 2 local 10.0.1.11 remote 10.0.1.21 encap udp udp_sport 1701 udp_dport 1701 udp_csum on
ip l2tp add session name l2tpeth0 tunnel_id 1 session_id 3 peer_session_id 4 l2spec_type none cookie 01020304 peer_cookie 0102030405060708
ip link set l2tpeth0 mtu 1342 up
ip l2tp add tunnel tunnel_id 5 peer_tunnel_id 6 local fd00::1 remote fd00::2 encap ip
ip l2tp add session name l2tpeth1 tunnel_id 5 session_id 7 peer_session_id 8 seq both
ip link set l2tpeth1 mtu 1500 up
ip link add br-l2tp0 type bridge stp_state 1 forward_delay 1500 mcast_snooping 1
ip link set eth1 master br-l2tp0
ip link set eth1 type bridge_slave group_fwd_mask 0x4008
ip link set eth1 up
ip link set l2tpeth0 master br-l2tp0
ip link set l2tpeth0 type bridge_slave isolated on mcast_router 2 group_fwd_mask 0x4008
ip link set l2tpeth1 master br-l2tp0
ip link set l2tpeth1 type bridge_slave mcast_router 2 group_fwd_mask 0x4008
ip address add 10.0.2.11/24 dev br-l2tp0
ip link set br-l2tp0 up""".splitlines()
    ), "\n".join(calls)


DOWN = """ip link delete br-l2tp0
ip l2tp del session tunnel_id 5 session_id 7
ip l2tp del tunnel tunnel_id 5
ip l2tp del session tunnel_id 1 session_id 3
ip l2tp del tunnel tunnel_id 1
resolvconf -d wg0 -f
ip -6 rule delete table 16
ip -6 rule delete table main suppress_prefixlength 0
ip link delete wg0""".splitlines()


def script_down(bench):
    make_script(bench)
    status, out, calls = Shell(bench).run(bench.path("full.sh"), "down")
    assert (status, out, calls) == (0, "post wg0\n", DOWN), (out, calls)
    status, out, calls = Shell(bench).run(bench.path("full.sh"), "")
    assert (status, calls) == (2, []) and "usage" in out


def script_adopted(bench):
    """A bridge of another program is joined, and nothing of it is made, changed or deleted."""
    bridge = "[Bridge]\nName = vmbr0\nAdopt = yes\nMember = eth1, eth2\nForwardControl = lldp\n"
    bench.write("adopt.conf", FULL[: FULL.index("[Bridge]")] + bridge)
    bench.write("psk file", PUBLIC + "\n")
    status, out, err = bench.run("script", "adopt.conf")
    assert status == 0 and ": error: " not in err, err
    links = bench.path("links")
    bench.write("adopt.sh", out.replace("/sys/class/net", links))
    status, output, calls = Shell(bench).run(bench.path("adopt.sh"), "up")
    assert status == 1 and "there is no bridge vmbr0" in output, (output, calls)
    for folder in ("bridge", "brif/eth1"):
        os.makedirs(os.path.join(links, "vmbr0", folder))
    bench.write("links/vmbr0/address", "02:00:00:00:00:07\n")
    bench.write("links/vmbr0/mtu", "9000\n")
    status, output, calls = Shell(bench).run(bench.path("adopt.sh"), "up")
    assert status == 0, (output, calls)
    joins = """ip link set eth2 master vmbr0
ip link set eth2 type bridge_slave group_fwd_mask 0x4000
ip link set eth2 up
ip link set l2tpeth0 address 02:00:00:00:00:07 mtu 9000
ip link set l2tpeth0 master vmbr0
ip link set l2tpeth0 type bridge_slave isolated on mcast_router 2 group_fwd_mask 0x4000
ip link set l2tpeth1 address 02:00:00:00:00:07 mtu 9000
ip link set l2tpeth1 master vmbr0
ip link set l2tpeth1 type bridge_slave mcast_router 2 group_fwd_mask 0x4000""".splitlines()
    assert calls[-len(joins) :] == joins, "\n".join(calls)
    status, output, down = Shell(bench).run(bench.path("adopt.sh"), "down")
    assert (status, down) == (0, DOWN[1:]), (output, down)


def script_failure(bench):
    """If a step fails, the steps before it are undone."""
    make_script(bench)
    status, out, calls = Shell(bench, fail='"ip link set l2tpeth0 mtu"*').run(bench.path("full.sh"), "up")
    assert status == 1 and calls[-len(DOWN) :] == DOWN, (status, out, calls)
    assert calls[-len(DOWN) - 1] == "ip link set l2tpeth0 mtu 1342 up", calls


def script_with_keys(bench):
    text = make_script(bench, "--keys")
    assert text.count(PRIVATE) == 1 and text.count(PUBLIC) == 1
    os.unlink(bench.path("full.conf"))
    os.unlink(bench.path("psk file"))
    status, out, calls = Shell(bench).run(bench.path("full.sh"), "up")
    assert status == 0 and f"< {PRIVATE}" in calls and f"< {PUBLIC}" in calls, (out, calls)
    assert not [call for call in calls if call[0] != "<" and (PRIVATE in call or PUBLIC in call)], calls


def script_mtu(bench):
    example = os.path.join(ROOT, "examples", "vpn01.conf")
    for underlay, wg, session in ((1500, 1440, 1386), (1492, 1432, 1378), (1454, 1394, 1340)):
        out = bench.run("script", "--underlay", str(underlay), example)[1]
        assert f"\tip link set wg0 mtu {wg} up\n" in out and f"\tip link set l2tpeth0 mtu {session} up\n" in out, out


def man_page_verbs(bench):
    text = page("wirespan.8.scd")
    for verb in bench.verbs():
        assert f"*wirespan {verb}*" in text, f"wirespan(8) has no {verb}"
        options = re.findall(r"(?<![-\w])--[a-z][a-z0-9-]+", bench.run("help", verb)[1])
        for option in options:
            assert option in text, f"wirespan(8) has no {option} of {verb}"


def man_page_keys(bench):
    text = page("wirespan.conf.5.scd")
    with open(os.path.join(ROOT, "src", "conf", "keys.c")) as file:
        keys = re.findall(r'^\t(?:KEY|LIST|WORDS|EMPTY)\(.*?"([A-Za-z0-9]+)"', file.read(), re.M)
    assert len(keys) > 40, keys
    for key in keys:
        assert f"*{key}*" in text, f"wirespan.conf(5) has no {key}"


def man_page_example(bench):
    example = page("wirespan.conf.5.scd").split("```\n")[1]
    bench.write("man.conf", example)
    assert bench.run("validate", "--offline", "man.conf") == (
        0,
        "man.conf: fine: 1 peer, 1 tunnel, 1 session, 1 bridge\n",
        "",
    )


# A file of a site with only the required keys; and changes of it: name, what becomes what, whether it is right then.
BASE = f"""
[Site]
[Interface]
PrivateKey = {PRIVATE}
Address = 10.0.1.11/24
Address = fd00:1::11/64
[Peer]
PublicKey = plQhgah/od+4eyAutHMahlotYnHdMg3A2m7MGNzSqSo=
Endpoint = 192.168.122.32:8172
AllowedIPs = 10.0.1.21/32, fd00:1::21/128, 10.9.9.9/32
[L2TP]
TunnelId = 3939
PeerTunnelId = 3940
Remote = 10.0.1.21
[L2TPSession]
SessionId = 3941
PeerSessionId = 3942
[Bridge]
"""
BASES = (
    ("IPv4", "", "", True),
    ("IPv6 inside", "Remote = 10.0.1.21", "Remote = fd00:1::21", True),
    ("EncapsulationType = ip", "[L2TP]\n", "[L2TP]\nEncapsulationType = ip\n", True),
    ("no sublayer", "[L2TPSession]\n", "[L2TPSession]\nLayer2SpecificHeader = none\n", True),
    ("one address of Remote's kind, elsewhere", "Remote = 10.0.1.21", "Remote = 10.9.9.9", True),
    ("no address of Remote's kind", "Address = 10.0.1.11/24\n", "", False),
    ("no address in Remote's subnet", "10.0.1.11/24\n", "10.7.7.7/24, 10.8.8.8/24\n", False),
    ("no address at all", "Address = 10.0.1.11/24\nAddress = fd00:1::11/64\n", "", False),
    ("a peer without ranges", "AllowedIPs = 10.0.1.21/32, fd00:1::21/128, 10.9.9.9/32\n", "", False),
    ("a site that is called", "Endpoint = 192.168.122.32:8172\n", "", True),
)


def meaning(bench, text, verbs=True):
    """Return: what the file means to the parser, and to validate, script and mtu; line numbers left out."""
    bench.write("one.conf", text)
    tool = os.path.join(os.environ.get("WIRESPAN_BUILD") or os.path.join(ROOT, "build"), "tests", "tools", "canonical")
    if not os.access(tool, os.X_OK):
        raise Skip("tests/tools/canonical is not built")
    canonical = subprocess.run([tool, bench.path("one.conf")], capture_output=True, text=True, timeout=120)
    runs = [(canonical.returncode, canonical.stdout, canonical.stderr)]
    for words in (("validate", "--offline"), ("script", "--keys"), ("mtu",)) if verbs else ():
        runs.append(bench.run(*words, "one.conf"))
    return [(status, plain_text(out), plain_text(err)) for status, out, err in runs]


def plain_text(text):
    """Return: the text without line numbers; a key that is written out has another name than a missing one."""
    text = re.sub(r":\d+: ", ": ", text)
    text = text.replace("Local: auto finds none, because no Address", "[L2TP] has no Local, and no Address")
    return text.replace("write Local = with one of", "add Local = with one of")


def written_out(bench):
    """A default that is written out means what its absence means: each by itself, and all of them."""
    table = defaults.documented()
    with_value = [where for where, value in table.items() if value is not None]
    assert len(with_value) > 30, with_value
    for name, old, new, is_right in BASES:
        assert old in BASE, name
        text = BASE.replace(old, new, 1)
        plain = meaning(bench, text)
        assert ("error:" not in plain[0][1]) == (plain[1][0] == 0) == is_right, (name, plain)
        for where in with_value:
            written = defaults.write_out(text, table, only=where)
            result = meaning(bench, written, verbs=False)
            assert result == plain[:1], f"{name}: {where} = {table[where]!r}: {result}"
        assert meaning(bench, defaults.write_out(text, table)) == plain, name


def every_word(bench):
    """Every word that the page gives as a value of a key is one."""
    count = 0
    for section, keys, words in defaults.words():
        for key in keys:
            for word in words:
                text = re.sub(f"^{key} = .*\n", "", BASE, flags=re.M)
                text = text.replace(f"[{section}]\n", f"[{section}]\n{key} = {word}\n", 1)
                text_out = meaning(bench, text, verbs=False)[0][1]
                assert f"error: {key}" not in text_out, (section, key, word, text_out)
                count += 1
    assert count > 20, count


def options_written_out(bench):
    """The same for options of verbs whose defaults wirespan(8) gives."""
    text = page("wirespan.8.scd")
    options = " ".join(re.search(r"sets another value: \*([^*]+)\*", text).group(1).split()).split()
    assert len(options) > 6, options
    plain = bench.run("mtu", "--json")
    assert plain[0] == 0 and bench.run("mtu", "--json", *options) == plain, options
    tunnel = re.search(r"Subnet for the addresses[^*]*\*([^*]+)\*", text).group(1)
    folder = re.search(r"Where to write the files[^*]*\*([^*]+)\*", text).group(1)
    port = re.search(r"default port:\s+\*([^*]+)\*", text).group(1)
    made = []
    for endpoint, *words in (["192.0.2.1"], [f"192.0.2.1:{port}", "--tunnel", tunnel, "--dir", folder]):
        sites = ("--site", f"east,endpoint={endpoint},member=eth1", "--site", "west,member=eth1")
        assert bench.run("init", "--force", *words, *sites)[0] == 0, words
        made.append([re.sub(r"Key = .*", "Key", bench.read(name)) for name in ("east.conf", "west.conf")])
    assert made[0] == made[1], made


def main():
    suite = Suite("verbs")
    bench = Bench()
    cases = [
        ("help for each verb", help_for_each_verb),
        ("version", version),
        ("invalid command lines", usage),
        ("output to a full disk", full_disk),
        ("genkey, genpsk, pubkey", keys),
        ("the same public keys as wg", keys_as_wg),
        ("warning about a readable key file", key_file_warning),
        ("validate", validate),
        ("no message shows a key", secrets_stay),
        ("init for two sites", init_pair),
        ("init for more sites", init_many),
        ("init loses nothing", init_loses_nothing),
        ("script, up", script_up),
        ("script, down", script_down),
        ("script, an adopted bridge", script_adopted),
        ("script, a failing step", script_failure),
        ("script with keys", script_with_keys),
        ("script, MTUs", script_mtu),
        ("wirespan(8) lists every verb and option", man_page_verbs),
        ("wirespan.conf(5) lists every key", man_page_keys),
        ("the example in wirespan.conf(5)", man_page_example),
        ("every default in wirespan.conf(5), written out", written_out),
        ("every word in wirespan.conf(5)", every_word),
        ("every default in wirespan(8), written out", options_written_out),
    ]
    for name, function in cases:
        suite.run(name, function, bench)
    suite.finish()


if __name__ == "__main__":
    main()
