/* SPDX-License-Identifier: MIT */
/* What every fuzz target defines (libFuzzer's entry), and how it says that an oracle failed. */
#ifndef FUZZ_TARGET_H
#define FUZZ_TARGET_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/** Run the code under test on one input. Return: 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/** End with a message if what must hold does not. */
#define EXPECT(cond)                                                                               \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			fprintf(stderr, "%s:%d: expected %s\n", __FILE__, __LINE__, #cond);        \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

#endif
