/* SPDX-License-Identifier: MIT */
/* Capture what passes the driver: datagrams, the packets in them, and the frames in those. */
#include "driver/driver_capture.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/keytext.h"
#include "base/random.h"
#include "base/secret.h"
#include "capture/capture.h"
#include "capture/dissect.h"
#include "l2tp/reassembly.h"

/* Bytes that may wait for the client. */
#define RING_LEN ((size_t)4 << 20)

/* Bytes sent to the client in one turn of the event loop at most. */
#define TURN_LEN ((size_t)256 << 10)

/* Incomplete packets of each direction. A sender may send the heads of FRAGMENT_RUN_MAX packets
 * before their tails. */
#define SLOTS 128

/* Size of the comment about a datagram that the comments about its contents begin with. */
#define TIE_LEN 112

/** Fragments of one direction. */
struct direction {
	struct reassembly reassembly;
	struct reassembly_owner owner;
	struct drop_counters drops;
	void *slots;
};

struct driver_capture {
	struct driver *d;
	struct loop_watch watch;
	bool held;    /* nothing is sent yet */
	bool ending;  /* the client has shut down: nothing more is captured */
	bool waiting; /* for room in the socket */
	bool dead;    /* to be closed at the end of the turn */
	uint32_t underlay;
	uint32_t wg;
	struct direction directions[2];	   /* received, sent */
	uint8_t datagram[TRAIN_BYTES_MAX]; /* a copy, to be decrypted */
	uint8_t ring[RING_LEN];
	struct capture capture;
};

/** A datagram, the session that it belongs to, and what became of it. */
struct taken {
	struct capture_datagram datagram;
	struct wall when;
	const struct wg_keypair *kp; /* NULL: it was not opened */
	uint32_t index;		     /* receiver index */
	uint64_t counter;
	const uint8_t *packet; /* decrypted, with padding */
	size_t len;	       /* of it */
	char tie[TIE_LEN];     /* names the datagram */
};

/* ---- contents ---- */

static void add(struct driver_capture *dc, const struct taken *t, uint32_t interface,
	const uint8_t *bytes, size_t len, const char *comment)
{
	capture_add_packet(&dc->capture, (struct pcapng_packet){
						 .interface = interface,
						 .when = t->when,
						 .outgoing = t->datagram.outgoing,
						 .rest = bytes,
						 .rest_len = len,
						 .len = len,
						 .comment = comment,
					 });
}

/* The number of a session's interface in the capture; it is added with its first frame. */
static uint32_t interface_of(struct driver_capture *dc, struct driver_session *s)
{
	if (s->captured_by != dc || s->capture_interface == CAPTURE_NONE) {
		s->captured_by = dc;
		s->capture_interface = capture_add_interface(
			&dc->capture, PCAPNG_ETHERNET, s->name, "members' frames in the session");
	}
	return s->capture_interface;
}

/* Add the frame in an inner packet, if it is of a session. `pieces`: 0, or the fragments that it
 * came in. */
static void add_frame(struct driver_capture *dc, const struct taken *t, const uint8_t *packet,
	const struct ip_header *ip, unsigned pieces)
{
	char comment[CAPTURE_COMMENT_LEN];
	size_t at;

	LIST_FOR_EACH(l, &dc->d->sessions)
	{
		struct driver_session *s = CONTAINER_OF(l, struct driver_session, link);
		const struct l2tp_session *l2tp = &s->path.l2tp;
		int n;

		if (!capture_frame_at(l2tp, packet, ip, t->datagram.outgoing, &at))
			continue;
		n = snprintf(comment, sizeof(comment), "%s, session id %" PRIu32, t->tie,
			t->datagram.outgoing ? l2tp->peer_id : l2tp->id);
		if (pieces && n > 0 && (size_t)n < sizeof(comment))
			snprintf(comment + n, sizeof(comment) - (size_t)n,
				", the last of %u fragments", pieces);
		add(dc, t, interface_of(dc, s), packet + at, ip->len - at, comment);
		return;
	}
}

/* Whether the packet is between the two ends of a tunnel. */
static bool is_of_tunnel(const struct driver_capture *dc, const struct ip_header *ip, bool outgoing)
{
	return l2tp_table_has_pair(&dc->d->engine.l2tp, ip->family, outgoing ? ip->dst : ip->src,
		outgoing ? ip->src : ip->dst);
}

static void add_fragment(struct driver_capture *dc, const struct taken *t, const uint8_t *packet,
	const struct ip_header *ip)
{
	struct direction *dir = &dc->directions[t->datagram.outgoing];
	const struct fragment_origin origin = { .key = t->index, .counter = t->counter };
	struct reassembled whole;
	struct ip_header header;

	if (reassembly_add(&dir->reassembly, &dir->owner, packet, ip, false, origin,
		    dc->d->engine.now, &whole) == REASSEMBLY_COMPLETE &&
		!ip_header_parse(whole.packet, whole.len, &header))
		add_frame(dc, t, whole.packet, &header, whole.pieces);
	reassembly_release(&dir->reassembly);
}

/* Add the packet in a datagram that was opened, and the frame in it. */
static void add_contents(struct driver_capture *dc, const struct taken *t)
{
	struct ip_header ip;

	if (!t->len || ip_header_parse(t->packet, t->len, &ip) < 0)
		return;
	add(dc, t, dc->wg, t->packet, ip.len, t->tie);
	if (!is_of_tunnel(dc, &ip, t->datagram.outgoing))
		return;
	if (ip.fragment)
		add_fragment(dc, t, t->packet, &ip);
	else
		add_frame(dc, t, t->packet, &ip, 0);
}

/* ---- datagrams ---- */

/* The session by which we sent a message; NULL if it has ended. */
static const struct wg_keypair *find_sent(const struct wg_peer *peer, uint32_t index)
{
	for (size_t i = 0; i < ARRAY_LEN(peer->keys.slots); i++) {
		const struct wg_keypair *kp = &peer->keys.slots[i];

		if (kp->peer == peer && kp->remote_index == index)
			return kp;
	}
	return NULL;
}

/* Open what we have sealed. Return: DROP_NONE, or why it cannot be opened. */
static enum drop open_sent(struct driver_capture *dc, struct taken *t)
{
	struct engine *e = &dc->d->engine;
	struct wg_peer *peer = wg_device_sent(&e->wg, t->datagram.bytes, t->datagram.len);
	const struct wg_keypair *kp = peer ? find_sent(peer, t->index) : NULL;

	if (!kp)
		return DROP_WG_UNKNOWN_INDEX;
	if (aead_open(&e->control.aead, kp->tx_key, t->counter, dc->datagram,
		    t->datagram.bytes + WG_DATA_HEADER_LEN, t->datagram.len - WG_DATA_HEADER_LEN,
		    NULL, 0) < 0)
		return DROP_WG_AUTH;
	t->kp = kp;
	return DROP_NONE;
}

/* Open what was received, without any effect on its session. Return: DROP_NONE, or why the engine
 * will drop it. */
static enum drop open_received(struct driver_capture *dc, struct taken *t)
{
	struct engine *e = &dc->d->engine;
	struct wg_keypair *kp;
	uint64_t counter;
	enum drop drop =
		wg_data_begin(&e->wg, t->datagram.bytes, t->datagram.len, e->now, &kp, &counter);

	if (drop != DROP_NONE)
		return drop;
	if (aead_open(&e->control.aead, kp->rx_key, counter, dc->datagram,
		    t->datagram.bytes + WG_DATA_HEADER_LEN, t->datagram.len - WG_DATA_HEADER_LEN,
		    NULL, 0) < 0)
		return DROP_WG_AUTH;
	t->kp = kp;
	return DROP_NONE;
}

/* What a message other than data is. */
static const char *message_name(const uint8_t *msg, size_t len)
{
	switch (len ? msg[0] : 0) {
	case WG_MSG_INITIATION:
		return "WireGuard handshake initiation";
	case WG_MSG_RESPONSE:
		return "WireGuard handshake response";
	case WG_MSG_COOKIE:
		return "WireGuard cookie reply";
	default:
		return "no WireGuard message";
	}
}

/* Decrypt a data message, and name it. */
static void open_data(struct driver_capture *dc, struct taken *t)
{
	const uint8_t *msg = t->datagram.bytes;
	char key[KEY_BASE64_LEN + 1];
	enum drop drop;

	t->index = load_le32(msg + 4);
	t->counter = load_le64(msg + 8);
	drop = t->datagram.outgoing ? open_sent(dc, t) : open_received(dc, t);
	dc->d->engine.wg.spent = true; /* the crypto library has the key */
	if (t->kp) {
		key_to_base64(t->kp->peer->remote.public_key, key);
		t->packet = dc->datagram;
		t->len = t->datagram.len - WG_DATA_OVERHEAD;
		snprintf(t->tie, sizeof(t->tie),
			"peer %s, receiver 0x%08" PRIx32 ", counter %" PRIu64, key, t->index,
			t->counter);
	} else {
		snprintf(t->tie, sizeof(t->tie),
			"receiver 0x%08" PRIx32 ", counter %" PRIu64 ", not opened: %s", t->index,
			t->counter, drop_name(drop));
	}
}

static void take(
	struct driver_capture *dc, const struct capture_datagram *datagram, struct wall now)
{
	struct taken t = { .datagram = *datagram, .when = now };
	uint8_t head[CAPTURE_OUTER_MAX];
	size_t head_len;

	if (t.datagram.len >= WG_DATA_OVERHEAD && t.datagram.len <= sizeof(dc->datagram) &&
		t.datagram.bytes[0] == WG_MSG_DATA)
		open_data(dc, &t);
	else
		snprintf(
			t.tie, sizeof(t.tie), "%s", message_name(t.datagram.bytes, t.datagram.len));
	head_len = capture_outer_header(&t.datagram, head);
	capture_add_packet(&dc->capture, (struct pcapng_packet){
						 .interface = dc->underlay,
						 .when = now,
						 .outgoing = t.datagram.outgoing,
						 .head = head,
						 .head_len = head_len,
						 .rest = t.datagram.bytes,
						 .rest_len = t.datagram.len,
						 .len = head_len + t.datagram.len,
						 .comment = t.tie,
					 });
	add_contents(dc, &t);
}

/* Take each datagram of `stride` bytes in bytes[len]. */
static void take_train(
	struct driver_capture *dc, struct capture_datagram first, size_t len, size_t stride)
{
	struct wall now = clock_wall();

	for (size_t at = 0; at < len; at += first.len, first.bytes += first.len) {
		first.len = size_min(stride, len - at);
		take(dc, &first, now);
	}
}

void driver_capture_sent(struct driver *d, struct train_queue *q)
{
	struct driver_capture *dc = d->capture;

	for (size_t i = 0; i < q->n && !dc->ending && !dc->dead; i++) {
		struct train *t = &q->trains[i];
		const struct capture_datagram first = { .bytes = t->base,
			.far = &t->to,
			.port = d->udp.port,
			.tos = t->tos,
			.ttl = t->ttl,
			.outgoing = true };

		if (!t->captured)
			take_train(dc, first, t->len, t->stride);
		t->captured = true;
		t->open = false; /* if it has to wait, it does not grow any more */
	}
}

void driver_capture_received(struct driver *d, const struct udp_received *r)
{
	const struct capture_datagram first = {
		.bytes = r->data, .far = &r->from, .port = d->udp.port, .tos = r->tos
	};

	if (!d->capture->ending && !d->capture->dead)
		take_train(d->capture, first, r->len, r->stride);
}

/* ---- the client ---- */

/* Watch for the client's end while the capture goes on, and for room while something waits. */
static void watch(struct driver_capture *dc)
{
	uint32_t events = (dc->ending ? 0 : EPOLLIN) | (dc->waiting ? EPOLLOUT : 0);

	if (loop_change(dc->d->loop, &dc->watch, events) < 0)
		dc->dead = true;
}

static void on_client(void *ctx, uint32_t events)
{
	struct driver_capture *dc = ctx;
	char ignored[256];
	ssize_t n;

	if (events & (EPOLLERR | EPOLLHUP))
		dc->dead = true;
	if (dc->dead || !(events & EPOLLIN))
		return; /* driver_capture_drain() continues */
	n = recv(dc->watch.fd, ignored, sizeof(ignored), MSG_DONTWAIT);
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		dc->dead = true;
	if (n != 0)
		return;
	dc->ending = true;
	capture_end(&dc->capture, clock_wall());
	watch(dc);
}

/* Send from the ring. Return: whether the socket has taken all that a turn allows. */
static bool send_some(struct driver_capture *dc)
{
	const uint8_t *bytes;
	size_t len;

	for (size_t sent = 0; sent < TURN_LEN;) {
		ssize_t n;

		len = capture_ring_front(&dc->capture.ring, &bytes);
		if (!len)
			return true;
		n = send(dc->watch.fd, bytes, size_min(len, TURN_LEN - sent),
			MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN)
			dc->dead = true;
		if (n < 0)
			return false;
		capture_ring_take(&dc->capture.ring, (size_t)n);
		sent += (size_t)n;
	}
	return false;
}

void driver_capture_release(struct driver *d)
{
	if (d->capture)
		d->capture->held = false;
}

void driver_capture_drain(struct driver *d)
{
	struct driver_capture *dc = d->capture;
	bool waiting;

	if (!dc)
		return;
	waiting = !dc->dead && !dc->held && !send_some(dc);
	if (dc->ending && !waiting && !dc->held)
		dc->dead = true;
	if (!dc->dead && waiting != dc->waiting) {
		dc->waiting = waiting;
		watch(dc);
	}
	if (dc->dead)
		driver_capture_close(d);
}

/* ---- start and end ---- */

static void direction_open(struct direction *dir)
{
	const struct rng rng = random_system();

	dir->slots = calloc(1, reassembly_memory(0, SLOTS));
	if (!dir->slots)
		return;
	reassembly_init(&dir->reassembly, &dir->drops, &rng);
	reassembly_add_slots(&dir->reassembly, dir->slots, SLOTS);
	reassembly_owner_init(&dir->owner);
}

static void direction_close(struct direction *dir)
{
	if (dir->slots)
		secret_wipe(dir->slots, reassembly_memory(0, SLOTS));
	free(dir->slots);
}

static void free_capture(struct driver_capture *dc)
{
	close(dc->watch.fd);
	direction_close(&dc->directions[0]);
	direction_close(&dc->directions[1]);
	secret_wipe(dc, sizeof(*dc)); /* has decrypted packets */
	free(dc);
}

void driver_capture_close(struct driver *d)
{
	if (!d->capture)
		return;
	loop_remove(d->loop, &d->capture->watch);
	free_capture(d->capture);
	d->capture = NULL;
	LIST_FOR_EACH(l, &d->sessions)
	{
		CONTAINER_OF(l, struct driver_session, link)->captured_by = NULL;
	}
}

/* Write the start of the file. Return: 0 or -errno. */
static int begin(
	struct driver_capture *dc, uint32_t snap, const char *application, const char *comment)
{
	int err =
		capture_init(&dc->capture, dc->ring, sizeof(dc->ring), snap, application, comment);

	if (err < 0)
		return err;
	dc->underlay = capture_add_interface(&dc->capture, PCAPNG_RAW, "underlay",
		"WireGuard datagrams; IP and UDP headers are reconstructed");
	dc->wg = capture_add_interface(&dc->capture, PCAPNG_RAW, dc->d->tun.tap.name,
		"packets inside the tunnel, decrypted");
	return 0;
}

int driver_capture_start(
	struct driver *d, int fd, uint32_t snap, const char *application, const char *comment)
{
	struct driver_capture *dc;
	int err = -ENOMEM;

	if (d->capture && !d->capture->ending && !d->capture->dead) {
		close(fd);
		return -EBUSY;
	}
	driver_capture_close(d); /* one that has ended, and whose client does not read the rest */
	dc = calloc(1, sizeof(*dc));
	if (!dc) {
		close(fd);
		return -ENOMEM;
	}
	dc->d = d;
	dc->held = true;
	dc->watch = (struct loop_watch){ .fd = fd, .callback = on_client, .ctx = dc };
	direction_open(&dc->directions[0]);
	direction_open(&dc->directions[1]);
	if (dc->directions[0].slots && dc->directions[1].slots)
		err = begin(dc, snap, application, comment);
	if (!err)
		err = loop_add(d->loop, &dc->watch, EPOLLIN);
	if (err < 0)
		free_capture(dc);
	else
		d->capture = dc;
	return err;
}
