/* SPDX-License-Identifier: MIT */
/* The status report of `wirespan status` as plain data: the engine fills it, the control socket
 * carries it, the renderers print it. */
#include "ctlproto/status.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

void status_set_no_engine(struct status_report *r)
{
	memset(&r->engine, 0xff, sizeof(r->engine)); /* STATUS_ABSENT, each */
	memset(&r->drops, 0xff, sizeof(r->drops));
	memset(&r->drop_ages_ms, 0xff, sizeof(r->drop_ages_ms));
	r->offloads = (struct status_offloads){ 0 };
}

const char *status_peer_label(const struct status_peer *peer, char key[static KEY_BASE64_LEN + 1])
{
	if (*peer->name)
		return peer->name;
	key_to_base64(peer->public_key, key);
	return key;
}

struct status_peer *status_add_peer(struct status_report *r)
{
	return array_grow(&r->peers, &r->peers_len, sizeof(*r->peers));
}

struct status_tunnel *status_add_tunnel(struct status_report *r)
{
	return array_grow(&r->tunnels, &r->tunnels_len, sizeof(*r->tunnels));
}

struct status_session *status_add_session(struct status_report *r)
{
	return array_grow(&r->sessions, &r->sessions_len, sizeof(*r->sessions));
}

struct status_bridge *status_add_bridge(struct status_report *r)
{
	return array_grow(&r->bridges, &r->bridges_len, sizeof(*r->bridges));
}

struct status_member *status_add_member(struct status_bridge *bridge)
{
	return array_grow(&bridge->members, &bridge->members_len, sizeof(*bridge->members));
}

struct status_process *status_add_process(struct status_report *r)
{
	return array_grow(&r->processes, &r->processes_len, sizeof(*r->processes));
}

struct status_difference *status_add_difference(struct status_report *r)
{
	return array_grow(&r->differences, &r->differences_len, sizeof(*r->differences));
}

bool status_is_port(const struct status_member *member)
{
	return member->state < STATUS_PORT_OUTSIDE;
}

const struct status_session *status_session_find(const struct status_report *r, const char *name)
{
	for (size_t i = 0; i < r->sessions_len; i++)
		if (!strcmp(r->sessions[i].name, name))
			return &r->sessions[i];
	return NULL;
}

const struct status_bridge *status_bridge_find(const struct status_report *r, const char *name)
{
	for (size_t i = 0; i < r->bridges_len; i++)
		if (!strcmp(r->bridges[i].name, name))
			return &r->bridges[i];
	return NULL;
}

int status_add_warning(struct status_report *r, const char *format, ...)
{
	struct status_warning *warning =
		array_grow(&r->warnings, &r->warnings_len, sizeof(*warning));
	va_list ap;

	if (!warning)
		return -ENOMEM;
	va_start(ap, format);
	(void)vsnprintf(warning->text, sizeof(warning->text), format, ap);
	va_end(ap);
	return 0;
}

int status_add_prefix(struct status_prefixes *list, const struct ip_prefix *p)
{
	struct ip_prefix *slot = array_grow(&list->v, &list->len, sizeof(*slot));

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
	free(r->processes);
	free(r->differences);
	free(r->warnings);
	free(r->wg.addresses.v);
	for (size_t i = 0; i < r->bridges_len; i++) {
		free(r->bridges[i].addresses.v);
		free(r->bridges[i].members);
	}
	free(r->bridges);
	memset(r, 0, sizeof(*r));
}
