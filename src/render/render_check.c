/* SPDX-License-Identifier: MIT */
/* Renders the findings of a check, as text for people and as JSON for programs. */
#include "render/render_check.h"

#include <errno.h>
#include <string.h>

#include "base/bytes.h"
#include "ctlproto/fields.h"
#include "ctlproto/json.h"

#define WIDTH	 100 /* columns of a line */
#define INDENT	 24  /* of the text column, after severity and subject */
#define SUBJECT	 13
#define SEVERITY 7

#define BOLD   "\033[1m"
#define RED    "\033[31m"
#define GREEN  "\033[32m"
#define YELLOW "\033[33m"
#define CYAN   "\033[36m"
#define PLAIN  "\033[0m"

/* ---- text ---- */

/* Write text, wrapped; the first line already has `at` columns. */
static void wrap(FILE *out, const char *text, size_t indent, size_t at)
{
	while (*text) {
		size_t len = strcspn(text, " ");

		if (at > indent && at + 1 + len > WIDTH) {
			fprintf(out, "\n%*s", (int)indent, "");
			at = indent;
		} else if (at > indent) {
			fputc(' ', out);
			at++;
		}
		fwrite(text, 1, len, out);
		at += len;
		text += len;
		text += strspn(text, " ");
	}
	fputc('\n', out);
}

static const char *colour_of(enum finding_severity s)
{
	static const char *const colours[] = { GREEN, CYAN, YELLOW, RED };

	_Static_assert(ARRAY_LEN(colours) == FINDING_SEVERITY_COUNT, "every severity has a colour");
	return colours[s];
}

static void finding_lines(FILE *out, const struct finding *f, const struct render_style *style)
{
	const char *on = style->colour ? colour_of(f->severity) : "";
	const char *off = style->colour ? PLAIN : "";
	size_t indent = INDENT;

	fprintf(out, "  %s%-*s%s ", on, SEVERITY, finding_severity_name(f->severity), off);
	if (strlen(f->subject) > SUBJECT)
		fprintf(out, "%s\n%*s", f->subject, INDENT, "");
	else
		fprintf(out, "%-*s ", SUBJECT, f->subject);
	wrap(out, f->text, indent, indent);
	if (!*f->hint)
		return;
	fprintf(out, "%*s%s ", INDENT, "", style->utf8 ? "→" : "->");
	indent += style->utf8 ? 2 : 3;
	wrap(out, f->hint, indent, indent);
}

static void count_words(FILE *out, size_t n, const char *word, bool *first)
{
	if (!n)
		return;
	fprintf(out, "%s%zu %s%s", *first ? "" : ", ", n, word, n == 1 ? "" : "s");
	*first = false;
}

void render_check_text(FILE *out, const char *site, const struct findings *findings,
	const struct render_style *style)
{
	size_t errors = findings_count(findings, FINDING_ERROR);
	const char *on = style->colour ? errors ? BOLD RED : BOLD GREEN : "";
	const char *off = style->colour ? PLAIN : "";
	bool first = true;

	fprintf(out, "%s%s%s\n", style->colour ? BOLD : "", site, off);
	for (size_t i = 0; i < findings->n; i++)
		finding_lines(out, &findings->v[i], style);
	fprintf(out, "%s%s: ", on, errors ? "not all right" : "all right");
	count_words(out, errors, "error", &first);
	count_words(out, findings_count(findings, FINDING_WARNING), "warning", &first);
	count_words(out, findings_count(findings, FINDING_NOTE), "note", &first);
	fprintf(out, "%s%zu ok%s\n", first ? "" : ", ", findings_count(findings, FINDING_OK), off);
	if (findings->out_of_memory)
		fputs("out of memory: some findings are missing\n", out);
}

/* ---- JSON ---- */

static const struct field echo[] = {
	{ FIELD_ROW(observed_echo, "sent", FIELD_NUMBER, sent) },
	{ FIELD_ROW(observed_echo, "received", FIELD_NUMBER, received) },
	{ FIELD_ROW(observed_echo, "min_us", FIELD_NUMBER, min_us) },
	{ FIELD_ROW(observed_echo, "sum_us", FIELD_NUMBER, sum_us) },
	{ FIELD_ROW(observed_echo, "max_us", FIELD_NUMBER, max_us) },
	{ NULL },
};

static const struct field peer[] = {
	{ FIELD_ROW(observed_peer, "tunnel_address", FIELD_ADDR, tunnel) },
	{ FIELD_ROW(observed_peer, "underlay", FIELD_TEXT, underlay) },
	{ FIELD_ROW(observed_peer, "datagrams_out", FIELD_NUMBER, datagrams_out) },
	{ FIELD_ROW(observed_peer, "datagrams_in", FIELD_NUMBER, datagrams_in) },
	{ FIELD_ROW(observed_peer, "echo", FIELD_OBJECT, echo), .sub = echo },
	{ FIELD_ROW(observed_peer, "full_size", FIELD_NUMBER, full_size) },
	{ FIELD_ROW(observed_peer, "full_echo", FIELD_OBJECT, full), .sub = echo },
	{ NULL },
};

static const struct field load[] = {
	{ FIELD_ROW(observed_load, "size", FIELD_NUMBER, size) },
	{ FIELD_ROW(observed_load, "rate", FIELD_NUMBER, rate) },
	{ FIELD_ROW(observed_load, "idle_us", FIELD_NUMBER, idle_us) },
	{ FIELD_ROW(observed_load, "loaded_us", FIELD_NUMBER, loaded_us) },
	{ NULL },
};

static const struct field session[] = {
	{ FIELD_ROW(observed_session, "tried", FIELD_BOOL, tried) },
	{ FIELD_ROW(observed_session, "frames_sent", FIELD_NUMBER, asked) },
	{ FIELD_ROW(observed_session, "frames_heard", FIELD_NUMBER, frames_in) },
	{ FIELD_ROW(observed_session, "stations", FIELD_NUMBER, stations) },
	{ FIELD_ROW(observed_session, "station", FIELD_ADDR, station) },
	{ FIELD_ROW(observed_session, "echo", FIELD_OBJECT, echo), .sub = echo },
	{ FIELD_ROW(observed_session, "far_end", FIELD_OBJECT, far_end), .sub = echo },
	{ FIELD_ROW(observed_session, "path_found", FIELD_BOOL, path_found) },
	{ FIELD_ROW(observed_session, "largest_tried", FIELD_NUMBER, limit) },
	{ FIELD_ROW(observed_session, "largest_passing", FIELD_NUMBER, largest) },
	{ FIELD_ROW(observed_session, "largest_whole", FIELD_NUMBER, whole) },
	{ FIELD_ROW(observed_session, "flood_size", FIELD_NUMBER, flood_size) },
	{ FIELD_ROW(observed_session, "flood_sent", FIELD_NUMBER, flood_sent) },
	{ FIELD_ROW(observed_session, "flood_received", FIELD_NUMBER, flood_received) },
	{ FIELD_ROW(observed_session, "flood_us", FIELD_NUMBER, flood_us) },
	{ FIELD_ROW(observed_session, "load_out", FIELD_OBJECT, load_out), .sub = load },
	{ FIELD_ROW(observed_session, "load_both", FIELD_OBJECT, load_both), .sub = load },
	{ NULL },
};

static const struct field underlay[] = {
	{ FIELD_ROW(observed_underlay, "name", FIELD_TEXT, name) },
	{ FIELD_ROW(observed_underlay, "mtu", FIELD_NUMBER, mtu) },
	{ FIELD_ROW(observed_underlay, "wireguard", FIELD_NUMBER, wireguard) },
	{ FIELD_ROW(observed_underlay, "fragments", FIELD_NUMBER, fragments) },
	{ FIELD_ROW(observed_underlay, "clear", FIELD_NUMBER, clear) },
	{ FIELD_ROW(observed_underlay, "not_captured", FIELD_NUMBER, not_captured) },
	{ NULL },
};

static struct json_object *finding_object(const struct finding *f)
{
	struct json_object *o = json_object_new_object();

	if (!json_put_text(o, "severity", finding_severity_name(f->severity)) &&
		!json_put_text(o, "check", f->check) && !json_put_text(o, "subject", f->subject) &&
		!json_put_text(o, "text", f->text) && !json_put_text(o, "hint", f->hint))
		return o;
	json_object_put(o);
	return NULL;
}

/* Append a struct that a table describes to an array. Return: its object, or NULL. */
static struct json_object *add_object(
	struct json_object *array, const struct field *table, const void *base)
{
	struct json_object *o = NULL;

	(void)fields_to_json(table, base, &o);
	return json_append(array, o) < 0 ? NULL : o;
}

/* The array if it is complete; if not, NULL. */
static struct json_object *complete(struct json_object *array, bool ok)
{
	if (ok)
		return array;
	json_object_put(array);
	return NULL;
}

static struct json_object *peers_array(const struct observations *f)
{
	struct json_object *array = json_object_new_array();
	char key[KEY_BASE64_LEN + 1];
	bool ok = array;

	for (size_t i = 0; ok && i < f->n_peers; i++) {
		struct json_object *o = add_object(array, peer, &f->peers[i]);

		key_to_base64(f->before.peers[i].public_key, key);
		ok = o && !json_put_text(o, "public_key", key) &&
		     !json_put_text(o, "name", f->before.peers[i].name);
	}
	return complete(array, ok);
}

static struct json_object *sessions_array(const struct observations *f)
{
	struct json_object *array = json_object_new_array();
	bool ok = array;

	for (size_t i = 0; ok && i < f->n_sessions; i++) {
		const struct status_session *s = &f->before.sessions[i];
		struct json_object *o = add_object(array, session, &f->sessions[i]);

		ok = o && !json_put_text(o, "name", s->name) &&
		     !json_put(o, "computed", json_object_new_int64(s->budget));
	}
	return complete(array, ok);
}

static struct json_object *underlays_array(const struct observations *f)
{
	struct json_object *array = json_object_new_array();
	bool ok = array;

	for (size_t i = 0; ok && i < f->n_underlays; i++)
		ok = add_object(array, underlay, &f->underlays[i]);
	return complete(array, ok);
}

static struct json_object *findings_array(const struct findings *findings)
{
	struct json_object *array = json_object_new_array();
	bool ok = array;

	for (size_t i = 0; ok && i < findings->n; i++)
		ok = !json_append(array, finding_object(&findings->v[i]));
	return complete(array, ok);
}

int render_check_json(
	struct json_object *all, const struct observations *f, const struct findings *findings)
{
	bool ok = !findings_count(findings, FINDING_ERROR);
	struct json_object *o = json_object_new_object();

	if (!json_put_text(o, "site", f->site) && !json_put(o, "ok", json_object_new_boolean(ok)) &&
		!json_put(o, "findings", findings_array(findings)) &&
		!json_put(o, "peers", peers_array(f)) &&
		!json_put(o, "sessions", sessions_array(f)) &&
		!json_put(o, "underlay", underlays_array(f)))
		return json_append(all, o);
	json_object_put(o);
	return -ENOMEM;
}

void render_check_json_end(FILE *out, struct json_object *all, bool single)
{
	struct json_object *shown =
		single ? json_object_array_get_idx(all, 0) : json_object_new_object();

	if (!single && shown)
		(void)json_put(shown, "sites", json_object_get(all));
	if (shown)
		(void)json_print(out, shown);
	if (!single)
		json_object_put(shown);
	json_object_put(all);
}
