/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of the device's torture share; see device.c. */
#ifndef _TORTURE_DEVICE_H
#define _TORTURE_DEVICE_H

#include "client.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

#define NR_DEVICES	6
#define QUEUE_DEPTH	8
#define MAX_WORKERS	256

/* What is counted; at the end none may be 0. */
#define COUNTS(X)							\
	X(WRITE_OK, "write: done") X(WRITE_EIO, "write: EIO")		\
	X(WRITE_ETIMEDOUT, "write: ETIMEDOUT") X(WRITE_EINTR, "write: EINTR") \
	X(WRITE_ENODEV, "write: ENODEV") X(QUEUED, "nonblock: queued")	\
	X(FULL, "nonblock: EAGAIN") X(ENOBUFS_, "ENOBUFS")		\
	X(READ_OK, "read: looped back") X(READ_ERR, "read: EIO, ETIMEDOUT") \
	X(READ_ENODEV, "read: ENODEV") X(PIECES, "read: in pieces")	\
	X(POLLS, "polls") X(HANGUPS, "poll: device gone")		\
	X(SHARED, "files shared by threads") X(SIGNALS, "signals sent")	\
	X(KILLED, "processes killed") X(KILLED_BUSY, "of them with requests") \
	X(STOPS, "processes stopped and continued")			\
	X(ASYNC_OK, "asynchronous: done") X(ASYNC_ERR, "asynchronous: EIO, ETIMEDOUT") \
	X(SPLICED, "spliced") X(SYNCED, "fsyncs")			\
	X(CLOSED_BUSY, "closed with requests")				\
	X(HUNG_CANCELLED, "cancelled behind a hung one") X(UNBINDS, "unbound and bound") \
	X(OPENS, "opened a vanishing node") X(TOO_LATE, "opened too late") \
	X(FAULTS, "faults") X(DEATHS, "deaths") X(JUNK, "junk lines")	\
	X(GONES, "gone for a while") X(GONE_UNBOUND, "not bound while gone") \
	X(STORMS, "storms") X(LOSSES, "lost interrupts")		\
	X(RULES, "rules") X(DROPS, "rules dropped") X(STRUCK, "of them had struck") \
	X(CORRUPTED, "corrupted by a rule") X(SHORTER, "shortened by a rule") \
	X(SYSFS_READS, "attributes read") X(SYSFS_SETS, "attributes set") \
	X(SNAPSHOTS, "snapshots that add up") X(AUDITS, "audits")	\
	X(TIMEOUTS, "time-outs") X(RESETS, "resets")			\
	X(RESET_FAILURES, "reset failures") X(RETRIES, "retries")	\
	X(CANCELLED, "cancelled") X(LATE, "late interrupts")		\
	X(SPURIOUS, "spurious interrupts") X(MISSED, "missed interrupts") \
	X(ABORTS, "aborts") X(INNOCENT, "innocent restarted")
enum count {
#define X(name, text) name,
	COUNTS(X)
#undef X
	NR_COUNTS
};

extern const char * const count_names[NR_COUNTS];

/* A thread, as the watchdog sees it. */
struct worker {
	const char *role;
	unsigned int device;
	pid_t pid, tid;
	pthread_t thread;
	bool signals;			/* the signaller sends it some */
	atomic_bool parked, ended;	/* if either is set, the thread makes no progress */
	atomic_ulong progress;
	/* What its victim has done. */
	atomic_uint begun, returned, ok, failed, queued, read_ok, read_failed;
	atomic_bool runs;
};

/* What the clients of a device know of their requests; see device.c. */
struct ledger {
	atomic_ulong sure, unsure, ok, failed, cancelled, abandoned, timed_out;
};

extern struct shared {
	atomic_bool stop;
	atomic_ulong counts[NR_COUNTS];
	atomic_uint nr_workers;
	atomic_uint nr_ready;		/* devices whose threads are created */
	atomic_uint nr_files;
	struct ledger ledgers[NR_DEVICES];
	struct worker workers[MAX_WORKERS];
} *shared;

/* How many threads of which role work on a device, and what may happen there. */
struct plan {
	const char *what;
	unsigned int writers, echoes, shares, victims, closers, pollers, asyncs, splicers;
	bool signals;
	bool unbound;			/* the device is unbound and bound again and again */
	bool hung;			/* all requests hang until they are cancelled */
	bool roomy;			/* the queue never fills */
	bool only_resets;		/* the device never can abort */
	unsigned int max_unread;	/* results of a nonblocking file */
};

/* This process's device */
extern unsigned int dev;
extern const struct plan *plan;
extern struct ledger *ledger;
extern bool has_aio;			/* the kernel has asynchronous I/O */
extern unsigned int slots;		/* of each device; with one, none can abort */

/* This thread's */
extern __thread struct worker *me;
extern __thread uint64_t luck;		/* state of rng() */

static inline void count(enum count what)
{
	atomic_fetch_add(&shared->counts[what], 1);
}

static inline void progress(void)
{
	atomic_fetch_add(&me->progress, 1);
}

static inline unsigned int below(unsigned int n)
{
	return rng_below(&luck, n);
}

/* Sleep for less than so many microseconds; how many does not matter. */
static inline void doze(unsigned int us)
{
	usleep(below(us));
}

pthread_t start_thread(void *(*fn)(void *), void *arg);

/* How a request begins. The rest is random; the checksum covers all but itself. */
struct header {
	uint64_t checksum;
	uint32_t device;
	uint32_t file;
	uint32_t writer;
	uint32_t len;
	uint64_t seq;
};

/* What the control node shows at one moment. */
struct snapshot {
	char state[16];
	long counter;
	unsigned long outstanding, submitted, completed, failed, cancelled;
	unsigned long timeouts, resets, reset_failures, retries, late, spurious, missed;
	unsigned long aborts, innocent;
};

/* device_request.c */
size_t make_request(uint8_t *data, uint64_t *state, uint32_t file, uint32_t writer, uint64_t seq);
struct header check_result(const uint8_t *data, size_t len, uint32_t file);
unsigned int new_file(void);
int open_dev(bool ctl, int flags);
void check_gone(int fd);
short wait_for(int fd, short events, int ms);
int enter_blocking(ssize_t ret, size_t len);
int enter_nonblocking(ssize_t ret, size_t len);
int enter_async(long result, size_t len);
void enter_result(int err);
int read_result(int fd, uint8_t *data, size_t *len, bool pieces);
__attribute__((format(printf, 1, 2))) void inject(const char *format, ...);
bool look(struct snapshot *s);
unsigned long charged_innocent(const struct snapshot *s);
void quiet(struct snapshot *s);

/* device_submit.c: an episode of each role that submits requests */
void do_write(void);
void do_echo(void);
void do_async(void);
void do_splice(void);
void do_share(void);
void do_kill(void);
void do_close(void);
void do_hang(void);

/* device_other.c: an episode of each role that does not */
void do_poll(void);
void do_signal(void);
void do_inject(void);
void do_junk(void);
void do_watch(void);
void do_sysfs(void);
void do_unbind(void);
void do_open(void);

/* Held while faults must have their effect, and while all faults are cleared at random. */
extern pthread_mutex_t faults_lock;

/* device_rules.c */
void add_any_rule(void);
void drop_any_rule(void);
void do_taste(void);

#endif /* _TORTURE_DEVICE_H */
