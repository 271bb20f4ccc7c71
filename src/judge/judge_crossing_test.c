/* SPDX-License-Identifier: MIT */
/* What frames of one kind prove: lost in this host, or not answered by a far host. */
#include "judge/judge_segment.h"

#include "judge/sample_segment.h"

/* A filter drops what TCP sends, and echo requests pass. */
static void lose_tcp(struct observations *f)
{
	sample_populate(f);
	for (size_t i = 0; i < 2; i++)
		f->crossings[i].kinds[OBSERVED_TCP] = f->crossings[i].kinds[OBSERVED_TCP6] =
			(struct observed_passage){ .sent = 6 };
	sample_add_chain(f, NFPROTO_BRIDGE, "bridge b f");
	f->host.filters[0].drops = false;
}

/* The same over IPv6 alone. What the filter rejects seems to be answered. */
static void lose_tcp6(struct observations *f)
{
	lose_tcp(f);
	for (size_t i = 0; i < 2; i++) {
		f->crossings[i].kinds[OBSERVED_TCP] = (struct observed_passage)SAMPLE_PASS;
		f->crossings[i].kinds[OBSERVED_TCP6].delivered = 6;
	}
}

/* Answers of TCP are lost. */
static void lose_tcp_answers(struct observations *f)
{
	lose_tcp(f);
	for (size_t i = 0; i < 2; i++)
		f->crossings[i].kinds[OBSERVED_TCP] = (struct observed_passage){ 6, 6, 6, 0 };
	f->crossings[0].kinds[OBSERVED_TCP6] = (struct observed_passage)SAMPLE_PASS;
	f->crossings[1].kinds[OBSERVED_TCP6] = (struct observed_passage)SAMPLE_PASS;
}

/* A far host answers no TCP, or no UDP: a filter there, or its own firewall. */
static void leave_unanswered(struct observations *f, enum observed_kind kind)
{
	sample_populate(f);
	for (size_t i = 0; i < 2; i++)
		f->crossings[i].kinds[kind] = (struct observed_passage){ 6, 6, 0, 0 };
}

static void unanswered_tcp(struct observations *f)
{
	leave_unanswered(f, OBSERVED_TCP);
	f->crossings[0].kinds[OBSERVED_TCP6] = (struct observed_passage){ 6, 6, 0, 0 };
}

static void unanswered_udp(struct observations *f)
{
	leave_unanswered(f, OBSERVED_UDP);
}

/* A host that answers TCP alone is asked by it. */
static void unanswered_but_asked(struct observations *f)
{
	leave_unanswered(f, OBSERVED_TCP);
	f->crossings[0].to.tcp_port = 9;
}

/* The reverse: hosts can talk. */
static void lose_icmp(struct observations *f)
{
	sample_populate(f);
	for (size_t i = 0; i < 2; i++)
		f->crossings[i].kinds[OBSERVED_IP4] = (struct observed_passage){ .sent = 6 };
	sample_add_chain(f, NFPROTO_BRIDGE, "bridge b f");
	f->host.filters[0].drops = false;
}

static void lose_icmp_both(struct observations *f)
{
	lose_icmp(f);
	for (size_t i = 0; i < 2; i++)
		f->crossings[i].kinds[OBSERVED_IP6] = (struct observed_passage){ .sent = 6 };
}

static void unanswered_pieces(struct observations *f)
{
	leave_unanswered(f, OBSERVED_PIECES);
}

static void filter_frames(struct observations *f)
{
	sample_populate(f);
	sample_add_chain(f, NFPROTO_BRIDGE, "bridge b f");
	f->host.filters[0].drops = false;
}

/* One direction drops special frames of all kinds. */
static void lose_special(struct observations *f)
{
	filter_frames(f);
	for (unsigned k = OBSERVED_EXPEDITED; k <= OBSERVED_TAGGED; k++)
		if (k != OBSERVED_MULTICAST && k != OBSERVED_BROADCAST)
			f->crossings[0].kinds[k] = (struct observed_passage){ .sent = 6 };
}

static void lose_large6(struct observations *f)
{
	filter_frames(f);
	f->crossings[0].kinds[OBSERVED_LARGE6] = (struct observed_passage){ .sent = 6 };
}

static void lose_large6_beyond(struct observations *f)
{
	filter_frames(f);
	f->crossings[0].kinds[OBSERVED_LARGE6] = (struct observed_passage){ 6, 6, 0, 0 };
}

static void lose_groups(struct observations *f)
{
	filter_frames(f);
	f->crossings[0].kinds[OBSERVED_MULTICAST] = (struct observed_passage){ .sent = 6 };
	f->crossings[0].kinds[OBSERVED_BROADCAST] = (struct observed_passage){ .sent = 6 };
}

/* Ten sizes, from 100 to 1000 bytes, all of which pass. */
static void try_sizes(struct observations *f)
{
	filter_frames(f);
	for (size_t i = 0; i < 2; i++) {
		struct observed_series *s = &f->crossings[i].series;

		for (s->n = 0; s->n < 10; s->n++) {
			s->size[s->n] = (uint16_t)(100 * (s->n + 1));
			s->first[s->n] = s->all[s->n] = (struct observed_passage)SAMPLE_PASS;
		}
	}
}

/* Each is answered at last. */
static void lose_by_chance(struct observations *f)
{
	struct observed_series *s;

	try_sizes(f);
	s = &f->crossings[0].series;
	f->crossings[1].series.n = 0;
	for (unsigned k = 0; k < 4; k++) {
		s->first[k] = (struct observed_passage){ .sent = 1 };
		s->all[k] = (struct observed_passage){ 2, 1, 1, 1 };
	}
	s->n = 10;
	s->first[4] = s->first[5] = (struct observed_passage){ 1, 1, 1, 0 };
	s->first[0].answered = s->first[1].answered = 1; /* as if: ten answers in all */
	s->first[2].answered = s->first[3].answered = 1;
	for (unsigned k = 0; k < 4; k++)
		s->first[k].delivered = 1;
}

static void lose_few(struct observations *f)
{
	try_sizes(f);
	for (unsigned k = 0; k < 2; k++)
		f->crossings[0].series.first[k] = (struct observed_passage){ .sent = 1 };
	for (unsigned k = 0; k < 2; k++)
		f->crossings[0].series.all[k] = (struct observed_passage){ 2, 1, 1, 1 };
	for (unsigned k = 0; k < 10; k++)
		f->crossings[0].series.first[k].answered =
			f->crossings[0].series.first[k].delivered = 0;
}

static void lose_sizes(struct observations *f)
{
	try_sizes(f);
	for (unsigned k = 2; k < 4; k++) {
		f->crossings[0].series.first[k] = (struct observed_passage){ .sent = 1 };
		f->crossings[0].series.all[k] = (struct observed_passage){ .sent = 6 };
	}
}

static void lose_sizes_beyond(struct observations *f)
{
	try_sizes(f);
	for (unsigned k = 2; k < 4; k++) {
		f->crossings[0].series.first[k] = (struct observed_passage){ 1, 1, 0, 0 };
		f->crossings[0].series.all[k] = (struct observed_passage){ 6, 6, 0, 0 };
	}
}

/* A path that loses many frames may lose all of a size. */
static void lose_sizes_and_more(struct observations *f)
{
	lose_sizes_beyond(f);
	for (unsigned k = 5; k < 8; k++)
		f->crossings[0].series.first[k] = (struct observed_passage){ 1, 1, 0, 0 };
}

/* A second host beside the first one on the port to members; it is asked from there. */
static struct observed_crossing *add_further(struct observations *f)
{
	struct observed_crossing *x;

	filter_frames(f);
	f->crossings = realloc(f->crossings, 3 * sizeof(*f->crossings));
	assert_non_null(f->crossings);
	x = &f->crossings[f->n_crossings++];
	sample_add_station(&f->ports[1], 13, false);
	*x = (struct observed_crossing){ .in = 1,
		.out = 0,
		.further = true,
		.from = f->ports[1].stations[1],
		.to = f->crossings[0].to };
	for (unsigned k = 0; k <= OBSERVED_IP6; k++)
		x->kinds[k] = (struct observed_passage)SAMPLE_PASS;
	return x;
}

static void lose_one_host(struct observations *f)
{
	struct observed_crossing *x = add_further(f);

	for (unsigned k = 0; k <= OBSERVED_IP6; k++)
		x->kinds[k] = (struct observed_passage){ .sent = 6 };
}

static void lose_for_one_host(struct observations *f)
{
	add_further(f)->kinds[OBSERVED_IP4] = (struct observed_passage){ 6, 6, 6, 0 };
}

static void lose_one_host_beyond(struct observations *f)
{
	add_further(f)->kinds[OBSERVED_IP4] = (struct observed_passage){ 6, 6, 0, 0 };
}

/* What the first host loses, too, is reported once. */
static void lose_both_hosts(struct observations *f)
{
	lose_one_host_beyond(f);
	f->crossings[0].kinds[OBSERVED_IP4] = (struct observed_passage){ 6, 6, 0, 0 };
}

/* The member there has IPv6 alone: IPv4 passed between the gateway there and the member here. */
static void ip6_alone_there(struct observations *f)
{
	static const enum observed_kind ip4[] = { OBSERVED_ARP, OBSERVED_IP4, OBSERVED_TCP,
		OBSERVED_UDP, OBSERVED_PIECES, OBSERVED_MULTICAST, OBSERVED_BROADCAST };

	sample_populate(f);
	f->crossings[0].to.ip4.family = 0;
	for (size_t i = 0; i < ARRAY_LEN(ip4); i++)
		f->crossings[0].kinds[ip4[i]] = (struct observed_passage){ 0 };
	f->crossings[1].from = f->ports[0].stations[0];
}

static const struct fault faults[] = {
	{ lose_tcp, FINDING_ERROR, "host_drop",
		"This host drops members' frames (TCP) from eth1 to l2tpeth0 and back; these pass: "
		"ARP, IPv4, IPv6 and packets of 1500 bytes. Cause: the nftables chain \"bridge b "
		"f\".",
		"`nft insert rule bridge b f iifname { eth1, l2tpeth0 } accept`" },
	{ lose_tcp6, FINDING_ERROR, "host_drop",
		"This host drops members' frames (TCP over IPv6) from eth1 to l2tpeth0 and back; "
		"these pass: ARP, IPv4, IPv6 and packets of 1500 bytes. Cause: the nftables chain "
		"\"bridge b f\".",
		NULL },
	{ lose_tcp_answers, FINDING_ERROR, "host_drop",
		"This host drops members' frames (TCP over IPv4) from eth1 to l2tpeth0 and back; "
		"these pass: ARP, IPv4, IPv6 and packets of 1500 bytes. Cause: the nftables chain "
		"\"bridge b f\".",
		NULL },
	{ unanswered_tcp, FINDING_WARNING, "member_silent",
		"10.0.2.22 answers echo requests of 10.0.2.12, but none of these: TCP. That they "
		"pass beyond l2tpeth0 is not proved.",
		"`wirespan check` there names a filter that drops them. If it finds none, it is "
		"the firewall of 10.0.2.22, which is no fault of the segment: name a host without "
		"one with --target." },
	{ unanswered_udp, FINDING_NOTE, "member_silent",
		"10.0.2.22 answers echo requests of 10.0.2.12, but none of these: UDP over IPv4. "
		"That they pass beyond l2tpeth0 is not proved.",
		NULL },
	{ unanswered_pieces, FINDING_WARNING, "member_silent",
		"10.0.2.22 answers echo requests of 10.0.2.12, but none of these: fragments. That "
		"they pass beyond l2tpeth0 is not proved.",
		NULL },
	{ lose_special, FINDING_ERROR, "host_drop",
		"This host drops members' frames (packets marked EF, fragments and frames with a "
		"VLAN tag) from eth1 to l2tpeth0; these pass: ARP, IPv4, IPv6 and packets of 1500 "
		"bytes. Cause: the nftables chain \"bridge b f\".",
		NULL },
	{ lose_large6, FINDING_ERROR, "host_drop",
		"This host drops members' frames (packets of 1500 bytes over IPv6) from eth1 to "
		"l2tpeth0; these pass: ARP, IPv4, IPv6 and packets of 1500 bytes. Cause: the "
		"nftables chain \"bridge b f\".",
		NULL },
	{ lose_large6_beyond, FINDING_ERROR, "member_size",
		"Packets of 1500 bytes over IPv6 from 10.0.2.12 get no answer from 10.0.2.22, "
		"beyond l2tpeth0; small ones do.",
		NULL },
	{ lose_groups, FINDING_WARNING, "host_drop",
		"This host drops members' frames (multicasts of IPv4 and broadcasts of IPv4) from "
		"eth1 to l2tpeth0; these pass: ARP, IPv4, IPv6 and packets of 1500 bytes. Cause: "
		"the nftables chain \"bridge b f\".",
		"`nft insert rule bridge b f iifname { eth1, l2tpeth0 } accept`" },
	{ lose_by_chance, FINDING_ERROR, "host_drop",
		"This host loses members' frames by chance: 4 of 10 from eth1 to l2tpeth0, and 2 "
		"of 10 back. Cause: the nftables chain \"bridge b f\".",
		"`nft insert rule bridge b f iifname { eth1, l2tpeth0 } accept`" },
	{ lose_few, FINDING_WARNING, "host_drop",
		"This host loses members' frames by chance: 2 of 20 from eth1 to l2tpeth0. Cause: "
		"the nftables chain \"bridge b f\".",
		NULL },
	{ lose_sizes, FINDING_ERROR, "host_drop",
		"This host drops members' frames (packets of 300 to 400 bytes) from eth1 to "
		"l2tpeth0; others pass. Cause: the nftables chain \"bridge b f\".",
		NULL },
	{ lose_one_host, FINDING_ERROR, "host_drop",
		"This host drops frames of 10.0.2.13 (ARP, IPv4 and IPv6) from eth1 to l2tpeth0; "
		"those of 10.0.2.12 pass. Cause: the nftables chain \"bridge b f\".",
		"`nft insert rule bridge b f iifname { eth1, l2tpeth0 } accept`" },
	{ lose_for_one_host, FINDING_ERROR, "host_drop",
		"This host drops frames for 10.0.2.13 (IPv4) from l2tpeth0 to eth1; those for "
		"10.0.2.12 pass. Cause: the nftables chain \"bridge b f\".",
		NULL },
	{ lose_one_host_beyond, FINDING_ERROR, "member_silent",
		"10.0.2.22 answers this gateway, but not 10.0.2.13 (IPv4): the frames leave by "
		"l2tpeth0, and nothing comes back.",
		NULL },
	{ lose_both_hosts, FINDING_ERROR, "member_silent",
		"10.0.2.22 answers this gateway, but not 10.0.2.12 (IPv4): the frames leave by "
		"l2tpeth0, and nothing comes back.",
		NULL },
	{ lose_sizes_beyond, FINDING_ERROR, "member_size",
		"Packets of 300 to 400 bytes from 10.0.2.12 get no answer from 10.0.2.22, beyond "
		"l2tpeth0; others do.",
		"A filter of packet sizes drops them: `wirespan check` there names one of that "
		"gateway. If it names none, it is on the underlay, where the datagrams with them "
		"are longer by the headers (`wirespan mtu`), or at 10.0.2.22." },
	{ lose_sizes_and_more, FINDING_OK, "members",
		"Frames of 10.0.2.12 (eth1) reach 10.0.2.22 (l2tpeth0) and the answers come back, "
		"through the filters of this host: ARP, IPv4, IPv6 and packets of 1500 bytes.",
		"" },
	{ ip6_alone_there, FINDING_OK, "members",
		"Frames of 10.0.2.12 (eth1) reach fe80::16 (l2tpeth0) and the answers come back, "
		"through the filters of this host: IPv6 and packets of 1500 bytes.",
		"" },
	{ unanswered_but_asked, FINDING_OK, "members",
		"Frames of 10.0.2.12 (eth1) reach 10.0.2.22 (l2tpeth0) and the answers come back, "
		"through the filters of this host: ARP, IPv4, IPv6 and packets of 1500 bytes.",
		"" },
	{ lose_icmp, FINDING_WARNING, "host_drop",
		"This host drops members' frames (ICMP over IPv4, such as echo requests) from eth1 "
		"to l2tpeth0 and back; these pass: ARP, IPv6, TCP over IPv4, UDP over IPv4 and "
		"packets of 1500 bytes. "
		"Cause: the nftables chain \"bridge b f\".",
		"`nft insert rule bridge b f iifname { eth1, l2tpeth0 } accept`" },
	{ lose_icmp_both, FINDING_WARNING, "host_drop",
		"This host drops members' frames (ICMP, such as echo requests) from eth1 to "
		"l2tpeth0 and back; these pass: ARP, neighbour discovery, TCP, UDP and packets of "
		"1500 bytes. Cause: "
		"the nftables chain \"bridge b f\".",
		NULL },
};

static void test_faults(void **state)
{
	sample_check_faults(faults, ARRAY_LEN(faults));
}

static void test_once(void **state)
{
	sample_check_once(faults, ARRAY_LEN(faults));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
