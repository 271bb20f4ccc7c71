/* SPDX-License-Identifier: MIT */
/* Peers that a file of wg-quick(8) has several times, made one as `wg setconf` does. */
#pragma once

#include <stdint.h>

#include "base/must_check.h"
#include "conf/model.h"
#include "conf/problem.h"

/**
 * Make one peer of those with the same PublicKey in file number `file`, at the place of the first:
 * the last value of a key counts, and AllowedIPs are those of the last [Peer]. A prefix belongs to
 * the peer that lists it last. Each is reported as a warning.
 * Return: 0 or -ENOMEM.
 */
MUST_CHECK int conf_merge_peers(struct conf_site *site, uint32_t file, struct conf_report *report);
