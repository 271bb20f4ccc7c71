/* SPDX-License-Identifier: MIT */
/* The options of a session as keys of its JSON object and back, by l2tp_option_rows. */
#pragma once

#include "base/must_check.h"
#include "l2tp/session_options.h"

struct json_object;

/** Add the options to `object`: a word as a string, a number as a number, an option with `off` as
 * true or false. Return: 0 or -ENOMEM. */
MUST_CHECK int options_to_json(const struct l2tp_options *options, struct json_object *object);

/**
 * Set the options from `object`; true means the initial value. A missing or null key gives the
 * initial value. Return: 0, or -EBADMSG if a value is none of the option's.
 */
MUST_CHECK int options_from_json(struct json_object *object, struct l2tp_options *ret);
