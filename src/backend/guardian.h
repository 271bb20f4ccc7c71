/* SPDX-License-Identifier: MIT */
/* The program that systemd starts for each confined process of a site: the guardian of that
 * process.
 *
 * Theory of operation. See guardians.h for the monitor's side. A guardian runs as a unit of its
 * own, with a user that nothing else has, and without privileges. It waits until the monitor passes
 * on what the process is to do, forks that process, and stays: as its parent and of the same user
 * it can wait for it, and kill it. It never reads what others send. A monitor that runs another
 * program than the one that is installed now, as in an upgrade, passes its program on, too, and the
 * guardian executes that.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "backend/guarded_task.h"
#include "base/must_check.h"

/** Run a guardian on its connection `fd`, the standard input. `chosen`: this is the monitor's
 * program. Return: its exit status, after the end of the process or the connection. */
int guardian_run(int fd, bool chosen);

/** Check a task of `len` bytes with `n_fds` descriptors, as far as the monitor's program does not
 * promise it. Return: 0, -EBADMSG, or -EXDEV if it needs another network namespace. */
MUST_CHECK int guardian_check(const void *body, size_t len, size_t n_fds);
