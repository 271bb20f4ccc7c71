/* SPDX-License-Identifier: MIT */
/* Tests of what is refused with Backend = kernel: key, reason and remedy of each. */
#include "backend/kernel_refuse.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "conf/test_conf.h"

#define KEY "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=\n"
#define TOP "[Interface]\n" REST
#define REST                                                                                       \
	"PrivateKey = yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=\n"                              \
	"Address = 10.0.1.1/24, fd00:1::1/64\n[Peer]\nPublicKey = " KEY                            \
	"AllowedIPs = 10.0.1.2/32, 10.0.1.3/32\n"
#define TOP_LIMITED "[Interface]\nBandwidth = 1gbit\n" REST
#define TUNNEL(id, remote, more)                                                                   \
	"[L2TP]\nTunnelId = " id "\nPeerTunnelId = " id "\nLocal = 10.0.1.1\nRemote = " remote     \
	"\n" more
#define SESSION(id, more)                                                                          \
	"[L2TPSession]\nSessionId = " id "\nPeerSessionId = " id "\nBridge = none\n" more
#define IP "EncapsulationType = ip\n"

/* `problem` and `hint`: parts of the sentences; NULL: it is not refused. */
static const struct {
	const char *conf;
	const char *problem;
	const char *hint;
} table[] = {
	{ TOP, NULL, NULL },
	{ TOP TUNNEL("1", "10.0.1.2", "") SESSION("1", ""), NULL, NULL },
	{ TOP TUNNEL("1", "10.0.1.2", "") SESSION("1", "Oversize = fragment\n"), NULL, NULL },
	{ TOP TUNNEL("1", "10.0.1.2", "") SESSION("1", "Oversize = reject\n"),
		"Oversize = reject of l2tpeth0", "Oversize = fragment" },
	{ TOP TUNNEL("1", "10.0.1.2", "") SESSION("1", "") SESSION("2", "Oversize = drop\n"),
		"Oversize = drop of l2tpeth1", "Backend = userspace" },
	{ TOP "Bandwidth = off\n", NULL, NULL },
	{ TOP "Bandwidth = 19M\n", "Bandwidth", "tc(8)" },
	{ TOP_LIMITED, "Bandwidth", "tc(8)" },
	{ TOP TUNNEL("1", "10.0.1.2", "") TUNNEL("2", "10.0.1.3", ""),
		"UDPSourcePort = 1701 of tunnels 1 and 2", "its own UDPSourcePort" },
	{ TOP TUNNEL("1", "10.0.1.2", "") TUNNEL("2", "10.0.1.3", "UDPSourcePort = 1702\n"), NULL,
		NULL },
	{ TOP TUNNEL("1", "10.0.1.2", "") TUNNEL("2", "10.0.1.3", IP), NULL, NULL },
	{ TOP TUNNEL("1", "10.0.1.2", "") SESSION("7", "") TUNNEL("2", "10.0.1.3", IP)
			SESSION("7", ""),
		"SessionId = 7 of l2tpeth1 and l2tpeth0", "Change one of them" },
	{ TOP TUNNEL("1", "10.0.1.2", "") SESSION("7", "")
			TUNNEL("2", "10.0.1.3", "UDPSourcePort = 1702\n") SESSION("7", ""),
		NULL, NULL },
};

static void test_table(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct error error = { 0 };
		struct conf_site conf;
		int err;

		test_conf(&conf, "here", table[i].conf);
		err = kernel_refuse(&conf, &error);
		conf_site_fini(&conf);
		assert_int_equal(err, table[i].problem ? -EOPNOTSUPP : 0);
		assert_int_equal(error.code, err);
		if (!table[i].problem)
			continue;
		assert_non_null(strstr(error.problem, table[i].problem));
		assert_non_null(strstr(error.hint, table[i].hint));
		assert_non_null(strstr(error.hint, "Backend = userspace."));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
