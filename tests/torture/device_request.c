// SPDX-License-Identifier: GPL-2.0-only
/* Requests, what is known of them, and the control node. */
#include "device.h"

static uint64_t checksum(const uint8_t *data, size_t len)
{
	uint64_t sum = len;
	size_t i;

	for (i = sizeof(sum); i < len; i++)
		sum = (sum ^ data[i]) * 0x100000001b3;
	return sum;
}

size_t make_request(uint8_t *data, uint64_t *state, uint32_t file,
		    uint32_t writer, uint64_t seq)
{
	struct header header = {
		.device = dev, .file = file, .writer = writer, .seq = seq,
	};
	size_t i;

	header.len = sizeof(header) +
		     rng_below(state, rng_below(state, 4) ? 256 : MAX_REQUEST + 1 - sizeof(header));
	for (i = sizeof(header); i < header.len; i++)
		data[i] = rng(state);
	memcpy(data, &header, sizeof(header));
	header.checksum = checksum(data, header.len);
	memcpy(data, &header, sizeof(header));
	return header.len;
}

/* Check that @data is a whole request of @file. Returns the header. */
struct header check_result(const uint8_t *data, size_t len, uint32_t file)
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

unsigned int new_file(void)
{
	return atomic_fetch_add(&shared->nr_files, 1) + 1;
}

/* Open a node; -1 if the device is unbound. */
int open_dev(bool ctl, int flags)
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

/* A call on the file failed with ENODEV: so must all later calls. */
void check_gone(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN | POLLOUT };
	char byte = 0;

	if (!plan->unbound)
		die("device %u: ENODEV, but it was not unbound", dev);
	if (write(fd, &byte, 1) != -1 || errno != ENODEV)
		die("device %u is unbound, but write() did not fail with ENODEV: %m", dev);
	if (poll(&p, 1, -1) != 1 || p.revents != (POLLERR | POLLHUP))
		die("device %u is unbound, but poll() says %#x", dev, p.revents);
	count(HANGUPS);
}

/* poll() for events, which it returns; 0 after a signal. */
short wait_for(int fd, short events, int ms)
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

/* Enter the end of a blocking write. Returns 0 or an errno. */
int enter_blocking(ssize_t ret, size_t len)
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

/* Enter the end of a nonblocking write: 0 if it was submitted, or an errno. */
int enter_nonblocking(ssize_t ret, size_t len)
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

/* Enter the end of a nonblocking request, which was read. */
void enter_result(int err)
{
	progress();
	if (err != 0 && err != EIO && err != ETIMEDOUT)
		die("device %u: read: %s", dev, strerror(err));
	count(err ? READ_ERR : READ_OK);
	atomic_fetch_add(err ? &ledger->failed : &ledger->ok, 1);
	if (err == ETIMEDOUT)
		atomic_fetch_add(&ledger->timed_out, 1);
}

/* Read one whole result, in pieces if told so; 0, an errno, or -1 at the end of the file. */
int read_result(int fd, uint8_t *data, size_t *len, bool pieces)
{
	size_t want = pieces ? sizeof(struct header) + below(64) : MAX_REQUEST;
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
	while (*len < header.len && header.len <= MAX_REQUEST) {
		want = 1 + below(1000);
		if (want > MAX_REQUEST - *len)
			want = MAX_REQUEST - *len;
		ret = read(fd, data + *len, want);
		if (ret < 0 && errno == ENODEV)
			return ENODEV;
		if (ret <= 0)
			die("device %u: the rest of a result: read() returned %zd, %m", dev, ret);
		*len += ret;
	}
	return 0;
}

static void count_faults(const char *line)
{
	static const struct {
		const char *word;
		enum count count;
	} words[] = {
		{ "lost", LOSSES }, { "storm", STORMS }, { "dead", DEATHS }, { "gone", GONES },
	};
	unsigned int i;

	count(FAULTS);
	for (i = 0; i < ARRAY_SIZE(words); i++)
		if (strstr(line, words[i].word))
			count(words[i].count);
}

/* Write a command, which must be taken unless the device is unbound. */
void inject(const char *format, ...)
{
	char line[256];
	va_list args;
	int fd, len;
	ssize_t ret;

	va_start(args, format);
	len = vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	fd = open_dev(true, O_WRONLY);
	if (fd < 0)
		return;
	ret = write(fd, line, len);	/* short, if unbound between two lines */
	if (ret != len && (!plan->unbound || (ret < 0 && errno != ENODEV)))
		die("device %u: '%s': write() returned %zd, %m", dev, line, ret);
	close(fd);
	count_faults(line);
	progress();
}

static long field(const char *text, const char *key)
{
	long long value;

	if (!find_value(text, key, &value))
		die("device %u does not show '%s'", dev, key);
	return value;
}

/*
 * How often an innocent request may have been charged at most: the driver starts it again
 * 16 times before that. Nobody sets more than 2 retries, but the module's default is 1.
 */
unsigned long charged_innocent(const struct snapshot *s)
{
	return s->innocent / 16 * 3;
}

/*
 * With one slot each time-out leads to a reset. With several it leads to an abort of its
 * own or, with others, to a reset. After a reset each other operation in the device is
 * innocent.
 */
static bool are_recoveries_right(const struct snapshot *s)
{
	if (slots == 1)
		return s->resets == s->timeouts && s->retries + s->reset_failures <= s->resets &&
		       !s->aborts && !s->innocent;
	return s->resets <= s->timeouts && s->aborts <= s->timeouts &&
	       s->reset_failures <= s->resets && s->innocent <= s->resets * (slots - 1) &&
	       s->retries + s->reset_failures <= s->timeouts + charged_innocent(s) &&
	       !(s->aborts && plan->only_resets);
}

static void check_snapshot(const struct snapshot *s)
{
	if (s->submitted != s->completed + s->failed + s->cancelled + s->outstanding)
		die("device %u: %lu submitted, but %lu completed, %lu failed, %lu cancelled, %lu outstanding",
		    dev, s->submitted, s->completed, s->failed, s->cancelled, s->outstanding);
	if (s->outstanding > QUEUE_DEPTH)
		die("device %u: %lu outstanding", dev, s->outstanding);
	if (!strcmp(s->state, "idle") != !s->outstanding)
		die("device %u: %s with %lu outstanding", dev, s->state, s->outstanding);
	if (!are_recoveries_right(s) || s->counter < -1 || s->counter > 3)
		die("device %u: %lu time-outs, %lu aborts, %lu resets, %lu retries, %lu innocent, %lu reset failures, counter %ld",
		    dev, s->timeouts, s->aborts, s->resets, s->retries, s->innocent,
		    s->reset_failures, s->counter);
}

/* Take a snapshot, which must be consistent. False if the device is unbound. */
bool look(struct snapshot *s)
{
	char text[MAX_CTL];
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
	FIELD(aborts);
	FIELD(innocent);
#undef FIELD
	check_snapshot(s);
	count(SNAPSHOTS);
	return true;
}

/* Enter the end of an asynchronous write. Returns 0 or an errno. */
int enter_async(long result, size_t len)
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

/* Wait until nothing is outstanding, while nobody submits, or the device is unbound. */
void quiet(struct snapshot *s)
{
	while (look(s) && s->outstanding)
		usleep(1000);
}
