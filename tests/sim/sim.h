/* SPDX-License-Identifier: MIT */
/* Two WireGuard engines over a simulated link, with a clock that advances from event to event. */
#pragma once

#include "wg/device.h"

#define SIM_MS	       NS_PER_MS
#define SIM_S	       NS_PER_S
#define SIM_IN_FLIGHT  4096
#define SIM_PACKET_LEN 32 /* an inner IPv4 packet that contains a number */

/** A datagram in flight. */
struct sim_datagram {
	struct mono arrives;
	struct endpoint from;
	struct endpoint to;
	size_t len;
	uint8_t bytes[160];
};

/** Properties of the link. Probabilities in thousandths. */
struct sim_link {
	uint64_t latency_ns;
	uint64_t jitter_ns; /* random delay; reorders datagrams */
	unsigned loss;
	unsigned duplicate;
	bool cut;	  /* drops everything */
	unsigned carried; /* datagrams sent over it; carried_type: by message type */
	unsigned carried_type[5];
};

/** One side: an engine with one peer, and an application that sends numbered packets. */
struct sim_host {
	struct wg_device dev;
	struct wg_peer peer;
	void *memory;
	struct endpoint at;
	bool off;	 /* neither receives nor runs timers */
	bool under_load; /* requires a cookie for each handshake */
	uint8_t private_key[WG_KEY_LEN];
	uint8_t inner[4]; /* its address inside the tunnel */

	uint64_t interval_ns; /* between sent packets; 0: none */
	struct mono next_packet;
	uint64_t pending[WG_PENDING_MAX];
	unsigned pending_count;

	uint64_t sent;	    /* packets passed to the engine */
	uint64_t received;  /* packets from the other side, including duplicates */
	uint64_t newest;    /* the highest number among them */
	uint64_t gave_up;   /* packets dropped because no session was established */
	uint64_t lost_data; /* data messages to it that the link lost */
	uint64_t keepalives_sent;
	uint64_t keepalives_received;
	uint64_t initiations;
	uint64_t wakeups; /* timers run */
	unsigned seen;	  /* every enum wg_action so far */
	struct mono last_received;
	uint64_t longest_silence_ns; /* between packets received */
	struct drop_counters drops;
};

/** The simulation. */
struct sim {
	struct mono now;
	uint64_t random;
	struct sim_link link;
	struct sim_host host[2];
	struct sim_datagram flight[SIM_IN_FLIGHT];
	unsigned in_flight;
	uint8_t psk[2][WG_KEY_LEN];
};

/** Initialise: two engines with each other's keys; host 0 also has host 1's endpoint; latency 10
 * ms. */
void sim_init(struct sim *s, uint64_t seed);

/** Free the engines and their memory. */
void sim_fini(struct sim *s);

/** Restart host `i`: it loses all state except its configuration. */
void sim_restart(struct sim *s, unsigned i);

/** Make host `i`'s application send one packet now. */
void sim_send(struct sim *s, unsigned i);

/** Carry out a set of enum wg_action for host `i`. */
void sim_act(struct sim *s, unsigned i, unsigned actions);

/** Put a datagram on the link now. */
void sim_emit(struct sim *s, const struct endpoint *from, const struct endpoint *to,
	const uint8_t *msg, size_t len);

/** Advance the clock by `ns`. */
void sim_run(struct sim *s, uint64_t ns);

/** The wall clock. */
struct wall sim_wall(const struct sim *s);

/** 32 random bits of the simulation's generator. */
uint32_t sim_random(struct sim *s);
