/* SPDX-License-Identifier: MIT */
/* Parsing requests of WireGuard's cross-platform configuration protocol, as wg(8) sends them. */
#pragma once

#include "base/addr.h"
#include "base/keytext.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UAPI_PEERS_MAX	  (1U << 16) /* per request */
#define UAPI_PREFIXES_MAX (1U << 20) /* per request, of all peers together */
#define UAPI_ZONE_LEN	  16	     /* of an interface's name, with its NUL */

/** One allowed_ip line. */
struct uapi_prefix {
	struct ip_prefix prefix;
	bool remove; /* "-" before it */
};

/** The section of one peer. The members apply in this order, regardless of the order of the
 * lines. */
struct uapi_peer {
	uint8_t public_key[KEY_LEN];
	bool update_only; /* ignore the section if the peer does not exist */
	bool remove;	  /* remove the peer; all other members are ignored */
	bool has_psk;
	uint8_t psk[KEY_LEN]; /* all zero: none */
	bool has_endpoint;
	struct endpoint endpoint;
	char zone[UAPI_ZONE_LEN]; /* interface of a link-local endpoint: its scope; or "" */
	bool has_keepalive;
	uint16_t keepalive_s;	  /* 0: off */
	bool replace_allowed_ips; /* remove all existing ones before adding those below */
	struct uapi_prefix *prefixes;
	size_t prefixes_len;
};

/** A set request. */
struct uapi_set {
	bool has_private_key;
	uint8_t private_key[KEY_LEN]; /* all zero: none */
	bool has_listen_port;
	uint16_t listen_port; /* 0: the kernel chooses */
	bool has_fwmark;
	uint32_t fwmark;    /* 0: off */
	bool replace_peers; /* remove all peers before adding those below */
	struct uapi_peer *peers;
	size_t peers_len;
};

/** The result of parsing a line. */
enum uapi_step {
	UAPI_MORE,    /* the request continues */
	UAPI_GET,     /* complete: reply with the whole configuration */
	UAPI_SET,     /* complete and valid: apply `set` */
	UAPI_REFUSED, /* complete, with an error: reply `err`, change nothing */
	UAPI_FOREIGN, /* not this protocol: close the connection without a reply */
};

/** Position in a request. */
enum uapi_state {
	UAPI_AT_START,
	UAPI_IN_GET,
	UAPI_IN_SET,
};

/** A request, parsed line by line. Zero-initialised it expects the first line. */
struct uapi_request {
	enum uapi_state state;
	bool skipping; /* the rest of an overlong line */
	int err;       /* the first error: -EPROTO, -EINVAL, -E2BIG, -ENOMEM; 0 for none */
	struct uapi_set set;
	size_t prefixes; /* number in the whole request */
};

/**
 * Parse the next line, without its newline. After an error the rest of a set request is skipped, up
 * to the blank line that ends it. After any result but UAPI_MORE release the request.
 *
 * Errors are those of wireguard-go: a line without "=" is -EPROTO; an unknown key, a key in the
 * wrong place or an invalid value is -EINVAL. Source: wireguard.com/xplatform.
 */
enum uapi_step uapi_request_line(struct uapi_request *r, const char *line, size_t len);

/**
 * Parse the beginning of a line that is longer than any valid one: an error, -EINVAL. The rest, up
 * to and including the next uapi_request_line(), is skipped.
 */
enum uapi_step uapi_request_overlong(struct uapi_request *r);

/** Wipe and release the request; it expects a first line again. */
void uapi_request_fini(struct uapi_request *r);
