// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupts that are lost, doubled or come in storms, and a device that is gone:
 * each request ends within its limits, and the next one works.
 */
#include "sim.h"

#define SWALLOW		"/sys/module/irq_swallow/parameters/"
#define LIMIT		1	/* seconds, of an operation and of a reset */

/* Seconds for what does not wait for a tick: an operation, its start, polling the device. */
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
	unload_swallow();	/* an earlier test may have failed with it loaded */
	bind_device(0, false);
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

/* How often the kernel logged a text since the test began, or since the last call. */
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

/* Make a request: it must take @least to @most seconds, and its data must come back. */
#define EXPECT_DONE(text_, least, most) do {				\
	double began_ = now();						\
									\
	EXPECT_EQ((int)strlen(text_), write_str(self->fd, text_));		\
	EXPECT_LE(least, now() - began_);				\
	EXPECT_GE(most, now() - began_);				\
	EXPECT_READ(text_);						\
} while (0)

#define EXPECT_FAILS(err, most) do {					\
	double began_ = now();						\
									\
	EXPECT_EQ(-(err), write_str(self->fd, "x"));				\
	EXPECT_GE(most, now() - began_);				\
	EXPECT_READ("");						\
} while (0)

#define EXPECT_NO_RECOVERY() do {					\
	EXPECT_EQ(0, GREW("timeouts"));					\
	EXPECT_EQ(0, GREW("resets"));					\
	EXPECT_EQ(0, GREW("retries"));					\
	EXPECT_EQ(0, GREW("reset_failures"));				\
} while (0)

/* The least time in which a limit may expire: a late tick shortens the next second. */
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

/* Each queued request has its whole time limit, and starts as soon as its predecessor ends. */
FAULT_TEST(lost_interrupt_with_others_queued)
{
	double began = now();
	int i;

	ctl("lost 3");
	nonblock(self->fd, true);
	for (i = 0; i < 6; i++)
		EXPECT_EQ(1, write_str(self->fd, (char [2]) { 'a' + i }));
	nonblock(self->fd, false);
	for (i = 0; i < 6; i++)
		EXPECT_READ(((char [2]) { 'a' + i }));
	EXPECT_LE(tick(3 * LIMIT), now() - began);
	EXPECT_GE(3 * (LIMIT + 1) + SOON, now() - began);
	EXPECT_EQ(3, GREW("missed"));
	EXPECT_EQ(6, GREW("completed"));
	EXPECT_NO_RECOVERY();
}

/* One fault strikes an operation; "error" comes before "lost". */
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
	child = fork_write(self->fd, 1);
	usleep(100000);
	kill(child, SIGKILL);
	exit_status(child);
	wait_idle();
	EXPECT_EQ(1, GREW("missed"));
	EXPECT_EQ(1, GREW("cancelled"));
	EXPECT_READ("");
	EXPECT_DONE("next", 0, SOON);
}

/* Lost outside the device, by the module irq_swallow */

/* Have irq_swallow share the device's interrupt line; false if it cannot be loaded. */
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

/* Requests are slow, but none fails. */
FAULT_TEST(all_interrupts_swallowed)
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

FAULT_TEST(duplicate_completions_end_no_other_request)
{
	int i;

	ctl("duplicate 20\nlatency 1");
	nonblock(self->fd, true);
	for (i = 0; i < QUEUE_DEPTH; i++)
		EXPECT_EQ(1, write_str(self->fd, (char [2]) { 'a' + i }));
	nonblock(self->fd, false);
	for (i = 0; i < QUEUE_DEPTH; i++)
		EXPECT_READ(((char [2]) { 'a' + i }));
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

/* The device is gone now: the child's write, begun at @began, fails within its limits. */
#define EXPECT_GONE(child, began) do {					\
	ctl("gone");							\
	EXPECT_EQ(0, exit_status(child));				\
	EXPECT_GE(LIMIT + 1 + LIMIT + SOON, now() - (began));		\
	EXPECT_EQ(1, GREW("failed"));					\
} while (0)

FAULT_TEST(gone_while_in_flight)
{
	double began = now();
	pid_t child;

	ctl("latency 500");
	child = fork_write(self->fd, -EIO);
	usleep(100000);
	EXPECT_GONE(child, began);
	EXPECT_EQ(0, GREW("completed"));
	ctl("revive\nlatency 5");
	EXPECT_DONE("back", 0, SOON);
}

FAULT_TEST(gone_while_resetting)
{
	double began = now();
	pid_t child;

	ctl("hang\nreset-latency 900");
	child = fork_write(self->fd, -EIO);
	while (value("resets") == value_in(self->before, "resets"))
		usleep(10000);
	EXPECT_GONE(child, began);
	EXPECT_EQ(1, GREW("reset_failures"));
	ctl("revive\nreset-latency 5");
	EXPECT_DONE("back", 0, SOON);
}

FAULT_TEST(gone_with_many_queued)
{
	double began = now();
	int i;

	nonblock(self->fd, true);
	EXPECT_EQ(0, ctl("gone"));
	for (i = 0; i < 4; i++)
		EXPECT_EQ(1, write_str(self->fd, "x"));
	nonblock(self->fd, false);
	for (i = 0; i < 4; i++)
		EXPECT_EQ(-EIO, read_str(self->fd, self->text, 10));
	EXPECT_GE(4 * (LIMIT + 1 + LIMIT) + SOON, now() - began);
	EXPECT_EQ(4, GREW("failed"));
	ctl("revive");
	EXPECT_DONE("back", 0, SOON);
}

/* The cause register of a device that is gone reads all ones, which is no cause. */
FAULT_TEST(interrupts_while_gone)
{
	ctl("gone\nstorm 100");
	usleep(200000);
	EXPECT_LE(1, GREW("spurious"));
	EXPECT_EQ(0, GREW("late"));
	EXPECT_FAILS(EIO, LIMIT + 1 + LIMIT + SOON);
	ctl("revive");
	EXPECT_DONE("back", 0, SOON);
}

FAULT_TEST(revived_within_the_limit)
{
	pid_t child;

	ctl("latency 500");
	child = fork_write(self->fd, 1);
	usleep(100000);
	ctl("gone");
	usleep(100000);
	ctl("revive\nlatency 5");
	EXPECT_EQ(0, exit_status(child));	/* after a reset and a retry */
	EXPECT_EQ(1, GREW("retries"));
	EXPECT_READ("x");
}

/* Storms */

FAULT_TEST(storm_is_counted_and_ends)
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

/* Without its node nobody can revive the device. Loading the module again makes a new one. */
FAULT_TEST(not_bound_while_gone)
{
	ctl("gone");
	ASSERT_EQ(0, bind_device(0, false));
	EXPECT_EQ(ENODEV, bind_device(0, true));
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
