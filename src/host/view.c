/* SPDX-License-Identifier: MIT */
/* A snapshot of the host's network: interfaces, addresses, routes, rules. */
#include "host/view.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static const uint8_t families[] = { AF_INET, AF_INET6 };

/** Whether the kernel does not have a family. */
static bool lacks_family(int err)
{
	return err == -EOPNOTSUPP || err == -EAFNOSUPPORT;
}

int view_take_routes(struct nl_socket *nl, uint32_t ifindex, struct host_view *view)
{
	int err = 0;

	for (size_t f = 0; err == 0 && f < sizeof(families); f++) {
		err = query_routes_by(nl, families[f], ifindex, &view->routes[f]);
		err = lacks_family(err) ? 0 : err;
	}
	return err;
}

int view_take_rules(struct nl_socket *nl, struct host_view *view)
{
	int err = 0;

	for (size_t f = 0; err == 0 && f < sizeof(families); f++) {
		err = query_rules(nl, families[f], &view->rules[f]);
		err = lacks_family(err) ? 0 : err;
	}
	return err;
}

int view_take(struct nl_socket *nl, struct host_view *ret)
{
	int err;

	*ret = (struct host_view){ 0 };
	err = query_links(nl, &ret->links);
	if (err == 0)
		err = query_addresses(nl, AF_UNSPEC, &ret->addresses);
	if (err < 0)
		view_fini(ret);
	return err;
}

void view_fini(struct host_view *view)
{
	free(view->links.v);
	free(view->addresses.v);
	for (size_t f = 0; f < sizeof(families); f++) {
		free(view->routes[f].v);
		free(view->rules[f].v);
	}
	*view = (struct host_view){ 0 };
}

const struct link_info *view_link(const struct host_view *view, const char *name)
{
	for (size_t i = 0; i < view->links.n; i++)
		if (!strcmp(view->links.v[i].name, name))
			return &view->links.v[i];
	return NULL;
}

const struct link_info *view_link_index(const struct host_view *view, uint32_t ifindex)
{
	for (size_t i = 0; ifindex && i < view->links.n; i++)
		if (view->links.v[i].ifindex == ifindex)
			return &view->links.v[i];
	return NULL;
}
