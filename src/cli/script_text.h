/* SPDX-License-Identifier: MIT */
/* Writes the shell script that sets up a site's configuration with wg(8) and ip(8). */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "conf/model.h"
#include "underlay/mtu_budget.h"

/** Input of a script. All pointers are borrowed. */
struct script_source {
	const struct conf_site *site; /* loaded and without errors */
	const struct mtu_budget *budget;
	bool with_keys; /* write the keys into the script; else it reads them from the files */
};

/** Write a POSIX shell script to `out`; it contains keys only with `with_keys`. */
void script_print(const struct script_source *source, FILE *out);
