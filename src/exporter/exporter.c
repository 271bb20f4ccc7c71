/* SPDX-License-Identifier: MIT */
/* wirespan-exporter: the metrics of all sites over HTTP, on a socket that systemd passes. */
#include <errno.h>
#include <microhttpd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/error.h"
#include "exporter/sites.h"

#define FIRST_FD    3 /* sd_listen_fds(3) */
#define CONNECTIONS 64
#define PER_ADDRESS 32
#define IDLE_S	    15 /* then a connection is closed */
#define THREADS	    4  /* so that sites that do not answer delay one of them */

static const char usage[] =
	"usage: wirespan-exporter\n"
	"\n"
	"Serves the metrics of all running sites over HTTP at /metrics, on the listening socket "
	"that\n"
	"systemd passes: systemctl enable --now wirespan-exporter.socket. It needs no privileges "
	"but\n"
	"those of the group of the folder /run/wirespan-status. See wirespan-exporter(8).\n";

static const char index_page[] =
	"<!DOCTYPE html><title>wirespan</title><a href=\"/metrics\">metrics</a>\n";

/* Send a constant text. */
static enum MHD_Result send_text(
	struct MHD_Connection *c, unsigned status, const char *type, const char *text)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(
		strlen(text), (void *)(uintptr_t)text, MHD_RESPMEM_PERSISTENT);
	enum MHD_Result result = MHD_NO;

	if (!response)
		return MHD_NO;
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	result = MHD_queue_response(c, status, response);
	MHD_destroy_response(response);
	return result;
}

/* The format that the client asks for. */
static enum metrics_format format_for(struct MHD_Connection *c)
{
	const char *accept =
		MHD_lookup_connection_value(c, MHD_HEADER_KIND, MHD_HTTP_HEADER_ACCEPT);

	return accept && strstr(accept, "application/openmetrics-text") ? METRICS_OPENMETRICS
									: METRICS_PROMETHEUS;
}

static enum MHD_Result send_metrics(struct MHD_Connection *c)
{
	enum metrics_format format = format_for(c);
	struct MHD_Response *response;
	enum MHD_Result result;
	char *text;
	size_t len;
	int err = sites_metrics(format, &text, &len);

	if (err) {
		fprintf(stderr,
			"<3>Cannot collect the metrics: %s. Is this process in the group "
			"of the folder of status sockets?\n",
			strerror(-err));
		return send_text(c, MHD_HTTP_INTERNAL_SERVER_ERROR, "text/plain",
			"The sites cannot be asked: see the log of wirespan-exporter.\n");
	}
	response = MHD_create_response_from_buffer(len, text, MHD_RESPMEM_MUST_FREE);
	if (!response) {
		free(text);
		return MHD_NO;
	}
	MHD_add_response_header(
		response, MHD_HTTP_HEADER_CONTENT_TYPE, metrics_content_type(format));
	result = MHD_queue_response(c, MHD_HTTP_OK, response);
	MHD_destroy_response(response);
	return result;
}

/* A request's header is there; or a part of its body, which is ignored. */
static enum MHD_Result on_request(void *ctx, struct MHD_Connection *c, const char *url,
	const char *method, const char *version, const char *body, size_t *body_len, void **state)
{
	static int begun;

	if (!*state) { /* only the header so far: an answer now would close the connection */
		*state = &begun;
		return MHD_YES;
	}
	if (*body_len) {
		*body_len = 0;
		return MHD_YES;
	}
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
		return send_text(c, MHD_HTTP_METHOD_NOT_ALLOWED, "text/plain",
			"Only GET and HEAD are possible.\n");
	if (!strcmp(url, "/metrics"))
		return send_metrics(c);
	if (!strcmp(url, "/"))
		return send_text(c, MHD_HTTP_OK, "text/html; charset=utf-8", index_page);
	return send_text(c, MHD_HTTP_NOT_FOUND, "text/plain", "The metrics are at /metrics.\n");
}

/* The listening socket that was passed. Return: it, or -1: then stderr has the reason. */
static int passed_socket(void)
{
	const char *pid = getenv("LISTEN_PID");
	const char *fds = getenv("LISTEN_FDS");
	int listens = 0;
	socklen_t len = sizeof(listens);

	if (!pid || !fds || strtol(pid, NULL, 10) != (long)getpid() || strcmp(fds, "1") != 0) {
		fputs("wirespan-exporter: systemd has passed no listening socket, or several. "
		      "Start it by its socket, with one ListenStream: systemctl enable --now "
		      "wirespan-exporter.socket.\n",
			stderr);
		fputs(usage, stderr);
		return -1;
	}
	if (getsockopt(FIRST_FD, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) < 0 || !listens) {
		fputs("wirespan-exporter: the descriptor that was passed is not a listening "
		      "socket. "
		      "Correct ListenStream in wirespan-exporter.socket.\n",
			stderr);
		return -1;
	}
	return FIRST_FD;
}

/* Wait for a signal to end. */
static void wait_for_end(void)
{
	sigset_t set;
	int number;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigwait(&set, &number);
}

/* Block the signals to end before threads start, so that wait_for_end() gets them. */
static void block_signals(void)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

int main(int argc, char **argv)
{
	const unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_EPOLL | MHD_USE_ITC;
	struct MHD_Daemon *http;
	int fd;

	if (argc > 1) {
		bool help = !strcmp(argv[1], "--help") || !strcmp(argv[1], "-h");

		fputs(usage, help ? stdout : stderr);
		return help ? 0 : 2;
	}
	fd = passed_socket();
	if (fd < 0)
		return 2;
	block_signals();
	errno = 0;
	http = MHD_start_daemon(flags, 0, NULL, NULL, on_request, NULL, MHD_OPTION_LISTEN_SOCKET,
		fd, MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS,
		MHD_OPTION_PER_IP_CONNECTION_LIMIT, (unsigned)PER_ADDRESS,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_S, MHD_OPTION_THREAD_POOL_SIZE,
		(unsigned)THREADS, MHD_OPTION_END);
	if (!http) {
		int err = errno ? -errno : -EIO;
		const char *limit = error_limit_tail(err);

		fprintf(stderr,
			"wirespan-exporter: cannot serve HTTP on the socket that was passed: "
			"%s.%s\n",
			strerror(-err),
			*limit ? limit
			       : " See whether the unit limits threads (TasksMax=) or "
				 "descriptors (LimitNOFILE=).");
		return 1;
	}
	wait_for_end();
	MHD_stop_daemon(http);
	return 0;
}
