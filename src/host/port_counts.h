/* SPDX-License-Identifier: MIT */
/* Count frames of members that our bridges drop before they reach a session.
 *
 * Theory of operation. The kernel does not count these frames: control frames (LLDP, EAPOL, slow
 * protocols) that ForwardControl does not list, and frames that are larger than a session's MTU
 * and its Ethernet header with a VLAN tag, if they are not GSO frames.
 * For each member and control protocol there is a packet socket bound to the protocol. A bridge
 * delivers these frames to such sockets exactly if it does not forward them, and other frames do
 * not pass the socket, so it costs nothing. The socket is never read; the kernel counts its frames.
 * Only while a member's MTU is larger than that of a session of its bridge, there is a socket for
 * all of its frames, with a filter for the length. It is read once a second, up to its small
 * receive buffer, because only the header of a packet shows whether it is a GSO frame. So the cost
 * is limited, and the count is a lower bound. The forwarding table of the bridge shows whether a
 * unicast frame was for a session, for another member or for the bridge itself; only the first, and
 * those that the bridge floods, are counted. A reading asks for at most 16 addresses; unicast
 * frames to further ones are not counted. Large frames on a bridge that filters VLANs are not
 * counted either: its table and its flooding are those of a frame's VLAN, which the socket does not
 * show.
 * There are at most 64 sockets; port_socket.h opens them. Adopted bridges are not observed: their
 * owner decides what they forward.
 */
#pragma once

#include "base/mono.h"
#include "host/difference.h"
#include "pkt/drop.h"

/** A packet socket on a member's port. */
struct port_socket {
	uint32_t ifindex;
	uint16_t protocol; /* Ethernet type; ETH_P_ALL: frames longer than `limit` */
	uint32_t limit;	   /* bytes, with the Ethernet header */
	int fd;
	bool used;    /* by the present configuration */
	bool logged;  /* its first frame was logged */
	uint32_t mtu; /* of the session that limits the length */
	char name[IF_NAMESIZE];
	char bridge[IF_NAMESIZE];
	uint32_t bridge_ifindex;
};

/** The interface of a session, a port of a bridge. */
struct port_session {
	uint32_t ifindex;
	uint32_t mtu;
};

/** The sockets of a site, and what they have counted. Zero is empty; close it with
 * port_counts_close(). */
struct port_counts {
	struct port_socket *v;
	size_t n;
	struct port_session *sessions;
	size_t n_sessions;
	uint64_t control;	/* frames, for DROP_BRIDGE_CONTROL */
	uint64_t large;		/* likewise, for DROP_BRIDGE_OVERSIZE */
	struct mono control_at; /* of the last increase */
	struct mono large_at;
	struct mono due;   /* the next reading, or MONO_NEVER */
	int opener;	   /* while sockets are opened: see port_socket.h; 0: none yet, or -errno */
	struct mono retry; /* when to ask the opener again; never: it has not refused */
	bool failed;	   /* a socket could not be opened, which was logged */
};

/** Open and close sockets as the members and MTUs of a comparison require. */
void port_counts_follow(
	struct port_counts *c, const struct wanted *wanted, const struct host_view *view);

/** Add what was counted since the last call, and log the first frame of each kind and member. `nl`
 * asks for entries of forwarding tables. */
void port_counts_read(struct port_counts *c, struct nl_socket *nl, struct mono now);

/** Add the counts and their ages to a report's. */
void port_counts_report(const struct port_counts *c, struct mono now, struct drop_counters *drops,
	struct drop_counters *ages_ms);

/** Close all sockets. */
void port_counts_close(struct port_counts *c);
