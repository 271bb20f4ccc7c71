/* SPDX-License-Identifier: MIT */
/* Tests of the metrics in both formats. */
#include "render/render_metrics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "render/test_render.h"

/* Required lines, and the end. */
static void test_openmetrics(void **state)
{
	static const char *const lines[] = {
		"# TYPE wirespan_site info\n",
		"# TYPE wirespan_peer_bytes counter\n# UNIT wirespan_peer_bytes bytes\n",
		"wirespan_site_info{site=\"vpn01\",version=\"0.1.0\",backend=\"userspace\","
		"aead=\"openssl\",interface=\"wg0\"} 1\n",
		"# TYPE wirespan_uptime_seconds gauge\n# UNIT wirespan_uptime_seconds seconds\n"
		"# HELP wirespan_uptime_seconds Time since the site came up.\n"
		"wirespan_uptime_seconds{site=\"vpn01\"} 7512.345\n"
		"wirespan_uptime_seconds{site=\"q\\\"\\\\\\n\"} 0.000\n",
		"wirespan_peer_up{site=\"vpn01\",peer="
		"\"IiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiI="
		"\"} 1\n",
		"wirespan_peer_session_wanted{site=\"vpn01\",peer="
		"\"IiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiI=\"} 1\n",
		"wirespan_peer_session_wanted{site=\"vpn01\",peer="
		"\"MzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzM=\"} 1\n"
		"wirespan_peer_session_wanted{site=\"q\\\"\\\\\\n\",peer="
		"\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"} 0\n",
		"wirespan_peer_route_leads_back{site=\"vpn01\",peer="
		"\"IiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiI=\"} 2\n",
		"wirespan_peer_path_train_max{site=\"vpn01\",peer="
		"\"IiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiI=\"} 8\n",
		"wirespan_peer_round_trip_seconds{site=\"vpn01\",peer="
		"\"IiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiI=\"} 0.020123\n",
		"wirespan_peer_lost_messages_total{site=\"vpn01\",peer="
		"\"IiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiI=\"} 124\n",
		"wirespan_peer_queue_bytes_per_second{site=\"vpn01\",peer="
		"\"IiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiI=\"} 2400000.000\n",
		"wirespan_peer_queue_delay_p99_seconds{site=\"vpn01\",peer="
		"\"IiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiI=\"} 0.006100\n",
		"wirespan_peer_queue_marked_frames_total{site=\"vpn01\",peer="
		"\"IiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiI=\"} 8\n",
		"wirespan_peer_bytes_total{site=\"vpn01\",peer="
		"\"IiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiI=\",direction=\"rx\"} 1262485504\n",
		"wirespan_session_bytes_total{site=\"vpn01\",session=\"l2tpeth0\",direction=\"tx\"}"
		" "
		"1073741824\n",
		"wirespan_pending_port{site=\"vpn01\"} 0\n",
		"wirespan_session_unfragmented_bytes{site=\"vpn01\",session=\"l2tpeth0\"} 1386\n",
		"wirespan_dropped_packets_total{site=\"vpn01\",reason=\"wg_replay\"} 12\n",
	};
	struct status_report r[2] = { { .version = "" }, { .site = "q\"\\\n" } };
	struct written w;

	fill_report(&r[0]);
	assert_non_null(status_add_peer(&r[1]));
	begin(&w);
	render_metrics(w.out, METRICS_OPENMETRICS, r, 2);
	fclose(w.out);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		if (!strstr(w.text, lines[i]))
			fail_msg("missing: %s", lines[i]);
	}
	assert_null(strstr(w.text, "last_handshake_seconds{site=\"vpn01\",peer=\"MzMz"));
	assert_string_equal(w.text + w.len - 6, "# EOF\n");
	free(w.text);
	status_report_fini(&r[0]);
	status_report_fini(&r[1]);
}

/* The metrics of vpn01 in a format, allocated. */
static char *written_metrics(enum metrics_format format)
{
	struct status_report r;
	struct written w;

	fill_report(&r);
	begin(&w);
	render_metrics(w.out, format, &r, 1);
	fclose(w.out);
	status_report_fini(&r);
	return w.text;
}

/* The text without its comments. */
static void leave_samples(char *text)
{
	char *to = text;

	for (char *line = text; *line;) {
		char *next = strchr(line, '\n') + 1;

		if (*line != '#') {
			memmove(to, line, (size_t)(next - line));
			to += next - line;
		}
		line = next;
	}
	*to = '\0';
}

/* Both formats have the same samples. */
static void test_same_samples(void **state)
{
	char *prometheus = written_metrics(METRICS_PROMETHEUS);
	char *openmetrics = written_metrics(METRICS_OPENMETRICS);

	leave_samples(prometheus);
	leave_samples(openmetrics);
	assert_true(strlen(prometheus) > 1000);
	assert_string_equal(prometheus, openmetrics);
	free(prometheus);
	free(openmetrics);
}

/* In the Prometheus format each family has # HELP and # TYPE with the name of its samples, of a
 * type that the format knows, and there is nothing else. */
static void test_prometheus(void **state)
{
	char *text = written_metrics(METRICS_PROMETHEUS);
	char help[80] = "";
	char family[80] = "";
	char type[16] = "";
	char *rest = NULL;
	size_t samples = 0;

	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		if (sscanf(line, "# HELP %79s", help) == 1)
			continue;
		if (sscanf(line, "# TYPE %79s %15s", family, type) == 2) {
			bool total = strlen(family) > 6 &&
				     !strcmp(family + strlen(family) - 6, "_total");

			assert_string_equal(family, help);
			assert_true(!strcmp(type, total ? "counter" : "gauge"));
			continue;
		}
		assert_true(*line != '#');
		assert_int_equal(strcspn(line, "{"), strlen(family));
		assert_memory_equal(line, family, strlen(family));
		samples++;
	}
	assert_true(samples > 100);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_openmetrics),
		cmocka_unit_test(test_same_samples),
		cmocka_unit_test(test_prometheus),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
