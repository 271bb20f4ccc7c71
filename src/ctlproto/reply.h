/* SPDX-License-Identifier: MIT */
/* The reply to a control request: one line of JSON with "ok" true or false. */
#pragma once

#include "base/must_check.h"
#include "ctlproto/status.h"

#include <stdbool.h>
#include <stddef.h>

#define CTL_REPLY_MAX	   (64U << 20) /* bytes; the longest reply that a client reads */
#define CTL_REPLY_TEXT_LEN 512

/**
 * One reply: {"ok":true,"text":…,"status":{…}} or {"ok":false,"error":…}. It never contains a
 * private or preshared key: no member can hold one.
 */
struct ctl_reply {
	bool ok;
	char text[CTL_REPLY_TEXT_LEN]; /* the result; or the problem and a hint */
	bool has_status;
	struct status_report status; /* if has_status */
};

/** Turn the reply into a failure, with a message formatted as by printf. */
void ctl_reply_fail(struct ctl_reply *reply, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/** Write the reply as one line including its newline. Return: 0 and the line, which the caller
 * frees, or -ENOMEM. */
MUST_CHECK int ctl_reply_print(const struct ctl_reply *reply, char **ret_line, size_t *ret_len);

/** Parse `line[len]` into `ret`, which need not be initialised. Return: 0, then the caller calls
 * ctl_reply_fini(); -EBADMSG (not a reply) or -ENOMEM, then `ret` owns nothing. */
MUST_CHECK int ctl_reply_parse(const char *line, size_t len, struct ctl_reply *ret);

/** Release the reply's memory and make it empty. */
void ctl_reply_fini(struct ctl_reply *reply);
