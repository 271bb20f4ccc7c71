/* SPDX-License-Identifier: MIT */
/* Reads the network configuration of RouterOS. */
#pragma once

#include "import/fact.h"

/** Read the output of `/export show-sensitive` of RouterOS. The text is modified. */
void import_routeros(struct import *im, char *text);
