/* SPDX-License-Identifier: MIT */
/* Findings about spanning trees of switches beyond the ports of a bridge. */
#include "judge/judge_tree.h"

#include <string.h>

/* A port of a bridge that runs no spanning tree itself, by which frames of one come; NULL: none. */
static const struct observed_port *foreign_tree_of(const struct observations *f, const char *bridge)
{
	const struct check_bridge *b = observed_bridge_named(f, bridge);

	for (size_t i = 0; b && !b->runs_stp && i < f->n_ports; i++)
		if (f->ports[i].tree && !strcmp(f->ports[i].bridge, bridge))
			return &f->ports[i];
	return NULL;
}

/* Whether a spanning tree decides on which path members' frames cross. */
static bool has_tree(const struct observations *f, const char *bridge)
{
	const struct check_bridge *b = observed_bridge_named(f, bridge);

	return (b && b->runs_stp) || foreign_tree_of(f, bridge);
}

const char *judge_tree_hint(const struct observations *f, const char *bridge)
{
	return has_tree(f, bridge) ? " This segment runs the spanning tree protocol: if another "
				     "path leads to the other side, a switch may block its port to "
				     "a gateway, and "
				     "members use that path."
				   : "";
}

void judge_switches(const struct observations *f, const char *bridge, struct findings *ret)
{
	const struct observed_port *p = foreign_tree_of(f, bridge);

	if (p)
		finding_add(ret, FINDING_NOTE, "stp", p->name,
			"A switch or bridge behind %s runs the spanning tree protocol, which "
			"crosses the "
			"pseudowires: where two paths lead to a site, a switch blocks one of them, "
			"which may be the one through %s.",
			p->name, bridge);
}

bool judge_blocked(const struct observed_port *p, struct findings *ret)
{
	const char *gateway = p->session ? "the gateway there" : "this gateway";
	char who[IP_ADDR_TEXT_LEN];

	if (!p->blocked.family)
		return false;
	ip_addr_text(&p->blocked, who);
	if (*p->detour) /* members can talk, although not through the tunnel */
		finding_add(ret, FINDING_WARNING, "other_path", p->name,
			"The spanning tree of the switch %s, behind %s, blocks its port to %s. It "
			"is reached by %s: members of both sides use another path than the "
			"pseudowire, which is in reserve.\n"
			"If they are to use the pseudowire: on %s, give the port to %s a lower "
			"path cost than the other path has, or remove that path.",
			who, p->name, gateway, p->detour, who, gateway);
	else
		finding_add(ret, FINDING_ERROR, "other_path", p->name,
			"The spanning tree of the switch %s, behind %s, blocks its port to %s, and "
			"no other path leads to it: members there are cut off.\n"
			"%s has another path to this side that carries its spanning tree, but no "
			"members' frames: repair or remove that path.",
			who, p->name, gateway, who);
	return true;
}

bool judge_blocked_here(
	const struct observations *f, const struct status_bridge *b, struct findings *ret)
{
	bool any = false;

	for (size_t i = 0; i < b->members_len; i++) {
		const struct observed_port *p = observed_port_named(f, b->members[i].name);

		if (p && !p->session && judge_blocked(p, ret))
			any = true;
	}
	return any;
}
