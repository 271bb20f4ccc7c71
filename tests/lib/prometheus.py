# SPDX-License-Identifier: MIT
"""Prometheus' own programs, which judge our metrics."""

import contextlib
import os
import shutil
import socket
import subprocess
import urllib.request

from .runner import Skip, wait_for

PACKAGE = "prometheus"


def program(name, package=PACKAGE):
    """Return: the path of a program, or raise Skip."""
    path = shutil.which(name)
    if not path:
        raise Skip(f"{name} is not installed (Debian package {package})")
    return path


def check_metrics(text):
    """`promtool check metrics` finds no mistake in the text, and nothing that departs from the naming rules."""
    result = subprocess.run(
        [program("promtool"), "check", "metrics"], input=text, capture_output=True, text=True, timeout=120
    )
    assert result.returncode == 0 and not result.stdout + result.stderr, result.stdout + result.stderr


@contextlib.contextmanager
def activated(listener, command, **options):
    """Run a program with a listening socket passed as systemd does: LISTEN_FDS. Yield: the process."""
    passed = 'exec 3<&"$0" && LISTEN_PID=$$ LISTEN_FDS=1 exec "$@"'
    words = ["sh", "-c", passed, str(listener.fileno()), *command]
    process = subprocess.Popen(words, pass_fds=(listener.fileno(),), **options)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(60)


def get(port, path="/metrics", timeout=60, headers=None):
    """Return: the body of an answer over HTTP from the loopback address."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers=headers or {})
    with direct.open(request, timeout=timeout) as answer:
        return answer.read().decode()


def through_textfile(folder, text):
    """Return: what node_exporter shows once its textfile collector has read the text from a file in the folder."""
    command = [program("prometheus-node-exporter", "prometheus-node-exporter"), "--collector.disable-defaults"]
    command += ["--collector.textfile", f"--collector.textfile.directory={folder}", "--web.systemd-socket"]
    with open(os.path.join(folder, "wirespan.prom"), "w") as file:
        file.write(text)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        with activated(listener, command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            wait_for(lambda: process.poll() is not None or get(listener.getsockname()[1]), what="node_exporter")
            return get(listener.getsockname()[1])
