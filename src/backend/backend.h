/* SPDX-License-Identifier: MIT */
/* What a site asks of the back end that carries it, whatever the back end is made of. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/mono.h"
#include "conf/model.h"
#include "ctlproto/saved_state.h"
#include "ctlproto/status.h"
#include "host/host.h"
#include "loop/loop.h"

/*
 * Theory of operation
 *
 * A back end makes the interfaces of a site (the WireGuard interface and one for each session) and
 * carries packets between them and the peers. host/ configures everything around the interfaces;
 * daemon/ calls both, in this order:
 *
 *   probe()           whether this host has what the back end needs
 *   host_open()       undoes what a crash has left; or resumes the site, if `resumes`
 *   open()            the interfaces exist, still down; keys, peers and sessions are applied
 *   await_names()     only before routes that may cover the name servers
 *   host_up()         with the MTUs of mtus()
 *   start()           packets flow
 *   deadline(), work()  around each wait of the event loop
 *   is_deleted(), make_again()  if another process has deleted an interface
 *   apply(), host_reload(), then sweep() or revert()   for each reload
 *   host_down()
 *   close()           the interfaces are gone
 *
 * Nothing here names descriptors, sockets, threads or an engine: a back end may leave all that to
 * the kernel, need no event loop, and have no deadline.
 *
 * Keys have one owner. open() and apply() take them over: they wipe the private key and the
 * preshared keys in the configuration that they are given, or sweep() does so.
 *
 * The objects of a back end may outlive its process. Then it journals each with host_netdev()
 * before it makes it, host_down() deletes them by the journal, and close() only forgets them. It
 * makes the interfaces of the sessions when host_up() and host_reload() call for them
 * (host_make_sessions_by()), since the kernel's tunnels need the addresses of the WireGuard
 * interface.
 */

/** What work() reports to the daemon; a set of these. The back end has logged the causes. */
enum backend_event {
	BACKEND_MTUS_CHANGED = 1 << 0,	 /* set the MTUs of the interfaces: see mtus() */
	BACKEND_INTERFACE_LOST = 1 << 1, /* another process deleted one: see make_again() */
	BACKEND_END_REQUESTED = 1 << 2,	 /* wg(8) or its like has asked for the site's end */
};

/** The age of a handshake that has never been completed. */
#define BACKEND_PEER_NEVER UINT64_MAX

/** A peer as it is now: what both back ends know at little cost. */
struct backend_peer {
	uint8_t public_key[KEY_LEN];
	struct endpoint endpoint;  /* family 0: none yet */
	uint64_t handshake_age_ms; /* or BACKEND_PEER_NEVER */
	uint64_t rx_bytes;	   /* as in struct status_peer */
	uint64_t tx_bytes;
	uint32_t mtu; /* bytes of the largest packet on the path; 0: being searched */
};

/** One site as its back end carries it. Each back end embeds this in its own struct. */
struct backend_site {
	const struct backend *backend;
};

/** A back end. No function may be NULL, except those of `resumes`, capture(), save(), adopt(),
 * adopted() and outlive(), and is_deleted() and make_again(): without them, the site ends if
 * another process deletes one of its interfaces. */
struct backend {
	const char *name; /* as in `Backend = name` and in the status */

	/* The site runs on if its process is killed, and the next `up` resumes it. */
	bool resumes;

	/* The keys are in the WireGuard interface alone: make_again() of it needs them in the
	 * configuration again, and takes them over. */
	bool forgets_keys;

	/** With `resumes`: whether a running site of this configuration needs a process, because
	 * something has to be followed. Else NULL. */
	bool (*needs_process)(const struct conf_site *conf);

	/** With `resumes`: as report(), for a site that runs without a process with the
	 * configuration `conf`. Else NULL. Return: 0 or -ENOMEM. */
	int (*observe)(const struct conf_site *conf, struct status_report *r);

	/** Whether this host has what the back end needs, and the back end can do all that `conf`
	 * asks for. Changes nothing. Return: 0, or -errno with `ret_error` filled. */
	int (*probe)(const struct conf_site *conf, struct error *ret_error);

	/**
	 * Make the interfaces of `conf`, down, and apply its keys, peers, tunnels and sessions.
	 * `conf` is borrowed, its keys are taken over. `loop` and `host` outlive the site; the back
	 * end adds what it has to watch. The site may be of another back end: `(*ret)->backend`.
	 * Return: 0, or -errno with `ret_error` filled and nothing left behind except what the
	 * journal of `host` has.
	 */
	int (*open)(struct loop *loop, struct host *host, struct conf_site *conf,
		struct backend_site **ret, struct error *ret_error);

	/**
	 * Write what another program needs to carry the site on in this process: an upgrade. Keys
	 * are in it. NULL: the site cannot be upgraded while it runs.
	 * Return: 0, or -errno with `ret_error` filled.
	 */
	int (*save)(struct backend_site *s, struct saved_state *state, struct error *ret_error);

	/**
	 * As open(), with what save() has written. The descriptors in it stay the caller's. The
	 * engine that was saved carries packets until start(). `host` NULL: try whether that is
	 * possible, and change nothing; close() has to follow.
	 */
	int (*adopt)(struct loop *loop, struct host *host, struct conf_site *conf,
		const struct saved_state *saved, struct backend_site **ret,
		struct error *ret_error);

	/** After start() of a site that was adopted: a sentence for the user about the change, or
	 * "". Borrowed. May be NULL. */
	const char *(*adopted)(struct backend_site *s);

	/**
	 * Whether packets go on for a while if this process is killed, so that the next `up` adopts
	 * what carries them: open() with a `host` that is resumed (HOST_ADOPT). If that fails, it
	 * leaves the keys to another open(). Call it with true when the site is ready, and with
	 * false before it goes down. May be NULL: they end with the process, or `resumes`.
	 */
	void (*outlive)(struct backend_site *s, bool on);

	/** Wait until the host names of all peers have been resolved, at most until `until` or
	 * until `stop_fd` becomes readable. */
	void (*await_names)(struct backend_site *s, struct mono until, int stop_fd);

	/** The MTUs that the interfaces must have now. Borrowed until the next call that changes
	 * `s`. */
	struct host_mtus (*mtus)(struct backend_site *s);

	/**
	 * Let packets flow: open the UDP port of the configuration, mark what is sent with
	 * `fwmark` (0: none), begin to follow routes and names.
	 * Return: 0, or -errno with `ret_error` filled; then only close() is allowed.
	 */
	int (*start)(struct backend_site *s, uint32_t fwmark, struct error *ret_error);

	/**
	 * First half of a reload: make and apply what is new in `next`; what it no longer contains
	 * stays, so that the host can be reconfigured first. mtus() is according to `next`
	 * afterwards. The keys of `next` are taken over. Unchanged parts keep running.
	 * Return: 0, and revert() or sweep() must follow; or -errno with `ret_error` filled, and
	 * the site is as it was.
	 */
	int (*apply)(struct backend_site *s, struct conf_site *next, struct error *ret_error);

	/** Return to the state before apply(), with changes that wg(8) had made until then. */
	void (*revert)(struct backend_site *s);

	/**
	 * Second half of a reload: `next` of apply() is borrowed instead of the old configuration,
	 * and what it does not contain is removed. Change to its port and to `fwmark`. mtus() may
	 * differ from what it was after apply().
	 * Return: 0; or -errno with `ret_error` filled: the reload is done, except that the port
	 * stays as it was, which is tried again.
	 */
	int (*sweep)(struct backend_site *s, uint32_t fwmark, struct error *ret_error);

	/** When work() must be called next, or MONO_NEVER. */
	struct mono (*deadline)(struct backend_site *s);

	/** Do what is due; call it after each wait of the event loop, from a shallow stack: it
	 * wipes traces of secrets below. Return: the events since the last call, a set of enum
	 * backend_event. */
	unsigned (*work)(struct backend_site *s);

	/** Whether another process has deleted this interface of the site. */
	bool (*is_deleted)(struct backend_site *s, const char *name);

	/** Make a deleted interface again, down. Peers keep their sessions and keys, unless the
	 * back end `forgets_keys`. Return: 0, or -errno with `ret_error` filled. */
	int (*make_again)(struct backend_site *s, const char *name, struct error *ret_error);

	/** List the peers, for the daemon to follow them: it asks once a second. `ret` is to be
	 * freed. Return: 0, or -errno if they are not known now; the back end has logged why if the
	 * user has to know. */
	int (*peers)(struct backend_site *s, struct backend_peer **ret, size_t *ret_n);

	/** Add to an empty report what the back end knows: the tunnel, its peers and sessions,
	 * MTUs, drops, counters. Return: 0 or -ENOMEM. */
	int (*report)(struct backend_site *s, struct status_report *r);

	/**
	 * Send a capture as pcapng to `fd`, a connected Unix socket, which is the back end's
	 * afterwards, on failure, too; not before the next work(). The capture ends with the site,
	 * or when the other side shuts down or closes its end. `snap`: bytes captured of a packet
	 * at most. NULL: this back end cannot. Return: 0, or -errno with `ret_error` filled.
	 */
	int (*capture)(struct backend_site *s, int fd, uint32_t snap, struct error *ret_error);

	/** End: no packet flows, the interfaces are deleted, secrets are wiped. */
	void (*close)(struct backend_site *s);
};
