/* SPDX-License-Identifier: MIT */
/* Reads the network configuration of VyOS. */
#pragma once

#include "import/fact.h"

/** Read VyOS's `show configuration commands`, or a config.boot. The text is modified. */
void import_vyos(struct import *im, char *text);
