/* SPDX-License-Identifier: MIT */
/* What a reload cannot change, and what it changes only later. */
#include "daemon/reload_rules.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "conf/keys.h"

int reload_check(const char *backend, const struct conf_site *have, const struct conf_site *next,
	struct error *e)
{
	if (next->backend != CONF_BACKEND_AUTO &&
		strcmp(conf_word(conf_backend_words, next->backend), backend) != 0)
		return error_set(e, -EOPNOTSUPP,
			"[Site] Backend has changed, while the site runs on %s\n"
			"Use `wirespan down` and `wirespan up` for that.",
			backend);
	if (!strcmp(have->interface.name, next->interface.name))
		return 0;
	*e = (struct error){ .code = -EOPNOTSUPP };
	snprintf(e->problem, sizeof(e->problem), "[Interface] Name has changed from %s to %s.",
		have->interface.name, next->interface.name);
	snprintf(e->hint, sizeof(e->hint), "Use `wirespan down` and `wirespan up` for that.");
	return e->code;
}

void reload_note(const struct conf_interface *have, const struct conf_interface *next,
	char ret[static RELOAD_NOTE_LEN])
{
	bool pre_up = !conf_texts_equal(&have->pre_up, &next->pre_up);
	bool post_up = !conf_texts_equal(&have->post_up, &next->post_up);

	*ret = '\0';
	if (pre_up || post_up)
		snprintf(ret, RELOAD_NOTE_LEN,
			"%s%s%s %s changed: a reload runs no hooks. It takes effect at the next "
			"`wirespan up`.",
			pre_up ? "PreUp" : "", pre_up && post_up ? " and " : "",
			post_up ? "PostUp" : "", pre_up && post_up ? "have" : "has");
}
