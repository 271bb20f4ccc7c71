/* SPDX-License-Identifier: MIT */
/* The processes of the hooks PeerUp and PeerDown. */
#include "daemon/peer_hooks.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/keytext.h"
#include "base/log.h"

#define VARIABLES    6
#define VARIABLE_LEN 128 /* holds a name and the longest value: a name of 63 letters, an endpoint */

const char *peer_hooks_label(const struct conf_site *conf, const uint8_t public_key[static KEY_LEN],
	char ret[static CONF_PEER_NAME])
{
	const struct conf_peer *c = conf_peer_find(conf, public_key);

	_Static_assert(CONF_PEER_NAME > KEY_BASE64_LEN, "a label can be a key");
	if (c && *c->name)
		memcpy(ret, c->name, sizeof(c->name));
	else
		key_to_base64(public_key, ret);
	return ret;
}

static const char *kind(bool up)
{
	return up ? "PeerUp" : "PeerDown";
}

/* Return: a free slot; or NULL if there is none, or a hook of the peer runs. */
static struct peer_hook *slot_for(struct peer_hooks *h, const struct watched_peer *p)
{
	struct peer_hook *free_slot = NULL;

	for (size_t i = 0; i < PEER_HOOKS_MAX; i++) {
		struct peer_hook *slot = &h->v[i];

		if (!slot->pid)
			free_slot = slot;
		else if (!memcmp(slot->public_key, p->seen.public_key, KEY_LEN))
			return NULL;
	}
	return free_slot;
}

/* Start the hooks for the peer's state. Everything that is not from the file is in variables of the
 * environment, where no shell expands it. */
static int start(struct peer_hook *slot, const struct watched_peer *p, const struct conf_site *conf,
	struct host *host, struct error *ret_error)
{
	char text[VARIABLES][VARIABLE_LEN];
	const char *env[VARIABLES];
	char key[KEY_BASE64_LEN + 1];
	char endpoint[ENDPOINT_TEXT_LEN] = "";

	key_to_base64(p->seen.public_key, key);
	if (p->seen.endpoint.addr.family)
		endpoint_text(&p->seen.endpoint, endpoint);
	snprintf(text[0], VARIABLE_LEN, "WIRESPAN_EVENT=%s", slot->up ? "peer-up" : "peer-down");
	snprintf(text[1], VARIABLE_LEN, "WIRESPAN_SITE=%s", conf->name);
	snprintf(text[2], VARIABLE_LEN, "WIRESPAN_INTERFACE=%s", conf->interface.name);
	snprintf(text[3], VARIABLE_LEN, "WIRESPAN_PEER=%s", slot->label);
	snprintf(text[4], VARIABLE_LEN, "WIRESPAN_PEER_KEY=%s", key);
	snprintf(text[5], VARIABLE_LEN, "WIRESPAN_ENDPOINT=%s", endpoint);
	for (size_t i = 0; i < VARIABLES; i++)
		env[i] = text[i];
	return host_peer_hook_start(host, slot->up, env, VARIABLES, &slot->pid, ret_error);
}

static void handle(struct peer_hooks *h, struct watched_peer *p, const struct conf_site *conf,
	struct host *host)
{
	bool up = p->state == PEER_UP;
	const struct conf_texts *hooks = up ? &conf->interface.peer_up : &conf->interface.peer_down;
	struct peer_hook *slot = hooks->n ? slot_for(h, p) : NULL;
	struct error e;

	if (hooks->n && !slot)
		return; /* later */
	p->handled = p->state;
	if (!slot)
		return;
	*slot = (struct peer_hook){ .up = up, .until = mono_add(clock_mono(), PEER_HOOKS_TIME) };
	memcpy(slot->public_key, p->seen.public_key, KEY_LEN);
	peer_hooks_label(conf, slot->public_key, slot->label);
	if (start(slot, p, conf, host, &e) < 0) {
		slot->pid = 0;
		log_error("%s %s", e.problem, e.hint);
	}
}

static void kill_late(struct peer_hook *slot)
{
	if (!slot->pid || slot->killed || !mono_reached(slot->until, clock_mono()))
		return;
	log_warning(
		"%s for %s has run for %llu seconds: it is killed. Let it start what takes long "
		"as a service.",
		kind(slot->up), slot->label, PEER_HOOKS_TIME / NS_PER_S);
	slot->killed = true;
	kill(-slot->pid, SIGKILL);
}

void peer_hooks_work(
	struct peer_hooks *h, struct peer_watch *w, const struct conf_site *conf, struct host *host)
{
	for (size_t i = 0; i < PEER_HOOKS_MAX; i++)
		kill_late(&h->v[i]);
	for (size_t i = 0; i < w->n; i++)
		if (w->v[i].handled != w->v[i].state)
			handle(h, &w->v[i], conf, host);
}

struct mono peer_hooks_deadline(const struct peer_hooks *h)
{
	struct mono due = MONO_NEVER;

	for (size_t i = 0; i < PEER_HOOKS_MAX; i++)
		if (h->v[i].pid && !h->v[i].killed)
			due = mono_earliest(due, h->v[i].until);
	return due;
}

void peer_hooks_child(struct peer_hooks *h)
{
	for (size_t i = 0; i < PEER_HOOKS_MAX; i++) {
		struct peer_hook *slot = &h->v[i];
		int status;

		if (!slot->pid || waitpid(slot->pid, &status, WNOHANG) != slot->pid)
			continue;
		if (!slot->killed && (!WIFEXITED(status) || WEXITSTATUS(status)))
			log_warning("%s for %s failed. See its output above.", kind(slot->up),
				slot->label);
		slot->pid = 0;
	}
}

void peer_hooks_stop(struct peer_hooks *h)
{
	for (size_t i = 0; i < PEER_HOOKS_MAX; i++) {
		pid_t pid = h->v[i].pid;

		if (!pid)
			continue;
		kill(-pid, SIGKILL);
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
		h->v[i].pid = 0;
	}
}
