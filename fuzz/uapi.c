/* SPDX-License-Identifier: MIT */
/* Fuzz target: requests of wg(8)'s configuration protocol, as received on the socket. */
#include "fuzz/target.h"

#include <string.h>

#include "ctlproto/uapi_parse.h"

#define OVERLONG 512 /* longer than the server's buffer */

/* Check the contents of a complete and valid request. */
static void check_set(const struct uapi_request *r)
{
	size_t prefixes = 0;

	EXPECT(r->err == 0);
	for (size_t i = 0; i < r->set.peers_len; i++) {
		const struct uapi_peer *p = &r->set.peers[i];

		prefixes += p->prefixes_len;
		for (size_t k = 0; k < p->prefixes_len; k++)
			EXPECT(p->prefixes[k].prefix.len <=
				ip_addr_bits(&p->prefixes[k].prefix.addr));
		EXPECT(!p->has_endpoint || ip_addr_len(&p->endpoint.addr) > 0);
		EXPECT(memchr(p->zone, '\0', sizeof(p->zone)));
		EXPECT(!*p->zone || p->endpoint.addr.family == AF_INET6);
	}
	EXPECT(prefixes == r->prefixes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct uapi_request r = { 0 };
	size_t at = 0;

	while (at < len) {
		const uint8_t *newline = memchr(data + at, '\n', len - at);
		size_t rest = newline ? (size_t)(newline - data) - at : len - at;
		bool overlong = rest > OVERLONG;
		size_t line_len = overlong ? OVERLONG : rest;
		/* a copy, so that a sanitizer detects reads past the end */
		char *line = malloc(line_len ? line_len : 1);
		enum uapi_step step;

		EXPECT(line);
		memcpy(line, data + at, line_len);
		step = overlong ? uapi_request_overlong(&r) : uapi_request_line(&r, line, line_len);
		free(line);
		at += line_len + !overlong;
		if (step == UAPI_SET)
			check_set(&r);
		EXPECT(step != UAPI_REFUSED || r.err < 0);
		if (step != UAPI_MORE)
			uapi_request_fini(&r);
		if (step == UAPI_FOREIGN)
			break;
	}
	uapi_request_fini(&r);
	return 0;
}
