/* SPDX-License-Identifier: MIT */
/* MSS clamping: members keep their MTU, and TCP between them uses segments that the path
 * carries. */
#include "ether/mss.h"

#include "base/bytes.h"
#include "pkt/checksum.h"
#include "pkt/headers.h"

#define OPTION_END     0
#define OPTION_NOP     1
#define OPTION_MSS     2
#define OPTION_MSS_LEN 4

/* Lowest value to clamp to: the rest of the smallest IPv4 packet that every link must carry (68
 * bytes). A smaller budget is an error elsewhere. */
#define MSS_MIN 28

/* Length of the TCP header at `h->l4` if it is a complete SYN or SYN/ACK, else 0. */
static size_t syn_header_len(const uint8_t *frame, size_t len, const struct headers *h)
{
	size_t end = size_min(len, h->end);
	size_t tcp_len;

	if (h->version == 0 || h->proto != PROTO_TCP || h->frag_offset ||
		end < (size_t)h->l4 + TCP_HEADER_LEN ||
		!(frame[h->l4 + TCP_FLAGS_OFFSET] & TCP_FLAG_SYN))
		return 0;
	tcp_len = (size_t)(frame[h->l4 + TCP_DOFF_OFFSET] >> 4) * 4;
	return tcp_len >= TCP_HEADER_LEN && h->l4 + tcp_len <= end ? tcp_len : 0;
}

static bool clamp_option(uint8_t *tcp, size_t at, uint16_t limit, bool partial)
{
	uint8_t *value = tcp + at + 2;

	if (load_be16(value) <= limit)
		return false;
	if (partial)
		store_be16(value, limit);
	else
		checksum_replace16(tcp + TCP_CSUM_OFFSET, value, limit, at & 1);
	return true;
}

bool ether_clamp_mss(uint8_t *frame, size_t len, unsigned max_packet, unsigned mss, bool partial)
{
	struct headers h;
	size_t tcp_len, fixed;
	uint8_t *tcp;
	uint16_t limit;
	bool lowered = false;

	if (headers_parse(frame, len, true, &h))
		return false;
	tcp_len = syn_header_len(frame, len, &h);
	fixed = TCP_HEADER_LEN + (h.version == 4 ? IP4_HEADER_LEN : IP6_HEADER_LEN) +
		(size_t)h.vlan_tags * VLAN_TAG_LEN;
	if (!tcp_len || (!mss && max_packet < fixed + MSS_MIN))
		return false;
	limit = (uint16_t)size_min(mss ? mss : max_packet - fixed, UINT16_MAX);
	tcp = frame + h.l4;
	for (size_t at = TCP_HEADER_LEN; at < tcp_len && tcp[at] != OPTION_END;) {
		size_t option_len = 1;

		if (tcp[at] != OPTION_NOP) {
			if (at + 2 > tcp_len)
				break;
			option_len = tcp[at + 1];
			if (option_len < 2 || option_len > tcp_len - at)
				break;
		}
		if (tcp[at] == OPTION_MSS && option_len == OPTION_MSS_LEN)
			lowered |= clamp_option(tcp, at, limit, partial);
		at += option_len;
	}
	return lowered;
}
