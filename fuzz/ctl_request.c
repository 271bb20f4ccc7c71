/* SPDX-License-Identifier: MIT */
/* Fuzz target: a request to the control socket. Input: the line without its newline. */
#include "fuzz/target.h"

#include <errno.h>
#include <string.h>

#include "ctlproto/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct ctl_request request = { .verb = CTL_VERB_COUNT };
	struct ctl_request back;
	char line[CTL_REQUEST_MAX];
	int n;

	if (ctl_request_parse((const char *)data, len, &request) < 0) {
		EXPECT(request.verb == CTL_VERB_COUNT);
		return 0;
	}
	n = ctl_request_print(&request, line, sizeof(line));
	if (n == -EINVAL && request.verb == CTL_UPGRADE)
		return 0; /* a path that would need escapes */
	EXPECT(n > 0);
	EXPECT(ctl_request_parse(line, (size_t)n - 1, &back) == 0);
	EXPECT(back.verb == request.verb);
	EXPECT(strcmp(back.program, request.program) == 0);
	return 0;
}
