/* SPDX-License-Identifier: MIT */
/* The messages between the monitor and the engine's process, and the check of their heads. */
#include "backend/engine_message.h"

#include <errno.h>
#include <string.h>

#include "base/keytext.h"
#include "base/sentence.h"

#define KIB 1024U
#define MIB (1024U * KIB)

/* The kernel's highest errno. */
#define ERRNO_MAX 4095

/* The smallest MTU of IPv4; smaller ones are refused. */
#define MTU_MIN 68
#define MTU_MAX 65535

/** What a type of message may contain. */
struct rule {
	enum engine_sender from;
	int32_t code_min; /* to 0 */
	uint32_t value_max;
	bool has_time;
	bool has_port;
	uint32_t len_max;
	uint32_t fds_max;
};

static const struct rule rules[ENGINE_MESSAGE_TYPES] = {
	[ENGINE_AWAIT] = { ENGINE_FROM_MONITOR, .has_time = true },
	[ENGINE_START] = { ENGINE_FROM_MONITOR, .value_max = UINT32_MAX },
	[ENGINE_APPLY] = { ENGINE_FROM_MONITOR, .len_max = 16 * MIB, .fds_max = 65536 },
	[ENGINE_SETTLE] = { ENGINE_FROM_MONITOR, .code_min = -1, .value_max = UINT32_MAX },
	[ENGINE_REPORT] = { ENGINE_FROM_MONITOR, .len_max = KEY_LEN },
	[ENGINE_WG] = { ENGINE_FROM_MONITOR, .len_max = 64 * MIB },
	[ENGINE_SHOW] = { ENGINE_FROM_MONITOR, .len_max = KEY_LEN },
	[ENGINE_PEERS] = { ENGINE_FROM_MONITOR, .len_max = 0 },
	[ENGINE_REPEATED] = { ENGINE_FROM_MONITOR, .len_max = 0 },
	[ENGINE_CAPTURE] = { ENGINE_FROM_MONITOR, .value_max = UINT16_MAX, .fds_max = 1 },
	[ENGINE_HAND_OVER] = { ENGINE_FROM_MONITOR, .has_time = true },
	[ENGINE_LEND] = { ENGINE_FROM_MONITOR, .len_max = 0 },
	[ENGINE_OUTLIVE] = { ENGINE_FROM_MONITOR, .fds_max = 1 },
	[ENGINE_TAKE_OVER] = { ENGINE_FROM_MONITOR, .len_max = 64 * MIB },
	[ENGINE_LINK] = { ENGINE_FROM_MONITOR, .value_max = ENGINE_LINK_MTU | ENGINE_LINK_UP |
							    ENGINE_LINK_MOVED | ENGINE_LINK_ANY },
	[ENGINE_PORT_RESULT] = { ENGINE_FROM_MONITOR, .code_min = -ERRNO_MAX, .value_max = 15,
		.has_port = true, .fds_max = 2 },
	[ENGINE_RESULT] = { ENGINE_FROM_ENGINE, .code_min = -ERRNO_MAX, .value_max = UINT16_MAX,
		.len_max = 320 * KIB },
	[ENGINE_TEXT] = { ENGINE_FROM_ENGINE, .code_min = -ERRNO_MAX, .len_max = 64 * MIB },
	[ENGINE_LENT] = { ENGINE_FROM_ENGINE, .len_max = 65536, .fds_max = 65536 },
	[ENGINE_EVENTS] = { ENGINE_FROM_ENGINE, .value_max = 7, .len_max = 320 * KIB },
	[ENGINE_PORT] = { ENGINE_FROM_ENGINE, .code_min = ENGINE_PORT_MARK, .value_max = UINT32_MAX,
		.has_port = true },
	[ENGINE_BEGIN] = { ENGINE_FROM_MONITOR, .len_max = 80 * MIB, .fds_max = 65536 },
	[ENGINE_BEGUN] = { ENGINE_FROM_ENGINE, .code_min = -ERRNO_MAX, .value_max = INT32_MAX,
		.len_max = sizeof(uint32_t) },
	[ENGINE_ENDED] = { ENGINE_FROM_ENGINE, .value_max = UINT16_MAX },
	[ENGINE_LOG] = { ENGINE_FROM_ENGINE, .value_max = 7, .len_max = KIB },
};

/* Whether each number of a head is in its range. */
static bool is_valid(enum engine_sender from, const struct engine_head *h)
{
	const struct rule *r;

	if (h->type == 0 || h->type >= ENGINE_MESSAGE_TYPES)
		return false;
	r = &rules[h->type];
	return r->from == from && h->code <= 0 && h->code >= r->code_min &&
	       h->value <= r->value_max && (r->has_time || !h->time) &&
	       h->port <= (r->has_port ? UINT16_MAX : 0) && h->len <= r->len_max &&
	       h->fds <= r->fds_max;
}

/* Whether `h` continues the message of `before`. */
static bool continues(const struct engine_head *before, const struct engine_head *h)
{
	struct engine_head expected = *before;

	expected.offset = h->offset;
	return h->offset > before->offset && memcmp(&expected, h, sizeof(*h)) == 0;
}

int engine_head_decode(enum engine_sender from, const uint8_t *packet, size_t len, size_t n_fds,
	const struct engine_head *before, size_t have, struct engine_head *ret)
{
	struct engine_head h;
	size_t part;

	if (len < sizeof(h) || len > ENGINE_PACKET_MAX)
		return -EBADMSG;
	memcpy(&h, packet, sizeof(h));
	part = len - sizeof(h);
	if (!is_valid(from, &h) || h.offset > h.len || part > h.len - h.offset)
		return -EBADMSG;
	if (before ? !continues(before, &h) : h.offset != 0)
		return -EBADMSG;
	if (have + n_fds > h.fds || (engine_head_is_last(&h, len) && have + n_fds != h.fds) ||
		(!part && !engine_head_is_last(&h, len)))
		return -EBADMSG;
	*ret = h;
	return 0;
}

bool engine_head_is_last(const struct engine_head *head, size_t len)
{
	return head->offset + (len - sizeof(*head)) == head->len;
}

/* ---- bodies of results ---- */

size_t engine_result_len(const struct engine_mtus *mtus, const struct error *e)
{
	return (mtus ? 2 + mtus->n : 1) * sizeof(uint32_t) +
	       (e ? strlen(e->problem) + strlen(e->hint) + 2 : 0);
}

static uint8_t *put(uint8_t *at, const void *bytes, size_t len)
{
	if (len)
		memcpy(at, bytes, len);
	return at + len;
}

void engine_result_encode(const struct engine_mtus *mtus, const struct error *e, uint8_t *ret)
{
	const uint32_t n = mtus ? (uint32_t)mtus->n + 1 : 0;

	ret = put(ret, &n, sizeof(n));
	if (mtus) {
		ret = put(ret, &mtus->wg, sizeof(mtus->wg));
		ret = put(ret, mtus->sessions, mtus->n * sizeof(*mtus->sessions));
	}
	if (!e)
		return;
	ret = put(ret, e->problem, strlen(e->problem) + 1);
	(void)put(ret, e->hint, strlen(e->hint) + 1);
}

/* Read one sentence with its NUL. Return: what follows it, or NULL. */
static const uint8_t *read_sentence(const uint8_t *at, const uint8_t *end, char *ret, size_t size)
{
	const uint8_t *nul = memchr(at, 0, (size_t)(end - at));
	size_t len = nul ? (size_t)(nul - at) : size;

	if (len >= size)
		return NULL;
	memcpy(ret, at, len + 1);
	sentence_clean(ret, len);
	return nul + 1;
}

/* Whether `n` MTUs at `at`, the first of which is the WireGuard interface's, are possible. */
static bool are_mtus(const uint8_t *at, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint32_t mtu;

		memcpy(&mtu, at + i * sizeof(mtu), sizeof(mtu));
		if (mtu > MTU_MAX || (mtu < MTU_MIN && (mtu || !i)))
			return false;
	}
	return true;
}

int engine_result_decode(
	const uint8_t *body, size_t len, struct engine_mtus *ret, struct error *ret_error)
{
	const uint8_t *end = body + len;
	const uint8_t *mtus = body + sizeof(uint32_t);
	const uint8_t *at;
	struct error e = { 0 };
	uint32_t n;

	if (len < sizeof(n))
		return -EBADMSG;
	memcpy(&n, body, sizeof(n));
	if ((n && n != ret->n + 1) || (size_t)(end - mtus) / sizeof(n) < n || !are_mtus(mtus, n))
		return -EBADMSG;
	at = mtus + n * sizeof(n);
	if (ret_error) {
		at = read_sentence(at, end, e.problem, sizeof(e.problem));
		if (at)
			at = read_sentence(at, end, e.hint, sizeof(e.hint));
	}
	if (at != end)
		return -EBADMSG;
	if (ret_error)
		*ret_error = e;
	if (!n)
		return 0;
	memcpy(&ret->wg, mtus, sizeof(n));
	if (n > 1)
		memcpy(ret->sessions, mtus + sizeof(n), (n - 1) * sizeof(n));
	return 0;
}
