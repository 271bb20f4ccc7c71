/* SPDX-License-Identifier: MIT */
/* What a check has seen: everything that its judgement is made of, as plain data. */
#ifndef JUDGE_OBSERVATIONS_H
#define JUDGE_OBSERVATIONS_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "ctlproto/status.h"
#include "netlink/link.h"

/** Echo requests of one kind and their answers. */
struct observed_echo {
	unsigned sent;
	unsigned received;
	uint64_t min_us; /* of the round trips */
	uint64_t sum_us;
	uint64_t max_us;
};

/** An ICMP error that somebody on the way sent us. */
struct observed_icmp {
	bool seen;
	bool ipv6;
	uint8_t type;
	uint8_t code;
	struct ip_addr from;
};

/** A peer of WireGuard, in the order of the report. */
struct observed_peer {
	struct ip_addr tunnel;	    /* its address inside, which is asked; family 0: none known */
	int route_error;	    /* 0, or -errno: no way to its endpoint */
	struct status_route route;  /* whether it leads back to us */
	char underlay[IF_NAMESIZE]; /* the interface that is listened to; "": none */
	struct observed_echo echo;
	struct observed_echo full;  /* as large as the tunnel's MTU, don't-fragment */
	unsigned full_size;	    /* bytes of these, IP header in; 0: not tried */
	unsigned seen_inside;	    /* answers seen on the WireGuard interface */
	uint64_t datagrams_out;	    /* seen on the underlay, to its endpoint */
	uint64_t datagrams_in;	    /* seen on the underlay, from its endpoint to our port */
	struct observed_icmp error; /* about datagrams to its endpoint */
	bool too_big;	/* a router said that a datagram to its endpoint was too large */
	int send_error; /* -errno: echo requests could not be sent */
};

/** L2TP packets that reach the WireGuard interface although they should have met a session. */
struct observed_alien {
	bool seen;
	enum l2tp_encap encap;
	uint16_t source_port; /* only for UDP */
	uint16_t destination_port;
};

/** A session, in the order of the report. */
struct observed_session {
	size_t peer;		/* number of the peer that Remote belongs to; SIZE_MAX: none */
	bool tried;		/* its interface could be used, and its peer was there */
	int error;		/* -errno: why not */
	uint64_t asked;		/* frames sent in search of somebody */
	uint64_t heard;		/* frames that came out of the interface meanwhile, of any kind */
	unsigned stations;	/* that answered */
	struct ip_addr station; /* the one that was asked further; family 0: none */
	uint8_t station_mac[LINK_MAC_LEN];
	struct observed_echo echo;
	struct observed_icmp refusal; /* by Remote's kernel, of our L2TP packets */
	struct observed_alien alien;
	unsigned limit;	   /* largest IP packet tried: the interface's MTU; 0: sizes not tried */
	unsigned largest;  /* that came back at all */
	unsigned whole;	   /* largest that came back without fragments either way; 0: unknown */
	bool in_pieces;	   /* at `whole` + 1, ours left whole and the answer came in fragments */
	bool station_cuts; /* the station answers in pieces: its own MTU is smaller than `limit` */
	uint64_t flood_sent; /* throughput */
	uint64_t flood_received;
	uint64_t flood_us;   /* from the first request to the last answer */
	unsigned flood_size; /* IP packet; 0: not tried */
	/* Where nobody behind the far bridge answers, or our own bridge does not forward here: */
	struct observed_echo far_end; /* the far gateway, asked below its bridge; see far_end.h */
	bool outward;	 /* the sizes are those of our frames: answers were small, or came
				      another way */
	bool path_tried; /* the far gateway was asked through our bridge, on any path */
	bool path_found; /* and answered */
	bool path_here;	 /* on this session's pseudowire */
	bool unbridged;	 /* only the far end of the pseudowire itself answered, no bridge there */
};

/** An interface of the underlay. */
struct observed_underlay {
	char name[IF_NAMESIZE];
	uint32_t ifindex;
	uint32_t mtu;
	bool up;	       /* administratively up and with carrier */
	uint64_t wireguard;    /* datagrams to and from peers */
	uint64_t fragments;    /* IP fragments to and from peers */
	uint64_t clear;	       /* packets with our probes in clear, or L2TP */
	uint64_t not_captured; /* because they were too many at once */
	int error;	       /* 0, or -errno: not captured at all */
};

/** The state of a bridge's port. */
enum check_port_state {
	CHECK_PORT_UNKNOWN, /* no port of a bridge */
	CHECK_PORT_DISABLED,
	CHECK_PORT_LISTENING,
	CHECK_PORT_LEARNING,
	CHECK_PORT_FORWARDING,
	CHECK_PORT_BLOCKING,
};

/** A port of a bridge, beside what the report says of it. */
struct observed_port {
	char name[IF_NAMESIZE];
	enum check_port_state state;
};

/** A bridge, beside what the report says of it. */
struct check_bridge {
	char name[IF_NAMESIZE];
	bool runs_stp; /* the spanning tree protocol, by the kernel or by a program */
};

/** Settings of the machine: -1 if there is no such setting. */
struct observed_host {
	int bridge_nf_ip4;
	int bridge_nf_ip6;
	int bridge_nf_arp;
	int ip_forward;
};

/** Everything. Zero is empty; released by observations_fini(). */
struct observations {
	char site[64];
	char not_running[160]; /* why the site could not be asked; "": it was */
	struct status_report before;
	struct status_report after; /* the same peers, tunnels and sessions, or the site was
				       reloaded */
	struct observed_peer *peers;
	size_t n_peers;
	struct observed_session *sessions;
	size_t n_sessions;
	struct observed_underlay *underlays;
	size_t n_underlays;
	struct observed_port *ports;
	size_t n_ports;
	struct check_bridge *bridges;
	size_t n_bridges;
	struct ip_addr target; /* whom the user wants to be asked; family 0: nobody special */
	struct observed_host host;
};

/** Release what the facts hold and make them empty. */
void observations_fini(struct observations *f);

/** The tunnel of a session in a report, or NULL. */
const struct status_tunnel *observed_tunnel_of(
	const struct status_report *r, const struct status_session *s);

/** The bridge that an interface is a port of, in a report; or NULL. */
const struct status_bridge *check_bridge_of(const struct status_report *r, const char *port);

/** The state of the port `name` when the check began. */
enum check_port_state check_port_state(const struct observations *f, const char *name);

/** Whether a bridge port neither passes frames on nor takes them from others, by its known
 * state. */
bool check_port_is_held(enum check_port_state state);

/** Whether a port of `bridge` still listened or learned when the check began. */
bool check_is_settling(const struct observations *f, const struct status_bridge *bridge);

/** Whether both reports have the same peers and sessions, so that counters can be compared. */
bool observed_reports_match(const struct status_report *a, const struct status_report *b);

/** Count an answer that took `us` microseconds. */
void observed_echo_answer(struct observed_echo *e, uint64_t us);

#endif
