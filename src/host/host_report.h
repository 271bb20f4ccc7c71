/* SPDX-License-Identifier: MIT */
/* Report the host's part of a site for `status`: its bridges, and the MTUs of its interfaces. */
#ifndef HOST_HOST_REPORT_H
#define HOST_HOST_REPORT_H

#include "conf/model.h"
#include "ctlproto/status.h"

/** Add the configured bridges and the present MTUs of all interfaces, as the kernel reports them.
 * Call it after the back end's report. Return: 0 or -ENOMEM. */
int host_report(const struct conf_site *conf, struct status_report *r);

#endif
