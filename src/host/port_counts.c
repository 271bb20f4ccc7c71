/* SPDX-License-Identifier: MIT */
/* Count frames of members that our bridges drop before they reach a session. */
#include "host/port_counts.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/array.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/log.h"
#include "host/port_socket.h"
#include "host/unit_socket.h"
#include "netlink/query.h"

#define VLAN_TAG_LEN  4 /* the kernel forwards a frame that exceeds the MTU by as much */
#define READ_INTERVAL NS_PER_S
#define READ_MAX      256 /* frames in one reading; the buffer contains fewer */

/* When another process is asked again, after it has refused. */
#define RETRY_AFTER (60 * NS_PER_S)

/* Most sockets of a site: those of its first members. */
#define SOCKETS_MAX 64

/* Most queries of forwarding tables in one reading, each of which takes the kernel's lock of all
 * interfaces. */
#define QUERIES_MAX 16

#define SLOW_PROTOCOLS 0x8809
#define EAPOL	       0x888e
#define LLDP	       0x88cc

/* The control protocols: Ethernet type, the bit and the word of ForwardControl, and a name. */
static const struct {
	uint16_t type;
	unsigned bit;
	const char *word;
	const char *name;
} controls[] = {
	{ LLDP, CONF_FORWARD_LLDP, "lldp", "LLDP" },
	{ EAPOL, CONF_FORWARD_EAPOL, "eapol", "EAPOL (802.1X)" },
	{ SLOW_PROTOCOLS, CONF_FORWARD_LACP, "lacp", "LACP" },
};

/** Open a socket, by the process that may if this one may not. Return: a descriptor or -errno. */
static int open_socket(struct port_counts *c, const struct port_socket *s)
{
	const struct port_socket_key key = { s->ifindex, s->limit, s->protocol };
	int fd = port_socket_open(&key);

	if (fd != -EAFNOSUPPORT && fd != -EPERM && fd != -EACCES)
		return fd;
	if (c->opener == 0 && mono_is_set(c->retry) && !mono_reached(c->retry, clock_mono()))
		return fd;
	if (c->opener == 0)
		c->opener = unit_socket_connect(PORT_SOCKET_OPENER);
	if (c->opener < 0)
		return fd;
	fd = port_socket_ask(c->opener, &key);
	if (fd == -ETIMEDOUT || fd == -EPIPE || fd == -EBADMSG ||
		fd == -EXDEV) { /* the next, too */
		close(c->opener);
		c->opener = fd;
	}
	return fd;
}

/** What to do if no socket can be opened. */
static const char *opener_hint(const struct port_counts *c)
{
	return c->opener < 0 && unit_socket_has_systemd()
		       ? ". See `systemctl status wirespan-packets.socket`"
		       : "";
}

/** Use a socket: one that is open, or a new one. Without it, these frames are not counted. */
static void use(struct port_counts *c, const struct port_socket *wanted)
{
	struct port_socket *s;
	int err;

	for (size_t i = 0; i < c->n; i++) {
		s = &c->v[i];
		if (s->ifindex != wanted->ifindex || s->protocol != wanted->protocol ||
			s->limit != wanted->limit)
			continue;
		s->used = true;
		s->bridge_ifindex = wanted->bridge_ifindex;
		return;
	}
	s = c->n < SOCKETS_MAX ? array_grow(&c->v, &c->n, sizeof(*s)) : NULL;
	if (!s)
		return;
	*s = *wanted;
	s->used = true;
	s->fd = open_socket(c, s);
	if (s->fd >= 0)
		return;
	err = s->fd;
	c->n--;
	if (!c->failed)
		log_info("frames that %s drops are not counted: cannot open a packet socket on "
			 "%s: %s%s",
			wanted->bridge, wanted->name, strerror(-err), opener_hint(c));
	c->failed = true;
}

/** The smallest MTU of the present sessions of a bridge, or 0. */
static uint32_t smallest_mtu(
	const struct wanted *wanted, const struct host_view *view, const char *bridge)
{
	uint32_t mtu = 0;

	for (size_t i = 0; i < wanted->n; i++) {
		const struct wanted_link *w = &wanted->v[i];
		const struct link_info *link = difference_find(w, view);

		if (w->role == WANTED_SESSION && link && !strcmp(w->bridge, bridge) &&
			(!mtu || link->mtu < mtu))
			mtu = link->mtu;
	}
	return mtu;
}

static void follow_member(struct port_counts *c, const struct wanted_link *w,
	const struct link_info *link, struct port_socket *s, uint32_t mtu)
{
	s->ifindex = link->ifindex;
	memcpy(s->name, link->name, sizeof(s->name));
	for (size_t i = 0; i < ARRAY_LEN(controls); i++) {
		s->protocol = controls[i].type;
		if (!(w->port.forward_control & controls[i].bit))
			use(c, s);
	}
	s->protocol = ETH_P_ALL;
	s->mtu = mtu;
	s->limit = mtu + ETH_HLEN + VLAN_TAG_LEN;
	if (mtu && link->mtu > mtu)
		use(c, s);
}

static void follow_bridge(struct port_counts *c, const struct wanted *wanted,
	const struct host_view *view, const struct wanted_link *bridge)
{
	const struct link_info *of = difference_find(bridge, view);
	uint32_t mtu = of && !of->filters_vlans ? smallest_mtu(wanted, view, bridge->name) : 0;

	for (size_t i = 0; of && i < wanted->n; i++) {
		const struct wanted_link *w = &wanted->v[i];
		const struct link_info *link = difference_find(w, view);
		struct port_socket s = { .bridge_ifindex = of->ifindex };

		if (w->role != WANTED_MEMBER || !link || link->master != of->ifindex)
			continue;
		memcpy(s.bridge, of->name, sizeof(s.bridge));
		follow_member(c, w, link, &s, mtu);
	}
}

/** List the interfaces of the sessions. One for which there is no memory is as if it were none. */
static void follow_sessions(
	struct port_counts *c, const struct wanted *wanted, const struct host_view *view)
{
	c->n_sessions = 0;
	for (size_t i = 0; i < wanted->n; i++) {
		const struct link_info *link = difference_find(&wanted->v[i], view);
		struct port_session *session;

		if (wanted->v[i].role != WANTED_SESSION || !link)
			continue;
		session = array_grow(&c->sessions, &c->n_sessions, sizeof(*session));
		if (session)
			*session = (struct port_session){ link->ifindex, link->mtu };
	}
}

void port_counts_follow(
	struct port_counts *c, const struct wanted *wanted, const struct host_view *view)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n; i++)
		c->v[i].used = false;
	follow_sessions(c, wanted, view);
	for (size_t i = 0; i < wanted->n; i++)
		if (wanted->v[i].role == WANTED_BRIDGE && !wanted->v[i].adopted)
			follow_bridge(c, wanted, view, &wanted->v[i]);
	c->due = MONO_NEVER;
	for (size_t i = 0; i < c->n; i++) {
		if (!c->v[i].used) {
			close(c->v[i].fd);
			continue;
		}
		if (c->v[i].protocol == ETH_P_ALL)
			c->due = (struct mono){ 1 };
		c->v[n++] = c->v[i];
	}
	c->n = n;
	if (c->opener > 0)
		close(c->opener);
	else if (c->opener < 0) /* each attempt makes systemd start a process */
		c->retry = mono_add(clock_mono(), RETRY_AFTER);
	c->opener = 0;
}

/** The frames of a socket that is not read, since the last call. */
static uint64_t count_unread(const struct port_socket *s)
{
	struct tpacket_stats stats = { 0 };
	socklen_t len = sizeof(stats);

	return getsockopt(s->fd, SOL_PACKET, PACKET_STATISTICS, &stats, &len) < 0
		       ? 0
		       : stats.tp_packets;
}

/** What forwarding tables have answered during one reading. */
struct answers {
	size_t n;
	struct {
		uint32_t bridge;
		uint8_t mac[LINK_MAC_LEN];
		int err; /* as of query_bridge_port() */
		uint32_t port;
	} v[QUERIES_MAX];
};

/** Find the port of an address, with one query in a reading. Return: as query_bridge_port(), or
 * -EBUSY after too many queries. */
static int find_port(struct answers *a, struct nl_socket *nl, uint32_t bridge,
	const uint8_t mac[static LINK_MAC_LEN], uint32_t *ret)
{
	size_t i = 0;

	while (i < a->n &&
		(a->v[i].bridge != bridge || memcmp(a->v[i].mac, mac, LINK_MAC_LEN) != 0))
		i++;
	if (i == QUERIES_MAX)
		return -EBUSY;
	if (i == a->n) {
		a->n++;
		a->v[i].bridge = bridge;
		memcpy(a->v[i].mac, mac, LINK_MAC_LEN);
		a->v[i].err = query_bridge_port(nl, bridge, mac, 0, &a->v[i].port);
	}
	*ret = a->v[i].port;
	return a->v[i].err;
}

/** Whether a frame of `len` bytes was for a session that it does not fit. */
static bool is_lost(const struct port_counts *c, struct answers *a, struct nl_socket *nl,
	const struct port_socket *s, const uint8_t dst[static LINK_MAC_LEN], size_t len)
{
	uint32_t port;
	int err = dst[0] & 1 ? -ENOENT : find_port(a, nl, s->bridge_ifindex, dst, &port);

	if (err < 0)
		return err == -ENOENT; /* it goes to all ports */
	for (size_t i = 0; i < c->n_sessions; i++)
		if (c->sessions[i].ifindex == port)
			return len > c->sessions[i].mtu + ETH_HLEN + VLAN_TAG_LEN;
	return false;
}

/** Read the frames that are too long. Return: how many of them the bridge has dropped. */
static uint64_t count_large(const struct port_counts *c, struct answers *a, struct nl_socket *nl,
	const struct port_socket *s)
{
	struct {
		struct virtio_net_hdr vnet;
		uint8_t frame[ETH_HLEN];
	} head;
	uint64_t n = 0;

	for (int i = 0; i < READ_MAX; i++) {
		ssize_t len = recv(s->fd, &head, sizeof(head), MSG_TRUNC | MSG_DONTWAIT);

		if (len < 0 && errno == EINVAL)
			continue; /* GSO of a kind that the header has no number for */
		if (len < 0)
			break;
		n += (size_t)len >= sizeof(head) && head.vnet.gso_type == VIRTIO_NET_HDR_GSO_NONE &&
		     is_lost(c, a, nl, s, head.frame, (size_t)len - sizeof(head.vnet));
	}
	return n;
}

static void log_control(const struct port_socket *s)
{
	for (size_t i = 0; i < ARRAY_LEN(controls); i++)
		if (controls[i].type == s->protocol)
			log_info("%s receives %s frames, which %s does not forward. If the other "
				 "sites need them: ForwardControl = %s in [Bridge].",
				s->name, controls[i].name, s->bridge, controls[i].word);
}

static void log_large(const struct port_socket *s)
{
	log_warning("%s receives frames that are larger than the MTU of a session of %s (%" PRIu32
		    "), which the bridge drops. Set the MTU %" PRIu32
		    " on the hosts there, or raise MTU in [L2TPSession].",
		s->name, s->bridge, s->mtu, s->mtu);
}

void port_counts_read(struct port_counts *c, struct nl_socket *nl, struct mono now)
{
	struct answers answers = { 0 };
	bool reads = false;

	for (size_t i = 0; i < c->n; i++) {
		struct port_socket *s = &c->v[i];
		bool large = s->protocol == ETH_P_ALL;
		uint64_t n = large ? count_large(c, &answers, nl, s) : count_unread(s);

		reads |= large;
		if (!n)
			continue;
		*(large ? &c->large : &c->control) += n;
		*(large ? &c->large_at : &c->control_at) = now;
		if (!s->logged)
			(large ? log_large : log_control)(s);
		s->logged = true;
	}
	c->due = reads ? mono_add(now, READ_INTERVAL) : MONO_NEVER;
}

static uint64_t age_ms(struct mono at, struct mono now)
{
	return mono_is_set(at) ? mono_between(at, now) / NS_PER_MS + 1 : 0;
}

void port_counts_report(const struct port_counts *c, struct mono now, struct drop_counters *drops,
	struct drop_counters *ages_ms)
{
	drops->n[DROP_BRIDGE_CONTROL] = c->control;
	drops->n[DROP_BRIDGE_OVERSIZE] = c->large;
	ages_ms->n[DROP_BRIDGE_CONTROL] = age_ms(c->control_at, now);
	ages_ms->n[DROP_BRIDGE_OVERSIZE] = age_ms(c->large_at, now);
}

void port_counts_close(struct port_counts *c)
{
	for (size_t i = 0; i < c->n; i++)
		close(c->v[i].fd);
	free(c->v);
	free(c->sessions);
	*c = (struct port_counts){ 0 };
}
