/* SPDX-License-Identifier: MIT */
/* The status of a running site: from its process, or from the kernel if it runs without one. */
#include "daemon/site_status.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "backend/select.h"
#include "ctl/client.h"
#include "host/observe.h"

_Static_assert(STATUS_PEER_NAME_LEN == CONF_PEER_NAME, "a report has room for each name");

void site_status_name_peers(const struct conf_site *conf, struct status_report *r)
{
	for (size_t i = 0; i < r->peers_len; i++) {
		struct status_peer *peer = &r->peers[i];
		const struct conf_peer *c = i < conf->n_peers ? &conf->peers[i] : NULL;

		/* they are in the file's order, but for peers of wg(8) and after a reload */
		if (!c || memcmp(c->public_key, peer->public_key, KEY_LEN) != 0)
			c = conf_peer_find(conf, peer->public_key);
		if (c)
			memcpy(peer->name, c->name, sizeof(peer->name));
	}
}

/* Whether the interface that carries the site does not exist. */
static bool is_stopped(const struct status_report *s, const char *wg)
{
	for (size_t i = 0; i < s->differences_len; i++)
		if (!strcmp(s->differences[i].kind, "absent") &&
			!strcmp(s->differences[i].name, wg))
			return true;
	return false;
}

/* Fill in the status of a site without a process. Return: 0 or -ENOMEM. */
static int observe(struct host *host, struct status_report *s)
{
	const struct conf_site *conf = host_observe_conf(host);
	int err = 0;

	snprintf(s->site, sizeof(s->site), "%s", conf->name);
	snprintf(s->version, sizeof(s->version), "%s", WIRESPAN_VERSION);
	snprintf(s->backend, sizeof(s->backend), "%s", backend_alone->name);
	snprintf(s->backend_reason, sizeof(s->backend_reason), "as it was brought up");
	s->uptime_ms = STATUS_ABSENT;
	if (backend_alone->needs_process(conf))
		err = status_add_warning(s,
			"Its process has ended, so nothing follows routes, host names and changes. "
			"`wirespan up %.40s` resumes it.",
			conf->name);
	if (err == 0)
		err = backend_alone->observe(conf, s);
	site_status_name_peers(conf, s);
	if (err == 0)
		err = host_observe_report(host, s);
	s->stopped = is_stopped(s, conf->interface.name);
	return err;
}

int site_status(const char *name, const char *path, unsigned timeout_ms, struct ctl_reply *ret)
{
	const struct ctl_request request = { .verb = CTL_STATUS };
	int err = ctl_client_ask(path, &request, timeout_ms, ret);
	struct host *host;

	if ((err != -ENOENT && err != -ECONNREFUSED) || host_observe(name, &host) < 0)
		return err;
	*ret = (struct ctl_reply){ .ok = true, .has_status = true };
	err = observe(host, &ret->status);
	host_observe_close(host);
	if (err < 0)
		ctl_reply_fini(ret);
	return err;
}
