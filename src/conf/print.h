/* SPDX-License-Identifier: MIT */
/* The canonical text of a site, which the parser reads back to an equal model. */
#pragma once

#include <stddef.h>

#include "base/must_check.h"
#include "conf/model.h"

/** Comments for the text; each may be NULL, and is one or more lines without '#'. */
struct conf_notes {
	const char *head;
	const char *interface;
	const char *const *tunnels; /* one for each tunnel */
	const char *session;	    /* above the first session */
	const char *bridge;	    /* above the first bridge */
};

/**
 * Write `site`, which must have been completed, without defaults except names. Values of an
 * included WireGuard file are not written. `notes` may be NULL. The text contains the site's keys:
 * wipe it.
 * Return: 0 and a string to free(), `*ret_len` bytes without its NUL; or -ENOMEM.
 */
MUST_CHECK int conf_print(const struct conf_site *site, const struct conf_notes *notes,
	char **ret_text, size_t *ret_len);
