/* SPDX-License-Identifier: MIT */
/* For tests: a configuration from its text, and whether two are equal. */
#pragma once

#include "conf/model.h"

/** Read a configuration from its text; it must be without mistakes. */
void test_conf(struct conf_site *ret, const char *name, const char *text);

/** Whether two sites are equal, except positions and file names. Not in constant time. */
bool test_conf_equal(const struct conf_site *a, const struct conf_site *b);
