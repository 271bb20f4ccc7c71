/* SPDX-License-Identifier: MIT */
/* The socket for wg(8): connects the event loop, the socket's server and the engine. */
#include "backend/wgsock.h"

#include "driver/uapi.h"

static int on_get(void *ctx, char **ret_text, size_t *ret_len)
{
	struct wgsock *s = ctx;

	return uapi_get(s->userspace->driver, ret_text, ret_len);
}

static int on_set(void *ctx, const struct uapi_set *set)
{
	struct wgsock *s = ctx;

	return uapi_set(s->userspace->driver, set);
}

static void on_ended(void *ctx)
{
	struct wgsock *s = ctx;

	s->ended(s->ctx);
}

static void on_readable(void *ctx, uint32_t events)
{
	struct wgsock *s = ctx;

	(void)events;
	uapi_server_run(s->server);
}

int wgsock_open(struct wgsock *s, struct loop *loop, struct userspace *userspace,
	const char *ifname, int listen_fd, void (*ended)(void *ctx), void *ctx)
{
	char path[UNIXSOCK_PATH_LEN];
	struct uapi_server_config config = { .path = path,
		.listen_fd = listen_fd,
		.get = on_get,
		.set = on_set,
		.ended = on_ended,
		.ctx = s };
	int err = uapi_server_path(ifname, path);

	*s = (struct wgsock){ .userspace = userspace, .loop = loop, .ended = ended, .ctx = ctx };
	if (!err)
		err = uapi_server_open(&config, &s->server);
	if (err < 0)
		return err;
	err = loop_watch_input(loop, &s->watch, uapi_server_fd(s->server), on_readable, s);
	if (err < 0) {
		uapi_server_close(s->server);
		s->server = NULL;
	}
	return err;
}

void wgsock_close(struct wgsock *s)
{
	if (!s->server)
		return;
	loop_remove(s->loop, &s->watch);
	uapi_server_close(s->server);
	s->server = NULL;
}
