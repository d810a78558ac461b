// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupts that are lost, come twice or in storms, and a device that is gone:
 * each request ends within its bounds, and what comes after it is fine.
 */
#include "sim.h"

#define SWALLOW		"/sys/module/irq_swallow/parameters/"
#define LIMIT		1	/* seconds, of an operation and of a reset */

/* What asking the device, the start of the next operation and the like may take. */
#define SOON		(0.05 + slack())

FIXTURE(fault) {
	int fd;
	int log;
	char before[MAX];
	char text[MAX + 1];
};

static bool unload_swallow(void)
{
	return !syscall(SYS_delete_module, "irq_swallow", 0);
}

static void settings(void)
{
	restore();
	put(SYSFS "timeout", "1");
	put(SYSFS "reset_timeout", "1");
}

FIXTURE_SETUP(fault)
{
	unload_swallow();	/* should a test have failed */
	put(DRIVER "unbind", "sim_dev.0");
	settings();
	self->log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK);
	ASSERT_GE(self->log, 0);
	lseek(self->log, 0, SEEK_END);
	self->fd = open(NODE, O_RDWR);
	ASSERT_GE(self->fd, 0);
	snapshot(self->before);
}

FIXTURE_TEARDOWN(fault)
{
	close(self->fd);
	close(self->log);
	restore();
	EXPECT_TRUE(identity());
	EXPECT_EQ(-1, value("counter"));
}

#define FAULT_TEST(name) TEST_F_TIMEOUT(fault, name, SECONDS)

/* How often the kernel has logged a text since the test began, or since the last call. */
static int logged(int log, const char *text)
{
	char line[1024];
	int count = 0;
	ssize_t len;

	while ((len = read(log, line, sizeof(line) - 1)) > 0) {
		line[len] = '\0';
		count += strstr(line, "sim_dev.0: ") && strstr(line, text);
	}
	return count;
}

/* A request of so many seconds that comes back right, all of it. */
#define EXPECT_DONE(text_, least, most) do {				\
	double began_ = now();						\
									\
	EXPECT_EQ((int)strlen(text_), say(self->fd, text_));		\
	EXPECT_LE(least, now() - began_);				\
	EXPECT_GE(most, now() - began_);				\
	EXPECT_HEAR(text_);						\
} while (0)

#define EXPECT_FAILS(err, most) do {					\
	double began_ = now();						\
									\
	EXPECT_EQ(-(err), say(self->fd, "x"));				\
	EXPECT_GE(most, now() - began_);				\
	EXPECT_HEAR("");						\
} while (0)

#define EXPECT_NO_RECOVERY() do {					\
	EXPECT_EQ(0, GREW("timeouts"));					\
	EXPECT_EQ(0, GREW("resets"));					\
	EXPECT_EQ(0, GREW("retries"));					\
	EXPECT_EQ(0, GREW("reset_failures"));				\
} while (0)

static double tick(double seconds)
{
	return seconds > slack() ? seconds - slack() : 0;
}

/* Lost inside the device */

FAULT_TEST(lost_interrupt_is_found_by_asking)
{
	ctl("lost");
	EXPECT_EQ(1, value("pending_lost"));
	EXPECT_DONE("lost", tick(LIMIT), LIMIT + 1 + SOON);
	EXPECT_EQ(0, value("pending_lost"));
	EXPECT_EQ(1, GREW("missed"));
	EXPECT_EQ(1, GREW("completed"));
	EXPECT_NO_RECOVERY();
	EXPECT_EQ(1, logged(self->log, "no interrupt came"));
	EXPECT_DONE("next", 0, SOON);
	EXPECT_EQ(1, GREW("missed"));
}

FAULT_TEST(lost_interrupt_at_any_phase)
{
	int phase;

	for (phase = 0; phase < 10; phase++) {
		usleep(101000 * phase);
		ctl("lost");
		EXPECT_DONE("lost", tick(LIMIT), LIMIT + 1 + SOON);
	}
	EXPECT_EQ(10, GREW("missed"));
	EXPECT_NO_RECOVERY();
}

/* The next in the queue starts at once, with all of its time. */
FAULT_TEST(lost_interrupt_with_others_queued)
{
	double began = now();
	int i;

	ctl("lost 3");
	fcntl(self->fd, F_SETFL, O_NONBLOCK);
	for (i = 0; i < 6; i++)
		EXPECT_EQ(1, say(self->fd, (char [2]) { 'a' + i }));
	fcntl(self->fd, F_SETFL, 0);
	for (i = 0; i < 6; i++)
		EXPECT_HEAR(((char [2]) { 'a' + i }));
	EXPECT_LE(tick(3 * LIMIT), now() - began);
	EXPECT_GE(3 * (LIMIT + 1) + SOON, now() - began);
	EXPECT_EQ(3, GREW("missed"));
	EXPECT_EQ(6, GREW("completed"));
	EXPECT_NO_RECOVERY();
}

/* One fault strikes an operation, in a fixed order. */
FAULT_TEST(lost_after_an_error)
{
	ctl("error\nlost");
	EXPECT_FAILS(EIO, SOON);
	EXPECT_EQ(1, value("pending_lost"));
	EXPECT_DONE("lost", tick(LIMIT), LIMIT + 1 + SOON);
	EXPECT_EQ(1, GREW("failed"));
	EXPECT_EQ(1, GREW("missed"));
}

FAULT_TEST(lost_interrupt_of_a_reset)
{
	ctl("hang\nreset-lost");
	EXPECT_EQ(1, value("pending_reset_lost"));
	EXPECT_DONE("hung", tick(LIMIT + 1), LIMIT + 1 + LIMIT + SOON);
	EXPECT_EQ(1, GREW("missed"));
	EXPECT_EQ(1, GREW("timeouts"));
	EXPECT_EQ(1, GREW("resets"));
	EXPECT_EQ(1, GREW("retries"));
	EXPECT_EQ(0, GREW("reset_failures"));
	EXPECT_EQ(1, GREW("completed"));
	EXPECT_EQ(1, logged(self->log, "no interrupt came"));
	EXPECT_DONE("next", 0, SOON);
}

FAULT_TEST(lost_interrupt_of_a_killed_writer)
{
	pid_t child;

	ctl("lost");
	child = fork();
	if (!child)
		_exit(say(self->fd, "x"));
	usleep(100000);
	kill(child, SIGKILL);
	exit_status(child);
	wait_idle();
	EXPECT_EQ(1, GREW("missed"));
	EXPECT_EQ(1, GREW("cancelled"));
	EXPECT_HEAR("");
	EXPECT_DONE("next", 0, SOON);
}

/* Lost outside of the device */

/* Put irq_swallow onto the device's line; false if it cannot be. */
static bool load_swallow(void)
{
	char line[256], params[32];
	FILE *file = fopen("/proc/interrupts", "r");
	int fd = open("/root/irq_swallow.ko", O_RDONLY | O_CLOEXEC), irq = 0, err;

	while (file && fgets(line, sizeof(line), file))
		if (strstr(line, "sim_dev.0"))
			irq = atoi(line);
	if (file)
		fclose(file);
	snprintf(params, sizeof(params), "irq=%d", irq);
	err = syscall(SYS_finit_module, fd, params, 0);
	close(fd);
	return !err;
}

static bool can_load(void)
{
	return !access("/root/irq_swallow.ko", R_OK);
}

FAULT_TEST(swallowed_interrupt_of_an_operation)
{
	int i;

	if (!can_load())
		SKIP(return, "there is no irq_swallow.ko");
	ASSERT_TRUE(load_swallow());
	EXPECT_EQ(0, put(SWALLOW "lose", "1"));
	EXPECT_DONE("lost", tick(LIMIT), LIMIT + 1 + SOON);
	EXPECT_EQ(1, GREW("missed"));
	EXPECT_NO_RECOVERY();
	for (i = 0; i < 10; i++)
		EXPECT_DONE("next", 0, SOON);
	EXPECT_EQ(11, GREW("completed"));
	EXPECT_TRUE(unload_swallow());
}

FAULT_TEST(swallowed_interrupt_of_a_reset)
{
	int i;

	if (!can_load())
		SKIP(return, "there is no irq_swallow.ko");
	ASSERT_TRUE(load_swallow());
	ctl("hang");
	EXPECT_EQ(0, put(SWALLOW "lose", "1"));
	EXPECT_DONE("hung", tick(LIMIT + 1), LIMIT + 1 + LIMIT + SOON);
	EXPECT_EQ(1, GREW("missed"));
	EXPECT_EQ(1, GREW("resets"));
	EXPECT_EQ(1, GREW("retries"));
	for (i = 0; i < 10; i++)
		EXPECT_DONE("next", 0, SOON);
	EXPECT_EQ(11, GREW("completed"));
	EXPECT_TRUE(unload_swallow());
}

/* All of them: slow, but nothing fails. */
FAULT_TEST(swallowed_interrupts_without_end)
{
	int i;

	if (!can_load())
		SKIP(return, "there is no irq_swallow.ko");
	ASSERT_TRUE(load_swallow());
	EXPECT_EQ(0, put(SWALLOW "lose", "1000000"));
	for (i = 0; i < 5; i++)
		EXPECT_DONE("lost", tick(LIMIT), LIMIT + 1 + SOON);
	EXPECT_EQ(5, GREW("missed"));
	EXPECT_NO_RECOVERY();
	EXPECT_EQ(0, put(SWALLOW "lose", "0"));
	EXPECT_DONE("next", 0, SOON);
	EXPECT_TRUE(unload_swallow());
}

/* Twice */

FAULT_TEST(duplicate_completion_is_late)
{
	ctl("duplicate");
	EXPECT_EQ(1, value("pending_duplicate"));
	EXPECT_DONE("twice", 0, SOON);
	usleep(50000);
	EXPECT_EQ(0, value("pending_duplicate"));
	EXPECT_EQ(1, GREW("late"));
	EXPECT_EQ(1, GREW("completed"));
	EXPECT_EQ(0, GREW("spurious"));
	EXPECT_NO_RECOVERY();
}

FAULT_TEST(duplicate_completions_end_nothing_else)
{
	int i;

	ctl("duplicate 20\nlatency 1");
	fcntl(self->fd, F_SETFL, O_NONBLOCK);
	for (i = 0; i < QUEUE_DEPTH; i++)
		EXPECT_EQ(1, say(self->fd, (char [2]) { 'a' + i }));
	fcntl(self->fd, F_SETFL, 0);
	for (i = 0; i < QUEUE_DEPTH; i++)
		EXPECT_HEAR(((char [2]) { 'a' + i }));
	wait_for("late", value_in(self->before, "late") + QUEUE_DEPTH);
	EXPECT_EQ(QUEUE_DEPTH, GREW("late"));
	EXPECT_EQ(QUEUE_DEPTH, GREW("completed"));
	EXPECT_EQ(20 - QUEUE_DEPTH, value("pending_duplicate"));
}

/* Gone */

FAULT_TEST(gone_while_idle)
{
	int i;

	ctl("gone");
	EXPECT_EQ(1, value("gone"));
	for (i = 0; i < 3; i++)
		EXPECT_FAILS(EIO, LIMIT + 1 + LIMIT + SOON);
	EXPECT_EQ(3, GREW("failed"));
	EXPECT_EQ(3, GREW("reset_failures"));
	EXPECT_EQ(0, GREW("retries"));
	EXPECT_EQ(0, GREW("missed"));
	ctl("revive");
	EXPECT_EQ(0, value("gone"));
	EXPECT_DONE("back", 0, SOON);
}

FAULT_TEST(gone_while_in_flight)
{
	double began = now();
	pid_t child;

	ctl("latency 500");
	child = fork();
	if (!child)
		_exit(say(self->fd, "x") != -EIO);
	usleep(100000);
	ctl("gone");
	EXPECT_EQ(0, exit_status(child));
	EXPECT_GE(LIMIT + 1 + LIMIT + SOON, now() - began);
	EXPECT_EQ(1, GREW("failed"));
	EXPECT_EQ(0, GREW("completed"));
	ctl("revive\nlatency 5");
	EXPECT_DONE("back", 0, SOON);
}

FAULT_TEST(gone_while_resetting)
{
	double began = now();
	pid_t child;

	ctl("hang\nreset-latency 900");
	child = fork();
	if (!child)
		_exit(say(self->fd, "x") != -EIO);
	while (value("resets") == value_in(self->before, "resets"))
		usleep(10000);
	ctl("gone");
	EXPECT_EQ(0, exit_status(child));
	EXPECT_GE(LIMIT + 1 + LIMIT + SOON, now() - began);
	EXPECT_EQ(1, GREW("failed"));
	EXPECT_EQ(1, GREW("reset_failures"));
	ctl("revive\nreset-latency 5");
	EXPECT_DONE("back", 0, SOON);
}

FAULT_TEST(gone_with_many_queued)
{
	double began = now();
	int i;

	fcntl(self->fd, F_SETFL, O_NONBLOCK);
	EXPECT_EQ(0, ctl("gone"));
	for (i = 0; i < 4; i++)
		EXPECT_EQ(1, say(self->fd, "x"));
	fcntl(self->fd, F_SETFL, 0);
	for (i = 0; i < 4; i++)
		EXPECT_EQ(-EIO, hear(self->fd, self->text, 10));
	EXPECT_GE(4 * (LIMIT + 1 + LIMIT) + SOON, now() - began);
	EXPECT_EQ(4, GREW("failed"));
	ctl("revive");
	EXPECT_DONE("back", 0, SOON);
}

/* What it would say of interrupts is all ones, and no cause. */
FAULT_TEST(gone_and_an_interrupt)
{
	ctl("gone\nstorm 100");
	usleep(200000);
	EXPECT_LE(1, GREW("spurious"));
	EXPECT_EQ(0, GREW("late"));
	EXPECT_FAILS(EIO, LIMIT + 1 + LIMIT + SOON);
	ctl("revive");
	EXPECT_DONE("back", 0, SOON);
}

FAULT_TEST(revived_before_the_time_is_up)
{
	pid_t child;

	ctl("latency 500");
	child = fork();
	if (!child)
		_exit(say(self->fd, "x") != 1);
	usleep(100000);
	ctl("gone");
	usleep(100000);
	ctl("revive\nlatency 5");
	EXPECT_EQ(0, exit_status(child));	/* by reset and retry */
	EXPECT_EQ(1, GREW("retries"));
	EXPECT_HEAR("x");
}

/* Storms */

FAULT_TEST(storm_ends_and_is_counted)
{
	ctl("storm 1000");
	EXPECT_TRUE(wait_for("pending_storm", 0));
	usleep(100000);
	EXPECT_LE(1, GREW("spurious"));
	EXPECT_GE(1000, GREW("spurious"));	/* interrupts may coalesce */
	EXPECT_EQ(0, GREW("late"));
	EXPECT_DONE("next", 0, SOON);
}

FAULT_TEST(requests_complete_in_a_storm)
{
	int i;

	ctl("latency 1\nstorm 100000");
	for (i = 0; i < 20; i++)
		EXPECT_DONE("x", 0, LIMIT + 1 + LIMIT + SOON);
	EXPECT_TRUE(wait_for("pending_storm", 0));
	EXPECT_EQ(20, GREW("completed"));
	EXPECT_LE(1, GREW("spurious"));
	EXPECT_EQ(0, GREW("failed"));
}

/* Bound while it is gone */

static int load(const char *module)
{
	int fd = open(module, O_RDONLY | O_CLOEXEC);
	int err = syscall(SYS_finit_module, fd, "", 0) ? errno : 0;

	close(fd);
	return err;
}

/* Without its node nobody can put the device back: the module makes another. */
FAULT_TEST(not_bound_while_gone)
{
	ctl("gone");
	ASSERT_EQ(0, put(DRIVER "unbind", "sim_dev.0"));
	EXPECT_EQ(ENODEV, put(DRIVER "bind", "sim_dev.0"));
	EXPECT_EQ(-1, open(NODE, O_RDWR));
	EXPECT_EQ(ENOENT, errno);
	close(self->fd);
	EXPECT_EQ(0, syscall(SYS_delete_module, "sim_dev", 0));
	ASSERT_EQ(0, load("/root/sim_dev.ko"));
	settings();
	self->fd = open(NODE, O_RDWR);
	ASSERT_GE(self->fd, 0);
	EXPECT_DONE("new", 0, SOON);
}

TEST_HARNESS_MAIN
