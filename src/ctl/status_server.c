/* SPDX-License-Identifier: MIT */
/* The status socket's server: answers {"verb":"status"} to a group, and nothing else. */
#include "ctl/status_server.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "ctl/local_server.h"
#include "ctlproto/request.h"

struct status_server {
	struct local_server *server;
	status_server_report *report;
	void *ctx;
	char *text; /* the last reply, or NULL */
	size_t len;
	struct mono made; /* when that was */
};

/* Make a reply of the present status. Return: 0 or -ENOMEM, and then `text` is NULL. */
static int make_reply(struct status_server *s, struct mono now)
{
	struct ctl_reply *reply = calloc(1, sizeof(*reply));
	int err = reply ? 0 : -ENOMEM;

	free(s->text);
	s->text = NULL;
	if (!err) {
		reply->ok = reply->has_status = true;
		err = s->report(s->ctx, &reply->status);
	}
	if (!err)
		err = ctl_reply_print(reply, &s->text, &s->len);
	if (err)
		s->text = NULL;
	if (reply)
		ctl_reply_fini(reply);
	free(reply);
	s->made = now;
	return err;
}

/* Answer with a copy of a text. */
static void answer(struct local_client *c, const char *text, size_t len)
{
	char *copy = malloc(len);

	if (!copy) {
		local_server_hang_up(c);
		return;
	}
	memcpy(copy, text, len);
	local_server_answer(c, copy, len, LOCAL_SERVER_CLOSE);
}

static void answer_line(
	struct status_server *s, struct local_client *c, const char *line, size_t len)
{
	static const char refusal[] =
		"{\"ok\":false,\"error\":\"this socket answers the verb status only\"}\n";
	struct mono now = clock_mono();
	struct ctl_request request;

	if (ctl_request_parse(line, len, &request) || request.verb != CTL_STATUS)
		answer(c, refusal, sizeof(refusal) - 1);
	else if ((s->text && mono_between(s->made, now) < STATUS_SERVER_FRESH_NS) ||
		 make_reply(s, now) == 0)
		answer(c, s->text, s->len);
	else
		local_server_hang_up(c);
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
		answer_line(ctx, c, data, newline ? (size_t)(newline - data) : len);
	return len;
}

int status_server_open(
	const char *path, status_server_report *report, void *ctx, struct status_server **ret)
{
	struct status_server *s = calloc(1, sizeof(*s));
	struct local_server_config config = { .input = on_input,
		.ctx = s,
		.any_user = true,
		.per_second = STATUS_SERVER_PER_SECOND };
	int err;

	if (!s)
		return -ENOMEM;
	s->report = report;
	s->ctx = ctx;
	err = local_server_listen(&config, path, &s->server);
	if (err) {
		free(s);
		return err;
	}
	*ret = s;
	return 0;
}

int status_server_fd(const struct status_server *s)
{
	return local_server_fd(s->server);
}

bool status_server_is_in_place(const struct status_server *s)
{
	return unixsock_is_in_place(local_server_sock(s->server));
}

void status_server_run(struct status_server *s)
{
	local_server_run(s->server);
}

void status_server_close(struct status_server *s)
{
	if (!s)
		return;
	local_server_close(s->server);
	free(s->text);
	free(s);
}
