/* SPDX-License-Identifier: MIT */
/* TAI64N labels: the timestamp of a handshake initiation. */
#include "crypto/tai64n.h"

#include <string.h>

#include "base/bytes.h"

/* TAI64 counts from 2^62; TAI was 10 s ahead of UTC in 1970. */
#define TAI64N_EPOCH	 0x400000000000000aULL
#define TAI64N_STEP	 (1U << 24)
#define TAI64N_NSEC_MASK (~(TAI64N_STEP - 1))

void tai64n_encode(struct wall now, uint8_t ret_label[static TAI64N_LEN])
{
	store_be64(ret_label, TAI64N_EPOCH + now.sec);
	store_be32(ret_label + 8, now.nsec & TAI64N_NSEC_MASK);
}

static void add(uint8_t label[static TAI64N_LEN], uint32_t ns)
{
	uint64_t sec = load_be64(label);
	uint32_t nsec = load_be32(label + 8) + ns;

	if (nsec >= NS_PER_S) {
		sec++;
		nsec = 0;
	}
	store_be64(label, sec);
	store_be32(label + 8, nsec);
}

void tai64n_next(uint8_t label[static TAI64N_LEN])
{
	add(label, TAI64N_STEP);
}

void tai64n_increment(uint8_t label[static TAI64N_LEN])
{
	add(label, 1);
}

bool tai64n_later(const uint8_t a[static TAI64N_LEN], const uint8_t b[static TAI64N_LEN])
{
	return memcmp(a, b, TAI64N_LEN) > 0;
}
