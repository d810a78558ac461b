/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of the million requests share; see million.c. */
#ifndef _MILLION_H
#define _MILLION_H

#include "client.h"

#define MAX_DEVICES	64
#define CLIENTS		8	/* clients of a device, at most */
#define FEW_CLIENTS	3	/* if it has one slot */
#define QUEUE_DEPTH	16	/* the module's */
#define STUCK		36000	/* seconds after which a client has hung */

/* What clients and devices count. */
enum count {
	SUBMITTED, COMPLETED, FAILED, CANCELLED,
	TIMEOUTS, RESETS, RESET_FAILURES, RETRIES, LATE, SPURIOUS, MISSED, ABORTS, INNOCENT,
	NR_STATS,		/* those above are the device's statistics */
	UNREAD = NR_STATS,	/* submitted, and nobody read how they ended */
	EIO_ERROR, EIO_RESET, EIO_EITHER, EIO_SEEN, ETIMEDOUT_SEEN, EINTR_SEEN,
	EAGAIN_SEEN, ENOBUFS_SEEN, CLOSED, KILLED, PIECES,
	ASYNC, SYNCED, SIGNALLED, STOPPED,
	LOST, RESET_LOST, DUPLICATE, STORM, GONE,	/* injected */
	LAST_SLOT,		/* operations that a rule has struck in the last slot */
	CORRUPTED, SHORTENED,	/* results that a rule has made wrong */
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
extern unsigned int slots;	/* of each device */
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

/*
 * What becomes of a request, by its size, as the rules of an epoch have it. If they are
 * @strict, each request ends so; else it may fail by what happens to others, too.
 */
enum fate { FINE, ERROR, HANG, CORRUPT, SHORT };

struct fates {
	bool strict;
	bool deep;		/* the clients may fill all slots */
	unsigned int nr;
	struct {
		enum fate fate;
		unsigned int low, high;		/* bytes */
	} of[8];
};

enum kind { PLAN, DEAD, FULL, SIGNAL, CLOSE, LEAVE, KILL, CALM, WILD, RULES, TEMPEST };

/* What a conductor tells a client. */
struct client_task {
	unsigned int device, id;
	enum kind kind;
	uint64_t random;
	unsigned int nr_requests;
	const struct outcome *predicted;	/* NULL unless it is the only client */
	const struct fates *fates;		/* NULL if the device has one slot */
};

/* Faults that strike by rules. */
enum struck {
	S_HANG, S_LATE, S_ERROR, S_RESET_HANG, S_SPURIOUS, S_LOST, S_DUPLICATE, S_RESET_LOST,
	S_STORM, S_CORRUPT, S_SHORT, S_ABORT_HANG, S_DEAD, S_GONE,
	NR_STRUCK
};

/* An epoch of a device. */
struct epoch {
	unsigned int device, number;
	enum kind kind;
	uint64_t random;
	struct plan plan;
	struct outcome out;		/* predicted; all 0 if the kind has no prediction */
	struct fates fates;
	unsigned int abort_timeout;
	unsigned int nr_rules;
	unsigned long long struck[NR_STRUCK];	/* operations, resets, aborts; or interrupts */
	unsigned long long before[NR_STATS];
	unsigned int nr_requests, nr_clients;
	pid_t pid[CLIENTS];
	unsigned int errors;		/* faults "error" that the conductor injected */
	unsigned int injected[NR_COUNTS];	/* other faults that count */
};

__attribute__((format(printf, 2, 3))) void command(const struct epoch *e, const char *format, ...);
void set(const struct epoch *e, const char *name, unsigned int value);
void expect(const char *what, unsigned long long is, unsigned long long expected);
bool at_work(struct epoch *e, bool wait);

/* rules.c */
void plan_rules(struct epoch *e);
void set_rules(struct epoch *e);
void watch_rules(struct epoch *e);
void count_struck(struct epoch *e);
void compare_rules(const struct epoch *e, const unsigned long long device[NR_STATS],
		   const unsigned long long clients[NR_COUNTS]);

__attribute__((noreturn)) void be_client(const struct client_task *task);
__attribute__((noreturn)) void conduct(unsigned int device, unsigned int share, uint64_t random);
void read_stats(unsigned int device, unsigned long long stats[NR_STATS]);

#endif /* _MILLION_H */
