/* SPDX-License-Identifier: MIT */
/* Keep the host as configured: follow its changes, restore them or report them.
 *
 * Theory of operation. Link, address, route and rule events that concern the site's interfaces mark
 * the host as changed. A tenth of a second later the guard compares the host with the configuration
 * (difference.h), and restores the differences that the ledger (ledger.h) allows. It logs each
 * difference and its remedy once. Our own changes cause events, too, so a comparison follows them.
 * The guard runs from host_guard_start(), after the hooks of PostUp, until host_guard_stop(),
 * before those of PreDown. The administrator wants the differences that PostUp has made: the guard
 * only reports them. A reload clears the ledger and restores the configuration as far as
 * possible.
 * The kernel sends no events about sysctls, and those about nftables and resolv.conf are not
 * followed: these settings (site_settings.h) are read every one and a half seconds, or more rarely
 * if there are so many that this takes long, and with each comparison.
 */
#pragma once

#include "base/error.h"
#include "base/must_check.h"
#include "host/difference.h"
#include "host/host.h"
#include "host/ledger.h"
#include "host/port_counts.h"
#include "loop/loop.h"
#include "netlink/exchange.h"

/** State of the guard of a site. Zero is stopped. */
struct host_guard {
	struct host *host;
	bool following; /* events are received */
	struct loop *loop;
	struct nl_socket events;
	struct loop_watch watch;
	struct ledger ledger;
	struct differences present; /* of the last comparison, each with its remedy */
	struct mono due;	    /* the next comparison, or MONO_NEVER */
	struct mono poll;	    /* when settings are read next */
	struct port_counts ports;   /* what the bridges drop */
};

/** Follow the host's changes from now on; `host`, `loop` and `interfaces` are borrowed. Without the
 * kernel's events the site works, but does not notice changes: a warning is logged. `interfaces`:
 * NULL if the engine's interfaces cannot be made again. */
void host_guard_start(struct host_guard *g, struct host *host, struct loop *loop,
	const struct host_interfaces *interfaces);

/** Follow no longer. A stopped guard is allowed. */
void host_guard_stop(struct host_guard *g);

/** When host_guard_work() must be called next, or MONO_NEVER. */
struct mono host_guard_deadline(const struct host_guard *g);

/** Compare and restore, if that is due. */
void host_guard_work(struct host_guard *g);

/** The engine has lost an interface. Return: whether it is restored or reported; false if the guard
 * is stopped or cannot make it again. */
MUST_CHECK bool host_guard_interface_lost(struct host_guard *g);

/** Before a reload: make the engine's interfaces again that were deleted, however often. */
void host_guard_make_again(struct host_guard *g);

/**
 * After a reload: compare and restore at once, with an empty ledger. A stopped guard does
 * nothing.
 * Return: 0; or -EEXIST with `ret_error` filled if the host still differs, except by members that
 * are waited for.
 */
MUST_CHECK int host_guard_settle(struct host_guard *g, struct error *ret_error);

/** The present differences, compared again if the host has changed since; what is done about each
 * is in its `remedy`. Empty if the guard is stopped. Borrowed until the next call of a function of
 * the guard. */
const struct differences *host_guard_look(struct host_guard *g);

#define GUARD_HINT_LEN 500 /* of a hint that may quote an error, with its NUL */

/** What to do about one of the guard's differences, or why it cannot be restored, as a sentence. */
const char *host_guard_hint(
	const struct host_guard *g, const struct difference *d, char ret[static GUARD_HINT_LEN]);
