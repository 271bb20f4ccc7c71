/* SPDX-License-Identifier: MIT */
/* What each reason for a drop means, for a person who looks for a fault. */
#ifndef CHECK_DROP_WORDS_H
#define CHECK_DROP_WORDS_H

#include "pkt/drop.h"

/** What happened, and where it helps what to look at. `d` must be below DROP_COUNT. */
const char *drop_words(enum drop d);

#endif
