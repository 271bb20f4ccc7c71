/* SPDX-License-Identifier: MIT */
/* Findings about one peer: its handshake, its echo replies, the tunnel's MTU; or why there is no
 * session. */
#pragma once

#include "judge/finding.h"
#include "judge/observations.h"

/** Append the findings about peer number `i`. */
void judge_peer(const struct observations *f, size_t i, struct findings *ret);
