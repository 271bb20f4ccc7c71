/* SPDX-License-Identifier: MIT */
/* How standard output may look: what the terminal and the user allow. */
#ifndef RENDER_TERMINAL_H
#define RENDER_TERMINAL_H

#include "render/render_text.h"

/** What standard output can show, and NO_COLOR and the locale allow. */
struct render_style terminal_style(void);

#endif
