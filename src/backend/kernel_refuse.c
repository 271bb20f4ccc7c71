/* SPDX-License-Identifier: MIT */
/* What a configuration asks for and the kernel's own modules cannot do. Pure. */
#include "backend/kernel_refuse.h"

#include <errno.h>

#define OTHERWISE "or set Backend = userspace."

/* The kernel sends a frame that is too large in fragments, whatever the file asks for. */
static int refuse_oversize(const struct conf_session *session, struct error *ret_error)
{
	enum l2tp_oversize oversize = session->options.oversize;

	if (oversize == L2TP_OVERSIZE_FRAGMENT)
		return 0;
	return error_set(ret_error, -EOPNOTSUPP,
		"Oversize = %s of %s: the kernel's l2tp_eth always sends a frame that is too large "
		"in "
		"fragments inside the tunnel\n"
		"Write Oversize = fragment, " OTHERWISE,
		oversize == L2TP_OVERSIZE_REJECT ? "reject" : "drop", session->name);
}

/* The kernel opens a socket for each tunnel, so two of them cannot share an address and port. */
static int refuse_shared_port(
	const struct conf_tunnel *a, const struct conf_tunnel *b, struct error *ret_error)
{
	char text[IP_ADDR_TEXT_LEN];

	if (a->encap != L2TP_ENCAP_UDP || b->encap != L2TP_ENCAP_UDP ||
		a->udp_source_port != b->udp_source_port || !ip_addr_equal(&a->local, &b->local))
		return 0;
	return error_set(ret_error, -EOPNOTSUPP,
		"UDPSourcePort = %u of tunnels %u and %u: the kernel's L2TP needs a port for each "
		"tunnel at Local = %s\n"
		"Give each its own UDPSourcePort, with the same UDPDestinationPort at the peer; or "
		"write EncapsulationType = ip, " OTHERWISE,
		a->udp_source_port, a->tunnel_id, b->tunnel_id, ip_addr_text(&a->local, text));
}

/* With EncapsulationType = ip, packets name only the session, for all tunnels together. */
static int refuse_shared_session(const struct conf_tunnel *a, const struct conf_tunnel *b,
	const struct conf_session *session, struct error *ret_error)
{
	if (a->encap != L2TP_ENCAP_IP && b->encap != L2TP_ENCAP_IP)
		return 0;
	for (size_t i = 0; i < b->n_sessions; i++)
		if (b->sessions[i].session_id == session->session_id)
			return error_set(ret_error, -EOPNOTSUPP,
				"SessionId = %u of %s and %s: with EncapsulationType = ip, the "
				"kernel's L2TP needs a different id for each session of the host\n"
				"Change one of them here and at its peer, " OTHERWISE,
				session->session_id, session->name, b->sessions[i].name);
	return 0;
}

/* Frames pass no process, so nothing here can make them wait. */
static int refuse_bandwidth(const struct conf_site *conf, struct error *ret_error)
{
	bool limited = conf->interface.bandwidth;

	for (size_t i = 0; i < conf->n_peers; i++)
		limited |= conf->peers[i].bandwidth != 0;
	return limited ? error_set(ret_error, -EOPNOTSUPP,
				 "Bandwidth: the kernel's WireGuard has no limit of the rate\n"
				 "Remove it and use tc(8) on the interface of the "
				 "underlay, " OTHERWISE)
		       : 0;
}

/* Check one tunnel, and compare it with those before it. */
static int refuse_tunnel(const struct conf_site *conf, size_t n, struct error *ret_error)
{
	const struct conf_tunnel *tunnel = &conf->tunnels[n];
	int err = 0;

	for (size_t i = 0; err == 0 && i < n; i++)
		err = refuse_shared_port(&conf->tunnels[i], tunnel, ret_error);
	for (size_t k = 0; err == 0 && k < tunnel->n_sessions; k++) {
		err = refuse_oversize(&tunnel->sessions[k], ret_error);
		for (size_t i = 0; err == 0 && i < n; i++)
			err = refuse_shared_session(
				tunnel, &conf->tunnels[i], &tunnel->sessions[k], ret_error);
	}
	return err;
}

int kernel_refuse(const struct conf_site *conf, struct error *ret_error)
{
	int err = refuse_bandwidth(conf, ret_error);

	for (size_t i = 0; err == 0 && i < conf->n_tunnels; i++)
		err = refuse_tunnel(conf, i, ret_error);
	return err;
}
