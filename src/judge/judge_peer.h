/* SPDX-License-Identifier: MIT */
/* The judgement of one peer: its handshake, its echo, the tunnel's MTU; or why there is nothing. */
#ifndef JUDGE_JUDGE_PEER_H
#define JUDGE_JUDGE_PEER_H

#include "judge/finding.h"
#include "judge/observations.h"

/** Append what the facts say about peer number `i`. */
void judge_peer(const struct observations *f, size_t i, struct findings *ret);

#endif
