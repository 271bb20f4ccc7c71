/* SPDX-License-Identifier: MIT */
/* What a configuration is checked against on this machine. */
#ifndef HOST_CONF_PROBE_H
#define HOST_CONF_PROBE_H

#include "conf/check.h"

struct conf_probe;

/**
 * Answers for conf_check() about the site `name`, whose own bridges count as none: a member in one
 * is free. Asks the kernel when it is asked.
 * Return: 0 and what is to be freed with conf_probe_free(), or -errno.
 */
int conf_probe_new(const char *name, struct conf_probe **ret, struct conf_facts *ret_answers);

/** Free it. NULL is fine. */
void conf_probe_free(struct conf_probe *probe);

#endif
