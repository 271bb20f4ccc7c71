/* SPDX-License-Identifier: MIT */
/* Reads shell scripts with ip(8), wg(8), brctl(8) and bridge(8), among them those of `wirespan
 * script`. */
#pragma once

#include "import/fact.h"

/** Read a script. No part of it is run. */
void import_shell(struct import *im, const char *text);
