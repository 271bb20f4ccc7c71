/* SPDX-License-Identifier: MIT */
/* Tests of the three renderings of a status report: the reference site. */
#include "render/render_json.h"
#include "render/render_metrics.h"
#include "render/render_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "ctlproto/fields.h"
#include "ctlproto/status_json.h"
#include "pkt/drop.h"
#include "render/test_render.h"

static const char text_golden[] =
	"site: vpn01\n"
	"  running for     2 h 5 min, pid 4711, wirespan 0.1.0\n"
	"  back end        userspace: this kernel has no \"wireguard\" module\n"
	"  cipher          ChaCha20-Poly1305 by openssl\n"
	"  confined        engine, pid 4712, user 1879048192: own user, no capabilities\n"
	"  offloads        vnet, TSO, UDP GSO, UDP GRO; not in use: USO\n"
	"  warning         the peer sends no sublayer\n"
	"  differs         br-l2tp0 is down (down, br-l2tp0): left as it is\n"
	"                  Find out what changes it.\n"
	"\n"
	"interface: wg0\n"
	"  public key      ERERERERERERERERERERERERERERERERERERERERERE=\n"
	"  listening port  8172\n"
	"  fwmark          0xca6c\n"
	"  addresses       10.0.1.11/24, fd00:1::11/64\n"
	"  MTU             1440\n"
	"  sent            12 packets, 1008 B\n"
	"  received        11 packets, 924 B\n"
	"  too big         2 ICMP messages to senders\n"
	"  dropped         3 from wg0, 0 for wg0\n"
	"\n"
	"peer: IiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiI=\n"
	"  endpoint        192.168.122.32:8172\n"
	"  allowed ips     10.0.1.21/32\n"
	"  route           by br-l2tp0 into the segment that the tunnel carries: sent by eth9 "
	"instead\n"
	"  handshake       1 min 12 s ago, session up\n"
	"  transfer        1.18 GiB received, 3.48 MiB sent\n"
	"  path MTU        1500, measured (11 of 12 probes answered), found smaller 2 times\n"
	"  trains          8 datagrams at most: longer trains are lost on the path\n"
	"  round trip      20,123 us, jitter 456 us\n"
	"  arrivals        123,456 messages, 124 lost (0.0995 %), 5 reordered, 1 late\n"
	"  queue           12.30 KiB wait; delay 3,200 us median, 6,100 us p99; 19,200,000 bit/s\n"
	"  queued          12,345 frames, 67 dropped, 8 marked\n"
	"  keepalive       every 25 s\n"
	"  preshared key   yes\n"
	"\n"
	"peer: MzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzM=\n"
	"  endpoint        vpn.example.org:8172 (no address yet)\n"
	"  allowed ips     (none)\n"
	"  route           by wg0 into the tunnel itself: dropped\n"
	"  handshake       none yet, calling\n"
	"  transfer        0 B received, 0 B sent\n"
	"\n"
	"tunnel: 3939 -> 3940\n"
	"  path            10.0.1.11 port 1701 -> 10.0.1.21 port 1701, L2TPv3 over UDP, without "
	"checksum\n"
	"  unknown session 9 packets, the last with session id 4711\n"
	"  control         3 messages dropped, as this tunnel is a static one\n"
	"  checksum        2 packets with a wrong UDP checksum\n"
	"\n"
	"session: l2tpeth0, 3941 -> 3942 in tunnel 3939\n"
	"  header          sublayer default, cookie of 4 bytes sent and 8 expected, numbers sent\n"
	"  MTU             1500; larger than 1386: fragmented inside the tunnel\n"
	"  TCP MSS         clamped to 1346 (IPv4), 1326 (IPv6): 4 connections\n"
	"  sent            98,765 frames, 1.00 GiB\n"
	"  received        87,654 frames, 512.00 KiB\n"
	"  cut             1,200 frames into 2,400 fragments\n"
	"  put together    2 frames from 4 fragments\n"
	"  too big         5 ICMP messages to members\n"
	"  dropped         0 from members, 3 for members\n"
	"  numbers         87,000 frames with one, 654 without\n"
	"  lost            12 numbers skipped\n"
	"  reordered       2 frames out of sequence\n"
	"  cookie          1,200 packets with a wrong one\n"
	"  length          5 packets too short or too long\n"
	"  sublayer        6 frames as if the peer had the other one\n"
	"\n"
	"session: l2tpeth1, 7 -> 8 in tunnel 3939\n"
	"  header          sublayer none, no cookies, no numbers\n"
	"  split horizon   on: no frames from other such sessions\n"
	"  MTU             1386, nothing is fragmented (1390 would fit)\n"
	"  TCP MSS         not clamped; 1350 (IPv4), 1330 (IPv6) fits\n"
	"  sent            0 frames, 0 B\n"
	"  received        0 frames, 0 B\n"
	"\n"
	"bridge: br-l2tp0\n"
	"  addresses       10.0.2.11/24\n"
	"  MTU             1500\n"
	"  multicast       snooped: to where it was asked for, routers and sessions\n"
	"  control frames  forwarded: lldp, lacp\n"
	"  ports           eth1, MTU 1500, forwarding\n"
	"                  l2tpeth0, MTU 1500, L2TP session, isolated, no carrier\n"
	"\n"
	"MTU budget: 1386\n"
	"  underlay        1500 bytes over IPv4, the route's or measured\n"
	"  WireGuard       1440 bytes: underlay - 60\n"
	"  in a frame      1386 bytes: the largest IP packet that crosses in one piece\n"
	"  TCP MSS         1346 (IPv4), 1326 (IPv6)\n"
	"\n"
	"engine: 20.00 MiB of memory\n"
	"  sending         1,000 reads -> 40,000 packets -> 41,007 datagrams -> 1,010 sends\n"
	"  receiving       900 receives -> 30,000 datagrams -> 950 writes\n"
	"  fragments       7 received inside the tunnel\n"
	"  handshakes      1 message sent, 2 received\n"
	"  batches         400 sending, 500 receiving\n"
	"  system calls    5,000, and 600 wake-ups\n"
	"\n"
	"dropped: 1,234,579\n"
	"         12  wg_replay            seen before: a replay, or a datagram that the network "
	"duplicated\n"
	"  1,234,567  l2tp_cookie          wrong cookie: our PeerCookie must be the peer's "
	"Cookie (last 2 min 5 s ago)\n";

static void test_text(void **state)
{
	const struct render_style plain = { 0 };
	struct status_report r;
	struct written w;

	fill_report(&r);
	begin(&w);
	render_text(w.out, &r, &plain);
	fclose(w.out);
	assert_string_equal(w.text, text_golden);
	free(w.text);
	status_report_fini(&r);
}

/* Colours and arrows change nothing else. */
static void test_text_style(void **state)
{
	const struct render_style style = { .colour = true, .utf8 = true };
	struct status_report r;
	struct written w;
	char *from;
	char *to;

	fill_report(&r);
	begin(&w);
	render_text(w.out, &r, &style);
	fclose(w.out);
	assert_true(strncmp(w.text, "\033[1m", 4) == 0);
	for (from = to = w.text; *from;) {
		if (*from == '\033') {
			from = strchr(from, 'm') + 1;
		} else if (strncmp(from, "→", 3) == 0) {
			from += 3;
			*to++ = '-';
			*to++ = '>';
		} else {
			*to++ = *from++;
		}
	}
	*to = '\0';
	assert_string_equal(w.text, text_golden);
	free(w.text);
	status_report_fini(&r);
}

/* A site with only a name has no empty blocks. */
static void test_text_empty(void **state)
{
	const struct render_style plain = { 0 };
	struct status_report r = { .site = "x", .backend = "kernel", .version = "0.1.0" };
	struct written w;

	begin(&w);
	render_text(w.out, &r, &plain);
	fclose(w.out);
	assert_string_equal(w.text, "site: x\n"
				    "  running         without a process, wirespan 0.1.0\n"
				    "  back end        kernel\n");
	free(w.text);
}

/* A site without its interface does not run, and its facts are not shown as 0. */
static void test_text_stopped(void **state)
{
	const struct render_style plain = { 0 };
	struct status_report r = { .site = "x",
		.backend = "kernel",
		.version = "0.1.0",
		.uptime_ms = STATUS_ABSENT,
		.stopped = true,
		.wg = { .name = "wg0", .mtu = 1420 } };
	struct written w;

	begin(&w);
	render_text(w.out, &r, &plain);
	fclose(w.out);
	assert_string_equal(w.text,
		"site: x\n"
		"  not running     its interface wg0 is gone, and it has no process; "
		"wirespan 0.1.0\n"
		"  back end        kernel\n"
		"\n"
		"interface: wg0\n"
		"  addresses       (none)\n"
		"  MTU             1420\n"
		"  sent            0 packets, 0 B\n"
		"  received        0 packets, 0 B\n");
	free(w.text);
}

/* What a back end does not count is not shown, neither as 0 nor as a large number; what it counts
 * is. In JSON it is null, also after it was read back. */
static void test_absent(void **state)
{
	static const char *const hidden[] = { "18,446", "offloads", "\nengine", "with one,",
		"skipped", " answered", "unknown session", "queue", "round trip", "arrivals" };
	static const char *const shown[] = { "clamped to 1346 (IPv4), 1326 (IPv6)\n",
		"\n  path MTU        1500, the route's, not measured\n",
		"\nwirespan_session_wrong_cookie_packets_total{site=\"vpn01\",session=\"l2tpeth0\"}"
		" "
		"0\n",
		"\"queue\": null", "\"arrivals\": null", "\"lost\": null", "\"engine\": null",
		"\"offloads\": null", "\"tap_short\": 3", "\"wrong_cookie\": 0" };
	struct status_report r;
	struct status_session *s;
	struct written w;

	fill_report(&r);
	s = &r.sessions[0];
	r.sessions_len = 1;
	status_set_no_engine(&r);
	r.drops.n[DROP_TAP_SHORT] = 3; /* some are known all the same */
	r.peers_len = 1;
	r.peers[0].path = (struct status_path){ STATUS_PATH_ROUTE, 1500, STATUS_ABSENT,
		STATUS_ABSENT, STATUS_ABSENT, 0, STATUS_ABSENT, STATUS_ABSENT };
	memset(&r.peers[0].queue, 0xff, sizeof(r.peers[0].queue));
	memset(&r.peers[0].arrivals, 0xff, sizeof(r.peers[0].arrivals));
	r.tunnels[0].unknown_sessions = r.tunnels[0].control_messages = STATUS_ABSENT;
	r.tunnels[0].bad_checksums = s->mss_clamped = s->fragmented = STATUS_ABSENT;
	s->fragments_tx = s->fragments_rx = s->reassembled = s->lost = STATUS_ABSENT;
	s->with_sequence = s->without_sequence = STATUS_ABSENT;
	s->wrong_cookie = 0;
	for (int again = 0; again < 2; again++) {
		struct json_object *object = NULL;

		begin(&w);
		render_text(w.out, &r, &(struct render_style){ 0 });
		render_metrics(w.out, METRICS_OPENMETRICS, &r, 1);
		assert_int_equal(render_json(w.out, &r), 0);
		fclose(w.out);
		for (size_t i = 0; i < ARRAY_LEN(shown); i++)
			assert_non_null(strstr(w.text, shown[i]));
		assert_null(strstr(w.text, "18446744073709551615"));
		assert_null(strstr(w.text, "session_lost_frames_total{"));
		*strstr(w.text, "# TYPE") = '\0';
		for (size_t i = 0; i < ARRAY_LEN(hidden); i++)
			assert_null(strstr(w.text, hidden[i]));
		free(w.text);
		assert_int_equal(status_to_json(&r, &object), 0);
		status_report_fini(&r);
		assert_int_equal(status_from_json(object, &r), 0);
		json_object_put(object);
	}
	status_report_fini(&r);
}

static void test_json(void **state)
{
	struct status_report r;
	struct status_report back;
	struct json_object *object;
	struct written w;

	fill_report(&r);
	begin(&w);
	assert_int_equal(render_json(w.out, &r), 0);
	fclose(w.out);
	object = json_tokener_parse(w.text);
	assert_non_null(object);
	assert_int_equal(status_from_json(object, &back), 0);
	assert_int_equal(back.sessions[0].tx.bytes, 1073741824);
	assert_non_null(strstr(w.text, "\"endpoint\": \"192.168.122.32:8172\""));
	json_object_put(object);
	free(w.text);
	status_report_fini(&back);
	status_report_fini(&r);
}

static void test_json_sites(void **state)
{
	struct status_report r[2] = { { .site = "a" }, { .site = "b" } };
	struct json_object *object;
	struct json_object *sites;
	struct written w;

	for (size_t len = 0; len <= 2; len++) {
		begin(&w);
		assert_int_equal(render_json_sites(w.out, r, len), 0);
		fclose(w.out);
		object = json_tokener_parse(w.text);
		assert_true(json_object_object_get_ex(object, "sites", &sites));
		assert_int_equal(json_object_array_length(sites), len);
		json_object_put(object);
		free(w.text);
	}
}

/* A WireGuard MTU of the file that is larger than the underlay's. */
static void test_large_mtu(void **state)
{
	struct status_report r = { .site = "x", .backend = "kernel", .version = "0.1.0" };
	struct written w;

	r.budget.outer_mtu = 1400;
	r.budget.wg_mtu = 1440;
	begin(&w);
	render_text(w.out, &r, &(struct render_style){ 0 });
	fclose(w.out);
	assert_non_null(strstr(w.text,
		"WireGuard       1440 bytes, larger than the underlay: cut into IP fragments\n"));
	free(w.text);
}

/* A port that cannot be opened is shown beside the open one, and in the metrics. */
static void test_pending_port(void **state)
{
	struct status_report r;
	struct written w;

	fill_report(&r);
	r.wg.pending_port = 8199;
	begin(&w);
	render_text(w.out, &r, &(struct render_style){ 0 });
	render_metrics(w.out, METRICS_OPENMETRICS, &r, 1);
	fclose(w.out);
	assert_non_null(strstr(w.text, "\n  listening port  8172; 8199 cannot be opened yet\n"));
	assert_non_null(strstr(w.text, "\nwirespan_pending_port{site=\"vpn01\"} 8199\n"));
	free(w.text);
	status_report_fini(&r);
}

/* The interface that the route to a peer uses, in text; an ordinary route has no line. */
static void test_routes(void **state)
{
	static const struct {
		struct status_route route;
		const char *line;
	} cases[] = {
		{ { STATUS_LEADS_OUT, "", "" }, NULL },
		{ { STATUS_LEADS_OUT, "", "eth9" }, "by one next hop: sent by eth9 instead" },
		{ { STATUS_LEADS_UNKNOWN, "br0", "" },
			"by br0, to a next hop that was not found yet" },
		{ { STATUS_LEADS_UNKNOWN, "br0", "eth9" },
			"by br0, to a next hop that was not found yet: sent by eth9 instead" },
		{ { STATUS_LEADS_SEGMENT, "br0", "" },
			"by br0 into the segment that the tunnel carries: dropped" },
		{ { STATUS_LEADS_TUNNEL, "wg0", "eth9" },
			"by wg0 into the tunnel itself: sent by eth9 instead" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct status_report r = { .version = "" };
		struct written w;
		char line[128];

		status_add_peer(&r)->route = cases[i].route;
		snprintf(line, sizeof(line), "\n  route           %s\n",
			cases[i].line ? cases[i].line : "");
		begin(&w);
		render_text(w.out, &r, &(struct render_style){ 0 });
		fclose(w.out);
		if (cases[i].line)
			assert_non_null(strstr(w.text, line));
		else
			assert_null(strstr(w.text, "\n  route "));
		free(w.text);
		status_report_fini(&r);
	}
}

/* ---- each member of the report is rendered ---- */

/** Gives the members other values, one member at a time. */
struct change {
	size_t left;		   /* changes to skip before the next one */
	const struct field *field; /* the member that was changed */
	char path[120];		   /* its name: "sessions[].tx.bytes" */
};

/* Set a member to its `i`th other value. Return: false if it has no further one. */
static bool change_value(const struct field *f, char *p, size_t i)
{
	uint64_t number = 0;

	switch (f->kind) {
	case FIELD_BOOL:
		*(bool *)p = !*(bool *)p;
		return i == 0;
	case FIELD_NUMBER:
	case FIELD_COUNTER:
		number = load_host(p, f->size);
		number = number * 3 + 7;
		store_host(p, number, f->size);
		return i == 0;
	case FIELD_CHOICE:
		number = load_host(p, f->size);
		number = (number + i + 1) % f->count;
		store_host(p, number, f->size);
		return i + 1 < f->count;
	case FIELD_DROPS:
		if (i + 1 < DROP_COUNT)
			((struct drop_counters *)(void *)p)->n[i + 1] += 7000;
		return i + 1 < DROP_COUNT;
	case FIELD_TEXT:
	case FIELD_KEY:
		p[0] ^= 1;
		return i == 0;
	case FIELD_ADDR:
		((struct ip_addr *)(void *)p)->bytes[3] ^= 1;
		return i == 0;
	case FIELD_ENDPOINT:
		((struct endpoint *)(void *)p)->port ^= 1;
		return i == 0;
	case FIELD_PREFIXES:
		((struct status_prefixes *)(void *)p)->v[0].len--;
		return i == 0;
	case FIELD_WALL:
		((struct wall *)(void *)p)->sec = 0;
		return i == 0;
	case FIELD_OPTIONS: /* see change_option() */
	case FIELD_OBJECT:
	case FIELD_OPTIONAL:
	case FIELD_KNOWN:
	case FIELD_ARRAY:
		break;
	}
	return false;
}

static size_t values_of(const struct field *f)
{
	return f->kind == FIELD_CHOICE ? f->count - 1 : f->kind == FIELD_DROPS ? DROP_COUNT - 1 : 1;
}

/* Make the change if it concerns an option of the session: set another of its values. Return:
 * whether it was made. */
static bool change_option(
	struct change *c, const struct field *f, struct l2tp_options *options, const char *path)
{
	for (size_t i = 0; i < L2TP_OPTIONS; i++) {
		const struct l2tp_option *row = &l2tp_option_rows[i];
		size_t values = row->off ? 1 : row->n_words - 1;
		uint32_t value = l2tp_options_get(options, i);

		if (c->left >= values) {
			c->left -= values;
			continue;
		}
		c->field = f;
		snprintf(c->path, sizeof(c->path), "%s.%s", path, row->status);
		l2tp_options_set(options, i,
			(value + (uint32_t)c->left + 1) % (row->off ? 2 : row->n_words));
		return true;
	}
	return false;
}

/* Make the change if it concerns this struct, with the first element of each array. Return: whether
 * it was made. */
static bool change_in(struct change *c, const struct field *table, char *base, const char *path)
{
	for (const struct field *f = table; f->name; f++) {
		char *inner = base + f->offset;
		char name[sizeof(c->path)];

		snprintf(name, sizeof(name), "%s%s%s", path, *path ? "." : "", f->name);
		if (f->kind == FIELD_ARRAY) {
			memcpy(&inner, base + f->offset, sizeof(inner));
			strcat(name, "[]");
		}
		if (f->kind == FIELD_OPTIONS) {
			if (change_option(c, f, (struct l2tp_options *)(void *)inner, path))
				return true;
		} else if (f->sub) {
			if (change_in(c, f->sub, inner, name))
				return true;
		} else if (c->left < values_of(f)) {
			c->field = f;
			memcpy(c->path, name, sizeof(name));
			return change_value(f, inner, c->left);
		} else {
			c->left -= values_of(f);
		}
	}
	return false;
}

/* Every number differs and none is 0, so that nothing is omitted. */
static void fill_whole_report(struct status_report *r)
{
	fill_report(r);
	for (int d = DROP_NONE + 1; d < DROP_COUNT; d++) {
		r->drops.n[d] = 1000 + (uint64_t)d;
		r->drop_ages_ms.n[d] = 1000 * (uint64_t)d;
	}
}

static char *written_text(const struct status_report *r)
{
	const struct render_style plain = { 0 };
	struct written w;

	begin(&w);
	render_text(w.out, r, &plain);
	fclose(w.out);
	return w.text;
}

static char *written_openmetrics(const struct status_report *r)
{
	struct written w;

	begin(&w);
	render_metrics(w.out, METRICS_OPENMETRICS, r, 1);
	fclose(w.out);
	return w.text;
}

static char *written_json(const struct status_report *r)
{
	struct written w;

	begin(&w);
	assert_int_equal(render_json(w.out, r), 0);
	fclose(w.out);
	return w.text;
}

static bool in_all(const struct field *f)
{
	return true;
}

/* Metrics contain counters and states, but not the site's configuration. */
static bool in_openmetrics(const struct field *f)
{
	return f->kind == FIELD_COUNTER || (f->kind == FIELD_DROPS && !strcmp(f->name, "drops"));
}

/* If any single member of the report changes, the rendering changes, differently for each value.
 * `in`: the members that the rendering shows. */
static void check_shows_all(
	char *(*written)(const struct status_report *r), bool (*in)(const struct field *f))
{
	static char *seen[1000]; /* the report without a change, then with each of the changes */
	size_t n = 0;

	for (size_t i = 0; n < ARRAY_LEN(seen); i++) {
		struct change c = { .left = i - 1 };
		struct status_report r;

		fill_whole_report(&r);
		if (i > 0 && !change_in(&c, status_fields(), (char *)&r, "")) {
			status_report_fini(&r);
			break;
		}
		if (i == 0 || in(c.field)) {
			seen[n] = written(&r);
			for (size_t k = 0; k < n; k++)
				if (!strcmp(seen[k], seen[n]))
					fail_msg("%s: change %zu shows as change %zu does", c.path,
						i, k);
			n++;
		}
		status_report_fini(&r);
	}
	assert_in_range(n, 80, ARRAY_LEN(seen) - 1);
	while (n-- > 0)
		free(seen[n]);
}

static void test_text_shows_all(void **state)
{
	check_shows_all(written_text, in_all);
}

static void test_json_shows_all(void **state)
{
	check_shows_all(written_json, in_all);
}

static void test_openmetrics_shows_all(void **state)
{
	check_shows_all(written_openmetrics, in_openmetrics);
}

static void test_drop_words(void **state)
{
	for (int d = DROP_NONE; d < DROP_COUNT; d++)
		assert_non_null(drop_meaning((enum drop)d));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_text_style),
		cmocka_unit_test(test_text_empty),
		cmocka_unit_test(test_text_stopped),
		cmocka_unit_test(test_absent),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_json_sites),
		cmocka_unit_test(test_large_mtu),
		cmocka_unit_test(test_pending_port),
		cmocka_unit_test(test_routes),
		cmocka_unit_test(test_text_shows_all),
		cmocka_unit_test(test_json_shows_all),
		cmocka_unit_test(test_openmetrics_shows_all),
		cmocka_unit_test(test_drop_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
