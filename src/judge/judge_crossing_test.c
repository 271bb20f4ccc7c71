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
		"10.0.2.22 answers echo requests of 10.0.2.12, but nothing that was sent by TCP: "
		"that it passes beyond l2tpeth0 is not proved.",
		"`wirespan check` there names a filter that drops it. If it finds none, it is the "
		"firewall of 10.0.2.22, which is no fault of the segment: name a host without one "
		"with --target." },
	{ unanswered_udp, FINDING_NOTE, "member_silent",
		"10.0.2.22 answers echo requests of 10.0.2.12, but nothing that was sent by UDP "
		"over IPv4: that it passes beyond l2tpeth0 is not proved.",
		NULL },
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

/* In every case with one fault there is one error: the cause, without its consequences. */
static void test_once(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
		struct findings findings = { 0 };
		struct observations f;

		sample_fill(&f);
		faults[i].change(&f);
		judge_observations(&f, &findings);
		assert_int_equal(findings_count(&findings, FINDING_ERROR),
			faults[i].severity == FINDING_ERROR);
		findings_fini(&findings);
		observations_fini(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
