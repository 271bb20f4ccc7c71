/* SPDX-License-Identifier: MIT */
/* The reply to a control request: one line of JSON that says "ok" or "error". */
#ifndef CTLPROTO_REPLY_H
#define CTLPROTO_REPLY_H

#include "ctlproto/status.h"

#include <stdbool.h>
#include <stddef.h>

#define CTL_REPLY_MAX	   (64U << 20) /* bytes that a client reads of a reply */
#define CTL_REPLY_TEXT_LEN 512

/**
 * One reply: {"ok":true,"text":…,"status":{…}} or {"ok":false,"error":…}. It never holds a private
 * or preshared key: no member of it could.
 */
struct ctl_reply {
	bool ok;
	char text[CTL_REPLY_TEXT_LEN]; /* what was done; or what is wrong and what to do about it */
	bool has_status;
	struct status_report status; /* if has_status */
};

/** Say in the reply that the request failed, with a sentence made as by printf. */
void ctl_reply_fail(struct ctl_reply *reply, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/** Write the reply as one line, its newline included. Return: 0 and the line, which the caller
 * releases with free(), or -ENOMEM. */
int ctl_reply_print(const struct ctl_reply *reply, char **ret_line, size_t *ret_len);

/** Read `line[len]` into `ret`, which need not be initialised. Return: 0, and the caller calls
 * ctl_reply_fini(); -EBADMSG (not a reply) or -ENOMEM, and `ret` holds nothing. */
int ctl_reply_parse(const char *line, size_t len, struct ctl_reply *ret);

/** Release what the reply holds and make it an empty one. */
void ctl_reply_fini(struct ctl_reply *reply);

#endif
