/* SPDX-License-Identifier: MIT */
/* Converting the status report to JSON and back. */
#pragma once

#include "base/must_check.h"
#include "ctlproto/status.h"

struct field;
struct json_object;

/** The table of a report's members (see fields.h), for code that visits each of them. */
const struct field *status_fields(void);

/** Make the object that `wirespan status --json` prints and the control socket carries; wirespan(8)
 * documents its keys. Return: 0 and the object, which the caller releases, or -ENOMEM. */
MUST_CHECK int status_to_json(const struct status_report *r, struct json_object **ret_json);

/** Decode such an object into `ret`, which need not be initialised. Return: 0, and the caller
 * releases the report with status_report_fini(); -EBADMSG (not a status report) or -ENOMEM, and
 * `ret` is an empty report. */
MUST_CHECK int status_from_json(struct json_object *json, struct status_report *ret);
