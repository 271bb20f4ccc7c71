/* SPDX-License-Identifier: MIT */
/* wg(8) at an isolated site: requests go through the process with the keys, and the engine. */
#include "backend/isolated_wg.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "backend/wg_merge.h"
#include "base/clock.h"
#include "base/keytext.h"
#include "base/log.h"
#include "base/text.h"
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

/* Find the last peer of a part. Return: whether there is one. */
static bool find_last_peer(const char *part, uint8_t ret_key[static KEY_LEN])
{
	static const char name[] = "public_key=";
	bool found = false;

	for (const char *at = part; at; at = strchr(at, '\n')) {
		at += *at == '\n';
		if (strncmp(at, name, sizeof(name) - 1) == 0 &&
			key_from_hex(at + sizeof(name) - 1, strcspn(at + sizeof(name) - 1, "\n"),
				ret_key) == 0)
			found = true;
	}
	return found;
}

static bool is_last_part(const char *part, size_t len)
{
	static const size_t end = sizeof(UAPI_GET_END) - 1;

	return len >= end && memcmp(part + len - end, UAPI_GET_END, end) == 0;
}

/* Add a part of the reply, the one after the peer `last` if `t` has some; then `last` is that of
 * this part. Return: 1 if further ones follow, 0 if none do, or -errno. */
static int add_part(struct isolated_site *u, struct text *t, uint8_t last[static KEY_LEN])
{
	struct engine_message reply;
	int err = isolated_engine_show(u, t->len ? last : NULL, &reply);
	const char *part = reply.body;

	if (err < 0)
		return err;
	if (t->len + reply.head.len > isolated_wg_reply_max(u))
		return -EMSGSIZE; /* the monitor's memory would only grow */
	text_add(t, "%s", reply.head.len ? part : "");
	if (t->out_of_memory)
		return -ENOMEM;
	if (is_last_part(part, reply.head.len))
		return 0;
	if (reply.head.len && find_last_peer(part, last))
		return 1;
	isolated_engine_failed(u, -EBADMSG);
	return -EBADMSG;
}

/* The engine processes packets between the parts. No request changes it meanwhile. */
static int on_wg_get(void *ctx, char **ret_text, size_t *ret_len)
{
	struct isolated_site *u = ctx;
	struct mono until = mono_add(clock_mono(), ISOLATED_PATIENCE);
	struct text t = { 0 };
	uint8_t last[KEY_LEN];
	int more;

	do
		more = add_part(u, &t, last);
	while (more > 0 && !mono_reached(until, clock_mono()));
	if (more > 0)
		more = -ETIMEDOUT;
	if (more < 0)
		text_discard(&t);
	else
		more = text_take(&t, ret_text, ret_len);
	if (!more)
		key_ring_fill_reply(&u->keys.now, *ret_text, *ret_len);
	return more;
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
	err = isolated_engine_wg(u, text, len);
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
