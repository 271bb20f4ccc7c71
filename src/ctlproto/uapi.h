/* SPDX-License-Identifier: MIT */
/* Requests of WireGuard's cross-platform configuration protocol, as wg(8) sends them. */
#ifndef CTLPROTO_UAPI_H
#define CTLPROTO_UAPI_H

#include "base/addr.h"
#include "base/keytext.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UAPI_PEERS_MAX	  (1U << 16) /* in one request */
#define UAPI_PREFIXES_MAX (1U << 20) /* in one request, of all peers together */
#define UAPI_ZONE_LEN	  16	     /* of an interface's name, with its NUL */

/** One allowed_ip line. */
struct uapi_prefix {
	struct ip_prefix prefix;
	bool remove; /* "-" before it */
};

/** One section of a peer. What follows applies in this order, whatever the order of the lines. */
struct uapi_peer {
	uint8_t public_key[KEY_LEN];
	bool update_only; /* if there is no such peer, ignore the section */
	bool remove;	  /* remove the peer; nothing else counts */
	bool has_psk;
	uint8_t psk[KEY_LEN]; /* all zero: none */
	bool has_endpoint;
	struct endpoint endpoint;
	char zone[UAPI_ZONE_LEN]; /* interface of a link-local endpoint: its scope; or "" */
	bool has_keepalive;
	uint16_t keepalive_s;	  /* 0: off */
	bool replace_allowed_ips; /* take away all it has, before those below */
	struct uapi_prefix *prefixes;
	size_t prefixes_len;
};

/** A set request. */
struct uapi_set {
	bool has_private_key;
	uint8_t private_key[KEY_LEN]; /* all zero: none */
	bool has_listen_port;
	uint16_t listen_port; /* 0: the system chooses */
	bool has_fwmark;
	uint32_t fwmark;    /* 0: off */
	bool replace_peers; /* take away all peers, before those below */
	struct uapi_peer *peers;
	size_t peers_len;
};

/** What a line makes of a request. */
enum uapi_step {
	UAPI_MORE,    /* go on with the next line */
	UAPI_GET,     /* complete: tell everything */
	UAPI_SET,     /* complete and without a mistake: apply `set` */
	UAPI_REFUSED, /* complete, with a mistake: reply `err`, change nothing */
	UAPI_FOREIGN, /* not this protocol: hang up without a reply */
};

/** Where a request is being read. */
enum uapi_state {
	UAPI_AT_START,
	UAPI_IN_GET,
	UAPI_IN_SET,
};

/** A request, line by line. Zero-initialised it waits for the first. */
struct uapi_request {
	enum uapi_state state;
	bool skipping; /* what is left of a line that is too long */
	int err;       /* the first mistake: -EPROTO, -EINVAL, -E2BIG, -ENOMEM; 0 for none */
	struct uapi_set set;
	size_t prefixes; /* in the whole request */
};

/**
 * Take the next line, without its newline. After a mistake the rest of a set request is skipped, up
 * to the blank line that ends it. After anything but UAPI_MORE the request is to be released.
 *
 * Mistakes are judged as wireguard-go does: a line without "=" is -EPROTO, an unknown key, a key in
 * the wrong place or a value that does not fit is -EINVAL. Source: wireguard.com/xplatform.
 */
enum uapi_step uapi_request_line(struct uapi_request *r, const char *line, size_t len);

/**
 * Take the beginning of a line that is longer than anything that can be right. It is a mistake,
 * -EINVAL; what comes up to and with the next uapi_request_line() is skipped.
 */
enum uapi_step uapi_request_overlong(struct uapi_request *r);

/** Wipe and release what the request holds; it waits for a first line again. */
void uapi_request_fini(struct uapi_request *r);

#endif
