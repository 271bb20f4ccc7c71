/* SPDX-License-Identifier: MIT */
/* TAI64N labels: the timestamp of a handshake initiation. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/mono.h"

#define TAI64N_LEN 12

/**
 * The label of `now`, its nanoseconds rounded down to 2^24 (16.8 ms, less than the 1/50 s between
 * two initiations), so that it does not disclose the exact phase of our clock.
 * Wire: 0x400000000000000a + seconds [8] nanoseconds [4], big endian.
 * Source: WireGuard whitepaper §5.4.2; Linux drivers/net/wireguard/noise.c.
 */
void tai64n_encode(struct wall now, uint8_t ret_label[static TAI64N_LEN]);

/** Replace `label` by the smallest later one that tai64n_encode() produces. */
void tai64n_next(uint8_t label[static TAI64N_LEN]);

/** Replace `label` by one that is later by a nanosecond. */
void tai64n_increment(uint8_t label[static TAI64N_LEN]);

/** Whether label `a` is later than label `b`. */
bool tai64n_later(const uint8_t a[static TAI64N_LEN], const uint8_t b[static TAI64N_LEN]);
