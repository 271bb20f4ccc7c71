/* SPDX-License-Identifier: MIT */
/* A key service whose keys are in another process: each call becomes a request and its answer. */
#include "wg/key_client.h"

#include <string.h>

#include "base/secret.h"

/* Number a request, and exchange it. Return: 0, the code of the answer, or the error of the
 * exchange. */
static int exchange(
	struct wg_key_client *c, struct wg_key_request *request, struct wg_key_answer *ret)
{
	int err;

	*ret = (struct wg_key_answer){ 0 };
	request->seq = ++c->seq;
	err = c->exchange(c->ctx, request, ret);
	return err ? err : ret->code;
}

static int make_initiation(void *ctx, const uint8_t peer[static WG_KEY_LEN], uint32_t local_index,
	const uint8_t timestamp[static WG_TIMESTAMP_LEN], struct wg_initiation *ret)
{
	struct wg_key_request request = { .type = WG_KEY_MAKE_INITIATION,
		.local_index = local_index };
	struct wg_key_answer answer;
	int err;

	memcpy(request.peer, peer, WG_KEY_LEN);
	memcpy(request.timestamp, timestamp, WG_TIMESTAMP_LEN);
	err = exchange(ctx, &request, &answer);
	if (!err)
		memcpy(ret, answer.message, sizeof(*ret));
	return err;
}

static int open_initiation(void *ctx, const struct wg_initiation *msg,
	uint8_t ret_peer[static WG_KEY_LEN], uint8_t ret_timestamp[static WG_TIMESTAMP_LEN])
{
	struct wg_key_request request = { .type = WG_KEY_OPEN_INITIATION };
	struct wg_key_answer answer;
	int err;

	memcpy(request.message, msg, sizeof(*msg));
	err = exchange(ctx, &request, &answer);
	if (err)
		return err;
	memcpy(ret_peer, answer.peer, WG_KEY_LEN);
	memcpy(ret_timestamp, answer.timestamp, WG_TIMESTAMP_LEN);
	return 0;
}

static void copy_keys(const struct wg_key_answer *answer, struct wg_session_keys *ret)
{
	memcpy(ret->tx, answer->tx_key, WG_KEY_LEN);
	memcpy(ret->rx, answer->rx_key, WG_KEY_LEN);
}

static int make_response(
	void *ctx, uint32_t local_index, struct wg_response *ret, struct wg_session_keys *ret_keys)
{
	struct wg_key_request request = { .type = WG_KEY_MAKE_RESPONSE,
		.local_index = local_index };
	struct wg_key_answer answer;
	int err = exchange(ctx, &request, &answer);

	if (!err) {
		memcpy(ret, answer.message, sizeof(*ret));
		copy_keys(&answer, ret_keys);
	}
	secret_wipe(&answer, sizeof(answer));
	return err;
}

static int take_response(void *ctx, const uint8_t peer[static WG_KEY_LEN],
	const struct wg_response *msg, struct wg_session_keys *ret_keys)
{
	struct wg_key_request request = { .type = WG_KEY_TAKE_RESPONSE };
	struct wg_key_answer answer;
	int err;

	memcpy(request.peer, peer, WG_KEY_LEN);
	memcpy(request.message, msg, sizeof(*msg));
	err = exchange(ctx, &request, &answer);
	if (!err)
		copy_keys(&answer, ret_keys);
	secret_wipe(&answer, sizeof(answer));
	return err;
}

static void forget(void *ctx, const uint8_t peer[static WG_KEY_LEN])
{
	struct wg_key_request request = { .type = WG_KEY_FORGET };
	struct wg_key_answer unused;

	memcpy(request.peer, peer, WG_KEY_LEN);
	(void)exchange(ctx, &request, &unused);
}

void wg_key_client_init(struct wg_key_client *c, uint64_t seq, wg_key_exchange *how, void *ctx)
{
	struct wg_key_request reset = { .type = WG_KEY_RESET };
	struct wg_key_answer unused;

	*c = (struct wg_key_client){ .service = { .make_initiation = make_initiation,
					     .open_initiation = open_initiation,
					     .make_response = make_response,
					     .take_response = take_response,
					     .forget = forget,
					     .ctx = c },
		.seq = seq,
		.exchange = how,
		.ctx = ctx };
	(void)exchange(c, &reset, &unused);
}
