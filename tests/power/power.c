// SPDX-License-Identifier: GPL-2.0-only
/*
 * power DEVICE COUNT - requests for the system to be suspended under
 *
 * Five processes make COUNT requests each on /dev/sim_dev<DEVICE>: two wait in
 * write(), one writes only, one writes with O_NONBLOCK and polls, one waits in
 * read(). None has a signal handler. Each request must end once, with its own
 * data. Prints how many did; says on stderr what went wrong.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* What a file keeps of results that nobody has read. */
#define MAX_COUNT 64

static struct totals {
	int done;	/* requests that succeeded */
	int failed;	/* that ended with an error */
	int wrong;	/* with other data, or that ended twice or not at all */
	int error;	/* the last one */
} *totals;

static const char *path;
static int process, count;

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
	int fd = open(path, flags);

	if (fd < 0) {
		perror(path);
		exit(1);
	}
	return fd;
}

/* Write request i, once there is room; true if its result is to be read. */
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

/* No result is left. */
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

/* With O_NONBLOCK; then, with the flags given, read. */
static void submits_all(int flags)
{
	int fd = open_device(O_RDWR | O_NONBLOCK), i;
	bool submitted[MAX_COUNT];

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
	const int processes = sizeof(kinds) / sizeof(kinds[0]);
	char device[32];
	int status;

	if (argc != 3)
		return 2;
	snprintf(device, sizeof(device), "/dev/sim_dev%s", argv[1]);
	path = device;
	count = atoi(argv[2]);
	if (count < 1 || count > MAX_COUNT)
		return 2;
	totals = mmap(NULL, sizeof(*totals), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (totals == MAP_FAILED)
		return 2;
	for (process = 0; process < processes; process++) {
		if (!fork()) {
			kinds[process]();
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
