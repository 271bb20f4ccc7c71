/* SPDX-License-Identifier: MIT */
/* Iterate over the sessions of a configuration. */
#include "host/session_walk.h"

#include <string.h>

const struct conf_session *host_next_session(struct host_session_walk *walk)
{
	while (walk->tunnel < walk->conf->n_tunnels) {
		const struct conf_tunnel *t = &walk->conf->tunnels[walk->tunnel];

		if (walk->session < t->n_sessions) {
			walk->i++;
			return &t->sessions[walk->session++];
		}
		walk->tunnel++;
		walk->session = 0;
	}
	return NULL;
}

const struct conf_session *host_find_session(const struct conf_site *conf, const char *name)
{
	struct host_session_walk walk = { .conf = conf };
	const struct conf_session *session;

	while ((session = host_next_session(&walk)))
		if (!strcmp(session->name, name))
			return session;
	return NULL;
}
