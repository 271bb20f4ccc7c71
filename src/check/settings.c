/* SPDX-License-Identifier: MIT */
/* Host settings that affect bridged traffic: values below /proc/sys, states of bridge ports. */
#include "check/settings.h"

#include <errno.h>
#include <linux/if_bridge.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/bytes.h"
#include "check/filters.h"
#include "host/sysctl.h"
#include "netlink/query.h"

#define LOWER_UP       0x10000 /* IFF_LOWER_UP, which <net/if.h> does not have */
#define RISING_MS      2000
#define RISING_STEP_MS 50

static int setting(const char *path)
{
	char value[16];

	return sysctl_read(path, value, sizeof(value)) < 0 ? -1 : atoi(value);
}

static enum check_port_state state_of(const struct link_info *port)
{
	static const enum check_port_state states[] = {
		[BR_STATE_DISABLED] = CHECK_PORT_DISABLED,
		[BR_STATE_LISTENING] = CHECK_PORT_LISTENING,
		[BR_STATE_LEARNING] = CHECK_PORT_LEARNING,
		[BR_STATE_FORWARDING] = CHECK_PORT_FORWARDING,
		[BR_STATE_BLOCKING] = CHECK_PORT_BLOCKING,
	};

	return port->port_state < ARRAY_LEN(states) ? states[port->port_state] : CHECK_PORT_UNKNOWN;
}

static void note_link(struct observations *f, const struct link_info *l)
{
	const struct status_bridge *owner = check_bridge_of(&f->before, l->name);
	bool session = status_session_find(&f->before, l->name);

	if ((l->has_port_state && owner) || session) {
		struct observed_port *port = &f->ports[f->n_ports++];

		memcpy(port->name, l->name, sizeof(port->name));
		if (owner)
			memcpy(port->bridge, owner->name, sizeof(port->bridge));
		port->state = l->has_port_state ? state_of(l) : CHECK_PORT_UNKNOWN;
		port->mtu = l->mtu;
		port->session = session;
		port->no_carrier = !(l->flags & IFF_RUNNING);
		port->isolated = l->port.isolated;
		port->locked = l->port_locked;
		port->hairpin = l->port_hairpin;
		port->no_flood = l->port_no_flood;
		port->no_broadcast = l->port_no_broadcast;
		port->no_multicast = l->port_no_multicast;
		port->proxy_arp = l->port_proxy_arp;
	} else if (l->has_stp && status_bridge_find(&f->before, l->name)) {
		struct check_bridge *bridge = &f->bridges[f->n_bridges++];

		memcpy(bridge->name, l->name, sizeof(bridge->name));
		bridge->runs_stp = l->stp_state != 0;
		bridge->forward_delay = l->forward_delay;
		bridge->down = !(l->flags & IFF_UP);
		bridge->filters_vlans = l->filters_vlans;
	}
}

/* Whether the clock shows a time before this program was installed. */
static bool clock_is_old(void)
{
	struct stat self;

	return stat("/proc/self/exe", &self) == 0 && time(NULL) < self.st_mtime;
}

/* Whether a port has just got its carrier, which the kernel reports to bridges up to a second
 * later, together with others. */
static bool is_rising(const struct observations *f, const struct link_info *l)
{
	return l->flags & IFF_UP && l->flags & LOWER_UP && !(l->flags & IFF_RUNNING) &&
	       check_bridge_of(&f->before, l->name);
}

/* List all links; a moment later if some have come up together with the site, perhaps, and are
 * ports then. Return: 0 and a list to free, or -errno. */
static int list_links(struct prober *p, struct link_list *ret)
{
	for (unsigned waited = 0;; waited += RISING_STEP_MS) {
		int err = query_links(&p->nl, ret);
		bool rising = false;

		for (size_t i = 0; !err && i < ret->n; i++)
			rising |= is_rising(p->facts, &ret->v[i]);
		if (err < 0 || !rising || waited >= RISING_MS)
			return err;
		free(ret->v);
		prober_wait(p, RISING_STEP_MS, NULL, NULL);
	}
}

int settings_look(struct prober *p)
{
	struct observations *f = p->facts;
	struct link_list links = { 0 };
	int err;

	f->host = (struct observed_host){
		.rp_filter = filters_count_rp_filter(),
		.untracked = filters_count_untracked(),
		.clock_is_old = clock_is_old(),
		.bridge_nf_ip4 = setting("net/bridge/bridge-nf-call-iptables"),
		.bridge_nf_ip6 = setting("net/bridge/bridge-nf-call-ip6tables"),
		.bridge_nf_arp = setting("net/bridge/bridge-nf-call-arptables"),
		.ip_forward = setting("net/ipv4/ip_forward"),
	};
	err = list_links(p, &links);
	if (err < 0)
		return err;
	f->ports = calloc(links.n + 1, sizeof(*f->ports));
	f->bridges = calloc(links.n + 1, sizeof(*f->bridges));
	for (size_t i = 0; f->ports && f->bridges && i < links.n; i++)
		note_link(f, &links.v[i]);
	free(links.v);
	return f->ports && f->bridges ? 0 : -ENOMEM;
}
