/* SPDX-License-Identifier: MIT */
/* Searches for the largest packet that passes, and for the largest that passes in one piece. */
#pragma once

#include <stdbool.h>

#include "judge/observations.h"

/** Result of one size. */
struct size_result {
	bool passes;
	bool whole_out; /* and ours was not fragmented */
	bool whole_in;	/* nor was the reply */
};

/** A search. */
struct size_search {
	struct observed_session *facts; /* takes the results */
	unsigned budget;		/* expected largest size in one piece */
	bool counts;			/* fragments are counted; required for `whole` */
	enum {
		SEARCH_ALL,	/* tries the limit */
		SEARCH_BUDGET,	/* the budget */
		SEARCH_ABOVE,	/* one byte more */
		SEARCH_WHOLE,	/* bisects for the largest in one piece */
		SEARCH_LARGEST, /* bisects for the largest that passes */
		SEARCH_DONE,
	} state;
	unsigned low; /* passes */
	unsigned high;
	struct size_result all;
	struct size_result at;
	struct size_result above;
	bool again; /* the budget did not pass in one piece, and is tried a second time */
};

#define SIZE_SMALLEST 84 /* passes: smaller packets are not tried */

/** Begin: `facts->limit` is the largest size to try. */
void size_search_start(
	struct size_search *s, struct observed_session *facts, unsigned budget, bool counts);

/** The size to try next; 0: the search is over. */
unsigned size_search_next(const struct size_search *s);

/** Whether the next size is one of the two that are expected to pass: the limit, and the budget. A
 * lost packet there changes the result, not only the course of the search. */
bool size_search_is_main(const struct size_search *s);

/** Take the result of the size that size_search_next() returned. */
void size_search_take(struct size_search *s, const struct size_result *r);
