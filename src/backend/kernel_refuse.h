/* SPDX-License-Identifier: MIT */
/* What a configuration asks for and the kernel's own modules cannot do. */
#pragma once

#include "base/error.h"
#include "base/must_check.h"
#include "conf/model.h"

/** Check that the kernel's modules can do all that `conf` asks for. Return: 0; or -EOPNOTSUPP with
 * the key, the reason and a remedy in `ret_error`. */
MUST_CHECK int kernel_refuse(const struct conf_site *conf, struct error *ret_error);
