/* SPDX-License-Identifier: MIT */
/* The sockets of a running site, and its files in the run folder, made again if they are lost.
 *
 * Theory of operation. The run folder is emptied under a running site by the restart of a
 * container whose /run is shared, or by a program that removes old files. Without its files,
 * `status`, `reload` and `down` do not find the site, and another `up` takes it for one that has
 * crashed. So it looks for them every SITE_FILES_POLL_MS, and makes them again from what it has in
 * memory.
 */
#pragma once

#include "base/must_check.h"
#include "daemon/site_state.h"

#define SITE_FILES_POLL_MS 2000

/** Open the control socket. `on_request` is called with `r`. Return: 0, or -errno, which has been
 * logged. */
MUST_CHECK int site_files_open_ctl(struct site_daemon *r, ctl_server_handler *on_request);

/** Open the status socket, if the folder for such sockets exists and it is not open. Without it the
 * site works all the same. `on_report` is called with `r`. */
void site_files_open_status(struct site_daemon *r, status_server_report *on_report);

/** When site_files_work() must be called next; MONO_NEVER before the sockets were opened. */
struct mono site_files_deadline(const struct site_daemon *r);

/** Look whether all is there, if that is due, and make it again. Return: whether files other than
 * sockets were made: those of the back end and the running configuration have to be, too. */
MUST_CHECK bool site_files_work(struct site_daemon *r);
