/* SPDX-License-Identifier: MIT */
/* What wg(8) has changed at a site since its file was read, to be repeated to a new engine. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend/key_ring.h"
#include "base/keytext.h"
#include "base/must_check.h"
#include "conf/model.h"
#include "ctlproto/saved_state.h"
#include "ctlproto/uapi_parse.h"

/** A request that changes one peer, or the device. */
struct wg_change {
	bool of_device;
	uint8_t peer[KEY_LEN]; /* its public key, which may be all zero; of the device: all zero */
	char *text;	       /* `len` bytes, owned; with marks in place of keys: see key_ring.h */
	size_t len;
};

/** The changes, oldest first. All zero: none. */
struct wg_changes {
	struct wg_change *v;
	size_t n;
	size_t len;	 /* of all texts together */
	size_t merge_at; /* the `len` at which to merge them: see wg_merge.h */
	bool lost;	 /* some were not stored, for want of memory */
};

/**
 * Store what a successful request has changed. Keys that it replaces or removes are wiped, here and
 * in `conf`; its private key is stored in `conf`, where a new engine looks first. What it sets at
 * a peer with our own public key is not stored, as the engine has ignored it; that such a peer was
 * removed is, for an engine with another private key. `own`: that key after the request; all zero:
 * none.
 */
void wg_changes_add(struct wg_changes *c, const struct uapi_set *set, struct conf_site *conf,
	const uint8_t own[static KEY_LEN]);

/** Store one change, of the device if `peer` is NULL. */
void wg_changes_store(struct wg_changes *c, const struct uapi_set *set, const uint8_t *peer);

/** Parse a stored request. Return: 0 and it, for uapi_request_fini(); or -EBADMSG. */
MUST_CHECK int wg_change_parse(const struct wg_change *change, struct uapi_request *ret);

/** Write them for another program in this process, with the keys in place of marks. */
void wg_changes_save(
	const struct wg_changes *c, const struct key_ring *keys, struct saved_state *state);

/** Read what was saved, with keys. Return: 0 or -ENOMEM. */
MUST_CHECK int wg_changes_restore(struct wg_changes *c, const struct saved_state *saved);

/** Apply them to the keys of the configuration, and put marks in place of keys. Those of a peer
 * with our own public key are dropped, except that it was removed. Return: 0; or -EBADMSG or
 * -ENOMEM, with some of the keys taken. */
MUST_CHECK int wg_changes_take_keys(struct wg_changes *c, struct key_ring *keys);

/** Wipe and release all. */
void wg_changes_clear(struct wg_changes *c);
