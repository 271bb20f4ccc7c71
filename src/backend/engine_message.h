/* SPDX-License-Identifier: MIT */
/* The messages between the monitor and the engine's process, and the check of their heads.
 *
 * Theory of operation. Both processes are the same program, so numbers have the host's byte order.
 * A message is a head with a few numbers, a body and descriptors, and is sent as one packet or
 * several, each with the head and a part of the body. The monitor asks and the engine replies with
 * RESULT, TEXT or LENT; only PORT goes the other way, and PORT_RESULT back. EVENTS and LOG have no
 * reply.
 * The engine parses what anybody sends, so the monitor believes nothing that it receives: types,
 * lengths and ranges are checked here, by one table for both directions.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/must_check.h"

/** Types of messages. The comments give the used members of the head, and the body. */
enum engine_message_type {
	/* also between programs of two versions, in an upgrade: these numbers stay as they are */
	/* from the monitor: end as planned, when it is quiet or at a time; the reply's body is what
	 * handover_write() has written, and the last that the engine sends */
	ENGINE_HAND_OVER = 1,
	ENGINE_TEXT,   /* from the engine: code; body: the text asked for */
	ENGINE_EVENTS, /* from the engine: value: enum backend_event; body: engine_result_… */
	ENGINE_LOG,    /* from the engine: value: level; body: one line */
	ENGINE_PORT,   /* from the engine: code: enum engine_port_action; value: mark; port */
	ENGINE_PORT_RESULT, /* from the monitor: code; value: set of enum engine_port_offload; port;
			     * descriptors */
	ENGINE_LEND,	    /* from the monitor that adopts an orphan: pass your descriptors on */
	ENGINE_LENT,	    /* from the engine: the TUN and TAPs, the sockets, and the store; its
			     * body is a 0 for each: descriptors need packets, which need a body */
	/* from the monitor */
	ENGINE_AWAIT,  /* wait for host names; time */
	ENGINE_START,  /* let packets flow; value: firewall mark */
	ENGINE_APPLY,  /* first half of a reload; body: configuration; descriptors: TAPs. With
			     * no body, a descriptor of an interface that was deleted */
	ENGINE_SETTLE, /* second half; code: 0 to sweep, -1 to revert; value: firewall mark */
	ENGINE_REPORT, /* report the status, with the first ENGINE_REPORT_PEERS peers; with a
			   * body, the public key of a peer: only as many peers after that one */
	ENGINE_WG,     /* body: a set request of wg(8) */
	ENGINE_SHOW,   /* a get request of wg(8), in parts as those of ENGINE_REPORT; the last ends
			   * with UAPI_GET_END */
	ENGINE_REPEATED,  /* all such requests have been repeated to a new engine */
	ENGINE_PEERS,	  /* list the peers: the reply's body is an array of struct backend_peer */
	ENGINE_CAPTURE,	  /* start a capture; value: bytes of a packet at most; descriptor: the
			     * client's. Without one: begin to send, as the client has its reply */
	ENGINE_OUTLIVE,	  /* if the monitor is killed, go on for a while, and wait at this socket
			   * for the next one; without a descriptor: end with the monitor */
	ENGINE_TAKE_OVER, /* continue with what an engine has handed over (the body), and with the
			   * stored sessions, before the start */
	ENGINE_LINK,	  /* of wirespan-wg: the interface's state; value: its MTU, and a set of
			   * enum engine_link */
	/* from the engine */
	ENGINE_RESULT, /* code; value: measures in force, after the start; body: engine_result_… */
	/* between the monitor and a guardian, see guardian.h */
	ENGINE_BEGIN, /* from the monitor: body: struct guarded_task, and what follows it */
	ENGINE_BEGUN, /* from the guardian: code; value: the pid; body: its user, a uint32_t */
	ENGINE_ENDED, /* from the guardian: value: the wait status */
	ENGINE_MESSAGE_TYPES
};

/** Another number whenever struct engine_head or one of the first messages changes: a monitor ends
 * an engine with another number without a message. */
#define ENGINE_PROTOCOL 1

/** What the engine asks for with ENGINE_PORT. */
enum engine_port_action {
	ENGINE_PORT_OPEN = 0,  /* open sockets and pass them on; they replace those held */
	ENGINE_PORT_TRY = -1,  /* only try whether that is possible */
	ENGINE_PORT_MARK = -2, /* set the firewall mark of the sockets held */
};

/** Offloads of sockets that are passed on, and which families there are. */
enum engine_port_offload {
	ENGINE_PORT_SEGMENT = 1 << 0,
	ENGINE_PORT_GRO = 1 << 1,
	ENGINE_PORT_IPV4 = 1 << 2,
	ENGINE_PORT_IPV6 = 1 << 3,
};

/** The state of an interface without a site: its MTU, and flags. */
enum engine_link {
	ENGINE_LINK_MTU = 0xffff,
	ENGINE_LINK_UP = 1 << 16,
	ENGINE_LINK_MOVED = 1 << 17, /* it is in another network namespace than the sockets */
	ENGINE_LINK_ANY = 1 << 18,   /* the kernel has chosen its port: any other is acceptable */
};

/** Peers in a part of the status, or of a reply to wg(8): the engine processes packets between two
 * parts, and a part takes it a millisecond or so. */
#define ENGINE_REPORT_PEERS 64

/** Longest packet. */
#define ENGINE_PACKET_MAX ((size_t)32768)

/** Most descriptors in a packet. */
#define ENGINE_PACKET_FDS 64

/** The head of each packet. */
struct engine_head {
	uint32_t type; /* enum engine_message_type */
	uint32_t seq;  /* of the request, also in its reply */
	int32_t code;  /* 0 or -errno, or as above */
	uint32_t value;
	uint64_t time;	 /* a struct mono, in ns */
	uint32_t len;	 /* of the whole body */
	uint32_t offset; /* of this packet's part in it */
	uint32_t port;
	uint32_t fds; /* descriptors of the whole message */
};

/** Who has sent a message. */
enum engine_sender {
	ENGINE_FROM_MONITOR = 0,
	ENGINE_FROM_ENGINE,
};

/**
 * Decode and check the head of a packet of `len` bytes with `n_fds` descriptors. `before`: the head
 * of the message's last packet, NULL for the first packet of a message; `have`: descriptors of the
 * message so far.
 * Return: 0, and the packet's part of the body follows the head; or -EBADMSG.
 */
MUST_CHECK int engine_head_decode(enum engine_sender from, const uint8_t *packet, size_t len,
	size_t n_fds, const struct engine_head *before, size_t have, struct engine_head *ret);

/** Whether the packet with that head, of `len` bytes, is the last of its message. */
bool engine_head_is_last(const struct engine_head *head, size_t len);

/** The MTUs of the interfaces; see struct host_mtus. */
struct engine_mtus {
	uint32_t wg;
	uint32_t *sessions; /* `n` of them */
	size_t n;
};

/** The length of a body of MTUs (NULL: none) and, if `e` is not NULL, the sentences of an error. */
size_t engine_result_len(const struct engine_mtus *mtus, const struct error *e);

/** Write that body into `ret`. */
void engine_result_encode(const struct engine_mtus *mtus, const struct error *e, uint8_t *ret);

/**
 * Decode such a body. Without MTUs `ret` stays as it is; otherwise they must be of `ret->n`
 * sessions. `ret_error` may be NULL if the body has no sentences; control characters in them become
 * question marks.
 * Return: 0; or -EBADMSG, and `ret` is unchanged.
 */
MUST_CHECK int engine_result_decode(
	const uint8_t *body, size_t len, struct engine_mtus *ret, struct error *ret_error);
