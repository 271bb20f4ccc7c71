/* SPDX-License-Identifier: MIT */
/* The WireGuard keys of a running site, taken from its file again. */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/must_check.h"
#include "conf/model.h"

/**
 * Fill in the keys of `running`, which its back end has wiped, from `file`, the configuration that
 * was read again. If that is another one than the site runs with, and unless it is applied next, a
 * warning is logged: only its keys are taken.
 * Return: 0; or -ENOKEY with `ret_error` filled and `running` without keys if the file has no
 * longer all of them.
 */
MUST_CHECK int site_keys_take(struct conf_site *running, const struct conf_site *file,
	bool applied_next, struct error *ret_error);
