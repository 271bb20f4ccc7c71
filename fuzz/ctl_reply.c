/* SPDX-License-Identifier: MIT */
/* Fuzz target: a control reply as the client parses it, with its status report.
 * Input: the line. A valid reply must survive printing and parsing unchanged. */
#include "fuzz/target.h"

#include <string.h>

#include "ctlproto/reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct ctl_reply reply;
	struct ctl_reply back;
	char *line;
	char *again;
	size_t line_len;
	size_t again_len;

	if (ctl_reply_parse((const char *)data, len, &reply) < 0)
		return 0;
	EXPECT(ctl_reply_print(&reply, &line, &line_len) == 0);
	EXPECT(memchr(line, '\n', line_len) == line + line_len - 1);
	EXPECT(ctl_reply_parse(line, line_len, &back) == 0);
	EXPECT(ctl_reply_print(&back, &again, &again_len) == 0);
	EXPECT(line_len == again_len && memcmp(line, again, line_len) == 0);
	free(line);
	free(again);
	ctl_reply_fini(&reply);
	ctl_reply_fini(&back);
	return 0;
}
