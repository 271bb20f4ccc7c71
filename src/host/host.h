/* SPDX-License-Identifier: MIT */
/* What surrounds the engine on the machine: addresses, routes, bridges, hooks; made and undone.
 *
 * Theory of operation. The engine owns the interfaces wg0 and l2tpethN: they exist while it holds
 * their descriptors, and their addresses and routes vanish with them. All else that a site changes
 * (bridges, members, policy rules, sysctls, DNS, hooks) is first written to a journal, the file
 * NAME.state, and then done. Undoing walks the journal backwards, in the running daemon as well as
 * in `wirespan down` after a crash, and touches only what still is what was made: a bridge by its
 * alias "wirespan NAME", a member only while it is in our bridge. A lock on NAME.lock, held as long
 * as a struct host lives, keeps it to one daemon a NAME. Both files are in /run/wirespan, or in the
 * folder that the environment's WIRESPAN_RUNDIR names.
 *
 * The order, and who acts:
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
 * leaves the machine as it was.
 */
#ifndef HOST_HOST_H
#define HOST_HOST_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

struct conf_site;
struct host;

/** The MTUs of the engine's interfaces in bytes, as computed or configured. `sessions` has one for
 * each session of each tunnel, in the order of the file; 0 leaves that interface's MTU alone. */
struct host_mtus {
	uint32_t wg;
	const uint32_t *sessions;
};

/** Told of every change to the machine just before it is made: `what` as a person would type it.
 * A negative result stops the work with that error, and what was done is undone. */
struct host_watch {
	int (*step)(void *ctx, const char *what);
	void *ctx;
};

/** Hooks that need running traffic, so that they run beside the engine's loop. */
enum host_hook {
	HOST_HOOK_POST_UP = 0,
	HOST_HOOK_PRE_DOWN,
};

/**
 * Claim the name of a site on this machine: takes the lock, undoes what a crashed daemon left,
 * makes sure that no interface of the names to be made exists, runs PreUp.
 * `conf` is borrowed until host_close() or a successful host_reload(); `watch` may be NULL.
 * Return: 0, or -errno with `ret_error` filled (-EBUSY: already running) and nothing changed.
 */
int host_open(const struct conf_site *conf, const struct host_watch *watch, struct host **ret,
	struct error *ret_error);

/**
 * Set up everything around the engine's interfaces, which must exist and be down.
 * Return: 0, or -errno with `ret_error` filled; what was done is undone then.
 */
int host_up(struct host *host, const struct host_mtus *mtus, struct error *ret_error);

/** The firewall mark that the engine's sockets must carry: FwMark, or the one chosen for a default
 * route through the tunnel; 0 for none. Known after host_up(). */
uint32_t host_fwmark(const struct host *host);

/**
 * Start the hooks of one kind, one after the other, in a child process that ends with 0 if all
 * succeeded. Wait for the process `ret_pid` (0: there are no hooks) and give its wait status to
 * host_hook_end().
 * Return: 0, or -errno with `ret_error` filled.
 */
int host_hook_start(
	struct host *host, enum host_hook hook, pid_t *ret_pid, struct error *ret_error);

/** Judge the wait status of a hook process. Return: 0, or -ECANCELED with `ret_error` filled. */
int host_hook_end(struct host *host, enum host_hook hook, int wait_status, struct error *ret_error);

/** New MTUs for the running site's interfaces. Return: 0, or -errno with `ret_error` filled. */
int host_set_mtus(struct host *host, const struct host_mtus *mtus, struct error *ret_error);

/**
 * Apply a new configuration as a difference: addresses, routes and bridge ports that both have are
 * not touched. New interfaces of the engine must exist already, and those no longer wanted still
 * exist. Hooks do not run.
 * Return: 0, and `conf` is borrowed from now on; or -errno with `ret_error` filled: then the parts
 * changed so far stay, the old `conf` stays borrowed, and another reload converges.
 */
int host_reload(struct host *host, const struct conf_site *conf, const struct host_mtus *mtus,
	struct error *ret_error);

/** The configuration borrowed has moved: `conf` says the same and is borrowed from now on. */
void host_conf_moved(struct host *host, const struct conf_site *conf);

/** Undo what host_up() and host_reload() made, except PostDown. Failures are logged: the rest is
 * undone all the same. */
void host_down(struct host *host);

/** Finish: host_down() if that was not done, PostDown, remove the journal, release the lock, free.
 * NULL is fine. */
void host_close(struct host *host);

/**
 * Undo what a daemon that no longer runs left behind, from its journal alone.
 * Return: 0, also if there was nothing (`ret_found` says); -EBUSY if it is running; or -errno, with
 * `ret_error` filled.
 */
int host_undo(const char *name, bool *ret_found, struct error *ret_error);

/** The process that runs the site `name`. Return: its pid, 0 if it does not run, or -errno. */
pid_t host_running(const char *name);

/** Wait until no daemon runs the site. Return: 0, or -ETIMEDOUT after `timeout_ms`. */
int host_wait_stopped(const char *name, unsigned timeout_ms);

#endif
