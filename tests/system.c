// SPDX-License-Identifier: GPL-2.0-only
/*
 * System tests: what a program sees of /dev/sim_dev0, its control node and its
 * attributes. Runs as root in a guest, in virtual time, with the module's
 * default parameters.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
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
static void *nowhere(void)
{
	return mmap(NULL, MAX, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

/* Write a string to a file; 0 or an errno. */
static int put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY), err = 0;

	if (fd < 0)
		return errno;
	if (write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		err = errno;
	close(fd);
	return err;
}

static int ctl(const char *line)
{
	return put(CTL, line);
}

/* A value of the control node, all from one moment if read into @all first. */
static void snapshot(char all[MAX])
{
	int fd = open(CTL, O_RDONLY);
	ssize_t len = fd < 0 ? 0 : read(fd, all, MAX - 1);

	all[len < 0 ? 0 : len] = '\0';
	if (fd >= 0)
		close(fd);
}

static long value_in(const char *all, const char *key)
{
	char pattern[64];
	const char *at;

	snprintf(pattern, sizeof(pattern), "\n%s: ", key);
	at = strstr(all, pattern);
	return at ? atol(at + strlen(pattern)) : -1000;
}

static long value(const char *key)
{
	char all[MAX];

	snapshot(all);
	return value_in(all, key);
}

static bool identity(void)
{
	char all[MAX];

	snapshot(all);
	return value_in(all, "submitted") ==
	       value_in(all, "completed") + value_in(all, "failed") +
	       value_in(all, "cancelled") + value_in(all, "outstanding");
}

static void wait_idle(void)
{
	int i;

	for (i = 0; i < 100000 && value("outstanding"); i++)
		usleep(10000);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

/* How late a tick may be in seconds: in real time, the guest's CPUs may stand still. */
static double slack(void)
{
	const char *ms = getenv("SLACK_MS");

	return ms ? atoi(ms) / 1000.0 : 0;
}

/* write() and read() of a text; the length or a negative errno. */
static int say(int fd, const char *text)
{
	ssize_t len = write(fd, text, strlen(text));

	return len < 0 ? -errno : len;
}

static int hear(int fd, char *text, size_t size)
{
	ssize_t len;

	memset(text, 0, size);
	len = read(fd, text, size - 1);
	return len < 0 ? -errno : len;
}

static short polled(int fd, short events, int ms)
{
	struct pollfd p = { .fd = fd, .events = events };

	return poll(&p, 1, ms) < 0 ? -1 : p.revents;
}

FIXTURE(sim) {
	int fd;
	char before[MAX];
	char text[MAX + 1];
};

FIXTURE_SETUP(sim)
{
	ctl("clear\nrevive\nlatency 5\nreset-latency 5\n");
	put(SYSFS "timeout", "3");
	put(SYSFS "reset_timeout", "2");
	put(SYSFS "max_retries", "3");
	wait_idle();
	self->fd = open(NODE, O_RDWR);
	ASSERT_GE(self->fd, 0);
	snapshot(self->before);
}

FIXTURE_TEARDOWN(sim)
{
	close(self->fd);
	ctl("clear\nrevive\nlatency 5\nreset-latency 5\n");
	wait_idle();
	EXPECT_TRUE(identity());
	EXPECT_EQ(-1, value("counter"));
}

#define GREW(key) (value(key) - value_in(self->before, key))
#define EXPECT_HEAR(expected) do {					\
	EXPECT_EQ((int)strlen(expected),				\
		  hear(self->fd, self->text, sizeof(self->text)));	\
	EXPECT_STREQ(expected, self->text);				\
} while (0)
#define SIM_TEST(name) TEST_F_TIMEOUT(sim, name, SECONDS)

/* The data node */

SIM_TEST(loops_data_back)
{
	EXPECT_EQ(5, say(self->fd, "hello"));
	EXPECT_HEAR("hello");
	EXPECT_EQ(1, GREW("completed"));
}

SIM_TEST(every_size_up_to_4096)
{
	char data[MAX + 1], back[MAX + 1];
	size_t size;

	for (size = 0; size < sizeof(data); size++)
		data[size] = rand();
	for (size = 1; size <= MAX; size += 195) {
		ASSERT_EQ((ssize_t)size, write(self->fd, data, size));
		ASSERT_EQ((ssize_t)size, read(self->fd, back, sizeof(back)));
		ASSERT_EQ(0, memcmp(data, back, size));
	}
	EXPECT_EQ(0, write(self->fd, data, 0));
	EXPECT_EQ(-1, write(self->fd, data, MAX + 1));
	EXPECT_EQ(EMSGSIZE, errno);
	EXPECT_EQ(0, read(self->fd, back, sizeof(back)));
}

SIM_TEST(writev_is_one_request)
{
	struct iovec iov[2] = { { "ab", 2 }, { "cde", 3 } };

	EXPECT_EQ(5, writev(self->fd, iov, 2));
	EXPECT_HEAR("abcde");
	EXPECT_EQ(1, GREW("submitted"));
}

SIM_TEST(efault_changes_nothing)
{
	EXPECT_EQ(-1, write(self->fd, nowhere(), 10));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(0, GREW("submitted"));
	say(self->fd, "kept");
	EXPECT_EQ(-1, read(self->fd, nowhere(), 10));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_HEAR("kept");
}

SIM_TEST(directions_and_seeking)
{
	int rd = open(NODE, O_RDONLY), wr = open(NODE, O_WRONLY);

	EXPECT_EQ(-EBADF, say(rd, "x"));
	EXPECT_EQ(0, hear(rd, self->text, 10));
	EXPECT_EQ(1, say(wr, "x"));
	EXPECT_EQ(-EBADF, hear(wr, self->text, 10));
	EXPECT_EQ(-1, lseek(wr, 0, SEEK_SET));
	EXPECT_EQ(ESPIPE, errno);
	close(rd);
	close(wr);
}

SIM_TEST(results_belong_to_their_file_and_come_in_order)
{
	int other = open(NODE, O_RDWR | O_NONBLOCK);
	char text[8];

	fcntl(self->fd, F_SETFL, O_NONBLOCK);
	EXPECT_EQ(2, say(self->fd, "a1"));
	EXPECT_EQ(2, say(other, "b1"));
	EXPECT_EQ(2, say(self->fd, "a2"));
	EXPECT_EQ(2, say(other, "b2"));
	fcntl(self->fd, F_SETFL, 0);
	fcntl(other, F_SETFL, 0);
	EXPECT_EQ(2, hear(other, text, 8));
	EXPECT_STREQ("b1", text);
	EXPECT_HEAR("a1");
	EXPECT_HEAR("a2");
	EXPECT_HEAR("");
	EXPECT_EQ(2, hear(other, text, 8));
	EXPECT_STREQ("b2", text);
	close(other);
}

SIM_TEST(short_reads)
{
	char text[5];

	say(self->fd, "abcdefg");
	say(self->fd, "hi");
	EXPECT_EQ(4, hear(self->fd, text, sizeof(text)));
	EXPECT_STREQ("abcd", text);
	EXPECT_EQ(0, read(self->fd, text, 0));
	EXPECT_EQ(3, hear(self->fd, text, sizeof(text)));
	EXPECT_STREQ("efg", text);
	EXPECT_HEAR("hi");
}

SIM_TEST(read_blocks_while_something_is_outstanding)
{
	double began = now();

	ctl("latency 2000");
	fcntl(self->fd, F_SETFL, O_NONBLOCK);
	EXPECT_EQ(4, say(self->fd, "slow"));
	EXPECT_GT(1 + slack(), now() - began);
	EXPECT_EQ(-EAGAIN, hear(self->fd, self->text, 10));
	fcntl(self->fd, F_SETFL, 0);
	EXPECT_HEAR("slow");
	EXPECT_LE(2, now() - began);
	EXPECT_GT(2.5 + slack(), now() - began);
}

SIM_TEST(a_full_queue)
{
	int i;

	ctl("latency 100");
	fcntl(self->fd, F_SETFL, O_NONBLOCK);
	for (i = 0; i < QUEUE_DEPTH; i++)
		EXPECT_EQ(1, say(self->fd, "x"));
	EXPECT_EQ(-EAGAIN, say(self->fd, "x"));
	EXPECT_EQ(0, polled(self->fd, POLLOUT, 0));
	EXPECT_EQ(QUEUE_DEPTH, GREW("submitted"));
	EXPECT_EQ(POLLOUT, polled(self->fd, POLLOUT, 1000));
	EXPECT_EQ(1, say(self->fd, "x"));
	fcntl(self->fd, F_SETFL, 0);
	EXPECT_EQ(1, say(self->fd, "x"));	/* waits for room, then for itself */
}

SIM_TEST(sixty_four_unread_results)
{
	int i, only = open(NODE, O_WRONLY);

	ctl("latency 0");
	for (i = 0; i < RESULTS; i++)
		EXPECT_EQ(1, say(self->fd, "x"));
	EXPECT_EQ(-ENOBUFS, say(self->fd, "x"));
	EXPECT_EQ(POLLIN, polled(self->fd, POLLIN | POLLOUT, 0));
	EXPECT_EQ(RESULTS, GREW("submitted"));
	EXPECT_HEAR("x");
	EXPECT_EQ(1, say(self->fd, "x"));
	for (i = 0; i < RESULTS + 1; i++)	/* keeps no results */
		EXPECT_EQ(1, say(only, "x"));
	close(only);
}

SIM_TEST(polling)
{
	double began;

	EXPECT_EQ(POLLOUT, polled(self->fd, POLLIN | POLLOUT, 0));
	EXPECT_EQ(0, polled(self->fd, POLLIN, 100));
	ctl("latency 1000");
	fcntl(self->fd, F_SETFL, O_NONBLOCK);
	say(self->fd, "x");
	EXPECT_EQ(0, polled(self->fd, POLLIN, 0));
	began = now();
	EXPECT_EQ(POLLIN, polled(self->fd, POLLIN, 10000));
	EXPECT_GT(2 + slack(), now() - began);
	EXPECT_EQ(1, hear(self->fd, self->text, 10));
	EXPECT_EQ(0, polled(self->fd, POLLIN, 0));
}

/* Faults */

SIM_TEST(hang_is_detected_in_time_at_any_phase)
{
	double began, took;
	int phase;

	put(SYSFS "timeout", "1");
	ctl("latency 0\nreset-latency 0\nclear\n");
	for (phase = 0; phase < 25; phase++) {
		usleep(41000 * phase);
		ctl("hang");
		began = now();
		ASSERT_EQ(1, say(self->fd, "x"));
		took = now() - began;
		EXPECT_LT(1.0 - slack(), took);
		EXPECT_GT(2.0 + 0.05 + slack(), took);	/* reset, retry, interrupts */
		EXPECT_HEAR("x");
	}
	EXPECT_EQ(25, GREW("timeouts"));
	EXPECT_EQ(25, GREW("resets"));
	EXPECT_EQ(25, GREW("retries"));
	EXPECT_EQ(25, GREW("completed"));
}

SIM_TEST(eio_from_the_device)
{
	ctl("error");
	EXPECT_EQ(-EIO, say(self->fd, "x"));
	EXPECT_EQ(1, GREW("failed"));
	EXPECT_EQ(0, GREW("timeouts"));
	EXPECT_HEAR("");
}

SIM_TEST(eio_from_a_hung_reset)
{
	ctl("hang\nreset-hang");
	EXPECT_EQ(-EIO, say(self->fd, "x"));
	EXPECT_EQ(1, GREW("reset_failures"));
	EXPECT_EQ(1, say(self->fd, "y"));
	EXPECT_HEAR("y");
}

SIM_TEST(etimedout_when_retries_run_out)
{
	put(SYSFS "max_retries", "2");
	ctl("hang 100");
	EXPECT_EQ(-ETIMEDOUT, say(self->fd, "x"));
	EXPECT_EQ(3, GREW("timeouts"));
	EXPECT_EQ(2, GREW("retries"));
	ctl("clear");
	EXPECT_EQ(1, say(self->fd, "y"));
}

SIM_TEST(errors_of_nonblocking_writes_come_by_read)
{
	put(SYSFS "timeout", "1");
	put(SYSFS "max_retries", "0");
	fcntl(self->fd, F_SETFL, O_NONBLOCK);
	ctl("latency 20\nerror");
	say(self->fd, "a");	/* fails with EIO */
	say(self->fd, "b");
	usleep(100000);
	ctl("hang");
	say(self->fd, "c");	/* fails with ETIMEDOUT */
	say(self->fd, "d");
	fcntl(self->fd, F_SETFL, 0);
	EXPECT_EQ(-EIO, hear(self->fd, self->text, 10));
	EXPECT_HEAR("b");
	EXPECT_EQ(-ETIMEDOUT, hear(self->fd, self->text, 10));
	EXPECT_HEAR("d");
	EXPECT_HEAR("");
}

SIM_TEST(late_interrupts_are_ignored)
{
	ctl("late 4200\nreset-latency 1500");	/* during the reset */
	EXPECT_EQ(2, say(self->fd, "me"));
	EXPECT_HEAR("me");
	EXPECT_EQ(1, GREW("late"));
	ctl("late 4600\nreset-latency 50\nlatency 2000");	/* during the retry */
	EXPECT_EQ(3, say(self->fd, "you"));
	EXPECT_HEAR("you");
	EXPECT_EQ(2, GREW("late"));
	EXPECT_EQ(2, GREW("completed"));
	EXPECT_EQ(0, GREW("spurious"));
}

SIM_TEST(spurious_interrupts_are_counted)
{
	ctl("spurious 50");
	usleep(500000);
	EXPECT_EQ(50, GREW("spurious"));
	EXPECT_EQ(0, GREW("late"));
	EXPECT_EQ(0, value("pending_spurious"));
}

SIM_TEST(spurious_interrupts_are_replaced)
{
	ctl("spurious 500");
	usleep(20000);
	ctl("spurious 20");
	usleep(500000);
	EXPECT_LE(20, GREW("spurious"));
	EXPECT_GT(500, GREW("spurious"));
	EXPECT_EQ(0, value("pending_spurious"));
}

SIM_TEST(dead_until_revived)
{
	put(SYSFS "timeout", "1");
	put(SYSFS "reset_timeout", "1");
	ctl("dead");
	EXPECT_EQ(1, value("dead"));
	EXPECT_EQ(-EIO, say(self->fd, "x"));
	ctl("revive");
	EXPECT_EQ(1, say(self->fd, "y"));
}

/* Signals, death, closing */

static void on_alarm(int sig)
{
}

static void alarm_in(double seconds, int flags)
{
	struct sigaction action = { .sa_handler = on_alarm, .sa_flags = flags };
	struct itimerval timer = {
		.it_value = { (long)seconds, (seconds - (long)seconds) * 1e6 },
	};

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
}

/* SIGALRM is the harness's own clock, so it is used in children only. */
static int exit_status(pid_t child)
{
	int status;

	waitpid(child, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

SIM_TEST(eintr_in_flight)
{
	pid_t child;

	ctl("latency 3000");
	child = fork();
	if (!child) {
		alarm_in(0.5, 0);
		_exit(say(self->fd, "x") != -EINTR);
	}
	EXPECT_EQ(0, exit_status(child));
	EXPECT_EQ(1, value("outstanding"));	/* the device has it still */
	wait_idle();
	EXPECT_EQ(1, GREW("cancelled"));
	EXPECT_EQ(0, GREW("completed"));
	EXPECT_HEAR("");			/* its result was dropped */
}

SIM_TEST(eintr_queued)
{
	pid_t child;

	ctl("latency 2000");
	fcntl(self->fd, F_SETFL, O_NONBLOCK);
	say(self->fd, "first");
	fcntl(self->fd, F_SETFL, 0);
	child = fork();
	if (!child) {
		alarm_in(0.5, SA_RESTART);	/* withdrawn all the same */
		_exit(say(self->fd, "x") != -EINTR);
	}
	EXPECT_EQ(0, exit_status(child));
	EXPECT_EQ(1, GREW("cancelled"));
	EXPECT_EQ(1, value("outstanding"));
	EXPECT_HEAR("first");
	EXPECT_HEAR("");
}

SIM_TEST(eintr_waiting_for_room)
{
	pid_t child;
	int i;

	ctl("latency 1000");
	fcntl(self->fd, F_SETFL, O_NONBLOCK);
	for (i = 0; i < QUEUE_DEPTH; i++)
		say(self->fd, "x");
	fcntl(self->fd, F_SETFL, 0);
	child = fork();
	if (!child) {
		alarm_in(0.2, 0);
		_exit(say(self->fd, "x") != -EINTR);
	}
	EXPECT_EQ(0, exit_status(child));
	EXPECT_EQ(QUEUE_DEPTH, GREW("submitted"));
	EXPECT_EQ(0, GREW("cancelled"));
}

SIM_TEST(eintr_reading)
{
	pid_t child;

	ctl("latency 2000");
	fcntl(self->fd, F_SETFL, O_NONBLOCK);
	say(self->fd, "x");
	fcntl(self->fd, F_SETFL, 0);
	child = fork();
	if (!child) {
		alarm_in(0.5, 0);
		_exit(hear(self->fd, self->text, 10) != -EINTR);
	}
	EXPECT_EQ(0, exit_status(child));
	EXPECT_HEAR("x");
}

SIM_TEST(two_readers_take_turns)
{
	pid_t first, second;

	ctl("latency 2000");
	fcntl(self->fd, F_SETFL, O_NONBLOCK);
	say(self->fd, "x");
	fcntl(self->fd, F_SETFL, 0);
	first = fork();
	if (!first)
		_exit(hear(self->fd, self->text, 10) != 1);
	usleep(200000);
	second = fork();
	if (!second) {
		alarm_in(0.5, 0);
		_exit(hear(self->fd, self->text, 10) != -EINTR);
	}
	EXPECT_EQ(0, exit_status(second));
	fcntl(self->fd, F_SETFL, O_NONBLOCK);
	EXPECT_EQ(-EAGAIN, hear(self->fd, self->text, 10));
	EXPECT_EQ(0, exit_status(first));
	EXPECT_HEAR("");
}

SIM_TEST(a_killed_submitter)
{
	int phase;

	ctl("hang 3\nlatency 50");
	for (phase = 0; phase < 6; phase++) {
		pid_t child = fork();
		double began;

		if (!child) {
			say(self->fd, "x");
			_exit(0);
		}
		usleep(100000);
		began = now();
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
		EXPECT_GT(0.5 + slack(), now() - began);
	}
	EXPECT_TRUE(identity());
	wait_idle();
	EXPECT_EQ(6, GREW("submitted"));
	EXPECT_EQ(6, GREW("cancelled"));
	EXPECT_EQ(1, say(self->fd, "y"));
	EXPECT_HEAR("y");
}

SIM_TEST(closed_with_requests_queued_and_in_flight)
{
	int fd = open(NODE, O_RDWR | O_NONBLOCK);
	int only = open(NODE, O_WRONLY | O_NONBLOCK);

	ctl("latency 500");
	say(fd, "in flight");
	say(fd, "queued");
	say(only, "queued");
	say(only, "queued");
	close(fd);
	close(only);
	EXPECT_EQ(3, GREW("cancelled"));
	EXPECT_EQ(1, value("outstanding"));
	wait_idle();
	EXPECT_EQ(4, GREW("cancelled"));
	EXPECT_EQ(1, say(self->fd, "y"));
	EXPECT_HEAR("y");
}

SIM_TEST(statistics_add_up_at_every_moment)
{
	pid_t child[4];
	int i, samples;

	put(SYSFS "timeout", "1");
	put(SYSFS "max_retries", "1");
	for (i = 0; i < 4; i++) {
		child[i] = fork();
		if (!child[i]) {
			int fd = open(NODE, i & 1 ? O_WRONLY : O_RDWR | O_NONBLOCK);

			for (srand(i); ; usleep(rand() % 3000)) {
				say(fd, "data");
				if (!(i & 1))
					hear(fd, self->text, 10);
			}
		}
	}
	for (samples = 0; samples < 5000; samples++) {
		ASSERT_TRUE(identity());
		if (samples % 500 == 0)
			ctl(samples % 2000 ? "error 5" : "hang");
		if (samples == 4000) {
			kill(child[0], SIGKILL);
			kill(child[1], SIGKILL);
		}
		usleep(2000);
	}
	for (i = 0; i < 4; i++)
		kill(child[i], SIGKILL);
	while (wait(NULL) > 0)
		;
	EXPECT_LT(100, GREW("completed"));
	EXPECT_LT(0, GREW("failed"));
	EXPECT_LT(0, GREW("timeouts"));
}

/* The control node */

SIM_TEST(control_errors_change_nothing)
{
	static const struct {
		const char *line;
		int err;
	} bad[] = {
		{ "explode", EINVAL }, { "hang x", EINVAL }, { "hang 1 2", EINVAL },
		{ "late", EINVAL }, { "latency", EINVAL }, { "dead 1", EINVAL },
		{ "hang 0", ERANGE }, { "hang 1000001", ERANGE },
		{ "late 600001", ERANGE }, { "latency -1", ERANGE },
		{ "hang 123456789012345678901234567890", ERANGE },
		{ "hang                                                            x",
		  EMSGSIZE },
	};
	char after[MAX];
	size_t i;
	int fd = open(CTL, O_WRONLY);

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		EXPECT_EQ(bad[i].err, ctl(bad[i].line));
	EXPECT_EQ(-1, write(fd, "hang\0", 5));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, write(fd, nowhere(), 5));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(0, write(fd, "hang", 0));
	close(fd);
	snapshot(after);
	EXPECT_STREQ(self->before, after);
}

SIM_TEST(control_lines_are_taken_in_order)
{
	int fd = open(CTL, O_WRONLY);
	char line[66];

	/* up to the bad line, as a short write */
	EXPECT_EQ(26, say(fd, "latency 7\nerror 3\n\nhang 2\nbogus\nlatency 9\n"));
	EXPECT_EQ(7, value("latency_ms"));
	EXPECT_EQ(3, value("pending_error"));
	EXPECT_EQ(-EINVAL, say(fd, "bogus\nlatency 8\n"));
	EXPECT_EQ(7, value("latency_ms"));
	memset(line, ' ', sizeof(line));	/* 64 bytes are no more than 64 */
	memcpy(line, "latency 6", 9);
	line[64] = '\n';
	EXPECT_EQ(65, write(fd, line, 65));
	EXPECT_EQ(6, value("latency_ms"));
	EXPECT_EQ(64, write(fd, line, 64));	/* nor without newline */
	line[64] = ' ';
	line[65] = '\n';
	EXPECT_EQ(-1, write(fd, line, 66));
	EXPECT_EQ(EMSGSIZE, errno);
	close(fd);
}

SIM_TEST(control_write_ends_early_on_a_signal)
{
	static const char line[] = "clear\n";
	size_t len = strlen(line), size = len << 20, i;
	char *text;
	pid_t child;

	if (!access("/proc/exitcode", F_OK))
		SKIP(return, "no time passes in a write on user-mode Linux");
	text = malloc(size);

	for (i = 0; i < size; i += len)
		memcpy(text + i, line, len);
	child = fork();
	if (!child) {
		int fd = open(CTL, O_WRONLY);
		ssize_t done;

		alarm_in(0.02, 0);
		done = write(fd, text, size);
		_exit(done <= 0 || done >= (ssize_t)size || done % len);
	}
	EXPECT_EQ(0, exit_status(child));
	free(text);
}

SIM_TEST(control_node_is_for_root_alone)
{
	struct stat st;

	ASSERT_EQ(0, stat(CTL, &st));
	EXPECT_EQ(0600, (int)(st.st_mode & 07777));
}

SIM_TEST(control_node_shows_state_and_counter)
{
	char all[MAX];

	put(SYSFS "timeout", "2");
	EXPECT_NE(NULL, strstr(self->before, "state: idle\ncounter: -1\n"));
	ctl("hang\nreset-latency 1500\nlatency 10\n");
	fcntl(self->fd, F_SETFL, O_NONBLOCK);
	say(self->fd, "x");
	snapshot(all);
	EXPECT_TRUE(strstr(all, "state: busy\ncounter: 3\n") ||
		    strstr(all, "state: busy\ncounter: 2\n"));
	sleep(3);
	snapshot(all);
	EXPECT_NE(NULL, strstr(all, "state: resetting\ncounter: "));
}

/* sysfs */

SIM_TEST(attributes)
{
	static const char * const ro[] = {
		"state", "counter", "submitted", "completed", "failed",
		"cancelled", "timeouts", "resets", "reset_failures",
		"retries", "late", "spurious",
	};
	static const char * const rw[] = {
		"timeout", "reset_timeout", "max_retries",
	};
	char path[128], text[32], all[MAX];
	size_t i;
	int fd;

	say(self->fd, "x");
	snapshot(all);
	for (i = 0; i < ARRAY_SIZE(ro); i++) {
		snprintf(path, sizeof(path), SYSFS "%s", ro[i]);
		EXPECT_NE(0, put(path, "1"));
		fd = open(path, O_RDONLY);
		ASSERT_GE(fd, 0);
		EXPECT_LT(0, hear(fd, text, sizeof(text)));
		close(fd);
		EXPECT_EQ(i ? value_in(all, ro[i]) : 0, atol(text));
	}
	for (i = 0; i < ARRAY_SIZE(rw); i++) {
		snprintf(path, sizeof(path), SYSFS "%s", rw[i]);
		EXPECT_EQ(EINVAL, put(path, "x"));
		EXPECT_EQ(EINVAL, put(path, "-1"));
		EXPECT_EQ(ERANGE, put(path, "3601"));
		EXPECT_EQ(i < 2 ? ERANGE : 0, put(path, "0"));
		EXPECT_EQ(0, put(path, "100"));
		fd = open(path, O_RDONLY);
		EXPECT_LT(0, hear(fd, text, sizeof(text)));
		EXPECT_STREQ("100\n", text);
		close(fd);
	}
}

/* Unbinding */

SIM_TEST(unbound_with_requests_queued_and_in_flight)
{
	int ctl_fd = open(CTL, O_RDWR), reader = open(NODE, O_RDWR | O_NONBLOCK);
	pid_t writer, poller;

	ctl("hang 100");
	say(reader, "in flight");
	say(reader, "queued");
	writer = fork();
	if (!writer)
		_exit(say(self->fd, "queued") != -ENODEV);
	poller = fork();
	if (!poller)
		_exit(polled(reader, POLLIN, -1) != (POLLERR | POLLHUP));
	usleep(300000);
	EXPECT_EQ(3, value("outstanding"));
	ASSERT_EQ(0, put(DRIVER "unbind", "sim_dev.0"));

	EXPECT_EQ(0, exit_status(writer));
	EXPECT_EQ(0, exit_status(poller));
	EXPECT_EQ(-ENODEV, say(self->fd, "x"));
	EXPECT_EQ(-ENODEV, hear(self->fd, self->text, 10));
	EXPECT_EQ(-ENODEV, hear(reader, self->text, 10));
	EXPECT_EQ(POLLERR | POLLHUP, polled(self->fd, POLLIN | POLLOUT, 0));
	EXPECT_EQ(-ENODEV, say(ctl_fd, "clear\n"));
	EXPECT_EQ(-ENODEV, hear(ctl_fd, self->text, 10));
	EXPECT_EQ(POLLERR | POLLHUP, polled(ctl_fd, POLLIN | POLLOUT, 0));
	EXPECT_EQ(-1, open(NODE, O_RDWR));
	EXPECT_EQ(ENOENT, errno);

	ASSERT_EQ(0, put(DRIVER "bind", "sim_dev.0"));
	ctl("clear");
	close(reader);
	close(ctl_fd);
	EXPECT_EQ(-ENODEV, say(self->fd, "x"));	/* still the old one */
	close(self->fd);
	self->fd = open(NODE, O_RDWR);
	ASSERT_GE(self->fd, 0);
	EXPECT_EQ(3, say(self->fd, "new"));
	EXPECT_HEAR("new");
}

SIM_TEST(interrupt_that_comes_while_unbound)
{
	ctl("late 300");
	fcntl(self->fd, F_SETFL, O_NONBLOCK);
	say(self->fd, "old");
	ASSERT_EQ(0, put(DRIVER "unbind", "sim_dev.0"));
	close(self->fd);
	usleep(500000);
	ASSERT_EQ(0, put(DRIVER "bind", "sim_dev.0"));
	self->fd = open(NODE, O_RDWR);
	ASSERT_GE(self->fd, 0);
	EXPECT_EQ(3, say(self->fd, "new"));
	EXPECT_HEAR("new");
	EXPECT_EQ(1, value("completed"));
	EXPECT_EQ(0, value("timeouts"));
}

SIM_TEST(bound_and_unbound_all_the_time)
{
	pid_t child[3];
	int i, fd;

	for (i = 0; i < 3; i++) {
		child[i] = fork();
		while (!child[i]) {
			fd = open(i == 2 ? CTL : NODE, O_RDWR | (i ? 0 : O_NONBLOCK));
			if (fd < 0)
				continue;
			while (say(fd, i == 2 ? "hang" : "data") != -ENODEV)
				usleep(500);
			close(fd);
		}
	}
	for (i = 0; i < 50; i++) {
		usleep(rand() % 30000);
		ASSERT_EQ(0, put(DRIVER "unbind", "sim_dev.0"));
		usleep(rand() % 10000);
		ASSERT_EQ(0, put(DRIVER "bind", "sim_dev.0"));
	}
	for (i = 0; i < 3; i++)
		kill(child[i], SIGKILL);
	while (wait(NULL) > 0)
		;
	ctl("clear");
	fd = open(NODE, O_RDWR);
	ASSERT_GE(fd, 0);
	EXPECT_EQ(1, say(fd, "x"));
	close(fd);
}

TEST_HARNESS_MAIN
