#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Builds the container images of dist/ with podman, and runs each as a gateway of the reference network, with
/dev/net/tun and NET_ADMIN alone. A nightly run.

Usage: tests/nightly/container.py [static|dynamic...]    default: both

Theory of operation: no registry is asked. The base image debian:12 is made by debootstrap, or from a folder that
WIRESPAN_DEBIAN names. Images and containers are in a folder of their own, which is removed; containers are built by
chroot, in the network of the gateway, without control groups.

Needs root, podman, crun, debootstrap, what dist/build-static needs, and a mirror of Debian. WIRESPAN_STATIC names a static
program that is built already.
"""

import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, ".."))
from lib.network import Reference
from lib.node import need_root
from lib.runner import Suite, wait_for
from lib.wirespan import scratch

TOP = os.path.realpath(os.path.join(HERE, "..", ".."))
PATIENCE = 120


def run(*words, **options):
    """Run a command. Return: its output; raises AssertionError with it on failure."""
    done = subprocess.run(
        words, cwd=TOP, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True, **options
    )
    assert done.returncode == 0, f"{' '.join(words)}: status {done.returncode}\n{done.stdout[-4000:]}"
    return done.stdout


class Engine:
    """podman with a folder of its own."""

    def __init__(self, folder):
        self.words = ["podman", f"--root={folder}/images", f"--runroot={folder}/run", "--storage-driver=vfs",
                      "--cgroup-manager=cgroupfs", "--events-backend=none"]  # fmt: skip

    def __call__(self, *words):
        return run(*self.words, *words)

    def size(self, image):
        """Return: the size of an image in bytes."""
        return int(self("image", "inspect", "--format", "{{.Size}}", image))


def dynamic(engine, folder):
    """dist/Containerfile, whose base image is made here."""
    base = os.environ.get("WIRESPAN_DEBIAN")
    if not base:
        base = os.path.join(folder, "debian")
        run("debootstrap", "--variant=minbase", "bookworm", base)
    run("sh", "-ec", 'tar -C "$1" --exclude=./proc/* --exclude=./sys/* -cf "$2" .', "sh", base, f"{folder}/base.tar")
    engine("import", f"{folder}/base.tar", "docker.io/library/debian:12")
    source = os.path.join(folder, "source")
    os.mkdir(source)
    run("sh", "-ec", 'git archive HEAD | tar -x -C "$1"', "sh", source)
    engine("build", "--isolation=chroot", "--pull=never", "-t", "dynamic", "-f", f"{source}/dist/Containerfile", source)


def static(engine, folder):
    """dist/Containerfile.static, from nothing but the static program."""
    program = os.environ.get("WIRESPAN_STATIC")
    if not program:
        run("dist/build-static", f"{folder}/static")
        program = f"{folder}/static/wirespan"
    run("dist/container-root", f"{folder}/build-static/image", program)
    engine("build", "--isolation=chroot", "-t", "static", "-f", "dist/Containerfile.static", folder)


def serves(engine, image):
    """The near gateway is a container of the image; the members reach each other through it."""
    with Reference() as net:
        net.configure()
        near, far = net.gateway
        far.up()
        # crun refuses a mix of both hierarchies of control groups, which no container here needs.
        near.node.sh("umount -R /sys/fs/cgroup 2>/dev/null || true; mount -t cgroup2 cgroup2 /sys/fs/cgroup || true")
        process = near.node.popen(
            *engine.words, "run", "--rm", "--network=host", "--cgroups=disabled", "--ulimit=nofile=1024:1024",
            "--ulimit=nproc=1024:1024", "--device=/dev/net/tun", "--cap-drop=all", "--cap-add=NET_ADMIN", "--name=near",
            f"--volume={near.conf}:/etc/wirespan/vpn01.conf:ro", image, "up", "vpn01",
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        far_member = net.sites[1].member4

        def crosses():
            assert process.poll() is None, process.stdout.read()
            return net.member[0].ping(far_member, count=1).ok

        wait_for(crosses, PATIENCE, 0.5, "a ping through the container")
        assert net.member[0].ping(far_member, count=5).ok
        assert net.member[0].run("ping", "-c", "2", "-M", "do", "-s", "1472", far_member).ok
        container = [pid for pid, command in near.node.processes().items() if command.startswith("/usr/sbin/wirespan")]
        assert container, near.node.processes()
        assert f"CapBnd:\t{1 << 12:016x}" in near.node.run("cat", f"/proc/{container[0]}/status").out
        near.node.run(*engine.words, "stop", "near")
        out = process.communicate(timeout=PATIENCE)[0]
        assert process.returncode == 0, out
        assert "br-l2tp0" not in near.node.run("ip -o link").out
    print(f"{image}: {engine.size(image) / 1e6:.1f} MB", flush=True)


def main():
    need_root()
    kinds, sys.argv[1:] = sys.argv[1:] or ["static", "dynamic"], []
    suite = Suite("container")
    folder = scratch()
    engine = Engine(folder)
    for kind in kinds:
        if suite.setup(f"the {kind} image builds", {"static": static, "dynamic": dynamic}[kind], engine, folder):
            suite.run(f"the {kind} image is a gateway", serves, engine, kind)
    suite.finish()


if __name__ == "__main__":
    main()
