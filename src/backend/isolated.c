/* SPDX-License-Identifier: MIT */
/* The userspace engine in a confined process of its own, as the back end of a site. */
#include "backend/isolated.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/engine_store.h"
#include "backend/isolated_conf.h"
#include "backend/isolated_engine.h"
#include "backend/isolated_orphan.h"
#include "backend/isolated_report.h"
#include "backend/isolated_upgrade.h"
#include "backend/isolated_wg.h"
#include "backend/userspace_site.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/user.h"
#include "confine/confine.h"
#include "ctlproto/reply.h"

/* So many ends of the engine within this time, and it is started again only after a pause. */
#define ENDS_WITHIN (10 * NS_PER_S)
#define ENDS_PAUSE  (10 * NS_PER_S)

/* ---- the engine's life ---- */

static void open_wgsock(struct isolated_site *u)
{
	int err = isolated_wg_serve(u, -1);

	if (err < 0)
		wgsock_warn(u->conf->interface.name, err);
}

static int ask_start(struct isolated_site *u, struct error *ret_error)
{
	struct engine_message m = { .head = { .type = ENGINE_START, .value = u->fwmark } };

	isolated_engine_allow(u, 0);
	return isolated_engine_call(u, &m, 0, 0, ret_error);
}

/* Record that the engine has ended, and decide when to start it again. */
static void schedule(struct isolated_site *u)
{
	struct mono now = clock_mono();
	struct mono oldest;

	u->ends[u->n_ends++ % ENDS_MAX] = now;
	oldest = u->ends[u->n_ends % ENDS_MAX];
	u->due = now;
	log_error("The engine's process %s. Starting another one.", u->how);
	if (mono_is_set(oldest) && mono_between(oldest, now) < ENDS_WITHIN) {
		u->due = mono_add(now, ENDS_PAUSE);
		memset(u->ends, 0, sizeof(u->ends));
		log_error("The engine's process has ended %d times in %llu seconds: no traffic for "
			  "%llu seconds. Report this as a fault, with the log.",
			ENDS_MAX, ENDS_WITHIN / NS_PER_S, ENDS_PAUSE / NS_PER_S);
	}
}

/* Continue in a new engine where the last one has ended. Return: 0, or -errno with `ret_error`
 * filled. */
static int resume(struct isolated_site *u, struct error *ret_error)
{
	int err = ask_start(u, ret_error);

	if (err < 0)
		return err;
	isolated_engine_repeat(u);
	isolated_engine_repeated(u);
	isolated_note_engine(u);
	return 0;
}

/* Likewise, of wirespan-wg: the start sets the port, which is opened if the interface is up. */
static int resume_drop_in(struct isolated_site *u, struct error *ret_error)
{
	int err;

	isolated_engine_repeat(u);
	isolated_engine_repeated(u);
	err = ask_start(u, ret_error);
	return err < 0 ? err : isolated_engine_link(u, ret_error);
}

/* Start the engine again, as it was. */
static void restart(struct isolated_site *u)
{
	struct error e;
	int err = isolated_engine_start(u, false, &e);

	u->due = MONO_NEVER;
	if (!err && u->started)
		err = u->engine.drop_in ? resume_drop_in(u, &e) : resume(u, &e);
	if (err < 0 && !u->failed) { /* otherwise it has ended again, and work() acts on it */
		log_error("%s %s", e.problem, e.hint);
		isolated_engine_end(u);
		snprintf(u->how, sizeof(u->how), "could not be started");
		schedule(u);
		return;
	}
	u->events |= BACKEND_MTUS_CHANGED;
}

/* ---- open and close ---- */

/* Without the keys of the configuration. */
static void close_parts(struct isolated_site *u)
{
	wgsock_close(&u->wgsock);
	isolated_forget_old(u);
	isolated_engine_end(u);
	resolver_process_close(&u->resolver);
	keys_process_close(&u->keys);
	guardians_close(&u->guardians);
	held_ports_close(&u->held);
	if (u->engine.store >= 0)
		close(u->engine.store);
	free(u->engine.mtus.sessions);
	wg_changes_clear(&u->changes);
	secret_wipe(u, sizeof(*u));
	free(u);
}

static void close_site(struct backend_site *s)
{
	struct isolated_site *u = isolated_of(s);

	conf_site_forget_keys(u->conf);
	close_parts(u);
}

/* Log once what confines the processes, and what does not. */
static void log_measures(const struct isolated_site *u)
{
	char has[CONFINE_TEXT_LEN];
	char lacks[CONFINE_TEXT_LEN];
	unsigned all = (1U << CONFINE_MEASURES) - 1;
	unsigned missing = all & ~u->engine.measures;

	log_info("the engine's process %d is confined: %s", (int)u->engine.pid,
		confine_text(u->engine.measures, has));
	if (missing)
		log_warning("The engine's process is confined less than it could be, as this host "
			    "does not allow: %s.",
			confine_text(missing, lacks));
	if (!confine_can_lock_memory())
		log_warning("The memory of the confined processes is not locked, as RLIMIT_MEMLOCK "
			    "limits it: keys may reach swap. Allow it (LimitMEMLOCK=infinity, "
			    "ulimit -l unlimited), or encrypt the swap.");
}

/* Use the user of the configuration for all processes, if there is one. */
static int find_user(struct isolated_site *u, struct error *ret_error)
{
	const char *name = u->conf->user;
	int err = name ? user_find(name, &u->user) : 0;

	if (err < 0)
		return error_set(ret_error, err,
			"Cannot use the user %s of [Site] User\n"
			"Name a user of this host that is not root, or write User = dynamic.",
			name);
	u->engine.named = u->keys.named = u->resolver.named = name ? &u->user : NULL;
	return 0;
}

/* Let systemd start the processes, where this one cannot give them users of their own. */
static void use_guardians(struct isolated_site *u)
{
	guardians_open(&u->guardians, GUARDIAN_SOCKET);
	u->engine.guardians = u->keys.guardians = u->resolver.guardians = &u->guardians;
	if (guardians_are_used(&u->guardians) && u->engine.named)
		log_warning(
			"The user %s of [Site] User is not used, as systemd starts the confined "
			"processes, each with a user of its own.",
			u->conf->user);
}

/* Start the processes other than the engine. `ret_alone`: it failed because this host allows no
 * process of the engine's own. */
static int open_others(struct isolated_site *u, bool *ret_alone, struct error *ret_error)
{
	int err;

#if UINTPTR_MAX == UINT32_MAX /* there, the C library makes further calls, for 64-bit times */
	*ret_alone = true;
	return error_set(ret_error, -ENOSYS,
		"The lists of system calls are complete for hosts of 64 bits only\n");
#endif
	err = find_user(u, ret_error);
	if (!err)
		err = held_ports_init(&u->held, ret_error);
	if (err < 0)
		return err;
	if (!u->engine.drop_in)
		use_guardians(u);
	if (u->saved)
		u->keys.time = (struct steady_wall){ clock_mono(),
			{ .sec = saved_number(u->saved, "keys-time", UINT32_MAX, 0) } };
	err = keys_process_open(&u->keys, u->loop, u->conf, isolated_forget, u);
	*ret_alone = err < 0;
	if (err < 0)
		return error_set(ret_error, err, "Cannot start the process that holds the keys:\n");
	u->engine.keys = u->keys.engine[0];
	if (u->engine.drop_in)
		return 0;
	err = resolver_process_open(&u->resolver, u->loop, u->conf->name, isolated_forget, u);
	*ret_alone = err < 0;
	if (err < 0)
		return error_set(ret_error, err, "Cannot start the process that resolves names:\n");
	return 0;
}

/* Start the engine of a site that is made, or of wirespan-wg. `ret_alone`: as above. */
static int open_first(struct isolated_site *u, bool *ret_alone, struct error *ret_error)
{
	int err;

	u->engine.store = engine_store_make(u->conf->n_peers);
	if (u->engine.store < 0)
		log_warning("Cannot store sessions (%s): if the engine's process ends, they begin "
			    "with new handshakes.",
			strerror(-u->engine.store));
	err = isolated_engine_start(u, false, ret_error);
	*ret_alone = err < 0 && !u->engine.replied;
	return err;
}

/* `orphan`: adopt the engine that runs. `ret_alone`: as above. */
static int open_parts(struct isolated_site *u, const struct saved_state *saved, bool orphan,
	bool *ret_alone, struct error *ret_error)
{
	size_t first;
	int err = open_others(u, ret_alone, ret_error);

	if (err < 0)
		return err;
	if (saved)
		return isolated_adopt(u, saved, ret_error);
	if (orphan)
		return isolated_adopt_orphan(u, ret_error);
	err = held_ports_open(&u->held, u->conf, &first, ret_error);
	return err < 0 ? err : open_first(u, ret_alone, ret_error);
}

/* Run the engine in this process, which has read nothing from the network yet. `error`: why. */
static int open_alone(struct loop *loop, struct host *host, struct conf_site *conf,
	struct backend_site **ret, struct error *error)
{
	const char *limit = error_limit_hint(error->code);
	size_t len = strlen(error->problem);

	if (len && error->problem[len - 1] == '.')
		len--;
	log_warning("%.*s. The site runs in one process, with all privileges: Isolation = yes has "
		    "no effect on this host.%s%s",
		(int)len, error->problem, limit ? " " : "", limit ? limit : "");
	return backend_userspace.open(loop, host, conf, ret, error);
}

/* Return: a site without descriptors and processes, or NULL with `ret_error` filled. */
static struct isolated_site *new_site(
	struct loop *loop, struct conf_site *conf, struct error *ret_error)
{
	struct isolated_site *u = calloc(1, sizeof(*u));

	if (!u) {
		error_set(ret_error, -ENOMEM, "Cannot start the engine:\nFree some memory.");
		return NULL;
	}
	u->site.backend = &backend_isolated;
	u->conf = conf;
	u->loop = loop;
	u->fwmark = conf->interface.fwmark;
	u->watch.fd = -1;
	u->resolver = (struct resolver_process){ .fds = { -1, -1 }, .watch = { .fd = -1 } };
	u->keys =
		(struct keys_process){ .engine = { -1, -1 }, .monitor = -1, .watch = { .fd = -1 } };
	u->held.udp = (struct udp){ .fd4 = -1, .fd6 = -1 };
	u->engine.held = &u->held;
	u->engine.store = -1;
	u->old.engine.channel.fd = u->old.channel = u->old.process = u->old.keys_changes = -1;
	u->old.engine.held = &u->held;
	return u;
}

/* The first engine has ended in its start: fill in how. `setting`: what avoids the process. */
static void report_ended(
	struct isolated_site *u, int err, const char *setting, struct error *ret_error)
{
	isolated_engine_end(u);
	(void)error_set(ret_error, err,
		"The engine's process %s\nSet %s, which runs it in one process with the monitor, "
		"and report this as a fault.",
		u->how, setting);
}

int isolated_open_drop_in(struct loop *loop, struct conf_site *conf, int tun_fd, bool *ret_alone,
	struct backend_site **ret, struct error *ret_error)
{
	struct isolated_site *u = new_site(loop, conf, ret_error);
	int err;

	*ret_alone = false;
	if (!u)
		return ret_error->code;
	u->engine.drop_in = true;
	u->any_port = true;
	err = open_others(u, ret_alone, ret_error);
	if (!err) {
		err = held_ports_open_tun(&u->held, conf->interface.name, tun_fd);
		if (err < 0)
			userspace_drop_in_tun_error(tun_fd, err, ret_error);
	}
	if (!err) /* that of a TUN that was passed on may be another */
		snprintf(conf->interface.name, sizeof(conf->interface.name), "%s",
			u->held.taps[0].name);
	if (!err)
		err = open_first(u, ret_alone, ret_error);
	if (!err)
		err = ask_start(u, ret_error);
	if (err < 0 && u->failed)
		report_ended(u, err, "WIRESPAN_ISOLATION=no", ret_error);
	if (err < 0) {
		close_parts(u);
		return err;
	}
	u->started = true;
	log_measures(u);
	*ret = &u->site;
	return 0;
}

static int open_or_adopt(struct loop *loop, struct host *host, struct conf_site *conf,
	const struct saved_state *saved, struct backend_site **ret, struct error *ret_error)
{
	struct isolated_site *u = new_site(loop, conf, ret_error);
	bool orphan = !saved && host && host_is_resumed(host);
	bool alone = false;
	int err;

	if (!u)
		return ret_error->code;
	u->saved = saved;
	err = open_parts(u, saved, orphan, &alone, ret_error);
	u->saved = NULL;
	if (alone && !saved && !orphan) {
		key_ring_give_back(&u->keys.now, conf);
		close_parts(u);
		return open_alone(loop, host, conf, ret, ret_error);
	}
	if (err < 0 && orphan) { /* without an orphan, open() is called once more, with the keys */
		key_ring_give_back(&u->keys.now, conf);
		close_parts(u);
	} else if (err < 0) {
		close_site(&u->site);
	}
	if (err < 0)
		return err;
	log_measures(u);
	*ret = &u->site;
	return 0;
}

static int open_site(struct loop *loop, struct host *host, struct conf_site *conf,
	struct backend_site **ret, struct error *ret_error)
{
	return open_or_adopt(loop, host, conf, NULL, ret, ret_error);
}

static int adopt_site(struct loop *loop, struct host *host, struct conf_site *conf,
	const struct saved_state *saved, struct backend_site **ret, struct error *ret_error)
{
	return open_or_adopt(loop, host, conf, saved, ret, ret_error);
}

static void await_names(struct backend_site *s, struct mono until, int stop_fd)
{
	struct isolated_site *u = isolated_of(s);
	struct engine_message m = { .head = { .type = ENGINE_AWAIT, .time = until.ns } };
	struct engine_message reply;
	int err = u->failed ? -EPIPE
			    : engine_proxy_call(&u->engine, &m, 0, 0, stop_fd,
				      mono_add(until, ISOLATED_PATIENCE), &reply);

	if (err < 0 && err != -EINTR)
		isolated_engine_failed(u, err);
}

static struct host_mtus mtus(struct backend_site *s)
{
	const struct engine_mtus *m = &isolated_of(s)->engine.mtus;

	return (struct host_mtus){ .wg = m->wg, .sessions = m->sessions };
}

static int start(struct backend_site *s, uint32_t fwmark, struct error *ret_error)
{
	struct isolated_site *u = isolated_of(s);
	int err;

	if (!u->old.saved || u->old.process >= 0) /* otherwise it is as wg(8) may have set it */
		u->fwmark = fwmark;
	if (u->old.process >= 0)
		(void)udp_set_fwmark(&u->held.udp, u->fwmark);
	err = u->old.saved ? isolated_take_over(u, ret_error) : ask_start(u, ret_error);
	if (u->old.saved) {
		isolated_end_old(u);
		if (err < 0 && !u->failed)
			isolated_engine_failed(u, err);
		err = 0; /* if it has ended, another one is started */
	}
	if (err < 0 && u->failed)
		report_ended(u, err, "[Site] Isolation = no", ret_error);
	if (err < 0)
		return err;
	u->started = true;
	open_wgsock(u);
	return 0;
}

/* ---- reload ---- */

/* Second half of a reload. Return: the engine's code, with `ret_error` filled. */
static int settle(struct isolated_site *u, int code, struct error *ret_error)
{
	struct engine_message m = {
		.head = { .type = ENGINE_SETTLE, .code = code, .value = u->fwmark }
	};

	return isolated_engine_call(u, &m, 0, 0, ret_error);
}

static void revert(struct backend_site *s)
{
	struct isolated_site *u = isolated_of(s);
	struct error ignored;

	if (engine_proxy_expect(&u->engine, u->conf) < 0)
		isolated_engine_failed(u, -ENOMEM);
	keys_process_revert(&u->keys);
	(void)settle(u, -1, &ignored);
	u->next = NULL;
	held_ports_sweep(&u->held, u->conf);
}

/* Pass the configuration and the new TAPs on. */
static int ask_apply(
	struct isolated_site *u, struct conf_site *next, size_t first, struct error *ret_error)
{
	struct engine_message m = { .head = { .type = ENGINE_APPLY } };
	int *fds = held_ports_fds(&u->held, first);
	char *text = NULL;
	size_t len = 0;
	int err = fds ? isolated_conf_print(next, NULL, &text, &len) : -ENOMEM;

	if (!err)
		err = engine_proxy_expect(&u->engine, next);
	if (err < 0) {
		error_set(ret_error, err, "There is no memory for a reload.\n");
	} else {
		m.body = text;
		m.fds = fds;
		err = isolated_engine_call(u, &m, len, u->held.n - first, ret_error);
	}
	if (text)
		secret_wipe(text, len);
	free(text);
	free(fds);
	return err;
}

static int apply(struct backend_site *s, struct conf_site *next, struct error *ret_error)
{
	struct isolated_site *u = isolated_of(s);
	size_t first;
	int err = held_ports_open(&u->held, next, &first, ret_error);

	if (err < 0)
		return err;
	err = keys_process_apply(&u->keys, next);
	if (err < 0) {
		held_ports_sweep(&u->held, u->conf);
		return error_set(ret_error, err, "There is no memory for a reload.\n");
	}
	err = ask_apply(u, next, first, ret_error);
	if (err < 0) {
		keys_process_revert(&u->keys);
		held_ports_sweep(&u->held, u->conf);
		if (engine_proxy_expect(&u->engine, u->conf) < 0)
			isolated_engine_failed(u, -ENOMEM);
		return err;
	}
	u->next = next;
	return 0;
}

static int sweep(struct backend_site *s, uint32_t fwmark, struct error *ret_error)
{
	struct isolated_site *u = isolated_of(s);
	int err;

	u->fwmark = fwmark;
	isolated_engine_allow(u, 0);
	keys_process_commit(&u->keys, u->next);
	err = settle(u, 0, ret_error);
	u->conf = u->next;
	u->next = NULL;
	wg_changes_clear(&u->changes);
	held_ports_sweep(&u->held, u->conf);
	if (!u->failed)
		return err;
	return 0; /* the next engine starts with the new configuration */
}

/* ---- work and report ---- */

static struct mono deadline(struct backend_site *s)
{
	const struct isolated_site *u = isolated_of(s);

	return u->failed || u->capturing || u->events || u->engine.events
		       ? clock_mono()
		       : mono_earliest(mono_earliest(u->due, engine_proxy_deadline(&u->engine)),
				 mono_earliest(mono_earliest(u->keys.due, u->resolver.due),
					 u->guardians.due));
}

/* Let the engine send a capture whose client has its reply now. */
static void release_capture(struct isolated_site *u)
{
	struct engine_message m = { .head = { .type = ENGINE_CAPTURE } };
	struct error ignored;

	if (u->capturing)
		(void)isolated_engine_call(
			u, &m, 0, 0, &ignored); /* of no engine: the capture has ended */
	u->capturing = false;
}

static unsigned work(struct backend_site *s)
{
	struct isolated_site *u = isolated_of(s);
	unsigned events;

	if (u->failed) {
		isolated_engine_end(u);
		u->failed = false;
		schedule(u);
		*u->how = '\0';
	}
	isolated_engine_answer(u);
	if (mono_is_set(u->due) && mono_reached(u->due, clock_mono()))
		restart(u);
	release_capture(u);
	resolver_process_work(&u->resolver);
	keys_process_work(&u->keys);
	guardians_work(&u->guardians);
	events = u->events | u->engine.events;
	u->events = 0;
	u->engine.events = 0;
	return events;
}

static bool is_deleted(struct backend_site *s, const char *name)
{
	return held_ports_is_deleted(&isolated_of(s)->held, name);
}

static int make_again(struct backend_site *s, const char *name, struct error *ret_error)
{
	struct isolated_site *u = isolated_of(s);
	struct engine_message m = { .head = { .type = ENGINE_APPLY } };
	int fd;
	int err = held_ports_make_again(&u->held, name, &fd);

	if (err < 0)
		return userspace_site_again_error(name, err, ret_error);
	m.fds = &fd;
	err = isolated_engine_call(u, &m, 0, 1, ret_error);
	return u->failed ? 0 : err; /* the next engine starts with the new interface */
}

/* Copy those of the listed peers that the site has, as hooks run for them and an engine could make
 * others up. Return: their number, up to `max`; or -EBADMSG. */
static ssize_t copy_peers(const struct isolated_site *u, const struct engine_message *from,
	size_t max, struct backend_peer *ret)
{
	size_t len = from->head.len;
	size_t n = 0;

	if (from->head.type != ENGINE_TEXT || len % sizeof(*ret))
		return -EBADMSG;
	for (size_t at = 0; at < len && n < max; at += sizeof(*ret)) {
		struct backend_peer *peer = &ret[n];

		memcpy(peer, (const uint8_t *)from->body + at, sizeof(*peer));
		if (peer->endpoint.addr.family && peer->endpoint.addr.family != AF_INET &&
			peer->endpoint.addr.family != AF_INET6)
			return -EBADMSG;
		n += key_ring_has(&u->keys.now, peer->public_key);
	}
	return (ssize_t)n;
}

static int peers(struct backend_site *s, struct backend_peer **ret, size_t *ret_n)
{
	struct isolated_site *u = isolated_of(s);
	struct engine_message m = { .head = { .type = ENGINE_PEERS } };
	struct engine_message reply;
	struct backend_peer *v;
	ssize_t n;
	int err = isolated_engine_ask(u, &m, 0, 0, &reply);

	if (err < 0)
		return err;
	if (reply.head.type == ENGINE_TEXT && reply.head.code)
		return reply.head.code;
	v = calloc(u->keys.now.n + 1, sizeof(*v));
	if (!v)
		return -ENOMEM;
	n = copy_peers(u, &reply, u->keys.now.n, v);
	if (n < 0) {
		free(v);
		isolated_engine_failed(u, -EBADMSG);
		return -EBADMSG;
	}
	*ret = v;
	*ret_n = (size_t)n;
	return 0;
}

/* Longest parts of a report: all but peers and sessions, a session, and what there is of the peers,
 * compared with the longest reply to wg(8). */
#define REPORT_LEN	   ((size_t)256 << 10)
#define REPORT_SESSION_LEN ((size_t)8 << 10)
#define REPORT_PEERS	   8U

/* Longest report that this site's engine can give. The parser needs a hundred times as much
 * of the monitor's memory. */
static size_t report_max(const struct isolated_site *u)
{
	size_t of_wg = isolated_wg_reply_max(u);

	if (of_wg > CTL_REPLY_MAX)
		return CTL_REPLY_MAX;
	return REPORT_LEN + REPORT_SESSION_LEN * conf_session_count(u->conf) + REPORT_PEERS * of_wg;
}

/* Ask the engine for a part of its status: the first, or the peers after `after`. `left`: bytes
 * that may come. Return: 0 and a reply to release; or -errno. */
static int ask_report(
	struct isolated_site *u, const uint8_t *after, size_t *left, struct ctl_reply *ret)
{
	struct engine_message m = { .head = { .type = ENGINE_REPORT }, .body = after };
	struct engine_message answer;
	int err = isolated_engine_ask(u, &m, after ? KEY_LEN : 0, 0, &answer);

	if (!err &&
		(answer.head.type != ENGINE_TEXT || answer.head.code || answer.head.len > *left ||
			ctl_reply_parse((const char *)answer.body, answer.head.len, ret) < 0)) {
		isolated_engine_failed(u, -EBADMSG);
		err = -EBADMSG;
	}
	if (!err)
		*left -= answer.head.len;
	return err;
}

/* Add the engine's part. Return: 0 or -ENOMEM. */
static int report_engine_part(struct isolated_site *u, struct status_report *r)
{
	struct mono until = mono_add(clock_mono(), ISOLATED_PATIENCE);
	size_t left = report_max(u);
	uint8_t last[KEY_LEN];
	struct ctl_reply reply;
	size_t n = 0;
	int err;

	do {
		if (ask_report(u, n ? last : NULL, &left, &reply))
			return status_add_warning(r,
				"The engine's process has ended %u times. No traffic until it is "
				"started again.",
				u->n_ends + u->failed);
		n = reply.status.peers_len;
		if (n)
			memcpy(last, reply.status.peers[n - 1].public_key, sizeof(last));
		err = isolated_report_engine(&reply.status, r);
		ctl_reply_fini(&reply);
	} while (!err && n == ENGINE_REPORT_PEERS && mono_between(clock_mono(), until) > 0);
	if (!err && n == ENGINE_REPORT_PEERS)
		err = status_add_warning(r,
			"Only %zu peers are listed, as the engine's process reports them slowly. "
			"Is this host short of processor time?",
			r->peers_len);
	return err;
}

static int report(struct backend_site *s, struct status_report *r)
{
	struct isolated_site *u = isolated_of(s);
	const struct engine_proxy *e = &u->engine;
	const struct resolver_process *names = &u->resolver;
	const struct keys_process *keys = &u->keys;
	int err = report_engine_part(u, r);

	if (!err)
		err = isolated_report_process(r, "engine", e->pid, e->user.uid, e->measures);
	if (!err)
		err = isolated_report_process(r, "keys", keys->pid, keys->user.uid, keys->measures);
	if (!err)
		err = isolated_report_process(
			r, "resolver", names->pid, names->user.uid, names->measures);
	if (!err && u->n_ends && u->engine.pid)
		err = status_add_warning(r,
			"The engine's process has ended %u times and was started again. See the "
			"log.",
			u->n_ends);
	return err;
}

/* The engine gets the client's connection itself: what it could write there, its status could
 * contain, too, and a slow client delays no process. */
static int capture(struct backend_site *s, int fd, uint32_t snap, struct error *ret_error)
{
	struct isolated_site *u = isolated_of(s);
	struct engine_message m = { .head = { .type = ENGINE_CAPTURE, .value = snap }, .fds = &fd };
	int err = isolated_engine_call(u, &m, 0, 1, ret_error);

	close(fd);
	u->capturing |= !err;
	return err;
}

const struct backend backend_isolated = {
	.name = "userspace",
	.probe = userspace_site_probe,
	.open = open_site,
	.save = isolated_save,
	.adopt = adopt_site,
	.adopted = isolated_adopted,
	.outlive = isolated_outlive,
	.await_names = await_names,
	.mtus = mtus,
	.start = start,
	.apply = apply,
	.revert = revert,
	.sweep = sweep,
	.deadline = deadline,
	.work = work,
	.is_deleted = is_deleted,
	.make_again = make_again,
	.peers = peers,
	.report = report,
	.capture = capture,
	.close = close_site,
};
