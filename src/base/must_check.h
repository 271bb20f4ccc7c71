/* SPDX-License-Identifier: MIT */
/* MUST_CHECK: marks functions whose result callers must use. */
#pragma once

/** Before the declaration of a function: the compiler warns of calls that ignore the result. */
#define MUST_CHECK __attribute__((warn_unused_result))
