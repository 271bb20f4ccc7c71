/* SPDX-License-Identifier: MIT */
/* Searches for the largest packet that passes, and for the largest that passes in one piece. */
#include "check/size_search.h"

static bool is_whole(const struct size_result *r)
{
	return r->passes && r->whole_out && r->whole_in;
}

void size_search_start(
	struct size_search *s, struct observed_session *facts, unsigned budget, bool counts)
{
	*s = (struct size_search){ .facts = facts, .budget = budget, .counts = counts };
	if (facts->limit <= SIZE_SMALLEST || !budget)
		s->state = SEARCH_DONE;
	else if (budget >= facts->limit)
		s->budget = facts->limit - 1;
}

static void bisect(struct size_search *s, int state, unsigned low, unsigned high)
{
	s->state = state;
	s->low = low;
	s->high = high;
}

/* `whole` is found; the largest that passes is left. */
static void search_largest(struct size_search *s, unsigned low)
{
	s->facts->largest = s->facts->limit;
	s->state = SEARCH_DONE;
	if (!s->all.passes)
		bisect(s, SEARCH_LARGEST, low, s->facts->limit - 1);
}

static void take_all(struct size_search *s, const struct size_result *r)
{
	s->all = *r;
	if (!s->counts)
		search_largest(s, SIZE_SMALLEST);
	else if (!is_whole(r))
		s->state = SEARCH_BUDGET;
	else {
		s->facts->largest = s->facts->whole = s->facts->limit;
		s->state = SEARCH_DONE;
	}
}

/* That the budget passes, but not in one piece, is to be true for two turns: packets that arrive
 * late, out of order, are counted with those of a later size. */
static void take_above(struct size_search *s, const struct size_result *r)
{
	s->above = *r;
	if (s->at.passes && !is_whole(&s->at) && !s->again) {
		s->again = true;
		s->state = SEARCH_BUDGET;
		return;
	}
	if (!is_whole(&s->at))
		bisect(s, SEARCH_WHOLE, SIZE_SMALLEST, s->budget - 1);
	else if (is_whole(r))
		bisect(s, SEARCH_WHOLE, s->budget + 1, s->facts->limit - 1);
	else {
		s->facts->whole = s->budget;
		s->facts->in_pieces = r->passes && r->whole_out;
		search_largest(s, s->budget);
	}
}

/* Set the result of a bisection that is over. */
static void finish_bisection(struct size_search *s)
{
	if (s->low < s->high)
		return;
	if (s->state == SEARCH_WHOLE) {
		s->facts->whole = s->low;
		search_largest(s, s->low);
		finish_bisection(s);
	} else if (s->state == SEARCH_LARGEST) {
		s->facts->largest = s->low;
		s->state = SEARCH_DONE;
	}
}

static unsigned middle(const struct size_search *s)
{
	return s->low + (s->high - s->low + 1) / 2;
}

unsigned size_search_next(const struct size_search *s)
{
	switch (s->state) {
	case SEARCH_ALL:
		return s->facts->limit;
	case SEARCH_BUDGET:
		return s->budget;
	case SEARCH_ABOVE:
		return s->budget + 1;
	case SEARCH_WHOLE:
	case SEARCH_LARGEST:
		return middle(s);
	case SEARCH_DONE:
		break;
	}
	return 0;
}

bool size_search_is_main(const struct size_search *s)
{
	return s->state == SEARCH_ALL || s->state == SEARCH_BUDGET;
}

void size_search_take(struct size_search *s, const struct size_result *r)
{
	switch (s->state) {
	case SEARCH_ALL:
		take_all(s, r);
		break;
	case SEARCH_BUDGET:
		s->at = *r;
		s->state = SEARCH_ABOVE;
		if (s->again)
			take_above(s, &s->above);
		break;
	case SEARCH_ABOVE:
		take_above(s, r);
		break;
	case SEARCH_WHOLE:
	case SEARCH_LARGEST:
		if (s->state == SEARCH_WHOLE ? is_whole(r) : r->passes)
			s->low = middle(s);
		else
			s->high = middle(s) - 1;
		break;
	case SEARCH_DONE:
		break;
	}
	finish_bisection(s);
}
