/* SPDX-License-Identifier: MIT */
/* The flow of a frame: a hash of its inner addresses, ports, protocol and VLAN tags. */
#include "queue/flow.h"

#include "base/bytes.h"
#include "pkt/headers.h"

#define PROTO_DCCP 33
#define PROTO_SCTP 132

/* A VLAN id without priority and drop eligibility. */
#define VLAN_ID_MASK 0x0fff

/* The words to hash. At most: tags, protocol, ports, two IPv6 addresses. */
struct words {
	uint32_t w[HASH_WORDS];
	size_t n;
};

static void add(struct words *words, uint32_t word)
{
	words->w[words->n++] = word;
}

static void add_bytes(struct words *words, const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i += 4)
		add(words, load_be32(bytes + i));
}

/* The ids of both VLAN tags. */
static uint32_t vlans(const uint8_t *frame, const struct headers *h)
{
	uint32_t ids = 0;

	for (unsigned i = 0; i < h->vlan_tags; i++)
		ids = ids << 16 | 0x8000 |
		      (load_be16(frame + ETH_HEADER_LEN + i * VLAN_TAG_LEN) & VLAN_ID_MASK);
	return ids;
}

/* Whether the first four bytes behind the IP header are ports. */
static bool has_ports(const struct headers *h, size_t len)
{
	return !headers_is_fragment(h) && (size_t)h->l4 + 4 <= len && (size_t)h->l4 + 4 <= h->end &&
	       (h->proto == PROTO_TCP || h->proto == PROTO_UDP || h->proto == PROTO_SCTP ||
		       h->proto == PROTO_DCCP);
}

static void add_ip(struct words *words, const uint8_t *frame, size_t len, const struct headers *h)
{
	bool v4 = h->version == 4;

	add(words, (uint32_t)h->version << 8 | h->proto);
	add(words, has_ports(h, len) ? load_be32(frame + h->l4) : 0);
	add_bytes(words, frame + h->l3 + (v4 ? 12 : 8), v4 ? 8 : 32);
}

uint32_t flow_hash(const struct hash_key *key, const uint8_t *frame, size_t len, bool ethernet)
{
	struct words words = { .n = 0 };
	struct headers h = { 0 };

	if (!headers_parse(frame, len, ethernet, &h) && h.version) {
		add(&words, ethernet ? vlans(frame, &h) : 0);
		add_ip(&words, frame, len, &h);
	} else if (ethernet && len >= ETH_HEADER_LEN) {
		add_bytes(&words, frame, 12);
		add(&words, load_be16(frame + 12));
		add(&words, vlans(frame, &h));
	}
	return hash_words(key, words.w, words.n);
}
