/* SPDX-License-Identifier: MIT */
/* The state of a running site, private to host.c, hooks.c, claim.c and reload.c. */
#pragma once

#include "conf/model.h"
#include "host/host.h"
#include "host/host_lock.h"
#include "host/netdev.h"
#include "host/route_plan.h"
#include "host/wanted.h"

/** A site on this host, between host_open() and host_close(). */
struct host {
	struct netdev netdev;
	struct lockfile lock;
	bool stored; /* there is a file with the configuration that it runs with */
	const struct conf_site *conf;
	struct route_plan plan; /* the installed routes */
	uint32_t mark;
	bool mark_chosen; /* chosen by us, not set in the file */
	struct known known;
	struct conf_site *resumed; /* the configuration of a resumed site; NULL: none */
	bool resuming;		   /* the site was resumed */
	bool forgets; /* host_close() forgets the engine: until it has ended, it may be an orphan */
	host_make_fn *make; /* makes the interfaces of the sessions; may be NULL */
	void *make_ctx;
	const struct host_interfaces *interfaces; /* borrowed; NULL: they cannot be made again */
};

/** Store the mark in use, and whether we have chosen it because the file sets none. */
void host_set_mark(struct host *host, const struct conf_site *conf, uint32_t mark);

/** Replace the journal's entries of JOURNAL_PRE_DOWN, undone first, or JOURNAL_POST_DOWN, undone
 * last, by the configuration's hooks with %i expanded. Return: 0 or -errno, error filled, and the
 * old entries stay. */
int host_note_hooks(struct host *host, enum journal_kind kind);

/** Configure the WireGuard interface: addresses, MTU (0: unchanged), up. Return: 0 with its
 * description, or -errno, error filled. */
int host_set_wg(struct host *host, uint32_t mtu, struct link_info *ret);

/** Configure one of the engine's Ethernet interfaces as `session` of `conf`: MTU (0: unchanged),
 * bridge, up. Return: 0 or -errno, error filled. */
int host_set_session(struct host *host, const struct conf_site *conf,
	const struct conf_session *session, uint32_t mtu);

/** The firewall mark of a resumed site's default route: its rule's, in the journal. */
uint32_t host_resumed_mark(const struct host *host);

/** Run PreUp. Return: 0 or -errno, error filled. */
int host_run_pre_up(struct host *host);

/** Free a site whose changes were undone, and release its lock. */
void host_free(struct host *host);
