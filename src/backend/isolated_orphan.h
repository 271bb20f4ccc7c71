/* SPDX-License-Identifier: MIT */
/* An engine whose monitor was killed goes on alone, and the next monitor adopts it. */
#pragma once

#include "backend/isolated_engine.h"

/** As `outlive` of struct backend. */
void isolated_outlive(struct backend_site *s, bool on);

/** Let the present engine outlive the monitor, if isolated_outlive() was called. */
void isolated_note_engine(struct isolated_site *u);

/**
 * Open the site with the descriptors of its orphan (host/orphan.h), and start another engine, which
 * waits while the orphan carries packets. isolated_take_over() follows.
 * Return: 0; or -errno with `ret_error` filled, and the orphan is to be ended.
 */
MUST_CHECK int isolated_adopt_orphan(struct isolated_site *u, struct error *ret_error);

/** What an orphan has passed on, which is checked, as an attacker may have had control of it. */
struct lent {
	const int *fds; /* `n` of them; all are closed or held afterwards */
	size_t n;
};

/**
 * Hold the descriptors that are of the site `conf`: its TUN and TAPs, and sockets of its port, all
 * in this network namespace, and a store of sessions (`ret_store`; -1: none). Others are closed.
 * Return: 0; or -EPROTO with `ret_error` filled if one is of no such kind.
 */
MUST_CHECK int isolated_hold_lent(struct held_ports *h, const struct conf_site *conf,
	const struct lent *lent, int *ret_store, struct error *ret_error);
