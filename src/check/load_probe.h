/* SPDX-License-Identifier: MIT */
/* Round trips to a peer beside a load that fills the path to it. */
#pragma once

#include "check/segment.h"
#include "check/tunnel_probe.h"

/* Theory of operation. A load of large frames through a session fills whatever buffer is in front
 * of the narrowest link. Small echo requests to the peer's address inside the tunnel show how long
 * other packets wait there meanwhile: they belong to another flow, so a fair queue lets them pass.
 *
 * The load consists of echo requests to a host behind the session. A window of frames is
 * outstanding. It doubles with each round trip, until that takes 150 ms longer than idle, or to
 * 256 frames. So buffers of links up to some 100 Mbit/s are filled; a faster link forwards this
 * window within 30 ms, which is not reported. With a larger one, a busy host would look like one.
 *
 * In the first second only our direction is loaded: the packets in the large frames are small, and
 * seven of eight are unsolicited echo replies, which no host answers. In the second one all are
 * requests, and both directions are loaded alike. If only the second delays other packets, the
 * buffer is in the opposite direction, provided that this is not much faster than ours. */

/** Load the path of the peer of `session` through `port`, by requests to `station`; each direction
 * as described above, for one second. Fills session->load_out and load_both. */
void load_probe_run(struct port *port, const struct observed_station *station,
	struct tunnel_probe *inside, struct observed_session *session);
