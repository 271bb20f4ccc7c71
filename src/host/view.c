/* SPDX-License-Identifier: MIT */
/* A snapshot of the host's network: interfaces, addresses, routes, rules. */
#include "host/view.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static const uint8_t families[] = { AF_INET, AF_INET6 };

/** Query routes and rules of both families. */
static int take_routes(struct nl_socket *nl, struct host_view *view)
{
	int err = 0;

	for (size_t f = 0; err == 0 && f < sizeof(families); f++) {
		err = query_routes(nl, families[f], &view->routes[f]);
		if (err == 0)
			err = query_rules(nl, families[f], &view->rules[f]);
		if (err == -EOPNOTSUPP || err == -EAFNOSUPPORT)
			err = 0; /* the kernel does not have this family */
	}
	return err;
}

int view_take(struct nl_socket *nl, bool routes, struct host_view *ret)
{
	int err;

	*ret = (struct host_view){ 0 };
	err = query_links(nl, &ret->links);
	if (err == 0)
		err = query_addresses(nl, AF_UNSPEC, &ret->addresses);
	if (err == 0 && routes)
		err = take_routes(nl, ret);
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
