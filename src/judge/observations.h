/* SPDX-License-Identifier: MIT */
/* The results of a check's probes and queries, as plain data: the input of the findings. */
#ifndef JUDGE_OBSERVATIONS_H
#define JUDGE_OBSERVATIONS_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "ctlproto/status.h"
#include "netlink/link.h"

/** Echo requests of one kind and their replies. */
struct observed_echo {
	unsigned sent;
	unsigned received;
	uint64_t min_us; /* of the round trips */
	uint64_t sum_us;
	uint64_t max_us;
};

/** An ICMP error about one of our packets. */
struct observed_icmp {
	bool seen;
	bool ipv6;
	uint8_t type;
	uint8_t code;
	struct ip_addr from;
};

/** A WireGuard peer, in the order of the report. */
struct observed_peer {
	struct ip_addr tunnel;	    /* its address inside the tunnel, to which echo requests go;
				     * family 0: unknown */
	int route_error;	    /* 0, or -errno: no route to its endpoint */
	struct status_route route;  /* whether the route leads back to us */
	char underlay[IF_NAMESIZE]; /* the captured interface; "": none */
	struct observed_echo echo;
	struct observed_echo full;  /* as large as the tunnel's MTU, don't-fragment */
	unsigned full_size;	    /* their size in bytes, with the IP header; 0: not tried */
	unsigned seen_inside;	    /* replies captured on the WireGuard interface */
	uint64_t datagrams_out;	    /* captured on the underlay, to its endpoint */
	uint64_t datagrams_in;	    /* captured on the underlay, from its endpoint to our port */
	struct observed_icmp error; /* about datagrams to its endpoint */
	bool too_big;	/* a router reported that a datagram to its endpoint was too big */
	int send_error; /* -errno: echo requests could not be sent */
};

/** L2TP packets on the WireGuard interface that match no session. */
struct observed_alien {
	bool seen;
	enum l2tp_encap encap;
	uint16_t source_port; /* only for UDP */
	uint16_t destination_port;
};

/** A session, in the order of the report. */
struct observed_session {
	size_t peer;		/* number of the peer whose AllowedIPs cover Remote; SIZE_MAX:
				 * none */
	bool tried;		/* its interface was usable, and its peer had a session */
	int error;		/* -errno: why not */
	uint64_t asked;		/* frames sent to find a host */
	uint64_t heard;		/* frames of any kind that came out of the interface meanwhile */
	unsigned stations;	/* hosts that answered */
	struct ip_addr station; /* the host to which further probes went; family 0: none */
	uint8_t station_mac[LINK_MAC_LEN];
	struct observed_echo echo;
	struct observed_icmp refusal; /* by Remote's kernel, about our L2TP packets */
	struct observed_alien alien;
	unsigned limit;	     /* largest IP packet tried: the interface's MTU; 0: sizes not tried */
	unsigned largest;    /* largest that was answered at all */
	unsigned whole;	     /* largest that was answered without fragments in either direction; 0:
			    * unknown */
	bool in_pieces;	     /* at `whole` + 1, our packet stayed whole and the reply came in
			    * fragments */
	bool station_cuts;   /* the station fragments its replies: its own MTU is smaller than
			    * `limit` */
	uint64_t flood_sent; /* throughput */
	uint64_t flood_received;
	uint64_t flood_us;   /* from the first request to the last reply */
	unsigned flood_size; /* IP packet; 0: not tried */
	/* Where no host behind the far bridge answers, or our own bridge does not forward here: */
	struct observed_echo far_end; /* the far gateway, probed below its bridge; see far_end.h */
	bool outward;	 /* the sizes are those of our frames: replies were small, or took another
			  * path */
	bool path_tried; /* a request to the far gateway was sent through our bridge, on any path */
	bool path_found; /* and was answered */
	bool path_here;	 /* on this session's pseudowire */
	bool unbridged;	 /* only the far end of the pseudowire itself answered, with no bridge
			  * there */
};

/** An interface of the underlay. */
struct observed_underlay {
	char name[IF_NAMESIZE];
	uint32_t ifindex;
	uint32_t mtu;
	bool up;	       /* administratively up and with carrier */
	uint64_t wireguard;    /* datagrams to and from peers */
	uint64_t fragments;    /* IP fragments to and from peers */
	uint64_t clear;	       /* packets with our probes in clear text, or L2TP */
	uint64_t not_captured; /* packets that the capture lost */
	int error;	       /* 0, or -errno: not captured at all */
};

/** The state of a bridge's port. */
enum check_port_state {
	CHECK_PORT_UNKNOWN, /* not a port of a bridge */
	CHECK_PORT_DISABLED,
	CHECK_PORT_LISTENING,
	CHECK_PORT_LEARNING,
	CHECK_PORT_FORWARDING,
	CHECK_PORT_BLOCKING,
};

/** A port of a bridge: what the report does not contain. */
struct observed_port {
	char name[IF_NAMESIZE];
	enum check_port_state state;
};

/** A bridge: what the report does not contain. */
struct check_bridge {
	char name[IF_NAMESIZE];
	bool runs_stp; /* the spanning tree protocol, in the kernel or by a program */
};

/** Settings of the host: -1 if the setting does not exist. */
struct observed_host {
	int bridge_nf_ip4;
	int bridge_nf_ip6;
	int bridge_nf_arp;
	int ip_forward;
};

/** All observations. Zero is empty; released by observations_fini(). */
struct observations {
	char site[64];
	struct status_report before;
	struct status_report after; /* both reports have the same peers, tunnels and sessions; false
				     * if the site was reloaded */
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
	struct ip_addr target; /* the host that the user named; family 0: none */
	struct observed_host host;
};

/** Release the observations and make them empty. */
void observations_fini(struct observations *f);

/** The tunnel of a session in a report, or NULL. */
const struct status_tunnel *observed_tunnel_of(
	const struct status_report *r, const struct status_session *s);

/** The bridge that an interface is a port of, in a report; NULL if there is none. */
const struct status_bridge *check_bridge_of(const struct status_report *r, const char *port);

/** The state of the port `name` when the check began. */
enum check_port_state check_port_state(const struct observations *f, const char *name);

/** Whether a bridge port in this state neither forwards nor accepts frames; false if unknown. */
bool check_port_is_held(enum check_port_state state);

/** Whether a port of `bridge` was still listening or learning when the check began. */
bool check_is_settling(const struct observations *f, const struct status_bridge *bridge);

/** Whether both reports have the same peers and sessions, so that counters can be compared. */
bool observed_reports_match(const struct status_report *a, const struct status_report *b);

/** Count a reply that took `us` microseconds. */
void observed_echo_answer(struct observed_echo *e, uint64_t us);

#endif
