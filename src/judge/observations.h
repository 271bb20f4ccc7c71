/* SPDX-License-Identifier: MIT */
/* The results of a check's probes and queries, as plain data: the input of the findings. */
#pragma once

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "ctlproto/status.h"
#include "judge/finding.h"
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
	struct ip_addr source;	    /* ours, on that route; family 0: not known */
	bool dialled;		    /* the file names an Endpoint */
	struct status_route route;  /* whether the route leads back to us */
	char underlay[IF_NAMESIZE]; /* the captured interface; "": none */
	struct observed_echo echo;
	struct observed_echo full;  /* as large as the tunnel's MTU, don't-fragment */
	unsigned full_size;	    /* their size in bytes, with the IP header; 0: not tried */
	unsigned seen_inside;	    /* replies captured on the WireGuard interface */
	uint64_t datagrams_out;	    /* captured on the underlay, to its endpoint */
	uint64_t datagrams_in;	    /* captured on the underlay, from its endpoint to our port */
	unsigned first_fragment;    /* bytes of the largest first fragment from its endpoint; 0:
				     * none */
	struct observed_icmp error; /* about datagrams to its endpoint */
	bool too_big;	/* a router reported that a datagram to its endpoint was too big */
	int send_error; /* -errno: echo requests could not be sent */
	uint8_t mac[LINK_MAC_LEN]; /* of its endpoint, if that is on the link of the underlay */
	bool has_mac;
};

/** L2TP packets on the WireGuard interface that match no session. */
struct observed_alien {
	bool seen;
	enum l2tp_encap encap;
	uint16_t source_port; /* only for UDP */
	uint16_t destination_port;
};

/** L2TP packets of a session on the WireGuard interface; see judge/inside.h. */
struct observed_inside {
	uint64_t fragmented_out; /* frames that left in fragments */
	uint64_t fragmented_in;	 /* and that came so */
	uint64_t sublayer_suspected;
	uint64_t with_sequence;
	uint64_t without_sequence;
	uint64_t unknown_sessions; /* of its tunnel: packets for no session of it */
	uint32_t last_unknown_session;
};

/** Round trips inside the tunnel beside a load of large packets through a session. */
struct observed_load {
	unsigned size;	  /* the load's IP packets in bytes; 0: not tried */
	uint64_t rate;	  /* of the load that arrived: bits per second on the underlay's link, with
			     * its headers; 0: unknown */
	uint64_t idle_us; /* median round trip before it; 0: no reply */
	uint64_t loaded_us; /* and beside it; 0: no reply */
};

/** A session, in the order of the report. */
struct observed_session {
	size_t peer;		/* number of the peer whose AllowedIPs cover Remote; SIZE_MAX:
				 * none */
	bool tried;		/* its interface was usable, and its peer had a session */
	int error;		/* -errno: why not */
	uint64_t asked;		/* frames sent to find a host */
	uint64_t frames_in;	/* frames of any kind that came out of the interface meanwhile */
	unsigned stations;	/* hosts that answered */
	struct ip_addr station; /* the host to which further probes went; family 0: none */
	uint8_t station_mac[LINK_MAC_LEN];
	struct observed_echo echo;
	struct observed_icmp refusal; /* by Remote's kernel, about our L2TP packets */
	struct observed_alien alien;
	struct observed_inside inside;
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
	uint64_t flood_us;		/* from the first request to the last reply */
	unsigned flood_size;		/* IP packet; 0: not tried */
	struct observed_load load_out;	/* our frames are large, the replies small */
	struct observed_load load_both; /* both are large */
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
	bool up; /* administratively up and with carrier */
	uint8_t mac[LINK_MAC_LEN];
	uint64_t wireguard;	/* datagrams to and from peers */
	uint64_t fragments;	/* IP fragments to and from peers */
	uint64_t fragments_out; /* of these, ours */
	uint64_t clear;		/* packets with our probes in clear text, or L2TP */
	uint64_t not_captured;	/* packets that the capture lost */
	int error;		/* 0, or -errno: not captured at all */
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

/** A host on the side of a port that answered probes. */
struct observed_station {
	uint8_t mac[LINK_MAC_LEN];
	struct ip_addr ip4; /* family 0: none is known */
	struct ip_addr ip6;
	bool gateway;		   /* a far gateway itself, not a host behind it */
	struct observed_echo echo; /* sent by this gateway, below its bridge */
	uint16_t tcp_port;	   /* it answers no echo request, but TCP on this port; 0: not so */
};

#define OBSERVED_STATIONS 16

/** A port of a bridge, or a session in no bridge: what the report does not contain. */
struct observed_port {
	char name[IF_NAMESIZE];
	char bridge[IF_NAMESIZE]; /* "": none */
	enum check_port_state state;
	uint32_t mtu;
	bool session;
	bool no_carrier; /* when the check began, in the eyes of the bridge */
	bool isolated;	 /* reaches no other isolated port */
	bool locked;	 /* accepts frames only from hosts that the administrator entered */
	bool no_flood;	 /* sends no frames to addresses that the bridge has not learned */
	bool no_broadcast;
	bool hairpin; /* sends frames back to where they came from */
	bool no_multicast;
	bool proxy_arp;
	uint16_t pvid;		/* the VLAN of untagged frames; 0: none. Only with VLAN filtering */
	uint8_t vlans[512];	/* bit n: member of VLAN n */
	uint8_t tagged[512];	/* bit n: its frames leave with a tag */
	bool probed;		/* frames were sent on it, below the bridge */
	bool no_ip4;		/* its bridge has no IPv4 address */
	bool tree;		/* a frame of the spanning tree protocol came in by it */
	struct ip_addr blocked; /* a switch there, whose port toward the bridge is blocked by a
				 * spanning tree; family 0: none is known */
	char detour[IF_NAMESIZE];	    /* then: the port by which it is reached; "": by none */
	uint8_t endpoint_mac[LINK_MAC_LEN]; /* of a host that answers for a peer's endpoint */
	bool has_endpoint;
	struct ip_addr
		twin; /* an address of the bridge that a host here has, too; family 0: none */
	uint8_t twin_mac[LINK_MAC_LEN];
	struct observed_station stations[OBSERVED_STATIONS];
	bool classified; /* stations with IPv6 only were asked, too, whether they are the gateway */
	unsigned n_stations; /* hosts that answered; the first OBSERVED_STATIONS are above */
	uint64_t returned;   /* loop probes that came back to it */
	char returned_from[IF_NAMESIZE]; /* the port on which the last of them was sent */
	struct ip_addr caller; /* a host that was asked from an unused address, for which it has to
				* look; family 0: none was */
	bool called;	       /* one did, and its broadcast arrived */
	bool large_answered; /* a host answered a packet as large as the port's MTU, unfragmented */
};

/** A bridge: what the report does not contain. */
struct check_bridge {
	char name[IF_NAMESIZE];
	bool down;
	bool runs_stp;		/* the spanning tree protocol, in the kernel or by a program */
	uint32_t forward_delay; /* in 1/100 s; 0: ports forward at once */
	bool filters_vlans;
};

/** Kinds of frames between members. */
enum observed_kind {
	OBSERVED_ARP,
	OBSERVED_ND, /* neighbour discovery: ARP's part for IPv6, by multicasts */
	OBSERVED_IP4,
	OBSERVED_IP6,
	OBSERVED_TCP,  /* over IPv4; a firewall of the host may give no answer */
	OBSERVED_UDP,  /* likewise */
	OBSERVED_TCP6, /* the same over IPv6 */
	OBSERVED_UDP6,
	OBSERVED_EXPEDITED, /* an echo request over IPv4 or IPv6, marked as voice is */
	OBSERVED_PIECES,    /* one over IPv4, in two fragments */
	OBSERVED_MULTICAST, /* over IPv4; no host answers, nor these: */
	OBSERVED_BROADCAST, /* over IPv4 */
	OBSERVED_TAGGED,    /* an echo request of a VLAN */
	OBSERVED_LARGE,	    /* IPv4 or IPv6, as large as the session's MTU */
	OBSERVED_LARGE6,    /* the same over IPv6, where that is over IPv4 */
	OBSERVED_KINDS
};

/** Whether frames of a kind carry TCP or UDP: their answers may be made up by a filter that rejects
 * them, so that an answer does not prove the steps before. */
static inline bool observed_is_transport(size_t kind)
{
	return kind >= OBSERVED_TCP && kind <= OBSERVED_UDP6;
}

/** Whether no host answers frames of a kind. */
static inline bool observed_is_mute(size_t kind)
{
	return kind >= OBSERVED_MULTICAST && kind <= OBSERVED_TAGGED;
}

/** Frames of one kind, from one port of a bridge to another. */
struct observed_passage {
	unsigned sent;	    /* entered the one port */
	unsigned crossed;   /* left by the other */
	unsigned answered;  /* and the answer entered that */
	unsigned delivered; /* and left by the first */
};

/** Whether frames left this host, and no answer came. */
static inline bool observed_is_lost_beyond(const struct observed_passage *p)
{
	return p->crossed && !p->answered;
}

/** How far a frame, or the answer to it, has come. */
enum observed_step {
	OBSERVED_CROSSED,
	OBSERVED_ANSWERED,
	OBSERVED_DELIVERED
};

#define OBSERVED_SIZES 24

/** Echo requests of many sizes through a crossing. */
struct observed_series {
	unsigned n;				       /* sizes; 0: not tried */
	uint16_t size[OBSERVED_SIZES];		       /* bytes of the IP packet, ascending */
	struct observed_passage first[OBSERVED_SIZES]; /* one frame of each: loss shows there */
	struct observed_passage all[OBSERVED_SIZES];   /* and more, until one is answered */
};

/** An entry of a bridge's forwarding table that sends the frames for a host to the wrong place. */
struct observed_entry {
	enum {
		ENTRY_NONE,    /* there is none */
		ENTRY_LEARNED, /* to another port */
		ENTRY_STATIC,  /* likewise; not learned, but made by the administrator */
		ENTRY_LOCAL,   /* to this host itself, made by the administrator: "permanent" */
		ENTRY_OWN,     /* likewise: an interface of this host has the address */
	} kind;
	char device[IF_NAMESIZE]; /* the port, or the bridge itself; of ENTRY_OWN: the interface */
	uint8_t mac[LINK_MAC_LEN];
};

/** Frames that enter a bridge's port as if a host there had sent them, to a host on another port.
 * They pass all filters of the host. */
struct observed_crossing {
	size_t in; /* numbers of ports */
	size_t out;
	struct observed_station from;
	struct observed_station to;
	bool further;	/* another host on `in` than before: ARP and echo requests alone */
	bool borrowed;	/* no host answers on `in`: the bridge's IPv4 address is the source */
	unsigned large; /* bytes of a large packet */
	struct observed_entry to_entry;	  /* found if frames to `to` are lost */
	struct observed_entry from_entry; /* found if answers to `from` are */
	struct observed_passage kinds[OBSERVED_KINDS];
	struct observed_series series;
	unsigned addressed; /* bits 1 << enum observed_kind: `to` sent answers to `from`'s MAC, */
	unsigned misaddressed; /* and these only to another one, which is not behind `in`: */
	uint8_t other_mac[LINK_MAC_LEN];
};

#define OBSERVED_RULE_LEN 96

/** Something configured on this host that sees bridged frames and may drop them. */
struct observed_filter {
	enum {
		FILTER_NFT,   /* a base chain of nftables: `family table chain` */
		FILTER_TABLE, /* the FORWARD chain of iptables-legacy or ip6tables-legacy */
		FILTER_TC,    /* filters of tc on the device */
		FILTER_XDP,   /* an XDP program on the device */
	} kind;
	uint8_t family;		  /* NFPROTO_…; of FILTER_TABLE: NFPROTO_IPV4 or NFPROTO_IPV6 */
	uint8_t hook;		  /* NF_INET_…, NF_BR_… or NF_NETDEV_… */
	bool drops;		  /* its policy is drop */
	char device[IF_NAMESIZE]; /* the only device that it sees; "": any */
	char name[OBSERVED_RULE_LEN]; /* of FILTER_XDP: the word of ip(8) for its mode */
};

#define OBSERVED_FILTERS 32

/** Settings of the host: -1 if the setting does not exist. */
struct observed_host {
	int bridge_nf_ip4;
	int bridge_nf_ip6;
	int bridge_nf_arp;
	int ip_forward;
	uint64_t rp_filter; /* packets dropped for a source that routing does not expect */
	uint64_t untracked; /* packets dropped as the table of connections is full */
	bool port_is_fixed; /* the file names a ListenPort */
	bool clock_is_old;  /* the clock shows a time before the program was installed */
	uint64_t time;	    /* that the clock shows after all, in seconds since 1970 */
	struct observed_filter filters[OBSERVED_FILTERS];
	size_t n_filters;
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
	struct observed_crossing *crossings;
	size_t n_crossings;
	int inject_error;      /* -errno: no frame could be made to enter a port */
	bool out_of_time;      /* the time was over before all was tried */
	struct ip_addr target; /* the host that the user named; family 0: none */
	struct observed_host host;
};

/** Release the observations and make them empty. */
void observations_fini(struct observations *f);

/** The tunnel of a session in a report, or NULL. */
const struct status_tunnel *observed_tunnel_of(
	const struct status_report *r, const struct status_session *s);

/** The port with that name, or NULL. */
struct observed_port *observed_port_named(const struct observations *f, const char *name);

/** What was observed of the bridge with that name, or NULL. */
const struct check_bridge *observed_bridge_named(const struct observations *f, const char *name);

/** The host that the user named, if it answers on the port; else the one to probe further:
 * a host rather than the far gateway, one with IPv4 rather than without. NULL: none answers. */
struct observed_station *observed_main_station(
	struct observed_port *port, const struct ip_addr *target);

/** Whether a host's frames may come from the address that it answers with. That of a cluster may
 * be a group, and bridges drop frames from groups, and from zero. */
bool observed_is_sender(const struct observed_station *s);

/** A station's address as text: IPv4, if it has one. Return: `ret`. */
const char *observed_station_text(
	const struct observed_station *s, char ret[static IP_ADDR_TEXT_LEN]);

/** Count a frame that was seen at a step, not more than were sent. Unless it counts `alone`, it
 * proves the steps before: the sockets of the ports are read in any order, and what was seen there
 * may not be read yet. */
void observed_passage_note(struct observed_passage *p, enum observed_step step, bool alone);

/** Whether probes have shown a loop. */
bool observed_loop(const struct observations *f);

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

/** How bad the loss of echo requests is: an error above one in five, as members cannot work
 * then. */
enum finding_severity observed_echo_severity(const struct observed_echo *e);

/** Count a reply that took `us` microseconds. */
void observed_echo_answer(struct observed_echo *e, uint64_t us);
