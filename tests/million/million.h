/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of the million requests share; see million.c. */
#ifndef _MILLION_H
#define _MILLION_H

#include "client.h"

#define MAX_DEVICES	64
#define CLIENTS		3	/* clients of a device, at most */
#define QUEUE_DEPTH	16	/* the module's */
#define STUCK		36000	/* seconds after which a client has hung */

/* What clients and devices count. */
enum count {
	SUBMITTED, COMPLETED, FAILED, CANCELLED,
	TIMEOUTS, RESETS, RESET_FAILURES, RETRIES, LATE, SPURIOUS, MISSED,
	NR_STATS,		/* those above are the device's statistics */
	UNREAD = NR_STATS,	/* submitted, and nobody read how they ended */
	EIO_ERROR, EIO_RESET, EIO_EITHER, EIO_SEEN, ETIMEDOUT_SEEN, EINTR_SEEN,
	EAGAIN_SEEN, ENOBUFS_SEEN, CLOSED, KILLED, PIECES,
	ASYNC, SYNCED, SIGNALLED, STOPPED,
	LOST, RESET_LOST, DUPLICATE, STORM, GONE,	/* injected */
	NR_COUNTS
};

extern const char *const count_name[NR_COUNTS];

struct tally {
	unsigned long long n[NR_COUNTS];
	uint64_t sum;		/* checksum of what the seed decides; order does not matter */
};

/* What the processes share. */
extern struct shared {
	struct tally client[MAX_DEVICES][CLIENTS];	/* counts of this epoch */
	struct tally total[MAX_DEVICES];
	unsigned long long submitted;
	unsigned long long reported;	/* progress that was printed, in twentieths */
	unsigned int epochs;
} *shared;

extern unsigned long long requests;
extern char where[320];		/* epoch and client, for messages */

/* A random number of the list. */
#define PICK(state, ...) ({						\
	static const unsigned int list[] = { __VA_ARGS__ };		\
	list[rng_below(state, sizeof(list) / sizeof(*list))];		\
})

static inline uint64_t hash(uint64_t a, uint64_t b)
{
	a += rng(&b);
	return rng(&a);
}

/* How a device is set up for an epoch: settings and faults. */
struct plan {
	unsigned int timeout, reset_timeout, max_retries;
	unsigned int latency, reset_latency;
	unsigned int hang, late, late_ms, error, reset_hang, spurious;
	unsigned int lost, duplicate, reset_lost, storm;
	bool dead, gone;
};

static inline bool is_dead(const struct plan *plan)
{
	return plan->dead || plan->gone;
}

#define MAX_STRUCK	128

/* How the requests of an epoch must end. */
struct outcome {
	struct tally sum;
	unsigned int nr;	/* requests that have a fault: the first ones */
	int result[MAX_STRUCK];	/* their errnos, 0 for success */
};

void predict(struct outcome *out, struct plan plan, unsigned int nr);

enum kind { PLAN, DEAD, FULL, SIGNAL, CLOSE, LEAVE, KILL, CALM, WILD };

/* What a conductor tells a client. */
struct client_task {
	unsigned int device, id;
	enum kind kind;
	uint64_t random;
	unsigned int nr_requests;
	const struct outcome *predicted;	/* NULL unless it is the only client */
};

__attribute__((noreturn)) void be_client(const struct client_task *task);
__attribute__((noreturn)) void conduct(unsigned int device, unsigned int share, uint64_t random);
void read_stats(unsigned int device, unsigned long long stats[NR_STATS]);

#endif /* _MILLION_H */
