/* SPDX-License-Identifier: MIT */
/* An isolated engine continues in another process, with another program: an upgrade.
 *
 * Theory of operation. The monitor executes another program in its own process, so that all
 * descriptors, and its children, stay. The new program starts an engine of its own, which opens the
 * same TAPs and sockets, allocates its memory and confines itself, but does not read yet: the old
 * one carries packets all the time. When the new one is ready, the old one has to hand over. It
 * goes on until no packet is incomplete in its memory, stops to read, and replies with what only it
 * knows. The new engine then takes the stored sessions over and starts. Between these two moments
 * packets wait in the queues of the kernel.
 *
 * If the old engine cannot hand over (it has ended, or its program has another form of that
 * message), it is ended, and the new one continues as after a crash.
 */
#include "backend/isolated_upgrade.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "backend/engine_store.h"
#include "backend/isolated_conf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"
#include "confine/confine.h"
#include "host/orphan.h"

/* How long an engine may wait for a moment at which no packet is incomplete. */
#define QUIET_PATIENCE (2 * NS_PER_S)

/* How long it may take to hand over, beyond that. */
#define PATIENCE (5 * NS_PER_S)

/* How long the old resolver, and the old process with the keys, may take to end after the old
 * engine. */
#define END_PATIENCE_MS 300

/* ---- saving ---- */

static void save_guardian(struct saved_state *state, const char *key, int fd)
{
	saved_put_fd(state, key, fd ? fd : -1);
}

int isolated_save(struct backend_site *s, struct saved_state *state, struct error *ret_error)
{
	struct isolated_site *u = isolated_of(s);
	char *text = NULL;
	size_t len = 0;
	int err;

	if (u->failed || u->next || !u->started || !u->engine.pid)
		return error_set(ret_error, -EAGAIN,
			"The engine is just being started or reloaded\nTry again in a moment.");
	err = isolated_conf_print(u->conf, &u->keys.now, &text, &len);
	if (err < 0)
		return error_set(ret_error, err, "Cannot print the configuration:\n");
	saved_put(state, "conf", text, len);
	secret_wipe(text, len);
	free(text);
	saved_put_number(state, "engine-pid", (uint64_t)u->engine.pid);
	saved_put_fd(state, "channel", u->engine.channel.fd);
	saved_put_number(state, "engine-protocol", ENGINE_PROTOCOL);
	saved_put_number(state, "engine-seq", u->engine.seq);
	saved_put_number(state, "resolver-pid", (uint64_t)u->resolver.pid);
	saved_put_number(state, "keys-pid", (uint64_t)u->keys.pid);
	saved_put_fd(state, "keys-changes", u->keys.monitor);
	save_guardian(state, "engine-guardian", u->engine.guardian);
	save_guardian(state, "resolver-guardian", u->resolver.guardian);
	save_guardian(state, "keys-guardian", u->keys.guardian);
	saved_put_number(state, "keys-time", keys_process_time(&u->keys).sec + 1);
	saved_put_number(state, "ends", u->n_ends);
	saved_put_number(state, "fwmark", u->fwmark);
	saved_put_fd(state, "store", u->engine.store);
	held_ports_save(&u->held, state);
	wg_changes_save(&u->changes, &u->keys.now, state);
	return 0;
}

/* ---- adopting ---- */

/* Return: a copy of the connection to a guardian, or 0: it has none. */
static int copy_guardian(const struct saved_state *saved, const char *key)
{
	int fd = held_ports_copy(saved_fd(saved, key, 0));

	return fd < 0 ? 0 : fd;
}

/* Use what was saved of the old engine, its resolver and its process with the keys. */
static void adopt_old(struct isolated_site *u, const struct saved_state *saved)
{
	struct isolated_old *old = &u->old;
	int fd = held_ports_copy(saved_fd(saved, "channel", 0));

	old->channel = saved_fd(saved, "channel", 0);
	old->saved = true;
	old->resolver = (pid_t)saved_number(saved, "resolver-pid", INT_MAX, 0);
	old->keys = (pid_t)saved_number(saved, "keys-pid", INT_MAX, 0);
	old->keys_changes = saved_fd(saved, "keys-changes", 0);
	old->engine.pid = (pid_t)saved_number(saved, "engine-pid", INT_MAX, 0);
	old->engine.seq = (uint32_t)saved_number(saved, "engine-seq", UINT32_MAX, 0);
	old->engine.guardian = copy_guardian(saved, "engine-guardian");
	old->resolver_guardian = copy_guardian(saved, "resolver-guardian");
	old->keys_guardian = copy_guardian(saved, "keys-guardian");
	old->engine.store = -1;
	old->engine.leaves = true;
	if (saved_number(saved, "engine-protocol", UINT32_MAX, 0) == ENGINE_PROTOCOL)
		engine_channel_open(&old->engine.channel, fd, ENGINE_FROM_ENGINE);
	else if (fd >= 0)
		close(fd);
}

int isolated_adopt(
	struct isolated_site *u, const struct saved_state *saved, struct error *ret_error)
{
	int err = held_ports_adopt(&u->held, saved, ret_error);

	if (!err)
		err = wg_changes_restore(&u->changes, saved);
	if (!err)
		err = keys_process_take_changes(&u->keys, &u->changes);
	if (err < 0)
		return error_set(
			ret_error, err, "Cannot use what the running program has saved:\n");
	u->engine.store = held_ports_copy(saved_fd(saved, "store", 0));
	u->fwmark = (uint32_t)saved_number(saved, "fwmark", UINT32_MAX, u->fwmark);
	u->n_ends = (unsigned)saved_number(saved, "ends", UINT_MAX, 0);
	err = isolated_engine_start(u, true, ret_error);
	if (err < 0)
		return err;
	isolated_engine_repeat(u);
	if (u->failed)
		return error_set(ret_error, -EPIPE,
			"The new engine has ended before it could take over.\n"
			"Report this as a fault, with the log.");
	adopt_old(u, saved);
	return 0;
}

/* ---- taking over ---- */

/* Let the old engine stop. Return: 0 and its reply; or -errno. */
static int ask_old(struct isolated_site *u, struct engine_message *reply)
{
	struct mono until = mono_add(clock_mono(), QUIET_PATIENCE);
	struct engine_message m = { .head = { .type = ENGINE_HAND_OVER, .time = until.ns } };
	int err = -EPIPE;

	if (u->old.engine.channel.fd >= 0)
		err = engine_proxy_call(
			&u->old.engine, &m, 0, 0, -1, mono_add(until, PATIENCE), reply);
	if (!err && reply->head.type != ENGINE_TEXT)
		err = -EBADMSG;
	return err;
}

/* End the old engine. If it has handed over, it ends when its channel does, which the descriptor
 * that was passed on keeps open otherwise. */
static void end_old_engine(struct isolated_site *u)
{
	char how[ENGINE_ENDED_LEN];

	if (u->old.channel >= 0)
		(void)shutdown(u->old.channel, SHUT_RDWR);
	engine_proxy_end(&u->old.engine, how);
	if (u->old.process >= 0)
		(void)orphan_wait(u->old.process, END_PATIENCE_MS);
	u->old.process = -1;
}

/* End the old engine, which has not handed over. Return: whether it ends. */
static bool stop_old(struct isolated_site *u, int err)
{
	bool ends = true;

	log_warning("The engine of the program before does not hand over (%s): some frames may be "
		    "lost at the change.",
		strerror(-err));
	/* it cannot wipe the sessions if it ends at once, which needs CAP_KILL */
	if (u->old.engine.guardian)
		ends = guarded_kill(u->old.engine.guardian);
	else if (u->old.engine.pid)
		ends = kill(u->old.engine.pid, SIGKILL) == 0 || errno == ESRCH;
	if (u->old.process >= 0)
		ends = orphan_wait(u->old.process, 0);
	u->old.process = -1;
	end_old_engine(u);
	return ends;
}

/* Begin with an empty store, as a process that may go on would use the same counters. Return:
 * -EBUSY, so that the engine is started again with it. */
static int leave_sessions(struct isolated_site *u, struct error *ret_error)
{
	log_warning("The engine before cannot be ended, which needs CAP_KILL: sessions begin with "
		    "new handshakes. End its process by hand.");
	if (u->engine.store >= 0)
		close(u->engine.store);
	u->engine.store = engine_store_make(u->conf->n_peers);
	return error_set(ret_error, -EBUSY, "The engine before cannot be ended\n");
}

/* End the old process with the keys, which ends when our socket to it does. */
static void end_old_keys(struct isolated_site *u)
{
	int status;

	if (u->old.keys_changes >= 0)
		(void)shutdown(u->old.keys_changes, SHUT_RDWR);
	if (u->old.keys)
		(void)process_wait(u->old.keys, u->old.keys_guardian, END_PATIENCE_MS, &status);
	u->old.keys = u->old.keys_guardian = 0;
}

int isolated_take_over(struct isolated_site *u, struct error *ret_error)
{
	struct engine_message reply = { 0 };
	int err = ask_old(u, &reply);
	bool ends = true;

	if (err < 0) {
		ends = stop_old(u, err);
		reply = (struct engine_message){ 0 };
	}
	u->changed_at = clock_mono();
	if (!ends)
		return leave_sessions(u, ret_error);
	return isolated_engine_continue(u, reply.body, reply.head.len, &u->fresh, ret_error);
}

void isolated_end_old(struct isolated_site *u)
{
	int status;

	log_info("the engine was replaced, within %llu us",
		(unsigned long long)(mono_between(u->changed_at, clock_mono()) / 1000));
	end_old_engine(u);
	end_old_keys(u);
	if (u->old.resolver)
		(void)process_wait(
			u->old.resolver, u->old.resolver_guardian, END_PATIENCE_MS, &status);
	u->old.resolver = u->old.resolver_guardian = 0;
	isolated_forget_old(u);
	isolated_engine_repeated(u);
}

const char *isolated_adopted(struct backend_site *s)
{
	return isolated_of(s)->fresh ? "It cannot use the sessions of that one, which had stored "
				       "them in another form: they begin with new handshakes"
				     : "";
}

/* The program that passed it on has another copy. */
static void forget_guardian(int *guardian)
{
	if (*guardian)
		close(*guardian);
	*guardian = 0;
}

void isolated_forget_old(struct isolated_site *u)
{
	engine_channel_close(&u->old.engine.channel);
	if (u->old.process >= 0)
		(void)orphan_wait(u->old.process, 0);
	u->old.process = -1;
	forget_guardian(&u->old.engine.guardian);
	forget_guardian(&u->old.resolver_guardian);
	forget_guardian(&u->old.keys_guardian);
	u->old.engine.pid = 0;
	u->old.resolver = 0;
	u->old.keys = 0;
	u->old.keys_changes = -1;
	u->old.channel = -1;
	u->old.saved = false;
}
