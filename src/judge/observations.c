/* SPDX-License-Identifier: MIT */
/* The results of a check's probes and queries, as plain data: the input of the findings. */
#include "judge/observations.h"

#include <stdlib.h>
#include <string.h>

void observations_fini(struct observations *f)
{
	status_report_fini(&f->before);
	status_report_fini(&f->after);
	free(f->peers);
	free(f->sessions);
	free(f->underlays);
	free(f->ports);
	free(f->bridges);
	free(f->crossings);
	memset(f, 0, sizeof(*f));
}

const struct status_tunnel *observed_tunnel_of(
	const struct status_report *r, const struct status_session *s)
{
	for (size_t i = 0; i < r->tunnels_len; i++)
		if (r->tunnels[i].tunnel_id == s->tunnel_id)
			return &r->tunnels[i];
	return NULL;
}

const struct status_bridge *check_bridge_of(const struct status_report *r, const char *port)
{
	for (size_t b = 0; b < r->bridges_len; b++)
		for (size_t m = 0; m < r->bridges[b].members_len; m++)
			if (!strcmp(r->bridges[b].members[m].name, port) &&
				status_is_port(&r->bridges[b].members[m]))
				return &r->bridges[b];
	return NULL;
}

struct observed_port *observed_port_named(const struct observations *f, const char *name)
{
	for (size_t i = 0; i < f->n_ports; i++)
		if (!strcmp(f->ports[i].name, name))
			return &f->ports[i];
	return NULL;
}

const struct check_bridge *observed_bridge_named(const struct observations *f, const char *name)
{
	for (size_t i = 0; i < f->n_bridges; i++)
		if (!strcmp(f->bridges[i].name, name))
			return &f->bridges[i];
	return NULL;
}

/* How useful a station is for further probes. */
static unsigned rank(const struct observed_station *s, const struct ip_addr *target)
{
	bool named = target->family &&
		     (ip_addr_equal(&s->ip4, target) || ip_addr_equal(&s->ip6, target));

	return 8U * named + 4U * (s->echo.received > 0) + 2U * !s->gateway + (s->ip4.family != 0);
}

struct observed_station *observed_main_station(
	struct observed_port *port, const struct ip_addr *target)
{
	struct observed_station *best = NULL;

	for (unsigned i = 0; i < port->n_stations && i < OBSERVED_STATIONS; i++)
		if (!best || rank(&port->stations[i], target) > rank(best, target))
			best = &port->stations[i];
	return best;
}

bool observed_is_sender(const struct observed_station *s)
{
	static const uint8_t zero[LINK_MAC_LEN];

	return !(s->mac[0] & 1) && memcmp(s->mac, zero, LINK_MAC_LEN) != 0;
}

const char *observed_station_text(
	const struct observed_station *s, char ret[static IP_ADDR_TEXT_LEN])
{
	return ip_addr_text(s->ip4.family ? &s->ip4 : &s->ip6, ret);
}

void observed_passage_note(struct observed_passage *p, enum observed_step step, bool alone)
{
	unsigned *steps[] = { &p->crossed, &p->answered, &p->delivered };

	if (*steps[step] < p->sent)
		++*steps[step];
	for (unsigned i = step; !alone && i > 0; i--)
		if (*steps[i - 1] < *steps[i])
			*steps[i - 1] = *steps[i];
}

bool observed_loop(const struct observations *f)
{
	for (size_t i = 0; i < f->n_ports; i++)
		if (f->ports[i].returned && !check_port_is_held(f->ports[i].state))
			return true;
	return false;
}

enum check_port_state check_port_state(const struct observations *f, const char *name)
{
	const struct observed_port *port = observed_port_named(f, name);

	return port ? port->state : CHECK_PORT_UNKNOWN;
}

bool check_port_is_held(enum check_port_state state)
{
	return state != CHECK_PORT_UNKNOWN && state != CHECK_PORT_FORWARDING;
}

bool check_is_settling(const struct observations *f, const struct status_bridge *bridge)
{
	for (size_t i = 0; i < bridge->members_len; i++) {
		enum check_port_state state = check_port_state(f, bridge->members[i].name);

		if (state == CHECK_PORT_LISTENING || state == CHECK_PORT_LEARNING)
			return true;
	}
	return false;
}

bool observed_reports_match(const struct status_report *a, const struct status_report *b)
{
	if (a->pid != b->pid || a->peers_len != b->peers_len || a->tunnels_len != b->tunnels_len ||
		a->sessions_len != b->sessions_len)
		return false;
	for (size_t i = 0; i < a->peers_len; i++)
		if (memcmp(a->peers[i].public_key, b->peers[i].public_key, KEY_LEN) != 0)
			return false;
	for (size_t i = 0; i < a->sessions_len; i++)
		if (a->sessions[i].tunnel_id != b->sessions[i].tunnel_id ||
			a->sessions[i].session_id != b->sessions[i].session_id)
			return false;
	for (size_t i = 0; i < a->tunnels_len; i++)
		if (a->tunnels[i].tunnel_id != b->tunnels[i].tunnel_id)
			return false;
	return true;
}

enum finding_severity observed_echo_severity(const struct observed_echo *e)
{
	unsigned lost = e->sent - e->received;

	if (!lost)
		return FINDING_OK;
	return lost * 5 > e->sent ? FINDING_ERROR : FINDING_WARNING;
}

void observed_echo_answer(struct observed_echo *e, uint64_t us)
{
	if (!e->received || us < e->min_us)
		e->min_us = us;
	if (us > e->max_us)
		e->max_us = us;
	e->sum_us += us;
	e->received++;
}
