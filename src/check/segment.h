/* SPDX-License-Identifier: MIT */
/* The ports of the site's bridges: captures and sends frames below the bridge, and finds the hosts
 * on the side of each port. */
#pragma once

#include "check/echo_load.h"
#include "check/packet_socket.h"
#include "check/prober.h"
#include "netlink/query.h"

/* Theory of operation. Frames are sent on a port itself, below the bridge: they leave by that port
 * only, and all replies come from its side. Their source is the bridge's address, so that no switch
 * learns a new one and replies end at our own kernel, which ignores them. Targets: with an IPv4
 * address on the bridge all hosts of its subnet, by ARP; and always all hosts with IPv6, by an echo
 * request to all nodes, from the bridge's IPv6 address or a temporary one; this code answers
 * neighbour solicitations for it. A bridge without an IPv4 address knows no subnet: addresses that
 * occur in the frames of its ports are asked for, by ARP. A host that answers ARP but no echo
 * request gets a TCP SYN to a few ports, as a firewall may drop the one and not the other.
 *
 * First a loop probe is sent on each port. If one comes back there is a loop, and no other
 * broadcast is sent: it would circulate.
 *
 * No such frame is sent through a port that our own bridge blocks (STP): it would make the far
 * bridges learn that our bridge's address is behind that pseudowire. */

#define SEGMENT_SMALL	 84 /* bytes of an IP packet: what ping(8) sends */
#define SEGMENT_SUBNETS	 4  /* most subnets of a bridge; hosts in further ones are not searched */
#define SEGMENT_LEARNED	 32 /* most addresses that are learned from frames */
#define SEGMENT_CROSSING 32768 /* lowest number of a crossing's echo request */
#define SEGMENT_SERIES	 49152 /* likewise of one of many sizes */

struct segment;

/** A port: its facts, and the state of its probes. */
struct port {
	struct segment *segment;
	struct observed_port *facts;
	struct observed_session *session;   /* NULL: a port to members */
	const struct status_tunnel *tunnel; /* of the session, or NULL */
	struct link_info link;
	struct loop_watch watch; /* its descriptor is -1 if the port is not usable */
	int error;		 /* -errno: why not */
	struct mono trying;	 /* when a host last asked whether its new IPv6 address is in use */
	struct mono free;	 /* when the last frame has left a slow path */
	uint8_t mac[LINK_MAC_LEN];	       /* source of probes: the bridge's address */
	struct ip_prefix ip4[SEGMENT_SUBNETS]; /* of the bridge */
	size_t n_ip4;
	struct ip_addr ip6;			/* source of the requests */
	uint16_t wanted;			/* number of the pending echo request */
	bool answered;				/* the pending request has a reply */
	bool in_pieces;				/* the reply came in fragments of its sender */
	bool flooding;				/* replies belong to the throughput test */
	struct load *load;			/* that echo replies belong to, or NULL */
	const struct observed_station *station; /* destination of further probes, or NULL */
	struct observed_echo *echo;		/* counter of its replies; NULL: none */
	struct observed_station
		*silent;       /* answers no echo request, and is asked by TCP now; or NULL */
	struct ip_addr remote; /* the far gateway's address in the tunnel; family 0: replies from
				    * there are ignored now */
	struct ip_addr asked;  /* the only address to look for; family 0: any */
};

/** Called for each frame of a port that may belong to a crossing. */
typedef void segment_watch_fn(void *ctx, struct port *port, bool outgoing, enum wire_kind kind,
	const struct wire_read *r);

/** All ports, in the order of the facts. */
struct segment {
	struct prober *prober;
	struct port *ports;
	size_t n;
	struct link_list links; /* all of this host */
	struct {
		struct ip_addr addr;
		const struct port *port; /* one of its bridge */
	} learned[SEGMENT_LEARNED]; /* occurred in frames of a bridge without an IPv4 address */
	size_t n_learned;
	bool finding;	  /* the search for hosts is running */
	bool classifying; /* ARP replies to a port's own address are from the far gateway */
	segment_watch_fn *watch;
	void *watch_ctx;
};

/** Open all ports of the facts; those that are not usable have an error.
 * Return: 0, or -errno; segment_close() in either case. */
int segment_open(struct segment *s, struct prober *p);

/** Whether two ports are those of one bridge. */
bool segment_share_bridge(const struct port *a, const struct port *b);

/** Whether probes may be sent on the port, below the bridge. */
bool segment_is_usable(const struct port *port);

/** Send loop probes. Return: whether there is a loop. */
bool segment_find_loops(struct segment *s);

/** Ask for the Ethernet address of an IPv4 address. */
void segment_ask_arp(struct port *port, const struct ip_addr *who);

/** Send an echo request to all IPv6 nodes, or to `who` alone. */
void segment_ask_ip6(struct port *port, const struct ip_addr *who);

/** Find out which of the hosts that were found are far gateways, and ask each for an echo. */
void segment_ask_hosts(struct segment *s);

/** The port of session number `i` of the facts, or NULL. */
struct port *segment_session_port(const struct segment *s, size_t i);

/** Whether a station can be asked for an echo: it and the bridge have addresses of one family. */
bool segment_can_ask(const struct port *port, const struct observed_station *to);

/** Send an echo request of `size` bytes to a station, or a SYN if it answers only that. Its number
 * is port->wanted from now on. */
void segment_ask(struct port *port, const struct observed_station *to, unsigned size);

/** The ends of an echo request to a station: over IPv4 if it and the bridge have it, else IPv6. */
struct wire_ends segment_ends(const struct port *port, const struct observed_station *to);

/** Send a frame on the port itself; the session's facts take an error. */
void segment_send(struct port *port, const uint8_t *frame, size_t len);

/** The same for a frame in the prober's `out` with the last number of prober_number(). */
void segment_send_numbered(struct port *port, size_t len);

/** Return: the IPv4 source address for packets to `to`: the bridge's in the same subnet, else the
 * bridge's first; family 0 without one. */
struct ip_addr segment_source4(const struct port *port, const struct ip_addr *to);

/** Send requests for `remote` through the bridge `name`. Return: whether a reply came, on any port
 * of the bridge. */
bool segment_ask_bridge(struct segment *s, const char *name, const struct ip_addr *remote);

/** Send an echo request of the port's MTU to one host on each member port with a larger MTU than
 * the sessions of its bridge. */
void segment_ask_jumbo(struct segment *s);

/** Stop capturing, and release. */
void segment_close(struct segment *s);
