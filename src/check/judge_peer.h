/* SPDX-License-Identifier: MIT */
/* The judgement of one peer: its handshake, its echo, the tunnel's MTU; or why there is nothing. */
#ifndef CHECK_JUDGE_PEER_H
#define CHECK_JUDGE_PEER_H

#include "check/facts.h"
#include "check/finding.h"

/** Append what the facts say about peer number `i`. */
void judge_peer(const struct check_facts *f, size_t i, struct check_findings *ret);

#endif
