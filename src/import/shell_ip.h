/* SPDX-License-Identifier: MIT */
/* Reads ip(8), brctl(8) and bridge(8) in shell scripts. */
#pragma once

#include "import/shell_script.h"

/** Read the present command, which is ip(8). */
void shell_ip(struct script *s);

/** Read the present command, which is brctl(8). */
void shell_brctl(struct script *s);

/** Read the present command, which is bridge(8). */
void shell_bridge(struct script *s);
