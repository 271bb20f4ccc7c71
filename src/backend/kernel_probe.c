/* SPDX-License-Identifier: MIT */
/* Whether this kernel can carry a site: tried with throw-away objects. */
#include "backend/kernel_probe.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backend/kernel_netlink.h"
#include "netlink/l2tp_nl.h"
#include "netlink/link.h"

#define LOOPBACK 1 /* ifindex, in every namespace */

/* Fill in the error of a module that does not do its part. */
static int lacks(const struct nl_socket *nl, int err, const char *object, const char *module,
	struct error *ret_error)
{
	return nl_fail(nl, ret_error, err,
		"Backend = kernel, but the kernel cannot make %s (tried in a scratch network "
		"namespace)\n"
		"Load the module (modprobe %s), or see what blacklists it; else set Backend = "
		"userspace.",
		object, module);
}

static int try_links(struct error *ret_error)
{
	struct nl_socket nl;
	struct nl_msg msg;
	int err = nl_socket_open(&nl);

	if (err < 0)
		return error_set(
			ret_error, err, "Cannot open a netlink socket:\nIs it allowed here?");
	err = nl_request(&nl, link_encode_wireguard(&msg, "wg", 0));
	if (err < 0)
		lacks(&nl, err, "a WireGuard interface", "wireguard", ret_error);
	if (err == 0) {
		err = nl_request(&nl, link_encode_up(&msg, LOOPBACK, true));
		if (err < 0)
			nl_fail(&nl, ret_error, err,
				"Cannot set up the loopback interface of a scratch namespace\n");
	}
	nl_socket_close(&nl);
	return err;
}

/* Make a tunnel of that id over the loopback interface like `t`, with a session, and delete both.
 * The kernel deletes a tunnel a moment after it has answered: the next one needs another id. */
static int try_tunnel(
	struct kernel_netlink *k, const struct conf_tunnel *t, uint32_t id, struct error *ret_error)
{
	bool six = t->remote.family == AF_INET6;
	bool ip = t->encap == L2TP_ENCAP_IP;
	struct l2tpnl_tunnel tunnel = { .id = id, .peer_id = id, .ip_encap = ip };
	struct l2tpnl_session session = {
		.tunnel_id = id, .id = id, .peer_id = id, .default_sublayer = true
	};
	struct nl_msg msg;
	int err = ip_addr_parse(six ? "::1" : "127.0.0.1", &tunnel.local);

	if (err < 0)
		return error_set(ret_error, err, "Cannot parse the loopback address:");
	tunnel.remote = tunnel.local;
	tunnel.local_port = tunnel.remote_port = ip ? 0 : CONF_L2TP_PORT;
	err = nl_request(&k->nl, l2tpnl_encode_tunnel_create(&msg, k->l2tp, &tunnel));
	if (err < 0)
		return lacks(&k->nl, err, ip ? "an L2TP tunnel in IP packets" : "an L2TP tunnel",
			!ip   ? "l2tp_core"
			: six ? "l2tp_ip6"
			      : "l2tp_ip",
			ret_error);
	err = nl_request(&k->nl, l2tpnl_encode_session_create(&msg, k->l2tp, &session));
	if (err < 0)
		return lacks(&k->nl, err, "an L2TP Ethernet session", "l2tp_eth", ret_error);
	err = nl_request(&k->nl, l2tpnl_encode_session_delete(&msg, k->l2tp, id, id));
	if (err == 0)
		err = nl_request(&k->nl, l2tpnl_encode_tunnel_delete(&msg, k->l2tp, id));
	return err < 0 ? nl_fail(&k->nl, ret_error, err, "Cannot delete an L2TP tunnel\n") : 0;
}

/* Whether an earlier tunnel needs the same modules. */
static bool is_tried(const struct conf_site *conf, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (conf->tunnels[i].encap == conf->tunnels[n].encap &&
			conf->tunnels[i].remote.family == conf->tunnels[n].remote.family)
			return true;
	return false;
}

/* Try all in the present namespace. Return: 0, or -errno with `ret_error` filled. */
static int try_all(const struct conf_site *conf, bool scratch, struct error *ret_error)
{
	struct kernel_netlink k = { 0 };
	int err = scratch ? try_links(ret_error) : 0;

	if (err == 0)
		err = kernel_netlink_open(&k, conf->n_tunnels, ret_error);
	if (err < 0)
		return err;
	for (size_t i = 0; err == 0 && scratch && i < conf->n_tunnels; i++)
		if (!is_tried(conf, i))
			err = try_tunnel(&k, &conf->tunnels[i], (uint32_t)i + 1, ret_error);
	kernel_netlink_close(&k);
	return err;
}

/* In the child: try, and write the error. */
static _Noreturn void run_child(const struct conf_site *conf, int fd)
{
	struct error error = { 0 };
	bool scratch = unshare(CLONE_NEWNET) == 0;

	if (!scratch && geteuid() != 0)
		error_set(&error, -errno,
			"Cannot make a scratch network namespace to try the kernel's modules:\n"
			"Run it as root.");
	else
		(void)try_all(conf, scratch, &error);
	_exit(write(fd, &error, sizeof(error)) == (ssize_t)sizeof(error) ? 0 : 1);
}

static int cannot_start(int err, struct error *ret_error)
{
	return error_set(ret_error, err,
		"Cannot start a process that tries the kernel's modules:\nIs there memory?");
}

int kernel_probe(const struct conf_site *conf, struct error *ret_error)
{
	struct error error = { 0 };
	ssize_t n;
	int fds[2];
	pid_t child;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return cannot_start(-errno, ret_error);
	child = fork();
	if (child == 0)
		run_child(conf, fds[1]);
	close(fds[1]);
	if (child < 0) {
		int err = -errno;

		close(fds[0]);
		return cannot_start(err, ret_error);
	}
	do
		n = read(fds[0], &error, sizeof(error));
	while (n < 0 && errno == EINTR);
	close(fds[0]);
	while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
	if (n != (ssize_t)sizeof(error))
		return cannot_start(-ECHILD, ret_error);
	if (error.code < 0)
		*ret_error = error;
	return error.code;
}
