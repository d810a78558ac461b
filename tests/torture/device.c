// SPDX-License-Identifier: GPL-2.0-only
/*
 * sim_dev_torture - everything at once, each request accounted for exactly once
 *
 * Runs as root in a guest with sim_dev.ko devices=6 queue_depth=8, for LENGTH or
 * SECONDS, or MINUTES, which are variables like SEED and WATCHDOG. A process
 * for each device, in it a thread for each role, and victims, which are forked
 * to be killed. A thread does one episode after the other: opens a file, has
 * requests done, sees to it that each ended as it must, closes.
 *
 * Every now and then a device's auditor has all threads that submit wait
 * between two episodes. When nothing is outstanding, the driver's statistics
 * must be what the clients saw:
 *
 *	submitted	sure to unsure + sure
 *	completed	ok to ok + unsure + abandoned, failed and cancelled alike
 *
 * Unsure is a call whose result nobody saw, because its process was killed;
 * abandoned are requests whose file was closed first. A write that a signal
 * ended was not submitted: it waited for room, and on device 1, whose queue never
 * fills, there is none such. Devices 0 and 1 have neither unsure nor abandoned
 * ones, nor has device 2, where what is closed or killed waits behind a hung
 * operation: there everything is exact. Devices 4 and 5 are unbound under way,
 * which resets their statistics: there each snapshot must add up. They are unbound
 * while gone as well, and then cannot be bound before they are put back.
 *
 * Nothing depends on how fast things go, but that a thread which makes no
 * progress for WATCHDOG seconds hangs.
 */
#define _GNU_SOURCE
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "client.h"

#define DRIVER		"/sys/bus/platform/drivers/sim_dev/"
#define NR_DEVICES	6
#define QUEUE_DEPTH	8
#define MAX_LEN		4096
#define MAX_RESULTS	64	/* unread, of one file */
#define MAX_WORKERS	256

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/* What is counted, and must not be 0 in the end. */
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
	X(WITHDRAWN, "withdrawn while hung") X(UNBINDS, "unbound and bound") \
	X(OPENS, "opened a vanishing node") X(TOO_LATE, "opened too late") \
	X(FAULTS, "faults") X(DEATHS, "deaths") X(JUNK, "junk lines")	\
	X(GONES, "gone for a while") X(GONE_UNBOUND, "not bound while gone") \
	X(STORMS, "storms") X(LOSSES, "lost interrupts")		\
	X(SYSFS_READS, "attributes read") X(SYSFS_SETS, "attributes set") \
	X(SNAPSHOTS, "snapshots that add up") X(AUDITS, "audits")	\
	X(TIMEOUTS, "time-outs") X(RESETS, "resets")			\
	X(RESET_FAILURES, "reset failures") X(RETRIES, "retries")	\
	X(CANCELLED, "cancelled") X(LATE, "late interrupts")		\
	X(SPURIOUS, "spurious interrupts") X(MISSED, "missed, found by asking")
enum count {
#define X(name, text) name,
	COUNTS(X)
#undef X
	NR_COUNTS
};

static const char * const count_names[] = {
#define X(name, text) text,
	COUNTS(X)
#undef X
};

/* A thread, as the watchdog sees it. */
struct worker {
	const char *role;
	unsigned int device;
	pid_t pid, tid;
	pthread_t thread;
	bool signals;			/* may be sent some */
	atomic_bool parked, ended;	/* then it may stand still */
	atomic_ulong progress;
	/* What its victim does. */
	atomic_uint begun, returned, ok, failed, queued, read_ok, read_failed;
	atomic_bool runs;
};

/* What the clients of a device know of their requests. */
struct ledger {
	atomic_ulong sure, unsure, ok, failed, cancelled, abandoned, timed_out;
};

static struct shared {
	atomic_bool stop;
	atomic_ulong counts[NR_COUNTS];
	atomic_uint nr_workers;
	atomic_uint nr_files;
	struct ledger ledgers[NR_DEVICES];
	struct worker workers[MAX_WORKERS];
} *shared;

/* Who works on a device, and what may happen there. */
static const struct plan {
	const char *what;
	unsigned int writers, echoes, shares, victims, closers, pollers, asyncs, splicers;
	bool signals;
	bool unbound;
	bool hung;			/* all requests hang, until they are withdrawn */
	bool roomy;			/* the queue never fills */
	unsigned int max_unread;	/* of a nonblocking file */
} plans[NR_DEVICES] = {
	{ "exact, queue full", 10, 3, 2, 0, 0, 2, 4, 2, false, false, false, false, MAX_RESULTS },
	{ "exact, signals", 3, 1, 0, 0, 0, 1, 0, 1, true, false, false, true, 3 },
	{ "exact, withdrawn", 0, 0, 0, 0, 0, 1, 0, 0, false, false, true, false, 0 },
	{ "killed, closed", 10, 2, 1, 3, 2, 2, 1, 1, true, false, false, false, MAX_RESULTS },
	{ "unbound", 6, 3, 2, 1, 1, 3, 1, 1, true, true, false, false, MAX_RESULTS },
	{ "unbound", 10, 2, 1, 2, 1, 3, 1, 1, true, true, false, false, MAX_RESULTS },
};

/* This process's device. */
static unsigned int dev;
static const struct plan *plan;
static struct ledger *ledger;
static __thread struct worker *me;
static __thread uint64_t luck;	/* for rng() */
static atomic_uint nr_running;	/* threads of this process, but for the unbinder */

static void count(enum count what)
{
	atomic_fetch_add(&shared->counts[what], 1);
}

static void progress(void)
{
	atomic_fetch_add(&me->progress, 1);
}

static unsigned int below(unsigned int n)
{
	return rng_below(&luck, n);
}

/* Sleep for less than so many microseconds; how many does not matter. */
static void doze(unsigned int us)
{
	usleep(below(us));
}

/* Requests */

/* How each begins; the rest is random, and its checksum is over all of it. */
struct header {
	uint64_t checksum;
	uint32_t device;
	uint32_t file;
	uint32_t writer;
	uint32_t len;
	uint64_t seq;
};

static uint64_t checksum(const uint8_t *data, size_t len)
{
	uint64_t sum = len;
	size_t i;

	for (i = sizeof(sum); i < len; i++)
		sum = (sum ^ data[i]) * 0x100000001b3;
	return sum;
}

static size_t make_request(uint8_t *data, uint64_t *state, uint32_t file,
			   uint32_t writer, uint64_t seq)
{
	struct header header = {
		.device = dev, .file = file, .writer = writer, .seq = seq,
	};
	size_t i;

	header.len = sizeof(header) +
		     rng_below(state, rng_below(state, 4) ? 256 : MAX_LEN + 1 - sizeof(header));
	for (i = sizeof(header); i < header.len; i++)
		data[i] = rng(state);
	memcpy(data, &header, sizeof(header));
	header.checksum = checksum(data, header.len);
	memcpy(data, &header, sizeof(header));
	return header.len;
}

/* Is this what a file got back a whole request of its own? */
static struct header check_result(const uint8_t *data, size_t len, uint32_t file)
{
	struct header header = { 0 };

	memcpy(&header, data, len < sizeof(header) ? len : sizeof(header));
	if (len < sizeof(header) || header.len != len || header.device != dev ||
	    header.file != file || header.checksum != checksum(data, len))
		die("device %u file %u read %zu bytes: not its own request, or damaged: device %u file %u writer %u seq %llu len %u",
		    dev, file, len, header.device, header.file, header.writer,
		    (unsigned long long)header.seq, header.len);
	return header;
}

static unsigned int new_file(void)
{
	return atomic_fetch_add(&shared->nr_files, 1) + 1;
}

/* Open the node; -1 if the device vanished. */
static int open_dev(bool ctl, int flags)
{
	int fd = open_node(dev, ctl, flags);

	if (fd < 0 && (!plan->unbound || (errno != ENOENT && errno != ENXIO && errno != ENODEV)))
		die("device %u: open: %m", dev);
	if (plan->unbound)
		count(fd < 0 ? TOO_LATE : OPENS);
	if (fd < 0)
		doze(10000);
	return fd;
}

/* A file said ENODEV: so must everything from now on. */
static void check_gone(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN | POLLOUT };
	char byte = 0;

	if (!plan->unbound)
		die("device %u: ENODEV, but it was not unbound", dev);
	if (write(fd, &byte, 1) != -1 || errno != ENODEV)
		die("device %u is gone, but write() did not say so: %m", dev);
	if (poll(&p, 1, -1) != 1 || p.revents != (POLLERR | POLLHUP))
		die("device %u is gone, but poll() says %#x", dev, p.revents);
	count(HANGUPS);
}

/* Wait for events; what is there. Tolerates signals. */
static short wait_for(int fd, short events, int ms)
{
	struct pollfd p = { .fd = fd, .events = events };

	if (poll(&p, 1, ms) < 0) {
		if (errno != EINTR || !plan->signals)
			die("device %u: poll: %m", dev);
		p.revents = 0;
	}
	count(POLLS);
	if (p.revents & ~(POLLIN | POLLOUT) &&
	    (!plan->unbound || p.revents != (POLLERR | POLLHUP)))
		die("device %u: poll() says %#x", dev, p.revents);
	return p.revents;
}

/* A blocking write ended: enter it. Returns errno, or 0. */
static int enter_blocking(ssize_t ret, size_t len)
{
	int err = ret < 0 ? errno : 0;

	if (ret >= 0 && ret != len)
		die("device %u: write() of %zu bytes returned %zd", dev, len, ret);
	progress();
	switch (err) {
	case 0:
		count(WRITE_OK);
		atomic_fetch_add(&ledger->ok, 1);
		break;
	case ETIMEDOUT:
		count(WRITE_ETIMEDOUT);
		atomic_fetch_add(&ledger->timed_out, 1);
		atomic_fetch_add(&ledger->failed, 1);
		break;
	case EIO:
		count(WRITE_EIO);
		atomic_fetch_add(&ledger->failed, 1);
		break;
	case EINTR:
		if (!me->signals)
			die("device %u: write() says EINTR without a signal", dev);
		if (plan->roomy)
			die("device %u: write() says EINTR, but did not wait for room", dev);
		count(WRITE_EINTR);
		return err;
	case ENODEV:
		count(WRITE_ENODEV);
		return err;
	case ENOBUFS:
		count(ENOBUFS_);
		return err;
	default:
		die("device %u: write: %s", dev, strerror(err));
	}
	atomic_fetch_add(&ledger->sure, 1);
	return err;
}

/* A nonblocking one did. */
static int enter_nonblocking(ssize_t ret, size_t len)
{
	int err = ret < 0 ? errno : 0;

	if (ret >= 0 && ret != len)
		die("device %u: nonblocking write() of %zu bytes returned %zd", dev, len, ret);
	switch (err) {
	case 0:
		progress();
		count(QUEUED);
		atomic_fetch_add(&ledger->sure, 1);
		break;
	case EAGAIN:
		if (plan->roomy)
			die("device %u: the queue is full", dev);
		count(FULL);
		break;
	case ENOBUFS:
		count(ENOBUFS_);
		break;
	case ENODEV:
		count(WRITE_ENODEV);
		break;
	default:
		die("device %u: nonblocking write: %s", dev, strerror(err));
	}
	return err;
}

/* A nonblocking request's end was read: how it ended. */
static void enter_result(int err)
{
	progress();
	if (err != 0 && err != EIO && err != ETIMEDOUT)
		die("device %u: read: %s", dev, strerror(err));
	count(err ? READ_ERR : READ_OK);
	atomic_fetch_add(err ? &ledger->failed : &ledger->ok, 1);
	if (err == ETIMEDOUT)
		atomic_fetch_add(&ledger->timed_out, 1);
}

/* Read one whole result, in pieces now and then; 0, errno, or -1 for the end. */
static int read_result(int fd, uint8_t *data, size_t *len, bool pieces)
{
	size_t want = pieces ? sizeof(struct header) + below(64) : MAX_LEN;
	struct header header;
	ssize_t ret = read(fd, data, want);

	*len = 0;
	if (ret <= 0)
		return ret < 0 ? errno : -1;
	*len = ret;
	if (!pieces || *len < sizeof(header))
		return 0;
	count(PIECES);
	memcpy(&header, data, sizeof(header));
	while (*len < header.len && header.len <= MAX_LEN) {
		want = 1 + below(1000);
		if (want > MAX_LEN - *len)
			want = MAX_LEN - *len;
		ret = read(fd, data + *len, want);
		if (ret < 0 && errno == ENODEV)
			return ENODEV;
		if (ret <= 0)
			die("device %u: the rest of a result: read() returned %zd, %m", dev, ret);
		*len += ret;
	}
	return 0;
}

/* A command that must be taken, unless the device has just vanished. */
static __attribute__((format(printf, 1, 2))) void inject(const char *format, ...)
{
	char line[64];
	va_list args;
	int fd, len;
	ssize_t ret;

	va_start(args, format);
	len = vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	fd = open_dev(true, O_WRONLY);
	if (fd < 0)
		return;
	ret = write(fd, line, len);	/* short, if it vanished between two lines */
	if (ret != len && (!plan->unbound || (ret < 0 && errno != ENODEV)))
		die("device %u: '%s': write() returned %zd, %m", dev, line, ret);
	close(fd);
	count(FAULTS);
	progress();
}

/* What the control node shows. */
struct snapshot {
	char state[16];
	long counter;
	unsigned long outstanding, submitted, completed, failed, cancelled;
	unsigned long timeouts, resets, reset_failures, retries, late, spurious, missed;
};

static long field(const char *text, const char *key)
{
	char pattern[64];
	const char *at;

	snprintf(pattern, sizeof(pattern), "\n%s: ", key);
	at = strstr(text, pattern);
	if (!at)
		die("device %u does not show '%s'", dev, key);
	return strtol(at + strlen(pattern), NULL, 10);
}

/* Take one; it must make sense. False if the device vanished. */
static bool look(struct snapshot *s)
{
	char text[2048];
	int fd = open_dev(true, O_RDONLY);
	ssize_t len;

	if (fd < 0)
		return false;
	len = read(fd, text, sizeof(text) - 1);
	if (len < 0 && (errno != ENODEV || !plan->unbound))
		die("device %u: read of the control node: %m", dev);
	close(fd);
	if (len < 0)
		return false;
	text[len] = '\0';
	if (sscanf(text, "state: %15s", s->state) != 1)
		die("device %u shows no state", dev);
	s->counter = field(text, "counter");
#define FIELD(name) s->name = field(text, #name)
	FIELD(outstanding);
	FIELD(submitted);
	FIELD(completed);
	FIELD(failed);
	FIELD(cancelled);
	FIELD(timeouts);
	FIELD(resets);
	FIELD(reset_failures);
	FIELD(retries);
	FIELD(late);
	FIELD(spurious);
	FIELD(missed);
#undef FIELD
	if (s->submitted != s->completed + s->failed + s->cancelled + s->outstanding)
		die("device %u: %lu submitted, but %lu completed, %lu failed, %lu cancelled, %lu outstanding",
		    dev, s->submitted, s->completed, s->failed, s->cancelled, s->outstanding);
	if (s->outstanding > QUEUE_DEPTH)
		die("device %u: %lu outstanding", dev, s->outstanding);
	if (!strcmp(s->state, "idle") != !s->outstanding)
		die("device %u: %s with %lu outstanding", dev, s->state, s->outstanding);
	if (s->resets != s->timeouts || s->retries + s->reset_failures > s->resets ||
	    s->counter < -1 || s->counter > 3)
		die("device %u: %lu time-outs, %lu resets, %lu retries, %lu reset failures, counter %ld",
		    dev, s->timeouts, s->resets, s->retries, s->reset_failures, s->counter);
	count(SNAPSHOTS);
	return true;
}

/* Roles of those who submit: each call is an episode */

/* Blocking writes, and if the file reads too, what came back in the end. */
static void do_write(void)
{
	bool reads = !below(3);
	int fd = open_dev(false, reads ? O_RDWR : O_WRONLY), err = 0;
	unsigned int file = new_file(), n = 1 + below(6), i;
	uint64_t done[6], nr_done = 0, at = 0;
	uint8_t data[MAX_LEN + 1];
	size_t len;

	if (fd < 0)
		return;
	for (i = 1; i <= n && err != ENODEV; i++) {
		len = make_request(data, &luck, file, 0, i);
		err = enter_blocking(write(fd, data, len), len);
		if (!err)
			done[nr_done++] = i;
	}
	if (!below(8) && err != ENODEV &&
	    (write(fd, data, MAX_LEN + 1) != -1 || (errno != EMSGSIZE && errno != ENODEV)))
		die("device %u: write() of %u bytes: %m", dev, MAX_LEN + 1);

	while (reads && err != ENODEV) {
		err = read_result(fd, data, &len, !below(4));
		if (err == EINTR && me->signals)
			continue;
		if (err)
			break;
		progress();
		count(READ_OK);
		if (at == nr_done || check_result(data, len, file).seq != done[at])
			die("device %u file %u: read request %llu, wanted number %llu of %llu",
			    dev, file,
			    (unsigned long long)check_result(data, len, file).seq,
			    (unsigned long long)at, (unsigned long long)nr_done);
		at++;
	}
	if (err == ENODEV)
		check_gone(fd);
	else if (reads && (err != -1 || at != nr_done))
		die("device %u file %u: %llu writes done, %llu results, then %s", dev, file,
		    (unsigned long long)nr_done, (unsigned long long)at,
		    err < 0 ? "the end" : strerror(err));
	close(fd);
}

/* An asynchronous write ended: enter it. Returns errno, or 0. */
static int enter_async(long result, size_t len)
{
	int err = result < 0 ? -result : 0;

	if (!err && result != len)
		die("device %u: an asynchronous write of %zu bytes ended with %ld", dev, len,
		    result);
	progress();
	if (err == ENODEV)
		return err;
	if (err && err != EIO && err != ETIMEDOUT)
		die("device %u: an asynchronous write: %s", dev, strerror(err));
	count(err ? ASYNC_ERR : ASYNC_OK);
	atomic_fetch_add(&ledger->sure, 1);
	atomic_fetch_add(err ? &ledger->failed : &ledger->ok, 1);
	if (err == ETIMEDOUT)
		atomic_fetch_add(&ledger->timed_out, 1);
	return err;
}

/* The results of so many requests, whose numbers are given, in order. */
static void read_back(int fd, unsigned int file, const unsigned int *done, unsigned int nr)
{
	uint8_t data[MAX_LEN];
	unsigned int i;
	size_t len;
	int err;

	for (i = 0; i <= nr; i++) {
		err = read_result(fd, data, &len, !below(4));
		if (err == ENODEV)
			break;
		if (i == nr ? err != -1 : err)
			die("device %u file %u: result %u of %u: %s", dev, file, i, nr,
			    err < 0 ? "the end" : strerror(err));
		if (!err && check_result(data, len, file).seq != done[i])
			die("device %u file %u: read request %llu, wanted %u", dev, file,
			    (unsigned long long)check_result(data, len, file).seq, done[i]);
		progress();
		if (!err)
			count(READ_OK);
	}
}

/* Some asynchronous writes at a time, and what came back. */
#define ASYNCS	(QUEUE_DEPTH + 4)
static bool has_aio;

static void do_async(void)
{
	bool reads = below(2);
	int fd = has_aio ? open_dev(false, reads ? O_RDWR : O_WRONLY) : -1, err;
	unsigned int file = new_file(), n = 1 + below(ASYNCS), done[ASYNCS], nr = 0, i;
	struct io_event events[ASYNCS];
	long result[ASYNCS];
	static __thread aio_context_t aio;	/* to end one takes the kernel long */
	size_t len[ASYNCS];
	uint8_t data[MAX_LEN];
	bool gone = false;

	if (!has_aio)
		doze(100000);
	if (fd < 0)
		return;
	if (!aio)
		aio = aio_open(ASYNCS);
	if (!below(4))
		inject("error");	/* maybe for one of ours */
	for (i = 0; i < n; i++) {
		len[i] = make_request(data, &luck, file, 0, i);
		err = aio_submit(aio, fd, IOCB_CMD_PWRITE, data, len[i], i);
		if (err)
			die("device %u: io_submit: %s", dev, strerror(err));
	}
	if (!below(4)) {
		if (fsync(fd) && (errno != ENODEV || !plan->unbound))
			die("device %u: fsync: %m", dev);
		count(SYNCED);
	}
	if (aio_wait(aio, n, n, events, NULL) != n)
		die("device %u: io_getevents: %m", dev);
	for (i = 0; i < n; i++)
		result[events[i].data] = events[i].res;
	for (i = 0; i < n; i++) {
		err = enter_async(result[i], len[i]);
		gone |= err == ENODEV;
		if (!err)
			done[nr++] = i;
	}
	if (gone)
		check_gone(fd);
	else if (reads)
		read_back(fd, file, done, nr);
	close(fd);
}

/* A request out of a pipe, and back into it. */
static void do_splice(void)
{
	int fd = open_dev(false, O_RDWR), pipes[2], err;
	unsigned int file = new_file();
	uint8_t data[MAX_LEN];
	size_t len;
	ssize_t ret;

	if (fd < 0)
		return;
	len = make_request(data, &luck, file, 0, 1);
	if (pipe2(pipes, O_CLOEXEC) || write(pipes[1], data, len) != len)
		die("pipe: %m");
	/* splice() looks for signals itself before it writes, even if there is room. */
	ret = splice(pipes[0], NULL, fd, NULL, len, 0);
	err = ret < 0 && errno == EINTR && me->signals ? EINTR : enter_blocking(ret, len);
	if (!err) {
		do
			ret = splice(fd, NULL, pipes[1], NULL, MAX_LEN, 0);
		while (ret < 0 && errno == EINTR && me->signals);
		err = ret < 0 ? errno : 0;
		if (!err && (ret != len || read(pipes[0], data, len) != len))
			die("device %u: %zu bytes were spliced there, %zd back", dev, len, ret);
		if (err && err != ENODEV)
			die("device %u: splice from the node: %s", dev, strerror(err));
		if (!err) {
			check_result(data, len, file);
			count(SPLICED);
		}
	}
	if (err == ENODEV)
		check_gone(fd);
	close(pipes[0]);
	close(pipes[1]);
	close(fd);
}

/* Nonblocking writes, and all results, in order. */
static void do_echo(void)
{
	int fd = open_dev(false, O_RDWR | O_NONBLOCK), err;
	bool hoard = plan->max_unread == MAX_RESULTS && !below(3), sure = false;
	unsigned int file = new_file(), total = hoard ? MAX_RESULTS + 1 : 1 + below(40);
	unsigned int next = 1, head = 1;	/* to write, to read */
	uint8_t data[MAX_LEN];
	short events;
	size_t len;

	if (fd < 0)
		return;
	for (;;) {
		bool full = false;

		while (next <= total && !full && next - head <= plan->max_unread) {
			if (next - head == plan->max_unread && plan->max_unread < MAX_RESULTS)
				break;
			len = make_request(data, &luck, file, 0, next);
			err = enter_nonblocking(write(fd, data, len), len);
			if (err == ENODEV)
				goto gone;
			if (next - head == MAX_RESULTS ? err != ENOBUFS : err == ENOBUFS)
				die("device %u file %u: %u unread, write() says %s", dev, file,
				    next - head, strerror(err));
			if (err == ENOBUFS)
				hoard = false;
			if (err)
				full = true;
			else
				next++;
		}
		if (next > total) {
			hoard = false;
			if (!below(4) && fcntl(fd, F_SETFL, O_RDWR))	/* blocks from now on */
				die("fcntl: %m");
		}
		if (!hoard) {
			do {
				err = read_result(fd, data, &len, !below(4));
				if (err == ENODEV) {
					count(READ_ENODEV);
					goto gone;
				}
				if (sure && (err == EAGAIN || err == -1))
					die("device %u file %u: POLLIN, but read() says %s",
					    dev, file,
					    err < 0 ? "the end" : strerror(err));
				sure = false;
				if (err == EAGAIN || (err == EINTR && me->signals))
					break;
				if (err == -1) {
					if (head != next)
						die("device %u file %u: the end, %u results are missing",
						    dev, file, next - head);
					break;
				}
				enter_result(err);
				if (head == next)
					die("device %u file %u: a result too many", dev, file);
				if (!err && check_result(data, len, file).seq != head)
					die("device %u file %u: result %llu, wanted %u", dev, file,
					    (unsigned long long)check_result(data, len, file).seq,
					    head);
				head++;
			} while (below(4));
			if (next > total && err == -1)
				break;
		}
		if (!full && next <= total && next - head < plan->max_unread)
			continue;
		events = (!hoard && head != next ? POLLIN : 0) | (next <= total ? POLLOUT : 0);
		if (!events)
			continue;
		events = wait_for(fd, events, -1);
		if (events & POLLERR)
			goto gone;
		sure = events & POLLIN;
	}
	close(fd);
	return;
gone:
	check_gone(fd);
	close(fd);
}

/* A file that several threads use. */
#define SHARERS 2
struct share {
	struct worker *leader;
	int fd;
	unsigned int file, per_writer, nr_readers;
	bool blocks;
	atomic_uint writers_left, written, read_ok, read_failed;
	atomic_bool gone, done;
	atomic_ullong seen[SHARERS], last[SHARERS];
};

struct sharer {
	struct share *share;
	unsigned int number;
	uint64_t rng;
};

static void *share_write(void *arg)
{
	struct sharer *sharer = arg;
	struct share *share = sharer->share;
	uint8_t data[MAX_LEN];
	unsigned int seq;
	size_t len;
	int err;

	me = share->leader;
	for (seq = 1; seq <= share->per_writer; seq++) {
		len = make_request(data, &sharer->rng, share->file, sharer->number, seq);
		for (;;) {
			ssize_t ret = write(share->fd, data, len);

			if (share->blocks && ret < 0 && errno == EINTR)
				die("device %u: a sharer's write() says EINTR without a signal",
				    dev);
			err = share->blocks ? enter_blocking(ret, len) :
					      enter_nonblocking(ret, len);
			if (err != EAGAIN && err != ENOBUFS)
				break;
			wait_for(share->fd, POLLOUT, -1);
		}
		if (err == ENODEV) {
			atomic_store(&share->gone, true);
			break;
		}
		if (!err)
			atomic_fetch_add(&share->written, 1);
	}
	atomic_fetch_sub(&share->writers_left, 1);
	return NULL;
}

static void *share_read(void *arg)
{
	struct sharer *sharer = arg;
	struct share *share = sharer->share;
	uint8_t data[MAX_LEN];
	struct header header;

	me = share->leader;
	for (;;) {
		bool last = !atomic_load(&share->writers_left);
		ssize_t ret = read(share->fd, data, sizeof(data));
		int err = ret < 0 ? errno : 0;

		if (err == ENODEV) {
			count(READ_ENODEV);
			atomic_store(&share->gone, true);
			return NULL;
		}
		if (!ret && last)
			return NULL;
		if (!ret || (err == EAGAIN && !share->blocks)) {
			/* Another reader may take what is there: look again. */
			wait_for(share->fd, POLLIN, 20);
			continue;
		}
		if (err && share->blocks)
			die("device %u: read() of a blocking request: %m", dev);
		if (share->blocks)
			progress();
		else
			enter_result(err);
		if (err) {
			atomic_fetch_add(&share->read_failed, 1);
			continue;
		}
		header = check_result(data, ret, share->file);
		if (header.writer >= SHARERS || header.seq < 1 || header.seq > share->per_writer)
			die("device %u: read writer %u seq %llu, which was never written", dev,
			    header.writer, (unsigned long long)header.seq);
		if (atomic_fetch_or(&share->seen[header.writer], 1ull << (header.seq - 1)) >>
		    (header.seq - 1) & 1)
			die("device %u file %u: read writer %u seq %llu twice", dev, share->file,
			    header.writer, (unsigned long long)header.seq);
		if (share->nr_readers == 1 &&
		    atomic_exchange(&share->last[header.writer], header.seq) >= header.seq)
			die("device %u file %u: writer %u seq %llu out of order", dev, share->file,
			    header.writer, (unsigned long long)header.seq);
		atomic_fetch_add(&share->read_ok, 1);
	}
}

static void *share_poll(void *arg)
{
	struct share *share = ((struct sharer *)arg)->share;

	me = share->leader;
	while (!atomic_load(&share->done)) {
		wait_for(share->fd, POLLIN | POLLOUT, 20);
		doze(20000);
	}
	return NULL;
}

static pthread_t start_thread(void *(*fn)(void *), void *arg)
{
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 256 * 1024);
	if (pthread_create(&thread, &attr, fn, arg))
		die("pthread_create: %m");
	pthread_attr_destroy(&attr);
	return thread;
}

static void do_share(void)
{
	struct share share = {
		.leader = me, .file = new_file(), .per_writer = 1 + below(64),
		.nr_readers = 1 + below(3), .blocks = below(2), .writers_left = SHARERS,
	};
	struct sharer sharers[SHARERS + 3 + 1];
	pthread_t threads[SHARERS + 3 + 1];
	unsigned int nr = SHARERS + share.nr_readers, i;

	share.fd = open_dev(false, O_RDWR | (share.blocks ? 0 : O_NONBLOCK));
	if (share.fd < 0)
		return;
	for (i = 0; i <= nr; i++) {
		sharers[i] = (struct sharer){ &share, i, rng(&luck) };
		threads[i] = start_thread(i < SHARERS ? share_write :
					  i < nr ? share_read : share_poll,
					  &sharers[i]);
	}
	for (i = 0; i < nr; i++)
		pthread_join(threads[i], NULL);
	atomic_store(&share.done, true);
	pthread_join(threads[nr], NULL);
	count(SHARED);
	if (share.gone)
		check_gone(share.fd);
	else if (share.written != share.read_ok + share.read_failed)
		die("device %u file %u: %u threads wrote %u requests, %u readers got %u and %u errors",
		    dev, share.file, SHARERS, share.written, share.nr_readers, share.read_ok,
		    share.read_failed);
	close(share.fd);
}

/* Close with requests outstanding, and results unread. */
static void do_close(void)
{
	bool reads = below(2);
	int fd = open_dev(false, (reads ? O_RDWR : O_WRONLY) | O_NONBLOCK), err = 0;
	unsigned int file = new_file(), n = 1 + below(2 * QUEUE_DEPTH), next = 1, head = 1;
	uint8_t data[MAX_LEN];
	size_t len;

	if (fd < 0)
		return;
	while (next <= n) {
		len = make_request(data, &luck, file, 0, next);
		err = enter_nonblocking(write(fd, data, len), len);
		if (err)
			break;
		next++;
	}
	doze(10000);
	while (reads && err != ENODEV && below(2)) {
		err = read_result(fd, data, &len, false);
		if (err == EAGAIN || err == ENODEV || err == -1)
			break;
		enter_result(err);
		if (!err && check_result(data, len, file).seq != head)
			die("device %u file %u: result %llu, wanted %u", dev, file,
			    (unsigned long long)check_result(data, len, file).seq, head);
		head++;
	}
	if (next > head)
		count(CLOSED_BUSY);
	atomic_fetch_add(&ledger->abandoned, next - head);
	close(fd);
}

/* What a victim does until it is killed, noting all in its killer's struct. */
static __attribute__((noreturn)) void victim(int fd, unsigned int file, bool nonblock)
{
	uint8_t data[MAX_LEN];
	unsigned int seq;
	ssize_t ret;
	size_t len;

	for (seq = 1;; seq++) {
		if (!nonblock && seq > MAX_RESULTS)
			pause();	/* nobody reads what came back */
		len = make_request(data, &luck, file, 0, seq);
		atomic_fetch_add(&me->begun, 1);
		atomic_store(&me->runs, true);
		ret = write(fd, data, len);
		if (ret == len)
			atomic_fetch_add(nonblock ? &me->queued : &me->ok, 1);
		else if (errno == EIO || errno == ETIMEDOUT)
			atomic_fetch_add(&me->failed, 1);
		else if (errno == ENODEV && plan->unbound)
			_exit(0);
		else if (!nonblock || (errno != EAGAIN && errno != ENOBUFS))
			die("device %u: a victim's write: %m", dev);
		atomic_fetch_add(&me->returned, 1);
		if (!nonblock || !below(3))
			continue;
		if (ret < 0)
			wait_for(fd, POLLIN | POLLOUT, 20);
		ret = read(fd, data, sizeof(data));
		if (ret > 0) {
			check_result(data, ret, file);
			atomic_fetch_add(&me->read_ok, 1);
		} else if (ret < 0 && (errno == EIO || errno == ETIMEDOUT)) {
			atomic_fetch_add(&me->read_failed, 1);
		} else if (ret < 0 && errno == ENODEV && plan->unbound) {
			_exit(0);
		} else if (ret < 0 && errno != EAGAIN) {
			die("device %u: a victim's read: %m", dev);
		}
	}
}

/* The victim wrote to a file of ours: all it wrote is there, and one more at most. */
static void inherit(int fd, unsigned int file)
{
	uint8_t data[MAX_LEN];
	unsigned int n = 0;
	uint64_t last = 0;
	size_t len;
	int err;

	while (!(err = read_result(fd, data, &len, false))) {
		uint64_t seq = check_result(data, len, file).seq;

		if (seq <= last)
			die("device %u file %u: a victim's request %llu after %llu", dev, file,
			    (unsigned long long)seq, (unsigned long long)last);
		last = seq;
		n++;
	}
	if (err == ENODEV && plan->unbound)
		return;
	if (err != -1 || n < me->ok || n > me->ok + 1)
		die("device %u file %u: a victim wrote %u requests, %u came back, then %s",
		    dev, file,
		    me->ok, n, err < 0 ? "the end" : strerror(err));
}

static void do_kill(void)
{
	bool nonblock = below(2), ours = !nonblock && below(2);
	unsigned int file = new_file(), left;
	pid_t pid, ended = 0;
	int fd = -1, status;

	me->begun = 0;
	me->returned = 0;
	me->ok = 0;
	me->failed = 0;
	me->queued = 0;
	me->read_ok = 0;
	me->read_failed = 0;
	me->runs = false;
	if (ours) {
		fd = open_dev(false, O_RDWR);
		if (fd < 0)
			return;
	}
	pid = fork();
	if (pid < 0)
		die("fork: %m");
	if (!pid) {
		luck += ~0ull / 2;
		if (!ours)
			fd = open_dev(false, O_RDWR | (nonblock ? O_NONBLOCK : 0));
		if (fd < 0)
			_exit(0);
		victim(fd, file, nonblock);
	}
	while (!me->runs && !(ended = waitpid(pid, &status, WNOHANG)))
		usleep(500);
	if (!ended) {
		while (below(2)) {	/* it must not notice, wherever it is */
			doze(20000);
			kill(pid, SIGSTOP);
			doze(20000);
			kill(pid, SIGCONT);
			count(STOPS);
		}
		doze(20000);
		kill(pid, SIGKILL);
		if (waitpid(pid, &status, 0) != pid)
			die("waitpid: %m");
	}
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		count(KILLED);
	else if (!plan->unbound || !WIFEXITED(status) || WEXITSTATUS(status))
		die("device %u: a victim ended by itself, status %#x", dev, status);
	progress();

	left = me->queued - me->read_ok - me->read_failed;
	if (left || me->begun != me->returned)
		count(KILLED_BUSY);
	atomic_fetch_add(&ledger->sure, me->ok + me->failed + me->queued);
	atomic_fetch_add(&ledger->unsure, me->begun - me->returned);
	atomic_fetch_add(&ledger->ok, me->ok + me->read_ok);
	atomic_fetch_add(&ledger->failed, me->failed + me->read_failed);
	atomic_fetch_add(&ledger->abandoned, left);
	if (ours) {
		inherit(fd, file);
		close(fd);
	}
}

/* Nothing is outstanding any more, if nobody submits; or false, the device vanished. */
static bool quiet(struct snapshot *s)
{
	for (;;) {
		if (!look(s))
			return false;
		if (!s->outstanding)
			return true;
		usleep(1000);
	}
}

/*
 * The first request hangs, those behind it wait: as the file is closed, or its
 * process killed, all are withdrawn, unless the first timed out before.
 */
static void do_hang(void)
{
	unsigned int n = 1 + below(QUEUE_DEPTH), file = new_file(), i;
	struct snapshot before, after;
	uint8_t data[MAX_LEN];
	bool killed = below(2);
	int status, fd;
	pid_t pid = 0;
	size_t len;

	quiet(&before);
	inject("hang");
	if (killed)
		pid = fork();
	if (pid < 0)
		die("fork: %m");
	if (!pid) {
		fd = open_dev(false, (below(2) ? O_RDWR : O_WRONLY) | O_NONBLOCK);
		for (i = 0; i < n; i++) {
			len = make_request(data, &luck, file, 0, i);
			if (enter_nonblocking(write(fd, data, len), len))
				die("device %u: only %u requests fit", dev, i);
		}
		if (killed)
			kill(getpid(), SIGKILL);
		close(fd);
	} else if (waitpid(pid, &status, 0) != pid || !WIFSIGNALED(status)) {
		die("device %u: a victim ended by itself, status %#x", dev, status);
	}
	look(&after);
	if (after.outstanding > 1)
		die("device %u: the file is closed, %lu requests are outstanding", dev,
		    after.outstanding);
	atomic_fetch_add(after.timeouts == before.timeouts ? &ledger->cancelled :
							     &ledger->abandoned, n);
	count(WITHDRAWN);
}

/* Roles of those who do not submit */

static void do_poll(void)
{
	int fd = open_dev(below(4) == 0, O_RDONLY);
	unsigned int n = 1 + below(8);
	short events;

	if (fd < 0)
		return;
	while (n--) {
		/* For nothing but the end of the device, or for room. */
		events = wait_for(fd, plan->unbound && !below(8) ? 0 : POLLOUT, -1);
		progress();
		if (events & POLLERR) {
			char byte;

			if (read(fd, &byte, 1) != -1 || errno != ENODEV)
				die("device %u is gone, but read() did not say so: %m", dev);
			count(HANGUPS);
			break;
		}
		doze(30000);
	}
	close(fd);
}

static void do_signal(void)
{
	unsigned int i, nr = atomic_load(&shared->nr_workers);

	for (i = 0; i < nr; i++) {
		struct worker *worker = &shared->workers[i];

		if (worker->device != dev || !worker->signals || worker->ended || below(6))
			continue;
		/* Not pthread_kill(): it may have ended meanwhile. */
		syscall(SYS_tgkill, worker->pid, worker->tid, SIGUSR1);
		count(SIGNALS);
	}
	progress();
	doze(below(4) ? 10000 : 50000);
}

static void be_silent(bool gone)
{
	inject(gone ? "gone" : "dead");
	count(gone ? GONES : DEATHS);
	doze(below(2) ? 500000 : 3000000);
	inject("revive");
}

/* An interrupt goes astray. A storm takes a CPU from all others, so it is short. */
static void stray(void)
{
	switch (below(4)) {
	case 0:
		inject("lost %u", 1 + below(3));
		count(LOSSES);
		break;
	case 1:
		inject("hang\nreset-lost\n");
		count(LOSSES);
		break;
	case 2:
		inject("duplicate %u", 1 + below(20));
		break;
	case 3:
		inject("storm %u", 1 + below(500));
		count(STORMS);
		break;
	}
}

static void do_inject(void)
{
	switch (below(15)) {
	case 0:
		if (below(2))	/* give up at once */
			set_attr(dev, "max_retries", 0);
		inject("hang %u", 1 + below(5));
		break;
	case 1:	/* during the time-out, the reset, or the retry */
		inject("late %u %u", below(2) ? 1500 + below(2000) : below(1500), 1 + below(3));
		break;
	case 2:
	case 3:
		inject("error %u", 1 + below(5));
		break;
	case 4:
		inject("hang\nreset-hang\n");
		break;
	case 5:
	case 6:
		inject("spurious %u", 1 + below(50));
		break;
	case 7:
	case 8:
		inject("latency %u", below(2) ? 0 : below(6));
		break;
	case 9:
		inject("reset-latency %u", below(8) ? below(20) : 500 + below(1000));
		break;
	case 10:
		be_silent(below(2));
		break;
	case 12 ... 14:
		stray();
		break;
	case 11:
		inject("clear\nrevive\nlatency 1\nreset-latency 1\n");
		break;
	}
	doze(below(4) ? 400000 : 4000000);
}

/* Lines that are refused, each for its reason; the good ones before them count. */
static const struct {
	const char *text;
	size_t len;
	int err;
} junk[] = {
#define JUNK_LINE(text, err) { text, sizeof(text) - 1, err }
	JUNK_LINE("hung", EINVAL),
	JUNK_LINE("hang x", EINVAL),
	JUNK_LINE("hang 1 1", EINVAL),
	JUNK_LINE("hang 0", ERANGE),
	JUNK_LINE("hang -1", ERANGE),
	JUNK_LINE("hang 1000001", ERANGE),
	JUNK_LINE("hang 99999999999999999999", ERANGE),
	JUNK_LINE("late", EINVAL),
	JUNK_LINE("late 600001", ERANGE),
	JUNK_LINE("late 5 0", ERANGE),
	JUNK_LINE("latency", EINVAL),
	JUNK_LINE("latency -1", ERANGE),
	JUNK_LINE("reset-latency 1 2", EINVAL),
	JUNK_LINE("dead 1", EINVAL),
	JUNK_LINE("gone 1", EINVAL),
	JUNK_LINE("lost 0", ERANGE),
	JUNK_LINE("duplicate x", EINVAL),
	JUNK_LINE("reset-lost 1 1", EINVAL),
	JUNK_LINE("storm", EINVAL),
	JUNK_LINE("storm 1000001", ERANGE),
	JUNK_LINE("clear\0", EINVAL),
	JUNK_LINE("\xff\xfe%s%n", EINVAL),
	JUNK_LINE("spurious                                                         1", EMSGSIZE),
};

static void do_fuzz(void)
{
	static const char * const good[] = { "", "\n", "spurious 1\n", "  \t\n", "latency 1\n" };
	static const char * const words[] = {
		"hang", "late", "error", "reset-hang", "spurious", "latency", "clear", "revive",
		"dead", "gone", "lost", "duplicate", "reset-lost",
		"0", "1", "-1", "600000", "1000000", "x", " ", "\n", "\n", "\t", "\0",
	};
	char text[256];
	unsigned int i = below(ARRAY_SIZE(junk)), n;
	size_t len = 0, before;
	ssize_t ret;
	int fd = open_dev(true, O_RDWR);

	if (fd < 0)
		return;
	if (below(16)) {
		const char *first = good[below(ARRAY_SIZE(good))];

		before = strlen(first);
		memcpy(text, first, before);
		memcpy(text + before, junk[i].text, junk[i].len);
		len = before + junk[i].len;
		if (below(2))
			text[len++] = '\n';
		ret = write(fd, text, len);
		if (ret < 0 && errno == ENODEV && plan->unbound)
			goto out;
		if (before ? ret != before : ret != -1 || errno != junk[i].err)
			die("device %u: junk line %u after %zu good bytes: write() returned %zd, %m",
			    dev, i, before, ret);
	} else {
		/* Anything at all; whatever it did, undo it. */
		for (n = below(24); n; n--) {
			if (below(8))
				len += sprintf(text + len, "%s%s", words[below(ARRAY_SIZE(words))],
					       below(4) ? " " : "");
			else
				text[len++] = below(256);
		}
		ret = write(fd, text, len);
		if (ret < 0 && errno == ENODEV && plan->unbound)
			goto out;
		if (ret > (ssize_t)len ||
		    (ret < 0 && errno != EINVAL && errno != ERANGE && errno != EMSGSIZE))
			die("device %u: junk: write() returned %zd, %m", dev, ret);
		doze(100000);
		inject("clear\nrevive\nlatency 1\nreset-latency 1\n");
	}
	/* And a read that stops anywhere. */
	if (lseek(fd, below(100), SEEK_SET) >= 0 && read(fd, text, 1 + below(sizeof(text))) < 0 &&
	    (errno != ENODEV || !plan->unbound))
		die("device %u: read of the control node: %m", dev);
	count(JUNK);
	progress();
out:
	close(fd);
	doze(60000);
}

static void do_watch(void)
{
	static struct snapshot before;	/* of the one thread that watches */
	struct snapshot now;

	if (look(&now)) {
		if (!plan->unbound &&
		    (now.submitted < before.submitted || now.completed < before.completed ||
		     now.failed < before.failed || now.cancelled < before.cancelled))
			die("device %u: statistics went back", dev);
		before = now;
	}
	progress();
	doze(20000);
}

static void do_sysfs(void)
{
	static const char * const names[] = {
		"timeout", "reset_timeout", "max_retries", "state", "counter", "submitted",
		"completed", "failed", "cancelled", "timeouts", "resets", "reset_failures",
		"retries", "late", "spurious", "missed",
	};
	unsigned int setting = below(3);
	char path[128], text[64];
	int fd, err, wanted = 0;

	snprintf(path, sizeof(path), SYSFS, dev, names[below(ARRAY_SIZE(names))]);
	fd = open(path, O_RDONLY);
	if (fd >= 0) {
		if (read(fd, text, sizeof(text)) > 0)
			count(SYSFS_READS);
		else if (!plan->unbound || errno != ENODEV)
			die("%s: %m", path);
		close(fd);
	} else if (!plan->unbound) {
		die("%s: %m", path);
	}

	if (below(4)) {
		err = set_attr(dev, names[setting], setting == 2 ? below(3) : 1 + !below(4));
	} else {
		err = set_attr(dev, names[setting], 3601);
		wanted = ERANGE;
	}
	if (err != wanted && (!plan->unbound || (err != ENOENT && err != ENODEV && err != EACCES)))
		die("device %u: setting %s: %s", dev, names[setting], strerror(err));
	if (err == wanted)
		count(SYSFS_SETS);
	progress();
	doze(60000);
}

/* Bind or unbind; 0 or an errno. */
static int put_driver(const char *file)
{
	char path[128], name[32];
	int fd, len, err = 0;

	snprintf(path, sizeof(path), DRIVER "%s", file);
	len = snprintf(name, sizeof(name), "sim_dev.%u", dev);
	fd = open(path, O_WRONLY);
	if (fd < 0 || write(fd, name, len) != len)
		err = errno;
	close(fd);
	progress();
	return err;
}

/*
 * It may have been gone when it was unbound, by the injector or by us. Then it
 * cannot be bound, until it is put back by a file that was opened before.
 */
static void do_unbind(void)
{
	int fd = open_dev(true, O_WRONLY), err;

	if (fd < 0)
		die("device %u: not there, though it is bound", dev);
	if (!below(4) && write(fd, "gone", 4) != 4)
		die("device %u: gone: %m", dev);
	err = put_driver("unbind");
	if (err)
		die("device %u: unbind: %s", dev, strerror(err));
	if (write(fd, "clear", 5) != -1 || errno != ENODEV)
		die("device %u is unbound, but its control node did not say so: %m", dev);
	doze(below(4) ? 20000 : 500000);
	err = put_driver("bind");
	if (err == ENODEV) {
		count(GONE_UNBOUND);
		if (write(fd, "revive", 6) != 6)
			die("device %u: revive: %m", dev);
		err = put_driver("bind");
	}
	if (err)
		die("device %u: bind: %s", dev, strerror(err));
	close(fd);
	count(UNBINDS);
	doze(below(4) ? 3000000 : 20000);
}

/* Open nodes that are about to vanish. */
static void do_open(void)
{
	static const int modes[] = { O_RDONLY, O_WRONLY, O_RDWR };
	int fd = open_dev(below(2), modes[below(ARRAY_SIZE(modes))]);

	if (fd >= 0)
		close(fd);
	progress();
	doze(30000);
}

/* Auditing */

static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool closed;
	unsigned int workers, parked;
} gate = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, 0, 0 };

/* Between two episodes: wait while there is an audit. */
static void pass_gate(void)
{
	pthread_mutex_lock(&gate.lock);
	if (gate.closed) {
		gate.parked++;
		me->parked = true;
		pthread_cond_broadcast(&gate.changed);
		while (gate.closed)
			pthread_cond_wait(&gate.changed, &gate.lock);
		progress();
		me->parked = false;
		gate.parked--;
	}
	pthread_mutex_unlock(&gate.lock);
}

static void leave_gate(void)
{
	pthread_mutex_lock(&gate.lock);
	gate.workers--;
	pthread_cond_broadcast(&gate.changed);
	pthread_mutex_unlock(&gate.lock);
}

static void within(const char *what, unsigned long value, unsigned long low, unsigned long more)
{
	if (value < low || value > low + more)
		die("device %u: %s is %lu, but clients saw %lu and %lu at most that they are unsure of",
		    dev, what, value, low, more);
}

/* Nobody submits: the device's statistics against the ledger. */
static void audit(struct snapshot *s)
{
	unsigned long unsure, open;

	quiet(s);
	count(AUDITS);
	progress();
	if (plan->unbound)
		return;
	unsure = ledger->unsure;
	open = unsure + ledger->abandoned;
	within("submitted", s->submitted, ledger->sure, unsure);
	within("completed", s->completed, ledger->ok, open);
	within("failed", s->failed, ledger->failed, open);
	within("cancelled", s->cancelled, ledger->cancelled, open);
	/* A reset ends in a retry, in a failure, or in giving up. */
	if (!plan->signals && !plan->hung &&
	    s->resets != s->retries + s->reset_failures + ledger->timed_out)
		die("device %u: %lu resets, but %lu retries, %lu reset failures, %lu ETIMEDOUT",
		    dev, s->resets, s->retries, s->reset_failures, ledger->timed_out);
}

static void do_audit(void)
{
	struct snapshot s;

	pthread_mutex_lock(&gate.lock);
	gate.closed = true;
	while (gate.parked < gate.workers)
		pthread_cond_wait(&gate.changed, &gate.lock);
	pthread_mutex_unlock(&gate.lock);
	audit(&s);
	pthread_mutex_lock(&gate.lock);
	gate.closed = false;
	pthread_cond_broadcast(&gate.changed);
	pthread_mutex_unlock(&gate.lock);
	doze(below(2) ? 500000 : 5000000);
}

/* Running it all */

static const struct role {
	const char *name;
	void (*episode)(void);
	bool submits;
	bool signals;		/* takes signals where the plan has them */
} roles[] = {
	{ "writer", do_write, true, true },
	{ "echo", do_echo, true, true },
	{ "async", do_async, true, false },
	{ "splicer", do_splice, true, true },
	{ "share", do_share, true, false },
	{ "killer", do_kill, true, false },
	{ "closer", do_close, true, false },
	{ "hanger", do_hang, true, false },
	{ "poller", do_poll, false, false },
	{ "signaller", do_signal, false, false },
	{ "injector", do_inject, false, false },
	{ "fuzzer", do_fuzz, false, false },
	{ "watcher", do_watch, false, false },
	{ "sysfs", do_sysfs, false, false },
	{ "unbinder", do_unbind, false, false },
	{ "opener", do_open, false, false },
	{ "auditor", do_audit, false, false },
};

struct start {
	const struct role *role;
	struct worker *worker;
	uint64_t seed;
};

static void *work(void *arg)
{
	struct start *start = arg;
	bool unbinds = start->role->episode == do_unbind;

	me = start->worker;
	me->tid = syscall(SYS_gettid);
	luck = start->seed;
	/* The unbinder ends last, since others wait for it. */
	while (!atomic_load(&shared->stop) || (unbinds && nr_running)) {
		start->role->episode();
		progress();
		if (start->role->submits)
			pass_gate();
	}
	me->ended = true;
	nr_running -= !unbinds;
	if (start->role->submits)
		leave_gate();
	return NULL;
}

static void on_signal(int signal)
{
}

static struct worker *new_worker(void)
{
	return &shared->workers[atomic_fetch_add(&shared->nr_workers, 1)];
}

static __attribute__((noreturn)) void run_device(unsigned int device, uint64_t seed)
{
	static struct start starts[MAX_WORKERS];
	struct sigaction action = { .sa_handler = on_signal };	/* no SA_RESTART */
	pthread_t threads[MAX_WORKERS];
	unsigned int nr = 0, i, n;
	struct snapshot s;

	dev = device;
	plan = &plans[device];
	ledger = &shared->ledgers[device];
	sigaction(SIGUSR1, &action, NULL);

	const unsigned int numbers[] = {
		plan->writers, plan->echoes, plan->asyncs, plan->splicers, plan->shares,
		plan->victims, plan->closers,
		plan->hung, plan->pollers, plan->signals, !plan->hung, !plan->hung, 1, 1,
		plan->unbound, 2 * plan->unbound, !plan->unbound,
	};

	for (i = 0; i < ARRAY_SIZE(roles); i++) {
		for (n = 0; n < numbers[i]; n++) {
			struct worker *worker = new_worker();

			starts[nr++] = (struct start){ &roles[i], worker, 0 };
			worker->role = roles[i].name;
			worker->device = device;
			worker->pid = getpid();
			starts[nr - 1].seed = seed ^ (device * 1000ull + nr) * 0x2545f4914f6cdd1d;
			gate.workers += roles[i].submits;
			nr_running += roles[i].episode != do_unbind;
		}
	}
	for (i = 0; i < nr; i++) {
		threads[i] = start_thread(work, &starts[i]);
		starts[i].worker->thread = threads[i];
		starts[i].worker->signals = starts[i].role->signals && plan->signals;
	}
	for (i = 0; i < nr; i++)
		pthread_join(threads[i], NULL);

	/* The end: no faults, no requests; and all adds up. */
	me = starts[0].worker;
	me->ended = false;
	inject("clear\nrevive\nlatency 0\nreset-latency 0\n");
	audit(&s);
	atomic_fetch_add(&shared->counts[TIMEOUTS], s.timeouts);
	atomic_fetch_add(&shared->counts[RESETS], s.resets);
	atomic_fetch_add(&shared->counts[RESET_FAILURES], s.reset_failures);
	atomic_fetch_add(&shared->counts[RETRIES], s.retries);
	atomic_fetch_add(&shared->counts[CANCELLED], s.cancelled);
	atomic_fetch_add(&shared->counts[LATE], s.late);
	atomic_fetch_add(&shared->counts[SPURIOUS], s.spurious);
	atomic_fetch_add(&shared->counts[MISSED], s.missed);
	printf("device %u (%s): %lu submitted = %lu completed + %lu failed + %lu cancelled", dev,
	       plan->what, s.submitted, s.completed, s.failed, s.cancelled);
	if (plan->unbound)
		printf(", since it was bound last\n");
	else
		printf("; clients: %lu and at most %lu unsure; %lu, %lu, %lu and at most %lu\n",
		       ledger->sure, ledger->unsure, ledger->ok, ledger->failed,
		       ledger->cancelled, ledger->unsure + ledger->abandoned);
	fflush(stdout);
	_exit(0);
}

static void print_counts(unsigned int seconds)
{
	unsigned int i;

	printf("%u s:", seconds);
	for (i = 0; i < TIMEOUTS; i++)
		printf("%s %s %lu", i ? "," : "", count_names[i], shared->counts[i]);
	printf("\n");
}

static unsigned int now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

/* Print a file of /proc, for whoever looks for the reason of a hang. */
static void show(const char *format, unsigned int a, unsigned int b)
{
	char path[64], text[2048];
	ssize_t len;
	int fd;

	snprintf(path, sizeof(path), format, a, b);
	fd = open(path, O_RDONLY);
	len = fd < 0 ? -1 : read(fd, text, sizeof(text));
	printf("%s:\n%.*s\n", path, len < 0 ? 0 : (int)len, text);
	if (fd >= 0)
		close(fd);
}

/*
 * Does a thread hang? Called once a second, or less often in a starved guest,
 * which is why calls are counted, and threads that have not begun are not.
 */
static void watchdog(unsigned int limit)
{
	static struct {
		unsigned long progress;
		unsigned int since;
	} last[MAX_WORKERS];
	static unsigned int t;
	unsigned int i;
	bool hangs = false;

	t++;
	for (i = 0; i < shared->nr_workers; i++) {
		struct worker *worker = &shared->workers[i];
		unsigned long at = worker->progress;

		if (!last[i].since || last[i].progress != at || worker->parked ||
		    worker->ended || !worker->tid) {
			last[i].progress = at;
			last[i].since = t;
		} else if (t - last[i].since > limit) {
			printf("%s of device %u hangs\n", worker->role, worker->device);
			show("/proc/%u/task/%u/stack", worker->pid, worker->tid);
			show("/proc/%u/task/%u/syscall", worker->pid, worker->tid);
			show("/dev/sim_dev%u_ctl", worker->device, 0);
			hangs = true;
		}
	}
	if (hangs)
		die("no progress for %u s", limit);
}

static unsigned int number(const char *name, unsigned int otherwise)
{
	const char *text = getenv(name);

	return text && *text ? strtoul(text, NULL, 0) : otherwise;
}

/* Did a device that is never unbound count any of these? */
static bool happened(const char *statistic)
{
	unsigned int i;

	for (i = 0; i < NR_DEVICES; i++)
		if (!plans[i].unbound && ctl_value(i, statistic))
			return true;
	return false;
}

/* The kernel has no asynchronous I/O. */
static bool cannot(enum count what)
{
	return !has_aio && (what == ASYNC_OK || what == ASYNC_ERR || what == SYNCED);
}

/* Was everything done that must have been done in the end? */
static bool did_all(void)
{
	static const char * const statistics[] = {
		"timeouts", "resets", "reset_failures", "retries", "cancelled", "late", "spurious",
		"missed",
	};
	unsigned int i;

	for (i = 0; i < TIMEOUTS; i++)
		if (!shared->counts[i] && !cannot(i))
			return false;
	for (i = 0; i < sizeof(statistics) / sizeof(statistics[0]); i++)
		if (!happened(statistics[i]))
			return false;
	return true;
}

int main(void)
{
	unsigned int seconds = number("LENGTH", number("SECONDS", 60 * number("MINUTES", 1)));
	unsigned int limit = number("WATCHDOG", 300);
	uint64_t seed = number("SEED", time(NULL) ^ getpid());
	unsigned int begin = now(), report = 15, left = NR_DEVICES, zeros = 0, i;
	pid_t pids[NR_DEVICES];

	setvbuf(stdout, NULL, _IOLBF, 0);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		die("mmap: %m");
	has_aio = aio_open(1);
	printf("seed %llu, %u s, watchdog %u s\n", (unsigned long long)seed, seconds, limit);
	for (i = 0; i < NR_DEVICES; i++) {
		pids[i] = fork();
		if (pids[i] < 0)
			die("fork: %m");
		if (!pids[i])
			run_device(i, seed);
	}
	while (left) {
		int status;
		pid_t pid = waitpid(-1, &status, WNOHANG);

		if (pid < 0)
			die("waitpid: %m");
		if (pid) {
			for (i = 0; pids[i] != pid; i++)
				;
			if (status || !shared->stop) {
				print_counts(now() - begin);
				die("the clients of device %u ended, status %#x", i, status);
			}
			left--;
			continue;
		}
		sleep(1);
		watchdog(limit);
		if (now() - begin >= report) {
			print_counts(now() - begin);
			report += 15;
		}
		/* A starved guest gets more time to have done everything once. */
		if (now() - begin >= seconds && (did_all() || now() - begin >= seconds + limit))
			shared->stop = true;
	}

	for (i = 0; i < NR_COUNTS; i++) {
		printf("%12lu  %s\n", shared->counts[i], count_names[i]);
		if (!shared->counts[i] && !cannot(i)) {
			printf("FAILED  none of these: %s\n", count_names[i]);
			zeros++;
		}
	}
	printf("%u s, seed %llu: %lu requests, each accounted for\n", now() - begin,
	       (unsigned long long)seed, shared->counts[WRITE_OK] + shared->counts[QUEUED]);
	return zeros > 0;
}
