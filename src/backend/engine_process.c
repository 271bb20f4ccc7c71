/* SPDX-License-Identifier: MIT */
/* The engine's process: runs the userspace engine on descriptors that the monitor has opened. */
#include "backend/engine_process.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "backend/engine_channel.h"
#include "backend/engine_store.h"
#include "backend/keys_client.h"
#include "backend/rendezvous.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"
#include "conf/complete.h"
#include "conf/parse.h"
#include "confine/confine.h"
#include "confine/title.h"
#include "ctlproto/reply.h"

/* How long to wait until the monitor has read what is sent to it. */
#define SEND_PATIENCE (5 * NS_PER_S)

/* How long to wait for sockets that the monitor opens. */
#define PORT_PATIENCE (45 * NS_PER_S) /* the monitor may be trying another program */

/** This process. */
struct engine_process {
	struct loop loop;
	struct engine_channel channel;
	struct loop_watch watch;
	struct backend_site *site;
	struct conf_site *conf;	    /* of the site */
	struct conf_site parsed[2]; /* of reloads; `conf` is one of them after the first */
	struct conf_site *next;	    /* between the halves of a reload, else NULL */
	struct driver_opener opener;
	struct userspace_adopted adopted;
	struct engine_memory memory; /* of the store */
	struct wg_store store;
	struct engine_head leave; /* the ENGINE_HAND_OVER that is not answered yet; type 0: none */
	struct keys_client keys;
	struct engine_message early; /* arrived while another was expected; owned */
	bool has_early;
	bool asking;			/* the site's code asks for a port */
	int store_fd;			/* of `memory`; -1: none */
	uid_t monitor;			/* the user of the monitor */
	struct loop_watch next_monitor; /* a rendezvous; fd -1: end with the monitor */
	bool alone;			/* the monitor was killed */
	struct mono alone_until;
};

static const struct backend *const backend = &backend_userspace;

static struct engine_process process;

/* The monitor has ended, or this process cannot go on: the monitor starts another one. */
static void end(void) __attribute__((noreturn));

static void end(void)
{
	_exit(1);
}

/* The monitor has ended, or ends this process: wipe the keys. Not from within the site's code. */
static void leave(struct engine_process *p) __attribute__((noreturn));

static void leave(struct engine_process *p)
{
	if (p->site)
		backend->close(p->site);
	_exit(0);
}

/* ---- without a monitor ---- */

static void close_channel(struct engine_process *p)
{
	if (p->channel.fd < 0)
		return;
	loop_remove(&p->loop, &p->watch);
	engine_channel_close(&p->channel);
}

static void on_channel(void *ctx, uint32_t events);

/* Another monitor wants to adopt this process. */
static void on_next_monitor(void *ctx, uint32_t events)
{
	struct engine_process *p = ctx;
	int fd = rendezvous_accept(p->next_monitor.fd, p->monitor);

	(void)events;
	if (fd < 0)
		return;
	close_channel(p);
	engine_channel_open(&p->channel, fd, ENGINE_FROM_MONITOR);
	if (loop_watch_input(&p->loop, &p->watch, fd, on_channel, p) < 0)
		engine_channel_close(&p->channel);
}

/* The channel has ended: go on alone for a while, if the site was ready. */
static void lose_monitor(struct engine_process *p)
{
	int fd = p->next_monitor.fd;

	if (fd < 0 && p->asking)
		end();
	if (fd < 0)
		leave(p);
	close_channel(p);
	p->leave.type = 0;
	if (p->alone)
		return; /* one that wanted to adopt it has ended */
	p->alone = true;
	p->alone_until = mono_add(clock_mono(), ENGINE_ALONE_NS);
	if (loop_watch_input(&p->loop, &p->next_monitor, fd, on_next_monitor, p) < 0)
		end();
}

/* Whether to end with the monitor; else where to wait for the next one. */
static int do_outlive(struct engine_process *p, const struct engine_message *m, struct error *e)
{
	bool outlives = m->head.fds == 1;

	if (p->next_monitor.fd >= 0)
		close(p->next_monitor.fd);
	p->next_monitor.fd = outlives ? m->fds[0] : -1;
	if (prctl(PR_SET_PDEATHSIG, outlives ? 0 : SIGKILL, 0, 0, 0) < 0)
		return error_set(e, -errno, "The engine cannot outlive the monitor:\n");
	return 0;
}

/* ---- messages to the monitor ---- */

static void send_with(
	struct engine_process *p, const struct engine_message *m, size_t len, size_t n_fds)
{
	int err;

	if (p->channel.fd < 0)
		return;
	err = engine_channel_send(
		&p->channel, m, len, n_fds, mono_add(clock_mono(), SEND_PATIENCE));
	if (err == -EPIPE || (err < 0 && p->alone))
		lose_monitor(p);
	else if (err < 0)
		end();
}

static void send_message(struct engine_process *p, const struct engine_message *m, size_t len)
{
	send_with(p, m, len, 0);
}

/* Pass the descriptors on to the monitor that adopts this process. */
static void lend(struct engine_process *p, struct engine_head *head)
{
	struct engine_message m = { .head = *head };
	uint8_t *body; /* see ENGINE_LENT */
	int *fds = NULL;
	size_t n = 0;

	if (userspace_site_descriptors(p->site, &fds, &n) < 0)
		end();
	if (p->store_fd >= 0)
		fds[n++] = p->store_fd;
	body = calloc(n + 1, 1);
	if (!body)
		end();
	m.head.type = ENGINE_LENT;
	m.body = body;
	m.fds = fds;
	send_with(p, &m, n, n);
	free(body);
	free(fds);
}

/* Pass a line of the log to the monitor; it is lost if the monitor does not read. */
static void send_log(enum log_level level, const char *line)
{
	const struct engine_message m = { .head = { .type = ENGINE_LOG, .value = level },
		.body = line };

	if (process.alone)
		return; /* nothing reads it */
	(void)!engine_channel_send(&process.channel, &m, strlen(line), 0, (struct mono){ 1 });
}

/* Send a message whose body are the present MTUs and, if `e` is not NULL, an error. */
static void send_result(
	struct engine_process *p, const struct engine_head *head, const struct error *e)
{
	struct engine_mtus mtus = { 0 };
	const struct conf_site *conf = p->next ? p->next : p->conf;
	struct host_mtus now;
	uint32_t *copy = NULL;
	uint8_t *body;
	size_t len;

	if (p->site) {
		now = backend->mtus(p->site);
		mtus.n = conf_session_count(conf);
		copy = calloc(mtus.n + 1, sizeof(*copy));
		if (!copy)
			end();
		if (mtus.n)
			memcpy(copy, now.sessions, mtus.n * sizeof(*copy));
		mtus.wg = now.wg;
		mtus.sessions = copy;
	}
	len = engine_result_len(p->site ? &mtus : NULL, e);
	body = malloc(len);
	if (!body)
		end();
	engine_result_encode(p->site ? &mtus : NULL, e, body);
	send_message(p, &(struct engine_message){ .head = *head, .body = body }, len);
	free(body);
	free(copy);
}

/* ---- sockets, which the monitor opens ---- */

/* Store a request that arrived while the answer to a PORT was expected. The monitor has at most one
 * request open. */
static void store_early(struct engine_process *p, const struct engine_message *m)
{
	if (p->has_early)
		end();
	p->early = *m;
	p->has_early = true;
	p->channel.body = NULL; /* they belong to `early` now */
	p->channel.fds = NULL;
	p->channel.n_fds = 0;
}

/* Send a PORT and wait for its answer. Return: its code; `ret`: the answer, for a code of 0. */
static int ask_port(struct engine_process *p, enum engine_port_action action, uint16_t port,
	uint32_t fwmark, struct engine_message *ret)
{
	const struct engine_head head = {
		.type = ENGINE_PORT, .code = action, .value = fwmark, .port = port
	};
	struct mono until = mono_add(clock_mono(), PORT_PATIENCE);
	int got;

	p->asking = true;
	if (!p->alone)
		send_message(p, &(struct engine_message){ .head = head }, 0);
	for (;;) {
		got = p->alone ? 0 : engine_channel_receive(&p->channel, ret);
		if (got == -EPIPE)
			lose_monitor(p);
		else if (got < 0)
			end();
		p->asking = !p->alone;
		if (p->alone)
			return -EAGAIN;
		if (got == 0 && !engine_channel_wait(&p->channel, -1, until))
			end();
		if (got == 0)
			continue;
		if (ret->head.type == ENGINE_PORT_RESULT) {
			p->asking = false;
			return ret->head.code;
		}
		store_early(p, ret);
	}
}

static int open_port(void *ctx, uint16_t port, uint32_t fwmark, struct udp *ret)
{
	struct engine_message m;
	size_t n = 0;
	int err = ask_port(ctx, ENGINE_PORT_OPEN, port, fwmark, &m);

	if (err < 0)
		return err;
	*ret = (struct udp){ .fd4 = -1,
		.fd6 = -1,
		.port = (uint16_t)m.head.port,
		.offloads = { .segment = m.head.value & ENGINE_PORT_SEGMENT,
			.gro = m.head.value & ENGINE_PORT_GRO } };
	if (m.head.value & ENGINE_PORT_IPV4 && n < m.head.fds)
		ret->fd4 = m.fds[n++];
	if (m.head.value & ENGINE_PORT_IPV6 && n < m.head.fds)
		ret->fd6 = m.fds[n++];
	return 0;
}

static int try_port(void *ctx, uint16_t port, uint32_t fwmark)
{
	struct engine_message m;

	return ask_port(ctx, ENGINE_PORT_TRY, port, fwmark, &m);
}

static int mark_port(void *ctx, uint32_t fwmark)
{
	struct engine_message m;

	return ask_port(ctx, ENGINE_PORT_MARK, 0, fwmark, &m);
}

/* ---- requests ---- */

int engine_process_read_conf(const void *text, size_t len, struct conf_site *ret, struct error *e)
{
	const struct conf_source source = {
		.name = "reload", .folder = "/", .bytes = text, .len = len
	};
	struct conf_report report = { 0 };
	int err = conf_parse(ret, &source, &report);
	bool ok;

	conf_complete(ret, &report);
	ok = !err && conf_report_ok(&report);
	conf_report_fini(&report);
	if (ok)
		return 0;
	conf_site_fini(ret);
	return error_set(e, -EINVAL,
		"The engine cannot read the configuration that passed the checks.\n"
		"Restart the site, and report this as a fault of wirespan.");
}

/* The monitor has made a deleted interface again. */
static int do_make_again(struct engine_process *p, const struct engine_message *m, struct error *e)
{
	struct tap tap = { .fd = m->head.fds == 1 ? m->fds[0] : -1 };
	char name[IFNAMSIZ];
	int err = tap.fd < 0 ? -EINVAL : tap_name(&tap, name);

	if (!err)
		err = userspace_site_offer(p->site, tap.fd);
	if (err < 0) {
		for (uint32_t i = 0; i < m->head.fds; i++)
			close(m->fds[i]);
		return error_set(e, err, "Cannot use the new interface:\n");
	}
	err = backend->make_again(p->site, name, e);
	userspace_site_discard_offered(p->site);
	return err;
}

static int do_apply(struct engine_process *p, const struct engine_message *m, struct error *e)
{
	struct conf_site *next = p->conf == p->parsed ? p->parsed + 1 : p->parsed;
	uint32_t used = 0;
	int err = engine_process_read_conf(m->body, m->head.len, next, e);

	while (!err && used < m->head.fds) {
		err = userspace_site_offer(p->site, m->fds[used]);
		if (err < 0)
			error_set(e, err, "Cannot use a new interface:\n");
		else
			used++;
	}
	for (uint32_t i = used; i < m->head.fds; i++)
		close(m->fds[i]);
	if (!err) {
		err = backend->apply(p->site, next, e);
		if (err < 0)
			conf_site_fini(next);
		else
			p->next = next;
	}
	userspace_site_discard_offered(p->site);
	return err;
}

static int do_settle(struct engine_process *p, const struct engine_message *m, struct error *e)
{
	struct conf_site *unused = p->next;
	int err = 0;

	if (!p->next)
		return error_set(e, -EINVAL, "There is no reload to settle.\nReload again.");
	if (m->head.code < 0) {
		backend->revert(p->site);
	} else {
		unused = p->conf;
		err = backend->sweep(p->site, m->head.value, e);
		p->conf = p->next;
	}
	p->next = NULL;
	conf_site_fini(unused);
	return err;
}

/* Reply with a part of the status, as a reply of the control socket. */
static void reply_status(
	struct engine_process *p, struct engine_head *head, const struct engine_message *m)
{
	const uint8_t *after = m->head.len == KEY_LEN ? m->body : NULL;
	struct ctl_reply reply = { .ok = true, .has_status = true };
	char *line = NULL;
	size_t len = 0;

	head->type = ENGINE_TEXT;
	head->code = userspace_site_report(p->site, after, ENGINE_REPORT_PEERS, &reply.status);
	if (!head->code)
		head->code = ctl_reply_print(&reply, &line, &len);
	ctl_reply_fini(&reply);
	send_message(p, &(struct engine_message){ .head = *head, .body = line }, len);
	free(line);
}

static void reply_peers(struct engine_process *p, struct engine_head *head)
{
	struct backend_peer *peers = NULL;
	size_t n = 0;

	head->type = ENGINE_TEXT;
	head->code = backend->peers(p->site, &peers, &n);
	send_message(
		p, &(struct engine_message){ .head = *head, .body = peers }, n * sizeof(*peers));
	free(peers);
}

static void reply_wg(
	struct engine_process *p, struct engine_head *head, const struct engine_message *m)
{
	head->type = ENGINE_TEXT;
	head->code = userspace_site_wg(p->site, m->body);
	send_message(p, &(struct engine_message){ .head = *head }, 0);
}

/* Reply with a part of what wg(8) shows. */
static void reply_shown(
	struct engine_process *p, struct engine_head *head, const struct engine_message *m)
{
	const uint8_t *after = m->head.len == KEY_LEN ? m->body : NULL;
	char *text = NULL;
	size_t len = 0;

	head->type = ENGINE_TEXT;
	head->code = userspace_site_show(p->site, after, ENGINE_REPORT_PEERS, &text, &len);
	send_message(p, &(struct engine_message){ .head = *head, .body = text }, len);
	if (text)
		secret_wipe(text, len);
	free(text);
}

/* Start a capture, or let it be sent. */
static int do_capture(struct engine_process *p, const struct engine_message *m, struct error *e)
{
	if (m->head.fds)
		return backend->capture(p->site, m->fds[0], m->head.value, e);
	userspace_site_release_capture(p->site);
	return 0;
}

static int do_take_over(struct engine_process *p, const struct engine_message *m, struct error *e)
{
	int err = engine_store_open(&p->memory, &p->store);

	if (err < 0 && err != -EPROTO)
		return error_set(e, err, "The engine cannot use the stored sessions:\n");
	userspace_site_take_over(p->site, &p->store, m->body, m->head.len);
	return err; /* of another form: the monitor reports it */
}

/* Let another engine continue. This process no longer sends or receives, and waits for its end. */
static void hand_over(struct engine_process *p) __attribute__((noreturn));

static void hand_over(struct engine_process *p)
{
	struct engine_head head = { .type = ENGINE_TEXT, .seq = p->leave.seq };
	void *text = NULL;
	size_t len = 0;
	struct engine_message ignored;

	head.code = userspace_site_hand_over(p->site, &text, &len);
	send_message(p, &(struct engine_message){ .head = head, .body = text }, len);
	while (engine_channel_receive(&p->channel, &ignored) >= 0)
		(void)engine_channel_wait(&p->channel, -1, mono_add(clock_mono(), PORT_PATIENCE));
	_exit(0); /* the store stays as it is */
}

static void handle(struct engine_process *p, const struct engine_message *m)
{
	struct engine_head head = { .type = ENGINE_RESULT, .seq = m->head.seq };
	struct error e = { 0 };

	if (p->alone && m->head.type != ENGINE_LEND && m->head.type != ENGINE_HAND_OVER) {
		lose_monitor(p); /* it has to adopt it first */
		return;
	}
	switch ((enum engine_message_type)m->head.type) {
	case ENGINE_AWAIT:
		backend->await_names(p->site, (struct mono){ m->head.time }, p->channel.fd);
		break;
	case ENGINE_START:
		head.code = backend->start(p->site, m->head.value, &e);
		break;
	case ENGINE_APPLY:
		head.code = m->head.len ? do_apply(p, m, &e) : do_make_again(p, m, &e);
		break;
	case ENGINE_SETTLE:
		head.code = do_settle(p, m, &e);
		break;
	case ENGINE_REPORT:
		reply_status(p, &head, m);
		return;
	case ENGINE_WG:
		reply_wg(p, &head, m);
		return;
	case ENGINE_SHOW:
		reply_shown(p, &head, m);
		return;
	case ENGINE_PEERS:
		reply_peers(p, &head);
		return;
	case ENGINE_CAPTURE:
		head.code = do_capture(p, m, &e);
		break;
	case ENGINE_REPEATED:
		userspace_site_discard_stored(p->site);
		break;
	case ENGINE_HAND_OVER:
		p->leave = m->head;
		return;
	case ENGINE_OUTLIVE:
		head.code = do_outlive(p, m, &e);
		break;
	case ENGINE_TAKE_OVER:
		head.code = do_take_over(p, m, &e);
		break;
	case ENGINE_LINK:
		if (m->head.value & ENGINE_LINK_ANY)
			userspace_site_accept_any_port(p->site);
		userspace_site_follow(p->site, m->head.value & ENGINE_LINK_UP,
			m->head.value & ENGINE_LINK_MTU, m->head.value & ENGINE_LINK_MOVED);
		break;
	case ENGINE_LEND:
		p->alone_until = mono_add(clock_mono(), ENGINE_ALONE_NS);
		lend(p, &head);
		return;
	case ENGINE_PORT_RESULT:
	case ENGINE_RESULT:
	case ENGINE_TEXT:
	case ENGINE_LENT:
	case ENGINE_EVENTS:
	case ENGINE_PORT:
	case ENGINE_LOG:
	case ENGINE_BEGIN:
	case ENGINE_BEGUN:
	case ENGINE_ENDED:
	case ENGINE_MESSAGE_TYPES:
		end();
	}
	send_result(p, &head, &e);
}

/* Handle the request that arrived while another message was expected, if there is one. */
static void handle_early(struct engine_process *p)
{
	struct engine_message m = p->early;
	uint8_t *body;
	int *fds;

	if (!p->has_early)
		return;
	p->has_early = false;
	handle(p, &m);
	memcpy(&body, &m.body, sizeof(body));
	memcpy(&fds, &m.fds, sizeof(fds));
	secret_wipe(body, m.head.len);
	free(body);
	free(fds);
}

static void on_channel(void *ctx, uint32_t events)
{
	struct engine_process *p = ctx;
	struct engine_message m;
	int got = engine_channel_receive(&p->channel, &m);

	(void)events;
	if (got == -EPIPE || (got < 0 && p->alone)) {
		lose_monitor(p);
		return;
	}
	if (got < 0)
		end();
	if (got == 0)
		return;
	store_early(p, &m); /* so that the message outlives PORTs that its handling sends */
	handle_early(p);
}

/* ---- life ---- */

/* Close what this process does not need. Return: 0 or -errno. */
static int keep_own_descriptors(const struct engine_process_config *c)
{
	const struct userspace_adopted *a = c->adopted;
	size_t n = 0;
	int *keep = calloc(a->n_ports + 6, sizeof(*keep));
	int err;

	if (!keep)
		return -ENOMEM;
	while (n < a->n_ports) {
		keep[n] = a->ports[n];
		n++;
	}
	keep[n++] = a->fd4;
	keep[n++] = a->fd6;
	keep[n++] = a->resolver_fd;
	keep[n++] = c->channel;
	keep[n++] = c->store;
	keep[n++] = c->keys;
	err = confine_descriptors(keep, n);
	free(keep);
	return err;
}

/* Open the site and confine this process. Return: 0, or -errno with `e` filled. */
static int set_up(struct engine_process *p, const struct engine_process_config *c,
	unsigned *ret_measures, struct error *e)
{
	const struct confinement confinement = {
		.measures = ~(confine_is_debugged() ? CONFINE_NOT_DUMPABLE : 0U),
		.user = c->user,
		.calls = &filter_rules_engine
	};
	int err = engine_store_map(c->store, &p->memory);

	if (!err && !c->waits)
		err = engine_store_open(&p->memory, &p->store);
	if (!err || err == -EPROTO)
		err = keep_own_descriptors(c);
	if (!err)
		err = loop_open(&p->loop);
	if (!err)
		err = loop_watch_input(&p->loop, &p->watch, c->channel, on_channel, p);
	if (err < 0)
		return error_set(e, err, "Cannot start the engine's process:\n");
	confine_lock_memory();
	keys_client_open(&p->keys, c->keys);
	err = userspace_site_open(&p->loop, p->conf, &p->adopted, &p->site, e);
	if (err < 0)
		return err;
	title_set("engine", p->conf->name);
	*ret_measures = confine_process(&confinement, c->measures);
	return 0;
}

static void run(struct engine_process *p)
{
	for (;;) {
		unsigned events;

		struct mono due = backend->deadline(p->site);

		if (p->leave.type)
			due = mono_earliest(due, (struct mono){ p->leave.time });
		if (p->alone)
			due = mono_earliest(due, p->alone_until);
		if (loop_run_once(&p->loop, due) < 0)
			end();
		events = backend->work(p->site);
		if (p->alone && mono_reached(p->alone_until, clock_mono()))
			leave(p);
		if (events && !p->alone)
			send_result(p,
				&(struct engine_head){ .type = ENGINE_EVENTS, .value = events },
				NULL);
		handle_early(p);
		if (p->leave.type &&
			(userspace_site_is_quiet(p->site) ||
				mono_reached((struct mono){ p->leave.time }, clock_mono())))
			hand_over(p);
	}
}

void engine_process_run(const struct engine_process_config *config)
{
	struct engine_process *p = &process;
	struct engine_head head = { .type = ENGINE_RESULT };
	struct error e = { 0 };
	unsigned measures = 0;

	p->loop.epoll_fd = -1;
	p->next_monitor.fd = -1;
	p->store_fd = config->store;
	p->monitor = geteuid();
	p->conf = config->conf;
	p->opener = (struct driver_opener){
		.open = open_port, .try = try_port, .mark = mark_port, .ctx = p
	};
	p->adopted = *config->adopted;
	p->adopted.opener = &p->opener;
	p->adopted.store = &p->store;
	p->adopted.keys = &p->keys.client.service;
	engine_channel_open(&p->channel, config->channel, ENGINE_FROM_MONITOR);
	log_to_sink(send_log);
	confine_streams();
	head.code = set_up(p, config, &measures, &e);
	head.value = measures;
	if (head.code < 0)
		p->site = NULL;
	send_result(p, &head, &e);
	if (head.code < 0)
		_exit(0);
	run(p);
	end();
}
