/* SPDX-License-Identifier: MIT */
/* The userspace engine with its descriptors, and the event loop's callbacks that drive it. */
#include "driver/driver.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"
#include "crypto/aead_speed.h"
#include "driver/batch.h"
#include "driver/driver_capture.h"
#include "driver/ports.h"
#include "driver/sockets.h"
#include "path/control.h"

/* Number of sources that the rate limiter tracks. */
#define LIMITER_SOURCES 8192

static struct engine_sizes engine_sizes_of(const struct driver_sizes *sizes)
{
	return (struct engine_sizes){
		.wg = {
			.peers = sizes->peers,
			.allowed_ips = sizes->allowed_ips,
			.sources = LIMITER_SOURCES,
		},
		.packet_max = sizes->packet_max,
	};
}

/* Log a measurement. An optional library that is absent is usual, one that is unusable is not. */
static void log_aead(const struct aead_speed *s)
{
	if (s->err && s->err != -ELIBACC)
		log_info("AEAD provider %s cannot be used: %s", s->name, strerror(-s->err));
	else if (s->err)
		log_debug("AEAD provider %s cannot be used: %s", s->name, strerror(-s->err));
	else
		log_debug("AEAD provider %s takes %" PRIu64 " ns for %u bytes, %" PRIu64
			  " ns for %u",
			s->name, s->small_ns, AEAD_SPEED_SMALL, s->full_ns, AEAD_SPEED_FULL);
}

/* The name of the AEAD provider to use: the fastest one that works. */
static const char *choose_aead(void)
{
	struct aead_speed speeds[AEAD_PROVIDERS_MAX];
	size_t count = aead_measure(clock_mono, speeds);

	for (size_t i = 0; i < count; i++)
		log_aead(&speeds[i]);
	return speeds[0].name;
}

/* ---- the driver ---- */

int driver_open(struct loop *loop, const struct driver_options *options,
	const struct driver_sizes *sizes, const struct driver_underlay *underlay,
	struct driver **ret)
{
	struct driver *d = calloc(1, sizeof(*d));
	struct engine_sizes es = engine_sizes_of(sizes);
	int err = -ENOMEM;

	if (!d)
		return -ENOMEM;
	d->loop = loop;
	d->options = *options;
	d->underlay = *underlay;
	d->tun = (struct driver_port){ .d = d, .path = &d->engine.tun, .tap = { .fd = -1 } };
	d->udp = d->retired = d->offered_udp = (struct udp){ .fd4 = -1, .fd6 = -1 };
	list_init(&d->offered);
	list_init(&d->peers);
	list_init(&d->tunnels);
	list_init(&d->sessions);
	d->memory_len = engine_memory(&es);
	d->memory = calloc(1, d->memory_len);
	d->frames = malloc(AHEAD_MEMORY);
	d->buffers = malloc((size_t)UDP_RECV_MAX * UDP_RECV_STRIDE);
	if (!d->memory || !d->frames || !d->buffers)
		goto fail;
	err = engine_init(&d->engine, &es, d->memory, random_system(),
		options->aead ? options->aead : choose_aead());
	if (err < 0)
		goto fail;
	ahead_init(&d->ahead, d->frames, d->engine.tx.key);
	trace_log_start(&d->trace_log, &d->engine);
	d->engine.tun.user = &d->tun;
	wg_device_set_up(&d->engine.wg, false);
	batch_begin(d);
	*ret = d;
	return 0;
fail:
	free(d->buffers);
	free(d->frames);
	free(d->memory);
	free(d);
	return err;
}

static void free_blocks(struct driver *d)
{
	while (d->blocks) {
		struct driver_block *block = d->blocks;

		d->blocks = block->next;
		secret_wipe(block->memory, block->len); /* contains decrypted packets */
		free(block);
	}
}

void driver_close(struct driver *d)
{
	if (!d)
		return;
	driver_capture_close(d);
	sockets_close(d);
	udp_close(&d->offered_udp);
	ports_close_offered(d);
	ports_unwatch(d, &d->tun);
	LIST_FOR_EACH_SAFE(l, next, &d->sessions)
	{
		struct driver_session *s = CONTAINER_OF(l, struct driver_session, link);

		ports_unwatch(d, &s->io);
		engine_remove_session(&d->engine, &s->path);
		free(s);
	}
	LIST_FOR_EACH_SAFE(l, next, &d->tunnels)
	free(CONTAINER_OF(l, struct driver_tunnel, link));
	LIST_FOR_EACH_SAFE(l, next, &d->peers)
	{
		struct driver_peer *p = CONTAINER_OF(l, struct driver_peer, link);

		d->underlay.forget_name(d->underlay.ctx, &p->path);
		engine_remove_peer(&d->engine, &p->path);
		free(p);
	}
	engine_fini(&d->engine);
	secret_wipe(d->memory, d->memory_len);
	if (d->grown)
		secret_wipe(d->grown, d->grown_len);
	free(d->grown);
	free_blocks(d);
	free(d->buffers);
	free(d->frames);
	free(d->memory);
	free(d);
}

/* Grow the pools that all peers share. */
static int grow_shared(struct driver *d, size_t peers)
{
	size_t len = engine_growth(&d->engine, peers);
	struct driver_block *block;

	if (!len)
		return 0;
	block = calloc(1, sizeof(*block) + len);
	if (!block)
		return -ENOMEM;
	block->len = len;
	block->next = d->blocks;
	d->blocks = block;
	engine_grow(&d->engine, peers, block->memory);
	return 0;
}

int driver_grow(struct driver *d, size_t peers, size_t allowed_ips)
{
	struct wg_sizes sizes = d->engine.wg.sizes;
	size_t len;
	void *memory;
	int err = grow_shared(d, peers);

	if (err < 0 || (peers <= sizes.peers && allowed_ips <= sizes.allowed_ips))
		return err;
	sizes.peers = size_max(sizes.peers, peers);
	sizes.allowed_ips = size_max(sizes.allowed_ips, allowed_ips);
	len = wg_device_memory(&sizes);
	memory = calloc(1, len);
	if (!memory)
		return -ENOMEM;
	err = wg_device_resize(&d->engine.wg, &sizes, memory);
	if (err < 0) {
		free(memory);
		return err;
	}
	if (d->grown) {
		secret_wipe(d->grown, d->grown_len);
		free(d->grown);
	}
	d->grown = memory;
	d->grown_len = len;
	return 0;
}

uint64_t driver_memory(const struct driver *d)
{
	uint64_t sum = d->memory_len + d->grown_len + sizeof(*d) + AHEAD_MEMORY +
		       (uint64_t)UDP_RECV_MAX * UDP_RECV_STRIDE;

	for (const struct driver_block *block = d->blocks; block; block = block->next)
		sum += block->len;
	return sum;
}

int driver_start(struct driver *d, uint16_t port, uint32_t fwmark)
{
	int err;

	d->wanted = true;
	err = ports_watch_all(d);
	if (!err)
		err = sockets_open(d, port, fwmark, &d->udp);
	if (!err)
		err = sockets_watch(d, &d->udp, &d->watches[d->watching]);
	if (err < 0) {
		sockets_close(d);
		return err;
	}
	d->fwmark = fwmark;
	d->running = true;
	d->underlay.sockets_changed(d->underlay.ctx);
	wg_device_set_up(&d->engine.wg, true);
	driver_work(d);
	return 0;
}

void driver_stop(struct driver *d)
{
	d->wanted = false;
	d->running = false;
	sockets_close(d);
	wg_device_set_up(&d->engine.wg, false);
	LIST_FOR_EACH(l, &d->peers)
	{
		struct path_peer *p = &CONTAINER_OF(l, struct driver_peer, link)->path;

		engine_drop_pending(&d->engine, p);
	}
}

int driver_rebind(struct driver *d, uint16_t port, uint32_t fwmark)
{
	int err = 0;

	if (!d->running && d->wanted)
		return driver_start(d, port, fwmark);
	if (!d->running) {
		d->udp.port = port;
		d->fwmark = fwmark;
		return 0;
	}
	if (port != d->udp.port)
		err = sockets_exchange(d, port, fwmark);
	else if (fwmark != d->fwmark)
		err = sockets_mark(d, &d->udp, fwmark);
	else
		return 0;
	if (err < 0)
		return err;
	d->fwmark = fwmark;
	d->underlay.sockets_changed(d->underlay.ctx);
	LIST_FOR_EACH(l, &d->peers)
	{
		struct wg_peer *peer = &CONTAINER_OF(l, struct driver_peer, link)->path.wg;

		wg_peer_clear_source(peer);
		wg_peer_reconsider(&d->engine.wg, peer);
	}
	return 0;
}

int driver_set_df(struct driver *d, enum udp_df df)
{
	d->df = df;
	return d->running ? udp_set_df(&d->udp, df) : 0;
}

void driver_work(struct driver *d)
{
	batch_begin(d);
	control_timers(&d->engine);
	d->underlay.work(d->underlay.ctx);
	ports_work(d);
	if (d->wanted)
		batch_finish(d);
	if (mono_reached(d->retired_until, clock_mono()))
		sockets_end_retired(d);
}

void driver_tidy(struct driver *d)
{
	trace_log_run(&d->trace_log, &d->engine);
	driver_capture_drain(d);
	if (!d->engine.wg.spent)
		return;
	engine_tidy(&d->engine);
	secret_wipe_stack();
}

struct mono driver_deadline(const struct driver *d)
{
	struct mono due =
		d->wanted ? engine_deadline(&d->engine) : engine_timers_deadline(&d->engine);

	due = mono_earliest(due, ports_deadline(d));
	due = mono_earliest(due, d->retired_until);
	return mono_earliest(due, trace_log_deadline(&d->trace_log));
}
