/* SPDX-License-Identifier: MIT */
/* Iterate over the sessions of a configuration. */
#ifndef HOST_SESSION_WALK_H
#define HOST_SESSION_WALK_H

#include "conf/model.h"

/** Iterates over all sessions of a configuration in the order of the file; `i` counts them. */
struct host_session_walk {
	const struct conf_site *conf;
	size_t tunnel;
	size_t session;
	size_t i;
};

/** Return: the next session, or NULL. Afterwards `walk->i` is its index plus one. */
const struct conf_session *host_next_session(struct host_session_walk *walk);

/** Return: the session with that interface, or NULL. */
const struct conf_session *host_find_session(const struct conf_site *conf, const char *name);

#endif
