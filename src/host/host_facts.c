/* SPDX-License-Identifier: MIT */
/* Properties of this host that decide whether a configuration can be brought up on it. */
#include "host/host_facts.h"

#include <stdlib.h>
#include <string.h>

const struct link_info *host_facts_link(const struct host_facts *facts, const char *name)
{
	for (size_t i = 0; i < facts->links.n; i++)
		if (!strcmp(facts->links.v[i].name, name))
			return &facts->links.v[i];
	return NULL;
}

const struct link_info *host_facts_index(const struct host_facts *facts, uint32_t ifindex)
{
	for (size_t i = 0; i < facts->links.n; i++)
		if (facts->links.v[i].ifindex == ifindex)
			return &facts->links.v[i];
	return NULL;
}

const struct link_info *host_facts_altname(const struct host_facts *facts, const char *name)
{
	return host_facts_link(facts, name)
		       ? NULL
		       : host_facts_index(facts, facts->altname(facts->ctx, name));
}

const struct link_info *host_facts_zone(const struct host_facts *facts, const char *zone)
{
	const struct link_info *named = zone ? host_facts_link(facts, zone) : NULL;
	char *end;
	unsigned long number;

	if (!zone || !*zone || named)
		return named;
	number = strtoul(zone, &end, 10);
	return *end || !number || number > UINT32_MAX ? NULL
						      : host_facts_index(facts, (uint32_t)number);
}

bool host_facts_is_ours(const struct host_facts *facts, const struct link_info *link)
{
	if (!strcmp(link->kind, "tun"))
		return facts->runs;
	return !strcmp(link->alias, facts->alias);
}
