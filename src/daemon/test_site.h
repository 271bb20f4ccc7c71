/* SPDX-License-Identifier: MIT */
/* For tests of the site daemon: a back end and a host that only record what is asked of them. */
#pragma once

#include <stdbool.h>

#include "ctlproto/reply.h"

/** A run of the site daemon: what happens, and what the test wants to know afterwards. */
struct test_site {
	/* set by the test */
	const char *texts[4]; /* configurations, one for each time that the file is read; NULL: it
				 has a mistake */
	const char *events;   /* what happens, one letter for each call of work(): see below */
	const char *fails;    /* name of the call that fails, or NULL */
	bool hooks;	      /* PostUp and PreDown exist */
	bool resumed;	      /* the back end resumes the site: PostUp has run */
	bool alone;	      /* with `resumed`: no process is needed */
	bool host_is_wrong;   /* a mistake is of the host, not of the file */
	bool slow_hook;	      /* PostUp runs until the event K */

	/* set by the run */
	char calls[1024]; /* what was called, separated by spaces */
	int exit_code;
	int asked; /* result of ctl_client_ask() for the last request */
	struct ctl_reply reply;
	char text[4096]; /* standard error */
};

/**
 * Run the daemon until it ends, in this process, without root. Letters of `events`: H SIGHUP,
 * T SIGTERM; S, R, D requests for the status, a reload, the end, each answered before the next
 * letter; M, L, E the back end's events: MTUs changed, interface lost, end requested.
 */
void test_site_run(struct test_site *t);
