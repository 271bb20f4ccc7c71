/* SPDX-License-Identifier: MIT */
/* Changes to the host's network devices: journalled, logged, applied; errors carry a hint. */
#include "host/netdev.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "host/sysctl.h"
#include "netlink/ifaddr.h"
#include "netlink/query.h"
#include "netlink/route.h"

int netdev_open(struct netdev *m, const char *name)
{
	int err;
	int len;

	for (size_t i = 0; i < NETDEV_SPARE; i++)
		m->spare[i] = -1;
	len = snprintf(m->alias, sizeof(m->alias), NETDEV_ALIAS "%s", name);

	if ((size_t)len >= sizeof(m->alias))
		return -ENAMETOOLONG;
	err = nl_socket_open(&m->nl);
	return err < 0 ? err : netdev_reserve_spare(m);
}

int netdev_reserve_spare(struct netdev *m)
{
	for (size_t i = 0; i < NETDEV_SPARE; i++) {
		if (m->spare[i] < 0)
			m->spare[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
		if (m->spare[i] < 0)
			return -errno;
	}
	return 0;
}

void netdev_release_spare(struct netdev *m)
{
	for (size_t i = 0; i < NETDEV_SPARE; i++) {
		if (m->spare[i] >= 0)
			close(m->spare[i]);
		m->spare[i] = -1;
	}
}

void netdev_close(struct netdev *m)
{
	netdev_release_spare(m);
	nl_socket_close(&m->nl);
	journal_fini(&m->journal);
}

int netdev_fail(struct netdev *m, int code, const char *format, ...)
{
	char text[640];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return error_set(&m->error, code, "%s", text);
}

/* Pass a change to the watcher; if it is a hook, the log gets only its kind. */
static int log_step(struct netdev *m, const char *what, const char *hook)
{
	int err = m->step ? m->step(m->step_ctx, what) : 0;

	if (err < 0)
		return netdev_fail(m, err, "Stopped before \"%s\":", what);
	if (hook)
		log_debug("host: running a %s command", hook);
	else
		log_debug("host: %s", what);
	return 0;
}

int netdev_log_hook(struct netdev *m, const char *kind, const char *command)
{
	return log_step(m, command, kind);
}

int netdev_log(struct netdev *m, const char *format, ...)
{
	char what[256];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	return log_step(m, what, NULL);
}

int netdev_journal(struct netdev *m, const struct journal_entry *e)
{
	int err = journal_push(&m->journal, e);

	return err < 0 ? netdev_journal_failed(m, err) : 0;
}

int netdev_journal_failed(struct netdev *m, int code)
{
	return netdev_fail(m, code,
		"Cannot write the journal %s: %s\n"
		"Make room there, or name another folder in WIRESPAN_RUNDIR.",
		m->journal.path, strerror(-code));
}

size_t netdev_find_noted(const struct netdev *m, enum journal_kind kind, const char *name)
{
	struct journal_entry like = { .kind = kind };

	snprintf(like.name, sizeof(like.name), "%s", name);
	return journal_find(&m->journal, &like);
}

static const char *hint_for(int code)
{
	switch (-code) {
	case EPERM:
		return "Run it as root, or with the capability CAP_NET_ADMIN.";
	case EACCES: /* an IPv6 address, where IPv6 is disabled */
		return "If it is for IPv6: set the interface's sysctl disable_ipv6 to 0, or leave "
		       "it out of the configuration.";
	case EEXIST:
		return "Remove what is there, or choose another in the configuration.";
	case EADDRINUSE: /* a WireGuard interface opens its port when it is set up */
		return "Another program uses its port: see `ss -ulpn`, or set another ListenPort.";
	case EOPNOTSUPP:
		return "This kernel cannot do it: load the module, or leave it out.";
	case ENODEV:
		return "The interface went away meanwhile: see what else handles it.";
	default:
		return "";
	}
}

int netdev_change(struct netdev *m, struct nl_msg *request, const char *format, ...)
{
	char what[256];
	va_list args;
	int err;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	err = log_step(m, what, NULL);
	if (err < 0)
		return err;
	err = nl_request(&m->nl, request);
	if (err < 0)
		return netdev_fail(m, err, "Cannot \"%s\": %s%s%s%s\n%s", what, strerror(-err),
			*m->nl.verdict.why ? " (" : "", m->nl.verdict.why,
			*m->nl.verdict.why ? ")" : "", hint_for(err));
	return 0;
}

int netdev_find(struct netdev *m, const char *name, struct link_info *ret)
{
	int err = query_link(&m->nl, name, ret);

	if (err == -ENODEV)
		return netdev_fail(
			m, err, "There is no interface %s\nCheck its name with \"ip link\".", name);
	if (err < 0)
		return netdev_fail(
			m, err, "Cannot query the interface %s: %s", name, strerror(-err));
	return 0;
}

int netdev_add_address(
	struct netdev *m, const struct link_info *link, const struct ip_prefix *address)
{
	char text[IP_PREFIX_TEXT_LEN];
	struct nl_msg msg;
	int err = netdev_change(m, ifaddr_encode_add(&msg, link->ifindex, address),
		"ip address add %s dev %s", ip_prefix_text(address, text), link->name);

	return err == -EEXIST ? 0 : err;
}

int netdev_renew_address(
	struct netdev *m, const struct link_info *link, const struct ip_prefix *address)
{
	char text[IP_PREFIX_TEXT_LEN];
	struct nl_msg msg;

	return netdev_change(m, ifaddr_encode_renew(&msg, link->ifindex, address),
		"ip address change %s dev %s valid_lft forever preferred_lft forever",
		ip_prefix_text(address, text), link->name);
}

int netdev_delete_address(
	struct netdev *m, const struct link_info *link, const struct ip_prefix *address)
{
	char text[IP_PREFIX_TEXT_LEN];
	struct nl_msg msg;
	int err = netdev_change(m, ifaddr_encode_delete(&msg, link->ifindex, address),
		"ip address del %s dev %s", ip_prefix_text(address, text), link->name);

	if (err == 0 && address->addr.family == AF_INET6) {
		struct ip_prefix local = { .addr = address->addr, .len = 128 };

		/* its local route, if it was restored: the kernel deletes only its own */
		err = nl_request(
			&m->nl, route_encode_delete(&msg, &local, link->ifindex, RT_TABLE_LOCAL));
		err = err == -ESRCH || err == -ENODEV ? 0 : err;
	}
	return err == -EADDRNOTAVAIL ? 0 : err;
}

int netdev_set_mtu(struct netdev *m, const struct link_info *link, uint32_t mtu)
{
	struct nl_msg msg;

	if (!mtu || mtu == link->mtu)
		return 0;
	return netdev_change(m, link_encode_mtu(&msg, link->ifindex, mtu), "ip link set %s mtu %u",
		link->name, mtu);
}

int netdev_set_alias(struct netdev *m, const struct link_info *link)
{
	struct nl_msg msg;

	return netdev_change(m, link_encode_alias(&msg, link->ifindex, m->alias),
		"ip link set %s alias \"%s\"", link->name, m->alias);
}

int netdev_claim(struct netdev *m, const struct link_info *link)
{
	struct nl_msg msg;

	return netdev_change(m, link_encode_claim(&msg, link->ifindex, m->alias),
		"ip link set %s alias \"%s\" group default", link->name, m->alias);
}

int netdev_set_up(struct netdev *m, const struct link_info *link)
{
	struct nl_msg msg;

	return netdev_change(
		m, link_encode_up(&msg, link->ifindex, true), "ip link set %s up", link->name);
}

int netdev_rename(struct netdev *m, const struct link_info *link, const char *name)
{
	struct nl_msg msg;
	int err = netdev_change(m, link_encode_name(&msg, link->ifindex, name),
		"ip link set %s name %s", link->name, name);

	if (err != -EBUSY)
		return err;
	err = netdev_change(
		m, link_encode_up(&msg, link->ifindex, false), "ip link set %s down", link->name);
	if (err == 0)
		err = netdev_change(m, link_encode_name(&msg, link->ifindex, name),
			"ip link set %s name %s", link->name, name);
	return err ? err : netdev_set_up(m, link);
}

int netdev_refuse_ra(struct netdev *m, const char *name)
{
	char path[64];
	char is[8] = "";
	int err;

	if (!strcmp(name, "all") || !strcmp(name, "default"))
		return 0; /* these files are not the interface's */
	snprintf(path, sizeof(path), "net/ipv6/conf/%s/accept_ra", name);
	if (sysctl_read(path, is, sizeof(is)) < 0 || !strcmp(is, "0"))
		return 0;
	err = netdev_log(m, "sysctl -w %s=0", path);
	if (err < 0)
		return err;
	err = sysctl_write(path, "0");
	if (err < 0)
		log_warning("cannot set /proc/sys/%s to 0: %s; a router advertisement from "
			    "anywhere in the segment can change the default route of this host. "
			    "Make /proc/sys writable, or set net.ipv6.conf.default.accept_ra=0.",
			path, strerror(-err));
	return 0;
}

int netdev_no_autoconf(struct netdev *m, const struct link_info *link)
{
	struct nl_msg msg;
	int err = netdev_change(m, link_encode_no_autoconf(&msg, link->ifindex),
		"ip link set %s addrgenmode none", link->name);

	return err == -EAFNOSUPPORT ? 0 : err;
}
