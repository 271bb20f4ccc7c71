/* SPDX-License-Identifier: MIT */
/* For tests on the kernel itself: a network namespace of one's own. */
#pragma once

/** Enter an empty network namespace with lo and a pair of veth, eth1 and its peer. Ends the program
 * with 77 if that is not allowed here. */
void test_netns_enter(void);
