/* SPDX-License-Identifier: MIT */
/* The socket for wg(8): connects the event loop, the socket's server and the engine. */
#include "backend/wgsock.h"

#include <errno.h>
#include <stdint.h>

#include "base/log.h"
#include "driver/uapi.h"

static int on_get(void *ctx, char **ret_text, size_t *ret_len)
{
	struct wgsock *s = ctx;

	return uapi_get(s->userspace->driver, NULL, SIZE_MAX, ret_text, ret_len);
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

int wgsock_serve(struct wgsock *s, struct loop *loop, const struct uapi_server_config *calls,
	const char *ifname)
{
	char path[UNIXSOCK_PATH_LEN];
	struct uapi_server_config config = *calls;
	int err = uapi_server_path(ifname, path);

	s->loop = loop;
	config.path = path;
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

int wgsock_open(struct wgsock *s, struct loop *loop, struct userspace *userspace,
	const char *ifname, int listen_fd, void (*ended)(void *ctx), void *ctx)
{
	const struct uapi_server_config calls = {
		.listen_fd = listen_fd, .get = on_get, .set = on_set, .ended = on_ended, .ctx = s
	};

	*s = (struct wgsock){ .userspace = userspace, .ended = ended, .ctx = ctx };
	return wgsock_serve(s, loop, &calls, ifname);
}

void wgsock_warn(const char *ifname, int err)
{
	char path[UNIXSOCK_PATH_LEN] = UAPI_FOLDER;
	char text[UNIXSOCK_TEXT_LEN];

	(void)!uapi_server_path(ifname, path);
	if (err == -EADDRINUSE)
		log_warning("wg(8) will not show %s: another process has %s/%s.sock, perhaps in "
			    "another network namespace. Choose another [Interface] Name.",
			ifname, UAPI_FOLDER, ifname);
	else
		log_warning("wg(8) will not show %s: cannot open its socket %s: %s", ifname, path,
			unixsock_problem(path, err, text));
}

void wgsock_forget(struct wgsock *s)
{
	if (s->server)
		uapi_server_forget(s->server);
}

void wgsock_close(struct wgsock *s)
{
	if (!s->server)
		return;
	loop_remove(s->loop, &s->watch);
	uapi_server_close(s->server);
	s->server = NULL;
}
