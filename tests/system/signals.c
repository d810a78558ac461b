// SPDX-License-Identifier: GPL-2.0-only
/*
 * Signals to a program that waits in write() or read() of /dev/sim_dev0. Without a
 * handler the program sees no error, no request is lost or done twice, and a fatal
 * signal ends the wait at once.
 */
#include "sim.h"

#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/stat.h>

#define CGROUPS	"/tmp/cgroup"
#define FROZEN	CGROUPS "/frozen/"

/* Exit status of a test's child */
enum { WRITE_FAILED = 1, READ_FAILED, WRONG_DATA };

/* Write and read back, where write() is what waits. */
static int round_trip(int fd)
{
	char text[16];

	if (write_str(fd, "hello") != 5)
		return WRITE_FAILED;
	if (read_str(fd, text, sizeof(text)) != 5)
		return READ_FAILED;
	return strcmp(text, "hello") ? WRONG_DATA : 0;
}

/* Write and read back, where read() is what waits. */
static int read_trip(int fd)
{
	char text[16];

	nonblock(fd, true);
	if (write_str(fd, "hello") != 5)
		return WRITE_FAILED;
	nonblock(fd, false);
	if (read_str(fd, text, sizeof(text)) != 5)
		return READ_FAILED;
	return strcmp(text, "hello") ? WRONG_DATA : 0;
}

/* Signals without a handler */

FIXTURE(waiting) {
	int fd;
	int other;
	pid_t child;
	char before[MAX];
};

FIXTURE_VARIANT(waiting) {
	int ahead;	/* requests of another file */
	int latency;	/* latency of each request, in ms */
	bool reads;
};

FIXTURE_VARIANT_ADD(waiting, write_in_flight) {
	.latency = 1000,
};

FIXTURE_VARIANT_ADD(waiting, write_queued) {
	.ahead = 1,
	.latency = 1000,
};

FIXTURE_VARIANT_ADD(waiting, write_for_room) {
	.ahead = QUEUE_DEPTH,
	.latency = 800,
};

FIXTURE_VARIANT_ADD(waiting, read) {
	.latency = 1000,
	.reads = true,
};

FIXTURE_SETUP(waiting)
{
	char latency[32];

	snprintf(latency, sizeof(latency), "latency %d", variant->latency);
	restore();
	ctl(latency);
	snapshot(self->before);
	self->fd = open(NODE, O_RDWR);
	ASSERT_GE(self->fd, 0);
	self->other = occupy(variant->ahead);
	self->child = fork();
	if (!self->child)
		_exit(variant->reads ? read_trip(self->fd) :
				       round_trip(self->fd));
	usleep(200000);	/* the child waits now */
}

/* The request was done once, and the child saw that. */
FIXTURE_TEARDOWN(waiting)
{
	EXPECT_EQ(0, exit_status(self->child));
	restore();
	EXPECT_EQ(1 + variant->ahead, GREW("submitted"));
	EXPECT_EQ(1 + variant->ahead, GREW("completed"));
	EXPECT_EQ(0, GREW("cancelled"));
	EXPECT_TRUE(identity());
	close(self->other);
	close(self->fd);
}

#define WAITING_TEST(name) TEST_F_TIMEOUT(waiting, name, SECONDS)

WAITING_TEST(signals_ignored_by_default)
{
	kill(self->child, SIGCHLD);
	kill(self->child, SIGWINCH);
	kill(self->child, SIGURG);
	kill(self->child, SIGCONT);
}

WAITING_TEST(stop_and_continue)
{
	kill(self->child, SIGSTOP);
	usleep(300000);
	kill(self->child, SIGCONT);
}

WAITING_TEST(stop_and_continue_50_times)
{
	int i;

	for (i = 0; i < 50; i++) {
		kill(self->child, SIGSTOP);
		usleep(5000);
		kill(self->child, SIGCONT);
		usleep(5000);
	}
}

WAITING_TEST(ptrace_interrupt)
{
	int status;

	ASSERT_EQ(0, ptrace(PTRACE_SEIZE, self->child, NULL, NULL));
	ASSERT_EQ(0, ptrace(PTRACE_INTERRUPT, self->child, NULL, NULL));
	EXPECT_EQ(self->child, waitpid(self->child, &status, 0));
	EXPECT_TRUE(WIFSTOPPED(status));
	EXPECT_EQ(0, ptrace(PTRACE_DETACH, self->child, NULL, NULL));
}

WAITING_TEST(cgroup_freezer)
{
	char pid[16];

	mkdir(CGROUPS, 0755);
	if (mount("cgroup2", CGROUPS, "cgroup2", 0, "") && errno != EBUSY)
		SKIP(return, "the kernel has no cgroup2");
	mkdir(FROZEN, 0755);
	snprintf(pid, sizeof(pid), "%d", self->child);
	ASSERT_EQ(0, put(FROZEN "cgroup.procs", pid));
	EXPECT_EQ(0, put(FROZEN "cgroup.freeze", "1"));
	usleep(300000);
	EXPECT_EQ(0, put(FROZEN "cgroup.freeze", "0"));
}

/* The first step of suspend, and the last of resume. */
WAITING_TEST(suspend_freezer)
{
	if (access("/sys/power/pm_test", W_OK))
		SKIP(return, "the kernel has no pm_test");
	put("/sys/module/suspend/parameters/pm_test_delay", "0");
	ASSERT_EQ(0, put("/sys/power/pm_test", "freezer"));
	EXPECT_EQ(0, put("/sys/power/state", "freeze"));
	EXPECT_EQ(0, put("/sys/power/pm_test", "none"));
}

SIM_TEST(stop_takes_effect_when_write_returns)
{
	double began = now();
	pid_t child;
	int status;

	ctl("latency 1000");
	child = fork_write(self->fd, 1);
	usleep(200000);
	kill(child, SIGSTOP);
	EXPECT_EQ(child, waitpid(child, &status, WUNTRACED));
	EXPECT_TRUE(WIFSTOPPED(status));
	EXPECT_LE(1, now() - began);
	EXPECT_GT(1.2 + slack(), now() - began);
	EXPECT_EQ(1, GREW("completed"));
	kill(child, SIGCONT);
	EXPECT_EQ(0, exit_status(child));
	EXPECT_READ("x");
	EXPECT_EQ(1, GREW("submitted"));
}

/* Handlers */

#define TICKED	40	/* requests */

/*
 * A timer interrupts each request several times, as a profiler does. Each request
 * is done once, and takes no longer than without the timer.
 */
static int write_under_a_timer(int flags)
{
	int fd = open(NODE, O_WRONLY), i;
	double began = now(), took;

	alarm_each(0.01, 0.01, flags);
	for (i = 0; i < TICKED; i++)
		if (write_str(fd, "x") != 1)
			return 1;
	took = now() - began;
	return took < TICKED * 0.025 || took > TICKED * 0.030 + slack() ? 2 : 0;
}

SIM_TEST(timer_100_hz_without_sa_restart)
{
	pid_t child;

	ctl("latency 25");
	child = fork();
	if (!child)
		_exit(write_under_a_timer(0));
	EXPECT_EQ(0, exit_status(child));
	EXPECT_EQ(TICKED, GREW("submitted"));
	EXPECT_EQ(TICKED, GREW("completed"));
}

SIM_TEST(timer_100_hz_with_sa_restart)
{
	pid_t child;

	ctl("latency 25");
	child = fork();
	if (!child)
		_exit(write_under_a_timer(SA_RESTART));
	EXPECT_EQ(0, exit_status(child));
	EXPECT_EQ(TICKED, GREW("submitted"));
	EXPECT_EQ(TICKED, GREW("completed"));
}

/* Writers also wait for room here; SA_RESTART resumes that wait. */
SIM_TEST(timer_100_hz_and_a_full_queue)
{
	pid_t child[2 * QUEUE_DEPTH];
	int i;

	ctl("latency 25");
	for (i = 0; i < 2 * QUEUE_DEPTH; i++) {
		child[i] = fork();
		if (!child[i]) {
			alarm_each(0.01, 0.01, SA_RESTART);
			_exit(write_str(self->fd, "x") != 1);
		}
	}
	for (i = 0; i < 2 * QUEUE_DEPTH; i++)
		EXPECT_EQ(0, exit_status(child[i]));
	EXPECT_EQ(2 * QUEUE_DEPTH, GREW("submitted"));
	EXPECT_EQ(2 * QUEUE_DEPTH, GREW("completed"));
}

SIM_TEST(handler_while_the_request_is_in_flight)
{
	double began = now();
	pid_t child;

	ctl("latency 1000");
	child = fork();
	if (!child) {
		alarm_in(0.3, 0);
		_exit(write_str(self->fd, "x") != 1);
	}
	EXPECT_EQ(0, exit_status(child));
	EXPECT_LE(1, now() - began);
	EXPECT_EQ(1, GREW("completed"));
	EXPECT_READ("x");
}

SIM_TEST(handler_while_the_request_is_queued)
{
	pid_t child;

	ctl("latency 1000");
	write_nowait(self->fd, "first");
	child = fork();
	if (!child) {
		alarm_in(0.3, 0);
		_exit(write_str(self->fd, "x") != 1);
	}
	EXPECT_EQ(0, exit_status(child));
	EXPECT_EQ(0, GREW("cancelled"));
	EXPECT_EQ(2, GREW("completed"));
	EXPECT_READ("first");
	EXPECT_READ("x");
}

SIM_TEST(eintr_while_write_waits_for_room)
{
	double began = now();
	pid_t child;
	int other;

	ctl("latency 1000");
	other = occupy(QUEUE_DEPTH);
	child = fork();
	if (!child) {
		alarm_in(0.2, 0);
		_exit(write_str(self->fd, "x") != -EINTR);
	}
	EXPECT_EQ(0, exit_status(child));
	EXPECT_GT(0.5 + slack(), now() - began);
	EXPECT_EQ(QUEUE_DEPTH, GREW("submitted"));
	EXPECT_EQ(0, GREW("cancelled"));
	ctl("latency 5");
	wait_idle();
	EXPECT_EQ(QUEUE_DEPTH, GREW("submitted"));
	EXPECT_READ("");
	close(other);
}

SIM_TEST(eintr_while_read_waits)
{
	pid_t child;

	ctl("latency 2000");
	write_nowait(self->fd, "x");
	child = fork();
	if (!child) {
		alarm_in(0.5, 0);
		_exit(read_str(self->fd, self->text, 10) != -EINTR);
	}
	EXPECT_EQ(0, exit_status(child));
	EXPECT_READ("x");
}

SIM_TEST(sa_restart_resumes_read)
{
	pid_t child;

	ctl("latency 1000");
	write_nowait(self->fd, "x");
	child = fork();
	if (!child) {
		alarm_each(0.1, 0.1, SA_RESTART);
		_exit(read_str(self->fd, self->text, 10) != 1);
	}
	EXPECT_EQ(0, exit_status(child));
	EXPECT_READ("");
}

/* Fatal signals */

FIXTURE(killed) {
	int fd;
	double took;
	char before[MAX];
	char text[16];
};

FIXTURE_VARIANT(killed) {
	int signal;
};

FIXTURE_VARIANT_ADD(killed, by_sigkill) {
	.signal = SIGKILL,
};

FIXTURE_VARIANT_ADD(killed, by_sigterm) {
	.signal = SIGTERM,
};

FIXTURE_VARIANT_ADD(killed, by_sigint) {
	.signal = SIGINT,
};

FIXTURE_SETUP(killed)
{
	restore();
	ctl("latency 1000");
	snapshot(self->before);
	self->fd = open(NODE, O_RDWR);
	ASSERT_GE(self->fd, 0);
}

FIXTURE_TEARDOWN(killed)
{
	restore();
	EXPECT_TRUE(identity());
	EXPECT_READ("");	/* the result was dropped */
	close(self->fd);
}

/* Kill a child that waits in write() behind @ahead requests; @took seconds until it ended. */
static int kill_behind(int fd, int ahead, int signal, double *took)
{
	int other = occupy(ahead), status;
	pid_t child = fork();
	double began;

	if (!child) {
		write_str(fd, "x");
		_exit(0);
	}
	usleep(200000);
	began = now();
	kill(child, signal);
	waitpid(child, &status, 0);
	*took = now() - began;
	usleep(1000);
	if (!WIFSIGNALED(status) || WTERMSIG(status) != signal)
		*took = 1000;
	return other;
}

#define KILLED_TEST(name) TEST_F_TIMEOUT(killed, name, SECONDS)

KILLED_TEST(in_flight)
{
	int other = kill_behind(self->fd, 0, variant->signal, &self->took);

	EXPECT_GT(0.1 + slack(), self->took);
	EXPECT_EQ(1, value("outstanding"));	/* the device still has it */
	wait_idle();
	EXPECT_EQ(1, GREW("cancelled"));
	EXPECT_EQ(0, GREW("completed"));
	close(other);
}

KILLED_TEST(queued)
{
	int other = kill_behind(self->fd, 1, variant->signal, &self->took);

	EXPECT_GT(0.1 + slack(), self->took);
	EXPECT_EQ(1, value("outstanding"));
	EXPECT_EQ(1, GREW("cancelled"));
	wait_idle();
	EXPECT_EQ(1, GREW("completed"));
	close(other);
}

KILLED_TEST(waiting_for_room)
{
	int other = kill_behind(self->fd, QUEUE_DEPTH, variant->signal,
				&self->took);

	EXPECT_GT(0.1 + slack(), self->took);
	EXPECT_EQ(QUEUE_DEPTH, GREW("submitted"));
	EXPECT_EQ(0, GREW("cancelled"));
	close(other);
}

TEST_HARNESS_MAIN
