/* SPDX-License-Identifier: MIT */
/* wg(8) at an isolated site: requests go through the process with the keys, and the engine. */
#include "backend/isolated_wg.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "backend/wg_merge.h"
#include "base/log.h"
#include "ctlproto/uapi_print.h"

/* Longest parts of a reply: of a peer without its prefixes, and a line with a prefix. */
#define PEER_LEN   1024
#define PREFIX_LEN 64

size_t isolated_wg_reply_max(const struct isolated_site *u)
{
	/* prefixes that wg(8) has added are as long in its requests */
	size_t len = PEER_LEN * (u->keys.now.n + 1) + u->changes.len;

	for (size_t i = 0; i < u->conf->n_peers; i++)
		len += PREFIX_LEN * u->conf->peers[i].allowed_ips.n;
	return u->changes.lost ? SIZE_MAX : len;
}

static int on_wg_get(void *ctx, char **ret_text, size_t *ret_len)
{
	struct isolated_site *u = ctx;
	static const char request[] = "get=1\n\n";
	struct engine_message reply;
	int err = isolated_engine_wg(u, request, sizeof(request) - 1, &reply);
	char *text;

	if (err < 0)
		return err;
	if (reply.head.len > isolated_wg_reply_max(u)) /* the monitor's memory would only grow */
		return -EMSGSIZE;
	text = malloc((size_t)reply.head.len + 1);
	if (!text)
		return -ENOMEM;
	memcpy(text, reply.body, (size_t)reply.head.len + 1);
	key_ring_fill_reply(&u->keys.now, text, reply.head.len);
	*ret_text = text;
	*ret_len = reply.head.len;
	return 0;
}

/* Note what a successful request has set. The next engine of wirespan-wg starts with the port and
 * the mark, so that they are not repeated. */
static void note_port(struct isolated_site *u, struct uapi_set *set)
{
	bool open = u->held.udp.fd4 >= 0 || u->held.udp.fd6 >= 0;

	if (!u->engine.drop_in)
		return;
	if (set->has_listen_port)
		u->any_port = !set->listen_port;
	if (set->has_listen_port && !open) /* otherwise it is the one that was opened */
		u->held.udp.port = set->listen_port;
	set->has_listen_port = false;
	set->has_fwmark = false;
}

static int on_wg_set(void *ctx, const struct uapi_set *set)
{
	struct isolated_site *u = ctx;
	uint32_t before = u->fwmark;
	uint16_t port_before = u->engine.ports[ENGINE_PORT_BY_WG];
	struct engine_message reply;
	struct uapi_set marked;
	char *text = NULL;
	size_t len;
	int err = keys_process_set(&u->keys, set, &marked);

	if (err < 0)
		return err;
	err = uapi_print_set(&marked, &text, &len);
	if (err < 0)
		goto out;
	if (set->has_fwmark)
		u->fwmark = set->fwmark;
	isolated_engine_allow(u, set->has_listen_port ? set->listen_port : 0);
	err = isolated_engine_wg(u, text, len, &reply);
	if (!err) {
		note_port(u, &marked);
		wg_changes_add(&u->changes, &marked, u->conf, u->keys.now.public_key);
		wg_merge_grown(&u->changes, u->conf);
	} else {
		u->fwmark = before;
		u->engine.fwmark = before;
		u->engine.ports[ENGINE_PORT_BY_WG] = port_before;
	}
	free(text);
out:
	if (err < 0)
		keys_process_revert(&u->keys);
	else
		keys_process_commit(&u->keys, NULL);
	key_ring_free_set(&marked);
	return err;
}

static void on_wg_ended(void *ctx)
{
	struct isolated_site *u = ctx;

	log_info("the socket of %s was removed: going down", u->conf->interface.name);
	u->events |= BACKEND_END_REQUESTED;
}

int isolated_wg_serve(struct isolated_site *u, int listen_fd)
{
	const struct uapi_server_config calls = { .listen_fd = listen_fd,
		.get = on_wg_get,
		.set = on_wg_set,
		.ended = on_wg_ended,
		.ctx = u };

	return wgsock_serve(&u->wgsock, u->loop, &calls, u->conf->interface.name);
}
