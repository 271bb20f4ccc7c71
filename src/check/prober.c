/* SPDX-License-Identifier: MIT */
/* Shared by all probes: the facts they fill, waiting, sequence numbers of echo requests, the site's
 * report. */
#include "check/prober.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/random.h"
#include "judge/inside.h"

#define STATUS_MS    2000
#define FAST_BYTE_NS 4000   /* 2 Mbit/s: probes do not fill that */
#define SLOW_BYTE_NS 125000 /* 64 kbit/s: on a slower path a check would not end in time */
#define LARGE	     1600   /* bytes of a large packet with all headers */
#define LITTLE_NS    (100 * NS_PER_MS) /* all time limits allow for that */
#define OVERHEAD     100	       /* headers around a frame of a session, at most */

int prober_open(struct prober *p, struct observations *facts, const struct check_options *options)
{
	struct rng rng = random_system();
	int err;

	*p = (struct prober){
		.facts = facts, .options = options, .loop = { .epoll_fd = -1 }, .end = options->end
	};
	rng_fill(&rng, &p->mark.id, sizeof(p->mark.id));
	rng_fill(&rng, p->mark.nonce, sizeof(p->mark.nonce));
	p->sent = calloc(PROBER_NUMBERS, sizeof(*p->sent));
	p->out = malloc(WIRE_FRAME_MAX);
	p->in = malloc(WIRE_FRAME_MAX);
	if (!p->sent || !p->out || !p->in)
		return -ENOMEM;
	err = loop_open(&p->loop);
	return err ? err : nl_socket_open(&p->nl);
}

void prober_close(struct prober *p)
{
	nl_socket_close(&p->nl);
	if (p->loop.epoll_fd >= 0)
		loop_close(&p->loop);
	free(p->sent);
	free(p->out);
	free(p->in);
}

int prober_watch(struct prober *p, struct loop_watch *w, int fd, loop_callback *callback, void *ctx)
{
	return fd < 0 ? fd : loop_watch_input(&p->loop, w, fd, callback, ctx);
}

void prober_unwatch(struct prober *p, struct loop_watch *w)
{
	if (w->fd < 0)
		return;
	loop_remove(&p->loop, w);
	close(w->fd);
	w->fd = -1;
}

uint16_t prober_number(struct prober *p)
{
	p->sent[p->seq] = clock_mono();
	return p->seq++;
}

uint64_t prober_round_trip(const struct prober *p, uint16_t seq)
{
	return mono_between(p->sent[seq], clock_mono()) / NS_PER_US;
}

void prober_note_path(struct prober *p, size_t len, uint64_t us)
{
	uint64_t ns = us * NS_PER_US / len;

	if (ns < FAST_BYTE_NS)
		return;
	ns = ns > SLOW_BYTE_NS ? SLOW_BYTE_NS : ns;
	p->byte_ns = ns > p->byte_ns ? ns : p->byte_ns;
}

void prober_note_round_trip(struct prober *p, uint64_t us)
{
	uint64_t ns = us * NS_PER_US < NS_PER_S ? us * NS_PER_US : NS_PER_S;

	p->rtt_ns = ns > p->rtt_ns ? ns : p->rtt_ns;
}

void prober_pace(struct prober *p, struct mono *free, size_t len, bool numbered)
{
	struct mono now = clock_mono();

	if (!p->byte_ns)
		return;
	if (mono_is_set(*free) && !mono_reached(*free, now)) {
		prober_wait(p, (unsigned)(mono_between(now, *free) / NS_PER_MS) + 1, NULL, NULL);
		now = clock_mono();
		if (numbered)
			p->sent[(uint16_t)(p->seq - 1)] = now;
	}
	*free = mono_add(now, p->byte_ns * (len + OVERHEAD));
}

void prober_wait(struct prober *p, unsigned ms, prober_done_fn *done, const void *ctx)
{
	uint64_t more = p->rtt_ns + 4 * LARGE * p->byte_ns;
	struct mono end;

	if (!done || more < LITTLE_NS)
		more = 0;
	end = mono_earliest(mono_add(clock_mono(), ms * NS_PER_MS + more), p->end);

	while (!(done && done(ctx)) && !mono_reached(end, clock_mono()))
		if (loop_run_once(&p->loop, end) < 0)
			return;
}

bool prober_is_late(const struct prober *p)
{
	bool late = mono_reached(p->end, clock_mono());

	p->facts->out_of_time |= late;
	return late;
}

void prober_turn(struct prober *p)
{
	(void)loop_run_once(&p->loop, mono_add(clock_mono(), NS_PER_MS));
}

void prober_poll(struct prober *p)
{
	(void)loop_run_once(&p->loop, clock_mono());
}

int prober_status(const struct prober *p, struct status_report *ret)
{
	struct ctl_reply reply;
	int err = p->options->status(p->options->ctx, STATUS_MS, &reply);

	if (err)
		return err;
	if (reply.ok && reply.has_status) {
		*ret = reply.status;
		memset(&reply.status, 0, sizeof(reply.status));
		inside_fill(p->facts, ret);
	} else {
		err = -EBADMSG;
	}
	ctl_reply_fini(&reply);
	return err;
}
