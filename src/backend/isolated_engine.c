/* SPDX-License-Identifier: MIT */
/* The engine's process of an isolated site: requests to it, its start and its end. */
#include "backend/isolated_engine.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"
#include "ctlproto/saved_state.h"

/* ---- requests to the engine ---- */

void isolated_engine_failed(struct isolated_site *u, int err)
{
	if (u->failed)
		return;
	u->failed = true;
	*u->how = '\0';
	if (err == -EBADMSG)
		snprintf(u->how, sizeof(u->how), "sent a message that is not allowed");
	else if (err != -EPIPE)
		snprintf(u->how, sizeof(u->how), "did not answer (%s)", strerror(-err));
}

int isolated_engine_ask(struct isolated_site *u, struct engine_message *m, size_t len, size_t n_fds,
	struct engine_message *ret)
{
	int err;

	if (!u->engine.pid || u->failed)
		return -EPIPE;
	err = engine_proxy_call(
		&u->engine, m, len, n_fds, -1, mono_add(clock_mono(), ISOLATED_PATIENCE), ret);
	if (err < 0)
		isolated_engine_failed(u, err);
	return err;
}

static int no_engine(int err, struct error *ret_error)
{
	return error_set(ret_error, err,
		"The engine's process has ended, and is started again.\nTry again in a moment.");
}

/* Evaluate a reply that has to be a RESULT. Return: its code, with `ret_error` filled. */
static int use_result(
	struct isolated_site *u, const struct engine_message *reply, struct error *ret_error)
{
	if (reply->head.type != ENGINE_RESULT || engine_result_decode(reply->body, reply->head.len,
							 &u->engine.mtus, ret_error) < 0) {
		isolated_engine_failed(u, -EBADMSG);
		return no_engine(-EBADMSG, ret_error);
	}
	ret_error->code = reply->head.code;
	return reply->head.code;
}

int isolated_engine_call(struct isolated_site *u, struct engine_message *m, size_t len,
	size_t n_fds, struct error *ret_error)
{
	struct engine_message reply;
	int err = isolated_engine_ask(u, m, len, n_fds, &reply);

	return err < 0 ? no_engine(err, ret_error) : use_result(u, &reply, ret_error);
}

/* Wait for the RESULT of the request `seq`. Return: its code, with `ret_error` filled. */
static int await_result(struct isolated_site *u, uint32_t seq, struct error *ret_error)
{
	struct mono until = mono_add(clock_mono(), ISOLATED_PATIENCE);
	struct engine_message reply;
	int err = u->failed ? -EPIPE : engine_proxy_await(&u->engine, seq, -1, until, &reply);

	if (err < 0) {
		isolated_engine_failed(u, err);
		return no_engine(err, ret_error);
	}
	return use_result(u, &reply, ret_error);
}

int isolated_engine_continue(struct isolated_site *u, const void *text, size_t len, bool *ret_fresh,
	struct error *ret_error)
{
	struct engine_message take = { .head = { .type = ENGINE_TAKE_OVER }, .body = text };
	struct engine_message start = { .head = { .type = ENGINE_START, .value = u->fwmark } };
	int err = u->failed ? -EPIPE : engine_proxy_send(&u->engine, &take, len, 0);

	isolated_engine_allow(u, 0);
	if (!err)
		err = engine_proxy_send(&u->engine, &start, 0, 0);
	if (err < 0) {
		isolated_engine_failed(u, err);
		return no_engine(err, ret_error);
	}
	err = await_result(u, take.head.seq, ret_error);
	*ret_fresh = err == -EPROTO;
	if (err < 0 && !*ret_fresh)
		return err;
	return await_result(u, start.head.seq, ret_error);
}

/* ---- requests with a text ---- */

/* Ask for something whose reply is a TEXT. Return: 0 and the reply; or -errno. */
static int ask_text(
	struct isolated_site *u, struct engine_message *m, size_t len, struct engine_message *reply)
{
	int err = isolated_engine_ask(u, m, len, 0, reply);

	if (!err && reply->head.type != ENGINE_TEXT) {
		isolated_engine_failed(u, -EBADMSG);
		err = -EBADMSG;
	}
	return err < 0 ? -EAGAIN : reply->head.code;
}

int isolated_engine_wg(struct isolated_site *u, const char *text, size_t len)
{
	struct engine_message m = { .head = { .type = ENGINE_WG }, .body = text };
	struct engine_message reply;

	return ask_text(u, &m, len, &reply);
}

int isolated_engine_show(
	struct isolated_site *u, const uint8_t *after, struct engine_message *reply)
{
	struct engine_message m = { .head = { .type = ENGINE_SHOW }, .body = after };

	return ask_text(u, &m, after ? KEY_LEN : 0, reply);
}

void isolated_engine_allow(struct isolated_site *u, uint16_t set)
{
	u->engine.fwmark = u->fwmark;
	u->engine.ports[0] = u->conf->interface.listen_port;
	u->engine.ports[1] = u->next ? u->next->interface.listen_port : 0;
	if (set)
		u->engine.ports[ENGINE_PORT_BY_WG] = set;
}

static void on_channel(void *ctx, uint32_t events)
{
	struct isolated_site *u = ctx;
	int err = u->failed ? 0 : engine_proxy_read(&u->engine);

	(void)events;
	if (err < 0)
		isolated_engine_failed(u, err);
}

void isolated_engine_answer(struct isolated_site *u)
{
	if (mono_is_set(engine_proxy_deadline(&u->engine)))
		on_channel(u, 0);
}

void isolated_forget(void *ctx)
{
	struct isolated_site *u = ctx;

	if (u->saved)
		secret_wipe(u->saved->bytes, u->saved->len);
	keys_process_forget(&u->keys);
	wgsock_forget(&u->wgsock);
	wg_changes_clear(&u->changes);
}

int isolated_engine_start(struct isolated_site *u, bool waits, struct error *ret_error)
{
	int err;

	isolated_engine_allow(u, 0);
	u->engine.forget = isolated_forget;
	u->engine.ctx = u;
	err = engine_proxy_start(&u->engine, u->conf, u->resolver.fds[0], waits, ret_error);
	if (err < 0)
		return err;
	u->failed = false;
	err = loop_watch_input(u->loop, &u->watch, u->engine.channel.fd, on_channel, u);
	if (err < 0) {
		u->watch.fd = -1;
		engine_proxy_end(&u->engine, u->how);
		return error_set(ret_error, err, "Cannot wait for the engine's process:\n");
	}
	return 0;
}

void isolated_engine_end(struct isolated_site *u)
{
	char how[ENGINE_ENDED_LEN] = "";

	if (u->watch.fd >= 0)
		loop_remove(u->loop, &u->watch);
	u->watch.fd = -1;
	engine_proxy_end(&u->engine, how);
	if (!*u->how)
		snprintf(u->how, sizeof(u->how), "%s", how);
}

void isolated_engine_repeat(struct isolated_site *u)
{
	const char *remedy = u->engine.drop_in ? "set what is missing" : "reload";
	int err = 0;

	for (size_t i = 0; i < u->changes.n; i++) {
		int code = isolated_engine_wg(u, u->changes.v[i].text, u->changes.v[i].len);

		err = code < 0 ? code : err;
	}
	if (err < 0)
		log_warning(
			"Not all changes made with wg(8) could be repeated (%s): check `wg show "
			"%s`, and %s.",
			strerror(-err), u->conf->interface.name, remedy);
	if (u->changes.lost)
		log_warning("Not all changes made with wg(8) could be repeated, as memory was "
			    "short: check `wg show %s`, and %s.",
			u->conf->interface.name, remedy);
}

void isolated_engine_repeated(struct isolated_site *u)
{
	struct engine_message done = { .head = { .type = ENGINE_REPEATED } };
	struct error ignored;

	(void)isolated_engine_call(u, &done, 0, 0, &ignored);
}

int isolated_engine_link(struct isolated_site *u, struct error *ret_error)
{
	struct engine_message m = { .head = { .type = ENGINE_LINK,
					    .value = u->link |
						     (u->any_port ? ENGINE_LINK_ANY : 0U) } };
	int err;

	if (!u->link) /* it is not known yet */
		return 0;
	err = isolated_engine_call(u, &m, 0, 0, ret_error);
	if (!(u->link & ENGINE_LINK_UP))
		udp_close(&u->held.udp); /* its number stays */
	return err;
}
