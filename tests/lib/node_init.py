# SPDX-License-Identifier: MIT
"""First process of a Node: prepares its private file systems, reaps orphans, exits with its parent.

Started by node.py under `unshare --net --mount --pid --uts --fork`.  It is process 1 of its pid namespace, so its
exit ends everything in the node, and a killed test leaves no process behind: the standard input closes, this
process exits, the kernel kills the rest and removes the namespaces.
"""

import os
import signal
import subprocess
import sys


def mount(*words):
    subprocess.run(["mount", *words], check=True)


def main():
    name, private = sys.argv[1], sys.argv[2:]
    outer_pid = os.readlink("/proc/self")  # /proc is still the parent's: our pid there
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    mount("--make-rprivate", "/")
    mount("-t", "proc", "proc", "/proc")
    mount("-t", "sysfs", "sysfs", "/sys")
    for folder in private:
        mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", folder)
    subprocess.run(["hostname", name], check=False)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)

    def reap(_number, _frame):
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            pass

    signal.signal(signal.SIGCHLD, reap)
    sys.stdout.write(outer_pid + "\n")
    sys.stdout.flush()
    while os.read(0, 1):
        pass


main()
