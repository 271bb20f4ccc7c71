/* SPDX-License-Identifier: MIT */
/* Renders the findings of checks as one HTML page that needs no other file. */
#include "render/render_html.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "base/bytes.h"
#include "base/keytext.h"
#include "mtu/mtu.h"
#include "render/mtu_table.h"

/*
 * Theory of operation. The page has no script and loads nothing: its policy forbids both, so that a
 * text from the network that passes for markup in spite of render_html_text() still does nothing.
 * The drawings are SVG inside the page; their numbers stand in the tables below them, too.
 */

#define WIDTH	   920 /* of a drawing, in px */
#define LABEL	   240 /* of the texts to the left of a plot */
#define VALUE	   220 /* of those to its right */
#define ROW	   24
#define PLOT	   (WIDTH - LABEL - VALUE)
#define HEADER_MIN 26 /* of a header in the drawing of a packet, which is not to scale */

static const char style[] =
	"body{font:15px/1.45 system-ui,sans-serif;color:#1c2430;background:#fff;max-width:960px;"
	"margin:2em auto;padding:0 1em}"
	"h1{font-size:1.6em}h2{font-size:1.3em;border-top:2px solid #d5dbe3;padding-top:1em;"
	"margin-top:2em}h3{font-size:1.05em;margin:1.6em 0 .5em}"
	"table{border-collapse:collapse;width:100%}"
	"td,th{text-align:left;vertical-align:top;padding:.35em .6em;border-bottom:1px solid "
	"#e3e7ec}"
	"td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}"
	".b{display:inline-block;min-width:4.6em;text-align:center;border-radius:3px;color:#fff;"
	"font-size:.85em;padding:.05em .3em}"
	".ok{background:#1d7a46}.note{background:#2d6aa8}.warning{background:#9a6200}"
	".error{background:#b3261e}.hint{color:#475467}.k{display:inline-block;width:.8em;"
	"height:.8em;margin-right:.5em}"
	"svg{display:block;width:100%;height:auto}svg text{font:13px system-ui,sans-serif;"
	"fill:#1c2430}svg .in{fill:#fff}svg .axis{stroke:#c4ccd6}"
	"@media print{body{margin:0}}";

void render_html_text(FILE *out, const char *text)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		switch (c) {
		case '&':
			fputs("&amp;", out);
			break;
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		case '"':
			fputs("&quot;", out);
			break;
		case '\'':
			fputs("&#39;", out);
			break;
		default:
			fputc((c < 0x20 && c != '\n' && c != '\t') || c == 0x7f ? '?' : c, out);
			break;
		}
	}
}

void render_html_begin(FILE *out, const char *when)
{
	fprintf(out,
		"<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
		"<meta name=\"viewport\" content=\"width=device-width\">\n"
		"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
		"style-src 'unsafe-inline'\">\n"
		"<title>wirespan check</title>\n<style>%s</style>\n</head>\n<body>\n"
		"<h1>wirespan check</h1>\n<p>",
		style);
	render_html_text(out, when);
	fputs(", wirespan " WIRESPAN_VERSION "</p>\n", out);
}

void render_html_end(FILE *out)
{
	fputs("</body>\n</html>\n", out);
}

/* ---- findings ---- */

static void badge(FILE *out, enum finding_severity s)
{
	const char *name = finding_severity_name(s);

	fprintf(out, "<span class=\"b %s\">%s</span>", name, name);
}

static void summary(FILE *out, const struct findings *findings)
{
	fputs("<p>", out);
	for (int s = FINDING_SEVERITY_COUNT; s-- > 0;) {
		size_t n = findings_count(findings, (enum finding_severity)s);

		if (!n)
			continue;
		badge(out, (enum finding_severity)s);
		fprintf(out, " %zu &ensp;", n);
	}
	if (findings->out_of_memory)
		fputs("out of memory: some findings are missing", out);
	fputs("</p>\n", out);
}

static void findings_table(FILE *out, const struct findings *findings)
{
	fputs("<table class=\"findings\">\n", out);
	for (size_t i = 0; i < findings->n; i++) {
		const struct finding *f = &findings->v[i];

		fputs("<tr><td>", out);
		badge(out, f->severity);
		fputs("</td><td>", out);
		render_html_text(out, f->subject);
		fputs("</td><td>", out);
		render_html_text(out, f->text);
		if (*f->hint) {
			fputs("<div class=\"hint\">→ ", out);
			render_html_text(out, f->hint);
			fputs("</div>", out);
		}
		fputs("</td></tr>\n", out);
	}
	fputs("</table>\n", out);
}

/* ---- round trips ---- */

/* A row of the plot: a range of round trips with a mark, in µs. */
struct trip {
	char label[96];
	uint64_t min_us;
	uint64_t mark_us; /* the mean, or the median */
	uint64_t max_us;
	unsigned sent; /* 0: not counted */
	unsigned received;
};

/* Rows as they are collected, or drawn. */
struct trips {
	FILE *out; /* NULL: only look for the maximum */
	uint64_t max_us;
	unsigned n;
};

static unsigned x_of(const struct trips *t, uint64_t us)
{
	return LABEL + (unsigned)(us * PLOT / t->max_us);
}

static void draw_trip(const struct trips *t, const struct trip *row)
{
	unsigned y = t->n * ROW + ROW / 2;

	fprintf(t->out, "<text x=\"0\" y=\"%u\">", y + 4);
	render_html_text(t->out, row->label);
	fputs("</text>", t->out);
	if (row->max_us)
		fprintf(t->out,
			"<rect x=\"%u\" y=\"%u\" width=\"%u\" height=\"8\" rx=\"2\" "
			"fill=\"#8fb4d9\"/>"
			"<circle cx=\"%u\" cy=\"%u\" r=\"5\" fill=\"#1f4e79\"/>",
			x_of(t, row->min_us), y - 4,
			x_of(t, row->max_us) - x_of(t, row->min_us) + 2, x_of(t, row->mark_us), y);
	fprintf(t->out, "<text x=\"%u\" y=\"%u\">", WIDTH - VALUE + 12, y + 4);
	if (row->max_us)
		fprintf(t->out, "%.2f ms", (double)row->mark_us / 1000);
	if (row->sent)
		fprintf(t->out, "%s%u of %u answered", row->max_us ? ", " : "", row->received,
			row->sent);
	fputs("</text>\n", t->out);
}

static void add_trip(struct trips *t, const struct trip *row)
{
	if (t->out)
		draw_trip(t, row);
	else if (row->max_us > t->max_us)
		t->max_us = row->max_us;
	t->n++;
}

static void add_echo(
	struct trips *t, const char *name, const char *what, const struct observed_echo *e)
{
	struct trip row = { .sent = e->sent, .received = e->received };

	if (!e->sent)
		return;
	snprintf(row.label, sizeof(row.label), "%.40s, %s", name, what);
	if (e->received) {
		row.min_us = e->min_us;
		row.mark_us = e->sum_us / e->received;
		row.max_us = e->max_us;
	}
	add_trip(t, &row);
}

static void add_load(
	struct trips *t, const char *name, const char *what, const struct observed_load *l)
{
	const uint64_t medians[] = { l->idle_us, l->loaded_us };
	static const char *const words[] = { "before", "beside" };

	for (size_t i = 0; l->size && i < ARRAY_LEN(medians); i++) {
		struct trip row = { .mark_us = medians[i], .max_us = medians[i] };

		snprintf(row.label, sizeof(row.label), "%.30s, %s %s", name, words[i], what);
		add_trip(t, &row);
	}
}

static void add_trips(struct trips *t, const struct observations *f)
{
	char name[KEY_BASE64_LEN + 1];

	for (size_t i = 0; i < f->n_peers && i < f->before.peers_len; i++) {
		const struct status_peer *p = &f->before.peers[i];

		key_to_base64(p->public_key, name);
		snprintf(name + 12, sizeof(name) - 12, "…");
		if (*p->name)
			snprintf(name, sizeof(name), "%.40s", p->name);
		add_echo(t, name, "echo", &f->peers[i].echo);
		add_echo(t, name, "full size", &f->peers[i].full);
	}
	for (size_t i = 0; i < f->n_sessions && i < f->before.sessions_len; i++) {
		const struct observed_session *s = &f->sessions[i];
		const char *session = f->before.sessions[i].name;

		add_echo(t, session, "a host behind it", &s->echo);
		add_echo(t, session, "the far gateway", &s->far_end);
		add_load(t, session, "load out", &s->load_out);
		add_load(t, session, "load both ways", &s->load_both);
	}
}

static void draw_axis(const struct trips *t, unsigned rows)
{
	for (unsigned i = 0; i <= 4; i++) {
		unsigned x = LABEL + i * PLOT / 4;

		fprintf(t->out,
			"<line class=\"axis\" x1=\"%u\" y1=\"0\" x2=\"%u\" y2=\"%u\"/>"
			"<text x=\"%u\" y=\"%u\" text-anchor=\"middle\">%.2f</text>\n",
			x, x, rows * ROW, x, rows * ROW + 16, (double)t->max_us * i / 4000);
	}
	fprintf(t->out, "<text x=\"%u\" y=\"%u\">ms</text>\n", WIDTH - VALUE + 32, rows * ROW + 16);
}

static void round_trips(FILE *out, const struct observations *f)
{
	struct trips all = { .max_us = 1 };
	struct trips drawn;

	add_trips(&all, f);
	if (!all.n)
		return;
	drawn = (struct trips){ .out = out, .max_us = all.max_us };
	fprintf(out,
		"<h3>Round trips</h3>\n<p>From the smallest to the largest, with the mean; under "
		"load "
		"the median.</p>\n<svg class=\"trips\" viewBox=\"0 0 %d %u\" role=\"img\" "
		"aria-label=\"Round trips\">\n",
		WIDTH, all.n * ROW + 22);
	draw_axis(&drawn, all.n);
	add_trips(&drawn, f);
	fputs("</svg>\n", out);
}

/* ---- MTU ---- */

static const char *colour_of(enum mtu_layer layer)
{
	if (layer <= MTU_OUTER_UDP)
		return "#5b6675";
	if (layer == MTU_WG_HEADER || layer == MTU_WG_TAG)
		return "#88171a";
	if (layer <= MTU_INNER_UDP)
		return "#2f6f8f";
	if (layer <= MTU_L2TP_SUBLAYER)
		return "#6a4c93";
	return layer == MTU_MEMBER_PACKET ? "#1d7a46" : "#8a5a00";
}

/* The width of a layer in the drawing: headers are wider than to scale, to be seen. */
static unsigned width_of(const struct mtu_ladder *l, enum mtu_layer layer)
{
	unsigned others = 0;

	if (layer != MTU_MEMBER_PACKET)
		return l->bytes[layer] ? HEADER_MIN + l->bytes[layer] / 2 : 0;
	for (unsigned i = 0; i < MTU_LAYERS; i++)
		if (i != MTU_MEMBER_PACKET)
			others += width_of(l, (enum mtu_layer)i);
	return others < WIDTH ? WIDTH - others : 0;
}

static void draw_packet(FILE *out, const struct mtu_ladder *l)
{
	unsigned x = 0;

	fprintf(out,
		"<svg class=\"packet\" viewBox=\"0 0 %d 48\" role=\"img\" aria-label=\"The largest "
		"packet on the underlay\">\n",
		WIDTH);
	for (unsigned i = 0; i < MTU_LAYERS; i++) {
		unsigned width = width_of(l, (enum mtu_layer)i);

		if (!width)
			continue;
		fprintf(out,
			"<rect x=\"%u\" y=\"0\" width=\"%u\" height=\"46\" fill=\"%s\"/><text "
			"class=\"in\" "
			"x=\"%u\" y=\"28\" text-anchor=\"middle\">%u</text>\n",
			x, width - 2, colour_of((enum mtu_layer)i), x + width / 2 - 1, l->bytes[i]);
		x += width;
	}
	fputs("</svg>\n", out);
}

static void layers_table(FILE *out, const struct mtu_ladder *l)
{
	fputs("<table class=\"layers\">\n<tr><th class=\"n\">byte</th><th class=\"n\">size</th>"
	      "<th>layer</th></tr>\n",
		out);
	for (unsigned i = 0; i < MTU_LAYERS; i++) {
		char name[MTU_TABLE_NAME_LEN];

		if (!l->bytes[i])
			continue;
		mtu_table_layer_name(l, (enum mtu_layer)i, name);
		fprintf(out,
			"<tr><td class=\"n\">%u</td><td class=\"n\">%u</td><td><span class=\"k\" "
			"style=\"background:%s\"></span>%s</td></tr>\n",
			l->offset[i], l->bytes[i], colour_of((enum mtu_layer)i), name);
	}
	fprintf(out,
		"</table>\n<p>wg MTU %u, session MTU %u (the largest member packet in one piece), "
		"TCP "
		"MSS %u over IPv4 and %u over IPv6.</p>\n",
		l->wg_mtu, l->session, l->mss4, l->mss6);
}

/* What a session's MTU depends on, by the status. */
static struct mtu_options options_of(const struct status_report *r, const struct status_session *s,
	const struct status_tunnel *t)
{
	return (struct mtu_options){
		.underlay = r->budget.outer_mtu,
		.wg_mtu = r->budget.wg_mtu,
		.outer_family = r->budget.outer_ipv6 ? AF_INET6 : AF_INET,
		.inner_family = t->remote.family,
		.encap = t->encap,
		.sublayer = s->options.sublayer,
		.cookie_len = (unsigned)size_max(s->cookie_len, s->peer_cookie_len),
	};
}

static void session_mtu(FILE *out, const struct status_report *r, const struct status_session *s)
{
	const struct status_tunnel *t = observed_tunnel_of(r, s);
	struct mtu_options options;
	struct mtu_ladder ladder;

	if (!t)
		return;
	options = options_of(r, s, t);
	if (mtu_ladder_compute(&options, &ladder) < 0)
		return;
	fputs("<h3>MTU of ", out);
	render_html_text(out, s->name);
	fprintf(out,
		"</h3>\n<p>The largest packet on an underlay of %" PRIu32
		" bytes (%s), without VLAN tags; sizes in bytes, not to scale.</p>\n",
		r->budget.outer_mtu, r->budget.outer_measured ? "measured" : "assumed");
	draw_packet(out, &ladder);
	layers_table(out, &ladder);
}

void render_html_site(FILE *out, const struct observations *facts, const struct findings *findings)
{
	bool ok = !findings_count(findings, FINDING_ERROR) && !findings->out_of_memory;

	fputs("<h2>", out);
	render_html_text(out, facts->site);
	fprintf(out, ": %s</h2>\n", ok ? "all right" : "not all right");
	summary(out, findings);
	findings_table(out, findings);
	round_trips(out, facts);
	for (size_t i = 0; i < facts->before.sessions_len; i++)
		session_mtu(out, &facts->before, &facts->before.sessions[i]);
}
