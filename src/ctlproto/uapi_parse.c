/* SPDX-License-Identifier: MIT */
/* Parsing requests of WireGuard's cross-platform configuration protocol, as wg(8) sends them. */
#include "ctlproto/uapi_parse.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/bytes.h"
#include "base/secret.h"

#define VALUE_LEN 160 /* more than the longest valid value with its NUL */

/* Parse a decimal number of at most `max`. */
static int parse_number(const char *value, uint64_t max, uint64_t *ret)
{
	size_t digits = strspn(value, "0123456789");
	uint64_t v;

	if (digits == 0 || digits > 19 || value[digits] != '\0')
		return -EINVAL;
	v = strtoull(value, NULL, 10);
	if (v > max)
		return -EINVAL;
	*ret = v;
	return 0;
}

/* Parse a flag, whose only valid value is "true". */
static int parse_flag(const char *value, bool *ret)
{
	if (strcmp(value, "true") != 0)
		return -EINVAL;
	*ret = true;
	return 0;
}

/* Parse a number into a member and mark it as present. */
static int parse_u16(const char *value, uint16_t *ret, bool *ret_has)
{
	uint64_t v;

	if (parse_number(value, UINT16_MAX, &v) < 0)
		return -EINVAL;
	*ret = (uint16_t)v;
	*ret_has = true;
	return 0;
}

static int parse_key(const char *value, uint8_t ret[static KEY_LEN], bool *ret_has)
{
	if (key_from_hex(value, strlen(value), ret) < 0)
		return -EINVAL;
	*ret_has = true;
	return 0;
}

/* ---- lines before the first peer ---- */

static int set_private_key(struct uapi_request *r, const char *value)
{
	return parse_key(value, r->set.private_key, &r->set.has_private_key);
}

static int set_listen_port(struct uapi_request *r, const char *value)
{
	return parse_u16(value, &r->set.listen_port, &r->set.has_listen_port);
}

static int set_fwmark(struct uapi_request *r, const char *value)
{
	uint64_t v;

	if (parse_number(value, UINT32_MAX, &v) < 0)
		return -EINVAL;
	r->set.fwmark = (uint32_t)v;
	r->set.has_fwmark = true;
	return 0;
}

static int set_replace_peers(struct uapi_request *r, const char *value)
{
	return parse_flag(value, &r->set.replace_peers);
}

/* ---- lines of a peer ---- */

/* The peer of the current section. */
static struct uapi_peer *current(const struct uapi_request *r)
{
	return &r->set.peers[r->set.peers_len - 1];
}

static int add_peer(struct uapi_request *r, const char *value)
{
	uint8_t key[KEY_LEN];
	struct uapi_peer *peer;

	if (key_from_hex(value, strlen(value), key) < 0)
		return -EINVAL;
	if (r->set.peers_len >= UAPI_PEERS_MAX)
		return -E2BIG;
	peer = array_grow(&r->set.peers, &r->set.peers_len, sizeof(*peer));
	if (!peer)
		return -ENOMEM;
	memcpy(peer->public_key, key, KEY_LEN);
	return 0;
}

static int set_update_only(struct uapi_request *r, const char *value)
{
	return parse_flag(value, &current(r)->update_only);
}

static int set_remove(struct uapi_request *r, const char *value)
{
	return parse_flag(value, &current(r)->remove);
}

static int set_preshared_key(struct uapi_request *r, const char *value)
{
	return parse_key(value, current(r)->psk, &current(r)->has_psk);
}

/* "[fe80::1%eth0]:51820": move the zone out of `value` unless it is a number. */
static int split_zone(char *value, char ret_zone[static UAPI_ZONE_LEN])
{
	char *percent = strchr(value, '%');
	char *bracket = percent ? strchr(percent, ']') : NULL;
	size_t len;

	if (!bracket)
		return 0;
	len = (size_t)(bracket - percent) - 1;
	if (len > 0 && strspn(percent + 1, "0123456789") == len)
		return 0;
	if (len == 0 || len >= UAPI_ZONE_LEN)
		return -EINVAL;
	memcpy(ret_zone, percent + 1, len);
	ret_zone[len] = '\0';
	memmove(percent, bracket, strlen(bracket) + 1);
	return 0;
}

/* Whether it is a v4-mapped IPv6 address, which an IPv4 socket must serve. */
static bool is_mapped(const struct ip_addr *a)
{
	static const uint8_t prefix[12] = { [10] = 0xff, [11] = 0xff };

	return a->family == AF_INET6 && memcmp(a->bytes, prefix, sizeof(prefix)) == 0;
}

static int set_endpoint(struct uapi_request *r, const char *value)
{
	struct uapi_peer *peer = current(r);
	char copy[VALUE_LEN];
	char zone[UAPI_ZONE_LEN] = "";
	struct endpoint e;

	memcpy(copy, value, strlen(value) + 1);
	if (split_zone(copy, zone) < 0 || endpoint_parse(copy, &e) < 0)
		return -EINVAL;
	if (is_mapped(&e.addr)) {
		e.addr = ip_addr_v4(e.addr.bytes + 12);
		e.scope = 0;
		zone[0] = '\0';
	}
	peer->endpoint = e;
	peer->has_endpoint = true;
	memcpy(peer->zone, zone, sizeof(zone));
	return 0;
}

static int set_keepalive(struct uapi_request *r, const char *value)
{
	return parse_u16(value, &current(r)->keepalive_s, &current(r)->has_keepalive);
}

static int set_replace_allowed_ips(struct uapi_request *r, const char *value)
{
	struct uapi_peer *peer = current(r);

	if (parse_flag(value, &peer->replace_allowed_ips) < 0)
		return -EINVAL;
	/* earlier lines are replaced, too */
	r->prefixes -= peer->prefixes_len;
	free(peer->prefixes);
	peer->prefixes = NULL;
	peer->prefixes_len = 0;
	return 0;
}

static int add_allowed_ip(struct uapi_request *r, const char *value)
{
	struct uapi_peer *peer = current(r);
	struct uapi_prefix *slot;
	struct ip_prefix prefix;
	bool remove = *value == '-';

	if (!strchr(value, '/') || ip_prefix_parse(value + remove, &prefix) < 0)
		return -EINVAL;
	if (r->prefixes >= UAPI_PREFIXES_MAX)
		return -E2BIG;
	slot = array_grow(&peer->prefixes, &peer->prefixes_len, sizeof(*slot));
	if (!slot)
		return -ENOMEM;
	slot->prefix = prefix;
	slot->remove = remove;
	r->prefixes++;
	return 0;
}

static int check_protocol_version(struct uapi_request *r, const char *value)
{
	return strcmp(value, "1") == 0 ? 0 : -EINVAL;
}

/* ---- requests ---- */

/** A key and the function that parses its value. */
struct key {
	const char *name;
	int (*parse)(struct uapi_request *r, const char *value);
};

static const struct key device_keys[] = {
	{ "private_key", set_private_key },
	{ "listen_port", set_listen_port },
	{ "fwmark", set_fwmark },
	{ "replace_peers", set_replace_peers },
	{ "public_key", add_peer },
};

static const struct key peer_keys[] = {
	{ "public_key", add_peer },
	{ "update_only", set_update_only },
	{ "remove", set_remove },
	{ "preshared_key", set_preshared_key },
	{ "endpoint", set_endpoint },
	{ "persistent_keepalive_interval", set_keepalive },
	{ "replace_allowed_ips", set_replace_allowed_ips },
	{ "allowed_ip", add_allowed_ip },
	{ "protocol_version", check_protocol_version },
};

static const struct key *find_key(
	const struct key *table, size_t n, const char *name, size_t name_len)
{
	for (size_t i = 0; i < n; i++) {
		if (strlen(table[i].name) == name_len && memcmp(table[i].name, name, name_len) == 0)
			return &table[i];
	}
	return NULL;
}

/* Parse one line of a set request. */
static int parse_line(struct uapi_request *r, const char *line, size_t len)
{
	const char *equals = memchr(line, '=', len);
	const struct key *key;
	char value[VALUE_LEN];
	size_t value_len;
	int err;

	if (!equals)
		return -EPROTO;
	key = r->set.peers_len
		      ? find_key(peer_keys, ARRAY_LEN(peer_keys), line, (size_t)(equals - line))
		      : find_key(
				device_keys, ARRAY_LEN(device_keys), line, (size_t)(equals - line));
	value_len = len - (size_t)(equals - line) - 1;
	if (!key || value_len >= sizeof(value) || memchr(equals, '\0', value_len + 1))
		return -EINVAL;
	memcpy(value, equals + 1, value_len);
	value[value_len] = '\0';
	err = key->parse(r, value);
	secret_wipe(value, sizeof(value));
	return err;
}

static bool line_is(const char *line, size_t len, const char *text)
{
	return len == strlen(text) && memcmp(line, text, len) == 0;
}

enum uapi_step uapi_request_line(struct uapi_request *r, const char *line, size_t len)
{
	if (r->skipping) {
		r->skipping = false;
		return UAPI_MORE;
	}
	switch (r->state) {
	case UAPI_AT_START:
		if (line_is(line, len, "get=1"))
			r->state = UAPI_IN_GET;
		else if (line_is(line, len, "set=1"))
			r->state = UAPI_IN_SET;
		else
			return UAPI_FOREIGN;
		return UAPI_MORE;
	case UAPI_IN_GET:
		if (len == 0)
			return UAPI_GET;
		r->err = -EINVAL;
		return UAPI_REFUSED;
	case UAPI_IN_SET:
		if (len == 0)
			return r->err ? UAPI_REFUSED : UAPI_SET;
		if (!r->err)
			r->err = parse_line(r, line, len);
		return UAPI_MORE;
	}
	return UAPI_FOREIGN;
}

enum uapi_step uapi_request_overlong(struct uapi_request *r)
{
	if (r->state == UAPI_AT_START)
		return UAPI_FOREIGN;
	if (!r->err)
		r->err = -EINVAL;
	r->skipping = true;
	return r->state == UAPI_IN_SET ? UAPI_MORE : UAPI_REFUSED;
}

void uapi_request_fini(struct uapi_request *r)
{
	for (size_t i = 0; i < r->set.peers_len; i++)
		free(r->set.peers[i].prefixes);
	if (r->set.peers)
		secret_wipe(r->set.peers, r->set.peers_len * sizeof(*r->set.peers));
	free(r->set.peers);
	secret_wipe(r, sizeof(*r));
}
