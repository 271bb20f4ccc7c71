/* SPDX-License-Identifier: MIT */
/* Reads wg(8) and resolvconf(8) in shell scripts. */
#pragma once

#include "import/shell_script.h"

/** Read the present command, which is `wg set`. */
void shell_wg_set(struct script *s);

/** Read the present command, which is `wg setconf`, `wg syncconf` or `wg addconf`. */
void shell_wg_file(struct script *s);

/** Read the present command, which is resolvconf(8). */
void shell_resolvconf(struct script *s);
