/* SPDX-License-Identifier: MIT */
/* Push: every header of an L2TPv3 data packet, in one go, in front of a frame. */
#include "l2tp/header.h"

#include "base/bytes.h"
#include "pkt/checksum.h"

#define SEQUENCE_PRESENT 0x40000000U
#define SEQUENCE_MASK	 0x00ffffffU

/* Complete the IPv4 or IPv6 header at `p` of a packet of `len` bytes. */
static void finish_ip(struct l2tp_session *s, uint8_t *p, size_t len)
{
	uint16_t id;
	uint32_t sum;

	if (s->ip_len == 40) {
		store_be16(p + 4, (uint16_t)(len - 40));
		return;
	}
	id = s->tx.ip_id++;
	store_be16(p + 2, (uint16_t)len);
	store_be16(p + 4, id);
	sum = checksum_add_be16(s->template_sum, (uint16_t)len);
	checksum_store(p + 10, checksum_add_be16(sum, id));
}

/* Complete the UDP header at `p` of a datagram of `len` bytes, whose payload must be final. */
static void finish_udp(const struct l2tp_session *s, uint8_t *p, size_t len, bool checksum)
{
	store_be16(p + 4, (uint16_t)len);
	if (checksum) {
		uint32_t sum = checksum_add_be16(s->pseudo_sum, (uint16_t)len);

		checksum_store_udp(p + 6, checksum_add(sum, p, len));
	}
}

void l2tp_push(struct l2tp_session *s, uint8_t *base, size_t frame_len, bool force_checksum)
{
	const struct l2tp_tunnel *t = s->tunnel;
	size_t len = s->overhead + frame_len;

	memcpy(base, s->template, s->overhead);
	if (s->send_sequence) {
		store_be32(base + s->sublayer_offset, SEQUENCE_PRESENT | s->tx.ns);
		s->tx.ns = (s->tx.ns + 1) & SEQUENCE_MASK;
	}
	finish_ip(s, base, len);
	if (t->encap == L2TP_ENCAP_UDP)
		finish_udp(s, base + s->ip_len, len - s->ip_len,
			t->udp_checksum || force_checksum || s->ip_len == 40);
}
