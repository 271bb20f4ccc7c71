/* SPDX-License-Identifier: MIT */
/* The status report of `wirespan status` as plain data: the engine fills it, the control socket
 * carries it, the renderers print it. */
#pragma once

#include "base/addr.h"
#include "base/keytext.h"
#include "base/mono.h"
#include "l2tp/session_options.h"
#include "pkt/drop.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STATUS_IFNAME_LEN    16	 /* of an interface's or a site's name, with its NUL */
#define STATUS_HOST_LEN	     264 /* of a host name with a port, with its NUL */
#define STATUS_PEER_NAME_LEN 64	 /* of a peer's name, with its NUL */
#define STATUS_TEXT_LEN	     160 /* of a line of text, with its NUL */
#define STATUS_HINT_LEN	     500 /* of a hint that may quote an error, likewise */

/** Value of a 64-bit number that the back end does not have. */
#define STATUS_ABSENT UINT64_MAX

/** State of a peer's WireGuard session. */
enum status_peer_state {
	STATUS_PEER_IDLE,	 /* no session, none wanted */
	STATUS_PEER_HANDSHAKE,	 /* an initiation is out, no session that may send */
	STATUS_PEER_ESTABLISHED, /* a session that may send */
	STATUS_PEER_STATE_COUNT
};

/** Frames, packets or datagrams in one direction. */
struct status_traffic {
	uint64_t packets;
	uint64_t bytes;
};

/** The offloads in use: enabled, and supported by this kernel. */
struct status_offloads {
	bool known;   /* the back end has these */
	bool vnet;    /* virtio-net header on TAP and TUN */
	bool tso;     /* TCP superframes from TAP and TUN */
	bool uso;     /* UDP superframes from TAP and TUN (Linux 6.2) */
	bool udp_gso; /* UDP_SEGMENT on the underlay socket */
	bool udp_gro; /* UDP_GRO on the underlay socket */
};

/** An interface address, allowed IP or bridge address list: `v[len]`, allocated. */
struct status_prefixes {
	struct ip_prefix *v;
	size_t len;
};

/** The WireGuard interface. */
struct status_wg {
	char name[STATUS_IFNAME_LEN]; /* empty: none */
	uint8_t public_key[KEY_LEN];
	uint16_t listen_port;
	uint16_t pending_port; /* asked for, cannot be opened yet and is tried again; 0: none */
	uint32_t fwmark;       /* 0: off */
	uint32_t mtu;
	struct status_prefixes addresses;
	struct status_traffic tun_tx; /* read from the TUN, towards peers; of the kernel's modules:
				       * WireGuard messages sent to peers, of all kinds */
	struct status_traffic tun_rx; /* from peers, written to the TUN; likewise */
	uint64_t too_big_sent;	      /* ICMP too-big replies to senders of packets */
	uint64_t dropped_tx;	      /* packets from the TUN that were dropped, for any reason */
	uint64_t dropped_rx;	      /* packets that the TUN refused */
};

/** State of the path MTU discovery of a peer. */
enum status_path_state {
	STATUS_PATH_GIVEN,    /* by the file; nothing is probed */
	STATUS_PATH_CONFIRM,  /* what is known is being confirmed */
	STATUS_PATH_SEARCH,   /* probes are looking for it */
	STATUS_PATH_COMPLETE, /* probes have found it */
	STATUS_PATH_SILENT,   /* no probe is answered: the route's, or what was measured last */
	STATUS_PATH_ROUTE,    /* the route's; this back end sends no probes */
	STATUS_PATH_STATE_COUNT
};

/** The path to a peer across the underlay. */
struct status_path {
	enum status_path_state state;
	uint32_t mtu;	      /* bytes of the largest packet on the underlay */
	uint64_t probes;      /* sent since the path was last looked up */
	uint64_t answers;     /* of these */
	uint64_t black_holes; /* times it was found to carry less than before */
	uint32_t train_max;   /* datagrams sent at once at most, as longer trains are lost on it;
				 0: no limit */
	uint64_t rtt_us;      /* round trip of its probes, smoothed; 0: not measured */
	uint64_t jitter_us;   /* by how much round trips differ from it, smoothed */
};

/** How a peer's data messages arrived: exact, since WireGuard numbers them. */
struct status_arrivals {
	uint64_t received;  /* accepted */
	uint64_t lost;	    /* not received within 1024 later ones, or before the session's end */
	uint64_t reordered; /* received after a later one */
	uint64_t late;	    /* received after they were counted as lost */
};

/** Where the route to a peer's endpoint leads. */
enum status_leads {
	STATUS_LEADS_OUT,     /* to the underlay, as far as can be seen */
	STATUS_LEADS_UNKNOWN, /* through our bridge, to a next hop that was not found yet */
	STATUS_LEADS_SEGMENT, /* into the segment that the tunnel carries */
	STATUS_LEADS_TUNNEL,  /* into the WireGuard interface */
	STATUS_LEADS_COUNT
};

/** The route to a peer's endpoint. */
struct status_route {
	enum status_leads leads;
	char interface[STATUS_IFNAME_LEN]; /* by which; empty if it leads out, or in part */
	char sent_by[STATUS_IFNAME_LEN];   /* the interface used instead; empty: none */
};

/** Frames that wait, as the link to a peer is slower than their senders. */
struct status_queue {
	uint64_t rate;	       /* bits per second of frames that have left it lately */
	uint64_t backlog;      /* bytes that wait */
	uint64_t delay_p50_us; /* what half of the frames have waited at most lately, */
	uint64_t delay_p99_us; /* and 99 percent */
	uint64_t packets;      /* frames that have left it */
	uint64_t dropped;
	uint64_t marked; /* frames sent with a mark of congestion (ECN) */
};

/** One WireGuard peer. */
struct status_peer {
	char name[STATUS_PEER_NAME_LEN]; /* in the file; empty: none */
	uint8_t public_key[KEY_LEN];
	bool has_psk;
	struct endpoint endpoint;	     /* family 0: none yet */
	char endpoint_name[STATUS_HOST_LEN]; /* configured "host:port"; empty: an address */
	struct status_prefixes allowed_ips;
	enum status_peer_state state;
	struct wall last_handshake; /* sec 0: never */
	uint64_t handshake_age_ms;  /* by the monotonic clock; only if there has been one */
	uint64_t rx_bytes; /* UDP payload of every WireGuard message, handshakes included */
	uint64_t tx_bytes;
	uint16_t keepalive_s; /* PersistentKeepalive; 0: off */
	struct status_route route;
	struct status_path path;
	struct status_queue queue;
	struct status_arrivals arrivals;
};

/** One L2TPv3 tunnel. */
struct status_tunnel {
	uint32_t tunnel_id;
	uint32_t peer_tunnel_id;
	enum l2tp_encap encap;
	struct ip_addr local;
	struct ip_addr remote;
	uint16_t source_port;	   /* 0 but for UDP */
	uint16_t destination_port; /* 0 but for UDP */
	bool udp_checksum;
	uint64_t unknown_sessions;     /* packets for a session id that we do not have */
	uint32_t last_unknown_session; /* the id in the latest of them; 0: none yet */
	uint64_t control_messages;     /* the peer runs a signalled L2TP */
	uint64_t bad_checksums;	       /* packets with a wrong UDP checksum */
};

/** One L2TPv3 session and its interface. tx: from the members to the peer; rx: from the peer. */
struct status_session {
	char name[STATUS_IFNAME_LEN];
	uint32_t tunnel_id; /* of the tunnel it belongs to */
	uint32_t session_id;
	uint32_t peer_session_id;
	uint8_t cookie_len;	 /* bytes we send; the value is a secret */
	uint8_t peer_cookie_len; /* bytes we expect */
	struct l2tp_options options;
	uint32_t mtu;	       /* of the interface */
	uint32_t budget;       /* largest IP packet that an untagged frame carries unfragmented */
	uint16_t mss4;	       /* what clamping writes into SYNs of IPv4, untagged: ClampMSS, or
				* what fits the budget */
	uint16_t mss6;	       /* the same for IPv6 */
	uint64_t mss_clamped;  /* SYNs whose MSS was lowered */
	uint64_t too_big_sent; /* ICMP too-big replies to members */
	uint64_t fragmented;   /* frames that left in fragments inside the tunnel */
	uint64_t fragments_tx; /* the fragments of these */
	uint64_t fragments_rx; /* fragments that came in, of frames that were completed */
	uint64_t reassembled;  /* frames put together from these */
	uint64_t reordered;    /* frames that came out of sequence */
	uint64_t dropped_tx;   /* frames of members that were dropped, for any reason */
	uint64_t dropped_rx;   /* frames for members that were dropped, for any reason */
	uint64_t wrong_cookie; /* packets dropped for it */
	uint64_t bad_length;   /* packets too short or too long for the session */
	uint64_t sublayer_suspected; /* frames that look as if the peer had the other sublayer */
	uint64_t with_sequence;	     /* frames that carried a sequence number */
	uint64_t without_sequence;   /* frames that could have, and did not */
	uint64_t lost;		     /* numbers skipped in the received sequence */
	struct status_traffic tx;    /* Ethernet frames, after segmentation */
	struct status_traffic rx;
};

/** State of a bridge's port, or of an interface that should be one. */
enum status_port_state {
	STATUS_PORT_FORWARDING,
	STATUS_PORT_LEARNING,  /* spanning tree or forward delay: it forwards soon */
	STATUS_PORT_LISTENING, /* likewise */
	STATUS_PORT_BLOCKING,  /* by the spanning tree */
	STATUS_PORT_DISABLED,  /* up and with carrier, but disabled as a port */
	STATUS_PORT_DOWN,      /* administratively down */
	STATUS_PORT_NO_CARRIER,
	STATUS_PORT_OUTSIDE,   /* not a port of any bridge */
	STATUS_PORT_ELSEWHERE, /* a port of another bridge: see `master` */
	STATUS_PORT_ABSENT,    /* there is no such interface */
	STATUS_PORT_STATE_COUNT
};

/** One port of the bridge, or an interface that the configuration wants as one. */
struct status_member {
	char name[STATUS_IFNAME_LEN];
	uint32_t mtu;
	bool up;       /* administratively up and with carrier */
	bool session;  /* one of our L2TP interfaces, not a local NIC */
	bool isolated; /* exchanges no frames with other isolated ports */
	enum status_port_state state;
	char master[STATUS_IFNAME_LEN]; /* the other bridge it is a port of; empty: none */
};

/** A bridge. */
struct status_bridge {
	char name[STATUS_IFNAME_LEN];
	uint32_t mtu;
	bool stp;
	bool adopted; /* made by another program */
	bool multicast_snooping;
	char forward_control[32]; /* protocols, as in the file; "": none */
	struct status_prefixes addresses;
	struct status_member *members;
	size_t members_len;
};

/** What is done about a difference between the configuration and the host. */
enum status_remedy {
	STATUS_REMEDY_RESTORE, /* it is being restored */
	STATUS_REMEDY_WAIT,    /* for a member that does not exist yet */
	STATUS_REMEDY_LEAVE,   /* nothing: it is only reported */
	STATUS_REMEDY_COUNT
};

/** A difference between the configuration and the host. */
struct status_difference {
	char kind[STATUS_IFNAME_LEN]; /* "absent", "down", "port" … */
	char name[STATUS_IFNAME_LEN]; /* of the interface, in the configuration */
	char text[STATUS_TEXT_LEN];   /* a sentence without a full stop */
	char hint[STATUS_HINT_LEN];   /* what to do about it, or why it cannot be restored */
	enum status_remedy remedy;
};

/** The MTU budget, from the outside in. */
struct status_budget {
	uint32_t outer_mtu;  /* path MTU of the underlay */
	bool outer_ipv6;     /* outer headers counted: IPv6, else IPv4 */
	bool outer_measured; /* known from the path, else assumed */
	uint32_t wg_mtu;     /* largest packet in one WireGuard message */
	uint32_t inner_ip;   /* smallest `budget` of all sessions; 0 without sessions */
	uint16_t mss4;	     /* for inner_ip */
	uint16_t mss6;
};

/** Counters of the engine: packets, batches and system calls. */
struct status_engine {
	uint64_t superframes_tx; /* frames or superframes read from TAP and TUN */
	uint64_t segments_tx;	 /* packets these were cut into */
	uint64_t datagrams_tx;	 /* handed to UDP: these packets or their fragments, and our own */
	uint64_t trains_tx;	 /* UDP sends (each one or many datagrams) */
	uint64_t batches_tx;	 /* times the tx path ran */
	uint64_t trains_rx;	 /* UDP receives (each one or many datagrams) */
	uint64_t segments_rx;	 /* datagrams in these, of any kind */
	uint64_t superframes_rx; /* frames or superframes written to TAP and TUN */
	uint64_t batches_rx;	 /* times the rx path ran */
	uint64_t fragments_rx;	 /* fragments inside the tunnel that came in, joined or not */
	uint64_t handshakes_tx;	 /* initiations, responses and cookie replies sent */
	uint64_t handshakes_rx;	 /* messages other than data that came in */
	uint64_t syscalls;	 /* reads, writes, sends and receives altogether */
	uint64_t wakeups;	 /* returns of epoll_wait */
	uint64_t memory_bytes;	 /* engine memory, fixed at start */
};

/** A confined process of the site; the site's own pid is that of the monitor. */
struct status_process {
	char role[16]; /* "engine", "keys", "resolver" */
	uint32_t pid;
	uint32_t user;			   /* its uid */
	char confinement[STATUS_TEXT_LEN]; /* what is in force, as words */
};

/** A message to the user: a fault or degradation, and a hint. */
struct status_warning {
	char text[STATUS_TEXT_LEN];
};

/** The whole report. Zero-initialised it is empty. status_add_*() allocate the arrays,
 * status_report_fini() frees them. Contains no secret. Counters that the back end does not have are
 * STATUS_ABSENT. */
struct status_report {
	char site[STATUS_IFNAME_LEN * 4]; /* NAME of the configuration */
	char version[32];
	char backend[16];		      /* "userspace", "kernel" */
	char backend_reason[STATUS_TEXT_LEN]; /* why this one */
	char aead[32];			      /* name of the AEAD provider in use */
	uint64_t uptime_ms;		      /* absent without a process */
	uint32_t pid;			      /* 0: the site has no process */
	bool stopped; /* nor has it its WireGuard interface any more: nothing passes */
	struct status_offloads offloads;
	struct status_wg wg;
	struct status_peer *peers;
	size_t peers_len;
	struct status_tunnel *tunnels;
	size_t tunnels_len;
	struct status_session *sessions;
	size_t sessions_len;
	struct status_bridge *bridges;
	size_t bridges_len;
	struct status_budget budget;
	struct status_engine engine;
	struct drop_counters drops;
	struct drop_counters drop_ages_ms; /* how long ago each reason last occurred; 0: never */
	struct status_process *processes;
	size_t processes_len;
	struct status_difference *differences;
	size_t differences_len;
	struct status_warning *warnings;
	size_t warnings_len;
};

/** Whether something was counted: neither 0 nor absent. */
static inline bool status_counted(uint64_t count)
{
	return count && count != STATUS_ABSENT;
}

/** The sum of two counters; one that is absent adds nothing. Absent if both are. */
static inline uint64_t status_sum(uint64_t a, uint64_t b)
{
	return a == STATUS_ABSENT ? b : b == STATUS_ABSENT ? a : a + b;
}

/** The share of a peer's messages that were not delivered, in parts per million. */
static inline uint64_t status_loss_ppm(const struct status_arrivals *a)
{
	uint64_t missing = a->lost > a->late ? a->lost - a->late : 0;

	return missing ? (uint64_t)((double)missing * 1e6 / ((double)a->received + (double)missing))
		       : 0;
}

/** Mark the engine's counters, offloads and drops as absent: another back end carries the site. */
void status_set_no_engine(struct status_report *r);

/** Append a zeroed peer. Return: the peer, valid until the next call; NULL if out of memory. */
struct status_peer *status_add_peer(struct status_report *r);

/** Append a zeroed tunnel. Return: as status_add_peer(). */
struct status_tunnel *status_add_tunnel(struct status_report *r);

/** Append a zeroed session. Return: as status_add_peer(). */
struct status_session *status_add_session(struct status_report *r);

/** Append a zeroed bridge. Return: as status_add_peer(). */
struct status_bridge *status_add_bridge(struct status_report *r);

/** Append a zeroed port to a bridge. Return: as status_add_peer(). */
struct status_member *status_add_member(struct status_bridge *bridge);

/** Append a zeroed process. Return: as status_add_peer(). */
struct status_process *status_add_process(struct status_report *r);

/** Append a zeroed difference. Return: as status_add_peer(). */
struct status_difference *status_add_difference(struct status_report *r);

/** What people call the peer: its name, or its key as text, which is written into `key`. */
const char *status_peer_label(const struct status_peer *peer, char key[static KEY_BASE64_LEN + 1]);

/** Whether it is a port of its bridge, and not only wanted as one. */
bool status_is_port(const struct status_member *member);

/** The session with that interface, or NULL. */
const struct status_session *status_session_find(const struct status_report *r, const char *name);

/** The bridge with that name, or NULL. */
const struct status_bridge *status_bridge_find(const struct status_report *r, const char *name);

/** Append a warning, formatted as by printf and truncated to STATUS_TEXT_LEN. Return: 0 or
 * -ENOMEM. */
int status_add_warning(struct status_report *r, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/** Append a prefix to one of the report's lists. Return: 0 or -ENOMEM. */
int status_add_prefix(struct status_prefixes *list, const struct ip_prefix *p);

/** Free the report's memory and make it empty. */
void status_report_fini(struct status_report *r);
