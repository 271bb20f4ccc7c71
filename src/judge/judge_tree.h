/* SPDX-License-Identifier: MIT */
/* Findings about spanning trees of switches beyond the ports of a bridge. */
#pragma once

#include "judge/finding.h"
#include "judge/observations.h"

/** Report a switch behind a port whose spanning tree blocks its port to a gateway. Return: whether
 * one is known. */
bool judge_blocked(const struct observed_port *p, struct findings *ret);

/** The same for all ports of a bridge to members. */
bool judge_blocked_here(
	const struct observations *f, const struct status_bridge *b, struct findings *ret);

/** What a spanning tree may have to do with hosts that do not answer, as the end of a hint; "": the
 * segment seems to have none. */
const char *judge_tree_hint(const struct observations *f, const char *bridge);

/** Report switches behind the ports of a bridge that run the spanning tree protocol, if the bridge
 * does not: they may decide on which path members' frames cross. */
void judge_switches(const struct observations *f, const char *bridge, struct findings *ret);
