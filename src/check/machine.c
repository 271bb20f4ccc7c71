/* SPDX-License-Identifier: MIT */
/* What the machine itself may put in the way: settings below /proc/sys, states of bridge ports. */
#include "check/machine.h"

#include <errno.h>
#include <linux/if_bridge.h>
#include <stdlib.h>
#include <string.h>

#include "backend/sysctl.h"
#include "netlink/query.h"

static int setting(const char *path)
{
	char value[16];

	return sysctl_read(path, value, sizeof(value)) < 0 ? -1 : atoi(value);
}

static bool is_ours(const struct status_report *r, const char *name)
{
	for (size_t b = 0; b < r->bridges_len; b++)
		for (size_t m = 0; m < r->bridges[b].members_len; m++)
			if (!strcmp(r->bridges[b].members[m].name, name))
				return true;
	return false;
}

int machine_look(struct prober *p)
{
	struct check_facts *f = p->facts;
	struct link_list links = { 0 };
	int err;

	f->machine = (struct check_machine){
		.bridge_nf_ip4 = setting("net/bridge/bridge-nf-call-iptables"),
		.bridge_nf_ip6 = setting("net/bridge/bridge-nf-call-ip6tables"),
		.bridge_nf_arp = setting("net/bridge/bridge-nf-call-arptables"),
		.ip_forward = setting("net/ipv4/ip_forward"),
	};
	err = query_links(&p->nl, &links);
	if (err < 0)
		return err;
	f->ports = calloc(links.n + 1, sizeof(*f->ports));
	for (size_t i = 0; f->ports && i < links.n; i++) {
		const struct link_info *l = &links.v[i];
		struct check_port *port = &f->ports[f->n_ports];

		if (!l->has_port_state || !is_ours(&f->before, l->name))
			continue;
		memcpy(port->name, l->name, sizeof(port->name));
		port->forwarding = l->port_state == BR_STATE_FORWARDING;
		port->blocked = !port->forwarding && l->port_state != BR_STATE_DISABLED;
		f->n_ports++;
	}
	free(links.v);
	return f->ports ? 0 : -ENOMEM;
}
