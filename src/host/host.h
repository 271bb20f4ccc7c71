/* SPDX-License-Identifier: MIT */
/* Configure the host around the engine, and undo it: addresses, routes, bridges, hooks.
 *
 * Theory of operation. The engine owns the interfaces wg0 and l2tpethN: they exist while it holds
 * their descriptors, and the kernel deletes their addresses and routes with them. Every other
 * change of a site (bridges, members, policy rules, sysctls, DNS, hooks) is first written to a
 * journal, the file NAME.state, and then made. Undo walks the journal backwards, in the running
 * daemon as well as in `wirespan down` after a crash. It touches only objects that still are the
 * site's own: a bridge that has our alias "wirespan NAME", a member only while it is in our bridge.
 * A lock on NAME.lock, held as long as a struct host exists, allows one daemon per NAME. Both files
 * are in /run/wirespan, or in the folder in the environment variable WIRESPAN_RUNDIR.
 *
 * The order of calls, and who acts:
 *   host_open()            lock, undo what a crash left, PreUp
 *   engine                 open wg0 (TUN) and every l2tpethN (TAP), all still down
 *   host_up()              addresses, MTUs, up, DNS, routes, bridges
 *   engine                 SO_MARK from host_fwmark(); packets flow
 *   host_hook_start(POST_UP), wait for the process in the loop, host_hook_end(); site is ready
 *   …
 *   host_hook_start(PRE_DOWN), wait, host_hook_end()
 *   host_down()            bridges and the rest undone; the engine's interfaces are still there
 *   engine                 close every TUN and TAP
 *   host_close()           PostDown, journal removed, lock released
 * After a failure of host_up(): engine closes its descriptors, then host_close(). A failed `up`
 * leaves the host unchanged.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/must_check.h"

struct conf_site;
struct host;
struct netdev;

/** The MTUs of the engine's interfaces in bytes, computed or configured. `sessions` has one entry
 * for each session of each tunnel, in the order of the file; 0 leaves that interface's MTU
 * unchanged. */
struct host_mtus {
	uint32_t wg;
	const uint32_t *sessions;
};

/** Called just before each change to the host; `what` is the change as a shell command. A negative
 * result stops the work with that error, and what was done is undone. */
struct host_watch {
	int (*step)(void *ctx, const char *what);
	void *ctx;
};

/** What host_open() does about a site whose process has ended without `down`. */
enum host_leftovers {
	HOST_UNDO = 0, /* undo its changes */
	HOST_RESUME,   /* keep them if it runs on without its process: kernel objects carry it */
	HOST_ADOPT,    /* keep them if its engine runs on: see orphan.h */
};

/**
 * Makes the interfaces of the sessions of `conf`, for a back end whose tunnels need the addresses
 * and routes of the WireGuard interface. Called by host_up() and host_reload() when those are set
 * up, before the bridges. Return: 0, or -errno with `ret_error` filled.
 */
typedef int host_make_fn(void *ctx, const struct conf_site *conf, struct error *ret_error);

/** How to make interfaces of the engine again that another process has deleted. */
struct host_interfaces {
	/** Whether another process has deleted this interface. */
	bool (*is_deleted)(void *ctx, const char *name);
	/** Make it again, down. Return: 0, or -errno with `ret_error` filled. */
	int (*make_again)(void *ctx, const char *name, struct error *ret_error);
	void *ctx;
};

/** Hooks that need running traffic, so they run while the engine's loop runs. */
enum host_hook {
	HOST_HOOK_POST_UP = 0,
	HOST_HOOK_PRE_DOWN,
};

/**
 * Claim the name of a site on this host: take the lock, undo what a crashed daemon left, check that
 * none of the interfaces to be created exists, run PreUp. With HOST_RESUME or HOST_ADOPT, a site
 * that runs on without its process is resumed instead: nothing is undone, and PreUp has run
 * already. An orphan that is not adopted is ended.
 * `conf` is borrowed until host_close() or a successful host_reload(); `watch` may be NULL.
 * Return: 0, or -errno with `ret_error` filled (-EBUSY: already running) and nothing changed.
 */
int host_open(const struct conf_site *conf, enum host_leftovers leftovers,
	const struct host_watch *watch, struct host **ret, struct error *ret_error);

/**
 * Continue in another program of the same process, after an upgrade: with the lock `lock_fd` of
 * host_lock_fd(), which stays the caller's, and the configuration `running` that the site runs
 * with, which is taken over; NULL: that of host_store_running(). As after a host_open() that
 * resumes a site, host_take_over() has to follow.
 * Return: 0, or -errno with `ret_error` filled, and nothing is undone.
 */
int host_adopt(const struct conf_site *conf, struct conf_site *running, int lock_fd,
	struct host **ret, struct error *ret_error);

/** The descriptor of the site's lock, which holds it as long as it is open. */
int host_lock_fd(const struct host *host);

/** Whether host_open() has resumed a site, or host_adopt() was called: PostUp has run, too. */
bool host_is_resumed(const struct host *host);

/** For a back end that makes kernel objects: its journal, log of changes and netlink socket. */
struct netdev *host_netdev(struct host *host);

/** Let `make` make the interfaces of the sessions; `ctx` is borrowed. */
void host_make_sessions_by(struct host *host, host_make_fn *make, void *ctx);

/** Make the interfaces of the sessions of `conf`, if the back end leaves that to us, and remember
 * which they are. Return: 0 or -errno, and the error of host_netdev() filled. */
int host_make_sessions(struct host *host, const struct conf_site *conf);

/**
 * Make what another program has removed from the run folder again: the lock and the journal.
 * Return: 1 if something was lost: then the caller calls host_store_running() again, and the back
 * end writes its note; 0 if nothing was; or -errno with `ret_error` filled.
 */
MUST_CHECK int host_keep_files(struct host *host, struct error *ret_error);

/**
 * Store that the site is up as configured, so that a later host_open() can resume it if this
 * process ends without `down`. Call it again after a reload. `conf`: as in use.
 * Return: 0, or -errno with `ret_error` filled: then it would be undone instead.
 */
int host_store_running(struct host *host, const struct conf_site *conf, struct error *ret_error);

/**
 * Configure the host around the interfaces of the back end, which must exist and be down, except
 * those of the sessions if host_make_sessions_by() was called.
 * Return: 0, or -errno with `ret_error` filled and all changes undone.
 */
int host_up(struct host *host, const struct host_mtus *mtus, struct error *ret_error);

/**
 * Instead of host_up(), for a resumed site: apply the difference between the configuration that it
 * runs with and the present one. The guard restores what others have changed meanwhile.
 * Return: 0, or -errno with `ret_error` filled; then host_down() undoes all.
 */
int host_take_over(struct host *host, const struct host_mtus *mtus, struct error *ret_error);

/** The firewall mark for the engine's sockets: FwMark, or the mark chosen for a default route
 * through the tunnel; 0 for none. Valid after host_up(). */
uint32_t host_fwmark(const struct host *host);

/**
 * Start the hooks of one kind, one after the other, in a child process that exits with 0 if all
 * succeed. Wait for the process `ret_pid` (0: there are no hooks) and pass its wait status to
 * host_hook_end().
 * Return: 0, or -errno with `ret_error` filled.
 */
int host_hook_start(
	struct host *host, enum host_hook hook, pid_t *ret_pid, struct error *ret_error);

/** Evaluate the wait status of a hook process. Return: 0, or -ECANCELED with `ret_error` filled. */
int host_hook_end(struct host *host, enum host_hook hook, int wait_status, struct error *ret_error);

/**
 * Start the hooks PeerUp or PeerDown, one after the other, in a process group `ret_pid` of their
 * own, with `n_env` variables "NAME=value". The host is not changed: it is the caller's to wait for
 * the process, or to end the group.
 * Return: 0, or -errno with `ret_error` filled.
 */
MUST_CHECK int host_peer_hook_start(struct host *host, bool up, const char *const env[],
	size_t n_env, pid_t *ret_pid, struct error *ret_error);

/** Set new MTUs on a running site's interfaces. Return: 0, or -errno with `ret_error` filled. */
int host_set_mtus(struct host *host, const struct host_mtus *mtus, struct error *ret_error);

/**
 * Apply a new configuration as a difference: addresses, routes and bridge ports that both have are
 * not touched. New interfaces of the engine must exist already, and removed ones must still exist.
 * Hooks do not run.
 * Return: 0, and `conf` is borrowed from now on; or -errno with `ret_error` filled: then changes
 * made so far stay, the old `conf` stays borrowed, and another reload converges.
 */
int host_reload(struct host *host, const struct conf_site *conf, const struct host_mtus *mtus,
	struct error *ret_error);

/** Undo everything that host_up() and host_reload() changed, except PostDown, and delete the
 * interfaces of the sessions. Failures are logged, the rest is undone nevertheless, and
 * host_close() tries again. */
void host_down(struct host *host);

/** Leave the site to the kernel's objects: undo nothing, release the lock, free. It can be resumed
 * after host_store_running(). */
void host_leave(struct host *host);

/** Finish: host_down() if not done yet, PostDown, remove the journal, release the lock, free. NULL
 * is allowed. Return: 0; or -errno if changes stay, which is logged, and the journal stays with
 * them for host_undo(). */
int host_close(struct host *host);

/** Return: whether the site has a journal or lock file: it runs, or has left something. */
bool host_has_files(const char *name);

/**
 * Undo what a daemon that no longer runs has left, from its journal alone.
 * Return: 0, also if there was nothing (see `ret_found`); -EBUSY if it is running; or -errno with
 * `ret_error` filled.
 */
int host_undo(const char *name, bool *ret_found, struct error *ret_error);

/** Return: the pid of the process that runs the site `name`, 0 if it does not run, or -errno. */
pid_t host_running(const char *name);

/** Wait until no daemon runs the site. Return: 0, or -ETIMEDOUT after `timeout_ms`. */
int host_wait_stopped(const char *name, unsigned timeout_ms);
