/* SPDX-License-Identifier: MIT */
/* For tests: a configuration from its text. */
#ifndef CONF_TEST_CONF_H
#define CONF_TEST_CONF_H

#include "conf/model.h"

/** Read a configuration from its text; it must be without mistakes. */
void test_conf(struct conf_site *ret, const char *name, const char *text);

#endif
