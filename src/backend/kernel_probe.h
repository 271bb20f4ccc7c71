/* SPDX-License-Identifier: MIT */
/* Whether this kernel can carry a site: tried with throw-away objects. */
#pragma once

#include "base/error.h"
#include "base/must_check.h"
#include "conf/model.h"

/**
 * Make a WireGuard interface, and a tunnel and session of each kind that `conf` has, in a scratch
 * network namespace of a child process, which vanishes with them. So a module that is missing or
 * blacklisted is found before anything is changed. Where no namespace can be made, only look the
 * modules up.
 * Return: 0; or -errno with what failed, why, and a remedy in `ret_error`.
 */
MUST_CHECK int kernel_probe(const struct conf_site *conf, struct error *ret_error);
