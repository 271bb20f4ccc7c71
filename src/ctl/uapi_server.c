/* SPDX-License-Identifier: MIT */
/* The socket through which wg(8) reads and changes a WireGuard interface. */
#include "ctl/uapi_server.h"

#include <dirent.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "ctl/local_server.h"
#include "ctlproto/uapi_print.h"

struct uapi_server {
	struct uapi_server_config config;
	struct local_server *server;
	int inotify_fd;
	bool ended;
};

static const char *folder_path(void)
{
	const char *folder = getenv("WIRESPAN_UAPI_FOLDER");

	return folder && *folder ? folder : UAPI_FOLDER;
}

int uapi_server_path(const char *ifname, char ret_path[static UNIXSOCK_PATH_LEN])
{
	int len;

	if (!*ifname || *ifname == '.' || strchr(ifname, '/') || strlen(ifname) >= IF_NAMESIZE)
		return -EINVAL;
	len = snprintf(ret_path, UNIXSOCK_PATH_LEN, "%s/%s.sock", folder_path(), ifname);
	return (size_t)len < UNIXSOCK_PATH_LEN ? 0 : -ENAMETOOLONG;
}

static int is_socket_name(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');

	return dot && strcmp(dot, ".sock") == 0;
}

int uapi_server_sweep(void)
{
	char path[UNIXSOCK_PATH_LEN];
	struct dirent **entries;
	int count = scandir(folder_path(), &entries, is_socket_name, alphasort);
	int err = count < 0 && errno != ENOENT && errno != ENOTDIR ? -errno : 0;

	for (int i = 0; i < count; i++) {
		*strrchr(entries[i]->d_name, '.') = '\0';
		if (err == 0 && uapi_server_path(entries[i]->d_name, path) == 0)
			err = unixsock_sweep(path);
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
	unixsock_sweep_lock(folder_path());
	return err;
}

/* ---- requests ---- */

static void answer_errno(struct local_client *c, int err)
{
	char *text = malloc(UAPI_ERRNO_LEN);

	if (text)
		local_server_answer(c, text, uapi_print_errno(err, text), LOCAL_SERVER_NEXT);
	else
		local_server_hang_up(c);
}

static void answer_get(struct uapi_server *s, struct local_client *c)
{
	char *text;
	size_t len;
	int err = s->config.get(s->config.ctx, &text, &len);

	if (err)
		answer_errno(c, -err); /* wg(8) reads an errno with a sign only after set */
	else
		local_server_answer(c, text, len, LOCAL_SERVER_NEXT);
}

/* Link-local endpoints name their interface; sockets need its index. */
static int resolve_zones(struct uapi_set *set)
{
	for (size_t i = 0; i < set->peers_len; i++) {
		struct uapi_peer *peer = &set->peers[i];

		if (!*peer->zone)
			continue;
		peer->endpoint.scope = if_nametoindex(peer->zone);
		if (!peer->endpoint.scope)
			return -EINVAL;
	}
	return 0;
}

static void answer_set(struct uapi_server *s, struct local_client *c, struct uapi_set *set)
{
	int err = resolve_zones(set);

	if (!err)
		err = s->config.set(s->config.ctx, set);
	answer_errno(c, err);
}

/* Act on the result of a line. Return: whether another line may follow. */
static bool handle_step(
	struct uapi_server *s, struct local_client *c, struct uapi_request *r, enum uapi_step step)
{
	switch (step) {
	case UAPI_MORE:
		return true;
	case UAPI_GET:
		answer_get(s, c);
		break;
	case UAPI_SET:
		answer_set(s, c, &r->set);
		break;
	case UAPI_REFUSED:
		answer_errno(c, r->err);
		break;
	case UAPI_FOREIGN:
		local_server_hang_up(c);
		break;
	}
	uapi_request_fini(r);
	return false;
}

static size_t on_input(void *ctx, struct local_client *c, const char *data, size_t len, bool end)
{
	struct uapi_request *r = *local_server_user(c);
	bool more = true;
	size_t used = 0;

	if (!r) {
		r = calloc(1, sizeof(*r));
		*local_server_user(c) = r;
	}
	if (!r) {
		local_server_hang_up(c);
		return len;
	}
	while (more && used < len) {
		const char *line = data + used;
		const char *newline = memchr(line, '\n', len - used);

		if (!newline && used == 0 && len == LOCAL_SERVER_INPUT) { /* the buffer is full */
			(void)handle_step(ctx, c, r, uapi_request_overlong(r));
			return len;
		}
		if (!newline)
			break;
		used += (size_t)(newline - line) + 1;
		more = handle_step(ctx, c, r, uapi_request_line(r, line, (size_t)(newline - line)));
	}
	return used;
}

/* wg(8) expects an errno without sign after get, and with its sign after set. */
static const char *refusal(const char *data, size_t len)
{
	_Static_assert(EACCES == 13, "EACCES has this number on Linux");
	return len && *data == 'g' ? "errno=13\n\n" : "errno=-13\n\n";
}

static void on_gone(void *ctx, struct local_client *c)
{
	struct uapi_request *r = *local_server_user(c);

	if (r)
		uapi_request_fini(r);
	free(r);
	*local_server_user(c) = NULL;
}

/* ---- the socket's file ---- */

/* The socket's folder has changed. */
static void on_folder(void *ctx)
{
	struct uapi_server *s = ctx;
	char events[4096] __attribute__((aligned(__alignof__(struct inotify_event))));

	while (read(s->inotify_fd, events, sizeof(events)) > 0)
		;
	if (s->ended || unixsock_is_in_place(local_server_sock(s->server)))
		return;
	s->ended = true;
	s->config.ended(s->config.ctx);
}

static int watch_folder(struct uapi_server *s)
{
	char folder[UNIXSOCK_PATH_LEN];
	char *slash;

	snprintf(folder, sizeof(folder), "%s", s->config.path);
	slash = strrchr(folder, '/');
	if (!slash)
		return -EINVAL;
	*slash = '\0';
	s->inotify_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (s->inotify_fd < 0 || inotify_add_watch(s->inotify_fd, folder,
					 IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF |
						 IN_MOVE_SELF | IN_ONLYDIR) < 0)
		return -errno;
	return local_server_watch(s->server, s->inotify_fd, on_folder);
}

int uapi_server_open(const struct uapi_server_config *config, struct uapi_server **ret)
{
	struct uapi_server *s = calloc(1, sizeof(*s));
	struct local_server_config server = {
		.input = on_input, .gone = on_gone, .refusal = refusal, .ctx = s
	};
	struct unixsock sock;
	int err;

	if (!s)
		return -ENOMEM;
	s->config = *config;
	s->inotify_fd = -1;
	err = config->listen_fd < 0 ? unixsock_open(config->path, &sock)
				    : unixsock_adopt(config->listen_fd, config->path, &sock);
	if (!err) {
		err = local_server_open(&server, &sock, &s->server);
		if (err)
			unixsock_close(&sock);
	}
	if (!err)
		err = watch_folder(s);
	if (err) {
		uapi_server_close(s);
		return err;
	}
	*ret = s;
	return 0;
}

int uapi_server_fd(const struct uapi_server *s)
{
	return local_server_fd(s->server);
}

void uapi_server_run(struct uapi_server *s)
{
	local_server_run(s->server);
}

void uapi_server_forget(struct uapi_server *s)
{
	local_server_forget(s->server);
}

void uapi_server_close(struct uapi_server *s)
{
	if (!s)
		return;
	local_server_close(s->server);
	if (s->inotify_fd >= 0)
		close(s->inotify_fd);
	free(s);
}
