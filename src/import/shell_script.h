/* SPDX-License-Identifier: MIT */
/* A shell script while it is read, for the files that read its commands. */
#pragma once

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>

#include "import/fact.h"
#include "import/shell_words.h"

#define REASON_FLOW    "a part of the script, not of the network"
#define REASON_REMOVAL "wirespan down removes what the site created"

/** What the lines of a script of `wirespan script` are. */
enum part {
	PART_OTHER,
	PART_PRE_UP,
	PART_POST_UP,
	PART_PRE_DOWN,
	PART_POST_DOWN,
};

/** A script while it is read. */
struct script {
	struct import *im;
	struct shell shell;
	struct shell_command *command;
	struct shell_command *before; /* the command whose output is the input, or an empty one */
	char link[IF_NAMESIZE];	      /* the WireGuard interface */
	char function[32];
	char label[32]; /* of the present part of `case` */
	bool ours;	/* written by `wirespan script` */
	enum part part;
	bool from_file; /* the next MTU: a comment states that it is not computed */
};
