// SPDX-License-Identifier: GPL-2.0-only
/*
 * A million requests: every one accounted for, under all faults.
 *
 *	million DEVICES REQUESTS SEED
 *
 * Each device has a conductor, a process that goes through epochs until the
 * device's share of the requests is submitted. For each epoch it sets the device
 * up, forks clients, waits for them and for the device to come to rest, and
 * compares what the clients counted with the device's statistics. Kinds of
 * epochs, dealt like cards so that all come up:
 *
 *	plan	faults are pending from the start; a model says how many requests
 *		end how, and for a single client which
 *	dead	the device is dead, or gone: each request fails with EIO
 *	full	exact counts of EAGAIN and ENOBUFS
 *	signal	clients get signals all the time, and are stopped and continued: as
 *		in a plan all the same. EINTR says that a write waited for room and
 *		was not taken; with SA_RESTART there is none
 *	close	files are closed with requests outstanding, or done but unread
 *	kill	the clients are killed while they wait
 *	calm	the conductor injects faults while clients work; they read all
 *		results, so that the sums per errno must match
 *	wild	the same, and clients get signals and close files as well
 *
 * A lost interrupt is found by asking the device, so its request is done and it
 * counts as missed: exactly those that the plan has lost, where no other interrupt
 * could have brought its cause along, and no more than were lost elsewhere.
 *
 * A client knows what each read() must give: it keeps what it submitted and has
 * not read. A payload names its device, client and number, up to the last byte.
 *
 * The seed decides the epochs, the faults they start with, who submits how many
 * requests of which sizes, and what is predicted; the checksum is over those. It
 * does not decide who comes first: QEMU starts its guest some nanoseconds sooner
 * or later, in virtual time as well, and what follows is never quite the same.
 */
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

#include "client.h"

#define MAX_DEVICES	64
#define CLIENTS		3	/* of a device, at most */
#define QUEUE_DEPTH	16	/* the module's */
#define MAX_RESULTS	64	/* of one file, unread or outstanding */
#define MAX_LEN		4096
#define STUCK		36000	/* seconds after which a client is */
#define UNREST		1000	/* seconds after which a device does not come to rest */
#define REST		64	/* requests: an epoch for fewer is not worth it */

/* What clients count, and what the device counted; sums and differences of it. */
enum count {
	SUBMITTED, COMPLETED, FAILED, CANCELLED,
	TIMEOUTS, RESETS, RESET_FAILURES, RETRIES, LATE, SPURIOUS, MISSED,
	NR_STATS,		/* the device has those above, under these names */
	UNREAD = NR_STATS,	/* submitted, and nobody looked how they ended */
	EIO_ERROR, EIO_RESET, EIO_EITHER, EIO_SEEN, ETIMEDOUT_SEEN, EINTR_SEEN,
	EAGAIN_SEEN, ENOBUFS_SEEN, CLOSED, KILLED, PIECES,
	ASYNC, SYNCED, SIGNALLED, STOPPED,
	LOST, RESET_LOST, DUPLICATE, STORM, GONE,	/* that the device was told */
	NR_COUNTS
};

static const char *const count_name[NR_COUNTS] = {
	"submitted", "completed", "failed", "cancelled", "timeouts", "resets",
	"reset_failures", "retries", "late", "spurious", "missed", "closed unread",
	"EIO after an error", "EIO after a failed reset", "EIO after either", "EIO",
	"ETIMEDOUT", "EINTR", "EAGAIN", "ENOBUFS", "files closed in use",
	"clients killed", "results read in pieces", "asynchronous requests", "fsyncs",
	"signals", "clients stopped and continued", "interrupts lost",
	"interrupts of resets lost", "duplicates", "interrupts in storms", "devices gone for a while",
};

struct tally {
	unsigned long long n[NR_COUNTS];
	uint64_t sum;		/* of what the seed decides; in any order */
};

/* What the processes share. */
static struct shared {
	struct tally client[MAX_DEVICES][CLIENTS];	/* of this epoch */
	struct tally total[MAX_DEVICES];
	unsigned long long submitted;
	unsigned long long reported;	/* twentieths of all requests */
	unsigned int epochs;
} *shared;

static unsigned long long requests;
static char where[320];		/* are we, for messages */

/* Time */

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static void sleep_ms(unsigned int ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000L };

	while (nanosleep(&ts, &ts) && errno == EINTR)
		;
}

/* Have signals come after a while, and on from there; 0: no more. */
static void interrupt_after_us(timer_t timer, unsigned int us)
{
	struct itimerspec spec = {
		.it_value.tv_nsec = us * 1000L,
		.it_interval.tv_nsec = us ? 20000000 : 0,
	};

	if (timer_settime(timer, 0, &spec, NULL))
		die("%s: timer_settime: %m", where);
}

static volatile sig_atomic_t signals;	/* of this client */

static void on_signal(int signal)
{
	signals++;
}

/* A random number of the list */
#define PICK(state, ...) ({						\
	static const unsigned int list[] = { __VA_ARGS__ };		\
	list[rng_below(state, sizeof(list) / sizeof(*list))];		\
})

static uint64_t hash(uint64_t a, uint64_t b)
{
	a += rng(&b);
	return rng(&a);
}

/* The model */

/* What a device is told before an epoch. */
struct plan {
	unsigned int timeout, reset_timeout, max_retries;
	unsigned int latency, reset_latency;
	unsigned int hang, late, late_ms, error, reset_hang, spurious;
	unsigned int lost, duplicate, reset_lost, storm;
	bool dead, gone;
};

static bool is_dead(const struct plan *plan)
{
	return plan->dead || plan->gone;
}

#define MAX_STRUCK	128

/* What must come of it. */
struct outcome {
	struct tally sum;
	unsigned int nr;	/* requests that faults struck: the first ones */
	int result[MAX_STRUCK];	/* their errnos, 0 for success */
};

static void end_request(struct outcome *out, int result, enum count why)
{
	if (out->nr == MAX_STRUCK)
		die("%s: more faults than the model has room for", where);
	out->result[out->nr++] = result;
	if (result) {
		out->sum.n[why]++;
		out->sum.n[FAILED]++;
	}
}

/* An operation timed out. Is the request started again? */
static bool time_out(struct outcome *out, struct plan *plan, unsigned int *retries)
{
	out->sum.n[TIMEOUTS]++;
	out->sum.n[RESETS]++;
	if (is_dead(plan) || plan->reset_hang) {
		plan->reset_hang -= !is_dead(plan);
		out->sum.n[RESET_FAILURES]++;
		end_request(out, EIO, EIO_RESET);
		return false;
	}
	out->sum.n[MISSED] += !!plan->reset_lost;
	plan->reset_lost -= !!plan->reset_lost;
	if (*retries == plan->max_retries) {
		end_request(out, ETIMEDOUT, ETIMEDOUT_SEEN);
	} else {
		(*retries)++;
		out->sum.n[RETRIES]++;
		return true;
	}
	return false;
}

/* An operation that ends, with an error or well, and what its interrupt does. */
static void end_operation(struct outcome *out, struct plan *plan)
{
	if (plan->error) {
		plan->error--;
		end_request(out, EIO, EIO_ERROR);
		return;
	}
	if (plan->lost) {
		plan->lost--;
		out->sum.n[MISSED]++;
	} else if (plan->duplicate) {
		plan->duplicate--;
		out->sum.n[LATE]++;	/* the second one */
	}
	end_request(out, 0, COMPLETED);
}

/* Does an operation that is started now end by itself? If it does, all is counted. */
static bool does_end(struct outcome *out, struct plan *plan)
{
	if (is_dead(plan) || plan->hang) {
		plan->hang -= !is_dead(plan);
		return false;
	}
	if (!plan->late) {
		end_operation(out, plan);
		return true;
	}
	plan->late--;
	if (plan->late_ms > plan->timeout * 1000) {
		out->sum.n[LATE]++;
		return false;
	}
	end_request(out, 0, COMPLETED);
	return true;
}

static bool strikes(const struct plan *plan)
{
	return is_dead(plan) || plan->hang || plan->late || plan->error || plan->lost ||
	       plan->duplicate;
}

/* Requests are done one by one; one fault at most strikes an operation. */
static void foretell(struct outcome *out, struct plan plan, unsigned int nr)
{
	unsigned int retries;

	memset(out, 0, sizeof(*out));
	out->sum.n[SUBMITTED] = nr;
	out->sum.n[SPURIOUS] = plan.spurious + plan.storm;
	while (out->nr < nr && strikes(&plan)) {
		retries = 0;
		while (!does_end(out, &plan) && time_out(out, &plan, &retries))
			;
	}
	out->sum.n[COMPLETED] = nr - out->sum.n[FAILED];
	out->sum.n[EIO_SEEN] = out->sum.n[EIO_ERROR] + out->sum.n[EIO_RESET];
}

/* Clients */

struct client {
	unsigned int device, id;
	uint64_t random, sizes;
	struct tally *tally;
	const struct outcome *predicted;	/* NULL unless alone with the device */
	unsigned int left;		/* to submit */
	unsigned int window;		/* unread or outstanding, at most */
	unsigned int signalled;		/* of 8 blocking writes */
	bool restarts;			/* they are, if a signal comes while they wait for room */
	bool closes;
	timer_t timer;
	aio_context_t aio;

	int fd;
	bool nonblock;			/* the file's mode */
	uint32_t number;		/* of the last request */
	struct {
		uint32_t number, index;
		uint16_t len;
		bool nonblock;
	} unread[MAX_RESULTS];
	unsigned int nr, read;		/* in unread[]; bytes read of the first */
};

static void set_mode(struct client *c, bool nonblock)
{
	if (c->nonblock == nonblock)
		return;
	if (fcntl(c->fd, F_SETFL, nonblock ? O_NONBLOCK : 0))
		die("%s: F_SETFL: %m", where);
	c->nonblock = nonblock;
}

static void open_file(struct client *c)
{
	c->fd = open_node(c->device, false, O_RDWR);
	if (c->fd < 0)
		die("%s: cannot open the node: %m", where);
	c->nonblock = false;
}

/* With whatever is outstanding, or done but unread. */
static void close_file(struct client *c)
{
	unsigned int i;

	for (i = 0; i < c->nr; i++)
		c->tally->n[UNREAD] += c->unread[i].nonblock;
	c->tally->n[CLOSED] += c->nr > 0;
	c->nr = 0;
	c->read = 0;
	close(c->fd);
}

/* Most are small. */
static unsigned int random_len(const struct client *c, uint32_t number)
{
	uint64_t random = hash(c->sizes, number);

	return 1 + rng_below(&random, PICK(&random, 16, 64, 64, 64, 64, 128, 256, 512, 2048,
					   MAX_LEN));
}

static uint64_t payload[MAX_LEN / 8];

/* The number comes first, for the sake of the short ones. */
static void fill(const struct client *c, uint32_t number, unsigned int len)
{
	uint64_t name = number | (uint64_t)c->id << 32 | (uint64_t)c->device << 40;
	unsigned int i;

	for (i = 0; i * 8 < len; i++, name += (uint64_t)1 << 48)
		payload[i] = name;
}

/* A request has ended: was it to end like this? */
static void ended(struct client *c, uint32_t number, uint32_t index, int err)
{
	const struct outcome *out = c->predicted;
	int expected = out && index < out->nr ? out->result[index] : 0;

	if (err && err != EIO && err != ETIMEDOUT)
		die("%s: request %u failed: %s", where, number, strerror(err));
	if (out && err != expected)
		die("%s: request %u, the device's %u: %s instead of %s", where, number, index,
		    strerror(err), strerror(expected));
	c->tally->n[err ? FAILED : COMPLETED]++;
	if (err)
		c->tally->n[err == EIO ? EIO_SEEN : ETIMEDOUT_SEEN]++;
	if (out)
		c->tally->sum += hash(number, err);
}

static void submitted(struct client *c, unsigned int len)
{
	c->number++;
	c->tally->n[SUBMITTED]++;
	c->tally->sum += hash(c->sizes + c->number, len);
	c->left--;
}

/* Its data are looped back, in its turn. */
static void can_be_read(struct client *c, uint32_t number, uint32_t index, unsigned int len,
			bool nonblock)
{
	c->unread[c->nr].number = number;
	c->unread[c->nr].index = index;
	c->unread[c->nr].len = len;
	c->unread[c->nr].nonblock = nonblock;
	c->nr++;
}

/* Submit a request. Returns 0, also if it failed in the end, or why it was not taken. */
static int submit(struct client *c, bool nonblock)
{
	uint32_t index = c->tally->n[SUBMITTED], number = c->number + 1;
	unsigned int len = random_len(c, number);
	bool full = c->nr == MAX_RESULTS;
	bool armed = false, refused;
	ssize_t ret;
	int err;

	set_mode(c, nonblock);
	fill(c, number, len);
	if (!nonblock && rng_below(&c->random, 8) < c->signalled) {
		interrupt_after_us(c->timer, 1 + rng_below(&c->random, 5000));
		armed = true;
	}
	ret = write(c->fd, payload, len);
	err = ret < 0 ? errno : 0;
	if (armed)
		interrupt_after_us(c->timer, 0);

	refused = err == ENOBUFS;
	if (refused != full)
		die("%s: request %u with %u unread: %s", where, number, c->nr, strerror(err));
	if (refused) {
		c->tally->n[ENOBUFS_SEEN]++;
		return err;
	}
	if (err == EAGAIN && nonblock) {
		c->tally->n[EAGAIN_SEEN]++;
		return err;
	}
	if (err == EINTR && armed && !c->restarts) {	/* while it waited for room */
		c->tally->n[EINTR_SEEN]++;
		return err;
	}
	if (!err && ret != len)
		die("%s: request %u of %u bytes: write returned %zd", where, number, len, ret);
	if (nonblock && err)
		die("%s: request %u was not taken: %s", where, number, strerror(err));
	submitted(c, len);
	if (!nonblock)
		ended(c, number, index, err);
	if (!err)
		can_be_read(c, number, index, len, nonblock);
	return 0;
}

/*
 * Submit some asynchronous requests, and wait for them. Nothing else is submitted
 * meanwhile, so their results come in this order, but for those that failed.
 */
static void submit_async(struct client *c, unsigned int nr)
{
	uint32_t index = c->tally->n[SUBMITTED], number = c->number, i;
	struct io_event events[MAX_RESULTS];
	unsigned int len[MAX_RESULTS];
	long result[MAX_RESULTS];
	int err;

	set_mode(c, false);
	for (i = 0; i < nr; i++) {
		len[i] = random_len(c, c->number + 1);
		fill(c, c->number + 1, len[i]);
		err = aio_submit(c->aio, c->fd, IOCB_CMD_PWRITE, payload, len[i], i);
		if (err)
			die("%s: request %u: io_submit: %s", where, c->number + 1, strerror(err));
		submitted(c, len[i]);
		c->tally->n[ASYNC]++;
	}
	if (aio_wait(c->aio, nr, nr, events, NULL) != nr)
		die("%s: io_getevents: %m", where);
	for (i = 0; i < nr; i++)
		result[events[i].data] = events[i].res;
	for (i = 0; i < nr; i++) {
		if (result[i] >= 0 && result[i] != len[i])
			die("%s: request %u of %u bytes: its event says %ld", where,
			    number + i + 1, len[i], result[i]);
		ended(c, number + i + 1, index + i, result[i] < 0 ? -result[i] : 0);
		if (result[i] >= 0)
			can_be_read(c, number + i + 1, index + i, len[i], false);
	}
}

static void first_was_read(struct client *c)
{
	c->nr--;
	c->read = 0;
	memmove(&c->unread[0], &c->unread[1], c->nr * sizeof(c->unread[0]));
}

/* Read a result, or a piece of one. True unless that would block. */
static bool collect(struct client *c, bool nonblock)
{
	static uint8_t data[MAX_LEN];
	unsigned int left = c->nr ? c->unread[0].len - c->read : 0, want = MAX_LEN;
	ssize_t ret;

	if (left > 1 && rng_below(&c->random, 32) == 0)
		want = 1 + rng_below(&c->random, left - 1);
	set_mode(c, nonblock);
	ret = read(c->fd, data, want);
	if (ret < 0 && errno == EAGAIN && nonblock && c->nr)
		return false;
	if (ret == 0 && !c->nr)
		return false;
	if (ret == 0 || !c->nr)
		die("%s: read returned %zd with %u unread", where, ret, c->nr);
	if (ret < 0) {
		if (!c->unread[0].nonblock || c->read)
			die("%s: request %u: read: %m, after it had succeeded", where,
			    c->unread[0].number);
		ended(c, c->unread[0].number, c->unread[0].index, errno);
		first_was_read(c);
		return true;
	}
	if (ret != (left < want ? left : want))
		die("%s: request %u: read returned %zd of %u bytes", where, c->unread[0].number,
		    ret, left);
	fill(c, c->unread[0].number, c->unread[0].len);
	if (memcmp(data, (uint8_t *)payload + c->read, ret))
		die("%s: request %u%s of %u bytes, %u read, %u unread: another's data, or garbage: number %u of client %u of device %u, %02x",
		    where, c->unread[0].number, c->unread[0].nonblock ? ", nonblocking," : "",
		    c->unread[0].len, c->read, c->nr, data[0] | data[1] << 8, data[4], data[5],
		    data[2]);
	c->read += ret;
	if (ret < left) {
		c->tally->n[PIECES]++;
		return true;
	}
	if (c->unread[0].nonblock)
		ended(c, c->unread[0].number, c->unread[0].index, 0);
	first_was_read(c);
	return true;
}

static void wait_for(struct client *c, short events)
{
	struct pollfd poller = { .fd = c->fd, .events = events };

	if (poll(&poller, 1, -1) != 1 || poller.revents & ~events)
		die("%s: poll: %x", where, poller.revents);
}

/* After this, nothing that can be read is waited for. */
static void sync_file(struct client *c)
{
	if (fsync(c->fd))
		die("%s: fsync: %m", where);
	c->tally->n[SYNCED]++;
	while (c->nr)
		if (!collect(c, true))
			die("%s: %u requests are outstanding after fsync", where, c->nr);
}

static unsigned int least(unsigned int a, unsigned int b)
{
	return a < b ? a : b;
}

/* Until the share is submitted and all of it read. */
static void work(struct client *c)
{
	unsigned int i, n;

	while (c->left || c->nr) {
		n = 1 + rng_below(&c->random, c->window);
		switch (rng_below(&c->random, c->closes ? 37 : 36)) {
		case 0 ... 7:	/* blocking, each read at once if nothing else is unread */
			for (i = 0; i < n && c->left && c->nr < c->window; i++) {
				submit(c, false);
				if (c->nr)
					collect(c, false);
			}
			break;
		case 8 ... 19:
			for (i = 0; i < n && c->left && c->nr < c->window; i++)
				if (submit(c, true))
					break;
			if (i < n && c->left && !c->nr)
				wait_for(c, POLLOUT);
			break;
		case 20 ... 23:
			while (collect(c, true))
				;
			break;
		case 24 ... 27:
			for (i = 0; i < n && c->nr; i++)
				collect(c, false);
			break;
		case 28 ... 31:
			for (i = 0; i < n && c->nr; i++) {
				wait_for(c, POLLIN);
				if (!collect(c, true))
					die("%s: POLLIN, but nothing to read", where);
			}
			break;
		case 32 ... 34:
			submit_async(c, least(least(n, c->left), MAX_RESULTS - c->nr));
			break;
		case 35:
			sync_file(c);
			break;
		case 36:
			close_file(c);
			open_file(c);
			break;
		}
	}
	if (collect(c, false))
		die("%s: a result too many", where);
}

static void work_full(struct client *c)
{
	unsigned int round;

	for (round = 1; round <= MAX_RESULTS / QUEUE_DEPTH; round++) {
		ctl_command(c->device, "latency 500");
		while (c->nr < round * QUEUE_DEPTH)
			if (submit(c, true))
				die("%s: the queue is full too soon, %u unread", where, c->nr);
		if (c->nr < MAX_RESULTS && submit(c, true) != EAGAIN)
			die("%s: the queue takes too many", where);
		ctl_command(c->device, "latency 0");
		while (ctl_value(c->device, "outstanding"))
			sleep_ms(100);
	}
	if (submit(c, true) != ENOBUFS || submit(c, false) != ENOBUFS)
		die("%s: the file takes too many", where);
	while (collect(c, true))
		;
	if (c->nr || collect(c, false))
		die("%s: not 64 results", where);
}

/* More than there is room for. */
static void work_signal(struct client *c)
{
	while (c->left) {
		submit(c, rng_below(&c->random, 4));
		if (c->nr > MAX_RESULTS / 2)
			while (collect(c, true))
				;
	}
	while (c->nr)
		collect(c, false);
}

static void work_close(struct client *c)
{
	while (c->left)
		submit(c, true);
	sleep_ms(rng_below(&c->random, 100));
}

static void work_leave(struct client *c)
{
	while (c->left)
		submit(c, true);
	while (ctl_value(c->device, "outstanding"))
		sleep_ms(100);
}

static void work_kill(struct client *c)
{
	while (c->left > 1)
		submit(c, true);
	submit(c, false);
	die("%s: the write that it was to be killed in has ended", where);
}

/* Conductors */

enum kind { PLAN, DEAD, FULL, SIGNAL, CLOSE, LEAVE, KILL, CALM, WILD };

static const char *const kind_name[] = {
	"plan", "dead", "full", "signal", "close", "leave", "kill", "calm", "wild",
};

static void (*const kind_work[])(struct client *) = {
	work, work, work_full, work_signal, work_close, work_leave, work_kill, work, work,
};

/* An epoch of a device. */
struct epoch {
	unsigned int device, number;
	enum kind kind;
	uint64_t random;
	struct plan plan;
	struct outcome out;		/* predicted, but for calm and wild */
	unsigned long long before[NR_STATS];
	unsigned int nr_requests, nr_clients;
	pid_t pid[CLIENTS];
	unsigned int errors;		/* that the conductor has injected */
	unsigned int told[NR_COUNTS];	/* what else it has */
};

static void read_stats(unsigned int device, unsigned long long stats[NR_STATS])
{
	unsigned int i;

	for (i = 0; i < NR_STATS; i++)
		stats[i] = ctl_value(device, count_name[i]);
}

static __attribute__((format(printf, 2, 3)))
void tell(const struct epoch *e, const char *format, ...)
{
	char line[64];
	va_list args;
	int err;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	err = ctl_command(e->device, "%s", line);
	if (err)
		die("%s: '%s': %s", where, line, strerror(err));
}

/* A fault that is counted; without a number if that is 0. */
static void tell_fault(struct epoch *e, const char *fault, enum count what, unsigned int nr)
{
	if (nr)
		tell(e, "%s %u", fault, nr);
	else
		tell(e, "%s", fault);
	e->told[what] += nr ? nr : 1;
}

static void set(const struct epoch *e, const char *name, unsigned int value)
{
	int err = set_attr(e->device, name, value);

	if (err)
		die("%s: %s = %u: %s", where, name, value, strerror(err));
}

/* Have the device be as planned. */
static void set_up(struct epoch *e)
{
	const struct plan *plan = &e->plan;

	set(e, "timeout", plan->timeout);
	set(e, "reset_timeout", plan->reset_timeout);
	set(e, "max_retries", plan->max_retries);
	tell(e, "latency %u", plan->latency);
	tell(e, "reset-latency %u", plan->reset_latency);
	if (plan->hang)
		tell(e, "hang %u", plan->hang);
	if (plan->late)
		tell(e, "late %u %u", plan->late_ms, plan->late);
	if (plan->error)
		tell(e, "error %u", plan->error);
	if (plan->reset_hang)
		tell(e, "reset-hang %u", plan->reset_hang);
	if (plan->lost)
		tell_fault(e, "lost", LOST, plan->lost);
	if (plan->duplicate)
		tell_fault(e, "duplicate", DUPLICATE, plan->duplicate);
	if (plan->reset_lost)
		tell_fault(e, "reset-lost", RESET_LOST, plan->reset_lost);
	if (plan->storm) {		/* it has blown over before anything else comes */
		tell_fault(e, "storm", STORM, plan->storm);
		while (ctl_value(e->device, "pending_storm"))
			sleep_ms(1);
	}
	if (plan->spurious)
		tell(e, "spurious %u", plan->spurious);
	if (plan->dead)
		tell(e, "dead");
	if (plan->gone)
		tell_fault(e, "gone", GONE, 0);
}

/* The faults of a plan: those whose bits are set. */
static void plan_faults(struct plan *plan, uint64_t *random, unsigned int faults, bool fast)
{
	bool alone;

	if (faults & 1)
		plan->hang = 1 + rng_below(random, 9);
	if (faults & 2) {
		plan->late = 1 + rng_below(random, 4);
		/* Just in time, or too late; then often while a retry is under way. */
		plan->late_ms = fast ? 1 + rng_below(random, plan->timeout * 1000 - 50) :
				       (plan->timeout + 1) * 1000 + 500 + rng_below(random, 3000);
	}
	if (faults & 4)
		plan->error = 1 + rng_below(random, 30);
	if (faults & 8)
		plan->reset_hang = 1 + rng_below(random, 3);
	if (faults & 16)
		plan->spurious = 1 + rng_below(random, 20);
	/* A lost one's cause would be read when another interrupt comes. */
	alone = !plan->spurious && (!plan->late || fast);
	if (faults & 32 && alone)
		plan->lost = 1 + rng_below(random, 9);
	if (faults & 64)
		plan->duplicate = 1 + rng_below(random, 30);
	if (faults & 128 && alone)
		plan->reset_lost = 1 + rng_below(random, 4);
	if (faults & 256)
		plan->storm = 1 + rng_below(random, 200);
}

/* Plan an epoch of at most so many requests. */
static void plan(struct epoch *e, unsigned int most)
{
	uint64_t *random = &e->random;
	struct plan *plan = &e->plan;
	bool fast = rng_below(random, 2);
	unsigned int faults = e->kind == PLAN ? rng(random) : 0;

	plan->timeout = 1 + rng_below(random, 3);
	plan->reset_timeout = 1 + rng_below(random, 2);
	plan->max_retries = rng_below(random, 4);
	plan->latency = PICK(random, 0, 0, 0, 1, 1, 3);
	plan->reset_latency = PICK(random, 0, 1, 20, 300);
	e->nr_clients = 1 + rng_below(random, CLIENTS);
	plan_faults(plan, random, faults, fast);

	switch (e->kind) {
	case PLAN:
		e->nr_requests = 100 + rng_below(random, 800);
		break;
	case DEAD:
		plan->gone = rng_below(random, 2);
		plan->dead = !plan->gone;
		e->nr_requests = e->nr_clients + rng_below(random, 6);
		break;
	case FULL:
		e->nr_clients = 1;
		e->nr_requests = MAX_RESULTS;
		break;
	case SIGNAL:
		plan->latency = PICK(random, 5, 20, 50);
		plan->hang = rng_below(random, 2);
		plan->lost = rng_below(random, 2);
		plan->reset_lost = rng_below(random, 2);
		e->nr_requests = e->nr_clients * (20 + rng_below(random, 40));
		break;
	case CLOSE:
	case KILL:
		/* None is done before its submitter gives up. */
		plan->timeout = 2;
		plan->latency = 1800;
		plan->hang = rng_below(random, 2);
		plan->reset_hang = plan->hang && rng_below(random, 2);
		e->nr_requests = e->nr_clients * (1 + rng_below(random, 5));
		break;
	case LEAVE:
		e->nr_requests = e->nr_clients * (1 + rng_below(random, 5));
		break;
	case CALM:
	case WILD:
		e->nr_requests = 300 + rng_below(random, 1500);
		e->nr_clients = CLIENTS;
		break;
	}
	if (e->nr_requests > most)
		e->nr_requests = most;
}

/* What will come of the plan. */
static void foretell_epoch(struct epoch *e)
{
	struct tally *sum = &e->out.sum;

	switch (e->kind) {
	case PLAN:
	case DEAD:
	case FULL:
	case SIGNAL:
	case LEAVE:
		foretell(&e->out, e->plan, e->nr_requests);
		if (e->kind == LEAVE)
			sum->n[UNREAD] = e->nr_requests;
		break;
	case CLOSE:
	case KILL:
		/* The one in the slot may hang; it is not retried. */
		sum->n[SUBMITTED] = e->nr_requests;
		sum->n[CANCELLED] = e->nr_requests;
		sum->n[UNREAD] = e->nr_requests;
		sum->n[TIMEOUTS] = e->plan.hang;
		sum->n[RESETS] = e->plan.hang;
		sum->n[RESET_FAILURES] = e->plan.reset_hang;
		break;
	case CALM:
	case WILD:
		break;
	}
}

static void describe(const struct epoch *e)
{
	const struct plan *p = &e->plan;
	unsigned int len;

	snprintf(where, sizeof(where),
		 "device %u, epoch %u, %s of %u (timeout %u %u %u, latency %u %u%s",
		 e->device, e->number, kind_name[e->kind], e->nr_requests, p->timeout,
		 p->reset_timeout, p->max_retries, p->latency, p->reset_latency,
		 p->dead ? ", dead)" : p->gone ? ", gone)" : "");
	len = strlen(where);
	if (!is_dead(p))
		snprintf(where + len, sizeof(where) - len,
			 ", hang %u, late %u %u, error %u, reset-hang %u, spurious %u, lost %u, duplicate %u, reset-lost %u, storm %u)",
			 p->hang, p->late_ms, p->late, p->error, p->reset_hang, p->spurious,
			 p->lost, p->duplicate, p->reset_lost, p->storm);
}

static void be_client(const struct epoch *e, unsigned int id, unsigned int nr)
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	struct sigaction action = { .sa_handler = on_signal };
	struct client *c = calloc(1, sizeof(*c));
	unsigned int len = strlen(where);

	snprintf(where + len, sizeof(where) - len, ", client %u", id);
	alarm(STUCK);
	action.sa_flags = (e->random + id) & 1 ? SA_RESTART : 0;
	if (!c || sigaction(SIGUSR1, &action, NULL) ||
	    timer_create(CLOCK_MONOTONIC, &event, &c->timer))
		die("%s: %m", where);
	c->device = e->device;
	c->id = id;
	c->random = e->random + id;
	c->random = rng(&c->random);
	c->sizes = rng(&c->random);
	c->tally = &shared->client[e->device][id];
	c->predicted = e->out.sum.n[SUBMITTED] && e->nr_clients == 1 && !e->out.sum.n[CANCELLED] ?
			      &e->out : NULL;
	c->left = nr;
	c->window = PICK(&c->random, 1, 4, 16, 40, MAX_RESULTS + 1);
	c->signalled = e->kind == WILD ? 2 : e->kind == SIGNAL ? 8 : 0;
	c->restarts = action.sa_flags;
	c->closes = e->kind == WILD;
	c->aio = aio_open(MAX_RESULTS);
	open_file(c);
	kind_work[e->kind](c);
	close_file(c);
	c->tally->n[SIGNALLED] = signals;
	exit(0);
}

static void start_clients(struct epoch *e)
{
	unsigned int id, nr;

	memset(shared->client[e->device], 0, sizeof(shared->client[e->device]));
	fflush(stdout);
	for (id = 0; id < e->nr_clients; id++) {
		nr = e->nr_requests / e->nr_clients + (id < e->nr_requests % e->nr_clients);
		e->pid[id] = fork();
		if (e->pid[id] < 0)
			die("%s: fork: %m", where);
		if (!e->pid[id]) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			be_client(e, id, nr);
		}
	}
}

/* It has ended; its number may be another's now. */
static void forget_client(struct epoch *e, pid_t pid)
{
	unsigned int id;

	for (id = 0; id < e->nr_clients; id++)
		if (e->pid[id] == pid)
			e->pid[id] = 0;
}

/* Are clients at work? Waits for one to end if told so. */
static bool at_work(struct epoch *e, bool wait)
{
	pid_t pid;
	int status;

	do {
		pid = waitpid(-1, &status, wait ? 0 : WNOHANG);
		forget_client(e, pid);
		if (pid > 0 && WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
			die("%s: a client is stuck", where);
		if (pid > 0 && WIFSIGNALED(status) && e->kind != KILL)
			die("%s: a client was ended by signal %d", where, WTERMSIG(status));
		if (pid > 0 && WIFEXITED(status) && WEXITSTATUS(status))
			exit(1);	/* it has said why */
	} while (pid > 0);
	return pid == 0;
}

/* Kill the clients when each waits in a write(). */
static void kill_clients(struct epoch *e)
{
	struct tally *tally = shared->client[e->device];
	double began = now();
	unsigned int id;

	while (ctl_value(e->device, "outstanding") < e->nr_requests) {
		if (!at_work(e, false) || now() - began > UNREST)
			die("%s: not all clients wait", where);
		sleep_ms(1);
	}
	for (id = 0; id < e->nr_clients; id++)
		kill(e->pid[id], SIGKILL);
	at_work(e, true);
	for (id = 0; id < e->nr_clients; id++) {
		tally[id].n[SUBMITTED]++;	/* the one it was killed in */
		tally[id].n[UNREAD] = tally[id].n[SUBMITTED];
		tally[id].n[KILLED]++;
	}
}

/* Stop the clients, and let them go on, again and again. */
static void stop_clients(struct epoch *e)
{
	unsigned int id;

	while (at_work(e, false)) {
		sleep_ms(PICK(&e->random, 1, 10, 100));
		for (id = 0; id < e->nr_clients; id++)
			if (e->pid[id] && !kill(e->pid[id], SIGSTOP))
				e->told[STOPPED]++;
		sleep_ms(PICK(&e->random, 1, 10, 100, 1000));
		for (id = 0; id < e->nr_clients; id++)
			if (e->pid[id])
				kill(e->pid[id], SIGCONT);
	}
}

/*
 * It would swallow an error that is on its way, and they are counted: true if
 * there is none.
 */
static bool is_free_of_errors(const struct epoch *e)
{
	if (ctl_value(e->device, "pending_error"))
		return false;
	sleep_ms(20);
	return true;
}

/* The device says nothing for a while, dead or gone. */
static void be_silent(struct epoch *e, bool gone)
{
	if (!is_free_of_errors(e))
		return;
	if (gone)
		tell_fault(e, "gone", GONE, 0);
	else
		tell(e, "dead");
	sleep_ms(rng_below(&e->random, 6000));
	tell(e, "revive");
}

/* An interrupt goes astray. */
static void stray(struct epoch *e, unsigned int nr)
{
	switch (rng_below(&e->random, 4)) {
	case 0:
		tell_fault(e, "lost", LOST, nr);
		break;
	case 1:
		tell_fault(e, "reset-lost", RESET_LOST, 1);
		break;
	case 2:
		tell_fault(e, "duplicate", DUPLICATE, nr);
		break;
	case 3:
		tell_fault(e, "storm", STORM, 10 * nr);
		break;
	}
}

/* One more thing goes wrong. */
static void trouble(struct epoch *e)
{
	uint64_t *random = &e->random;
	unsigned int nr = PICK(random, 1, 1, 1, 2, 3, 5);

	switch (rng_below(random, e->kind == WILD ? 27 : 26)) {
	case 0 ... 2:
		tell(e, "hang %u", nr);
		break;
	case 3 ... 5:
		tell(e, "late %u %u", PICK(random, 1, 100, 900, 1500, 2500, 3500, 5000), nr);
		break;
	case 6 ... 9:	/* not instead of those that are pending: all are counted */
		if (ctl_value(e->device, "pending_error"))
			break;
		tell(e, "error %u", nr);
		e->errors += nr;
		break;
	case 10 ... 11:
		tell(e, "reset-hang %u", 1);
		break;
	case 12 ... 14:
		tell(e, "spurious %u", nr);
		break;
	case 15 ... 16:
		tell(e, "latency %u", PICK(random, 0, 0, 0, 0, 1, 1, 5));
		break;
	case 17:
		tell(e, "reset-latency %u", PICK(random, 0, 1, 100, 1500));
		break;
	case 18:
		be_silent(e, rng_below(random, 2));
		break;
	case 19:
		set(e, "timeout", 1 + rng_below(random, 3));
		break;
	case 20:
		set(e, "reset_timeout", 1 + rng_below(random, 2));
		break;
	case 21:
		set(e, "max_retries", rng_below(random, 4));
		break;
	case 22 ... 25:
		stray(e, nr);
		break;
	case 26:
		tell(e, "clear");
		break;
	}
}

/* Have things go wrong while the clients work, mostly when they get on. */
static void chaos(struct epoch *e)
{
	const struct tally *tally = shared->client[e->device];
	unsigned long long done, before = 0;

	while (at_work(e, false)) {
		sleep_ms(PICK(&e->random, 1, 5, 10, 50, 200, 1000));
		done = tally[0].n[SUBMITTED] + tally[1].n[SUBMITTED] + tally[2].n[SUBMITTED];
		if (done != before || rng_below(&e->random, 4) == 0)
			trouble(e);
		before = done;
	}
}

/* Until all is done and the last interrupt has come. */
static void come_to_rest(struct epoch *e)
{
	bool chaotic = e->kind == CALM || e->kind == WILD;
	double began = now();

	while (ctl_value(e->device, "outstanding") || ctl_value(e->device, "pending_spurious") ||
	       ctl_value(e->device, "pending_storm")) {
		if (now() - began > UNREST)
			die("%s: requests stay outstanding, or spurious interrupts away", where);
		sleep_ms(20);
	}
	if (chaotic)
		e->errors -= ctl_value(e->device, "pending_error");
	tell(e, "clear");
	if (is_dead(&e->plan))
		tell(e, "revive");
	/* Late ones, and the last spurious one. */
	sleep_ms(chaotic ? 5100 : e->plan.late_ms + 100);
}

static void expect(const char *what, unsigned long long is, unsigned long long expected)
{
	if (is != expected)
		die("%s: %s: %llu instead of %llu", where, what, is, expected);
}

/* Compare what the device counted since with what its clients counted. */
static void judge(struct epoch *e, const unsigned long long device[NR_STATS],
		  struct tally *clients)
{
	const unsigned long long *predicted = e->out.sum.n;
	unsigned long long *n = clients->n, given_up;
	unsigned int i;

	expect("submitted", device[SUBMITTED], n[SUBMITTED]);
	expect("submitted of the plan", n[SUBMITTED], e->nr_requests);
	expect("completed, failed and cancelled",
	       device[COMPLETED] + device[FAILED] + device[CANCELLED], device[SUBMITTED]);
	expect("what clients know of",
	       n[COMPLETED] + n[FAILED] + n[CANCELLED] + n[UNREAD], n[SUBMITTED]);
	for (i = COMPLETED; i <= CANCELLED; i++)
		if (device[i] < n[i] || (!n[UNREAD] && device[i] != n[i]))
			expect(count_name[i], device[i], n[i]);
	expect("EIO and ETIMEDOUT", n[EIO_SEEN] + n[ETIMEDOUT_SEEN], n[FAILED]);
	expect("cancelled, but to no program that lives", n[CANCELLED], 0);
	expect("resets", device[RESETS], device[TIMEOUTS]);
	if (device[MISSED] > e->told[LOST] + e->told[RESET_LOST])
		expect("missed", device[MISSED], e->told[LOST] + e->told[RESET_LOST]);

	given_up = device[RESETS] - device[RESET_FAILURES] - device[RETRIES];
	switch (e->kind) {
	case CALM:
		expect("ETIMEDOUT", n[ETIMEDOUT_SEEN], given_up);
		expect("EIO", n[EIO_SEEN], device[RESET_FAILURES] + e->errors);
		n[EIO_ERROR] = e->errors;
		n[EIO_RESET] = device[RESET_FAILURES];
		break;
	case WILD:
		if (n[ETIMEDOUT_SEEN] > given_up)
			expect("ETIMEDOUT", n[ETIMEDOUT_SEEN], given_up);
		if (n[EIO_SEEN] > device[RESET_FAILURES] + e->errors)
			expect("EIO", n[EIO_SEEN], device[RESET_FAILURES] + e->errors);
		n[EIO_EITHER] = n[EIO_SEEN];
		break;
	default:
		for (i = 0; i < NR_STATS; i++)
			expect(count_name[i], device[i], predicted[i]);
		expect("EIO", n[EIO_SEEN], predicted[EIO_SEEN]);
		expect("ETIMEDOUT", n[ETIMEDOUT_SEEN], predicted[ETIMEDOUT_SEEN]);
		expect("closed unread", n[UNREAD], predicted[UNREAD]);
		n[EIO_ERROR] = predicted[EIO_ERROR];
		n[EIO_RESET] = predicted[EIO_RESET];
	}
}

/* Add an epoch to the device's total, say how far all of them are. */
static void add_up(struct epoch *e)
{
	struct tally sum = {}, *total = &shared->total[e->device];
	unsigned long long stats[NR_STATS], done, twentieth, reported;
	unsigned int i, id;

	for (id = 0; id < CLIENTS; id++) {
		const struct tally *tally = &shared->client[e->device][id];

		for (i = 0; i < NR_COUNTS; i++)
			sum.n[i] += tally->n[i];
		total->sum += tally->sum;
	}
	read_stats(e->device, stats);
	for (i = 0; i < NR_STATS; i++)
		stats[i] -= e->before[i];
	judge(e, stats, &sum);
	for (i = 0; i < NR_COUNTS; i++)
		total->n[i] += sum.n[i] + e->told[i];
	for (i = 0; i < NR_STATS; i++)
		if (e->out.sum.n[SUBMITTED])	/* it was predicted */
			total->sum += hash(e->random + i, stats[i]);

	__atomic_add_fetch(&shared->epochs, 1, __ATOMIC_SEQ_CST);
	done = __atomic_add_fetch(&shared->submitted, sum.n[SUBMITTED], __ATOMIC_SEQ_CST);
	twentieth = done * 20 / requests;
	reported = __atomic_exchange_n(&shared->reported, twentieth, __ATOMIC_SEQ_CST);
	if (twentieth > reported)
		printf("%llu requests in %.0f s\n", done, now());
}

static void run_epoch(struct epoch *e, unsigned int most)
{
	plan(e, most);
	describe(e);
	foretell_epoch(e);
	read_stats(e->device, e->before);
	set_up(e);
	start_clients(e);
	if (e->kind == KILL)
		kill_clients(e);
	else if (e->kind == SIGNAL)
		stop_clients(e);
	else if (e->kind == CALM || e->kind == WILD)
		chaos(e);
	else
		at_work(e, true);
	come_to_rest(e);
	add_up(e);
}

static void conduct(unsigned int device, unsigned int share, uint64_t random)
{
	enum kind deck[] = {
		PLAN, PLAN, PLAN, PLAN, DEAD, FULL, SIGNAL, CLOSE, LEAVE, KILL,
		CALM, CALM, CALM, WILD, WILD, WILD,
	};
	const unsigned int cards = sizeof(deck) / sizeof(*deck);
	struct epoch e;
	unsigned int number, i, other;
	enum kind kind;

	for (number = 0; share; number++) {
		i = number % cards;
		other = i + rng_below(&random, cards - i);
		kind = deck[other];
		deck[other] = deck[i];
		deck[i] = kind;
		memset(&e, 0, sizeof(e));
		e.device = device;
		e.number = number;
		e.kind = share < REST ? PLAN : kind;
		e.random = rng(&random);
		run_epoch(&e, share);
		share -= e.nr_requests;
	}
	exit(0);
}

/* The whole */

static unsigned int passed, failed;

static void check(bool ok, const char *what)
{
	printf("    %s  %s\n", ok ? "ok    " : "FAILED", what);
	passed += ok;
	failed += !ok;
}

/* Wait for the conductors; if one fails end the others. */
static bool all_well(const pid_t *pid, unsigned int devices)
{
	unsigned int i;
	int status;

	while (wait(&status) > 0) {
		if (!status)
			continue;
		for (i = 0; i < devices; i++)
			kill(pid[i], SIGKILL);
		while (wait(NULL) > 0)
			;
		return false;
	}
	return true;
}

static void final_checks(unsigned int devices)
{
	unsigned long long stats[NR_STATS], all[NR_COUNTS] = {}, sum = 0;
	unsigned int device, i;
	char text[160];

	printf("statistics of the devices; the clients counted the same\n");
	for (device = 0; device < devices; device++) {
		const struct tally *total = &shared->total[device];
		const unsigned long long *n = total->n;

		read_stats(device, stats);
		for (i = 0; i < NR_COUNTS; i++)
			all[i] += i < NR_STATS ? stats[i] : n[i];
		sum = hash(sum, total->sum);
		snprintf(text, sizeof(text),
			 "device %u: %llu = %llu completed + %llu failed + %llu cancelled",
			 device, stats[SUBMITTED], stats[COMPLETED], stats[FAILED],
			 stats[CANCELLED]);
		check(stats[SUBMITTED] == stats[COMPLETED] + stats[FAILED] + stats[CANCELLED] &&
		      stats[SUBMITTED] == n[SUBMITTED] &&
		      n[SUBMITTED] == n[COMPLETED] + n[FAILED] + n[CANCELLED] + n[UNREAD], text);
	}
	snprintf(text, sizeof(text), "%llu requests submitted", all[SUBMITTED]);
	check(all[SUBMITTED] == requests, text);
	for (i = 1; i < NR_COUNTS; i++) {
		snprintf(text, sizeof(text), "%s: %llu", count_name[i], all[i]);
		check(all[i] > requests / 20000, text);
	}
	printf("checksum %016llx\n", sum);
}

int main(int argc, char **argv)
{
	unsigned int devices, i;
	pid_t pid[MAX_DEVICES];
	uint64_t random;

	if (argc != 4)
		die("usage: million DEVICES REQUESTS SEED");
	setvbuf(stdout, NULL, _IOLBF, 0);
	devices = atoi(argv[1]);
	requests = strtoull(argv[2], NULL, 10);
	random = strtoull(argv[3], NULL, 10);
	if (!devices || devices > MAX_DEVICES || !requests)
		die("1 to %u devices, some requests", MAX_DEVICES);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		die("mmap: %m");

	for (i = 0; i < devices; i++) {
		uint64_t own = rng(&random);

		pid[i] = fork();
		if (pid[i] < 0)
			die("fork: %m");
		if (!pid[i]) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			conduct(i, requests / devices + (i < requests % devices), own);
		}
	}
	if (all_well(pid, devices))
		final_checks(devices);
	else
		failed++;
	passed += shared->epochs;
	printf("%u epochs, %llu requests, %.0f s of virtual time\n",
	       shared->epochs, shared->submitted, now());
	printf("%u passed, %u failed\n", passed, failed);
	return failed || !passed;
}
