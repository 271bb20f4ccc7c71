/* SPDX-License-Identifier: MIT */
/* Two WireGuard engines over a simulated link, with a clock that advances from event to event. */
#include "sim.h"

#include <stdlib.h>

#include "base/bug.h"
#include "base/bytes.h"
#include "wg/handshake.h"
#include "wg/test_load.h"

#define WALL_EPOCH 1700000000ULL

uint32_t sim_random(struct sim *s)
{
	uint64_t z = (s->random += 0x9e3779b97f4a7c15ULL);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return (uint32_t)(z >> 32);
}

static void fill(void *ctx, uint8_t *out, size_t len)
{
	while (len--)
		*out++ = (uint8_t)sim_random(ctx);
}

struct wall sim_wall(const struct sim *s)
{
	return (struct wall){ .sec = WALL_EPOCH + s->now.ns / NS_PER_S,
		.nsec = (uint32_t)(s->now.ns % NS_PER_S) };
}

static bool chance(struct sim *s, unsigned thousandths)
{
	return thousandths && sim_random(s) % 1000 < thousandths;
}

static void enqueue(struct sim *s, const struct endpoint *from, const struct endpoint *to,
	const uint8_t *msg, size_t len)
{
	struct sim_datagram *d = &s->flight[s->in_flight++];
	uint64_t jitter = s->link.jitter_ns * sim_random(s) >> 32;

	ASSERT(s->in_flight < SIM_IN_FLIGHT && len <= sizeof(d->bytes));
	*d = (struct sim_datagram){ .from = *from, .to = *to, .len = len };
	d->arrives = mono_add(s->now, s->link.latency_ns + jitter);
	memcpy(d->bytes, msg, len);
}

void sim_emit(struct sim *s, const struct endpoint *from, const struct endpoint *to,
	const uint8_t *msg, size_t len)
{
	s->link.carried++;
	if (msg[0] < ARRAY_LEN(s->link.carried_type))
		s->link.carried_type[msg[0]]++;
	if (s->link.cut || chance(s, s->link.loss)) {
		if (msg[0] == WG_MSG_DATA)
			s->host[endpoint_equal(&s->host[1].at, to)].lost_data++;
		return;
	}
	enqueue(s, from, to, msg, len);
	if (chance(s, s->link.duplicate))
		enqueue(s, from, to, msg, len);
}

/* Write an inner packet from host `h` to the other, with a number. */
static void write_packet(const struct sim *s, const struct sim_host *h, uint64_t number,
	uint8_t packet[static SIM_PACKET_LEN])
{
	const struct sim_host *other = &s->host[h == &s->host[0]];

	memset(packet, 0, SIM_PACKET_LEN);
	packet[0] = 0x45;
	store_be16(packet + 2, 28);
	memcpy(packet + 12, h->inner, 4);
	memcpy(packet + 16, other->inner, 4);
	store_be64(packet + 20, number);
}

/* Seal and send one data message: a packet, or a keepalive if `number` is 0. */
static void transmit(struct sim *s, struct sim_host *h, struct wg_keypair *kp, uint64_t number)
{
	uint8_t msg[WG_DATA_OVERHEAD + SIM_PACKET_LEN];
	size_t len = number ? SIM_PACKET_LEN : 0;
	uint64_t counter;

	if (wg_keypair_reserve(kp, &counter))
		return;
	if (number)
		write_packet(s, h, number, msg + WG_DATA_HEADER_LEN);
	else
		h->keepalives_sent++;
	wg_data_seal(&h->dev.crypto.aead, kp, counter, msg, len);
	sim_emit(s, &h->at, &h->peer.endpoint, msg, len + WG_DATA_OVERHEAD);
	sim_act(s, (unsigned)(h - s->host),
		wg_peer_sent(&h->dev, kp->peer, len + WG_DATA_OVERHEAD, number, s->now));
}

/* Send the pending packets. Return: whether there is a session. */
static bool send_pending(struct sim *s, struct sim_host *h)
{
	struct wg_keypair *kp = wg_peer_sending_key(&h->peer, s->now);
	unsigned n = h->pending_count;

	if (!kp)
		return false;
	h->pending_count = 0;
	for (unsigned i = 0; i < n; i++)
		transmit(s, h, kp, h->pending[i]);
	return true;
}

static void send_or_keepalive(struct sim *s, struct sim_host *h)
{
	bool nothing = !h->pending_count;

	if (!send_pending(s, h))
		sim_act(s, (unsigned)(h - s->host),
			wg_peer_want_session(&h->dev, &h->peer, s->now));
	else if (nothing)
		transmit(s, h, wg_peer_sending_key(&h->peer, s->now), 0);
}

static void initiate(struct sim *s, struct sim_host *h)
{
	uint8_t msg[WG_INITIATION_LEN];

	if (wg_peer_make_initiation(&h->dev, &h->peer, s->now, sim_wall(s), msg))
		return;
	h->initiations++;
	sim_emit(s, &h->at, &h->peer.endpoint, msg, sizeof(msg));
}

void sim_act(struct sim *s, unsigned i, unsigned actions)
{
	struct sim_host *h = &s->host[i];

	h->seen |= actions;
	if (actions & WG_DROP_PENDING) {
		h->gave_up += h->pending_count;
		h->pending_count = 0;
	}
	if (actions & WG_SEND_INITIATION)
		initiate(s, h);
	if (actions & WG_SEND_PENDING)
		send_pending(s, h);
	if (actions & WG_SEND_KEEPALIVE)
		send_or_keepalive(s, h);
}

void sim_send(struct sim *s, unsigned i)
{
	struct sim_host *h = &s->host[i];

	h->sent++;
	if (h->pending_count == WG_PENDING_MAX) {
		memmove(h->pending, h->pending + 1, sizeof(h->pending) - sizeof(h->pending[0]));
		h->pending_count--;
		h->gave_up++;
	}
	h->pending[h->pending_count++] = h->sent;
	if (!send_pending(s, h))
		sim_act(s, i, wg_peer_want_session(&h->dev, &h->peer, s->now));
}

static void record_packet(struct sim *s, struct sim_host *h, uint64_t number)
{
	uint64_t silence = mono_between(h->last_received, s->now);

	h->received++;
	h->newest = number > h->newest ? number : h->newest;
	if (mono_is_set(h->last_received) && silence > h->longest_silence_ns)
		h->longest_silence_ns = silence;
	h->last_received = s->now;
}

static enum drop receive_data(struct sim *s, struct sim_host *h, struct sim_datagram *d)
{
	struct wg_keypair *kp;
	struct ip_header inner;
	uint64_t counter;
	size_t plain = d->len - WG_DATA_OVERHEAD;
	enum drop drop = wg_data_begin(&h->dev, d->bytes, d->len, s->now, &kp, &counter);

	if (!drop)
		drop = wg_data_open(&h->dev.crypto.aead, kp, counter, d->bytes, d->len);
	if (!drop)
		drop = wg_data_commit(kp, counter);
	if (drop)
		return drop;
	sim_act(s, (unsigned)(h - s->host),
		wg_peer_received(&h->dev, kp->peer, kp, &d->from, d->len, plain, s->now));
	if (!plain) {
		h->keepalives_received++;
		return DROP_NONE;
	}
	drop = ip_header_parse(d->bytes + WG_DATA_HEADER_LEN, plain, &inner) < 0
		       ? DROP_INNER_MALFORMED
		       : DROP_NONE;
	if (!drop)
		drop = wg_device_allows(&h->dev, &h->peer, &inner);
	if (!drop)
		record_packet(s, h, load_be64(d->bytes + WG_DATA_HEADER_LEN + 20));
	return drop;
}

static enum drop receive_handshake(struct sim *s, struct sim_host *h, struct sim_datagram *d)
{
	struct wg_event e;
	enum drop drop;

	if (h->under_load)
		test_load_begin(&h->dev, s->now);
	drop = wg_device_handshake(&h->dev, d->bytes, d->len, &d->from, s->now, sim_wall(s), &e);
	ASSERT(e.reply_len <= d->len);
	if (e.reply_len)
		sim_emit(s, &h->at, &d->from, e.reply, e.reply_len);
	if (e.peer)
		sim_act(s, (unsigned)(h - s->host), e.actions);
	return drop;
}

static void deliver(struct sim *s, struct sim_datagram *d)
{
	for (unsigned i = 0; i < 2; i++) {
		struct sim_host *h = &s->host[i];

		if (h->off || !endpoint_equal(&h->at, &d->to))
			continue;
		drop_count(&h->drops, d->bytes[0] == WG_MSG_DATA ? receive_data(s, h, d)
								 : receive_handshake(s, h, d));
	}
}

static struct mono next_event(const struct sim *s)
{
	struct mono next = MONO_NEVER;

	for (unsigned i = 0; i < s->in_flight; i++)
		next = mono_earliest(next, s->flight[i].arrives);
	for (unsigned i = 0; i < 2; i++) {
		if (s->host[i].off)
			continue;
		next = mono_earliest(next, wg_device_deadline(&s->host[i].dev));
		if (s->host[i].interval_ns)
			next = mono_earliest(next, s->host[i].next_packet);
	}
	return next;
}

static void run_deliveries(struct sim *s)
{
	for (unsigned i = 0; i < s->in_flight;) {
		struct sim_datagram d = s->flight[i];

		if (!mono_reached(d.arrives, s->now)) {
			i++;
			continue;
		}
		s->in_flight--;
		memmove(&s->flight[i], &s->flight[i + 1], (s->in_flight - i) * sizeof(d));
		deliver(s, &d);
	}
}

static void run_host(struct sim *s, unsigned i)
{
	struct sim_host *h = &s->host[i];

	if (h->off)
		return;
	while (wg_device_due(&h->dev, s->now)) {
		h->wakeups++;
		sim_act(s, i, wg_peer_timers(&h->dev, &h->peer, s->now));
	}
	while (h->interval_ns && !mono_before(s->now, h->next_packet)) {
		sim_send(s, i);
		h->next_packet = mono_add(s->now, h->interval_ns);
	}
}

void sim_run(struct sim *s, uint64_t ns)
{
	struct mono end = mono_add(s->now, ns);

	for (;;) {
		struct mono next = next_event(s);

		if (!mono_is_set(next) || mono_before(end, next))
			break;
		if (mono_before(s->now, next))
			s->now = next;
		run_deliveries(s);
		run_host(s, 0);
		run_host(s, 1);
	}
	s->now = end;
}

/* Configure host `i` from scratch, as at the start of its process. */
static void configure(struct sim *s, unsigned i)
{
	const struct wg_sizes sizes = { .peers = 1, .allowed_ips = 4, .sources = 16 };
	struct sim_host *h = &s->host[i], *other = &s->host[1 - i];
	struct ip_prefix theirs = { .addr = ip_addr_v4(other->inner), .len = 32 };
	struct wg_identity id = { 0 };
	struct rng rng = { fill, s };

	h->memory = malloc(wg_device_memory(&sizes));
	ASSERT(h->memory && !wg_device_init(&h->dev, &sizes, h->memory, rng));
	memcpy(id.private_key, other->private_key, WG_KEY_LEN);
	wg_device_set_private_key(&h->dev, id.private_key);
	memcpy(id.public_key, h->dev.identity.public_key, WG_KEY_LEN);
	wg_device_set_private_key(&h->dev, h->private_key);
	ASSERT(!wg_device_add_peer(&h->dev, &h->peer, id.public_key));
	wg_peer_set_psk(&h->dev, &h->peer, s->psk[i]);
	ASSERT(!wg_allowedips_insert(&h->dev.allowed, &theirs, &h->peer));
	if (i == 0)
		wg_peer_set_endpoint(&h->dev, &h->peer, &other->at);
}

void sim_restart(struct sim *s, unsigned i)
{
	struct sim_host *h = &s->host[i];

	wg_device_fini(&h->dev);
	free(h->memory);
	h->pending_count = 0;
	configure(s, i);
}

void sim_init(struct sim *s, uint64_t seed)
{
	*s = (struct sim){ .now = { 1000 * NS_PER_S }, .random = seed };
	s->link.latency_ns = 10 * SIM_MS;
	for (unsigned i = 0; i < 2; i++) {
		struct sim_host *h = &s->host[i];

		fill(s, h->private_key, sizeof(h->private_key));
		memcpy(h->inner, (const uint8_t[4]){ 10, 0, 1, (uint8_t)(i + 1) }, 4);
		h->at.addr = ip_addr_v4((const uint8_t[4]){ 192, 0, 2, (uint8_t)(i + 1) });
		h->at.port = 8172;
	}
	configure(s, 0);
	configure(s, 1);
}

void sim_fini(struct sim *s)
{
	for (unsigned i = 0; i < 2; i++) {
		wg_device_fini(&s->host[i].dev);
		free(s->host[i].memory);
	}
}
