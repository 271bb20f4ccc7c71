/* SPDX-License-Identifier: MIT */
/* Tests of the page of a check: no text becomes markup, the drawings, what is not drawn. */
#include "render/render_html.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"

#define HOSTILE "<script>alert(\"1\")</script> & 'x' \x1b[31m\x7f"
#define ESCAPED "&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; &#39;x&#39; ?[31m?"

static char *page_of(const struct observations *facts, const struct findings *findings)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	render_html_begin(out, "<now>");
	render_html_site(out, facts, findings);
	render_html_end(out);
	fclose(out);
	return text;
}

static unsigned count(const char *text, const char *what)
{
	unsigned n = 0;

	while ((text = strstr(text, what))) {
		text += strlen(what);
		n++;
	}
	return n;
}

/* A text in any place is shown as it is, and is never markup. */
static void texts_are_escaped(void **state)
{
	struct status_peer peer = { .name = "<b>" };
	struct status_session session = { .name = "<i>&", .tunnel_id = 1 };
	struct status_tunnel tunnel = { .tunnel_id = 1, .remote = { .family = AF_INET } };
	struct observed_peer seen = { .echo = { 3, 2, 1000, 4000, 3000 } };
	struct observed_session of = { .echo = { 3, 0, 0, 0, 0 } };
	struct observations facts = {
		.site = "<site>", .peers = &seen, .n_peers = 1, .sessions = &of, .n_sessions = 1
	};
	struct findings findings = { 0 };
	char *page;

	(void)state;
	facts.before.peers = &peer;
	facts.before.peers_len = 1;
	facts.before.sessions = &session;
	facts.before.sessions_len = 1;
	facts.before.tunnels = &tunnel;
	facts.before.tunnels_len = 1;
	facts.before.budget = (struct status_budget){ .outer_mtu = 1500, .wg_mtu = 1440 };
	finding_hint(
		finding_add(&findings, FINDING_ERROR, "x", HOSTILE, "%s", HOSTILE), "%s", HOSTILE);
	page = page_of(&facts, &findings);
	assert_int_equal(count(page, ESCAPED), 3);
	assert_null(strstr(page, "<script"));
	assert_null(strstr(page, "<b>"));
	assert_null(strstr(page, "<i>"));
	assert_null(strstr(page, "<site>"));
	assert_null(strstr(page, "<now>"));
	assert_non_null(strstr(page, "&lt;b&gt;, echo"));
	assert_non_null(strstr(page, "MTU of &lt;i&gt;&amp;"));
	assert_non_null(strstr(page, "&lt;site&gt;: not all right"));
	assert_null(strchr(page, '\x1b'));
	free(page);
	findings_fini(&findings);
}

/* The drawing has a rectangle for each layer, side by side, and the table its bytes. */
static void mtu_is_drawn(void **state)
{
	struct status_session session = { .name = "l2tpeth0", .tunnel_id = 1, .cookie_len = 8 };
	struct status_tunnel tunnel = { .tunnel_id = 1, .remote = { .family = AF_INET } };
	struct observations facts = { .site = "vpn01" };
	struct findings findings = { 0 };
	char *page, *at;
	unsigned x = 0;

	(void)state;
	facts.before.sessions = &session;
	facts.before.sessions_len = 1;
	facts.before.tunnels = &tunnel;
	facts.before.tunnels_len = 1;
	facts.before.budget = (struct status_budget){ .outer_mtu = 1500, .wg_mtu = 1440 };
	page = page_of(&facts, &findings);
	at = strstr(page, "<svg class=\"packet\"");
	assert_non_null(at);
	assert_int_equal(count(at, "<rect"), 12);
	assert_int_equal(count(page, "class=\"k\""), 12);
	while ((at = strstr(at, "<rect"))) {
		unsigned left, width;

		assert_int_equal(
			sscanf(at, "<rect x=\"%u\" y=\"0\" width=\"%u\"", &left, &width), 2);
		assert_int_equal(left, x);
		x = left + width + 2;
		at++;
	}
	assert_int_equal(x, 920);
	assert_non_null(strstr(page, "session MTU 1378 "));
	assert_non_null(strstr(page, "vpn01: all right"));
	assert_null(strstr(page, "class=\"trips\"")); /* none were measured */
	free(page);
}

/* Each echo is a row; without an answer it has no mark. */
static void round_trips_are_drawn(void **state)
{
	struct status_peer peers[2] = { { .name = "home" }, { .name = "" } };
	struct observed_peer seen[2] = {
		{ .echo = { 3, 3, 1000, 6000, 3000 }, .full = { 2, 1, 8000, 8000, 8000 } },
		{ .echo = { 3, 0, 0, 0, 0 } },
	};
	struct observations facts = { .site = "vpn01", .peers = seen, .n_peers = 2 };
	struct findings findings = { 0 };
	char *page;

	(void)state;
	facts.before.peers = peers;
	facts.before.peers_len = 2;
	page = page_of(&facts, &findings);
	assert_int_equal(count(page, "<circle"), 2);
	assert_non_null(strstr(page, "2.00 ms, 3 of 3 answered"));
	assert_non_null(strstr(page, "8.00 ms, 1 of 2 answered"));
	assert_non_null(strstr(page, ">0 of 3 answered"));
	assert_non_null(strstr(page, "cx=\"355\"")); /* 2 of 8 ms: a quarter of the plot */
	free(page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_are_escaped),
		cmocka_unit_test(mtu_is_drawn),
		cmocka_unit_test(round_trips_are_drawn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
