/* SPDX-License-Identifier: MIT */
/* The style of standard output, by terminal and environment. */
#pragma once

#include "render/render_text.h"

/** The style that standard output supports, and that NO_COLOR and the locale allow. */
struct render_style terminal_style(void);
