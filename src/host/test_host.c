/* SPDX-License-Identifier: MIT */
/* Helpers for tests with real netlink: a network namespace per test, a text snapshot of its state,
 * and a replacement of the engine that only opens its interfaces. */
#include "host/test_host.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bug.h"
#include "base/bytes.h"
#include "host/host_state.h"
#include "host/sysctl.h"
#include "netlink/nft_table.h"
#include "netlink/query.h"

void test_host_make_rundir(char ret[static 64])
{
	snprintf(ret, 64, "/tmp/wirespan-test-XXXXXX");
	ASSERT(mkdtemp(ret));
	ASSERT(setenv("WIRESPAN_RUNDIR", ret, 1) == 0);
}

/** Call `each` with the path of every file in the folder. */
static void for_files(const char *dir, void (*each)(void *ctx, const char *path), void *ctx)
{
	DIR *d = opendir(dir);
	struct dirent *entry;

	while (d && (entry = readdir(d))) {
		char path[512];

		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
		each(ctx, path);
	}
	if (d)
		closedir(d);
}

static void remove_file(void *ctx, const char *path)
{
	ASSERT(unlink(path) == 0);
}

void test_host_remove_rundir(const char *dir)
{
	for_files(dir, remove_file, NULL);
	(void)rmdir(dir);
}

void test_host_make_resolvconf(char dir[static 64])
{
	char path[512];
	FILE *f;

	snprintf(dir, 64, "/tmp/wirespan-bin-XXXXXX");
	ASSERT(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/resolvconf", dir);
	f = fopen(path, "we");
	ASSERT(f);
	fputs("#!/bin/sh\n[ -z \"$BROKEN\" ] || exit 1\ncase $1 in -a) cat "
	      ">$WIRESPAN_RUNDIR/resolv.$2;;\n"
	      "-d) rm -f $WIRESPAN_RUNDIR/resolv.$2;; esac\n",
		f);
	ASSERT(fchmod(fileno(f), 0755) == 0);
	ASSERT(fclose(f) == 0);
	snprintf(path, sizeof(path), "%s:%s", dir, getenv("PATH"));
	ASSERT(setenv("PATH", path, 1) == 0);
}

static void draw_links(struct nl_socket *nl, FILE *f)
{
	struct link_list list;

	ASSERT(query_links(nl, &list) == 0);
	for (size_t i = 0; i < list.n; i++) {
		const struct link_info *l = &list.v[i];
		struct link_info master = { 0 };

		if (l->master)
			ASSERT(query_link_index(nl, l->master, &master) == 0);
		fprintf(f, "link %s %s %s mtu %u master %s alias %s\n", l->name, l->kind,
			l->flags & IFF_UP ? "up" : "down", l->mtu, master.name, l->alias);
		if (!strcmp(l->kind, "bridge"))
			fprintf(f, "bridge %s stp %u snooping %u\n", l->name, l->stp_state,
				l->multicast_snooping);
		if (l->has_port_state)
			fprintf(f, "port %s isolated %d router %u forward 0x%x\n", l->name,
				l->port.isolated, l->port.multicast_router,
				l->port.forward_control);
	}
	free(list.v);
}

static void draw_addresses(struct nl_socket *nl, FILE *f)
{
	struct ifaddr_list list;

	ASSERT(query_addresses(nl, AF_UNSPEC, &list) == 0);
	for (size_t i = 0; i < list.n; i++) {
		struct link_info link = { 0 };
		char text[IP_PREFIX_TEXT_LEN];

		ASSERT(query_link_index(nl, list.v[i].ifindex, &link) == 0);
		fprintf(f, "address %s dev %s\n", ip_prefix_text(&list.v[i].prefix, text),
			link.name);
	}
	free(list.v);
}

static int compare_lines(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/** The order of equal routes depends on their history, so the lines are sorted. */
static void draw_sorted(FILE *f, char **lines, size_t n)
{
	qsort(lines, n, sizeof(*lines), compare_lines);
	for (size_t i = 0; i < n; i++) {
		fputs(lines[i], f);
		free(lines[i]);
	}
	free(lines);
}

static void draw_routes(struct nl_socket *nl, FILE *f, uint8_t family)
{
	struct route_list list;
	char **lines;
	size_t n = 0;

	ASSERT(query_routes(nl, family, &list) == 0);
	lines = calloc(list.n + 1, sizeof(*lines));
	ASSERT(lines);
	for (size_t i = 0; i < list.n; i++) {
		const struct route_info *r = &list.v[i];
		struct link_info link = { 0 };
		char text[IP_PREFIX_TEXT_LEN];

		/* The kernel adds its own IPv6 routes asynchronously, after carrier and duplicate
		 * address detection. */
		if (family == AF_INET6 && r->type != RTN_UNICAST)
			continue;
		if (r->ifindex)
			ASSERT(query_link_index(nl, r->ifindex, &link) == 0);
		ASSERT(asprintf(&lines[n++], "route %s dev %s table %u type %u metric %u\n",
			       ip_prefix_text(&r->dst, text), link.name, r->table, r->type,
			       r->metric) > 0);
	}
	draw_sorted(f, lines, n);
	free(list.v);
}

static void draw_rules(struct nl_socket *nl, FILE *f, uint8_t family)
{
	struct rule_list list;

	ASSERT(query_rules(nl, family, &list) == 0);
	for (size_t i = 0; i < list.n; i++)
		fprintf(f, "rule%u %u:%s mark %u table %u suppress %d\n", family,
			list.v[i].priority, list.v[i].invert ? " not" : "", list.v[i].mark,
			list.v[i].table, (int)list.v[i].suppress_length);
	free(list.v);
}

static void draw_filter(FILE *f)
{
	static const struct {
		uint16_t family;
		const char *name;
	} families[] = { { AF_INET, "ip" }, { AF_INET6, "ip6" }, { AF_BRIDGE, "bridge" } };

	for (size_t i = 0; i < ARRAY_LEN(families); i++) {
		struct nft_table_names list = { 0 };

		ASSERT(nft_table_list(families[i].family, "", &list) == 0);
		for (size_t k = 0; k < list.n; k++)
			fprintf(f, "nft table %s %s\n", families[i].name, list.v[k].name);
		free(list.v);
	}
}

static void draw_file(void *ctx, const char *path)
{
	fprintf(ctx, "file %s\n", path);
}

char *test_host_picture(void)
{
	static struct nl_socket nl;
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	const char *dir = getenv("WIRESPAN_RUNDIR");
	char mark[16] = "";

	ASSERT(dir && f && nl_socket_open(&nl) == 0);
	draw_links(&nl, f);
	draw_addresses(&nl, f);
	draw_routes(&nl, f, AF_INET);
	draw_routes(&nl, f, AF_INET6);
	draw_rules(&nl, f, AF_INET);
	draw_rules(&nl, f, AF_INET6);
	nl_socket_close(&nl);
	(void)sysctl_read("net/ipv4/conf/all/src_valid_mark", mark, sizeof(mark));
	fprintf(f, "src_valid_mark %s\n", mark);
	draw_filter(f);
	for_files(dir, draw_file, f);
	ASSERT(fclose(f) == 0);
	return text;
}

static void open_port(struct test_engine *e, const char *name, short flags)
{
	struct ifreq r = { .ifr_flags = flags };

	for (size_t i = 0; i < e->n; i++)
		if (!strcmp(e->names[i], name))
			return;
	ASSERT(e->n < TEST_PORTS_MAX);
	memcpy(r.ifr_name, name, strnlen(name, IF_NAMESIZE - 1));
	e->fds[e->n] = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	ASSERT(e->fds[e->n] >= 0 && ioctl(e->fds[e->n], TUNSETIFF, &r) == 0);
	memcpy(e->names[e->n], r.ifr_name, IF_NAMESIZE);
	e->n++;
}

void test_engine_open(struct test_engine *e, const struct conf_site *conf)
{
	struct conf_session_walk walk = { .conf = conf };
	const struct conf_session *session;

	open_port(e, conf->interface.name, IFF_TUN | IFF_NO_PI);
	while ((session = conf_next_session(&walk)))
		open_port(e, session->name, IFF_TAP | IFF_NO_PI);
}

static bool is_named(const struct conf_site *conf, const char *name)
{
	struct conf_session_walk walk = { .conf = conf };
	const struct conf_session *session;

	if (!strcmp(conf->interface.name, name))
		return true;
	while ((session = conf_next_session(&walk)))
		if (!strcmp(session->name, name))
			return true;
	return false;
}

void test_engine_close(struct test_engine *e, const struct conf_site *conf)
{
	size_t n = 0;

	for (size_t i = 0; i < e->n; i++) {
		if (conf && is_named(conf, e->names[i])) {
			e->fds[n] = e->fds[i];
			memmove(e->names[n], e->names[i], IF_NAMESIZE);
			n++;
		} else {
			close(e->fds[i]);
		}
	}
	e->n = n;
}
