/* SPDX-License-Identifier: MIT */
/* Properties of this host that a configuration is checked against. */
#ifndef HOST_CONF_PROBE_H
#define HOST_CONF_PROBE_H

#include "conf/check.h"

struct conf_probe;

/**
 * Create the callbacks that conf_check() uses to query the host for the site `name`. The site's own
 * bridges do not count as bridges, so a member of one of them is free. Each query asks the kernel.
 * Return: 0 and a probe to free with conf_probe_free(), or -errno.
 */
int conf_probe_new(const char *name, struct conf_probe **ret, struct conf_facts *ret_answers);

/** Free a probe. NULL is allowed. */
void conf_probe_free(struct conf_probe *probe);

#endif
