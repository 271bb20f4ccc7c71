/* SPDX-License-Identifier: MIT */
/* Reads ip(8), brctl(8) and bridge(8) in shell scripts. */
#include "import/shell_ip.h"

#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "conf/value.h"
#include "import/shell_arguments.h"

/* Whether `word` is `full` or an abbreviation of it, as in ip(8). */
static bool is_short_for(const char *word, const char *full)
{
	return *word && !strncmp(word, full, strlen(word));
}

/* `ip link add`, word `i` is what follows. */
static void link_add(struct script *s, size_t i)
{
	struct shell_command *c = s->command;
	const char *type = shell_value_after(c, i, "type");
	const char *name = shell_value_after(c, i, "dev");

	if (!name)
		name = shell_value_after(c, i, "name");
	if (!name)
		name = shell_operand(c, i, "link");
	if (!type || !name || conf_value_name_problem(name))
		type = "";
	if (!strcmp(type, "wireguard")) {
		import_add(s->im, IMPORT_LINK, name, FACT_KIND, FACT_KIND_WIREGUARD);
		import_add(s->im, IMPORT_LINK, name, FACT_ROUTES, "explicit");
		snprintf(s->link, sizeof(s->link), "%s", name);
		shell_add_arguments(s, i, "link", IMPORT_LINK, name, name);
	} else if (!strcmp(type, "bridge")) {
		import_add(s->im, IMPORT_LINK, name, FACT_KIND, FACT_KIND_BRIDGE);
		shell_add_arguments(s, i, "link", IMPORT_LINK, name, name);
	} else {
		import_drop(s->im, "neither a WireGuard interface nor a bridge");
	}
}

/* Of the settings of `ip link set`, the last one counts. */
static void replace_settings(struct script *s, size_t i, const char *dev)
{
	const struct shell_command *c = s->command;
	size_t n = s->im->n_facts;

	for (; i + 1 < c->n; i++) {
		const struct import_row *row = shell_row("link", c->words[i]);

		if (!row)
			continue;
		if (row->key && *row->key && shell_is_known(c->words[i + 1]))
			import_replace(s->im, n, IMPORT_LINK, dev, row->key, NULL);
		if (row->key && !strcmp(row->key, FACT_MTU))
			import_replace(s->im, n, IMPORT_LINK, dev, "MTU", NULL);
		i++;
	}
}

/* `ip link set`: the interface comes after "dev", or at any place. */
static void link_set(struct script *s, size_t i)
{
	struct shell_command *c = s->command;
	size_t before = s->im->n_facts + s->im->n_notes;
	const char *dev = shell_value_after(c, i, "dev");

	if (!dev)
		dev = shell_operand(c, i, "link");
	if (!dev || conf_value_name_problem(dev)) {
		import_drop(s->im, "its interface is missing, or known only while the script runs");
		return;
	}
	if (shell_value_after(c, i, "name"))
		import_drop(s->im, "a site renames no interface");
	replace_settings(s, i, dev);
	shell_add_arguments(s, i, "link", IMPORT_LINK, dev, dev);
	if (s->im->n_facts + s->im->n_notes == before)
		import_drop(s->im, "the site brings its interfaces up");
	s->from_file = false;
}

/* `ip address add`. With a peer's address, ours has no prefix, and there is a route to the peer. */
static void address_add(struct script *s, size_t i)
{
	struct shell_command *c = s->command;
	const char *dev = shell_value_after(c, i, "dev");
	const char *peer = shell_value_after(c, i, "peer");
	char *address = shell_value_after(c, i, "local");

	if (!address)
		address = shell_operand(c, i, "address");
	if (!peer)
		peer = shell_value_after(c, i, "remote");
	if (!dev || !address) {
		import_drop(s->im, "names no interface, or no address");
		return;
	}
	if (peer) {
		address[strcspn(address, "/")] = '\0';
		shell_add_argument(s, IMPORT_LINK, dev, FACT_ROUTE, peer);
	}
	shell_add_argument(s, IMPORT_LINK, dev, "Address", address);
	shell_add_arguments(s, i, "address", IMPORT_LINK, dev, address);
}

/* `ip route add`, or one that replaces the route to that prefix by another interface. */
static void route_add(struct script *s, size_t i, bool replaces)
{
	struct shell_command *c = s->command;
	const char *dev = shell_value_after(c, i, "dev");
	const char *to = shell_value_after(c, i, "to");
	size_t n = s->im->n_facts;
	const char *prefix;
	bool v6 = false;

	for (size_t k = 1; k < i; k++)
		v6 |= !strcmp(c->words[k], "-6");
	if (!to)
		to = shell_operand(c, i, "route");
	if (!dev || !to) {
		import_drop(s->im, "a route to no interface of the site");
		return;
	}
	prefix = strcmp(to, "default") != 0 ? to : v6 ? "::/0" : "0.0.0.0/0";
	if (replaces && !shell_value_after(c, i, "table") && !shell_value_after(c, i, "metric"))
		import_replace_routes(s->im, n, prefix);
	shell_add_argument(s, IMPORT_LINK, dev, FACT_ROUTE, prefix);
	shell_add_arguments(s, i, "route", IMPORT_LINK, dev, to);
}

/* `ip rule add`: those of wg-quick for a default route. */
static void rule_add(struct script *s, size_t i)
{
	struct shell_command *c = s->command;

	if (*s->link && (shell_value_after(c, i, "fwmark") ||
				shell_value_after(c, i, "suppress_prefixlength")))
		import_add(s->im, IMPORT_LINK, s->link, FACT_RULE, "mark");
	else
		import_drop(s->im, "policy routing that a site does not do: add it as PostUp");
}

/* `ip l2tp add tunnel|session`. */
static void l2tp_add(struct script *s, size_t i)
{
	struct shell_command *c = s->command;
	const char *tunnel = shell_value_after(c, i, "tunnel_id");
	const char *name = shell_value_after(c, i, "name");
	char unnamed[IF_NAMESIZE];

	if (!tunnel || !shell_is_known(tunnel) || i >= c->n) {
		import_drop(s->im, "tunnel_id is missing, or known only while the script runs");
	} else if (!strcmp(c->words[i], "tunnel")) {
		shell_add_arguments(s, i + 1, "tunnel", IMPORT_TUNNEL, tunnel, NULL);
	} else {
		if (!name) {
			snprintf(unnamed, sizeof(unnamed), "l2tpeth%u", s->im->n_sessions++);
			name = unnamed; /* as the kernel does */
		}
		import_add(s->im, IMPORT_LINK, name, FACT_KIND, FACT_KIND_SESSION);
		shell_add_arguments(s, i + 1, "session", IMPORT_LINK, name, NULL);
	}
}

/* `ip OBJECT VERB …`. */
void shell_ip(struct script *s)
{
	static const char *const adding[] = { "add", "append", "change", "prepend", "replace" };
	struct shell_command *c = s->command;
	bool adds = false;
	size_t i = 1;
	const char *verb;

	for (; i < c->n && c->words[i][0] == '-'; i++)
		if (!strcmp(c->words[i], "-n") || !strncmp(c->words[i], "-net", 4)) {
			import_drop(s->im, "in another network namespace");
			return;
		}
	verb = i + 1 < c->n ? c->words[i + 1] : "show";
	for (size_t k = 0; k < ARRAY_LEN(adding); k++)
		adds |= is_short_for(verb, adding[k]);
	if (is_short_for(verb, "delete") || is_short_for(verb, "flush"))
		import_drop(s->im, REASON_REMOVAL);
	else if (is_short_for(verb, "show") || is_short_for(verb, "list"))
		import_drop(s->im, REASON_FLOW);
	else if (is_short_for(c->words[i], "link") && is_short_for(verb, "add"))
		link_add(s, i + 2);
	else if (is_short_for(c->words[i], "link") && is_short_for(verb, "set"))
		link_set(s, i + 2);
	else if (is_short_for(c->words[i], "address") && adds)
		address_add(s, i + 2);
	else if (is_short_for(c->words[i], "route") && adds)
		route_add(s, i + 2, is_short_for(verb, "change") || is_short_for(verb, "replace"));
	else if (is_short_for(c->words[i], "rule"))
		rule_add(s, i + 2);
	else if (!strcmp(c->words[i], "l2tp") && is_short_for(verb, "add"))
		l2tp_add(s, i + 2);
	else
		import_drop(s->im, "not a part of a site");
}

void shell_brctl(struct script *s)
{
	struct shell_command *c = s->command;

	if (c->n == 3 && !strcmp(c->words[1], "addbr"))
		shell_add_argument(s, IMPORT_LINK, c->words[2], FACT_KIND, FACT_KIND_BRIDGE);
	else if (c->n == 4 && !strcmp(c->words[1], "stp"))
		shell_add_argument(s, IMPORT_LINK, c->words[2], "STP", c->words[3]);
	else if (c->n >= 4 && !strcmp(c->words[1], "addif"))
		for (size_t i = 3; i < c->n; i++)
			shell_add_argument(s, IMPORT_LINK, c->words[i], FACT_MASTER, c->words[2]);
	else
		import_drop(s->im, "not a part of a site");
}

/* `bridge link set dev IF isolated on`. */
void shell_bridge(struct script *s)
{
	struct shell_command *c = s->command;
	const char *dev = shell_value_after(c, 1, "dev");

	if (dev && shell_value_after(c, 1, "isolated") && !strcmp(c->words[1], "link")) {
		replace_settings(s, 3, dev);
		shell_add_arguments(s, 3, "link", IMPORT_LINK, dev, NULL);
	} else {
		import_drop(s->im, "not a part of a site");
	}
}
