/* SPDX-License-Identifier: MIT */
/* How standard output may look: what the terminal and the user allow. */
#ifndef CLI_STYLE_H
#define CLI_STYLE_H

#include "cli/render_text.h"

/** What standard output can show, and NO_COLOR and the locale allow. */
struct render_style style_of_stdout(void);

#endif
