/* SPDX-License-Identifier: MIT */
/* Options of the userspace engine for tests and unusual hosts: which offloads may be used. */
#include "driver/driver.h"

#include <errno.h>
#include <string.h>

#include "base/bytes.h"

static bool *option_named(struct driver_options *o, const char *word)
{
	const struct {
		const char *word;
		bool *flag;
	} table[] = {
		{ "no-vnet", &o->tap.vnet_hdr },
		{ "no-tso", &o->tap.tso },
		{ "no-uso", &o->tap.uso },
		{ "no-gso", &o->udp.segment },
		{ "no-gro", &o->udp.gro },
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (!strcmp(table[i].word, word))
			return table[i].flag;
	return NULL;
}

int driver_options_from(char *text, struct driver_options *ret)
{
	struct driver_options o = { .tap = { true, true, true }, .udp = { true, true } };
	char *save = NULL;

	for (char *w = text ? strtok_r(text, ",", &save) : NULL; w;
		w = strtok_r(NULL, ",", &save)) {
		bool *flag = option_named(&o, w);

		if (flag)
			*flag = false;
		else if (!strncmp(w, "aead=", 5))
			o.aead = w + 5;
		else
			return -EINVAL;
	}
	*ret = o;
	return 0;
}
