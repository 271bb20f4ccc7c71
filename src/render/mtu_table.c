/* SPDX-License-Identifier: MIT */
/* Draws the header ladder as text for people, and encodes it as JSON. */
#include "render/mtu_table.h"

#include <stdbool.h>

#include "base/bytes.h"
#include "ctlproto/json.h"
#include "l2tp/fragment.h"
#include "wg/overhead.h"

#define MEMBER_MTU 1500 /* members' default MTU */

/* A bracket beside the drawing: from one layer to another, with a label. */
struct bracket {
	enum mtu_layer first;
	enum mtu_layer last;
	const char *name;
};

static const struct bracket brackets[] = {
	{ MTU_OUTER_IP, MTU_WG_TAG, "bytes on the underlay" },
	{ MTU_INNER_IP, MTU_MEMBER_PACKET, "wg MTU" },
	{ MTU_ETHERNET, MTU_MEMBER_PACKET, "Ethernet frame" },
};

static unsigned bracket_bytes(const struct mtu_ladder *l, const struct bracket *b)
{
	return l->offset[b->last] + l->bytes[b->last] - l->offset[b->first];
}

static const char *family_text(uint16_t family)
{
	return family == AF_INET6 ? "IPv6" : "IPv4";
}

void mtu_table_layer_name(
	const struct mtu_ladder *l, enum mtu_layer layer, char ret[static MTU_TABLE_NAME_LEN])
{
	if (layer == MTU_OUTER_IP)
		snprintf(ret, MTU_TABLE_NAME_LEN, "outer %s header",
			family_text(l->options.outer_family));
	else if (layer == MTU_INNER_IP)
		snprintf(ret, MTU_TABLE_NAME_LEN, "inner %s header",
			family_text(l->options.inner_family));
	else
		snprintf(ret, MTU_TABLE_NAME_LEN, "%s", mtu_layer_name(layer));
}

static void print_layer(const struct mtu_ladder *l, enum mtu_layer layer, FILE *out)
{
	char text[MTU_TABLE_NAME_LEN];

	mtu_table_layer_name(l, layer, text);
	fprintf(out, "  %5u %5u  %-26s", l->offset[layer], l->bytes[layer], text);
	for (size_t i = 0; i < ARRAY_LEN(brackets); i++) {
		const struct bracket *b = &brackets[i];

		if (layer < b->first || layer > b->last)
			continue;
		if (layer == b->first)
			fprintf(out, " ┐ %u %s", bracket_bytes(l, b), b->name);
		else
			fputs(layer == b->last ? " ┘" : " │", out);
	}
	if (layer == MTU_MEMBER_PACKET)
		fputs(" ← session MTU", out);
	fputc('\n', out);
}

/* What happens to a member's packet of 1500 bytes. */
static void print_members(const struct mtu_ladder *l, FILE *out)
{
	size_t packet = l->wg_mtu - l->session + MEMBER_MTU;
	struct fragment_plan plan;

	fprintf(out, "  a member's %u-byte packet    ", MEMBER_MTU);
	if (fragment_plan(l->options.inner_family, packet, l->wg_mtu, 0, &plan) < 0) {
		fputs("leaves in one piece\n", out);
		return;
	}
	fprintf(out, "%zu fragments inside the tunnel:", plan.count);
	for (size_t j = 0; j < plan.count; j++)
		fprintf(out, "%s %zu", j ? " +" : "", fragment_len(&plan, j));
	fputs(" bytes\n", out);
}

static void print_numbers(const struct mtu_ladder *l, FILE *out)
{
	unsigned overhead = l->outer_len - l->session;

	fprintf(out, "  wg MTU                         %u\n", l->wg_mtu);
	fprintf(out, "  session MTU                    %u   largest member packet in one piece\n",
		l->session);
	fprintf(out, "  TCP MSS                        %u   over IPv6 %u\n", l->mss4, l->mss6);
	fprintf(out, "  ping -M do -s                  %u   over IPv6 %u\n", l->ping4, l->ping6);
	fprintf(out, "  overhead                       %u bytes of %u, %.1f %%\n", overhead,
		l->outer_len, 100.0 * overhead / l->outer_len);
	print_members(l, out);
}

static void print_notes(const struct mtu_ladder *l, FILE *out)
{
	if (l->outer_len > l->options.underlay)
		fprintf(out,
			"\n  Too large: the given wg MTU makes packets of %u bytes, and the "
			"underlay carries %u.\n  Give MTU = %u, or MTU = auto.\n",
			l->outer_len, l->options.underlay,
			wg_mtu_of(l->options.underlay, l->options.outer_family));
	if (l->wg_mtu < MTU_IPV6_MIN)
		fprintf(out, "\n  A wg MTU below %u carries no IPv6 on the wg interface.\n",
			MTU_IPV6_MIN);
	if (l->session < MTU_IPV6_MIN)
		fprintf(out,
			"\n  IPv6 members need %u: larger packets have to leave in fragments.\n",
			MTU_IPV6_MIN);
}

void mtu_table_print(const struct mtu_ladder *l, const char *title, FILE *out)
{
	fprintf(out, "%s\n\n   byte  size\n", title);
	for (unsigned i = 0; i < MTU_LAYERS; i++)
		if (l->bytes[i])
			print_layer(l, (enum mtu_layer)i, out);
	fputc('\n', out);
	print_numbers(l, out);
	print_notes(l, out);
}

static bool add_number(struct json_object *o, const char *key, unsigned v)
{
	return json_put(o, key, json_object_new_int64(v)) == 0;
}

static bool add_text(struct json_object *o, const char *key, const char *v)
{
	return json_put_text(o, key, v) == 0;
}

static bool add_options(struct json_object *o, const struct mtu_options *p)
{
	return add_number(o, "underlay", p->underlay) &&
	       add_text(o, "outer", family_text(p->outer_family)) &&
	       add_text(o, "inner", family_text(p->inner_family)) &&
	       add_text(o, "encapsulation", p->encap == L2TP_ENCAP_UDP ? "udp" : "ip") &&
	       add_text(o, "sublayer", p->sublayer == L2TP_SUBLAYER_DEFAULT ? "default" : "none") &&
	       add_number(o, "cookie", p->cookie_len) && add_number(o, "vlan_tags", p->vlan_tags);
}

static bool add_layers(struct json_object *o, const struct mtu_ladder *l)
{
	struct json_object *layers = json_object_new_array();
	bool ok = json_put(o, "layers", layers) == 0;

	for (unsigned i = 0; ok && i < MTU_LAYERS; i++) {
		struct json_object *layer;
		char text[MTU_TABLE_NAME_LEN];

		if (!l->bytes[i])
			continue;
		layer = json_object_new_object();
		mtu_table_layer_name(l, (enum mtu_layer)i, text);
		ok = json_append(layers, layer) == 0 && add_text(layer, "name", text) &&
		     add_number(layer, "offset", l->offset[i]) &&
		     add_number(layer, "bytes", l->bytes[i]);
	}
	return ok;
}

static bool add_fragments(struct json_object *o, const struct mtu_ladder *l)
{
	size_t packet = l->wg_mtu - l->session + MEMBER_MTU;
	struct json_object *lens = json_object_new_array();
	struct fragment_plan plan;
	bool ok = json_put(o, "fragments_of_1500", lens) == 0;

	if (!ok || fragment_plan(l->options.inner_family, packet, l->wg_mtu, 0, &plan) < 0)
		return ok;
	for (size_t j = 0; ok && j < plan.count; j++)
		ok = json_append(lens, json_object_new_int64((int64_t)fragment_len(&plan, j))) == 0;
	return ok;
}

struct json_object *mtu_table_json(const struct mtu_ladder *l)
{
	struct json_object *o = json_object_new_object();
	bool ok = add_options(o, &l->options) && add_layers(o, l) &&
		  add_number(o, "outer_packet", l->outer_len) &&
		  add_number(o, "wg_mtu", l->wg_mtu) && add_number(o, "frame", l->frame) &&
		  add_number(o, "session_mtu", l->session) && add_number(o, "mss_ipv4", l->mss4) &&
		  add_number(o, "mss_ipv6", l->mss6) && add_number(o, "ping_ipv4", l->ping4) &&
		  add_number(o, "ping_ipv6", l->ping6) && add_fragments(o, l);

	if (ok)
		return o;
	json_object_put(o);
	return NULL;
}
