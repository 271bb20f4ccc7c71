/* SPDX-License-Identifier: MIT */
/* The options of a session: one declaration for the configuration, the engine and the status. */
#include "l2tp/session_options.h"

#include <string.h>

#include "base/bytes.h"

#define WORDS(list) .words = (list), .n_words = ARRAY_LEN(list)

static const char *const sublayers[] = {
	[L2TP_SUBLAYER_DEFAULT] = "default",
	[L2TP_SUBLAYER_NONE] = "none",
};

static const char *const sequences[L2TP_SEQUENCE_COUNT] = {
	[L2TP_SEQUENCE_NONE] = "none",
	[L2TP_SEQUENCE_SEND] = "send",
	[L2TP_SEQUENCE_RECV] = "recv",
	[L2TP_SEQUENCE_BOTH] = "both",
};

static const char *const clamps[] = {
	[L2TP_CLAMP_PATH] = "yes",
	[L2TP_CLAMP_OFF] = "no",
};

static const char *const oversizes[L2TP_OVERSIZE_COUNT] = {
	[L2TP_OVERSIZE_FRAGMENT] = "fragment",
	[L2TP_OVERSIZE_REJECT] = "reject",
	[L2TP_OVERSIZE_DROP] = "drop",
};

static const char *const flags[] = { "no", "yes" };

_Static_assert(sizeof(enum l2tp_sublayer) == sizeof(uint32_t), "options have one size");

const struct l2tp_option l2tp_option_rows[L2TP_OPTIONS] = {
	[L2TP_OPTION(sublayer)] = { .key = "Layer2SpecificHeader",
		WORDS(sublayers),
		.initial = L2TP_SUBLAYER_DEFAULT,
		.status = "sublayer",
		.off = L2TP_SUBLAYER_NONE },
	[L2TP_OPTION(sequence)] = { .key = "Sequence",
		WORDS(sequences),
		.initial = L2TP_SEQUENCE_NONE,
		.status = "sequence" },
	[L2TP_OPTION(clamp_mss)] = { .key = "ClampMSS",
		WORDS(clamps),
		.min = L2TP_CLAMP_MIN,
		.max = UINT16_MAX,
		.noun = "a maximum segment size",
		.unit = "of bytes",
		.initial = L2TP_CLAMP_PATH,
		.live = true,
		.status = "clamp_mss",
		.off = L2TP_CLAMP_OFF },
	[L2TP_OPTION(oversize)] = { .key = "Oversize",
		WORDS(oversizes),
		.initial = L2TP_OVERSIZE_FRAGMENT,
		.live = true,
		.status = "oversize" },
	[L2TP_OPTION(split_horizon)] = { .key = "SplitHorizon",
		WORDS(flags),
		.initial = L2TP_SPLIT_HORIZON_OFF,
		.live = true,
		.status = "split_horizon",
		.flag = true },
};

void l2tp_options_init(struct l2tp_options *o)
{
	for (size_t i = 0; i < L2TP_OPTIONS; i++)
		l2tp_options_set(o, i, l2tp_option_rows[i].initial);
}

uint32_t l2tp_options_get(const struct l2tp_options *o, size_t option)
{
	uint32_t value;

	memcpy(&value, (const char *)o + option * sizeof(value), sizeof(value));
	return value;
}

void l2tp_options_set(struct l2tp_options *o, size_t option, uint32_t value)
{
	memcpy((char *)o + option * sizeof(value), &value, sizeof(value));
}

const char *l2tp_option_word(const struct l2tp_option *row, uint32_t value)
{
	return value < row->n_words ? row->words[value] : NULL;
}

bool l2tp_options_need_replace(const struct l2tp_options *a, const struct l2tp_options *b)
{
	for (size_t i = 0; i < L2TP_OPTIONS; i++)
		if (!l2tp_option_rows[i].live && l2tp_options_get(a, i) != l2tp_options_get(b, i))
			return true;
	return false;
}
