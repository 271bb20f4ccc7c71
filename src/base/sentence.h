/* SPDX-License-Identifier: MIT */
/* Corrections of sentences that are composed of numbers and other sentences. */
#pragma once

#include <stddef.h>

/**
 * Correct, in place, what a format leaves wrong: a plural after the number 1 ("1 frames were"
 * becomes "1 frame was"), and a full stop after another one or after a question mark. The text
 * becomes no longer.
 */
void sentence_tidy(char *text);

/** Replace bytes of `text[len]` that a terminal could interpret, control characters, by question
 * marks. */
void sentence_clean(char *text, size_t len);
