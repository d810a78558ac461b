// SPDX-License-Identifier: GPL-2.0-only
/*
 * power DEVICE COUNT [SETS] - make requests while the system is suspended
 *
 * Five processes, or so many sets of five, make COUNT requests each on
 * /dev/sim_dev<DEVICE>: two wait in write() and read each result, one only writes, one
 * writes with O_NONBLOCK and polls, one waits in read(). None has a signal handler. Each
 * request must end once, with its own data. Prints how many did, and on stderr what went
 * wrong.
 */
#include "client.h"

#include <poll.h>
#include <sys/wait.h>

static struct totals {
	int done;	/* requests that succeeded */
	int failed;	/* requests that ended with an error */
	int wrong;	/* requests that ended with other data, twice or not at all */
	int error;	/* errno of the last request that failed */
} *totals;

static int device, process, count;

static void count_one(int *which)
{
	__atomic_fetch_add(which, 1, __ATOMIC_RELAXED);
}

static void failed(const char *what)
{
	totals->error = errno;
	fprintf(stderr, "process %d: %s: %m\n", process, what);
	count_one(&totals->failed);
}

static void wrong(const char *what, const char *got, ssize_t len)
{
	fprintf(stderr, "process %d: %s: %zd bytes: %.*s\n", process, what, len,
		len > 0 ? (int)len : 0, got);
	count_one(&totals->wrong);
}

static int name_request(char *data, int i)
{
	return sprintf(data, "process %d, request %d", process, i);
}

static void wait_for(int fd, short events)
{
	struct pollfd pollfd = { .fd = fd, .events = events };

	if (poll(&pollfd, 1, -1) < 0)
		failed("poll");
}

static int open_device(int flags)
{
	int fd = open_node(device, false, flags);

	if (fd < 0)
		die("device %d: %m", device);
	return fd;
}

/* Write request i when there is room; true if it was submitted. */
static bool submit(int fd, int i)
{
	char data[64];
	int len = name_request(data, i);
	ssize_t ret;

	while ((ret = write(fd, data, len)) < 0 && errno == EAGAIN)
		wait_for(fd, POLLOUT);
	if (ret < 0)
		failed("write");
	else if (ret != len)
		wrong("write", data, ret);
	return ret == len;
}

/* Read the result of request i. */
static void result(int fd, int i)
{
	char data[64], got[64];
	int len = name_request(data, i);
	ssize_t ret;

	while ((ret = read(fd, got, sizeof(got))) < 0 && errno == EAGAIN)
		wait_for(fd, POLLIN);
	if (ret < 0)
		failed("read");
	else if (ret != len || memcmp(data, got, len))
		wrong("read", got, ret);
	else
		count_one(&totals->done);
}

/* Check that no result is left. */
static void end(int fd)
{
	char got[64];
	ssize_t ret = read(fd, got, sizeof(got));

	if (ret > 0 || (ret < 0 && errno != ENODEV))
		wrong("read at the end", got, ret);
}

static void waits_in_write(void)
{
	int fd = open_device(O_RDWR), i;

	for (i = 0; i < count; i++)
		if (submit(fd, i))
			result(fd, i);
	end(fd);
}

static void only_writes(void)
{
	int fd = open_device(O_WRONLY), i;

	for (i = 0; i < count; i++)
		if (submit(fd, i))
			count_one(&totals->done);
}

/* Write all with O_NONBLOCK, then read all with these flags. */
static void submits_all(int flags)
{
	int fd = open_device(O_RDWR | O_NONBLOCK), i;
	bool submitted[MAX_RESULTS];

	for (i = 0; i < count; i++)
		submitted[i] = submit(fd, i);
	fcntl(fd, F_SETFL, flags);
	for (i = 0; i < count; i++)
		if (submitted[i])
			result(fd, i);
	end(fd);
}

static void polls(void)
{
	submits_all(O_RDWR | O_NONBLOCK);
}

static void waits_in_read(void)
{
	submits_all(O_RDWR);
}

int main(int argc, char **argv)
{
	static void (*const kinds[])(void) = {
		waits_in_write, waits_in_write, only_writes, polls, waits_in_read
	};
	int processes = ARRAY_SIZE(kinds), status;

	if (argc != 3 && argc != 4)
		return 2;
	if (argc == 4)
		processes *= atoi(argv[3]);
	device = atoi(argv[1]);
	count = atoi(argv[2]);
	if (count < 1 || count > MAX_RESULTS || processes < 1)
		return 2;
	totals = shared_alloc(sizeof(*totals));
	for (process = 0; process < processes; process++) {
		if (!fork()) {
			kinds[process % ARRAY_SIZE(kinds)]();
			exit(0);
		}
	}
	while (wait(&status) > 0)
		if (status)
			count_one(&totals->wrong);
	if (totals->done + totals->failed != processes * count)
		count_one(&totals->wrong);
	printf("%d requests: %d done, %d failed%s%s, %d wrong\n",
	       processes * count, totals->done, totals->failed,
	       totals->failed ? ": " : "",
	       totals->failed ? strerror(totals->error) : "", totals->wrong);
	return 0;
}
