/* SPDX-License-Identifier: GPL-2.0-only */
/* What the fuzzer's files share; see fuzz.c. */
#ifndef _FUZZ_H
#define _FUZZ_H

#include "client.h"

#include <sys/types.h>

#define NR_DEVICES	48
#define FIRST_FLOOD	8	/* devices from here on do nothing but time out */
#define MAX_LINE	128
#define MAX_RULES	64
#define MAX_SHOWN	12288	/* bytes that a control node shows with so many rules */
#define MAX_COUNT	1000000
#define MAX_MS		600000
#define NR_ERRNOS	134
#define ARENA		65536
#define STUCK		120	/* seconds without a call after which a worker hangs */

extern uint64_t seed;
extern unsigned long nr_lines, nr_calls;
extern unsigned int nr_dev_slots;	/* the module parameter slots */

/* What all processes share */

enum op {
	DATA_WRITE, DATA_WRITEV, DATA_READ, DATA_READV, CTL_WRITE, CTL_WRITEV,
	CTL_READ, CTL_READV, PREAD, PWRITE, PREADV2, PWRITEV2, POLL, EPOLL, LSEEK,
	IOCTL, MMAP, OPEN, CLOSE, DUP, SETFL, FCNTL, SPLICE_IN, SPLICE_OUT, SENDFILE,
	FSYNC, AIO_SUBMIT, AIO_WRITE, AIO_READ, AIO_SYNC, AIO_POLL,
	FTRUNCATE, FALLOCATE, ATTR_READ, ATTR_WRITE, BUDGET, BIND, UNBIND, NR_OPS
};

extern const char *const op_names[NR_OPS];

/* What the driver logs; log_words has the words that tell the lines apart. */
enum {
	TIMED_OUT, GIVING_UP, RETRYING, CANCELLED, RESET_FAILED, MISSED, RESET_MISSED,
	SUPPRESSED, RESTARTED, MORE, NR_LOG
};

#define NR_WORDS	SUPPRESSED	/* each logged at one place, "reset failed" at two */
#define MAX_WORKERS	32

extern const char *const log_words[NR_LOG];

struct worker {
	char name[16];
	pid_t pid;
	unsigned long progress;
	char now[256];		/* the call in progress, for messages */
};

extern struct shared {
	bool stop;
	unsigned long failures;
	unsigned long lines;
	unsigned long line_errnos[NR_ERRNOS];	/* [0]: accepted */
	unsigned long samples;			/* control nodes compared with the model */
	unsigned long calls;
	unsigned long count[NR_OPS];
	unsigned long errnos[NR_OPS][NR_ERRNOS];
	unsigned long rebinds;
	unsigned long events[NR_WORDS];		/* what an unlimited log would have */
	unsigned long logged[NR_LOG];
	unsigned long log_others;		/* lines of ours that log_words lacks */
	unsigned long log_lost;
	unsigned int nr_workers;
	struct worker workers[MAX_WORKERS];
} *shared;

static inline void count(unsigned long *what, unsigned long by)
{
	__atomic_add_fetch(what, by, __ATOMIC_RELAXED);
}

static inline bool stopped(void)
{
	return __atomic_load_n(&shared->stop, __ATOMIC_RELAXED);
}

static inline uint64_t mix(uint64_t a, uint64_t b, uint64_t c)
{
	uint64_t state = a;

	state = rng(&state) ^ b;
	state = rng(&state) ^ c;
	return rng(&state);
}

static inline bool one_in(uint64_t *r, unsigned int n)
{
	return !rng_below(r, n);
}

__attribute__((format(printf, 2, 3)))
void failure(const struct worker *worker, const char *format, ...);
uint8_t *new_arena(void);
struct worker *new_worker(const char *kind, unsigned int number);
pid_t start_process(void);
void hurry(void);

/* grammar.c: what a write must return and do */

/* A rule, as the node shows it behind its number. No operation is there to strike. */
struct rule {
	unsigned int number;
	char text[MAX_LINE + 16];
};

/* What the control node must show. */
struct model {
	bool dead, gone;
	unsigned int latency, max_latency, reset_latency, late_ms;
	unsigned int hang, late, error, reset_hang, spurious;
	unsigned int lost, duplicate, reset_lost, storm;
	unsigned int corrupt, shorter, abort_hang;
	uint64_t all_spurious;	/* all that were ever injected, storms included */
	unsigned int seed;
	unsigned int last_rule, nr_rules;
	struct rule rules[MAX_RULES];
};

/*
 * What write() of control lines must return: between @least and @most bytes, and if
 * @least is 0, maybe the errno @err. @least and @most differ only if the buffer ends
 * in memory that cannot be read: a line that begins less than a line's length before
 * that memory may be taken or may fault. Or there is no model of the rules, and a
 * line may fail for there being too many or not this one: then with the errno @maybe,
 * if that is the first line.
 */
struct prediction {
	size_t least, most;
	unsigned int lines;	/* lines in the @most bytes */
	int err;		/* errno of the next line; 0 if there is none */
	int maybe;
	size_t bad;		/* that line's length, newline included */
};

struct attr {
	const char *name;
	unsigned int min, max;	/* 0, 0: read-only */
};

/* What the first number behind a command is; all others are counts. */
enum number { COUNT, MS, MS_RANGE, SEED, RULE_NUMBER };

struct command {
	const char *name;
	unsigned int min_args, max_args;
	enum number kind;
};

#define NR_COMMANDS	20
extern const struct attr attrs[NR_ATTRS];
extern const struct command commands[NR_COMMANDS];

size_t line_length(const uint8_t *p, size_t len);
struct prediction predict_write(const uint8_t *p, size_t avail, size_t count, struct model *m);
int predict_attr(const struct attr *attr, const uint8_t *p, size_t len, unsigned int *value);
const char *quoted(const uint8_t *p, size_t len);

/* lines.c: what to write */
size_t put_noise(uint64_t *r, char *out, size_t max);
uint8_t *put_lines(uint64_t *r, uint8_t *arena, size_t max, size_t *len);
size_t put_setting(uint64_t *r, char *out);

void oracle_run(struct worker *worker);

/* calls.c: callers, which make random calls on two devices from @first on */
void open_shared(unsigned int first);
void close_shared(void);
void start_callers(const char *kind, unsigned int number, unsigned int first,
		   unsigned int threads, unsigned long quota);

/* medic.c: what keeps the callers' devices working */
void open_revive_nodes(void);
void close_revive_nodes(void);
void revive(unsigned int device);
void medic_run(void);
void binder_run(struct worker *worker, unsigned int number);

/* flood.c */
void flood_run(struct worker *worker);
void flood_count(void);
void log_run(int fd);

#endif /* _FUZZ_H */
