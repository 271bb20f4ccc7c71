/* SPDX-License-Identifier: MIT */
/* genkey, pubkey and genpsk: keys on standard input and output, in the format of wg(8). */
#include "cli/verb.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/keytext.h"
#include "base/random.h"
#include "base/secret.h"
#include "crypto/x25519.h"

static enum verb_exit no_arguments(int argc, char **argv)
{
	return argc == 1 ? VERB_DONE
			 : verb_usage(argv[0], "takes no arguments: keys go through standard "
					       "input and output");
}

static enum verb_exit write_key(const char *name, const uint8_t key[static KEY_LEN])
{
	char line[KEY_BASE64_LEN + 1];
	bool ok;

	key_to_base64(key, line);
	line[KEY_BASE64_LEN] = '\n';
	/* write(2): stdio would keep a copy of the key */
	ok = write(STDOUT_FILENO, line, sizeof(line)) == (ssize_t)sizeof(line);
	secret_wipe(line, sizeof(line));
	if (ok)
		return VERB_DONE;
	fprintf(stderr, "%s: cannot write the key to standard output\n", name);
	return VERB_FAILED;
}

/* Warn if the key is written to a file that others may read. */
static void warn_if_readable(void)
{
	struct stat st;

	if (!fstat(STDOUT_FILENO, &st) && S_ISREG(st.st_mode) && (st.st_mode & S_IRWXO))
		fputs("Warning: writing to world accessible file.\n"
		      "Consider setting the umask to 077 and trying again.\n",
			stderr);
}

static enum verb_exit generate(int argc, char **argv, bool clamp)
{
	struct rng rng = random_system();
	uint8_t key[KEY_LEN];
	enum verb_exit result = no_arguments(argc, argv);

	if (result != VERB_DONE)
		return result;
	warn_if_readable();
	rng_fill(&rng, key, sizeof(key));
	if (clamp)
		x25519_clamp(key);
	result = write_key(argv[0], key);
	secret_wipe(key, sizeof(key));
	return result;
}

static enum verb_exit run_genkey(int argc, char **argv)
{
	return generate(argc, argv, true);
}

static enum verb_exit run_genpsk(int argc, char **argv)
{
	return generate(argc, argv, false);
}

/* Read all of standard input into `text`. Return: its length, `size` if it is longer, or -1. */
static ssize_t read_input(char *text, size_t size)
{
	size_t len = 0;

	while (len < size) {
		ssize_t n = read(STDIN_FILENO, text + len, size - len);

		if (n < 0)
			return -1;
		if (!n)
			break;
		len += (size_t)n;
	}
	return (ssize_t)len;
}

/* Whether a byte is allowed around a key: wg(8) accepts NULs, too. */
static bool is_blank(char c)
{
	return !c || isspace((unsigned char)c);
}

/* Parse `text` as a private key. Return: an error message, or NULL and the key. */
static const char *parse_private(const char *text, size_t len, uint8_t ret_key[static KEY_LEN])
{
	while (len > 0 && is_blank(*text)) {
		text++;
		len--;
	}
	for (size_t i = KEY_BASE64_LEN; i < len; i++)
		if (!is_blank(text[i]))
			return "Trailing characters found after key";
	if (len < KEY_BASE64_LEN || key_from_base64(text, KEY_BASE64_LEN, ret_key) < 0)
		return "Key is not the correct length or format";
	return NULL;
}

static enum verb_exit run_pubkey(int argc, char **argv)
{
	enum verb_exit result = no_arguments(argc, argv);
	uint8_t private_key[KEY_LEN] = { 0 };
	uint8_t public_key[KEY_LEN];
	const char *problem;
	char text[512];
	ssize_t len;

	if (result != VERB_DONE)
		return result;
	len = read_input(text, sizeof(text));
	if (len < 0)
		problem = "Standard input cannot be read";
	else if (len == (ssize_t)sizeof(text))
		problem = "Trailing characters found after key";
	else
		problem = parse_private(text, (size_t)len, private_key);
	if (!problem && x25519_public(private_key, public_key) < 0)
		problem = "There is no memory";
	secret_wipe(text, sizeof(text));
	secret_wipe(private_key, sizeof(private_key));
	if (!problem)
		return write_key(argv[0], public_key);
	fprintf(stderr, "%s: %s\n", argv[0], problem);
	return VERB_FAILED;
}

const struct verb verb_genkey = {
	.name = "genkey",
	.usage = "",
	.summary = "make a private key",
	.help = "Writes a new private key to standard output, in base64, as wg genkey does.\n"
		"Example: (umask 077; wirespan genkey > private.key)\n",
	.run = run_genkey,
};

const struct verb verb_genpsk = {
	.name = "genpsk",
	.usage = "",
	.summary = "make a preshared key",
	.help = "Writes a new preshared key to standard output, in base64, as wg genpsk does.\n"
		"Both sites put the same one into PresharedKey =.\n",
	.run = run_genpsk,
};

const struct verb verb_pubkey = {
	.name = "pubkey",
	.usage = "",
	.summary = "the public key of a private key",
	.help = "Reads a private key from standard input and writes its public key to standard\n"
		"output, as wg pubkey does. Keys are never arguments: every user can read those.\n"
		"Example: wirespan pubkey < private.key\n",
	.run = run_pubkey,
};
