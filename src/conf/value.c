/* SPDX-License-Identifier: MIT */
/* Values of configuration keys as text: numbers, booleans, hex, interface names, endpoints. */
#include "conf/value.h"

#include <ctype.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/addr.h"
#include "base/bytes.h"

#define LABEL_MAX      63 /* of a host name, between two dots */
#define LETTERS_DIGITS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

/* The value of a digit in bases up to 16, or 99. */
static unsigned digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (unsigned)(c - 'a') + 10;
	if (c >= 'A' && c <= 'F')
		return (unsigned)(c - 'A') + 10;
	return 99;
}

int conf_value_u32(const char *text, uint32_t min, uint32_t max, uint32_t *ret)
{
	unsigned base = 10;
	uint64_t v = 0;

	if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
		base = 16;
		text += 2;
	}
	if (!*text)
		return -EINVAL;
	for (; *text; text++) {
		unsigned d = digit_value(*text);

		if (d >= base)
			return -EINVAL;
		v = v > UINT32_MAX ? v : v * base + d;
	}
	if (v < min || v > max)
		return -ERANGE;
	*ret = (uint32_t)v;
	return 0;
}

/* The factor of a unit of rates; 0: it is none. */
static uint64_t rate_unit(const char *unit)
{
	static const char prefixes[] = "kmgt";
	const char *prefix = *unit ? strchr(prefixes, tolower((unsigned char)*unit)) : NULL;
	uint64_t factor = 1, step = 1000;

	if (prefix && *prefix) {
		unit++;
		if (*unit == 'i' || *unit == 'I') {
			step = 1024;
			unit++;
		}
		for (const char *p = prefixes; p <= prefix; p++)
			factor *= step;
	}
	if (!*unit || !strcasecmp(unit, "bit"))
		return factor;
	return strcasecmp(unit, "bps") ? 0 : 8 * factor;
}

int conf_value_rate(const char *text, uint64_t *ret)
{
	uint64_t number = 0, scale = 1, factor, v;
	unsigned digits = 0;
	bool point = false;

	for (; digit_value(*text) < 10 || (*text == '.' && !point); text++) {
		if (*text == '.') {
			point = true;
			continue;
		}
		if (++digits > 13)
			return -ERANGE;
		number = number * 10 + digit_value(*text);
		scale *= point ? 10 : 1;
	}
	factor = rate_unit(text);
	if (!digits || !factor)
		return -EINVAL;
	if (number / scale > CONF_RATE_MAX / factor)
		return -ERANGE;
	v = number / scale * factor +
	    (uint64_t)((double)(number % scale) / (double)scale * (double)factor);
	if (v < CONF_RATE_MIN || v > CONF_RATE_MAX)
		return -ERANGE;
	*ret = v;
	return 0;
}

int conf_value_bool(const char *text, bool *ret)
{
	static const char *const yes[] = { "yes", "true", "on", "1" };
	static const char *const no[] = { "no", "false", "off", "0" };

	for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
		if (!strcasecmp(text, yes[i])) {
			*ret = true;
			return 0;
		}
		if (!strcasecmp(text, no[i])) {
			*ret = false;
			return 0;
		}
	}
	return -EINVAL;
}

int conf_value_hex(const char *text, size_t max, uint8_t *ret)
{
	size_t len = strlen(text);

	if (len % 2 || len / 2 > max)
		return -EINVAL;
	for (size_t i = 0; i < len / 2; i++) {
		unsigned hi = digit_value(text[2 * i]);
		unsigned lo = digit_value(text[2 * i + 1]);

		if (hi > 15 || lo > 15)
			return -EINVAL;
		ret[i] = (uint8_t)(hi << 4 | lo);
	}
	return (int)(len / 2);
}

const char *conf_value_name_problem(const char *name)
{
	size_t len = strlen(name);

	if (!len)
		return "is empty";
	if (len >= IF_NAMESIZE)
		return "is longer than 15 characters, the limit of interface names";
	if (!strcmp(name, ".") || !strcmp(name, "..") || !strcmp(name, "all") ||
		!strcmp(name, "default"))
		return "is a name that the kernel reserves";
	if (strspn(name, LETTERS_DIGITS "_=+.-") != len)
		return "has a character that is not allowed in an interface name (allowed: "
		       "letters, digits, _ = + . -)";
	return NULL;
}

const char *conf_value_peer_name_problem(const char *name)
{
	size_t len = strlen(name);

	if (len >= CONF_PEER_NAME)
		return "is longer than 63 characters\nwrite a shorter name";
	if (!len || *name == '.' || *name == '-' || strspn(name, LETTERS_DIGITS "_.-") != len)
		return "is not a name for a peer\n"
		       "write letters, digits, _ . and -, and begin with none of . and -";
	return NULL;
}

const char *conf_value_user_problem(const char *name)
{
	size_t len = strlen(name);

	if (len >= CONF_USER_NAME)
		return "is longer than 31 characters\nname a user of this host";
	if (!len || *name == '-' || *name == '.' || strspn(name, LETTERS_DIGITS "_.-") != len ||
		strspn(name, "0123456789") == len)
		return "is not the name of a user\n"
		       "name one that useradd(8) has made, or write dynamic";
	return NULL;
}

/* Whether `host` is an IPv6 address, with or without a %scope. */
static bool is_ipv6(const char *host)
{
	size_t len = strcspn(host, "%");
	char addr[IP_ADDR_TEXT_LEN];
	struct ip_addr a;

	if (len >= sizeof(addr))
		return false;
	memcpy(addr, host, len);
	addr[len] = '\0';
	if (host[len] && (!host[len + 1] || strlen(host + len + 1) >= IF_NAMESIZE))
		return false;
	return !ip_addr_parse(addr, &a) && a.family == AF_INET6;
}

/* Whether a host name, or one of the labels between its dots, is longer than DNS allows. Source:
 * RFC 1035 §2.3.4. */
static bool is_too_long(const char *host)
{
	bool long_label = false;

	if (strlen(host) > CONF_HOST_MAX)
		return true;
	for (size_t len; *host && !long_label; host += len + (host[len] != '\0')) {
		len = strcspn(host, ".");
		long_label = len > LABEL_MAX;
	}
	return long_label;
}

/* Whether `host` is an IPv4 address or may be a host name. */
static bool is_name(const char *host)
{
	size_t len = strlen(host);
	struct ip_addr a;

	if (!len || strspn(host, LETTERS_DIGITS "._-") != len || host[0] == '.' || host[0] == '-' ||
		strstr(host, ".."))
		return false;
	/* digits and dots alone must be an address, not a name */
	return strspn(host, "0123456789.") != len || !ip_addr_parse(host, &a);
}

const char *conf_value_endpoint(char *text, const char **ret_host, uint16_t *ret_port)
{
	bool bracket = text[0] == '[';
	char *host = bracket ? text + 1 : text;
	char *colon = strrchr(text, ':');
	char *end;
	uint32_t port;

	if (!bracket && is_ipv6(text))
		return "is an IPv6 address without brackets\nwrite it as [address]:port";
	if (!colon || (bracket && (colon == text || colon[-1] != ']')))
		return "has no port\nwrite it as address:port, name:port or [IPv6 address]:port";
	if (conf_value_u32(colon + 1, 1, UINT16_MAX, &port) < 0)
		return "has an invalid port\nend it with :port, a number from 1 to 65535";
	end = bracket ? colon - 1 : colon;
	*end = '\0';
	if (bracket && !is_ipv6(host))
		return "has no IPv6 address between the brackets\nwrite it as [IPv6 address]:port";
	if (!bracket && is_ipv6(host))
		return "has an IPv6 address without brackets\nwrite it as [address]:port";
	if (!bracket && is_name(host) && is_too_long(host))
		return "has a host name that is too long for DNS\n"
		       "write at most 253 characters, and at most 63 between two dots";
	if (!bracket && !is_name(host))
		return "has neither an address nor a host name before the port\n"
		       "write it as address:port, name:port or [IPv6 address]:port";
	*ret_host = host;
	*ret_port = (uint16_t)port;
	return NULL;
}

const char *conf_shown(const char *text, char buf[static CONF_SHOWN_LEN])
{
	size_t len = strlen(text);
	bool plain = len > 0 && len < CONF_SHOWN_MAX;

	for (size_t i = 0; plain && i < len; i++)
		plain = text[i] >= ' ' && text[i] <= '~';
	if (plain)
		snprintf(buf, CONF_SHOWN_LEN, "\"%s\"", text);
	else
		snprintf(buf, CONF_SHOWN_LEN, "%s", len ? "the value" : "nothing");
	return buf;
}
