/* SPDX-License-Identifier: MIT */
/* The messages of the process that holds the keys, and their check. */
#include "wg/key_message.h"

#include <errno.h>
#include <string.h>

#include "base/bytes.h"
#include "base/secret.h"

/* The kernel's highest errno. */
#define ERRNO_MAX 4095

/** The fields that a type of request uses, and its answer. */
struct rule {
	bool is_answered;
	bool has_index; /* of ours, in the request; the answer's message has it as the sender */
	bool has_peer;
	bool has_timestamp;
	uint8_t takes;	 /* type of the message in the request; 0: none */
	uint8_t makes;	 /* likewise in the answer */
	bool names_peer; /* the answer has a peer and a timestamp */
	bool makes_keys; /* the answer has the keys of a session */
};

static const struct rule rules[WG_KEY_REQUEST_TYPES] = {
	[WG_KEY_MAKE_INITIATION] = { .is_answered = true,
		.has_index = true,
		.has_peer = true,
		.has_timestamp = true,
		.makes = WG_MSG_INITIATION },
	[WG_KEY_OPEN_INITIATION] = { .is_answered = true,
		.takes = WG_MSG_INITIATION,
		.names_peer = true },
	[WG_KEY_MAKE_RESPONSE] = { .is_answered = true,
		.has_index = true,
		.makes = WG_MSG_RESPONSE,
		.makes_keys = true },
	[WG_KEY_TAKE_RESPONSE] = { .is_answered = true,
		.has_peer = true,
		.takes = WG_MSG_RESPONSE,
		.makes_keys = true },
	[WG_KEY_FORGET] = { .has_peer = true },
	[WG_KEY_RESET] = { .is_answered = false },
};

static bool is_zero(bool unused, const uint8_t *bytes, size_t len)
{
	return !unused || secret_is_zero(bytes, len);
}

/* Whether `message` is of that type, with zeros after it; or all zero for type 0. */
static bool is_message(uint8_t type, const uint8_t message[static WG_HANDSHAKE_MAX])
{
	size_t len = type == WG_MSG_INITIATION ? WG_INITIATION_LEN
		     : type == WG_MSG_RESPONSE ? WG_RESPONSE_LEN
					       : 0;

	return load_le32(message) == type && secret_is_zero(message + len, WG_HANDSHAKE_MAX - len);
}

bool wg_key_is_answered(uint32_t type)
{
	return type < WG_KEY_REQUEST_TYPES && rules[type].is_answered;
}

int wg_key_request_decode(const void *packet, size_t len, struct wg_key_request *ret)
{
	struct wg_key_request m;
	const struct rule *r;

	if (len != sizeof(m))
		return -EBADMSG;
	memcpy(&m, packet, sizeof(m));
	if (m.type == 0 || m.type >= WG_KEY_REQUEST_TYPES)
		return -EBADMSG;
	r = &rules[m.type];
	if ((m.local_index && !r->has_index) || !is_zero(!r->has_peer, m.peer, sizeof(m.peer)) ||
		!is_zero(!r->has_timestamp, m.timestamp, sizeof(m.timestamp)) ||
		!is_message(r->takes, m.message))
		return -EBADMSG;
	*ret = m;
	return 0;
}

/* Whether an answer without an error is one to this request. */
static bool answers(const struct wg_key_answer *m, const struct wg_key_request *request)
{
	const struct rule *r = &rules[request->type];
	const size_t sender = offsetof(struct wg_initiation, sender);

	return is_message(r->makes, m->message) &&
	       (!r->makes || load_le32(m->message + sender) == request->local_index) &&
	       is_zero(!r->names_peer, m->peer, sizeof(m->peer)) &&
	       is_zero(!r->names_peer, m->timestamp, sizeof(m->timestamp)) &&
	       is_zero(!r->makes_keys, m->tx_key, sizeof(m->tx_key)) &&
	       is_zero(!r->makes_keys, m->rx_key, sizeof(m->rx_key));
}

int wg_key_answer_decode(const void *packet, size_t len, const struct wg_key_request *request,
	struct wg_key_answer *ret)
{
	const size_t fields = offsetof(struct wg_key_answer, peer);
	struct wg_key_answer m;
	int err = -EBADMSG;

	if (len != sizeof(m))
		return -EBADMSG;
	memcpy(&m, packet, sizeof(m));
	if (m.seq != request->seq)
		err = -EAGAIN;
	else if (m.type == request->type && m.code <= 0 && m.code >= -ERRNO_MAX &&
		 (m.code ? secret_is_zero((const uint8_t *)&m + fields, sizeof(m) - fields)
			 : answers(&m, request)))
		err = 0;
	if (!err)
		*ret = m;
	secret_wipe(&m, sizeof(m));
	return err;
}

int wg_key_change_decode(const void *packet, size_t len, struct wg_key_change *ret)
{
	struct wg_key_change m;
	int err = 0;

	if (len != sizeof(m))
		return -EBADMSG;
	memcpy(&m, packet, sizeof(m));
	if (m.type == 0 || m.type >= WG_KEY_CHANGE_TYPES ||
		!is_zero(m.type == WG_KEY_SET_IDENTITY, m.peer, sizeof(m.peer)) ||
		!is_zero(m.type == WG_KEY_REMOVE_PEER, m.secret, sizeof(m.secret)))
		err = -EBADMSG;
	if (!err)
		*ret = m;
	secret_wipe(&m, sizeof(m));
	return err;
}
