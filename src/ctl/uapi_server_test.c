/* SPDX-License-Identifier: MIT */
/* Tests of wg(8)'s socket: requests whole, split, pipelined, invalid and truncated; its removal. */
#include "ctl/uapi_server.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "ctl/local_server.h"
#include "ctl/testtalk.h"

#define KEY "1111111111111111111111111111111111111111111111111111111111111111"
/* So many keys do not fit into a socket. */
#define REPEATED ((size_t)1 << 14)

#define PEER "public_key=" KEY "\n"

/** A server in this process, and the calls that it made. */
struct fixture {
	struct testdir dir;
	struct uapi_server *server;
	int sets;
	int ends;
	int result; /* return value of the next set or get */
	uint16_t listen_port;
	size_t peers;
	size_t prefixes;
	uint32_t scope;
	const char *keys; /* get replies with these, very often; NULL: with a port */
};

static int get(void *ctx, char **ret_text, size_t *ret_len)
{
	struct fixture *f = ctx;

	if (f->result)
		return f->result;
	if (f->keys) {
		size_t len = strlen(f->keys);

		*ret_len = REPEATED * len;
		*ret_text = malloc(*ret_len);
		for (size_t i = 0; *ret_text && i < REPEATED; i++)
			memcpy(*ret_text + i * len, f->keys, len);
		return *ret_text ? 0 : -ENOMEM;
	}
	*ret_text = strdup("listen_port=7\nerrno=0\n\n");
	*ret_len = strlen(*ret_text);
	return 0;
}

static int set(void *ctx, const struct uapi_set *set)
{
	struct fixture *f = ctx;

	f->sets++;
	f->listen_port = set->listen_port;
	f->peers = set->peers_len;
	f->prefixes = set->peers_len ? set->peers[0].prefixes_len : 0;
	f->scope = set->peers_len ? set->peers[0].endpoint.scope : 0;
	return f->result;
}

static void ended(void *ctx)
{
	((struct fixture *)ctx)->ends++;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct uapi_server_config config = {
		.listen_fd = -1, .get = get, .set = set, .ended = ended, .ctx = f
	};

	testdir_make(&f->dir);
	config.path = f->dir.path;
	*state = f;
	return uapi_server_open(&config, &f->server);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	uapi_server_close(f->server);
	testdir_remove(&f->dir);
	free(f);
	return 0;
}

/* Run the server until it has no work. */
static void pump(struct fixture *f)
{
	struct pollfd p = { .fd = uapi_server_fd(f->server), .events = POLLIN };

	while (poll(&p, 1, 0) > 0)
		uapi_server_run(f->server);
}

static void test_conversation(void **state)
{
	static const struct {
		const char *request;
		const char *reply;
		bool closed;
		int sets;
	} table[] = {
		{ "get=1\n\n", "listen_port=7\nerrno=0\n\n", false, 0 },
		{ "set=1\nlisten_port=9\n\n", "errno=0\n\n", false, 1 },
		{ "set=1\n\nget=1\n\n", "errno=0\n\nlisten_port=7\nerrno=0\n\n", false, 1 },
		{ "set=1\nlisten_port=x\n" PEER "\n", "errno=-22\n\n", false, 0 },
		{ "set=1\nrubbish\n\nset=1\n\n", "errno=-71\n\nerrno=0\n\n", false, 1 },
		{ "get=1\nx\n", "errno=-22\n\n", false, 0 },
		{ "set=1\nlisten_port=9\n", "", false, 0 },
		{ "GET / HTTP/1.0\n\n", "", true, 0 },
		{ "set=1\n" PEER "endpoint=[fe80::1%no-such-if]:1\n\n", "errno=-22\n\n", false, 0 },
		{ "set=1\n" PEER "endpoint=[fe80::1%lo]:1\n\n", "errno=0\n\n", false, 1 },
	};
	struct fixture *f = *state;
	char text[4096];

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		int fd = talk_connect(&f->dir);

		f->sets = 0;
		talk_send(fd, table[i].request);
		pump(f);
		assert_int_equal(talk_receive(fd, text, sizeof(text)), table[i].closed);
		assert_string_equal(text, table[i].reply);
		assert_int_equal(f->sets, table[i].sets);
		close(fd);
		pump(f);
		assert_int_equal(f->sets, table[i].sets);
	}
	assert_int_equal(f->scope, 1); /* of lo */
}

/* wg(8) receives the owner's reply. */
static void test_owner_fails(void **state)
{
	struct fixture *f = *state;
	char text[4096];
	int fd = talk_connect(&f->dir);

	f->result = -EADDRINUSE;
	talk_send(fd, "set=1\nlisten_port=9\n\n");
	pump(f);
	assert_false(talk_receive(fd, text, sizeof(text)));
	assert_string_equal(text, "errno=-98\n\n");
	talk_send(fd, "get=1\n\n");
	pump(f);
	assert_false(talk_receive(fd, text, sizeof(text)));
	assert_string_equal(text, "errno=98\n\n");
	close(fd);
}

static void test_byte_by_byte(void **state)
{
	struct fixture *f = *state;
	char text[4096];
	int fd = talk_connect(&f->dir);

	for (const char *p = "set=1\nlisten_port=1234\n" PEER "allowed_ip=::/0\n\n"; *p; p++) {
		assert_int_equal(f->sets, 0);
		assert_int_equal(send(fd, p, 1, 0), 1);
		pump(f);
	}
	assert_false(talk_receive(fd, text, sizeof(text)));
	assert_string_equal(text, "errno=0\n\n");
	assert_int_equal(f->listen_port, 1234);
	assert_int_equal(f->prefixes, 1);
	close(fd);
}

/* A request many times larger than a client's input buffer. */
static void test_large_request(void **state)
{
	struct fixture *f = *state;
	char line[64];
	char text[4096];
	int fd = talk_connect(&f->dir);

	talk_send(fd, "set=1\n" PEER);
	for (unsigned i = 0; i < 20000; i++) {
		snprintf(line, sizeof(line), "allowed_ip=10.%u.%u.0/24\n", i >> 8, i & 255);
		talk_send(fd, line);
		if (i % 200 == 0) /* more than fits at once, split anywhere */
			pump(f);
	}
	assert_int_equal(f->sets, 0);
	talk_send(fd, "\n");
	pump(f);
	assert_false(talk_receive(fd, text, sizeof(text)));
	assert_string_equal(text, "errno=0\n\n");
	assert_int_equal(f->prefixes, 20000);
	close(fd);
}

/* A line longer than a client's input buffer is an error like any other; outside a request it gets
 * no reply. */
static void test_endless_line(void **state)
{
	static const struct {
		const char *before;
		const char *after;
		const char *reply;
		bool closed;
	} table[] = {
		{ "set=1\n", "\n\nget=1\n\n", "errno=-22\n\nlisten_port=7\nerrno=0\n\n", false },
		{ "set=1\n" PEER "endpoint=", "\n" PEER, "", false },
		{ "set=1\nx\n", "\n\n", "errno=-71\n\n", false },
		{ "get=1\n", "", "errno=-22\n\n", true },
		{ "", "", "", true },
	};
	struct fixture *f = *state;
	char text[4096];

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		int fd = talk_connect(&f->dir);

		memset(text, 'x', sizeof(text) - 1);
		text[sizeof(text) - 1] = '\0';
		talk_send(fd, table[i].before);
		for (int k = 0; k < 3; k++)
			talk_send(fd, text);
		talk_send(fd, table[i].after);
		pump(f);
		assert_int_equal(talk_receive(fd, text, sizeof(text)), table[i].closed);
		assert_string_equal(text, table[i].reply);
		assert_int_equal(f->sets, 0);
		close(fd);
		pump(f);
	}
}

/* An answered client may stay until all slots are in use; then the longest idle one is closed. */
static void test_idle_clients(void **state)
{
	struct fixture *f = *state;
	int fds[2 * LOCAL_SERVER_CLIENTS];
	char text[4096];

	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		fds[i] = talk_connect(&f->dir);
		talk_send(fds[i], "get=1\n\n");
		pump(f);
		assert_false(talk_receive(fds[i], text, sizeof(text)));
		assert_string_equal(text, "listen_port=7\nerrno=0\n\n");
	}
	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		assert_int_equal(
			talk_receive(fds[i], text, sizeof(text)), i < LOCAL_SERVER_CLIENTS);
		if (i < LOCAL_SERVER_CLIENTS)
			continue;
		talk_send(fds[i], "get=1\n\n");
		pump(f);
		assert_false(talk_receive(fds[i], text, sizeof(text)));
		assert_string_equal(text, "listen_port=7\nerrno=0\n\n");
	}
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		close(fds[i]);
	pump(f);
	test_conversation(state);
}

/* wg(8) tests whether a socket is served by connecting and closing. */
static void test_probe(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 100; i++) {
		close(talk_connect(&f->dir));
		pump(f);
	}
	test_conversation(state);
}

static void test_removed(void **state)
{
	struct fixture *f = *state;
	char other[UNIXSOCK_PATH_LEN + 8];
	int fd;

	snprintf(other, sizeof(other), "%s.x", f->dir.path);
	fd = open(other, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(unlink(other), 0);
	pump(f);
	assert_int_equal(f->ends, 0); /* another file */
	assert_int_equal(unlink(f->dir.path), 0);
	pump(f);
	assert_int_equal(f->ends, 1);
	pump(f);
	assert_int_equal(f->ends, 1);
}

static void test_replaced(void **state)
{
	struct fixture *f = *state;
	char other[UNIXSOCK_PATH_LEN + 8];

	snprintf(other, sizeof(other), "%s.x", f->dir.path);
	assert_int_equal(rename(f->dir.path, other), 0);
	pump(f);
	assert_int_equal(f->ends, 1);
	assert_int_equal(unlink(other), 0);
}

static void test_adopted(void **state)
{
	struct fixture *f = *state;
	struct unixsock sock;
	struct uapi_server_config config = {
		.path = f->dir.path, .get = get, .set = set, .ended = ended, .ctx = f
	};
	char text[4096];
	int fd;

	uapi_server_close(f->server);
	assert_int_equal(unixsock_open(f->dir.path, &sock), 0);
	config.listen_fd = sock.fd;
	assert_int_equal(uapi_server_open(&config, &f->server), 0);
	fd = talk_connect(&f->dir);
	talk_send(fd, "get=1\n\n");
	pump(f);
	assert_false(talk_receive(fd, text, sizeof(text)));
	assert_string_equal(text, "listen_port=7\nerrno=0\n\n");
	close(fd);
}

/* ---- keys in the memory of a new process ---- */

/* The key that is searched for, as hex digits; constants are not in memory that can be written. */
#define SECRET "789a789a789a789a789a789a789a789a789a789a789a789a789a789a789a789a"

/* Whether a block contains the key as hex digits, or as bytes. Its digits differ, as malloc() may
 * fill blocks with any byte (MALLOC_PERTURB_). */
static bool has_key(const uint8_t *at, size_t len)
{
	static const char digit[] = "789a";
	static const uint8_t byte[] = { 0x78, 0x9a };
	size_t digits = 0;
	size_t bytes = 0;

	for (size_t i = 0; i < len; i++) {
		digits = at[i] == digit[digits % 4] ? digits + 1 : at[i] == digit[0];
		bytes = at[i] == byte[bytes % 2] ? bytes + 1 : at[i] == byte[0];
		if (digits == 64 || bytes == 32)
			return true;
	}
	return false;
}

/* Whether this process has the key in memory that it can write. */
static bool finds_key(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	unsigned long begin, end;
	bool found = false;
	char mode[5];

	assert_non_null(maps);
	while (fscanf(maps, "%lx-%lx %4s%*[^\n]", &begin, &end, mode) == 3)
		found |= mode[1] == 'w' && has_key((const uint8_t *)begin, end - begin);
	fclose(maps);
	return found;
}

/* Fork. Return: whether the new process finds the key, after it has forgotten what clients have
 * sent and were to receive if `forgets`. */
static bool child_finds_key(struct fixture *f, bool forgets)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		if (forgets)
			uapi_server_forget(f->server);
		_exit(finds_key());
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void test_forget(void **state)
{
	/* a request that is half read: parsed lines, and one without its end; then an answer that
	 * does not fit into the socket */
	static const char *const requests[] = { "set=1\nprivate_key=" SECRET "\n",
		"set=1\nlisten_port=7\n" PEER "preshared_key=" SECRET "\n", ("set=1\nx=" SECRET),
		"get=1\n\n" };
	struct fixture *f = *state;

#ifdef __SANITIZE_ADDRESS__
	skip(); /* its own mappings are too large to be searched */
#endif
	f->keys = SECRET "\n";
	for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
		int fd = talk_connect(&f->dir);

		assert_false(child_finds_key(f, false));
		talk_send(fd, requests[i]);
		pump(f);
		assert_true(child_finds_key(f, false));
		assert_false(child_finds_key(f, true));
		assert_true(child_finds_key(f, false)); /* this process still has it */
		close(fd);
		pump(f);
	}
	assert_false(child_finds_key(f, false));
}

static void test_path(void **state)
{
	char path[UNIXSOCK_PATH_LEN];

	unsetenv("WIRESPAN_UAPI_FOLDER");
	assert_int_equal(uapi_server_path("wg0", path), 0);
	assert_string_equal(path, "/var/run/wireguard/wg0.sock");
	assert_int_equal(uapi_server_path("", path), -EINVAL);
	assert_int_equal(uapi_server_path("..", path), -EINVAL);
	assert_int_equal(uapi_server_path("a/b", path), -EINVAL);
	assert_int_equal(uapi_server_path("sixteen-letters-", path), -EINVAL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(conversation),
		TEST(owner_fails),
		TEST(byte_by_byte),
		TEST(large_request),
		TEST(endless_line),
		TEST(idle_clients),
		TEST(probe),
		TEST(removed),
		TEST(replaced),
		TEST(adopted),
		TEST(forget),
		cmocka_unit_test(test_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
