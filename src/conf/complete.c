/* SPDX-License-Identifier: MIT */
/* Defaults that depend on other values: names, Local addresses, bridges of sessions. */
#include "conf/complete.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "conf/value.h"

/* wg-quick's rule: /etc/wireguard/wg1.conf is the interface wg1. */
static void complete_name(struct conf_site *site, struct conf_report *report)
{
	const char *slash = site->wireguard ? strrchr(site->wireguard, '/') : NULL;
	char name[IF_NAMESIZE];
	const char *base;
	size_t len;

	if (!slash || site->interface.at[CONF_INTERFACE_NAME].line)
		return;
	base = slash + 1;
	len = strlen(base);
	if (len > 5 && !strcmp(base + len - 5, ".conf"))
		len -= 5;
	if (len < sizeof(name)) {
		memcpy(name, base, len);
		name[len] = '\0';
	}
	if (len >= sizeof(name) || conf_value_name_problem(name))
		conf_report_add(report, CONF_ERROR, site->at[CONF_SITE_WIREGUARD],
			"WireGuard: the file name is not a valid interface name\n"
			"rename the file, for instance to wg0.conf, or add [Interface] with Name "
			"=");
	else
		memcpy(site->interface.name, name, len + 1);
}

/* Our address in the subnet of `remote`, else our only address of its family, else none. */
static struct ip_addr local_for(const struct conf_site *site, const struct ip_addr *remote)
{
	const struct conf_prefixes *ours = &site->interface.addresses;
	struct ip_addr only = { 0 };
	size_t n = 0;

	for (size_t i = 0; i < ours->n; i++) {
		const struct ip_prefix *p = &ours->v[i].prefix;

		if (ip_prefix_contains(p, remote))
			return p->addr;
		if (p->addr.family == remote->family) {
			only = p->addr;
			n++;
		}
	}
	return n == 1 ? only : (struct ip_addr){ 0 };
}

static void complete_bridge(const struct conf_site *site, struct conf_session *session)
{
	if (!session->at[CONF_SESSION_BRIDGE].line) {
		if (site->n_bridges == 1)
			memcpy(session->bridge, site->bridges[0].name, sizeof(session->bridge));
	} else if (!strcasecmp(session->bridge, CONF_BRIDGE_NONE)) {
		session->bridge[0] = '\0';
	}
}

void conf_complete(struct conf_site *site, struct conf_report *report)
{
	unsigned number = 0;

	complete_name(site, report);
	for (size_t i = 0; i < site->n_tunnels; i++) {
		struct conf_tunnel *tunnel = &site->tunnels[i];

		/* Also in place of an address that could not be read: the site is that of its own
		 * text, which has none either. */
		if (!tunnel->local.family && tunnel->remote.family)
			tunnel->local = local_for(site, &tunnel->remote);
		for (size_t k = 0; k < tunnel->n_sessions; k++, number++) {
			struct conf_session *session = &tunnel->sessions[k];

			if (!session->name[0])
				snprintf(session->name, sizeof(session->name), "l2tpeth%u", number);
			complete_bridge(site, session);
		}
	}
}
