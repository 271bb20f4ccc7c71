/* SPDX-License-Identifier: MIT */
/* Fuzz target: what a daemon has saved for the program that replaces it, perhaps of another
 * version. What was read, written again, is the same. Input: the text. */
#include "fuzz/target.h"

#include <string.h>

#include "ctlproto/saved_state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct saved_state s = { .len = len };
	struct saved_state again = { 0 };
	struct saved_item item;
	size_t at = 0;

	s.bytes = malloc(len + 1);
	EXPECT(s.bytes);
	if (len)
		memcpy(s.bytes, data, len);
	while (saved_next(&s, &at, &item) > 0) {
		size_t before = again.len;

		EXPECT(item.value >= s.bytes && item.value + item.len < s.bytes + len);
		EXPECT(saved_item_fd(&item) >= -1);
		(void)saved_number(&s, item.key, UINT64_MAX, 0);
		free(saved_text(&s, item.key));
		saved_put(&again, item.key, item.value, item.len);
		EXPECT(again.len > before);
	}
	at = 0;
	while (saved_next(&again, &at, &item) > 0)
		EXPECT(saved_find(&s, item.key, 0, &item));
	EXPECT(at == again.len);
	free(s.bytes);
	saved_fini(&again);
	return 0;
}
