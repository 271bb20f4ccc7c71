/* SPDX-License-Identifier: MIT */
/* Tests of the counts of captured L2TP packets. */
#include "judge/inside.h"

#include "judge/sample.h"
#include "pkt/headers.h"

/* The reference session with the kernel's back end: no counters but that of cookies. */
static void fill(struct observations *f)
{
	struct status_report *reports[] = { &f->before, &f->after };

	sample_fill(f);
	for (size_t i = 0; i < ARRAY_LEN(reports); i++) {
		struct status_session *s = &reports[i]->sessions[0];

		s->cookie_len = s->peer_cookie_len = 0;
		s->fragmented = s->reassembled = s->sublayer_suspected = STATUS_ABSENT;
		s->with_sequence = s->without_sequence = STATUS_ABSENT;
		s->wrong_cookie = 5;
		reports[i]->tunnels[0].unknown_sessions = STATUS_ABSENT;
	}
}

/* A packet of the sample's tunnel with this UDP payload. */
static struct wire_read packet(
	const struct observations *f, const uint8_t *payload, size_t len, bool outgoing)
{
	const struct status_tunnel *t = &f->before.tunnels[0];

	return (struct wire_read){ .src = outgoing ? t->local : t->remote,
		.dst = outgoing ? t->remote : t->local,
		.proto = PROTO_UDP,
		.source_port = outgoing ? t->source_port : t->destination_port,
		.destination_port = outgoing ? t->destination_port : t->source_port,
		.payload = payload,
		.payload_len = len };
}

#define HEADER(id) 0, 3, 0, 0, 0, 0, (id) >> 8, (id)&0xff
#define FRAME	   0x00, 0x16, 0x3e, 1, 2, 3, 0x00, 0x16, 0x3e, 4, 5, 6, 8, 0, 0x45, 0, 0, 20
#define SUBLAYER   0, 0, 0, 0
#define NUMBERED   0x40, 0, 0, 1

static const uint8_t ordinary[] = { HEADER(3941), SUBLAYER, FRAME };
static const uint8_t numbered[] = { HEADER(3941), NUMBERED, FRAME };
static const uint8_t bare[] = { HEADER(3941), FRAME };
static const uint8_t unknown[] = { HEADER(4711), SUBLAYER, FRAME };
static const uint8_t outgoing_frame[] = { HEADER(3942), SUBLAYER, FRAME };
static const uint8_t control[] = { 0xc8, 3, 0, 12, 0, 0, 0, 0, 0, 0, 0, 0 };

static void test_counts(void **state)
{
	struct observations f;
	struct wire_read r;
	const struct status_session *s = NULL;

	fill(&f);
	s = &f.after.sessions[0];
	r = packet(&f, ordinary, sizeof(ordinary), false);
	inside_count(&f, &r, false);
	r.fragment = true;
	inside_count(&f, &r, false);
	r = packet(&f, numbered, sizeof(numbered), false);
	inside_count(&f, &r, false);
	r = packet(&f, bare, sizeof(bare), false);
	inside_count(&f, &r, false);
	r = packet(&f, control, sizeof(control), false);
	inside_count(&f, &r, false);
	r = packet(&f, outgoing_frame, sizeof(outgoing_frame), true);
	inside_count(&f, &r, true);
	assert_int_equal(f.sessions[0].inside.fragmented_out, 0);
	r.fragment = true;
	inside_count(&f, &r, true);
	inside_fill(&f, &f.after);
	assert_int_equal(s->fragmented, 1);
	assert_int_equal(s->reassembled, 1);
	assert_int_equal(s->with_sequence, 1);
	assert_int_equal(s->without_sequence, 3);
	assert_int_equal(s->sublayer_suspected, 1);
	assert_int_equal(s->wrong_cookie, 5);
	assert_int_equal(f.after.tunnels[0].unknown_sessions, 0);
	assert_false(f.sessions[0].alien.seen);
	observations_fini(&f);
}

/* Packets that fit no session; those that fit no tunnel are not counted as such. */
static void test_mismatches(void **state)
{
	struct observations f;
	struct wire_read r;

	fill(&f);
	r = packet(&f, unknown, sizeof(unknown), false);
	inside_count(&f, &r, false);
	assert_false(f.sessions[0].alien.seen);
	r.source_port++;
	inside_count(&f, &r, false);
	inside_fill(&f, &f.after);
	assert_int_equal(f.after.tunnels[0].unknown_sessions, 1);
	assert_int_equal(f.after.tunnels[0].last_unknown_session, 4711);
	assert_true(f.sessions[0].alien.seen);
	assert_int_equal(f.sessions[0].alien.source_port, 1703);
	observations_fini(&f);
}

/* Without the sublayer, and over IP. */
static void test_no_sublayer(void **state)
{
	struct observations f;
	struct wire_read r;

	fill(&f);
	f.before.sessions[0].options.sublayer = L2TP_SUBLAYER_NONE;
	f.before.tunnels[0].encap = L2TP_ENCAP_IP;
	r = packet(&f, bare + 4, sizeof(bare) - 4, false);
	r.proto = PROTO_L2TP;
	inside_count(&f, &r, false);
	assert_int_equal(f.sessions[0].inside.sublayer_suspected, 0);
	r = packet(&f, ordinary + 4, sizeof(ordinary) - 4, false);
	r.proto = PROTO_L2TP;
	inside_count(&f, &r, false);
	assert_int_equal(f.sessions[0].inside.sublayer_suspected, 1);
	assert_int_equal(f.sessions[0].inside.with_sequence, 0);
	r = packet(&f, ordinary, sizeof(ordinary), false);
	inside_count(&f, &r, false);
	assert_true(f.sessions[0].alien.seen);
	assert_int_equal(f.sessions[0].alien.encap, L2TP_ENCAP_UDP);
	observations_fini(&f);
}

/* Behind a wrong cookie nothing can be read; what the back end counts stays. */
static void test_misread(void **state)
{
	struct observations f;
	struct wire_read r;

	fill(&f);
	r = packet(&f, bare, sizeof(bare), false);
	inside_count(&f, &r, false);
	f.after.sessions[0].wrong_cookie++;
	f.after.sessions[0].fragmented = 7;
	inside_fill(&f, &f.after);
	assert_int_equal(f.after.sessions[0].sublayer_suspected, 0);
	assert_int_equal(f.after.sessions[0].fragmented, 7);
	observations_fini(&f);
}

/* Every length that a capture may have. */
static void test_truncated(void **state)
{
	struct observations f;
	struct wire_read r;

	fill(&f);
	f.before.sessions[0].peer_cookie_len = 8;
	for (size_t len = 0; len < sizeof(ordinary); len++) {
		uint8_t *copy = malloc(len ? len : 1);

		memcpy(copy, ordinary, len);
		r = packet(&f, copy, len, false);
		inside_count(&f, &r, false);
		free(copy);
	}
	assert_false(f.sessions[0].alien.seen);
	observations_fini(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_mismatches),
		cmocka_unit_test(test_no_sublayer),
		cmocka_unit_test(test_misread),
		cmocka_unit_test(test_truncated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
