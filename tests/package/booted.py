#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The cases of package_test.py that run under systemd, in the container that it boots: one site under systemd, vpn01,
with a far end that systemd does not know in a namespace. They depend on each other, in this order."""

import contextlib
import grp
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, ".."))
from lib.runner import Suite, patience, wait_for

TOP = os.path.realpath(os.path.join(HERE, "..", ".."))
UNIT = "wirespan@vpn01.service"
FILE = "/etc/wirespan/vpn01.conf"
POLICY = "/usr/sbin/policy-rc.d"
DROP_IN = f"/run/systemd/system/{UNIT}.d/test.conf"
FAR = dict(os.environ, WIRESPAN_RUNDIR="/run/far", WIRESPAN_UAPI_FOLDER="/run/far-wg")
INTERFACES = ("wg0", "l2tpeth0", "br-l2tp0")


def run(*words, check=True, env=None):
    """Run a command. Return: (status, output)."""
    done = subprocess.run(
        words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
        timeout=patience(60), env=env,
    )  # fmt: skip
    assert not check or done.returncode == 0, f"{' '.join(words)}: status {done.returncode}\n{done.stdout}"
    return done.returncode, done.stdout


def show(name):
    """Return: a property of the unit."""
    return run("systemctl", "show", "--value", "-p", name, UNIT)[1].strip()


def pid():
    return int(show("MainPID"))


def interfaces():
    """Return: those of the site that exist."""
    return [name for name in INTERFACES if os.path.exists(f"/sys/class/net/{name}")]


def messages(*options):
    """Return: (priority, text) of each line that the site has written to the journal, newest boot."""
    out = run("journalctl", "-b", "-u", UNIT, "-o", "json", "--no-pager", *options)[1]
    entries = [json.loads(line) for line in out.splitlines() if line.startswith("{")]
    return [
        (int(entry["PRIORITY"]), entry["MESSAGE"])
        for entry in entries
        if entry.get("SYSLOG_IDENTIFIER") == "wirespan"
    ]


def mark():
    """Return: a cursor of the journal, for messages that follow it."""
    out = run("journalctl", "-b", "-n", "0", "--show-cursor", "--no-pager")[1]
    return out.rsplit("cursor: ", 1)[1].strip()


def carries():
    """A member reaches the far member."""

    def ping():
        words = ("ip", "netns", "exec", "member1", "ping", "-q", "-c", "1", "-W", "2", "10.0.2.22")
        return run(*words, check=False)[0] == 0

    wait_for(ping, 12, 0.2, "an answer of the far member")


def restarted(before):
    """Wait until systemd has started the site again. Return: its process."""
    return wait_for(
        lambda: pid() not in (0, before) and show("ActiveState") == "active" and pid(), 12, 0.2, "another process"
    )


def write(path, text, mode=0o600):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path, mode)


@contextlib.contextmanager
def changed(path, text):
    """A file with another text, which is restored."""
    with open(path, encoding="utf-8") as file:
        before = file.read()
    write(path, text(before))
    try:
        yield
    finally:
        write(path, before)


@contextlib.contextmanager
def drop_in(text):
    """Further settings of the unit."""
    write(DROP_IN, f"{text}\n", 0o644)
    run("systemctl", "daemon-reload")
    try:
        yield
    finally:
        os.unlink(DROP_IN)
        run("systemctl", "daemon-reload")


def network():
    """The reference network: vpn01 is the container itself."""
    for name in ("far", "member1", "member2"):
        run("ip", "netns", "add", name)
    run("ip", "link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", "far")
    run("ip", "link", "add", "eth1", "type", "veth", "peer", "name", "eth1", "netns", "member1")
    run("ip", "-n", "far", "link", "add", "eth1", "type", "veth", "peer", "name", "eth1", "netns", "member2")
    run("ip", "address", "add", "192.168.122.24/24", "dev", "eth0")
    run("ip", "-n", "far", "address", "add", "192.168.122.32/24", "dev", "eth0")
    run("ip", "link", "set", "eth0", "up")
    run("ip", "-n", "far", "link", "set", "eth0", "up")
    for number in (1, 2):
        run("ip", "-n", f"member{number}", "address", "add", f"10.0.2.{number}2/24", "dev", "eth1")
        run("ip", "-n", f"member{number}", "link", "set", "eth1", "up")


def install():
    """The package makes the folder, and neither enables nor starts anything."""
    run("dpkg", "--no-triggers", "-i", "/results/before.deb")
    assert os.stat("/etc/wirespan").st_mode & 0o7777 == 0o700 and not os.listdir("/etc/wirespan")
    assert not run("systemctl", "list-units", "--plain", "--no-legend", "wirespan@*")[1].strip()
    run("systemd-analyze", "verify", UNIT)
    listed = run("dpkg", "-L", "wirespan")[1].split()
    for path in (
        "/usr/sbin/wirespan", "/usr/sbin/wirespan-wg", "/usr/share/man/man8/wirespan.8.gz",
        "/usr/share/man/man5/wirespan.conf.5.gz", "/usr/share/doc/wirespan/examples/vpn01.conf",
        "/usr/share/doc/wirespan/start.md", "/usr/share/doc/wirespan/howto/mesh.md",
        "/usr/share/doc/wirespan/howto/mesh.svg",
    ):  # fmt: skip
        assert path in listed, path
    for site in ("vpn01", "vpn02"):
        shutil.copy(f"{TOP}/examples/{site}.conf", "/etc/wirespan/")
        os.chmod(f"/etc/wirespan/{site}.conf", 0o600)
    run("ip", "netns", "exec", "far", "wirespan", "up", "-d", "vpn02", env=FAR)


def autopkgtest():
    """debian/tests/ with the installed program; all of its cases run from the build folder, too."""
    os.chdir(TOP)
    out = run("debian/tests/reference-network", "--only", "ping", check=False)[1]
    assert "CASE PASS reference" in out and "CASE FAIL" not in out and "CASE SKIP" not in out, out


def start():
    run("systemctl", "enable", "--now", UNIT)
    assert show("ActiveState") == "active"
    assert interfaces() == list(INTERFACES)
    carries()
    wait_for(lambda: show("StatusText") == "running, 1 of 1 peers up", 12, 0.2, "the status with the peer")
    assert any(priority == 6 and "is up" in text for priority, text in messages()), messages()
    assert not [entry for entry in messages() if entry[0] < 4], messages()
    assert os.path.exists("/run/wirespan/vpn01.engine")  # the engine's start was found in /proc
    assert show("WatchdogUSec") == "1min" and show("WatchdogTimestampMonotonic") != "0"


def reload():
    before = pid()

    def addresses():
        return run("ip", "-o", "address", "show", "dev", "br-l2tp0")[1]

    with changed(FILE, lambda text: text.replace("Address = 10.0.2.11/24", "Address = 10.0.2.11/24, 10.9.9.1/24")):
        run("systemctl", "reload", UNIT)
        assert "10.9.9.1/24" in addresses()
    run("systemctl", "reload", UNIT)
    assert "10.9.9.1/24" not in addresses() and pid() == before
    with changed(FILE, lambda text: text.replace("TunnelId = 3939", "TunnelId = x")):
        assert run("systemctl", "reload", UNIT, check=False)[0] != 0
    assert pid() == before and show("ActiveState") == "active"
    carries()


def signalled(number):
    """Send a signal to the process of the site. Return: its number."""

    def send():
        target = pid()
        try:
            if target:
                os.kill(target, number)
        except ProcessLookupError:  # it is being started again, as the host has been too slow for the watchdog
            return 0
        return target

    return wait_for(send, 12, 0.2, "a process")


def exposure():
    """It is not above the figures in doc/security.md."""
    for unit, most in ((UNIT, 20), ("wirespan-guardian@0.service", 13), ("wirespan-packets@0.service", 12)):
        words = ("systemd-analyze", "security", "--no-pager", unit)
        assert "exposure level" in run(*words)[1]
        status, output = run(*words, f"--threshold={most}", check=False)
        assert status == 0, output


def report():
    return json.loads(run("wirespan", "status", "--json", "vpn01")[1])


def answer_times(lines):
    """Return: the times of ping's answers (-D), in seconds."""
    return [float(line[1:].split("]")[0]) for line in lines if line.startswith("[")]


def confined():
    """Return: the confined processes by role."""
    return {process["role"]: process for process in report()["processes"]}


def guardians():
    """Return: the units of confined processes that exist."""
    return run("systemctl", "list-units", "--all", "--plain", "--no-legend", "wirespan-guardian@*.service")[1].split("\n")[:-1]


def of_process(number):
    """Return: lines of /proc/PID/status, as a dictionary."""
    with open(f"/proc/{number}/status", encoding="utf-8") as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)


def users():
    """Each process has a user of its own, and what `status` lists is in force; the monitor cannot change users."""
    processes = confined()
    assert sorted(processes) == ["engine", "keys", "resolver"], processes
    assert len({process["user"] for process in processes.values()} | {0}) == 4, processes
    for process in processes.values():
        status = of_process(process["pid"])
        assert status["Uid"].split() == [str(process["user"])] * 4, status
        assert int(status["CapEff"], 16) == int(status["CapPrm"], 16) == int(status["CapBnd"], 16) == 0, status
        assert status["Seccomp"] == "2" and status["NoNewPrivs"] == "1", status
        for measure in ("own user", "no capabilities", "no new privileges", "system call filter", "own IPC", "not dumpable"):
            assert measure in process["confinement"], process
    wait_for(lambda: len(guardians()) == 4, 12, 0.2, "a guardian for each, and one in advance")
    status = of_process(pid())
    # CAP_NET_BIND_SERVICE and CAP_NET_ADMIN
    assert int(status["CapBnd"], 16) == 1 << 10 | 1 << 12 and status["CapEff"] == status["CapBnd"], status


def ends(role):
    """Another process is started in place of one that was killed; prints how long members did not reach each other."""
    before = confined()[role]["pid"]
    words = ("ip", "netns", "exec", "member1", "ping", "-D", "-i", "0.01", "10.0.2.22")
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as ping:
        time.sleep(0.5)
        os.kill(before, signal.SIGKILL)
        wait_for(lambda: confined().get(role, {}).get("pid", before) != before, 12, 0.1, "another process")
        time.sleep(0.5)
        ping.send_signal(signal.SIGINT)
        out = ping.communicate(timeout=patience(10))[0]
    times = answer_times(out.splitlines())
    gap = max(after - before for before, after in zip(times, times[1:]))
    print(f"the end of {role}: {out.splitlines()[-2]}; longest time without an answer: {gap:.3f} s", flush=True)
    carries()
    users()


def ended_processes():
    for role in ("engine", "keys", "resolver", "engine"):
        ends(role)
    assert show("NRestarts") == "0"


def frames():
    """A frame that the bridge drops is counted, by a socket that another process has opened."""

    def count():
        return report()["drops"]["bridge_control"]

    before = count()
    words = (
        "import socket; s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW); s.bind(('eth1', 0)); "
        "s.send(bytes.fromhex('0180c200000e02000000000188cc') + bytes(60))"
    )
    run("ip", "netns", "exec", "member1", sys.executable, "-c", words)
    wait_for(lambda: count() > before, 12, 0.2, "the count of the frame")


def other_program():
    """While a site runs with a program that is no longer there, its processes are of the same program."""
    program = "/usr/sbin/wirespan"
    for role in ("engine", "engine"):  # the first one may have a guardian that was started in advance
        shutil.copy2(program, f"{program}.new")
        os.rename(f"{program}.new", program)
        ends(role)
    exe = os.readlink(f"/proc/{confined()['engine']['pid']}/exe")
    assert exe == os.readlink(f"/proc/{pid()}/exe") != program, exe
    run("wirespan", "upgrade", "vpn01")
    assert os.readlink(f"/proc/{pid()}/exe") == program
    carries()
    users()


def without_guardians():
    """Without the sockets the site runs with less, and reports that."""
    sockets = ("wirespan-guardian.socket", "wirespan-packets.socket")
    run("systemctl", "stop", *sockets)
    run("systemctl", "mask", "--runtime", *sockets)
    since = mark()
    try:
        run("systemctl", "restart", UNIT)
        carries()
        log = messages(f"--after-cursor={since}")
        assert any("user and capabilities" in text and "Start wirespan-guardian.socket" in text for _, text in log), log
        assert any("are not counted" in text and "wirespan-packets.socket" in text for _, text in log), log
        processes = confined()
        assert sorted(processes) == ["engine", "keys", "resolver"], processes
        for process in processes.values():
            assert "system call filter" in process["confinement"], process
            assert not {"own user", "no capabilities"} & set(process["confinement"]), process
    finally:
        run("systemctl", "unmask", "--runtime", *sockets)
    run("systemctl", "restart", UNIT)
    carries()
    users()


def crash():
    since = mark()
    restarted(signalled(signal.SIGKILL))
    log = run("journalctl", "-b", f"--after-cursor={since}", "--no-pager")[1]
    assert "stop-sigterm" not in log, log  # systemd has waited for the engine, which goes on
    carries()


def watchdog():
    with drop_in("[Service]\nWatchdogSec=5"):
        run("systemctl", "restart", UNIT)
        since = mark()
        before = signalled(signal.SIGSTOP)
        restarted(before)
        log = run("journalctl", "-b", f"--after-cursor={since}", "--no-pager")[1]
        assert "Watchdog timeout" in log, log
    run("systemctl", "restart", UNIT)
    carries()


def upgrade():
    """From the version before: while the site runs; by a restart, if it cannot; with a file that is refused; and where
    the administrator's policy forbids to restart services."""

    def install():
        return run("dpkg", "--no-triggers", "-i", "/results/now.deb")[1]

    before = pid()
    install()
    wait_for(lambda: show("ActiveState") == "active", 12, 0.2, "the unit to be active")
    assert pid() == before and os.readlink(f"/proc/{before}/exe") == "/usr/sbin/wirespan"
    carries()
    with changed(FILE, lambda text: f"[Site]\nIsolation = no\n{text}"):
        run("systemctl", "restart", UNIT)
        before = pid()
        install()
        assert pid() not in (0, before) and show("ActiveState") == "active"
        carries()
        before = pid()
        with changed(FILE, lambda text: text.replace("TunnelId = 3939", "TunnelId = x")):
            out = install()
        assert "goes on with the version before" in out and pid() == before and show("ActiveState") == "active", out
        assert "Isolation = yes" in out, out  # why it could not change while it runs
        carries()
        write(POLICY, "#!/bin/sh\nexit 101\n", 0o755)
        out = install()
        os.unlink(POLICY)
        assert "policy-rc.d forbids its restart" in out and pid() == before and show("ActiveState") == "active", out
    run("systemctl", "restart", UNIT)
    carries()


def exporter():
    """Its own package makes group and folder; once its socket is enabled, it serves the site's metrics unprivileged."""
    run("dpkg", "--no-triggers", "-i", "/results/exporter.deb")
    assert run("systemctl", "is-active", "wirespan-exporter.socket", check=False)[1].strip() == "inactive"
    assert grp.getgrgid(os.stat("/run/wirespan-status").st_gid).gr_name == "wirespan-status"
    run("systemctl", "enable", "--now", "wirespan-exporter.socket")
    run("systemctl", "reload", UNIT)

    def metrics():
        with urllib.request.urlopen("http://127.0.0.1:9958/metrics", timeout=patience(10)) as answer:
            return answer.read().decode()

    wait_for(lambda: 'wirespan_site_answers{site="vpn01"} 1' in metrics(), 12, 0.2, "the site's metrics")
    process = run("systemctl", "show", "--value", "-p", "MainPID", "wirespan-exporter.service")[1].strip()
    with open(f"/proc/{process}/status", encoding="utf-8") as file:
        status = file.read()
    assert re.search(r"^CapEff:\t0+$", status, re.M) and not re.search(r"^Uid:\t0\b", status, re.M), status
    run("dpkg", "--no-triggers", "--purge", "wirespan-exporter")
    assert run("systemctl", "is-active", "wirespan-exporter.socket", check=False)[1].strip() != "active"


# Run by a shell in a mount namespace, with the folder: what a container engine gives, and then the program, which has
# only CAP_NET_ADMIN (12).
CONTAINED = """
mount -t proc proc "$1/proc"
mount -t sysfs -o ro sysfs "$1/sys"
mount -t tmpfs tmpfs "$1/run"
mkdir -p "$1/dev/net"
touch "$1/dev/null" "$1/dev/net/tun"
mount --bind /dev/null "$1/dev/null"
mount --bind /dev/net/tun "$1/dev/net/tun"
exec "$2" -c '
import ctypes, os, sys
libc = ctypes.CDLL(None)
os.chroot(sys.argv[1])
os.chdir("/")
for capability in range(64):
    if capability != 12:
        libc.prctl(24, capability, 0, 0, 0)
os.execv("/usr/sbin/wirespan", ["wirespan", "up", "vpn02"])
' "$1"
"""


def image():
    """The far end runs from the files of the container image, with NET_ADMIN and /dev/net/tun alone."""
    root = "/run/image"

    def bridged():
        return "br-l2tp0" in run("ip", "-n", "far", "-o", "link")[1]

    run(f"{TOP}/dist/container-root", root)
    shutil.copy("/etc/wirespan/vpn02.conf", f"{root}/etc/wirespan/")
    run("ip", "netns", "exec", "far", "wirespan", "down", "vpn02", env=FAR)
    with subprocess.Popen(
        ["ip", "netns", "exec", "far", "unshare", "--mount", "--propagation", "private"]
        + ["sh", "-e", "-c", CONTAINED, "sh", root, sys.executable],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    ) as process:  # fmt: skip
        try:
            wait_for(lambda: bridged() or process.poll() is not None, 12, 0.2, "a bridge")
            carries()
            with open(f"/proc/{process.pid}/status", encoding="utf-8") as file:
                assert f"CapEff:\t{1 << 12:016x}" in file.read()
        finally:
            process.terminate()
            out = process.communicate(timeout=patience(30))[0]
    assert process.returncode == 0, out
    assert not bridged()
    run("ip", "netns", "exec", "far", "wirespan", "up", "-d", "vpn02", env=FAR)
    carries()


def bad_file():
    """It is refused once, and the mistake has the priority of errors; a warning has its own."""
    run("systemctl", "stop", UNIT)
    since = mark()
    with changed(FILE, lambda text: text.replace("TunnelId = 3939", "TunnelId = x").replace("eth1", "absent0")):
        assert run("systemctl", "start", UNIT, check=False)[0] != 0
        assert show("ExecMainStatus") == "2" and show("ActiveState") == "failed"
        time.sleep(3)  # longer than RestartSec=
        assert show("NRestarts") == "0" and show("ActiveState") == "failed"
    log = messages(f"--after-cursor={since}")
    errors = [text for priority, text in log if priority == 3]
    assert any(text.startswith(f"{FILE}:") and "error:" in text and "TunnelId" in text for text in errors), log
    assert not [entry for entry in log if "error:" in entry[1] and entry[0] != 3], log
    run("systemctl", "start", UNIT)
    carries()


def start_limit():
    """What fails because of the host is tried again, but not for ever, and works once the cause is gone."""
    assert show("StartLimitBurst") == "30" and show("StartLimitIntervalUSec") == "5min"
    run("systemctl", "stop", UNIT)
    with drop_in("[Unit]\nStartLimitBurst=3\n[Service]\nRestartSec=100ms"):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            other.bind(("0.0.0.0", 8172))
            since = mark()
            run("systemctl", "start", UNIT, check=False)
            wait_for(lambda: show("ActiveState") == "failed", 12, 0.2, "the start limit")
        assert show("ExecMainStatus") == "1" and int(show("NRestarts")) >= 2
        errors = [text for priority, text in messages(f"--after-cursor={since}") if priority == 3]
        assert any("8172" in text for text in errors), messages(f"--after-cursor={since}")
        run("systemctl", "reset-failed", UNIT)
        run("systemctl", "start", UNIT)
    carries()


def stop():
    run("systemctl", "stop", UNIT)
    assert show("ActiveState") == "inactive" and show("Result") == "success"
    assert interfaces() == []
    wait_for(lambda: not guardians(), 12, 0.2, "the end of all guardians")
    left = run("pgrep", "-a", "-f", "^wirespan: .* vpn01", check=False)[1]
    assert not left, left
    run("systemctl", "start", UNIT)
    carries()


def removal():
    """No site is left, neither of systemd nor another; the files of sites stay."""
    run("systemctl", "stop", UNIT)
    write("/etc/wirespan/other.conf", "[Interface]\nName = wg7\nPrivateKey = "
          "+KR6xCvxk3MZ1Y/4a8R5sXS5I2mNzVZoa3Yox5n6qG0=\nListenPort = 8199\n")  # fmt: skip
    run("wirespan", "up", "-d", "other")
    run("systemctl", "start", UNIT)
    out = run("dpkg", "--no-triggers", "--remove", "wirespan")[1]
    left = interfaces() + [name for name in ("wg7",) if os.path.exists(f"/sys/class/net/{name}")]
    assert left == [], f"{left}\n{out}"
    assert not os.path.exists("/usr/sbin/wirespan") and os.path.exists(FILE)
    assert not os.path.exists("/usr/lib/systemd/system/wirespan@.service")
    assert not os.path.exists("/run/wirespan-guardian.sock") and not os.path.exists("/run/wirespan-packets.sock")
    run("dpkg", "--no-triggers", "--purge", "wirespan")
    assert sorted(os.listdir("/etc/wirespan")) == ["other.conf", "vpn01.conf", "vpn02.conf"]
    assert os.stat("/etc/wirespan").st_mode & 0o7777 == 0o700
    assert not os.path.exists("/run/wirespan")
    assert not os.path.lexists(f"/etc/systemd/system/multi-user.target.wants/{UNIT}")


def journal():
    return run("journalctl", "-b", "--no-pager", "-n", "60", check=False)[1]


def begin(name):
    """Return: a suite, whose failed cases print the journal, in a container that starts services."""
    suite = Suite(name)
    suite.diagnose_with(journal)
    # Of container images: services are not started there, and manuals not indexed.
    with contextlib.suppress(FileNotFoundError):
        os.unlink(POLICY)
    return suite


def main():
    suite = begin("booted")
    if suite.setup("the reference network", network) and suite.setup("the package is installed", install):
        if suite.setup("a site is enabled and starts", start):
            suite.run("reload", reload)
            suite.run("the exposure of the units", exposure)
            suite.run("confined processes with users of their own", users)
            suite.run("a confined process ends: another one is started", ended_processes)
            suite.run("frames that the bridge drops are counted", frames)
            suite.run("another program in place of the running one", other_program)
            suite.run("a site without the units of its processes", without_guardians)
            suite.run("a crash: it is started again", crash)
            suite.run("a process that hangs: it is started again", watchdog)
            suite.run("an upgrade: running sites change to the new version", upgrade)
            suite.run("the exporter, from its package", exporter)
            suite.run("the test of autopkgtest", autopkgtest)
            suite.run("the container image, as the far end", image)
            suite.run("a bad file: it is not tried again, and the journal has the errors", bad_file)
            suite.run("a fault of the host: it is tried again, up to a limit", start_limit)
            suite.run("stop", stop)
            suite.run("removal and purge", removal)
    print("booted: done", flush=True)
    suite.finish()


if __name__ == "__main__":
    main()
