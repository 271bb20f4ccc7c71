/* SPDX-License-Identifier: MIT */
/* Formats numbers for people: sizes, counts, durations. */
#pragma once

#include <stdint.h>

#define FORMAT_LEN 40 /* fits any of these texts, with the NUL */

/** "812 B", "1.50 KiB", "3.21 GiB", as wg(8) does. Return: `buf`. */
const char *format_bytes(uint64_t bytes, char buf[static FORMAT_LEN]);

/** "1,234,567". Return: `buf`. */
const char *format_count(uint64_t count, char buf[static FORMAT_LEN]);

/** "0 frames", "1 frame", "1,234 frames"; `noun` is singular and short. Return: `buf`. */
const char *format_counted(uint64_t count, const char *noun, char buf[static FORMAT_LEN]);

/** The two largest units of a duration: "40 ms", "12 s", "2 min 5 s", "3 h 20 min", "12 d 4 h".
 * Return: `buf`. */
const char *format_span(uint64_t ms, char buf[static FORMAT_LEN]);
