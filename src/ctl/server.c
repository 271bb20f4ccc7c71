/* SPDX-License-Identifier: MIT */
/* The control socket's server: bounded and non-blocking, for any behaviour of its clients. */
#include "ctl/server.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/local_server.h"

_Static_assert(
	LOCAL_SERVER_INPUT >= CTL_REQUEST_MAX, "a request fits into a client's input buffer");

struct ctl_server {
	struct local_server *server;
	ctl_server_handler *handler;
	void *ctx;
};

/* Parse the line and run the handler. Return: what happens to the connection. */
static enum local_server_then handle_request(struct ctl_server *s, const struct local_client *c,
	const char *line, size_t len, struct ctl_reply *reply)
{
	struct ctl_request request;
	int err = ctl_request_parse(line, len, &request);

	reply->ok = true;
	if (!err && (request.verb == CTL_CAPTURE || request.verb == CTL_UPGRADE))
		request.stream = local_server_copy_fd(c);
	if (!err && request.stream < -1)
		ctl_reply_fail(
			reply, "no descriptor for the request: %s", strerror(-request.stream));
	else if (!err)
		s->handler(s->ctx, &request, reply);
	else if (err == -EOPNOTSUPP)
		ctl_reply_fail(reply, "this version of wirespan has no such verb");
	else if (err == -EINVAL)
		ctl_reply_fail(reply, "this version of wirespan has no such option for this verb");
	else
		ctl_reply_fail(reply, "not a request: send one line such as {\"verb\":\"status\"}");
	return !err && request.verb == CTL_DOWN && reply->ok ? LOCAL_SERVER_HOLD
							     : LOCAL_SERVER_CLOSE;
}

static void answer(struct ctl_server *s, struct local_client *c, const char *line, size_t len)
{
	struct ctl_reply *reply = calloc(1, sizeof(*reply));
	enum local_server_then then;
	char *text;
	size_t text_len;

	if (!reply) {
		local_server_hang_up(c);
		return;
	}
	then = handle_request(s, c, line, len, reply);
	if (ctl_reply_print(reply, &text, &text_len) == 0)
		local_server_answer(c, text, text_len, then);
	else
		local_server_hang_up(c);
	ctl_reply_fini(reply);
	free(reply);
}

/* A request ends with its newline, or when the client has sent everything. */
static size_t on_input(void *ctx, struct local_client *c, const char *data, size_t len, bool end)
{
	const char *newline = memchr(data, '\n', len);

	if (!newline && !end && len < CTL_REQUEST_MAX)
		return 0;
	if (len == 0)
		local_server_hang_up(c);
	else
		answer(ctx, c, data, newline ? (size_t)(newline - data) : len);
	return len;
}

static const char *refusal(const char *data, size_t len)
{
	return "{\"ok\":false,\"error\":\"only root may use this socket\"}\n";
}

int ctl_server_open(const struct ctl_server_config *config, struct ctl_server **ret)
{
	struct ctl_server *s = calloc(1, sizeof(*s));
	struct local_server_config server = {
		.input = on_input, .refusal = refusal, .ctx = s, .timeout_ms = config->timeout_ms
	};
	int err;

	if (!s)
		return -ENOMEM;
	s->handler = config->handler;
	s->ctx = config->ctx;
	err = config->listen_fd
		      ? local_server_adopt(&server, *config->listen_fd, config->path, &s->server)
		      : local_server_listen(&server, config->path, &s->server);
	if (err) {
		free(s);
		return err;
	}
	*ret = s;
	return 0;
}

int ctl_server_listen_fd(const struct ctl_server *s)
{
	return local_server_sock(s->server)->fd;
}

int ctl_server_fd(const struct ctl_server *s)
{
	return local_server_fd(s->server);
}

bool ctl_server_is_in_place(const struct ctl_server *s)
{
	return unixsock_is_in_place(local_server_sock(s->server));
}

void ctl_server_run(struct ctl_server *s)
{
	local_server_run(s->server);
}

void ctl_server_close(struct ctl_server *s)
{
	if (!s)
		return;
	local_server_close(s->server);
	free(s);
}
