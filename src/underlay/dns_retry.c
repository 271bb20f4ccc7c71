/* SPDX-License-Identifier: MIT */
/* Intervals between the queries of a host name. Pure. */
#include "underlay/dns_retry.h"

static uint64_t longer(uint64_t interval_ns, uint64_t max_ns)
{
	return 2 * interval_ns < max_ns ? 2 * interval_ns : max_ns;
}

/* Return: `at`, but not sooner after the last query than an event may cause the next one. */
static struct mono not_too_soon(const struct dns_retry *r, struct mono at)
{
	struct mono earliest = mono_add(r->asked, r->event_ns);

	return mono_is_set(r->asked) && mono_before(at, earliest) ? earliest : at;
}

void dns_retry_init(struct dns_retry *r)
{
	*r = (struct dns_retry){ .failure_ns = DNS_RETRY_MIN, .event_ns = DNS_RETRY_MIN };
}

void dns_retry_asked(struct dns_retry *r, struct mono now)
{
	r->asked = now;
}

struct mono dns_retry_answered(struct dns_retry *r, bool failed, struct mono now)
{
	struct mono due = MONO_NEVER;

	r->event_ns = r->disturbed ? longer(r->event_ns, DNS_RETRY_EVENT_MAX) : DNS_RETRY_MIN;
	if (failed) {
		due = mono_add(now, r->failure_ns);
		if (r->missed)
			due = mono_earliest(due, not_too_soon(r, now));
		r->failure_ns = longer(r->failure_ns, DNS_RETRY_MAX);
	} else {
		r->failure_ns = DNS_RETRY_MIN;
	}
	r->disturbed = r->missed;
	r->missed = false;
	return due;
}

struct mono dns_retry_event(struct dns_retry *r, bool pending, struct mono at)
{
	r->disturbed = true;
	r->missed |= pending;
	if (r->failure_ns > r->event_ns)
		r->failure_ns = r->event_ns;
	return pending ? MONO_NEVER : not_too_soon(r, at);
}
