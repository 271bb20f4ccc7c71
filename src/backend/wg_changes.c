/* SPDX-License-Identifier: MIT */
/* What wg(8) has changed at a site since its file was read, to be repeated to a new engine. */
#include "backend/wg_changes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/secret.h"
#include "ctlproto/uapi_print.h"

/* Our own public key, if we have none. */
static const uint8_t none[KEY_LEN];

static void release(struct wg_changes *c, struct wg_change *change)
{
	c->len -= change->len;
	secret_wipe(change->text, change->len);
	free(change->text);
}

/* Whether it changes the port or the mark of the device. */
static bool sets_device(const struct wg_change *change)
{
	static const char replace[] = "set=1\nreplace_peers=true\n\n";

	return change->of_device && (change->len != sizeof(replace) - 1 ||
					    memcmp(change->text, replace, change->len) != 0);
}

/* Remove what was changed at peers, and earlier requests to remove all, as all are removed. */
static void forget_peers(struct wg_changes *c)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n; i++)
		if (sets_device(&c->v[i]))
			c->v[n++] = c->v[i];
		else
			release(c, &c->v[i]);
	c->n = n;
	c->lost = false;
}

static bool is_of_peer(const struct wg_change *change, const uint8_t public_key[static KEY_LEN])
{
	return !change->of_device && !memcmp(change->peer, public_key, KEY_LEN);
}

/* Overwrite the preshared key of a stored request by zero, which means none. */
static void forget_psk(const struct wg_change *change)
{
	static const char name[] = "\npreshared_key=";
	char *at = memmem(change->text, change->len, name, sizeof(name) - 1);

	if (at)
		memset(at + sizeof(name) - 1, '0', KEY_HEX_LEN);
}

/* Wipe the preshared key that the section of a peer replaces or removes. */
static void forget_replaced(
	struct wg_changes *c, const struct uapi_peer *peer, struct conf_site *conf)
{
	if (!peer->has_psk && !peer->remove)
		return;
	for (size_t i = 0; i < conf->n_peers; i++)
		if (!memcmp(conf->peers[i].public_key, peer->public_key, KEY_LEN))
			secret_wipe(conf->peers[i].preshared_key, KEY_LEN);
	for (size_t i = 0; i < c->n; i++)
		if (is_of_peer(&c->v[i], peer->public_key))
			forget_psk(&c->v[i]);
}

void wg_changes_store(struct wg_changes *c, const struct uapi_set *set, const uint8_t *peer)
{
	struct wg_change *change;
	char *text;
	size_t len;

	if (uapi_print_set(set, &text, &len) < 0) {
		c->lost = true;
		return;
	}
	change = array_grow(&c->v, &c->n, sizeof(*c->v));
	if (!change) {
		c->lost = true;
		secret_wipe(text, len);
		free(text);
		return;
	}
	*change = (struct wg_change){ .of_device = !peer, .text = text, .len = len };
	if (peer)
		memcpy(change->peer, peer, KEY_LEN);
	c->len += len;
}

/* Store what is changed at the device, without its key. */
static void add_device(struct wg_changes *c, const struct uapi_set *set, struct conf_site *conf)
{
	struct uapi_set device = *set;

	if (set->has_private_key)
		memcpy(conf->interface.private_key, set->private_key, KEY_LEN);
	if (set->replace_peers) {
		forget_peers(c);
		for (size_t i = 0; i < conf->n_peers; i++)
			secret_wipe(conf->peers[i].preshared_key, KEY_LEN);
	}
	secret_wipe(device.private_key, KEY_LEN);
	device.has_private_key = false;
	device.peers = NULL;
	device.peers_len = 0;
	device.replace_peers = false;
	if (set->has_listen_port || set->has_fwmark)
		wg_changes_store(c, &device, NULL);
	if (set->replace_peers) { /* by itself: an old port or mark may be refused when repeated */
		const struct uapi_set peers = { .replace_peers = true };

		wg_changes_store(c, &peers, NULL);
	}
}

/* Store what is changed at one peer, which loses the keys that are replaced. */
static void add_peer(struct wg_changes *c, struct uapi_peer *peer, struct conf_site *conf)
{
	const struct uapi_set one = { .peers = peer, .peers_len = 1 };

	forget_replaced(c, peer, conf);
	wg_changes_store(c, &one, peer->public_key);
}

void wg_changes_add(struct wg_changes *c, const struct uapi_set *set, struct conf_site *conf,
	const uint8_t own[static KEY_LEN])
{
	bool has_own = memcmp(own, none, KEY_LEN) != 0;
	struct uapi_peer removed = { .remove = true };

	add_device(c, set, conf);
	if (set->has_private_key && has_own) { /* a peer that becomes this device ends as a peer */
		memcpy(removed.public_key, own, KEY_LEN);
		add_peer(c, &removed, conf);
	}
	for (size_t i = 0; i < set->peers_len; i++)
		if (!has_own || memcmp(set->peers[i].public_key, own, KEY_LEN) != 0)
			add_peer(c, &set->peers[i], conf);
}

void wg_changes_save(
	const struct wg_changes *c, const struct key_ring *keys, struct saved_state *state)
{
	for (size_t i = 0; i < c->n; i++) {
		const struct wg_change *change = &c->v[i];
		char *text = malloc(change->len + 1);

		if (!text) {
			state->failed = true;
			return;
		}
		memcpy(text, change->text, change->len);
		key_ring_fill_reply(keys, text, change->len);
		saved_put(state, "wg-peer", change->peer, KEY_LEN);
		saved_put(state, "wg-change", text, change->len);
		secret_wipe(text, change->len);
		free(text);
	}
	saved_put_number(state, "wg-lost", c->lost);
}

/* Add a copy of a change. It is of the device if it has no section of a peer, as the key of a peer
 * may be all zero, too. Return: 0 or -ENOMEM. */
static int restore_one(
	struct wg_changes *c, const struct saved_item *peer, const struct saved_item *item)
{
	static const char section[] = "\npublic_key=";
	char *text = malloc(item->len + 1);
	struct wg_change *change = text ? array_grow(&c->v, &c->n, sizeof(*c->v)) : NULL;

	if (!change) {
		free(text);
		return -ENOMEM;
	}
	memcpy(text, item->value, item->len);
	text[item->len] = '\0';
	memcpy(change->peer, peer->value, KEY_LEN);
	change->of_device = !memmem(text, item->len, section, sizeof(section) - 1);
	change->text = text;
	change->len = item->len;
	c->len += item->len;
	return 0;
}

int wg_changes_restore(struct wg_changes *c, const struct saved_state *saved)
{
	struct saved_item peer = { 0 };
	struct saved_item item;
	size_t at = 0;
	int err = 0;

	while (!err && saved_next(saved, &at, &item) > 0) {
		if (!strcmp(item.key, "wg-peer"))
			peer = item;
		else if (!strcmp(item.key, "wg-change") && peer.len == KEY_LEN)
			err = restore_one(c, &peer, &item);
	}
	c->lost = saved_number(saved, "wg-lost", 1, 0);
	return err;
}

int wg_change_parse(const struct wg_change *change, struct uapi_request *ret)
{
	const char *at = change->text;
	const char *end = at + change->len;
	enum uapi_step step = UAPI_MORE;

	while (step == UAPI_MORE && at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		size_t len = (size_t)((newline ? newline : end) - at);

		step = uapi_request_line(ret, at, len);
		at += len + !!newline;
	}
	return step == UAPI_SET ? 0 : -EBADMSG;
}

/* Whether a change removes a peer. */
static bool removes(const struct wg_change *change)
{
	static const char remove[] = "\nremove=true\n";

	return memmem(change->text, change->len, remove, sizeof(remove) - 1);
}

/* Put marks into one change. Return: 0 or -errno. */
static int take_keys(struct wg_changes *c, struct wg_change *change, struct key_ring *keys)
{
	struct uapi_request request = { 0 };
	struct uapi_set marked;
	char *text = NULL;
	size_t len = 0;
	int err = wg_change_parse(change, &request);

	if (!err)
		err = key_ring_set(keys, &request.set, &marked);
	if (!err) {
		err = uapi_print_set(&marked, &text, &len);
		key_ring_free_set(&marked);
	}
	uapi_request_fini(&request);
	if (err < 0)
		return err;
	release(c, change);
	change->text = text;
	change->len = len;
	c->len += len;
	return 0;
}

int wg_changes_take_keys(struct wg_changes *c, struct key_ring *keys)
{
	bool has_own = memcmp(keys->public_key, none, KEY_LEN) != 0;
	size_t n = 0;
	int err = 0;

	for (size_t i = 0; i < c->n; i++) {
		if (has_own && is_of_peer(&c->v[i], keys->public_key) && !removes(&c->v[i])) {
			release(c, &c->v[i]);
			continue;
		}
		if (!err)
			err = take_keys(c, &c->v[i], keys);
		c->v[n++] = c->v[i];
	}
	c->n = n;
	return err;
}

void wg_changes_clear(struct wg_changes *c)
{
	for (size_t i = 0; i < c->n; i++)
		release(c, &c->v[i]);
	free(c->v);
	*c = (struct wg_changes){ 0 };
}
