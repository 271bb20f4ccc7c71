/* SPDX-License-Identifier: MIT */
/* Two WireGuard engines over a simulated link, on a clock that jumps from event to event. */
#ifndef SIM_H
#define SIM_H

#include "wg/device.h"

#define SIM_MS	       NS_PER_MS
#define SIM_S	       NS_PER_S
#define SIM_IN_FLIGHT  4096
#define SIM_PACKET_LEN 32 /* an inner IPv4 packet with a number in it */

/** A datagram under way. */
struct sim_datagram {
	struct mono arrives;
	struct endpoint from;
	struct endpoint to;
	size_t len;
	uint8_t bytes[160];
};

/** What the link does to datagrams. Chances in thousandths. */
struct sim_link {
	uint64_t latency_ns;
	uint64_t jitter_ns; /* added at random: reorders */
	unsigned loss;
	unsigned duplicate;
	bool cut;	  /* nothing gets through */
	unsigned carried; /* datagrams sent into it, by message type in carried_type */
	unsigned carried_type[5];
};

/** One side: an engine with one peer, and an application that sends numbered packets. */
struct sim_host {
	struct wg_device dev;
	struct wg_peer peer;
	void *memory;
	struct endpoint at;
	bool off;	 /* hears and does nothing */
	bool under_load; /* told to the engine */
	uint8_t private_key[WG_KEY_LEN];
	uint8_t inner[4]; /* its address inside the tunnel */

	uint64_t interval_ns; /* of the packets it sends; 0: silent */
	struct mono next_packet;
	uint64_t staged[WG_STAGED_MAX];
	unsigned staged_count;

	uint64_t sent;	   /* packets handed to the engine */
	uint64_t received; /* packets of the other side, duplicates included */
	uint64_t newest;   /* number of the newest of them */
	uint64_t gave_up;  /* packets dropped because no session came to be */
	uint64_t keepalives_sent;
	uint64_t keepalives_received;
	uint64_t initiations;
	uint64_t wakeups; /* timers run */
	unsigned seen;	  /* enum wg_action, ever */
	struct mono last_received;
	uint64_t longest_silence_ns; /* between packets received */
	struct drop_counters drops;
};

/** The whole. */
struct sim {
	struct mono now;
	uint64_t random;
	struct sim_link link;
	struct sim_host host[2];
	struct sim_datagram flight[SIM_IN_FLIGHT];
	unsigned in_flight;
	uint8_t psk[2][WG_KEY_LEN];
};

/** Begin: two engines that know each other, host 0 also knowing host 1's endpoint, latency 10
 * ms. */
void sim_init(struct sim *s, uint64_t seed);

/** End: engines and their memory. */
void sim_fini(struct sim *s);

/** Host `i` loses all its state but its configuration, as if its process had been started anew. */
void sim_restart(struct sim *s, unsigned i);

/** Let host `i`'s application send one packet now. */
void sim_send(struct sim *s, unsigned i);

/** Do for host `i` what a set of enum wg_action asks for. */
void sim_act(struct sim *s, unsigned i, unsigned actions);

/** Put a datagram on the link, now. */
void sim_emit(struct sim *s, const struct endpoint *from, const struct endpoint *to,
	const uint8_t *msg, size_t len);

/** Let `ns` pass. */
void sim_run(struct sim *s, uint64_t ns);

/** The wall clock. */
struct wall sim_wall(const struct sim *s);

/** 32 random bits of the simulation's. */
uint32_t sim_random(struct sim *s);

#endif
