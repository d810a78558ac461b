/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the programs of tests/system share. Each tests /dev/sim_dev0 as root in a
 * guest, in virtual time, with the module's default parameters.
 */
#ifndef _TESTS_SIM_H
#define _TESTS_SIM_H

#include "client.h"

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/wait.h>

#include "kselftest_harness.h"

#define NODE		"/dev/sim_dev0"
#define CTL		"/dev/sim_dev0_ctl"
#define SYSFS		"/sys/bus/platform/devices/sim_dev.0/"

#define MAX		MAX_REQUEST
#define RESULTS		MAX_RESULTS
#define QUEUE_DEPTH	16
#define SECONDS		900	/* limit for a test, in virtual time or on a starved machine */

/* An address that faults. */
static inline void *nowhere(void)
{
	return mmap(NULL, MAX, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static inline int ctl(const char *line)
{
	return put(CTL, line);
}

/* Read the whole control node: its values are all of one moment. */
static inline void snapshot(char all[MAX])
{
	get(CTL, all, MAX);
}

static inline long value_in(const char *all, const char *key)
{
	long long value;

	return find_value(all, key, &value) ? value : -1000;
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

/* Undo what a test has left: bind the device, clear faults, restore the settings. */
static inline void restore(void)
{
	bind_device(0, true);
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

/* Seconds by which a tick may be late: in real time the host may stop the guest's CPUs. */
static inline double slack(void)
{
	const char *ms = getenv("SLACK_MS");

	return ms ? atoi(ms) / 1000.0 : 0;
}

/* write() and read() of a string: the length or a negative errno */

static inline int write_str(int fd, const char *text)
{
	ssize_t len = write(fd, text, strlen(text));

	return len < 0 ? -errno : len;
}

static inline int read_str(int fd, char *text, size_t size)
{
	ssize_t len;

	memset(text, 0, size);
	len = read(fd, text, size - 1);
	return len < 0 ? -errno : len;
}

static inline void nonblock(int fd, bool on)
{
	fcntl(fd, F_SETFL, on ? O_NONBLOCK : 0);
}

/* Submit a request without waiting for it, on a file without O_NONBLOCK. */
static inline int write_nowait(int fd, const char *text)
{
	int len;

	nonblock(fd, true);
	len = write_str(fd, text);
	nonblock(fd, false);
	return len;
}

/* A child that writes, and exits 0 if write() gave what is @wanted. */
static inline pid_t fork_write(int fd, int wanted)
{
	pid_t child = fork();

	if (!child)
		_exit(write_str(fd, "x") != wanted);
	return child;
}

static inline short polled(int fd, short events, int ms)
{
	struct pollfd p = { .fd = fd, .events = events };

	return poll(&p, 1, ms) < 0 ? -1 : p.revents;
}

static inline void on_alarm(int sig)
{
}

/*
 * SIGALRM with a handler in @seconds, then every @interval seconds unless that is 0.
 * Only in a child: the harness uses SIGALRM itself.
 */
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

/* Wait for a child to end; -1 if it did not exit. */
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

/* Keep the device busy with @nr requests of another file, which is returned. */
static inline int occupy(int nr)
{
	int fd = open(NODE, O_WRONLY | O_NONBLOCK);

	while (nr--)
		write_str(fd, "x");
	return fd;
}

#define GREW(key) (value(key) - value_in(self->before, key))
#define EXPECT_READ(expected) do {					\
	EXPECT_EQ((int)strlen(expected),				\
		  read_str(self->fd, self->text, sizeof(self->text)));	\
	EXPECT_STREQ(expected, self->text);				\
} while (0)
#define SIM_TEST(name) TEST_F_TIMEOUT(sim, name, SECONDS)

#endif /* _TESTS_SIM_H */
