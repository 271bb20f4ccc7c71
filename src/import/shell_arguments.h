/* SPDX-License-Identifier: MIT */
/* Arguments of the commands of a shell script. */
#pragma once

#include "import/shell_script.h"

/** Whether a value is in the script, and not known only while it runs. */
bool shell_is_known(const char *value);

/** Return: the row of the argument `word`, which takes a value, in the command `where`; or NULL. */
const struct import_row *shell_row(const char *where, const char *word);

/** Add the value of an argument as a fact about an object, or a note why not. */
void shell_add_argument(struct script *s, enum import_object object, const char *name,
	const char *key, const char *value);

/** Add the arguments from word `i` on, by the rows of `where`. `operand`: the one among them that
 * has no name in front, or NULL: it is not added. */
void shell_add_arguments(struct script *s, size_t i, const char *where, enum import_object object,
	const char *name, const char *operand);

/** Return: the value after `word`, from word `i` on, or NULL. */
char *shell_value_after(const struct shell_command *c, size_t i, const char *word);

/** Return: the first word from word `i` on that is neither an argument of `where`, nor a value, nor
 * a flag, or NULL; ip(8) has it at any place. */
char *shell_operand(const struct shell_command *c, size_t i, const char *where);
