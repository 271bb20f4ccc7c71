/* SPDX-License-Identifier: MIT */
/* Everything that `wirespan status` shows, as plain data: the engine fills it, the control socket
 * carries it, the renderers print it. */
#include "ctlproto/status.h"

#include "ctlproto/array.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct status_peer *status_add_peer(struct status_report *r)
{
	void *array = r->peers;
	struct status_peer *peer = array_grow(&array, &r->peers_len, sizeof(*r->peers));

	r->peers = array;
	return peer;
}

struct status_tunnel *status_add_tunnel(struct status_report *r)
{
	void *array = r->tunnels;
	struct status_tunnel *tunnel = array_grow(&array, &r->tunnels_len, sizeof(*r->tunnels));

	r->tunnels = array;
	return tunnel;
}

struct status_session *status_add_session(struct status_report *r)
{
	void *array = r->sessions;
	struct status_session *session = array_grow(&array, &r->sessions_len, sizeof(*r->sessions));

	r->sessions = array;
	return session;
}

struct status_bridge *status_add_bridge(struct status_report *r)
{
	void *array = r->bridges;
	struct status_bridge *bridge = array_grow(&array, &r->bridges_len, sizeof(*r->bridges));

	r->bridges = array;
	return bridge;
}

struct status_member *status_add_member(struct status_bridge *bridge)
{
	void *array = bridge->members;
	struct status_member *member =
		array_grow(&array, &bridge->members_len, sizeof(*bridge->members));

	bridge->members = array;
	return member;
}

int status_add_warning(struct status_report *r, const char *format, ...)
{
	void *array = r->warnings;
	struct status_warning *warning = array_grow(&array, &r->warnings_len, sizeof(*r->warnings));
	va_list ap;

	r->warnings = array;
	if (!warning)
		return -ENOMEM;
	va_start(ap, format);
	(void)vsnprintf(warning->text, sizeof(warning->text), format, ap);
	va_end(ap);
	return 0;
}

int status_add_prefix(struct status_prefixes *list, const struct ip_prefix *p)
{
	void *array = list->v;
	struct ip_prefix *slot = array_grow(&array, &list->len, sizeof(*list->v));

	list->v = array;
	if (!slot)
		return -ENOMEM;
	*slot = *p;
	return 0;
}

void status_report_fini(struct status_report *r)
{
	for (size_t i = 0; i < r->peers_len; i++)
		free(r->peers[i].allowed_ips.v);
	free(r->peers);
	free(r->tunnels);
	free(r->sessions);
	free(r->warnings);
	free(r->wg.addresses.v);
	for (size_t i = 0; i < r->bridges_len; i++) {
		free(r->bridges[i].addresses.v);
		free(r->bridges[i].members);
	}
	free(r->bridges);
	memset(r, 0, sizeof(*r));
}
