/* SPDX-License-Identifier: MIT */
/* Intervals between the queries of a host name. Pure.
 *
 * After a failure the next query is due at growing intervals. A change of links or routes makes one
 * due earlier, and the intervals short again, because it may succeed now. If such events do not
 * end, the queries that they cause have growing intervals, too, whether they succeed or not.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/mono.h"

/** First and longest interval. */
#define DNS_RETRY_MIN (1 * NS_PER_S)
#define DNS_RETRY_MAX (60 * NS_PER_S)

/** Longest interval between queries that events cause. */
#define DNS_RETRY_EVENT_MAX (10 * NS_PER_S)

/** The intervals of one name. Initialise it with dns_retry_init(). */
struct dns_retry {
	uint64_t failure_ns; /* from the next failure to the query after it */
	uint64_t event_ns;   /* from a query to one that an event causes, at least */
	struct mono asked;   /* the last query */
	bool disturbed;	     /* an event came since the last answer */
	bool missed;	     /* an event came while the query is pending */
};

/** Initialise. */
void dns_retry_init(struct dns_retry *r);

/** A query is sent. */
void dns_retry_asked(struct dns_retry *r, struct mono now);

/** The query is answered, or has failed. Return: when the next one is due; MONO_NEVER after an
 * answer. */
struct mono dns_retry_answered(struct dns_retry *r, bool failed, struct mono now);

/** Links or routes have changed, so that a query is wanted at `at`. `pending`: one is sent already.
 * Return: when it may be sent; MONO_NEVER if one is pending. */
struct mono dns_retry_event(struct dns_retry *r, bool pending, struct mono at);
