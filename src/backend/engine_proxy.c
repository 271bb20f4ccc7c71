/* SPDX-License-Identifier: MIT */
/* The engine's process as the monitor sees it: started, asked, and ended if it misbehaves. */
#include "backend/engine_proxy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backend/engine_process.h"
#include "backend/isolated_conf.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/sentence.h"
#include "confine/confine.h"

/* How long a new process may take until it is ready, and to read what is sent to it. */
#define START_PATIENCE (30 * NS_PER_S)
#define SEND_PATIENCE  (10 * NS_PER_S)

/* How long a message may take from its first packet to its last. */
#define MESSAGE_PATIENCE (30 * NS_PER_S)

/* How soon to try again to send an answer for which there was no room. */
#define ANSWER_RETRY (10 * NS_PER_MS)

/* How long it may take to wipe its keys and end, after its channel was closed. */
#define END_PATIENCE_MS 300

/* Lines of the log that an engine may write; beyond that they are counted. */
#define LINES_PER_S 200
#define LINES_BURST 2000

/* So many messages are read at a time, before the monitor does something else. */
#define MESSAGES_MAX 64

/* ---- what the engine asks for ---- */

/* Whether it may have this port opened. */
static bool is_allowed(const struct engine_proxy *p, uint16_t port)
{
	bool allowed = !port || port == p->held->udp.port;

	for (size_t i = 0; i < ENGINE_PORTS_ALLOWED; i++)
		allowed |= port == p->ports[i];
	return allowed;
}

/* Do what a PORT asks for. Return: 0 or -errno. */
static int do_port(struct engine_proxy *p, const struct engine_head *h)
{
	struct udp udp;
	int err;

	if (p->leaves || h->value != p->fwmark || !is_allowed(p, (uint16_t)h->port))
		return -EPERM;
	switch (h->code) {
	case ENGINE_PORT_OPEN:
		return held_ports_open_udp(p->held, (uint16_t)h->port, h->value);
	case ENGINE_PORT_MARK:
		return udp_set_fwmark(&p->held->udp, h->value);
	default:
		err = udp_open((uint16_t)h->port, h->value, p->held->options.udp, &udp);
		if (!err)
			udp_close(&udp);
		return err;
	}
}

/* Send the answer to a PORT, with the sockets if it was to open some. An engine that does not read
 * is not waited for. Return: 0, and it is sent, or still to be sent; or -errno. */
static int send_answer(struct engine_proxy *p)
{
	struct engine_message m = { .head = p->answer };
	int fds[2];
	size_t n = 0;
	int err;

	if (!p->answer.type)
		return 0;
	if (m.head.value) {
		const struct udp *udp = &p->held->udp;

		m.head.port = udp->port;
		m.head.value = (udp->offloads.segment ? ENGINE_PORT_SEGMENT : 0U) |
			       (udp->offloads.gro ? ENGINE_PORT_GRO : 0U) |
			       (udp->fd4 >= 0 ? ENGINE_PORT_IPV4 : 0U) |
			       (udp->fd6 >= 0 ? ENGINE_PORT_IPV6 : 0U);
		if (udp->fd4 >= 0)
			fds[n++] = udp->fd4;
		if (udp->fd6 >= 0)
			fds[n++] = udp->fd6;
	}
	m.fds = fds;
	err = engine_channel_send(&p->channel, &m, 0, n, (struct mono){ 1 });
	if (err == -ETIMEDOUT && !mono_reached(p->answer_until, clock_mono()))
		return 0;
	p->answer.type = 0;
	return err;
}

/* Return: 1; -EBADMSG if it may not ask now; or -EPIPE, as it does not read. */
static int answer_port(struct engine_proxy *p, const struct engine_head *h)
{
	struct engine_head *a = &p->answer;

	if (a->type) /* an engine waits for the answer before */
		return -EBADMSG;
	*a = (struct engine_head){ .type = ENGINE_PORT_RESULT, .code = do_port(p, h) };
	a->value = h->code == ENGINE_PORT_OPEN && !a->code; /* send_answer() replaces it */
	p->answer_until = mono_add(clock_mono(), SEND_PATIENCE);
	return send_answer(p) < 0 ? -EPIPE : 1;
}

/* When the message that is being received must be there; never: there is none. */
static struct mono message_due(const struct engine_proxy *p)
{
	const struct engine_channel *c = &p->channel;

	return c->receiving ? mono_add(c->begun, MESSAGE_PATIENCE) : MONO_NEVER;
}

struct mono engine_proxy_deadline(const struct engine_proxy *p)
{
	struct mono retry = p->answer.type ? mono_add(clock_mono(), ANSWER_RETRY) : MONO_NEVER;

	return mono_earliest(retry, message_due(p));
}

/* Receive a message. Return: as engine_channel_receive(); -ETIMEDOUT if its rest is overdue. */
static int receive(struct engine_proxy *p, struct engine_message *ret)
{
	int got = engine_channel_receive(&p->channel, ret);

	return got == 0 && mono_reached(message_due(p), clock_mono()) ? -ETIMEDOUT : got;
}

static void log_for_engine(struct engine_proxy *p, const struct engine_message *m)
{
	char line[1024];

	if (!bucket_take(&p->lines, clock_mono(), NS_PER_S / LINES_PER_S, LINES_BURST)) {
		p->lines_lost++;
		return;
	}
	if (p->lines_lost)
		log_warning("%llu lines of the engine were not logged, as there were too many.",
			(unsigned long long)p->lines_lost);
	p->lines_lost = 0;
	(void)snprintf(line, sizeof(line), "%s", (const char *)m->body);
	sentence_clean(line, strlen(line));
	log_line((enum log_level)m->head.value, "%s", line);
}

/* Close the descriptors of a message that must not have any. Return: -EBADMSG. */
static int refuse_descriptors(const struct engine_message *m)
{
	for (uint32_t i = 0; i < m->head.fds; i++)
		close(m->fds[i]);
	return -EBADMSG;
}

/* Act on a message that is not a reply. Return: 1; 0 if it is a reply; or -errno. */
static int act(struct engine_proxy *p, const struct engine_message *m, bool calling)
{
	if (m->head.type == ENGINE_PORT)
		return answer_port(p, &m->head);
	if (m->head.type == ENGINE_LOG) {
		log_for_engine(p, m);
		return 1;
	}
	if (m->head.type != ENGINE_EVENTS)
		return 0;
	p->events |= m->head.value;
	/* during a call, the number of sessions may be another; the reply has MTUs, too */
	if (!calling && engine_result_decode(m->body, m->head.len, &p->mtus, NULL) < 0)
		return -EBADMSG;
	return 1;
}

int engine_proxy_read(struct engine_proxy *p)
{
	struct engine_message m;
	int err = send_answer(p);

	if (err < 0)
		return -EPIPE;
	for (unsigned i = 0; i < MESSAGES_MAX; i++) {
		int got = receive(p, &m);

		if (got > 0)
			got = act(p, &m, false);
		else if (got == 0)
			return 0;
		if (got < 0)
			return got;
	}
	return 0; /* the rest is read when the loop comes back */
}

/* ---- requests ---- */

int engine_proxy_send(struct engine_proxy *p, struct engine_message *m, size_t len, size_t n_fds)
{
	m->head.seq = ++p->seq;
	return engine_channel_send(
		&p->channel, m, len, n_fds, mono_add(clock_mono(), SEND_PATIENCE));
}

/* Return: 1: there may be one; or -ETIMEDOUT; or -EINTR for `stop_fd`. */
static int wait_for_message(struct engine_proxy *p, int stop_fd, struct mono until)
{
	struct mono retry = engine_proxy_deadline(p);

	if (engine_channel_wait(&p->channel, stop_fd, mono_earliest(until, retry)))
		return 1;
	if (mono_reached(until, clock_mono()))
		return -ETIMEDOUT;
	return mono_is_set(retry) && mono_reached(retry, clock_mono()) ? 1 : -EINTR;
}

int engine_proxy_await(struct engine_proxy *p, uint32_t seq, int stop_fd, struct mono until,
	struct engine_message *ret)
{
	unsigned late = 0; /* messages, or parts of one, that were read after `until` */

	while (late < MESSAGES_MAX) {
		int got = send_answer(p) < 0 ? -EPIPE : receive(p, ret);

		if (got > 0)
			got = act(p, ret, true);
		else if (got == 0)
			got = wait_for_message(p, stop_fd, until);
		if (got == 0 && ret->head.seq == seq)
			return 0;
		if (got == 0 && ret->head.fds)
			got = refuse_descriptors(ret);
		if (got < 0)
			return got;
		late += mono_reached(until, clock_mono());
	}
	return -ETIMEDOUT;
}

int engine_proxy_call(struct engine_proxy *p, struct engine_message *m, size_t len, size_t n_fds,
	int stop_fd, struct mono until, struct engine_message *ret)
{
	int err = engine_proxy_send(p, m, len, n_fds);

	return err < 0 ? err : engine_proxy_await(p, m->head.seq, stop_fd, until, ret);
}

int engine_proxy_expect(struct engine_proxy *p, const struct conf_site *conf)
{
	size_t n = conf_session_count(conf);
	uint32_t *sessions = calloc(n + 1, sizeof(*sessions));

	if (!sessions)
		return -ENOMEM;
	free(p->mtus.sessions);
	p->mtus.sessions = sessions;
	p->mtus.n = n;
	return 0;
}

/* ---- life ---- */

/** What a new process gets that is not in struct engine_proxy. */
struct new_engine {
	int channel;
	int resolver_fd;
	bool waits;
};

/* In the new process. */
static void run_child(const struct engine_proxy *p, struct conf_site *conf,
	const struct new_engine *new, unsigned measures) __attribute__((noreturn));

static void run_child(const struct engine_proxy *p, struct conf_site *conf,
	const struct new_engine *new, unsigned measures)
{
	const struct held_ports *h = p->held;
	int *fds = held_ports_fds(h, 0);
	const struct userspace_adopted adopted = { .ports = fds,
		.n_ports = h->n,
		.fd4 = h->udp.fd4,
		.fd6 = h->udp.fd6,
		.resolver_fd = new->resolver_fd,
		.drop_in = p->drop_in };
	const struct engine_process_config config = { .conf = conf,
		.channel = new->channel,
		.adopted = &adopted,
		.keys = p->keys,
		.store = p->store,
		.waits = new->waits,
		.measures = measures,
		.user = p->user };

	if (!fds)
		_exit(1);
	p->forget(p->ctx);
	secret_wipe_stack();
	if (h->udp.port)
		conf->interface.listen_port = h->udp.port; /* a copy; wg(8) may have changed it */
	engine_process_run(&config);
}

/* The descriptors of a new process, in the order of GUARDED_ENGINE. Return: an array to free, and
 * their number; or NULL if out of memory. */
static int *list_descriptors(
	const struct engine_proxy *p, const struct new_engine *new, size_t *ret)
{
	const struct held_ports *h = p->held;
	const int others[] = { p->store, h->udp.fd4, h->udp.fd6 };
	int *v = calloc(h->n + 6, sizeof(*v));
	size_t n = 0;

	if (!v)
		return NULL;
	v[n++] = new->channel;
	v[n++] = p->keys;
	v[n++] = new->resolver_fd;
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		if (others[i] >= 0)
			v[n++] = others[i];
	for (size_t i = 0; i < h->n; i++)
		v[n++] = h->taps[i].fd;
	*ret = n;
	return v;
}

/* Let systemd start a process. Return: 0; or -errno, and it is to be forked. */
static int start_guarded(
	struct engine_proxy *p, const struct conf_site *conf, const struct new_engine *new)
{
	const struct held_ports *h = p->held;
	struct guarded_task task = { .role = GUARDED_ENGINE,
		.n_ports = (uint32_t)h->n,
		.listen_port = h->udp.port,
		.has_store = p->store >= 0,
		.has_fd4 = h->udp.fd4 >= 0,
		.has_fd6 = h->udp.fd6 >= 0,
		.waits = new->waits };
	struct guarded started;
	char *text = NULL;
	size_t len = 0;
	size_t n = 0;
	int *fds;
	int err;

	if (!guardians_are_used(p->guardians))
		return -ENOENT;
	(void)snprintf(task.site, sizeof(task.site), "%s", conf->name);
	fds = list_descriptors(p, new, &n);
	err = fds ? isolated_conf_print(conf, NULL, &text, &len) : -ENOMEM;
	if (!err)
		err = guardians_begin(p->guardians, &task, text, len, fds, n, &started);
	if (!err) {
		p->pid = started.pid;
		p->guardian = started.guardian;
		p->user = (struct confined_user){ started.user, started.user, .given = true };
	}
	if (text)
		secret_wipe(text, len);
	free(text);
	free(fds);
	return err;
}

/* Wait for the first result of a new process. Return: 0, or -errno with `ret_error` filled. */
static int await_ready(struct engine_proxy *p, struct error *ret_error)
{
	struct mono until = mono_add(clock_mono(), START_PATIENCE);
	struct engine_message m;
	int got = engine_proxy_await(p, 0, -1, until, &m);

	if (!got && (m.head.type != ENGINE_RESULT ||
			    engine_result_decode(m.body, m.head.len, &p->mtus, ret_error) < 0))
		got = -EBADMSG;
	if (got < 0)
		return error_set(ret_error, got,
			"The engine's process did not start:\n"
			"Set [Site] Isolation = no to run it in one process with the monitor.");
	p->replied = true;
	p->measures = m.head.value;
	ret_error->code = m.head.code;
	return m.head.code;
}

/* Without it, random bytes come from a file, which a confined process does not have. */
static bool has_getrandom(void)
{
	uint8_t byte;

	return getrandom(&byte, sizeof(byte), GRND_NONBLOCK) >= 0 || errno == EAGAIN ||
	       errno == EINTR;
}

int engine_proxy_start(struct engine_proxy *p, struct conf_site *conf, int resolver_fd, bool waits,
	struct error *ret_error)
{
	struct new_engine new = { .resolver_fd = resolver_fd, .waits = waits };
	char how[ENGINE_ENDED_LEN];
	unsigned measures;
	int fds[2] = { -1, -1 };
	int err = engine_proxy_expect(p, conf);

	p->replied = false;
	if (!err && !has_getrandom())
		err = -errno;
	if (!err)
		err = engine_channel_pair(fds);
	if (err < 0)
		return error_set(ret_error, err, "Cannot start the engine's process:\n");
	new.channel = fds[1];
	p->user = confined_user(p->named, 0);
	p->guardian = 0;
	if (start_guarded(p, conf, &new) < 0) {
		p->pid = confined_fork(~0U, &measures);
		if (p->pid == 0)
			run_child(p, conf, &new, measures);
	}
	close(fds[1]);
	if (p->pid < 0) {
		err = p->pid;
		p->pid = 0;
		close(fds[0]);
		return error_set(ret_error, err, "Cannot start the engine's process:\n");
	}
	engine_channel_open(&p->channel, fds[0], ENGINE_FROM_ENGINE);
	p->answer.type = 0;
	err = await_ready(p, ret_error);
	if (err < 0)
		engine_proxy_end(p, how);
	return err;
}

/* Write how a process has ended. */
static void describe(int status, char ret[static ENGINE_ENDED_LEN])
{
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
	int number = WIFSIGNALED(status) ? WTERMSIG(status) : code > 128 ? code - 128 : 0;

	if (number == SIGSYS)
		snprintf(ret, ENGINE_ENDED_LEN, "made a system call that is not allowed");
	else if (number)
		snprintf(ret, ENGINE_ENDED_LEN, "was ended by signal %d (%s)", number,
			strsignal(number));
	else
		snprintf(ret, ENGINE_ENDED_LEN, "ended with status %d", code);
}

void engine_proxy_end(struct engine_proxy *p, char ret_how[static ENGINE_ENDED_LEN])
{
	const struct engine_message farewell = { .head = { .type = ENGINE_OUTLIVE } };
	int status = 0;

	if (!p->pid)
		return;
	(void)!engine_channel_send(&p->channel, &farewell, 0, 0, (struct mono){ 1 });
	engine_channel_close(&p->channel);
	if (process_wait(p->pid, p->guardian, END_PATIENCE_MS, &status))
		describe(status, ret_how);
	else
		snprintf(ret_how, ENGINE_ENDED_LEN, "did not answer");
	p->pid = 0;
	p->guardian = 0;
	p->measures = 0;
	p->answer.type = 0;
}
