/* SPDX-License-Identifier: MIT */
/* Tests of taking the keys of a site from its file again, which may have been edited since. */
#include "daemon/site_keys.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/log.h"
#include "conf/test_conf.h"

#define KEY_A "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk="
#define KEY_B "aAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk="
#define PEER  "[Peer]\nPublicKey = AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"
#define OTHER "[Peer]\nPublicKey = BAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"
#define PSK   "PresharedKey = /UrH2eBgqMRQoR6hhS4sUaMxGRPWGRSJVkG6ZdXW/Lg=\n"

#define SITE(key, mtu, peers)                                                                      \
	"[Interface]\nPrivateKey = " key "\nMTU = " mtu "\n" peers "AllowedIPs = 10.0.0.0/24\n"

static char logged[1024];

static void write_log(enum log_level level, const char *text)
{
	snprintf(logged, sizeof(logged), "%s", text);
}

/* A site runs with the first text, its keys are wiped, and its file has the second one now. */
static const struct {
	const char *running;
	const char *file;
	int err;
	const char *text; /* part of the error or warning, or "" */
} table[] = {
	{ SITE(KEY_A, "1400", PEER PSK), SITE(KEY_A, "1400", PEER PSK), 0, "" },
	{ SITE(KEY_A, "1400", PEER), SITE(KEY_B, "1400", PEER), 0, "" },
	{ SITE(KEY_A, "1400", PEER PSK), SITE(KEY_A, "1300", PEER PSK), 0, "was edited" },
	{ SITE(KEY_A, "1400", PEER), SITE(KEY_A, "1400", OTHER), 0, "was edited" },
	{ SITE(KEY_A, "1400", PEER PSK), SITE(KEY_A, "1400", PEER), -ENOKEY,
		"no PresharedKey of the peer AAEC" },
	{ SITE(KEY_A, "1400", PEER PSK), SITE(KEY_A, "1400", OTHER PSK), -ENOKEY,
		"no PresharedKey of the peer AAEC" },
};

static void test_take(void **state)
{
	static const uint8_t none[KEY_LEN];

	log_to_sink(write_log);
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct error error = { 0 };
		struct conf_site running;
		struct conf_site file;
		uint8_t psk[KEY_LEN];

		test_conf(&running, "here", table[i].running);
		test_conf(&file, "here", table[i].file);
		memcpy(psk, running.peers[0].preshared_key, KEY_LEN);
		memset(running.interface.private_key, 0, KEY_LEN);
		memset(running.peers[0].preshared_key, 0, KEY_LEN);
		logged[0] = '\0';
		assert_int_equal(site_keys_take(&running, &file, true, &error), table[i].err);
		assert_string_equal(logged, ""); /* the file is applied next */
		assert_int_equal(site_keys_take(&running, &file, false, &error), table[i].err);
		if (!*table[i].text)
			assert_string_equal(logged, "");
		else
			assert_non_null(
				strstr(table[i].err ? error.problem : logged, table[i].text));
		assert_memory_equal(running.interface.private_key,
			table[i].err ? none : file.interface.private_key, KEY_LEN);
		assert_memory_equal(
			running.peers[0].preshared_key, table[i].err ? none : psk, KEY_LEN);
		conf_site_fini(&running);
		conf_site_fini(&file);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_take) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
