/* SPDX-License-Identifier: MIT */
/* Wiping and comparing secrets in memory. */
#include "base/secret.h"

#include <stdint.h>
#include <string.h>

void secret_wipe(void *p, size_t len)
{
	explicit_bzero(p, len);
}

__attribute__((noinline)) void secret_wipe_stack(void)
{
	uint8_t below[SECRET_STACK];

	explicit_bzero(below, sizeof(below));
}

bool secret_equal(const void *a, const void *b, size_t len)
{
	const volatile uint8_t *x = a;
	const volatile uint8_t *y = b;
	unsigned differ = 0;

	for (size_t i = 0; i < len; i++)
		differ |= (unsigned)(x[i] ^ y[i]);
	return differ == 0;
}

bool secret_is_zero(const void *a, size_t len)
{
	const volatile uint8_t *x = a;
	unsigned any = 0;

	for (size_t i = 0; i < len; i++)
		any |= x[i];
	return any == 0;
}
