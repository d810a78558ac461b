/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the programs share that see of /dev/sim_dev0 what a user sees: system.c,
 * signals.c, nodes.c, async.c and faults.c. Each runs as root in a guest, in
 * virtual time, with the module's default parameters.
 */
#ifndef _TESTS_SIM_H
#define _TESTS_SIM_H

#define _GNU_SOURCE	/* included first, then */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "kselftest_harness.h"

#define NODE		"/dev/sim_dev0"
#define CTL		"/dev/sim_dev0_ctl"
#define SYSFS		"/sys/bus/platform/devices/sim_dev.0/"
#define DRIVER		"/sys/bus/platform/drivers/sim_dev/"

#define MAX		4096
#define RESULTS		64
#define QUEUE_DEPTH	16
#define SECONDS		900	/* for a test, in virtual time or on a starved machine */

/* An address that faults. */
static inline void *nowhere(void)
{
	return mmap(NULL, MAX, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

/* Write a string to a file; 0 or an errno. */
static inline int put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY), err = 0;

	if (fd < 0)
		return errno;
	if (write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		err = errno;
	close(fd);
	return err;
}

static inline int ctl(const char *line)
{
	return put(CTL, line);
}

/* A value of the control node, all from one moment if read into @all first. */
static inline void snapshot(char all[MAX])
{
	int fd = open(CTL, O_RDONLY);
	ssize_t len = fd < 0 ? 0 : read(fd, all, MAX - 1);

	all[len < 0 ? 0 : len] = '\0';
	if (fd >= 0)
		close(fd);
}

static inline long value_in(const char *all, const char *key)
{
	char pattern[64];
	const char *at;

	snprintf(pattern, sizeof(pattern), "\n%s: ", key);
	at = strstr(all, pattern);
	return at ? atol(at + strlen(pattern)) : -1000;
}

static inline long value(const char *key)
{
	char all[MAX];

	snapshot(all);
	return value_in(all, key);
}

static inline bool identity(void)
{
	char all[MAX];

	snapshot(all);
	return value_in(all, "submitted") ==
	       value_in(all, "completed") + value_in(all, "failed") +
	       value_in(all, "cancelled") + value_in(all, "outstanding");
}

static inline void wait_idle(void)
{
	int i;

	for (i = 0; i < 100000 && value("outstanding") > 0; i++)
		usleep(10000);
}

/* Bound, idle, without faults, and with the module's own settings, whatever a test has left. */
static inline void restore(void)
{
	put(DRIVER "bind", "sim_dev.0");
	ctl("clear\nrevive\nlatency 5\nreset-latency 5\n");
	put(SYSFS "timeout", "3");
	put(SYSFS "reset_timeout", "2");
	put(SYSFS "max_retries", "3");
	wait_idle();
}

/* Wait for a value of the control node; true if it came within 10 s. */
static inline bool wait_for(const char *key, long wanted)
{
	int i;

	for (i = 0; i < 1000 && value(key) != wanted; i++)
		usleep(10000);
	return i < 1000;
}

static inline double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

/* How late a tick may be in seconds: in real time, the guest's CPUs may stand still. */
static inline double slack(void)
{
	const char *ms = getenv("SLACK_MS");

	return ms ? atoi(ms) / 1000.0 : 0;
}

/* write() and read() of a text; the length or a negative errno. */
static inline int say(int fd, const char *text)
{
	ssize_t len = write(fd, text, strlen(text));

	return len < 0 ? -errno : len;
}

static inline int hear(int fd, char *text, size_t size)
{
	ssize_t len;

	memset(text, 0, size);
	len = read(fd, text, size - 1);
	return len < 0 ? -errno : len;
}

static inline short polled(int fd, short events, int ms)
{
	struct pollfd p = { .fd = fd, .events = events };

	return poll(&p, 1, ms) < 0 ? -1 : p.revents;
}

static inline void on_alarm(int sig)
{
}

/* SIGALRM with a handler: once in @seconds, and then each @interval seconds, if not 0. */
static inline void alarm_each(double seconds, double interval, int flags)
{
	struct sigaction action = { .sa_handler = on_alarm, .sa_flags = flags };
	struct itimerval timer = {
		.it_interval = { (long)interval, (interval - (long)interval) * 1e6 },
		.it_value = { (long)seconds, (seconds - (long)seconds) * 1e6 },
	};

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
}

static inline void alarm_in(double seconds, int flags)
{
	alarm_each(seconds, 0, flags);
}

/* SIGALRM is the harness's own clock, so it is used in children only. */
static inline int exit_status(pid_t child)
{
	int status;

	waitpid(child, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

FIXTURE(sim) {
	int fd;
	char before[MAX];
	char text[MAX + 1];
};

FIXTURE_SETUP(sim)
{
	restore();
	self->fd = open(NODE, O_RDWR);
	ASSERT_GE(self->fd, 0);
	snapshot(self->before);
}

FIXTURE_TEARDOWN(sim)
{
	close(self->fd);
	restore();
	EXPECT_TRUE(identity());
	EXPECT_EQ(-1, value("counter"));
}

/* Have another file keep the device busy with @nr requests; returns it. */
static inline int occupy(int nr)
{
	int fd = open(NODE, O_WRONLY | O_NONBLOCK);

	while (nr--)
		say(fd, "x");
	return fd;
}

#define GREW(key) (value(key) - value_in(self->before, key))
#define EXPECT_HEAR(expected) do {					\
	EXPECT_EQ((int)strlen(expected),				\
		  hear(self->fd, self->text, sizeof(self->text)));	\
	EXPECT_STREQ(expected, self->text);				\
} while (0)
#define SIM_TEST(name) TEST_F_TIMEOUT(sim, name, SECONDS)

#endif /* _TESTS_SIM_H */
