/* SPDX-License-Identifier: MIT */
/* Test data: members at both sites of the sample, whose frames pass. */
#pragma once

#include <linux/netfilter.h>

#include "judge/sample.h"

#define SAMPLE_PASS                                                                                \
	{                                                                                          \
		1, 1, 1, 1                                                                         \
	}

/** A host on a port: the last byte of its addresses is `n`. */
static inline void sample_add_station(struct observed_port *p, uint8_t n, bool gateway)
{
	struct observed_station *s = &p->stations[p->n_stations++];

	*s = (struct observed_station){ .mac = { 2, 0, 0, 0, 0, n },
		.ip4 = { .family = AF_INET, .bytes = { 10, 0, 2, n } },
		.ip6 = { .family = AF_INET6, .bytes = { 0xfe, 0x80, [15] = n } },
		.gateway = gateway,
		.echo = { 3, 3, 100, 300, 100 } };
}

/** Members at both sites, whose frames pass. */
static inline void sample_populate(struct observations *f)
{
	struct observed_crossing *x;

	for (size_t i = 0; i < 2; i++) {
		strcpy(f->ports[i].bridge, "br-l2tp0");
		f->ports[i].mtu = 1500;
		f->ports[i].probed = true;
		f->ports[i].session = i == 0;
	}
	sample_add_station(&f->ports[0], 21, true);
	sample_add_station(&f->ports[0], 22, false);
	sample_add_station(&f->ports[1], 12, false);
	f->crossings = calloc(2, sizeof(*f->crossings));
	f->n_crossings = 2;
	for (size_t i = 0; i < 2; i++) {
		x = &f->crossings[i];
		*x = (struct observed_crossing){ .in = !i, .out = i, .large = 1500 };
		for (unsigned k = 0; k < OBSERVED_KINDS; k++)
			x->kinds[k] = (struct observed_passage)SAMPLE_PASS;
		x->from = i ? f->ports[0].stations[1] : f->ports[1].stations[0];
		x->to = i ? f->ports[1].stations[0] : f->ports[0].stations[1];
	}
}

/** A chain whose policy is drop. */
static inline void sample_add_chain(struct observations *f, uint8_t family, const char *name)
{
	struct observed_filter *v = &f->host.filters[f->host.n_filters++];

	*v = (struct observed_filter){
		.kind = FILTER_NFT, .family = family, .hook = NF_INET_FORWARD, .drops = true
	};
	strcpy(v->name, name);
}

/** No frame of a kind leaves this host, with what it carries. */
static inline void sample_lose(struct observed_crossing *x, enum observed_kind kind)
{
	x->kinds[kind] = (struct observed_passage){ .sent = 3 };
	x->kinds[OBSERVED_LARGE] = (struct observed_passage){ 0 }; /* not tried then */
	x->kinds[OBSERVED_LARGE6] = (struct observed_passage){ 0 };
	for (unsigned k = OBSERVED_TCP; kind == OBSERVED_IP4 && k <= OBSERVED_UDP; k++)
		x->kinds[k] = (struct observed_passage){ .sent = 6 };
	for (unsigned k = OBSERVED_TCP6; kind == OBSERVED_IP6 && k <= OBSERVED_UDP6; k++)
		x->kinds[k] = (struct observed_passage){ .sent = 6 };
}
