/* SPDX-License-Identifier: MIT */
/* The MTUs of the host's interfaces, to notice when one of them changes. */
#include "underlay/link_mtus.h"

bool link_mtus_update(struct link_mtus *m, const struct changes *d)
{
	bool changed = false;

	for (size_t i = 0; i < d->n_links; i++) {
		const struct changes_link *link = &d->links[i];
		struct changes_link *seen = &m->seen[link->ifindex % LINK_MTUS];

		changed |= seen->ifindex != link->ifindex || seen->mtu != link->mtu;
		*seen = *link;
	}
	return changed;
}
