/* SPDX-License-Identifier: MIT */
/* Tests of findings about switches whose spanning tree blocks their port to a gateway. */
#include "judge/judge_tree.h"

#include "judge/sample.h"

/* Gateways at both sites, and no member found yet. */
static void join(struct observations *f)
{
	struct observed_port *far = &f->ports[0];

	for (size_t i = 0; i < 2; i++) {
		strcpy(f->ports[i].bridge, "br-l2tp0");
		f->ports[i].mtu = 1500;
		f->ports[i].probed = true;
	}
	far->session = true;
	far->n_stations = 1;
	far->stations[0] = (struct observed_station){ .mac = { 2, 0, 0, 0, 0, 21 },
		.ip4 = { .family = AF_INET, .bytes = { 10, 0, 2, 21 } },
		.gateway = true,
		.echo = { 3, 3, 100, 300, 100 } };
}

static void add_member(struct observed_port *p, uint8_t n)
{
	p->stations[p->n_stations++] = (struct observed_station){ .mac = { 2, 0, 0, 0, 0, n },
		.ip4 = { .family = AF_INET, .bytes = { 10, 0, 2, n } },
		.echo = { 3, 3, 100, 300, 100 } };
}

/* No host is found behind the session, but a switch there, below its ports. */
static void block_far(struct observations *f)
{
	join(f);
	add_member(&f->ports[1], 12);
	f->ports[0].blocked = (struct ip_addr){ .family = AF_INET, .bytes = { 10, 0, 2, 22 } };
}

static void block_far_with_detour(struct observations *f)
{
	block_far(f);
	strcpy(f->ports[0].detour, "eth1");
}

static void block_near(struct observations *f)
{
	join(f);
	add_member(&f->ports[0], 22);
	f->ports[1].blocked = (struct ip_addr){ .family = AF_INET, .bytes = { 10, 0, 2, 12 } };
	strcpy(f->ports[1].detour, "l2tpeth0");
}

static const struct fault faults[] = {
	{ block_far, FINDING_ERROR, "other_path",
		"The spanning tree of the switch 10.0.2.22, behind l2tpeth0, blocks its port to "
		"the gateway there, and no other path leads to it: members there are cut off.",
		"10.0.2.22 has another path to this side that carries its spanning tree, but no "
		"members' frames: repair or remove that path." },
	{ block_far_with_detour, FINDING_WARNING, "other_path",
		"The spanning tree of the switch 10.0.2.22, behind l2tpeth0, blocks its port to "
		"the gateway there. It is reached by eth1: members of both sides use another path "
		"than the pseudowire, which is in reserve.",
		"If they are to use the pseudowire: on 10.0.2.22, give the port to the gateway "
		"there a lower path cost than the other path has, or remove that path." },
	{ block_near, FINDING_WARNING, "other_path",
		"The spanning tree of the switch 10.0.2.12, behind eth1, blocks its port to this "
		"gateway. It is reached by l2tpeth0: members of both sides use another path than "
		"the pseudowire, which is in reserve.",
		NULL },
};

static void test_faults(void **state)
{
	(void)state;
	sample_check_faults(faults, ARRAY_LEN(faults));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_faults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
