/* SPDX-License-Identifier: MIT */
/* The routes of the site that an import makes. */
#pragma once

#include "import/build_state.h"

/** Set Table and FwMark by the routes that the files have, with notes. */
void build_finish_routes(struct build *b);
