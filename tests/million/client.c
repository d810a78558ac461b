// SPDX-License-Identifier: GPL-2.0-only
/* A client: a process that submits requests to a device and reads their results. */
#include "million.h"

#include <poll.h>
#include <signal.h>

#include "aio.h"

struct client {
	unsigned int device, id;
	uint64_t random, sizes;
	struct tally *tally;
	const struct outcome *predicted;	/* NULL unless it is the only client */
	const struct fates *fates;	/* NULL if the device has one slot */
	unsigned int left;		/* requests still to submit */
	unsigned int window;		/* unread or outstanding at the same time */
	unsigned int signalled;		/* how many of 8 blocking writes get a signal */
	bool restarts;			/* SA_RESTART: a signal does not end the wait for room */
	bool closes;			/* the file is closed while requests are outstanding */
	timer_t timer;
	aio_context_t aio;

	int fd;
	bool nonblock;			/* the file's mode */
	uint32_t number;		/* number of the last request */
	struct {
		uint32_t number, index;
		uint16_t len;		/* of what is to be read, but see @shorter */
		uint16_t written;
		bool shorter;		/* @len is not known: it is less */
		bool nonblock;
	} unread[MAX_RESULTS];
	unsigned int nr;		/* entries of unread[] */
	unsigned int read;		/* bytes that were read of the first entry */
};

/* Get a signal in @us microseconds and every 20 ms from then on; 0: no more. */
static void interrupt_after_us(timer_t timer, unsigned int us)
{
	struct itimerspec spec = {
		.it_value.tv_nsec = us * 1000L,
		.it_interval.tv_nsec = us ? 20000000 : 0,
	};

	if (timer_settime(timer, 0, &spec, NULL))
		die("%s: timer_settime: %m", where);
}

static volatile sig_atomic_t signals;	/* signals that this client got */

static void on_signal(int signal)
{
	signals++;
}

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

/* Close the file, with requests that are outstanding or unread. */
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

/* A request's length; most are small. */
static unsigned int random_len(const struct client *c, uint32_t number)
{
	uint64_t random = hash(c->sizes, number);

	return 1 + rng_below(&random, PICK(&random, 16, 64, 64, 64, 64, 128, 256, 512, 2048,
					   MAX_REQUEST));
}

static uint64_t payload[MAX_REQUEST / 8];

/* Make a request's data. The number comes first, so that a short request has it too. */
static void fill(const struct client *c, uint32_t number, unsigned int len)
{
	uint64_t name = number | (uint64_t)c->id << 32 | (uint64_t)c->device << 40;
	unsigned int i;

	for (i = 0; i * 8 < len; i++, name += (uint64_t)1 << 48)
		payload[i] = name;
}

static bool is_deep(const struct client *c)
{
	return c->fates && c->fates->deep;
}

static enum fate fate_of(const struct client *c, unsigned int len)
{
	const struct fates *fates = c->fates;
	unsigned int i;

	for (i = 0; fates && i < fates->nr; i++)
		if (len >= fates->of[i].low && len <= fates->of[i].high)
			return fates->of[i].fate;
	return FINE;
}

/* A request of @len bytes has ended: so had it to end, by its fate? */
static void check_fate(const struct client *c, uint32_t number, unsigned int len, int err)
{
	enum fate fate = fate_of(c, len);
	int expected = fate == ERROR ? EIO : fate == HANG ? ETIMEDOUT : 0;

	if (c->fates->strict ? err != expected : !err && expected)
		die("%s: request %u of %u bytes: %s instead of %s", where, number, len,
		    strerror(err), strerror(expected));
	if (c->fates->strict)
		c->tally->sum += hash(number, err);
}

/* A request has ended: compare its end with the prediction, and count the request. */
static void ended(struct client *c, uint32_t number, uint32_t index, unsigned int len, int err)
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
	if (c->fates)
		check_fate(c, number, len, err);
}

/* May a request of @len bytes have been done with @done bytes? */
static bool is_done(const struct client *c, unsigned int len, ssize_t done)
{
	return fate_of(c, len) == SHORT ? done >= 1 && done < len : done == len;
}

static void submitted(struct client *c, unsigned int len)
{
	c->number++;
	c->tally->n[SUBMITTED]++;
	c->tally->sum += hash(c->sizes + c->number, len);
	c->left--;
}

/* read() will return the request's data or errno, after those of earlier requests. */
static void can_be_read(struct client *c, uint32_t number, uint32_t index, unsigned int written,
			unsigned int len, bool nonblock)
{
	c->unread[c->nr].number = number;
	c->unread[c->nr].index = index;
	c->unread[c->nr].written = written;
	c->unread[c->nr].len = len;
	c->unread[c->nr].shorter = nonblock && fate_of(c, written) == SHORT;
	c->unread[c->nr].nonblock = nonblock;
	c->nr++;
}

/* Submit a request. Returns 0 if it was taken, even if it failed later; else the errno. */
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
	if (!err && ret != len && (nonblock || !is_done(c, len, ret)))
		die("%s: request %u of %u bytes: write returned %zd", where, number, len, ret);
	if (nonblock && err)
		die("%s: request %u was not taken: %s", where, number, strerror(err));
	submitted(c, len);
	if (!nonblock)
		ended(c, number, index, len, err);
	if (!err)
		can_be_read(c, number, index, len, ret, nonblock);
	return 0;
}

/*
 * Submit some asynchronous requests, and wait for them. Nothing else is submitted to
 * this file meanwhile, so the data of those that succeed come back in this order.
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
		if (result[i] >= 0 && !is_done(c, len[i], result[i]))
			die("%s: request %u of %u bytes: its event says %ld", where,
			    number + i + 1, len[i], result[i]);
		ended(c, number + i + 1, index + i, len[i], result[i] < 0 ? -result[i] : 0);
		if (result[i] >= 0)
			can_be_read(c, number + i + 1, index + i, len[i], result[i], false);
	}
}

static void first_was_read(struct client *c)
{
	c->nr--;
	c->read = 0;
	memmove(&c->unread[0], &c->unread[1], c->nr * sizeof(c->unread[0]));
}

/* What came back of the first request must be its data, but for what a rule does to it. */
static void check_data(struct client *c, const uint8_t *data, unsigned int len)
{
	unsigned int number = c->unread[0].number, written = c->unread[0].written;
	unsigned int i, wrong = 0, expected;
	const uint8_t *right = (uint8_t *)payload + c->read;
	enum fate fate = fate_of(c, written);

	fill(c, number, written);
	for (i = 0; i < len; i++)
		wrong += __builtin_popcount(data[i] ^ right[i]);
	expected = fate == CORRUPT;
	if (wrong != expected)
		die("%s: request %u%s of %u bytes, %u read, %u unread: not its own data: number %u of client %u of device %u, %02x, %u bits wrong",
		    where, number, c->unread[0].nonblock ? ", nonblocking," : "", written,
		    c->read, c->nr, data[0] | data[1] << 8, data[4], data[5], data[2], wrong);
	c->tally->n[CORRUPTED] += fate == CORRUPT;
	c->tally->n[SHORTENED] += fate == SHORT;
}

/* Read a result, or a piece of one. False if that would block, or none is left. */
static bool collect(struct client *c, bool nonblock)
{
	static uint8_t data[MAX_REQUEST];
	unsigned int left = c->nr ? c->unread[0].len - c->read : 0, want = MAX_REQUEST;
	ssize_t ret;

	if (left > 1 && fate_of(c, c->unread[0].written) < CORRUPT &&
	    rng_below(&c->random, 32) == 0)
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
		ended(c, c->unread[0].number, c->unread[0].index, c->unread[0].written, errno);
		first_was_read(c);
		return true;
	}
	if (c->unread[0].shorter && is_done(c, left, ret))
		left = ret;
	if (ret != (left < want ? left : want))
		die("%s: request %u: read returned %zd of %u bytes", where, c->unread[0].number,
		    ret, left);
	check_data(c, data, ret);
	c->read += ret;
	if (ret < left) {
		c->tally->n[PIECES]++;
		return true;
	}
	if (c->unread[0].nonblock)
		ended(c, c->unread[0].number, c->unread[0].index, c->unread[0].written, 0);
	first_was_read(c);
	return true;
}

static void wait_for(struct client *c, short events)
{
	struct pollfd poller = { .fd = c->fd, .events = events };

	if (poll(&poller, 1, -1) != 1 || poller.revents & ~events)
		die("%s: poll: %x", where, poller.revents);
}

/* After fsync() all results can be read without waiting. */
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

/* Submit the client's share in random ways, and read all of it. */
static void work(struct client *c)
{
	unsigned int i, n;

	while (c->left || c->nr) {
		n = is_deep(c) ? c->window : 1 + rng_below(&c->random, c->window);
		switch (rng_below(&c->random, c->closes ? 37 : 36)) {
		case 0 ... 7:	/* blocking writes, a result read after each */
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
		die("%s: one result too many", where);
}

/* Fill the queue again and again, until the file has no room for results. */
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

/* Submit more than there is room for. */
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

/* Close while requests are outstanding. */
static void work_close(struct client *c)
{
	while (c->left)
		submit(c, true);
	sleep_ms(rng_below(&c->random, 100));
}

/* Close when all are done. */
static void work_leave(struct client *c)
{
	while (c->left)
		submit(c, true);
	while (ctl_value(c->device, "outstanding"))
		sleep_ms(100);
}

/* Wait in the last write until killed. */
static void work_kill(struct client *c)
{
	while (c->left > 1)
		submit(c, true);
	submit(c, false);
	die("%s: the last write ended before the client was killed", where);
}

static void (*const kind_work[])(struct client *) = {
	work, work, work_full, work_signal, work_close, work_leave, work_kill, work, work,
	work, work,
};

/* The process of a client. */
void be_client(const struct client_task *task)
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	struct sigaction action = { .sa_handler = on_signal };
	struct client *c = calloc(1, sizeof(*c));
	unsigned int len = strlen(where);

	snprintf(where + len, sizeof(where) - len, ", client %u", task->id);
	alarm(STUCK);
	action.sa_flags = (task->random + task->id) & 1 ? SA_RESTART : 0;
	if (!c || sigaction(SIGUSR1, &action, NULL) ||
	    timer_create(CLOCK_MONOTONIC, &event, &c->timer))
		die("%s: %m", where);
	c->device = task->device;
	c->id = task->id;
	c->random = task->random + task->id;
	c->random = rng(&c->random);
	c->sizes = rng(&c->random);
	c->tally = &shared->client[task->device][task->id];
	c->predicted = task->predicted;
	c->left = task->nr_requests;
	c->window = PICK(&c->random, 1, 4, 16, 40, MAX_RESULTS + 1);
	c->fates = task->fates;
	if (is_deep(c))
		c->window = MAX_RESULTS;
	c->closes = task->kind == WILD || task->kind == TEMPEST;
	c->signalled = c->closes ? 2 : task->kind == SIGNAL ? 8 : 0;
	c->restarts = action.sa_flags;
	c->aio = aio_open(MAX_RESULTS);
	open_file(c);
	kind_work[task->kind](c);
	close_file(c);
	c->tally->n[SIGNALLED] = signals;
	exit(0);
}
