/* SPDX-License-Identifier: MIT */
/* Follow the peers of a running site: log what happens to them, run hooks, report how many
 * are up. */
#include "daemon/peer_follow.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "conf/value.h"

#define INTERVAL NS_PER_S

/* Text of a number of a field. */
#define NUMBER_LEN 12

/** An event as text. */
struct line {
	char peer[CONF_PEER_NAME];
	char key[KEY_BASE64_LEN + 1];
	char at[ENDPOINT_TEXT_LEN];
	char before[ENDPOINT_TEXT_LEN];
	char mtu[NUMBER_LEN];
	char mtu_before[NUMBER_LEN];
};

static void write_texts(const struct conf_site *conf, const struct peer_event *e, struct line *ret)
{
	const struct backend_peer *peer = &e->peer->seen;

	peer_hooks_label(conf, peer->public_key, ret->peer);
	key_to_base64(peer->public_key, ret->key);
	endpoint_text(&peer->endpoint, ret->at);
	endpoint_text(&e->before, ret->before);
	snprintf(ret->mtu, NUMBER_LEN, "%u", e->peer->mtu);
	snprintf(ret->mtu_before, NUMBER_LEN, "%u", e->mtu_before);
}

/* Each kind of event has fields of its own; those of every event come first. */
static void on_event(void *ctx, const struct peer_event *e)
{
	const struct peer_follow_site *site = ctx;
	struct line l;
	struct log_field f[] = { { "WIRESPAN_SITE", site->conf->name }, { "WIRESPAN_PEER", l.peer },
		{ "WIRESPAN_PEER_KEY", l.key }, { "WIRESPAN_EVENT", "" },
		{ "WIRESPAN_ENDPOINT", l.at }, { "", "" } };

	write_texts(site->conf, e, &l);
	switch (e->change) {
	case PEER_CAME_UP:
		f[3].value = "peer-up";
		log_fields(LOG_LEVEL_INFO, f, 5, "peer %s is up, at %s", l.peer, l.at);
		return;
	case PEER_WENT_DOWN:
		f[3].value = "peer-down";
		log_fields(LOG_LEVEL_WARNING, f, 5,
			"peer %s is down: no answer for %llu seconds. `wirespan check %s` looks "
			"for "
			"the cause.",
			l.peer, (unsigned long long)(e->silent_ns / NS_PER_S), site->conf->name);
		return;
	case PEER_MOVED:
		f[3].value = "peer-moved";
		f[5] = (struct log_field){ "WIRESPAN_ENDPOINT_BEFORE", l.before };
		log_fields(LOG_LEVEL_INFO, f, 6, "peer %s has moved from %s to %s%s", l.peer,
			l.before, l.at, e->unreported ? ", and has moved often before" : "");
		return;
	case PEER_MTU_CHANGED:
		f[3].value = "peer-mtu";
		f[4] = (struct log_field){ "WIRESPAN_MTU", l.mtu };
		f[5] = (struct log_field){ "WIRESPAN_MTU_BEFORE", l.mtu_before };
		log_fields(LOG_LEVEL_INFO, f, 6,
			"the path to peer %s carries packets of %s bytes now, %s before", l.peer,
			l.mtu, l.mtu_before);
		return;
	}
}

void peer_follow_start(struct peer_follow *f)
{
	const char *silence = getenv("WIRESPAN_PEER_SILENCE");
	uint32_t seconds;

	if (silence && !conf_value_u32(silence, 1, 86400, &seconds))
		f->watch.silence = seconds * NS_PER_S;
	else if (silence)
		log_warning("WIRESPAN_PEER_SILENCE=%s is no number of seconds from 1 to 86400.",
			silence);
	f->due = clock_mono();
}

const char *peer_follow_status(const struct peer_follow *f)
{
	return *f->status ? f->status : "running";
}

struct mono peer_follow_deadline(const struct peer_follow *f)
{
	return mono_earliest(f->due, peer_hooks_deadline(&f->hooks));
}

static void look(struct peer_follow *f, const struct peer_follow_site *site)
{
	char status[PEER_FOLLOW_STATUS_LEN];
	struct backend_peer *peers;
	struct peer_follow_site ctx = *site;
	size_t n;

	if (site->backend->peers(site->site, &peers, &n) < 0)
		return;
	if (peer_watch_look(&f->watch, peers, n, clock_mono(), on_event, &ctx) < 0)
		log_error("There is no memory to follow the peers.");
	free(peers);
	snprintf(status, sizeof(status), "running, %zu of %zu peers up", f->watch.up, f->watch.n);
	if (!strcmp(status, f->status))
		return;
	memcpy(f->status, status, sizeof(status));
	notify_status(site->notify, status);
}

void peer_follow_work(struct peer_follow *f, const struct peer_follow_site *site)
{
	if (!mono_is_set(f->due))
		return;
	if (mono_reached(f->due, clock_mono())) {
		look(f, site);
		f->due = mono_add(clock_mono(), INTERVAL);
	}
	peer_hooks_work(&f->hooks, &f->watch, site->conf, site->host);
}

void peer_follow_child(struct peer_follow *f)
{
	peer_hooks_child(&f->hooks);
}

int peer_follow_save(const struct peer_follow *f, struct saved_state *state)
{
	if (mono_is_set(peer_hooks_deadline(&f->hooks)))
		return -EBUSY;
	peer_watch_save(&f->watch, state);
	return 0;
}

int peer_follow_restore(struct peer_follow *f, const struct saved_state *saved)
{
	return peer_watch_restore(&f->watch, saved, clock_mono());
}

void peer_follow_stop(struct peer_follow *f)
{
	f->due = MONO_NEVER;
	peer_hooks_stop(&f->hooks);
	peer_watch_fini(&f->watch);
}
