/* SPDX-License-Identifier: MIT */
/* Apply the tunnels and sessions of a configuration to the engine as a difference. */
#include "driver/apply_sessions.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "driver/ports.h"
#include "netlink/ifindex.h"

static struct l2tp_tunnel tunnel_of(const struct conf_tunnel *c)
{
	return (struct l2tp_tunnel){
		.local = c->local,
		.remote = c->remote,
		.encap = c->encap,
		.local_port = c->encap == L2TP_ENCAP_UDP ? c->udp_source_port : 0,
		.remote_port = c->encap == L2TP_ENCAP_UDP ? c->udp_destination_port : 0,
		.udp_checksum = c->udp_checksum,
		.id = c->tunnel_id,
		.peer_id = c->peer_tunnel_id,
	};
}

static bool same_tunnel(const struct l2tp_tunnel *a, const struct l2tp_tunnel *b)
{
	return ip_addr_equal(&a->local, &b->local) && ip_addr_equal(&a->remote, &b->remote) &&
	       a->encap == b->encap && a->local_port == b->local_port &&
	       a->remote_port == b->remote_port && a->udp_checksum == b->udp_checksum &&
	       a->id == b->id && a->peer_id == b->peer_id;
}

static struct driver_tunnel *find_tunnel(const struct driver *d, const struct l2tp_tunnel *t)
{
	LIST_FOR_EACH(l, &d->tunnels)
	{
		struct driver_tunnel *have = CONTAINER_OF(l, struct driver_tunnel, link);

		if (same_tunnel(&have->l2tp, t))
			return have;
	}
	return NULL;
}

struct driver_session *apply_find_session(const struct driver *d, const char *name)
{
	LIST_FOR_EACH(l, &d->sessions)
	{
		struct driver_session *s = CONTAINER_OF(l, struct driver_session, link);

		if (!strcmp(s->name, name))
			return s;
	}
	return NULL;
}

static void session_configure(struct driver_session *s, const struct conf_session *c)
{
	struct l2tp_session *l = &s->path.l2tp;

	l->id = c->session_id;
	l->peer_id = c->peer_session_id;
	memcpy(l->cookie, c->cookie, sizeof(l->cookie));
	memcpy(l->peer_cookie, c->peer_cookie, sizeof(l->peer_cookie));
	l->cookie_len = c->cookie_len;
	l->peer_cookie_len = c->peer_cookie_len;
	l->sublayer = c->options.sublayer;
	l->send_sequence = c->options.sequence & L2TP_SEQUENCE_SEND;
	l->expect_sequence = c->options.sequence & L2TP_SEQUENCE_RECV;
	l->frame_max = SUPERFRAME_MAX;
}

static bool session_differs(const struct driver_session *s, const struct conf_session *c,
	const struct driver_tunnel *tunnel)
{
	struct driver_session other;

	memcpy(&other, s, sizeof(other)); /* with its padding, for memcmp() */
	session_configure(&other, c);
	return s->tunnel != tunnel || l2tp_options_need_replace(&s->path.options, &c->options) ||
	       /* NOLINTNEXTLINE(*-memory-comparison,cert-exp42-c,cert-flp37-c) */
	       memcmp(&other.path.l2tp, &s->path.l2tp, sizeof(other.path.l2tp)) != 0;
}

static void session_out(struct driver *d, struct driver_session *s)
{
	engine_remove_session(&d->engine, &s->path);
}

static bool session_is_in(const struct driver_session *s)
{
	return !list_is_empty(&s->path.link);
}

static int session_in(struct driver *d, struct driver_session *s, struct driver_tunnel *tunnel,
	const struct conf_session *c)
{
	int err;

	s->tunnel = tunnel;
	s->path.l2tp.tunnel = &tunnel->l2tp;
	s->path.options = c->options;
	session_configure(s, c);
	err = l2tp_session_init(&s->path.l2tp);
	return err < 0 ? err : engine_add_session(&d->engine, &s->path);
}

static int new_session(struct driver *d, struct driver_tunnel *tunnel, const struct conf_session *c)
{
	struct driver_session *s = driver_alloc_lines(sizeof(*s));
	int err;

	if (!s)
		return -ENOMEM;
	memcpy(s->name, c->name, sizeof(s->name));
	list_init(&s->path.link);
	s->io = (struct driver_port){ .d = d, .path = &s->path.port, .tap = { .fd = -1 } };
	s->path.port.user = &s->io;
	err = ports_open(d, c->name, TAP_ETHERNET, &s->io.tap);
	if (!err) {
		s->path.port.ifindex = ifindex_of(s->io.tap.name);
		err = session_in(d, s, tunnel, c);
	}
	if (!err && d->running)
		err = ports_watch(d, &s->io);
	if (err < 0) {
		ports_unwatch(d, &s->io);
		engine_remove_session(&d->engine, &s->path);
		free(s);
		return err;
	}
	list_push_tail(&d->sessions, &s->link);
	return 0;
}

static int apply_session(
	struct driver *d, struct driver_tunnel *tunnel, const struct conf_session *c)
{
	struct driver_session *s = apply_find_session(d, c->name);

	if (!s)
		return new_session(d, tunnel, c);
	if (!session_differs(s, c, tunnel) && session_is_in(s)) {
		s->path.options = c->options;
		return 0;
	}
	session_out(d, s);
	return session_in(d, s, tunnel, c);
}

/* A tunnel that was removed by make_room() and is now restored is not in the table. */
static int tunnel_in(struct driver *d, struct driver_tunnel *t)
{
	l2tp_table_remove_tunnel(&d->engine.l2tp, &t->l2tp);
	return l2tp_table_add_tunnel(&d->engine.l2tp, &t->l2tp);
}

static int apply_tunnel(struct driver *d, const struct conf_tunnel *c, struct driver_tunnel **ret)
{
	struct l2tp_tunnel want = tunnel_of(c);
	struct driver_tunnel *t = find_tunnel(d, &want);
	int err;

	if (!t) {
		t = calloc(1, sizeof(*t));
		if (!t)
			return -ENOMEM;
		t->l2tp = want;
		list_push_tail(&d->tunnels, &t->link);
	}
	err = tunnel_in(d, t);
	if (err < 0)
		return err;
	*ret = t;
	return 0;
}

static void remove_session(struct driver *d, struct driver_session *s)
{
	ports_unwatch(d, &s->io);
	session_out(d, s);
	list_remove(&s->link);
	free(s);
}

static bool conf_has_tunnel(const struct conf_site *conf, const struct l2tp_tunnel *t)
{
	for (size_t i = 0; i < conf->n_tunnels; i++) {
		struct l2tp_tunnel want = tunnel_of(&conf->tunnels[i]);

		if (same_tunnel(&want, t))
			return true;
	}
	return false;
}

/*
 * Remove deleted and changed tunnels and sessions from the engine's tables first: a changed tunnel
 * has the same addresses as the old one, and two sessions may have swapped their ids. Their TAPs
 * stay open for now and all of them stay listed, so that apply_add() with the old `conf` can
 * restore them.
 */
static void make_room(struct driver *d, const struct conf_site *conf)
{
	LIST_FOR_EACH(l, &d->sessions)
	{
		struct driver_session *s = CONTAINER_OF(l, struct driver_session, link);
		const struct conf_session *c = conf_session_find(conf, s->name);

		if (!c || !conf_has_tunnel(conf, &s->tunnel->l2tp) ||
			session_differs(s, c, s->tunnel))
			session_out(d, s);
	}
	LIST_FOR_EACH_SAFE(l, next, &d->tunnels)
	{
		struct driver_tunnel *t = CONTAINER_OF(l, struct driver_tunnel, link);

		if (!conf_has_tunnel(conf, &t->l2tp))
			l2tp_table_remove_tunnel(&d->engine.l2tp, &t->l2tp);
	}
}

int apply_session_error(const char *name, int err, struct error *ret_error)
{
	return error_set(ret_error, err,
		"Cannot make interface %s: %s.\n"
		"Is the name in use by another program (ip link)? Is "
		"/dev/net/tun there?",
		name, strerror(-err));
}

int apply_sessions(struct driver *d, const struct conf_site *conf, struct error *ret_error)
{
	make_room(d, conf);
	for (size_t i = 0; i < conf->n_tunnels; i++) {
		const struct conf_tunnel *c = &conf->tunnels[i];
		struct driver_tunnel *t;
		int err = apply_tunnel(d, c, &t);

		if (err < 0)
			return error_set(ret_error, err,
				"Cannot add tunnel %u: %s.\n"
				"Give each tunnel other addresses, ports or encapsulation.",
				c->tunnel_id, strerror(-err));
		for (size_t k = 0; k < c->n_sessions; k++) {
			err = apply_session(d, t, &c->sessions[k]);
			if (err < 0)
				return apply_session_error(c->sessions[k].name, err, ret_error);
		}
	}
	return 0;
}

void apply_sessions_sweep(struct driver *d, const struct conf_site *conf)
{
	LIST_FOR_EACH_SAFE(l, next, &d->sessions)
	{
		struct driver_session *s = CONTAINER_OF(l, struct driver_session, link);

		if (!conf_session_find(conf, s->name))
			remove_session(d, s);
	}
	LIST_FOR_EACH_SAFE(l, next, &d->tunnels)
	{
		struct driver_tunnel *t = CONTAINER_OF(l, struct driver_tunnel, link);

		if (!conf_has_tunnel(conf, &t->l2tp)) {
			l2tp_table_remove_tunnel(&d->engine.l2tp, &t->l2tp);
			list_remove(&t->link);
			free(t);
		}
	}
}
