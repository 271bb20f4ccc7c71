/* SPDX-License-Identifier: MIT */
/* Makes a site of the facts of an import. */
#pragma once

#include "base/must_check.h"
#include "import/fact.h"

/**
 * Make a site of all facts, and note on each line what became of it. `wireguard` is the interface
 * to take if there are several, or NULL: then it is the one that the tunnels run through. The site
 * is complete, but not checked; it must be freed with conf_site_fini().
 * Return: 0, or -ENOMEM.
 */
MUST_CHECK int import_build(struct import *im, const char *wireguard, struct conf_site *ret);
