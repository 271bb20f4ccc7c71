/* SPDX-License-Identifier: MIT */
/* The text of the shell script that does what a site's configuration says, with wg(8) and ip(8). */
#ifndef CLI_SCRIPT_TEXT_H
#define CLI_SCRIPT_TEXT_H

#include <stdbool.h>
#include <stdio.h>

#include "conf/model.h"
#include "underlay/mtu_budget.h"

/** What a script is made of. All borrowed. */
struct script_source {
	const struct conf_site *site; /* loaded and without errors */
	const struct mtu_budget *budget;
	bool with_keys; /* write the keys into the script, else it reads them from the files */
};

/** Write the script for a POSIX shell to `out`; it holds keys only if asked for. */
void script_print(const struct script_source *source, FILE *out);

#endif
