/* SPDX-License-Identifier: MIT */
/* What a reload cannot change, and what it changes only later. */
#pragma once

#include "base/error.h"
#include "base/must_check.h"
#include "conf/model.h"

/** Size of a note about a reload. */
#define RELOAD_NOTE_LEN 160

/** Refuse changes that a reload cannot make, because it would be another site. `backend`: the name
 * of the back end in use. Return: 0, or -EOPNOTSUPP with `e` filled. */
MUST_CHECK int reload_check(const char *backend, const struct conf_site *have,
	const struct conf_site *next, struct error *e);

/** Write into `ret` which hooks a reload has changed that run only at the start; "" for none. */
void reload_note(const struct conf_interface *have, const struct conf_interface *next,
	char ret[static RELOAD_NOTE_LEN]);
