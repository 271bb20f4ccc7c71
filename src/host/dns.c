/* SPDX-License-Identifier: MIT */
/* Pass [Interface] DNS to resolvconf(8), as wg-quick does. */
#include "host/dns.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "host/spawn.h"

/** Make the name for resolvconf. Debian's resolvconf orders interfaces by patterns; only a name
 * that matches one of them, for example "tun.wg0", precedes the others. */
static void make_key(const char *ifname, char ret[static JOURNAL_NAME_LEN])
{
	FILE *f = fopen("/etc/resolvconf/interface-order", "re");
	char line[128];
	char prefix[64] = "";

	while (f && !*prefix && fgets(line, sizeof(line), f)) {
		size_t word = strspn(
			line, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-");

		if (word && word < sizeof(prefix) - 1 && !strcmp(line + word, "*\n"))
			snprintf(prefix, sizeof(prefix), "%.*s.", (int)word, line);
	}
	if (f)
		fclose(f);
	snprintf(ret, JOURNAL_NAME_LEN, "%s%s", prefix, ifname);
}

/** Return: the input of resolvconf, to be freed: one line per server, and one line with all search
 * domains. */
static char *resolv_text(const struct conf_texts *dns)
{
	struct text t = { 0 };
	bool search = false;
	struct ip_addr addr;

	for (size_t i = 0; i < dns->n; i++)
		if (ip_addr_parse(dns->v[i].text, &addr) == 0)
			text_add(&t, "nameserver %s\n", dns->v[i].text);
	for (size_t i = 0; i < dns->n; i++) {
		if (ip_addr_parse(dns->v[i].text, &addr) == 0)
			continue;
		text_add(&t, "%s%s", search ? " " : "search ", dns->v[i].text);
		search = true;
	}
	if (search)
		text_add(&t, "\n");
	return text_finish(&t);
}

int dns_set(struct netdev *m, const struct conf_interface *wg)
{
	struct journal_entry e = { .kind = JOURNAL_DNS };
	const char *key = e.name;
	const char *const argv[] = { "resolvconf", "-a", key, "-m", "0", "-x", NULL };
	char *text;
	int err;

	if (!wg->dns.n)
		return 0;
	make_key(wg->name, e.name);
	err = journal_find(&m->journal, &e) == SIZE_MAX ? netdev_journal(m, &e) : 0;
	if (err == 0)
		err = netdev_log(m, "resolvconf -a %s -m 0 -x", key);
	if (err < 0)
		return err;
	text = resolv_text(&wg->dns);
	err = text ? spawn(argv, text) : -ENOMEM;
	free(text);
	if (err == -ENOENT)
		return netdev_fail(m, err,
			"DNS is set, but there is no resolvconf on this host\n"
			"Install openresolv or systemd-resolved's resolvconf, or remove DNS.");
	if (err < 0)
		return netdev_fail(m, err,
			"resolvconf -a %s failed\nSee its output above, or remove DNS.", key);
	return 0;
}

/** Whether resolvconf has a record of that name: Debian's, and openresolv's in its versions. */
static bool has_record(const char *key)
{
	static const char *const folders[] = { "interface", "interfaces", "keys" };
	char path[sizeof("/run/resolvconf/interfaces/") + JOURNAL_NAME_LEN];

	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++) {
		snprintf(path, sizeof(path), "/run/resolvconf/%s/%s", folders[i], key);
		if (access(path, F_OK) == 0)
			return true;
	}
	return false;
}

int dns_forget(const char *ifname, bool *ret_found)
{
	struct journal_entry e = { .kind = JOURNAL_DNS };

	make_key(ifname, e.name);
	if (if_nametoindex(ifname) || !has_record(e.name))
		return 0;
	*ret_found = true;
	return dns_undo(NULL, &e);
}

int dns_undo(struct netdev *m, const struct journal_entry *e)
{
	const char *const argv[] = { "resolvconf", "-d", e->name, "-f", NULL };
	int err = spawn(argv, NULL);

	return err == -ENOENT ? 0 : err;
}
