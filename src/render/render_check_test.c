/* SPDX-License-Identifier: MIT */
/* Tests of both renderings of a check: text and JSON. */
#include "render/render_check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include <cmocka.h>

static void fill(struct findings *f)
{
	finding_add(f, FINDING_OK, "daemon", "vpn01", "Running for %d min.", 3);
	finding_hint(
		finding_add(f, FINDING_ERROR, "cookie", "l2tpeth0",
			"%d frames of the peer had another cookie than PeerCookie here, or none "
			"at all, which is as bad.",
			6),
		"PeerCookie here must be \"the peer's\" Cookie, byte by byte, as it is in the file "
		"on the other side of the wire.");
	finding_add(f, FINDING_WARNING, "x", "a-subject-that-is-long", "Short.");
	finding_add(f, FINDING_NOTE, "x", "y", "z");
	finding_add(f, FINDING_NOTE, "x", "y", "z");
}

static char *text_of(const struct findings *f, const struct render_style *style)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	render_check_text(out, "vpn01", f, style);
	fclose(out);
	return text;
}

static void test_text(void **state)
{
	struct render_style style = { .utf8 = false };
	struct findings f = { 0 };
	char *text;

	fill(&f);
	text = text_of(&f, &style);
	assert_string_equal(text,
		"vpn01\n"
		"  ok      vpn01         Running for 3 min.\n"
		"  error   l2tpeth0      6 frames of the peer had another cookie than PeerCookie "
		"here, or none at\n"
		"                        all, which is as bad.\n"
		"                        -> PeerCookie here must be \"the peer's\" Cookie, byte by "
		"byte, as it is in\n"
		"                           the file on the other side of the wire.\n"
		"  warning a-subject-that-is-long\n"
		"                        Short.\n"
		"  note    y             z\n"
		"  note    y             z\n"
		"not all right: 1 error, 1 warning, 2 notes, 1 ok\n");
	free(text);
	style.colour = style.utf8 = true;
	text = text_of(&f, &style);
	assert_non_null(strstr(text, "\033[31merror  \033[0m l2tpeth0"));
	assert_non_null(strstr(text, "→ PeerCookie"));
	assert_non_null(strstr(text, "\033[1m\033[31mnot all right: "));
	free(text);
	findings_fini(&f);
	style.colour = false;
	finding_add(&f, FINDING_OK, "daemon", "vpn01", "Fine.");
	text = text_of(&f, &style);
	assert_string_equal(text, "vpn01\n  ok      vpn01         Fine.\nall right: 1 ok\n");
	free(text);
	findings_fini(&f);
}

static struct json_object *at(struct json_object *o, const char *key)
{
	struct json_object *value = NULL;

	if (!json_object_object_get_ex(o, key, &value))
		fail_msg("no key %s", key);
	return value;
}

/* Observations in which every number differs. */
static void fill_facts(struct observations *f)
{
	memset(f, 0, sizeof(*f));
	strcpy(f->site, "vpn01");
	memset(status_add_peer(&f->before)->public_key, 0x22, KEY_LEN);
	strcpy(status_add_session(&f->before)->name, "l2tpeth0");
	f->before.sessions[0].budget = 1386;
	f->peers = calloc(1, sizeof(*f->peers));
	f->sessions = calloc(1, sizeof(*f->sessions));
	f->underlays = calloc(1, sizeof(*f->underlays));
	f->n_peers = f->n_sessions = f->n_underlays = 1;
	f->peers[0] = (struct observed_peer){ .underlay = "eth0",
		.datagrams_out = 1,
		.datagrams_in = 2,
		.echo = { 3, 4, 5, 6, 7 },
		.full_size = 8 };
	assert_int_equal(ip_addr_parse("10.0.1.21", &f->peers[0].tunnel), 0);
	f->sessions[0] = (struct observed_session){ .tried = true,
		.asked = 11,
		.frames_in = 12,
		.stations = 13,
		.limit = 14,
		.largest = 15,
		.whole = 16,
		.flood_sent = 17,
		.flood_received = 18,
		.flood_us = 19,
		.flood_size = 20,
		.load_out = { 26, 27, 28, 29 },
		.load_both = { 30, 31, 32, 33 } };
	f->underlays[0] = (struct observed_underlay){ .name = "eth0",
		.mtu = 21,
		.wireguard = 22,
		.fragments = 23,
		.clear = 24,
		.not_captured = 25 };
}

static void assert_numbers(struct json_object *o, const char *const *keys, int first)
{
	for (size_t i = 0; keys[i]; i++)
		assert_int_equal(json_object_get_int(at(o, keys[i])), first + (int)i);
}

static void test_json(void **state)
{
	static const char *const echo[] = { "sent", "received", "min_us", "sum_us", "max_us",
		NULL };
	static const char *const session[] = { "frames_sent", "frames_heard", "stations",
		"largest_tried", "largest_passing", "largest_whole", "flood_sent", "flood_received",
		"flood_us", "flood_size", NULL };
	static const char *const load[] = { "size", "rate", "idle_us", "loaded_us", NULL };
	static const char *const underlay[] = { "mtu", "wireguard", "fragments", "clear",
		"not_captured", NULL };
	struct json_object *all = json_object_new_array();
	struct json_object *site, *o;
	struct findings findings = { 0 };
	struct observations facts;
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	fill(&findings);
	fill_facts(&facts);
	assert_int_equal(render_check_json(all, &facts, &findings), 0);
	render_check_json_end(out, all, false);
	fclose(out);
	all = json_tokener_parse(text);
	assert_int_equal(json_object_array_length(at(all, "sites")), 1);
	site = json_object_array_get_idx(at(all, "sites"), 0);
	assert_string_equal(json_object_get_string(at(site, "site")), "vpn01");
	assert_false(json_object_get_boolean(at(site, "ok")));
	assert_int_equal(json_object_array_length(at(site, "findings")), 5);
	o = json_object_array_get_idx(at(site, "findings"), 1);
	assert_string_equal(json_object_get_string(at(o, "severity")), "error");
	assert_string_equal(json_object_get_string(at(o, "check")), "cookie");
	assert_string_equal(json_object_get_string(at(o, "subject")), "l2tpeth0");
	assert_int_equal(strncmp(json_object_get_string(at(o, "text")), "6 frames", 8), 0);
	assert_non_null(strstr(json_object_get_string(at(o, "hint")), "\"the peer's\""));
	o = json_object_array_get_idx(at(site, "peers"), 0);
	assert_string_equal(json_object_get_string(at(o, "tunnel_address")), "10.0.1.21");
	assert_int_equal(json_object_get_int(at(o, "full_size")), 8);
	assert_numbers(at(o, "echo"), echo, 3);
	o = json_object_array_get_idx(at(site, "sessions"), 0);
	assert_string_equal(json_object_get_string(at(o, "name")), "l2tpeth0");
	assert_null(at(o, "station"));
	assert_int_equal(json_object_get_int(at(o, "computed")), 1386);
	assert_numbers(o, session, 11);
	assert_numbers(at(o, "load_out"), load, 26);
	assert_numbers(at(o, "load_both"), load, 30);
	assert_numbers(json_object_array_get_idx(at(site, "underlay"), 0), underlay, 21);
	json_object_put(all);
	free(text);
	findings_fini(&findings);
	observations_fini(&facts);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
