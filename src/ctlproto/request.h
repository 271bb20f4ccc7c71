/* SPDX-License-Identifier: MIT */
/* A control request: one line of JSON that names a verb, {"verb":"status"}; {"verb":"capture"} may
 * have a "snap", {"verb":"upgrade"} must have a "program". */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/must_check.h"

#define CTL_REQUEST_MAX 4096 /* bytes of a request, its newline included */
#define CTL_SNAP_MAX	65535
#define CTL_PROGRAM_LEN 1024 /* of a path, with its NUL */

/** Requests to a running site. */
enum ctl_verb {
	CTL_STATUS,  /* report the whole status */
	CTL_DOWN,    /* go down; the connection is closed when done */
	CTL_RELOAD,  /* read the configuration again and apply the changes */
	CTL_CAPTURE, /* send a pcapng file behind the reply, until the client shuts down */
	CTL_UPGRADE, /* go on with another program, which replies when it has taken over */
	CTL_VERB_COUNT
};

/** One request. */
struct ctl_request {
	enum ctl_verb verb;
	uint32_t snap; /* CTL_CAPTURE: bytes of a packet at most; 0 is printed as the default */
	int stream;    /* CTL_CAPTURE and CTL_UPGRADE, in the server: the connection, the handler's;
			* else -1 */
	char program[CTL_PROGRAM_LEN]; /* CTL_UPGRADE: the absolute path of the program */
};

/**
 * Parse `line[len]`, without its newline.
 * Return: 0; -EBADMSG (not a JSON object with a "verb", or larger than CTL_REQUEST_MAX);
 * -EOPNOTSUPP (unknown verb); -EINVAL (unknown key, which must not be ignored); -ENOMEM. `ret` is
 * untouched on failure.
 */
MUST_CHECK int ctl_request_parse(const char *line, size_t len, struct ctl_request *ret);

/** Write the request as one line with its newline and a NUL into `buf[size]`. Return: its length;
 * -ENOSPC; or -EINVAL for a path with quotation marks, backslashes or control characters. */
MUST_CHECK int ctl_request_print(const struct ctl_request *request, char *buf, size_t size);
