// SPDX-License-Identifier: GPL-2.0-only
/*
 * writers WRITERS REQUESTS [WINDOW [CLOSES [REVIVES]]]: many processes use /dev/sim_dev0
 * at a time.
 *
 * Each writer opens the device, submits so many requests, reads what comes back, and
 * compares it with what it wrote. It has at most WINDOW requests unread or outstanding
 * (default: 1). After each CLOSES requests it closes its file with requests
 * outstanding, and opens it again (default: never). All begin at the same time, a full
 * second since boot. A device that is found dead or gone is revived REVIVES seconds later
 * (default: never).
 *
 * Prints a line for each writer and a line for all: how many requests ended how, and how
 * long the slowest took. An error of the device is no error of the program.
 */
#include "client.h"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#define MAX_WRITERS	64

/* How a request ended. */
enum end {
	RIGHT, CORRUPT, SHORT, FOREIGN, FAILED_EIO, FAILED_ETIMEDOUT, CLOSED, NR_ENDS,
};

static const char *const end_names[] = {
	"right", "corrupt", "short", "foreign", "EIO", "ETIMEDOUT", "closed",
};

struct tally {
	unsigned long n[NR_ENDS];
	double slowest;			/* seconds */
};

struct writer {
	unsigned int id, left, window, closes;
	struct tally *tally;
	int fd;
	unsigned int number;		/* of the last request */
	unsigned int nr;		/* requests unread or outstanding */
	double submitted[MAX_RESULTS];	/* when; of request N at N % MAX_RESULTS */
};

/* A request's length: 2 to 4096 bytes, most of them few. A single byte could not be short. */
static unsigned int length(unsigned int id, unsigned int number)
{
	uint64_t random = (uint64_t)id << 32 | number;

	return 2 + rng_below(&random, rng_below(&random, 8) ? 127 : MAX_REQUEST - 1);
}

/* Make a request's data; returns its length. */
static unsigned int fill(uint8_t *data, unsigned int id, unsigned int number)
{
	uint64_t random = (uint64_t)number << 32 | id, word;
	unsigned int i, len = length(id, number);

	for (i = 0; i < len; i += sizeof(word)) {
		word = rng(&random);
		memcpy(data + i, &word, sizeof(word));
	}
	return len;
}

static void open_file(struct writer *w)
{
	w->fd = open_node(0, false, O_RDWR | O_NONBLOCK);
	if (w->fd < 0)
		die("writer %u cannot open the device: %m", w->id);
}

/* Wait until the file has something to read, or room. */
static void wait_for(struct writer *w, short events)
{
	struct pollfd poller = { .fd = w->fd, .events = events };

	if (poll(&poller, 1, -1) != 1 || poller.revents & ~events)
		die("writer %u: poll says %x", w->id, poller.revents);
}

/* Submit requests until the window, the queue or the writer's share is full. */
static void submit(struct writer *w)
{
	static uint8_t data[MAX_REQUEST + 8];
	unsigned int len;
	ssize_t ret;

	while (w->left && w->nr < w->window) {
		len = fill(data, w->id, w->number + 1);
		ret = write(w->fd, data, len);
		if (ret < 0 && errno == EAGAIN && w->nr)
			return;
		if (ret < 0 && errno == EAGAIN) {
			wait_for(w, POLLOUT);
			continue;
		}
		if (ret != len)
			die("writer %u: write of %u bytes: %zd, %m", w->id, len, ret);
		w->left--;
		w->nr++;
		w->submitted[++w->number % MAX_RESULTS] = now();
		if (w->closes && w->number % w->closes == 0) {
			w->tally->n[CLOSED] += w->nr;
			w->nr = 0;
			close(w->fd);
			open_file(w);
		}
	}
}

/* Do these differ in so many bits? */
static unsigned int wrong_bits(const uint8_t *a, const uint8_t *b, unsigned int len)
{
	unsigned int i, bits = 0;

	for (i = 0; i < len; i++)
		bits += __builtin_popcount(a[i] ^ b[i]);
	return bits;
}

/* How did the request end whose read() returned @ret and @back? */
static enum end classify(struct writer *w, unsigned int number, const uint8_t *back, ssize_t ret)
{
	static uint8_t data[MAX_REQUEST + 8];
	unsigned int len = fill(data, w->id, number), wrong;

	if (ret < 0 && errno == EIO)
		return FAILED_EIO;
	if (ret < 0 && errno == ETIMEDOUT)
		return FAILED_ETIMEDOUT;
	if (ret <= 0)
		die("writer %u, request %u: read: %zd, %m", w->id, number, ret);
	wrong = ret > len ? ~0U : wrong_bits(data, back, ret);
	if (wrong > 1 || (wrong && ret < len))
		return FOREIGN;
	return wrong ? CORRUPT : ret < len ? SHORT : RIGHT;
}

/* Read the result of the first request that is unread. */
static void collect(struct writer *w)
{
	unsigned int number = w->number - w->nr + 1;
	static uint8_t back[MAX_REQUEST];
	double took;
	ssize_t ret;

	wait_for(w, POLLIN);
	ret = read(w->fd, back, sizeof(back));
	w->tally->n[classify(w, number, back, ret)]++;
	w->nr--;
	took = now() - w->submitted[number % MAX_RESULTS];
	if (took > w->tally->slowest)
		w->tally->slowest = took;
}

/* The child: wait until @start is closed, then do the writer's share. */
static void be_writer(struct writer *w, int start)
{
	char none;

	open_file(w);
	if (read(start, &none, 1))
		die("writer %u cannot wait for the start: %m", w->id);
	while (w->left || w->nr) {
		submit(w);
		if (w->nr)
			collect(w);
	}
	close(w->fd);
}

/* The child that revives the device. Never returns. */
static void be_reviver(unsigned int seconds)
{
	for (;;) {
		sleep_ms(1000);
		if (!ctl_value(0, "dead") && !ctl_value(0, "gone"))
			continue;
		sleep_ms(seconds * 1000);
		ctl_command(0, "revive");
	}
}

static void print(const char *who, const struct tally *tally)
{
	const char *comma = "";
	unsigned int i;

	printf("%s: ", who);
	for (i = 0; i < NR_ENDS; i++) {
		if (!tally->n[i])
			continue;
		printf("%s%lu %s", comma, tally->n[i], end_names[i]);
		comma = ", ";
	}
	printf(", slowest %.3f s\n", tally->slowest);
}

/* Sleep until the second that follows the next 100 ms, in which the children get ready. */
static void sleep_until_begin(void)
{
	struct timespec t = { .tv_sec = now() + 1.1 };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL))
		;
}

static unsigned int number_of(const char *text, unsigned int high)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (*end || end == text || value > high)
		die("not a number up to %u: %s", high, text);
	return value;
}

/* Start so many writers like @w; each waits until the last end of @start is closed. */
static void start_writers(struct writer *w, unsigned int nr, struct tally *tally, const int *start)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		pid_t child = fork();

		if (child < 0)
			die("fork: %m");
		if (child)
			continue;
		close(start[1]);
		w->id = i + 1;
		w->tally = &tally[i];
		be_writer(w, start[0]);
		exit(0);
	}
}

/* Wait until so many writers are done; false if one of them died. */
static bool wait_for_writers(unsigned int nr, unsigned int revives)
{
	pid_t reviver = revives ? fork() : 0;
	int status, failed = 0;

	if (revives && !reviver)
		be_reviver(revives);
	while (nr--) {
		wait(&status);
		failed |= status;
	}
	if (revives)
		kill(reviver, SIGKILL);
	return !failed;
}

static void print_all(unsigned int nr, struct tally *tally, struct tally *all)
{
	unsigned int i, j;
	char name[32];

	for (i = 0; i < nr; i++) {
		snprintf(name, sizeof(name), "writer %u", i + 1);
		print(name, &tally[i]);
		for (j = 0; j < NR_ENDS; j++)
			all->n[j] += tally[i].n[j];
		if (tally[i].slowest > all->slowest)
			all->slowest = tally[i].slowest;
	}
	print("all", all);
}

int main(int argc, char **argv)
{
	unsigned int nr = argc > 1 ? number_of(argv[1], MAX_WRITERS) : 0;
	unsigned int revives = argc > 5 ? number_of(argv[5], 3600) : 0;
	struct writer w = {
		.left = argc > 2 ? number_of(argv[2], 10000000) : 0,
		.window = argc > 3 ? number_of(argv[3], MAX_RESULTS) : 1,
		.closes = argc > 4 ? number_of(argv[4], 10000000) : 0,
	};
	struct tally *tally, all = {};
	int start[2];
	bool lived;

	if (!nr || !w.left || !w.window || argc > 6)
		die("usage: writers WRITERS REQUESTS [WINDOW [CLOSES [REVIVES]]]");
	tally = shared_alloc(nr * sizeof(*tally));
	if (pipe(start))
		die("pipe: %m");
	start_writers(&w, nr, tally, start);
	sleep_until_begin();
	close(start[1]);
	lived = wait_for_writers(nr, revives);
	print_all(nr, tally, &all);
	return !lived || all.n[FOREIGN];
}
