/* SPDX-License-Identifier: MIT */
/* Settings of a site on the host that are no interfaces, addresses, routes or rules: sysctls, the
 * filter of a default route, name servers. */
#include "host/site_settings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "host/routes.h"
#include "host/sysctl.h"
#include "netlink/nft_table.h"

/* The files that contain the host's name servers; the second one if the first names only
 * systemd-resolved. */
static const char *const resolv_confs[] = { "/etc/resolv.conf",
	"/run/systemd/resolve/resolv.conf" };

static void add(struct wanted_setting *v, size_t *n, enum difference_kind kind,
	enum wanted_role role, const char *link, uint16_t family)
{
	struct wanted_setting *s = &v[(*n)++];

	*s = (struct wanted_setting){ .kind = kind, .role = role, .family = family };
	snprintf(s->link, sizeof(s->link), "%s", link);
}

int site_settings_make(const struct conf_site *conf, const struct route_plan *plan,
	struct wanted_setting **ret, size_t *ret_n)
{
	struct conf_session_walk walk = { .conf = conf };
	const char *wg = conf->interface.name;
	const struct conf_session *session;
	struct wanted_setting *v;
	size_t n = 0;

	v = calloc(2 * conf_session_count(conf) + conf->n_bridges + 2 * plan->n + 3, sizeof(*v));
	if (!v)
		return -ENOMEM;
	for (size_t i = 0; i < plan->n; i++) {
		uint16_t family = plan->v[i].dst.addr.family;

		if (!plan->v[i].by_rule)
			continue;
		if (family == AF_INET)
			add(v, &n, DIFFERENCE_VALID_MARK, WANTED_WG, wg, family);
		add(v, &n, DIFFERENCE_FILTER, WANTED_WG, wg, family);
	}
	if (conf->interface.dns.n) {
		add(v, &n, DIFFERENCE_DNS, WANTED_WG, wg, 0);
		v[n - 1].dns = &conf->interface.dns;
	}
	add(v, &n, DIFFERENCE_ACCEPT_RA, WANTED_WG, wg, AF_INET6);
	add(v, &n, DIFFERENCE_AUTOCONF, WANTED_WG, wg, AF_INET6);
	for (size_t i = 0; i < conf->n_bridges; i++)
		if (!conf->bridges[i].adopt)
			add(v, &n, DIFFERENCE_ACCEPT_RA, WANTED_BRIDGE, conf->bridges[i].name,
				AF_INET6);
	while ((session = conf_next_session(&walk))) {
		add(v, &n, DIFFERENCE_ACCEPT_RA, WANTED_SESSION, session->name, AF_INET6);
		if (*session->bridge)
			add(v, &n, DIFFERENCE_AUTOCONF, WANTED_SESSION, session->name, AF_INET6);
	}
	*ret = v;
	*ret_n = n;
	return 0;
}

static enum setting_state read_sysctl(const char *path, const char *wanted)
{
	char is[8];

	if (sysctl_read(path, is, sizeof(is)) < 0)
		return SETTING_UNKNOWN;
	return strcmp(is, wanted) != 0 ? SETTING_OTHER : SETTING_AS_WANTED;
}

/** Read a sysctl of IPv6 on an interface. */
static enum setting_state read_ipv6(const char *link, const char *name, const char *wanted)
{
	char path[64];

	snprintf(path, sizeof(path), "net/ipv6/conf/%s/%s", link, name);
	return read_sysctl(path, wanted);
}

static enum setting_state read_filter(struct wanted_setting *s, struct nft_table_mark *mark)
{
	char name[sizeof(ROUTES_TABLE_PREFIX) + IF_NAMESIZE];
	int is;

	snprintf(name, sizeof(name), ROUTES_TABLE_PREFIX "%s", s->link);
	is = nft_table_compare(s->family, name, mark);
	s->changed = is == NFT_TABLE_CHANGED;
	return is < 0			 ? SETTING_UNKNOWN
	       : is == NFT_TABLE_AS_MADE ? SETTING_AS_WANTED
					 : SETTING_OTHER;
}

/** Whether a file has a line "nameserver ADDRESS". */
static bool names_server(const char *path, const struct ip_addr *server)
{
	FILE *f = fopen(path, "re");
	char line[256];
	bool found = false;

	while (f && !found && fgets(line, sizeof(line), f)) {
		char word[64];
		struct ip_addr addr;

		found = sscanf(line, "nameserver %63s", word) == 1 &&
			ip_addr_parse(word, &addr) == 0 && ip_addr_equal(&addr, server);
	}
	if (f)
		fclose(f);
	return found;
}

/** Whether all servers are in one of the files; search domains are not looked for. */
static enum setting_state read_dns(const struct conf_texts *dns)
{
	for (size_t k = 0; k < ARRAY_LEN(resolv_confs); k++) {
		size_t servers = 0;
		size_t found = 0;

		for (size_t i = 0; i < dns->n; i++) {
			struct ip_addr addr;

			if (ip_addr_parse(dns->v[i].text, &addr) < 0)
				continue;
			servers++;
			found += names_server(resolv_confs[k], &addr);
		}
		if (!servers)
			return SETTING_UNKNOWN;
		if (found == servers)
			return SETTING_AS_WANTED;
	}
	return SETTING_OTHER;
}

static enum setting_state read_state(
	struct wanted_setting *s, struct nft_table_mark filters[static 2])
{
	switch ((unsigned)s->kind) {
	case DIFFERENCE_VALID_MARK:
		return read_sysctl(ROUTES_VALID_MARK, "1");
	case DIFFERENCE_ACCEPT_RA:
		return read_ipv6(s->link, "accept_ra", "0");
	case DIFFERENCE_AUTOCONF:
		return read_ipv6(s->link, "addr_gen_mode", "1");
	case DIFFERENCE_FILTER:
		return read_filter(s, &filters[s->family == AF_INET6]);
	case DIFFERENCE_DNS:
		return read_dns(s->dns);
	}
	return SETTING_UNKNOWN;
}

void site_settings_read(struct wanted_setting *v, size_t n, struct nft_table_mark filters[static 2])
{
	for (size_t i = 0; i < n; i++) {
		v[i].state = read_state(&v[i], filters);
		v[i].seen |= v[i].state == SETTING_AS_WANTED;
	}
}

const struct wanted_setting *site_settings_find(
	const struct wanted_setting *v, size_t n, const struct wanted_setting *like)
{
	for (size_t i = 0; i < n; i++)
		if (v[i].kind == like->kind && v[i].family == like->family &&
			!strcmp(v[i].link, like->link))
			return &v[i];
	return NULL;
}
