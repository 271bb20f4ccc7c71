/* SPDX-License-Identifier: MIT */
/* A key service whose keys are in another process: each call becomes a request and its answer. */
#pragma once

#include "wg/key_message.h"
#include "wg/secrets.h"

/** Sends a request and, if its type has an answer (wg_key_is_answered()), waits for it. Return: 0,
 * with an answer that wg_key_answer_decode() has accepted; or -errno without one. */
typedef int wg_key_exchange(
	void *ctx, const struct wg_key_request *request, struct wg_key_answer *ret);

/** The service, for wg_device_use_service(), and how it reaches the keys. Must not move. */
struct wg_key_client {
	struct wg_key_service service;
	uint64_t seq; /* of the last request */
	wg_key_exchange *exchange;
	void *ctx; /* of `exchange` */
};

/** Initialise, and have handshakes of an earlier client forgotten. Requests are numbered from
 * `seq`, greater than the numbers of any earlier client of the same keys. */
void wg_key_client_init(struct wg_key_client *c, uint64_t seq, wg_key_exchange *how, void *ctx);
