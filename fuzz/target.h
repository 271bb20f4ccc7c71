/* SPDX-License-Identifier: MIT */
/* The entry point that every fuzz target defines (libFuzzer's), and the check of its oracles. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/** Run the code under test on one input. Return: 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/** Abort with a message if `cond` does not hold. */
#define EXPECT(cond)                                                                               \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			fprintf(stderr, "%s:%d: expected %s\n", __FILE__, __LINE__, #cond);        \
			abort();                                                                   \
		}                                                                                  \
	} while (0)
