// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of the driver, from inside: its own functions, on the real silicon and
 * the real heartbeat. Signals, files and nodes are tested from outside, by
 * tests/system.c.
 */
#define OWN_COPY sim_dev_test
#include "own_copy.h"

#include <kunit/test.h>
#include <linux/delay.h>
#include <linux/init.h>
#include <linux/module.h>

/*
 * The suite calls the driver's init and exit itself, and before this module is
 * known to sysfs (up to 6.5 or so), so it must not be the driver's owner.
 */
#undef THIS_MODULE
#define THIS_MODULE ((struct module *)NULL)
#undef __init
#define __init
#undef __exit
#define __exit
#undef module_init
#define module_init(fn)
#undef module_exit
#define module_exit(fn)

#include "sim_dev_sources.h"

static bool virtual;
module_param(virtual, bool, 0444);
MODULE_PARM_DESC(virtual, "time is virtual: demand exact times");

#define TIMEOUT		1
#define RESET_TIMEOUT	1

/* An open file of device 0, and the device's statistics when the test began. */
struct fixture {
	struct sim_dev *sim;
	struct sim_file *file;
	struct file filp;
	struct sim_dev_stats before;
};

static struct sim_dev *device(unsigned int nr)
{
	return dev_get_drvdata(&sim_main_devs[nr].pdev->dev);
}

/* How much a statistic grew since the test began. */
#define GREW(fx, name)							\
	(sim_ctl_look((fx)->sim).stats.name - (fx)->before.name)

static void expect_identity(struct kunit *test, struct sim_dev *sim)
{
	struct sim_ctl_snapshot now = sim_ctl_look(sim);

	KUNIT_EXPECT_EQ(test, now.stats.submitted,
			now.stats.completed + now.stats.failed +
			now.stats.cancelled + now.outstanding);
}

static void open_file(struct kunit *test, struct fixture *fx)
{
	fx->file = sim_file_alloc(fx->sim, true);
	KUNIT_ASSERT_NOT_NULL(test, fx->file);
	fx->filp.private_data = fx->file;
}

/* A file of any device, which the test closes by sim_file_free(). */
static struct fixture *open_another(struct kunit *test, struct sim_dev *sim)
{
	struct fixture *fx = kunit_kzalloc(test, sizeof(*fx), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, fx);
	fx->sim = sim;
	fx->before = sim_ctl_look(sim).stats;
	open_file(test, fx);
	return fx;
}

static void wait_until_idle(struct sim_dev *sim)
{
	unsigned long give_up = jiffies + 60 * HZ;

	while (READ_ONCE(sim->outstanding) && time_before(jiffies, give_up))
		msleep(20);
}

static int open_device(struct kunit *test)
{
	struct fixture *fx = kunit_kzalloc(test, sizeof(*fx), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, fx);
	fx->sim = device(0);
	KUNIT_ASSERT_NOT_NULL(test, fx->sim);
	kref_get(&fx->sim->ref);	/* as an open node does */
	open_file(test, fx);
	fx->before = sim_ctl_look(fx->sim).stats;
	fx->sim->max_retries = 3;
	fx->sim->slot.timeout.limit = TIMEOUT;
	fx->sim->slot.timeout.reset_limit = RESET_TIMEOUT;
	test->priv = fx;
	return 0;
}

static void close_device(struct kunit *test)
{
	struct fixture *fx = test->priv;
	struct sim_hw *hw = sim_main_devs[0].hw;

	if (!fx || !fx->file)
		return;
	sim_hw_clear(hw);
	sim_hw_set_dead(hw, false);
	sim_hw_set_ms(hw, SIM_HW_LATENCY, 5);
	sim_hw_set_ms(hw, SIM_HW_RESET_LATENCY, 5);
	sim_file_free(fx->file);
	wait_until_idle(fx->sim);
	KUNIT_EXPECT_EQ(test, fx->sim->outstanding, 0u);
	KUNIT_EXPECT_EQ(test, fx->sim->slot.timeout.counter, -1);
	expect_identity(test, fx->sim);
	sim_dev_put(fx->sim);
}

static ssize_t do_write(struct fixture *fx, const void *data, size_t len,
			bool nonblock)
{
	struct kvec vec = { (void *)data, len };
	struct kiocb iocb = { .ki_filp = &fx->filp };
	struct iov_iter iter;

	fx->filp.f_flags = nonblock ? O_NONBLOCK : 0;
	iov_iter_kvec(&iter, WRITE, &vec, 1, len);
	return sim_file_write_iter(&iocb, &iter);
}

static ssize_t do_read(struct fixture *fx, void *data, size_t len, bool nonblock)
{
	struct kvec vec = { data, len };
	struct kiocb iocb = { .ki_filp = &fx->filp };
	struct iov_iter iter;

	fx->filp.f_flags = nonblock ? O_NONBLOCK : 0;
	iov_iter_kvec(&iter, READ, &vec, 1, len);
	return sim_file_read_iter(&iocb, &iter);
}

static bool polls(struct fixture *fx, __poll_t mask)
{
	return sim_file_poll(&fx->filp, NULL) == mask;
}

static ssize_t write_text(struct fixture *fx, const char *text)
{
	return do_write(fx, text, strlen(text), false);
}

static ssize_t queue_text(struct fixture *fx, const char *text)
{
	return do_write(fx, text, strlen(text), true);
}

static void expect_read(struct kunit *test, const char *text)
{
	struct fixture *fx = test->priv;
	char back[64] = "";

	KUNIT_EXPECT_EQ(test, do_read(fx, back, sizeof(back), false),
			(ssize_t)strlen(text));
	KUNIT_EXPECT_STREQ(test, back, text);
}

static int command(struct fixture *fx, const char *text)
{
	char line[SIM_CTL_MAX_LINE + 1];

	strscpy(line, text, sizeof(line));
	return sim_ctl_line(fx->sim->hw, line);
}

/* Requests that go well */

static void request_loops_data_back(struct kunit *test)
{
	struct fixture *fx = test->priv;

	KUNIT_EXPECT_EQ(test, write_text(fx, "hello"), 5);
	expect_read(test, "hello");
	KUNIT_EXPECT_EQ(test, GREW(fx, completed), 1ull);
	KUNIT_EXPECT_EQ(test, GREW(fx, timeouts), 0ull);
}

static void results_come_in_order(struct kunit *test)
{
	struct fixture *fx = test->priv;

	KUNIT_EXPECT_EQ(test, queue_text(fx, "one"), 3);
	KUNIT_EXPECT_EQ(test, queue_text(fx, "two"), 3);
	KUNIT_EXPECT_EQ(test, write_text(fx, "three"), 5);
	KUNIT_EXPECT_EQ(test, queue_text(fx, "four"), 4);
	expect_read(test, "one");
	expect_read(test, "two");
	expect_read(test, "three");
	expect_read(test, "four");
	expect_read(test, "");	/* nothing is outstanding */
}

static void a_short_buffer_gets_the_rest_next(struct kunit *test)
{
	struct fixture *fx = test->priv;
	char back[8] = "";

	write_text(fx, "abcdef");
	write_text(fx, "gh");
	KUNIT_EXPECT_EQ(test, do_read(fx, back, 4, false), 4);
	KUNIT_EXPECT_EQ(test, memcmp(back, "abcd", 4), 0);
	KUNIT_EXPECT_EQ(test, do_read(fx, back, 4, false), 2);
	KUNIT_EXPECT_EQ(test, memcmp(back, "ef", 2), 0);
	expect_read(test, "gh");
}

static void sizes_are_checked(struct kunit *test)
{
	struct fixture *fx = test->priv;
	u8 *data = kunit_kzalloc(test, 4097, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, data);
	KUNIT_EXPECT_EQ(test, do_write(fx, data, 4097, false), -EMSGSIZE);
	KUNIT_EXPECT_EQ(test, do_write(fx, data, 0, false), 0);
	KUNIT_EXPECT_EQ(test, GREW(fx, submitted), 0ull);
	KUNIT_EXPECT_EQ(test, do_write(fx, data, 4096, false), 4096);
	KUNIT_EXPECT_EQ(test, do_write(fx, data, 1, false), 1);
	KUNIT_EXPECT_EQ(test, GREW(fx, completed), 2ull);
}

static void nonblocking_read_waits_for_nothing(struct kunit *test)
{
	struct fixture *fx = test->priv;
	char back[8];

	KUNIT_EXPECT_EQ(test, do_read(fx, back, 8, true), 0);
	sim_hw_set_ms(fx->sim->hw, SIM_HW_LATENCY, 800);
	queue_text(fx, "x");
	KUNIT_EXPECT_EQ(test, do_read(fx, back, 8, true), -EAGAIN);
	wait_until_idle(fx->sim);
	KUNIT_EXPECT_EQ(test, do_read(fx, back, 8, true), 1);
	KUNIT_EXPECT_EQ(test, do_read(fx, back, 8, true), 0);
}

static void a_full_queue_says_eagain(struct kunit *test)
{
	struct fixture *fx = test->priv;
	unsigned int i;

	sim_hw_set_ms(fx->sim->hw, SIM_HW_LATENCY, 800);
	for (i = 0; i < sim_param_queue_depth.value; i++)
		KUNIT_EXPECT_EQ(test, queue_text(fx, "x"), 1);
	KUNIT_EXPECT_EQ(test, queue_text(fx, "x"), -EAGAIN);
	KUNIT_EXPECT_TRUE(test, polls(fx, 0));
	KUNIT_EXPECT_EQ(test, GREW(fx, submitted), 0ull + i);
	sim_hw_set_ms(fx->sim->hw, SIM_HW_LATENCY, 5);
	KUNIT_EXPECT_EQ(test, write_text(fx, "y"), 1);	/* waits for room */
}

static void sixty_four_unread_results_say_enobufs(struct kunit *test)
{
	struct fixture *fx = test->priv;
	unsigned int i;

	sim_hw_set_ms(fx->sim->hw, SIM_HW_LATENCY, 0);
	for (i = 0; i < SIM_FILE_MAX_RESULTS; i++)
		KUNIT_EXPECT_EQ(test, write_text(fx, "x"), 1);
	KUNIT_EXPECT_EQ(test, write_text(fx, "x"), -ENOBUFS);
	KUNIT_EXPECT_EQ(test, queue_text(fx, "x"), -ENOBUFS);
	expect_read(test, "x");
	KUNIT_EXPECT_EQ(test, write_text(fx, "x"), 1);
}

static void poll_tells_both_directions(struct kunit *test)
{
	struct fixture *fx = test->priv;
	const __poll_t in = EPOLLIN | EPOLLRDNORM;
	const __poll_t out = EPOLLOUT | EPOLLWRNORM;

	KUNIT_EXPECT_TRUE(test, polls(fx, in | out));	/* read() returns 0 */
	sim_hw_set_ms(fx->sim->hw, SIM_HW_LATENCY, 800);
	queue_text(fx, "x");
	KUNIT_EXPECT_TRUE(test, polls(fx, out));
	wait_until_idle(fx->sim);
	KUNIT_EXPECT_TRUE(test, polls(fx, in | out));
	expect_read(test, "x");
	KUNIT_EXPECT_TRUE(test, polls(fx, in | out));
	fx->file->keeps_results = false;		/* opened for writing */
	KUNIT_EXPECT_TRUE(test, polls(fx, out));
}

/* Requests that do not */

static void hang_is_reset_and_retried(struct kunit *test)
{
	struct fixture *fx = test->priv;
	ktime_t began = ktime_get();
	s64 ms;

	command(fx, "hang");
	KUNIT_EXPECT_EQ(test, write_text(fx, "again"), 5);
	ms = ktime_ms_delta(ktime_get(), began);
	expect_read(test, "again");
	KUNIT_EXPECT_GT(test, ms, TIMEOUT * 1000ll);
	if (virtual)	/* + reset, retry, interrupts */
		KUNIT_EXPECT_LE(test, ms, TIMEOUT * 1000ll + 1000 + 50);
	KUNIT_EXPECT_EQ(test, GREW(fx, timeouts), 1ull);
	KUNIT_EXPECT_EQ(test, GREW(fx, resets), 1ull);
	KUNIT_EXPECT_EQ(test, GREW(fx, retries), 1ull);
	KUNIT_EXPECT_EQ(test, GREW(fx, completed), 1ull);
	KUNIT_EXPECT_EQ(test, GREW(fx, failed), 0ull);
}

static void a_hung_reset_fails_with_eio(struct kunit *test)
{
	struct fixture *fx = test->priv;

	command(fx, "hang");
	command(fx, "reset-hang");
	KUNIT_EXPECT_EQ(test, write_text(fx, "x"), -EIO);
	KUNIT_EXPECT_EQ(test, GREW(fx, reset_failures), 1ull);
	KUNIT_EXPECT_EQ(test, GREW(fx, retries), 0ull);
	KUNIT_EXPECT_EQ(test, GREW(fx, failed), 1ull);
	KUNIT_EXPECT_EQ(test, write_text(fx, "y"), 1);
	expect_read(test, "y");	/* and no result of x before it */
}

static void retries_run_out(struct kunit *test)
{
	struct fixture *fx = test->priv;

	fx->sim->max_retries = 1;
	command(fx, "hang 100");
	KUNIT_EXPECT_EQ(test, write_text(fx, "x"), -ETIMEDOUT);
	KUNIT_EXPECT_EQ(test, GREW(fx, timeouts), 2ull);
	KUNIT_EXPECT_EQ(test, GREW(fx, resets), 2ull);
	KUNIT_EXPECT_EQ(test, GREW(fx, retries), 1ull);
	command(fx, "clear");
	KUNIT_EXPECT_EQ(test, write_text(fx, "y"), 1);
}

static void no_retries_means_none(struct kunit *test)
{
	struct fixture *fx = test->priv;

	fx->sim->max_retries = 0;
	command(fx, "hang");
	KUNIT_EXPECT_EQ(test, write_text(fx, "x"), -ETIMEDOUT);
	KUNIT_EXPECT_EQ(test, GREW(fx, retries), 0ull);
}

static void a_device_error_is_eio(struct kunit *test)
{
	struct fixture *fx = test->priv;

	command(fx, "error");
	KUNIT_EXPECT_EQ(test, write_text(fx, "x"), -EIO);
	KUNIT_EXPECT_EQ(test, GREW(fx, timeouts), 0ull);
	KUNIT_EXPECT_EQ(test, write_text(fx, "y"), 1);
}

static void a_late_interrupt_during_the_reset_is_ignored(struct kunit *test)
{
	struct fixture *fx = test->priv;

	/* found out at 1 to 2 s; the reset lasts until 2.9 to 3.9 s */
	fx->sim->slot.timeout.reset_limit = 4;
	command(fx, "late 2400");
	command(fx, "reset-latency 1900");
	KUNIT_EXPECT_EQ(test, write_text(fx, "mine"), 4);
	expect_read(test, "mine");
	KUNIT_EXPECT_EQ(test, GREW(fx, late), 1ull);
	KUNIT_EXPECT_EQ(test, GREW(fx, resets), 1ull);
	KUNIT_EXPECT_EQ(test, GREW(fx, completed), 1ull);
	KUNIT_EXPECT_EQ(test, GREW(fx, spurious), 0ull);
}

static void a_late_interrupt_during_the_retry_is_ignored(struct kunit *test)
{
	struct fixture *fx = test->priv;
	ktime_t began = ktime_get();

	/* retried at 1 to 2 s, with 4 s until its own interrupt */
	fx->sim->slot.timeout.limit = 1;
	command(fx, "late 2500");
	command(fx, "hang 0");		/* refused, changes nothing */
	fx->sim->slot.timeout.reset_limit = 2;
	KUNIT_EXPECT_EQ(test, queue_text(fx, "first"), 5);
	fx->sim->slot.timeout.limit = 10;
	command(fx, "latency 4000");
	KUNIT_EXPECT_EQ(test, queue_text(fx, "second"), 6);
	expect_read(test, "first");
	KUNIT_EXPECT_GT(test, ktime_ms_delta(ktime_get(), began), 5000ll);
	KUNIT_EXPECT_EQ(test, GREW(fx, late), 1ull);
	KUNIT_EXPECT_EQ(test, GREW(fx, retries), 1ull);
	command(fx, "latency 5");
	expect_read(test, "second");
	KUNIT_EXPECT_EQ(test, GREW(fx, completed), 2ull);
}

static void spurious_interrupts_change_nothing(struct kunit *test)
{
	struct fixture *fx = test->priv;

	command(fx, "spurious 10");
	msleep(virtual ? 200 : 500);
	KUNIT_EXPECT_EQ(test, GREW(fx, spurious), 10ull);
	KUNIT_EXPECT_EQ(test, GREW(fx, late), 0ull);
	command(fx, "spurious 10");
	KUNIT_EXPECT_EQ(test, write_text(fx, "x"), 1);
	KUNIT_EXPECT_EQ(test, GREW(fx, completed), 1ull);
	msleep(virtual ? 200 : 500);
}

static void a_slow_reset_after_the_failure_is_spurious(struct kunit *test)
{
	struct fixture *fx = test->priv;

	command(fx, "hang");
	command(fx, "reset-latency 3000");
	KUNIT_EXPECT_EQ(test, write_text(fx, "x"), -EIO);
	msleep(2500);
	KUNIT_EXPECT_EQ(test, GREW(fx, spurious), 1ull);
	KUNIT_EXPECT_EQ(test, write_text(fx, "y"), 1);
}

static void a_failure_is_read_at_its_turn(struct kunit *test)
{
	struct fixture *fx = test->priv;
	char back[8];

	command(fx, "latency 20");
	queue_text(fx, "a");
	command(fx, "error");
	queue_text(fx, "b");
	queue_text(fx, "c");
	expect_read(test, "a");
	KUNIT_EXPECT_EQ(test, do_read(fx, back, 8, false), -EIO);
	expect_read(test, "c");
}

static void dead_and_revived(struct kunit *test)
{
	struct fixture *fx = test->priv;

	command(fx, "dead");
	KUNIT_EXPECT_EQ(test, write_text(fx, "x"), -EIO);
	KUNIT_EXPECT_EQ(test, write_text(fx, "x"), -EIO);
	command(fx, "revive");
	KUNIT_EXPECT_EQ(test, write_text(fx, "y"), 1);
	KUNIT_EXPECT_EQ(test, GREW(fx, reset_failures), 2ull);
}

/* The contract: after more than limit, and at most limit + 1 seconds. */
static void expect_found_in_time(struct kunit *test, ktime_t began)
{
	s64 ms = ktime_ms_delta(ktime_get(), began);

	KUNIT_EXPECT_GE(test, ms, TIMEOUT * 1000ll);
	if (virtual)
		KUNIT_EXPECT_LE(test, ms, TIMEOUT * 1000ll + 1000 + 20);
}

static void a_lost_interrupt_is_asked_for(struct kunit *test)
{
	struct fixture *fx = test->priv;
	ktime_t began = ktime_get();

	command(fx, "lost");
	KUNIT_EXPECT_EQ(test, write_text(fx, "quiet"), 5);
	expect_found_in_time(test, began);
	expect_read(test, "quiet");
	KUNIT_EXPECT_EQ(test, GREW(fx, missed), 1ull);
	KUNIT_EXPECT_EQ(test, GREW(fx, timeouts), 0ull);
	KUNIT_EXPECT_EQ(test, GREW(fx, resets), 0ull);
	KUNIT_EXPECT_EQ(test, GREW(fx, completed), 1ull);
	KUNIT_EXPECT_EQ(test, GREW(fx, spurious), 0ull);
	began = ktime_get();
	KUNIT_EXPECT_EQ(test, write_text(fx, "next"), 4);
	KUNIT_EXPECT_LT(test, ktime_ms_delta(ktime_get(), began), 1000ll);
}

/* What it completes may start the next one, which has had no second yet. */
static void after_asking_the_next_has_all_its_time(struct kunit *test)
{
	struct fixture *fx = test->priv;

	command(fx, "lost");
	queue_text(fx, "lost");
	command(fx, "hang");
	queue_text(fx, "hangs");
	while (!GREW(fx, missed))
		usleep_range(500, 1000);
	KUNIT_EXPECT_EQ(test, fx->sim->slot.timeout.counter, TIMEOUT + 1);
	wait_until_idle(fx->sim);
	expect_read(test, "lost");
	expect_read(test, "hangs");
}

static void the_resets_interrupt_is_asked_for_too(struct kunit *test)
{
	struct fixture *fx = test->priv;

	command(fx, "hang");
	command(fx, "reset-lost");
	KUNIT_EXPECT_EQ(test, write_text(fx, "again"), 5);
	expect_read(test, "again");
	KUNIT_EXPECT_EQ(test, GREW(fx, missed), 1ull);
	KUNIT_EXPECT_EQ(test, GREW(fx, timeouts), 1ull);
	KUNIT_EXPECT_EQ(test, GREW(fx, resets), 1ull);
	KUNIT_EXPECT_EQ(test, GREW(fx, retries), 1ull);
	KUNIT_EXPECT_EQ(test, GREW(fx, reset_failures), 0ull);
}

static void a_duplicate_is_late(struct kunit *test)
{
	struct fixture *fx = test->priv;

	command(fx, "duplicate");
	queue_text(fx, "one");
	KUNIT_EXPECT_EQ(test, write_text(fx, "two"), 3);
	expect_read(test, "one");
	expect_read(test, "two");
	KUNIT_EXPECT_EQ(test, GREW(fx, late), 1ull);
	KUNIT_EXPECT_EQ(test, GREW(fx, completed), 2ull);
}

static void a_storm_changes_nothing(struct kunit *test)
{
	struct fixture *fx = test->priv;

	command(fx, "storm 10000");
	KUNIT_EXPECT_EQ(test, write_text(fx, "x"), 1);
	msleep(virtual ? 200 : 1000);
	/* One may come together with the operation's. */
	KUNIT_EXPECT_GE(test, GREW(fx, spurious), 9999ull);
	KUNIT_EXPECT_EQ(test, GREW(fx, completed), 1ull);
	KUNIT_EXPECT_EQ(test, GREW(fx, timeouts), 0ull);
}

static void gone_fails_with_eio(struct kunit *test)
{
	struct fixture *fx = test->priv;

	command(fx, "latency 500");
	queue_text(fx, "x");
	command(fx, "gone");
	KUNIT_EXPECT_EQ(test, write_text(fx, "y"), -EIO);
	KUNIT_EXPECT_EQ(test, GREW(fx, reset_failures), 2ull);
	KUNIT_EXPECT_EQ(test, GREW(fx, missed), 0ull);
	KUNIT_EXPECT_EQ(test, GREW(fx, failed), 2ull);
	command(fx, "revive");
	KUNIT_EXPECT_EQ(test, write_text(fx, "z"), 1);
}

/* An interrupt of a device that is gone says nothing: no operation or reset is over. */
static void all_ones_are_no_cause(struct kunit *test)
{
	struct fixture *fx = test->priv;

	command(fx, "gone");
	queue_text(fx, "x");
	command(fx, "spurious");
	msleep(20);
	KUNIT_EXPECT_EQ(test, GREW(fx, spurious), 1ull);
	while (!GREW(fx, timeouts))
		msleep(20);
	command(fx, "storm 1");
	wait_until_idle(fx->sim);
	KUNIT_EXPECT_EQ(test, GREW(fx, spurious), 2ull);
	KUNIT_EXPECT_EQ(test, GREW(fx, retries), 0ull);
	KUNIT_EXPECT_EQ(test, GREW(fx, failed), 1ull);
	command(fx, "revive");
	KUNIT_EXPECT_EQ(test, write_text(fx, "y"), 1);
}

static void a_gone_device_is_not_bound(struct kunit *test)
{
	struct fixture *fx = test->priv;
	struct device *dev = fx->sim->dev;

	command(fx, "gone");
	device_release_driver(dev);
	KUNIT_EXPECT_NE(test, device_attach(dev), 1);
	KUNIT_EXPECT_NULL(test, dev->driver);
	command(fx, "revive");
	KUNIT_EXPECT_EQ(test, device_attach(dev), 1);
}

static bool timer_is_enabled(struct fixture *fx)
{
	return iotimer_enabled(fx->sim->timer);
}

static void an_idle_device_rests(struct kunit *test)
{
	struct fixture *fx = test->priv;
	int i;

	for (i = 0; i < 3; i++) {
		msleep(2000);
		KUNIT_EXPECT_FALSE(test, timer_is_enabled(fx));
		sim_hw_set_ms(fx->sim->hw, SIM_HW_LATENCY, 500);
		queue_text(fx, "x");
		KUNIT_EXPECT_TRUE(test, timer_is_enabled(fx));
		sim_hw_set_ms(fx->sim->hw, SIM_HW_LATENCY, 5);
		wait_until_idle(fx->sim);
	}
}

static void after_a_rest_time_is_as_exact(struct kunit *test)
{
	struct fixture *fx = test->priv;
	unsigned int phase;

	for (phase = 0; phase < 1000; phase += 230) {
		ktime_t began;

		msleep(2000 + phase);
		KUNIT_EXPECT_FALSE(test, timer_is_enabled(fx));
		command(fx, "hang");
		began = ktime_get();
		KUNIT_EXPECT_EQ(test, write_text(fx, "x"), 1);
		expect_found_in_time(test, began);
	}
	KUNIT_EXPECT_EQ(test, GREW(fx, timeouts), 5ull);
}

static void devices_are_independent(struct kunit *test)
{
	struct fixture *fx = test->priv;
	struct fixture *fx2 = open_another(test, device(1));
	int i;

	command(fx, "hang");
	queue_text(fx, "stuck");
	for (i = 0; i < 20; i++)
		KUNIT_EXPECT_EQ(test, write_text(fx2, "x"), 1);
	KUNIT_EXPECT_EQ(test, GREW(fx2, completed), 20ull);
	KUNIT_EXPECT_EQ(test, GREW(fx2, timeouts), 0ull);
	expect_read(test, "stuck");
	KUNIT_EXPECT_EQ(test, GREW(fx, timeouts), 1ull);
	sim_file_free(fx2->file);
}

/* Requests that nobody waits for any more */

static void closing_cancels_what_is_queued(struct kunit *test)
{
	struct fixture *fx = test->priv;

	command(fx, "latency 800");
	queue_text(fx, "in flight");
	queue_text(fx, "queued");
	queue_text(fx, "queued");
	sim_file_free(fx->file);
	KUNIT_EXPECT_EQ(test, GREW(fx, cancelled), 2ull);
	expect_identity(test, fx->sim);
	wait_until_idle(fx->sim);
	KUNIT_EXPECT_EQ(test, GREW(fx, cancelled), 3ull);
	KUNIT_EXPECT_EQ(test, GREW(fx, completed), 0ull);
	open_file(test, fx);
}

static void closing_during_the_reset(struct kunit *test)
{
	struct fixture *fx = test->priv;

	fx->sim->slot.timeout.reset_limit = 3;
	command(fx, "hang");
	command(fx, "reset-latency 1500");
	queue_text(fx, "x");
	while (!GREW(fx, resets))
		msleep(20);
	sim_file_free(fx->file);
	wait_until_idle(fx->sim);
	KUNIT_EXPECT_EQ(test, GREW(fx, retries), 0ull);	/* nobody wants it */
	KUNIT_EXPECT_EQ(test, GREW(fx, cancelled), 1ull);
	open_file(test, fx);
	KUNIT_EXPECT_EQ(test, write_text(fx, "next"), 4);
}

static void unbinding_fails_everything(struct kunit *test)
{
	struct fixture *fx = test->priv;
	struct device *dev = fx->sim->dev;
	char back[8];

	command(fx, "hang");
	queue_text(fx, "in flight");
	queue_text(fx, "queued");
	device_release_driver(dev);
	KUNIT_EXPECT_EQ(test, fx->sim->stats.failed - fx->before.failed, 2ull);
	expect_identity(test, fx->sim);
	KUNIT_EXPECT_EQ(test, queue_text(fx, "x"), -ENODEV);
	KUNIT_EXPECT_EQ(test, do_read(fx, back, 8, false), -ENODEV);
	KUNIT_EXPECT_TRUE(test, polls(fx, EPOLLERR | EPOLLHUP));
	KUNIT_EXPECT_EQ(test, device_attach(dev), 1);
	KUNIT_EXPECT_PTR_NE(test, device(0), fx->sim);
}

/* The reset has failed, the work item has yet to run, the device goes. */
static void unbinding_with_the_failure_under_way(struct kunit *test)
{
	struct fixture *fx = test->priv;
	struct device *dev = fx->sim->dev;

	command(fx, "hang");
	command(fx, "reset-hang");
	queue_text(fx, "x");
	while (!GREW(fx, reset_failures))
		usleep_range(500, 1000);
	device_release_driver(dev);
	KUNIT_EXPECT_EQ(test, fx->sim->stats.failed - fx->before.failed, 1ull);
	sim_dev_failed(&fx->sim->slot.failed_work);	/* comes too late */
	KUNIT_EXPECT_EQ(test, fx->sim->stats.failed - fx->before.failed, 1ull);
	KUNIT_EXPECT_EQ(test, device_attach(dev), 1);
}

static void bound_again_ignores_the_old_operations(struct kunit *test)
{
	struct fixture *fx = test->priv, *fx2;
	struct device *dev = fx->sim->dev;

	command(fx, "latency 300");
	queue_text(fx, "old");
	msleep(50);
	device_release_driver(dev);
	msleep(virtual ? 400 : 1000);	/* its interrupt comes to nobody */
	KUNIT_EXPECT_EQ(test, device_attach(dev), 1);
	fx2 = open_another(test, device(0));
	KUNIT_EXPECT_EQ(test, write_text(fx2, "new"), 3);
	KUNIT_EXPECT_EQ(test, GREW(fx2, completed), 1ull);
	KUNIT_EXPECT_EQ(test, GREW(fx2, timeouts), 0ull);
	sim_file_free(fx2->file);
}

/* An operation of the former binding ends when the new one has one in flight. */
static void bound_again_takes_no_old_end_for_its_own(struct kunit *test)
{
	struct fixture *fx = test->priv, *fx1, *fx2;
	struct device *dev = fx->sim->dev;

	/* Both the old and the new one are the first of their binding. */
	device_release_driver(dev);
	KUNIT_EXPECT_EQ(test, device_attach(dev), 1);
	fx1 = open_another(test, device(0));
	kref_get(&fx1->sim->ref);
	command(fx, "late 500");
	queue_text(fx1, "old");
	device_release_driver(dev);
	sim_file_free(fx1->file);
	sim_dev_put(fx1->sim);
	KUNIT_EXPECT_EQ(test, device_attach(dev), 1);
	fx2 = open_another(test, device(0));
	sim_hw_set_ms(fx2->sim->hw, SIM_HW_LATENCY, 2000);
	KUNIT_EXPECT_EQ(test, queue_text(fx2, "new"), 3);
	msleep(1000);
	KUNIT_EXPECT_EQ(test, GREW(fx2, completed), 0ull);
	KUNIT_EXPECT_EQ(test, GREW(fx2, late), 1ull);
	wait_until_idle(fx2->sim);
	KUNIT_EXPECT_EQ(test, GREW(fx2, completed), 1ull);
	sim_file_free(fx2->file);
}

/* Asynchronous requests */

struct async {
	struct kiocb iocb;
	struct sim_dev *sim;
	struct completion completed;
	unsigned int times;
	long result;
	bool locked;
};

static void async_completed(struct kiocb *iocb, long result)
{
	struct async *async = container_of(iocb, struct async, iocb);
	unsigned long flags;

	/* Would hang if it were called under the lock. */
	if (spin_trylock_irqsave(&async->sim->lock, flags))
		spin_unlock_irqrestore(&async->sim->lock, flags);
	else
		async->locked = true;
	async->times++;
	async->result = result;
	complete(&async->completed);
}

static struct async *async_alloc(struct kunit *test, struct fixture *fx)
{
	struct async *async = kunit_kzalloc(test, sizeof(*async), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, async);
	async->sim = fx->sim;
	async->iocb.ki_filp = &fx->filp;
	async->iocb.ki_complete = async_completed;
	init_completion(&async->completed);
	return async;
}

static ssize_t write_async(struct async *async, const char *text, int flags)
{
	struct kvec vec = { (void *)text, strlen(text) };
	struct iov_iter iter;

	async->iocb.ki_filp->f_flags = 0;
	async->iocb.ki_flags = flags;
	iov_iter_kvec(&iter, WRITE, &vec, 1, vec.iov_len);
	return sim_file_write_iter(&async->iocb, &iter);
}

static void expect_async(struct kunit *test, struct async *async, long result)
{
	wait_for_completion(&async->completed);
	KUNIT_EXPECT_EQ(test, async->result, result);
	KUNIT_EXPECT_EQ(test, async->times, 1u);
	if (num_online_cpus() == 1)	/* else somebody else may have it */
		KUNIT_EXPECT_FALSE(test, async->locked);
}

static void an_asynchronous_request_completes_when_it_is_done(struct kunit *test)
{
	struct fixture *fx = test->priv;
	struct async *async = async_alloc(test, fx);

	command(fx, "latency 300");
	KUNIT_EXPECT_EQ(test, write_async(async, "later", 0), -EIOCBQUEUED);
	KUNIT_EXPECT_EQ(test, async->times, 0u);
	expect_async(test, async, 5);
	expect_read(test, "later");
	KUNIT_EXPECT_EQ(test, GREW(fx, completed), 1ull);
}

static void nowait_means_no_wait_for_room_only(struct kunit *test)
{
	struct fixture *fx = test->priv;
	struct async *first = async_alloc(test, fx);
	struct async *second = async_alloc(test, fx);
	unsigned int i;

	command(fx, "latency 300");
	KUNIT_EXPECT_EQ(test, write_async(first, "x", IOCB_NOWAIT), -EIOCBQUEUED);
	for (i = 1; i < sim_param_queue_depth.value; i++)
		queue_text(fx, "x");
	KUNIT_EXPECT_EQ(test, write_async(second, "x", IOCB_NOWAIT), -EAGAIN);
	expect_async(test, first, 1);
	command(fx, "latency 0");
	KUNIT_EXPECT_EQ(test, write_async(second, "x", 0), -EIOCBQUEUED);
	expect_async(test, second, 1);
}

static void an_asynchronous_request_gets_its_error(struct kunit *test)
{
	struct fixture *fx = test->priv;
	struct async *async = async_alloc(test, fx);

	command(fx, "error");
	KUNIT_EXPECT_EQ(test, write_async(async, "x", 0), -EIOCBQUEUED);
	expect_async(test, async, -EIO);
	expect_read(test, "");		/* and nobody else does */
	KUNIT_EXPECT_EQ(test, GREW(fx, failed), 1ull);
}

static void unbinding_completes_asynchronous_requests(struct kunit *test)
{
	struct fixture *fx = test->priv;
	struct async *first = async_alloc(test, fx);
	struct async *second = async_alloc(test, fx);
	struct device *dev = fx->sim->dev;

	command(fx, "hang");
	write_async(first, "in flight", 0);
	write_async(second, "queued", 0);
	device_release_driver(dev);
	expect_async(test, first, -ENODEV);
	expect_async(test, second, -ENODEV);
	KUNIT_EXPECT_EQ(test, device_attach(dev), 1);
}

/* Errors that nobody reads */

static int flush(struct fixture *fx)
{
	return sim_file_fsync(&fx->filp, 0, LLONG_MAX, 0);
}

static void fsync_tells_an_error_once(struct kunit *test)
{
	struct fixture *fx = test->priv;
	ktime_t began = ktime_get();

	fx->file->keeps_results = false;
	command(fx, "latency 300");
	command(fx, "error");
	queue_text(fx, "x");
	queue_text(fx, "y");
	KUNIT_EXPECT_EQ(test, flush(fx), -EIO);
	KUNIT_EXPECT_GE(test, ktime_ms_delta(ktime_get(), began), 600ll);
	KUNIT_EXPECT_EQ(test, flush(fx), 0);
	KUNIT_EXPECT_EQ(test, write_text(fx, "z"), 1);
}

static void the_next_write_tells_an_error_once(struct kunit *test)
{
	struct fixture *fx = test->priv;

	fx->file->keeps_results = false;
	command(fx, "error");
	queue_text(fx, "x");
	wait_until_idle(fx->sim);
	KUNIT_EXPECT_TRUE(test, polls(fx, EPOLLOUT | EPOLLWRNORM));
	KUNIT_EXPECT_EQ(test, queue_text(fx, "y"), -EIO);
	KUNIT_EXPECT_EQ(test, GREW(fx, submitted), 1ull);
	KUNIT_EXPECT_EQ(test, queue_text(fx, "y"), 1);
	KUNIT_EXPECT_EQ(test, flush(fx), 0);
}

/* Power */

static void suspend(struct fixture *fx)
{
	sim_dev_suspend(fx->sim->dev);
	sim_hw_set_power(fx->sim->hw, false);
}

static void resume(struct fixture *fx)
{
	sim_hw_set_power(fx->sim->hw, true);
	sim_dev_resume(fx->sim->dev);
}

static void suspend_lets_an_operation_finish(struct kunit *test)
{
	struct fixture *fx = test->priv;

	command(fx, "latency 500");
	queue_text(fx, "first");
	queue_text(fx, "second");
	suspend(fx);
	KUNIT_EXPECT_EQ(test, GREW(fx, completed), 1ull);
	KUNIT_EXPECT_EQ(test, fx->sim->outstanding, 1u);
	KUNIT_EXPECT_FALSE(test, timer_is_enabled(fx));
	msleep(5000);
	KUNIT_EXPECT_EQ(test, queue_text(fx, "third"), 5);	/* waits as well */
	KUNIT_EXPECT_FALSE(test, timer_is_enabled(fx));
	resume(fx);
	expect_read(test, "first");
	expect_read(test, "second");
	expect_read(test, "third");
	KUNIT_EXPECT_EQ(test, GREW(fx, completed), 3ull);
	KUNIT_EXPECT_EQ(test, GREW(fx, timeouts), 0ull);
	KUNIT_EXPECT_EQ(test, GREW(fx, resets), 1ull);
	KUNIT_EXPECT_EQ(test, GREW(fx, retries), 0ull);
}

/* Done, but without an interrupt: it is not done again. */
static void suspend_asks_the_device(struct kunit *test)
{
	struct fixture *fx = test->priv;

	fx->sim->slot.timeout.limit = 10;
	command(fx, "lost");
	queue_text(fx, "done");
	queue_text(fx, "queued");
	suspend(fx);
	KUNIT_EXPECT_EQ(test, GREW(fx, missed), 1ull);
	KUNIT_EXPECT_EQ(test, GREW(fx, completed), 1ull);
	expect_read(test, "done");
	resume(fx);
	expect_read(test, "queued");
	KUNIT_EXPECT_EQ(test, GREW(fx, timeouts), 0ull);
	KUNIT_EXPECT_EQ(test, GREW(fx, completed), 2ull);
}

static void resume_starts_an_operation_over(struct kunit *test)
{
	struct fixture *fx = test->priv;
	ktime_t began = ktime_get();

	fx->sim->max_retries = 0;
	fx->sim->slot.timeout.limit = 10;
	command(fx, "latency 6000");
	queue_text(fx, "again");
	suspend(fx);
	/* No longer than 2 s. */
	if (virtual)
		KUNIT_EXPECT_LE(test, ktime_ms_delta(ktime_get(), began), 2100ll);
	KUNIT_EXPECT_EQ(test, fx->sim->outstanding, 1u);
	msleep(20000);
	command(fx, "latency 5");
	resume(fx);
	expect_read(test, "again");
	KUNIT_EXPECT_EQ(test, GREW(fx, completed), 1ull);
	KUNIT_EXPECT_EQ(test, GREW(fx, timeouts), 0ull);
	KUNIT_EXPECT_EQ(test, GREW(fx, retries), 0ull);
	KUNIT_EXPECT_EQ(test, GREW(fx, late), 0ull);
}

/* It hung while it had power: that is charged, its reset starts over. */
static void resume_goes_on_with_a_reset(struct kunit *test)
{
	struct fixture *fx = test->priv;

	fx->sim->slot.timeout.reset_limit = 10;
	command(fx, "hang");
	command(fx, "reset-latency 6000");
	queue_text(fx, "x");
	while (!GREW(fx, timeouts))
		msleep(20);
	suspend(fx);
	msleep(5000);
	command(fx, "reset-latency 5");
	resume(fx);
	expect_read(test, "x");
	KUNIT_EXPECT_EQ(test, GREW(fx, timeouts), 1ull);
	KUNIT_EXPECT_EQ(test, GREW(fx, resets), 2ull);
	KUNIT_EXPECT_EQ(test, GREW(fx, retries), 1ull);
	KUNIT_EXPECT_EQ(test, GREW(fx, completed), 1ull);
}

/* The reset ends while suspend waits: the retry waits for resume. */
static void nothing_is_retried_while_suspending(struct kunit *test)
{
	struct fixture *fx = test->priv;

	command(fx, "hang");
	command(fx, "reset-latency 500");
	queue_text(fx, "x");
	while (!GREW(fx, timeouts))
		msleep(20);
	suspend(fx);
	KUNIT_EXPECT_EQ(test, GREW(fx, retries), 0ull);
	KUNIT_EXPECT_EQ(test, fx->sim->slot.timeout.counter, IO_TIMEOUT_IDLE);
	KUNIT_EXPECT_EQ(test, fx->sim->outstanding, 1u);
	resume(fx);
	expect_read(test, "x");
	KUNIT_EXPECT_EQ(test, GREW(fx, retries), 1ull);
	KUNIT_EXPECT_EQ(test, GREW(fx, completed), 1ull);
}

static void a_reset_that_fails_while_suspending(struct kunit *test)
{
	struct fixture *fx = test->priv;
	char back[8];

	command(fx, "hang");
	command(fx, "reset-hang");
	queue_text(fx, "x");
	queue_text(fx, "y");
	while (!GREW(fx, timeouts))
		msleep(20);
	suspend(fx);
	KUNIT_EXPECT_EQ(test, GREW(fx, failed), 1ull);
	KUNIT_EXPECT_EQ(test, fx->sim->outstanding, 1u);
	resume(fx);
	KUNIT_EXPECT_EQ(test, do_read(fx, back, 8, false), -EIO);
	expect_read(test, "y");
}

static void a_reset_that_fails_after_resume(struct kunit *test)
{
	struct fixture *fx = test->priv;

	command(fx, "reset-hang 2");
	suspend(fx);
	resume(fx);			/* with nothing under way */
	KUNIT_EXPECT_EQ(test, queue_text(fx, "x"), 1);
	expect_read(test, "x");
	KUNIT_EXPECT_EQ(test, GREW(fx, reset_failures), 1ull);
	command(fx, "latency 6000");
	fx->sim->slot.timeout.limit = 10;
	queue_text(fx, "y");
	suspend(fx);
	command(fx, "latency 5");
	resume(fx);			/* with an operation */
	KUNIT_EXPECT_EQ(test, write_text(fx, "z"), 1);
	KUNIT_EXPECT_EQ(test, GREW(fx, reset_failures), 2ull);
	KUNIT_EXPECT_EQ(test, GREW(fx, failed), 1ull);
}

/* The handler must not touch the device: the model would warn. */
static void an_interrupt_without_power(struct kunit *test)
{
	struct fixture *fx = test->priv;

	fx->sim->slot.timeout.limit = 10;
	command(fx, "late 3000");
	queue_text(fx, "x");
	suspend(fx);
	msleep(5000);
	KUNIT_EXPECT_EQ(test, GREW(fx, late), 0ull);
	resume(fx);
	expect_read(test, "x");
	KUNIT_EXPECT_EQ(test, GREW(fx, late), 1ull);
	KUNIT_EXPECT_EQ(test, GREW(fx, completed), 1ull);
}

static void unbinding_without_power(struct kunit *test)
{
	struct fixture *fx = test->priv;
	struct device *dev = fx->sim->dev;

	fx->sim->slot.timeout.limit = 10;
	command(fx, "latency 6000");
	queue_text(fx, "in flight");
	queue_text(fx, "queued");
	suspend(fx);
	device_release_driver(dev);
	KUNIT_EXPECT_EQ(test, fx->sim->stats.failed - fx->before.failed, 2ull);
	sim_hw_set_power(fx->sim->hw, true);
	KUNIT_EXPECT_EQ(test, device_attach(dev), 1);
}

static void shutdown_quiets_the_device(struct kunit *test)
{
	struct fixture *fx = test->priv;

	fx->sim->slot.timeout.limit = 10;
	command(fx, "latency 6000");
	queue_text(fx, "x");
	sim_dev_shutdown(to_platform_device(fx->sim->dev));
	KUNIT_EXPECT_FALSE(test, sim_hw_read(fx->sim->hw, SIM_HW_STATUS) &
				 SIM_HW_STATUS_BUSY);
	KUNIT_EXPECT_FALSE(test, timer_is_enabled(fx));
	command(fx, "latency 5");
	sim_dev_resume(fx->sim->dev);	/* only to go on with the tests */
	expect_read(test, "x");
}

/* Other people's devices */

static void a_device_without_our_data_is_refused(struct kunit *test)
{
	static const char * const names[] = { SIM_DEV_NAME, "other" };
	struct fixture *fx = test->priv;
	struct platform_device *pdev;
	struct sim_hw *hw = fx->sim->hw;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		/* The first has no data, the second somebody else's. */
		pdev = platform_device_register_data(NULL, names[i], 77,
						     i ? &hw : NULL,
						     i ? sizeof(hw) : 0);
		KUNIT_ASSERT_FALSE(test, IS_ERR(pdev));
		KUNIT_EXPECT_EQ(test, sim_dev_probe(pdev), -ENODEV);
		platform_device_unregister(pdev);
	}
}

struct writer {
	struct fixture *fx;
	struct work_struct work;
	unsigned int done;
};

static void write_a_lot(struct work_struct *work)
{
	struct writer *w = container_of(work, struct writer, work);

	while (w->done < 3000 && write_text(w->fx, "x") == 1)
		w->done++;
}

/*
 * As fast as it goes, from several CPUs: an operation may be started, and end,
 * while the one before is still in its interrupt handler on another CPU.
 */
static void no_interrupt_is_lost_at_latency_zero(struct kunit *test)
{
	struct fixture *fx = test->priv;
	struct writer *w = kunit_kcalloc(test, 3, sizeof(*w), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, w);
	command(fx, "latency 0");
	for (i = 0; i < 3; i++) {
		w[i].fx = open_another(test, fx->sim);
		w[i].fx->file->keeps_results = false;
		INIT_WORK(&w[i].work, write_a_lot);
		queue_work(system_unbound_wq, &w[i].work);
	}
	for (i = 0; i < 3; i++) {
		flush_work(&w[i].work);
		KUNIT_EXPECT_EQ(test, w[i].done, 3000u);
		sim_file_free(w[i].fx->file);
	}
	KUNIT_EXPECT_EQ(test, GREW(fx, timeouts), 0ull);
	KUNIT_EXPECT_EQ(test, GREW(fx, completed), 9000ull);
}

/* The control node's lines and sysfs */

static void lines_are_parsed(struct kunit *test)
{
	static const struct {
		const char *line;
		int err;
	} lines[] = {
		{ "", 0 }, { "   ", 0 }, { "\t", 0 },
		{ "hang", 0 }, { "  hang  3 ", 0 }, { "hang\t5", 0 },
		{ "hang 1000000", 0 }, { "hang 1000001", -ERANGE },
		{ "hang 0", -ERANGE }, { "hang -1", -ERANGE },
		{ "hang 99999999999999999999", -ERANGE },
		{ "hang 1x", -EINVAL }, { "hang 0x1", -EINVAL },
		{ "hang x", -EINVAL }, { "hang 1 2", -EINVAL },
		{ "hangs", -EINVAL }, { "han", -EINVAL }, { "HANG", -EINVAL },
		{ "late", -EINVAL }, { "late 0", 0 }, { "late 600000 2", 0 },
		{ "late 600001", -ERANGE }, { "late 5 0", -ERANGE },
		{ "late 5 1000001", -ERANGE }, { "late -1", -ERANGE },
		{ "late 1 2 3", -EINVAL },
		{ "error 2", 0 }, { "reset-hang 2", 0 }, { "reset_hang", -EINVAL },
		{ "latency", -EINVAL }, { "latency 0", 0 },
		{ "latency 600001", -ERANGE }, { "latency 5 5", -EINVAL },
		{ "reset-latency 5", 0 }, { "reset-latency", -EINVAL },
		{ "lost", 0 }, { "lost 0", -ERANGE }, { "lost 1 1", -EINVAL },
		{ "duplicate 2", 0 }, { "reset-lost 3", 0 },
		{ "storm", -EINVAL }, { "storm 0", -ERANGE }, { "storm 1", 0 },
		{ "storm 1000001", -ERANGE }, { "gone 1", -EINVAL },
		{ "dead 1", -EINVAL }, { "revive 1", -EINVAL },
		{ "clear 1", -EINVAL }, { "clear", 0 },
	};
	struct fixture *fx = test->priv;
	struct sim_hw_state before, after;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(lines); i++) {
		sim_hw_get_state(fx->sim->hw, &before);
		KUNIT_EXPECT_EQ_MSG(test, command(fx, lines[i].line),
				    lines[i].err, "line '%s'", lines[i].line);
		sim_hw_get_state(fx->sim->hw, &after);
		if (lines[i].err)
			KUNIT_EXPECT_TRUE(test, !memcmp(&before, &after,
							sizeof(before)));
	}
}

static void lines_take_effect(struct kunit *test)
{
	struct fixture *fx = test->priv;
	struct sim_hw_state state;

	command(fx, "hang");
	command(fx, "late 7 8");
	command(fx, "error 9");
	command(fx, "reset-hang 10");
	command(fx, "latency 11");
	command(fx, "reset-latency 12");
	command(fx, "dead");
	sim_hw_get_state(fx->sim->hw, &state);
	KUNIT_EXPECT_EQ(test, state.pending[SIM_HW_HANG], 1u);
	KUNIT_EXPECT_EQ(test, state.pending[SIM_HW_LATE], 8u);
	KUNIT_EXPECT_EQ(test, state.pending[SIM_HW_ERROR], 9u);
	KUNIT_EXPECT_EQ(test, state.pending[SIM_HW_RESET_HANG], 10u);
	KUNIT_EXPECT_EQ(test, state.ms[SIM_HW_LATE_AFTER], 7u);
	KUNIT_EXPECT_EQ(test, state.ms[SIM_HW_LATENCY], 11u);
	KUNIT_EXPECT_EQ(test, state.ms[SIM_HW_RESET_LATENCY], 12u);
	KUNIT_EXPECT_TRUE(test, state.dead);
	command(fx, "revive");
	sim_hw_get_state(fx->sim->hw, &state);
	KUNIT_EXPECT_FALSE(test, state.dead);
}

static void attributes_check_their_range(struct kunit *test)
{
	struct fixture *fx = test->priv;
	struct device *dev = fx->sim->dev;

	KUNIT_EXPECT_EQ(test, timeout_store(dev, NULL, "0\n", 2), -ERANGE);
	KUNIT_EXPECT_EQ(test, timeout_store(dev, NULL, "3601\n", 5), -ERANGE);
	KUNIT_EXPECT_EQ(test, timeout_store(dev, NULL, "x\n", 2), -EINVAL);
	KUNIT_EXPECT_EQ(test, reset_timeout_store(dev, NULL, "0\n", 2), -ERANGE);
	KUNIT_EXPECT_EQ(test, max_retries_store(dev, NULL, "101\n", 4), -ERANGE);
	KUNIT_EXPECT_EQ(test, fx->sim->slot.timeout.limit, TIMEOUT);
	KUNIT_EXPECT_EQ(test, timeout_store(dev, NULL, "3600\n", 5), 5);
	KUNIT_EXPECT_EQ(test, fx->sim->slot.timeout.limit, 3600);
	KUNIT_EXPECT_EQ(test, max_retries_store(dev, NULL, "0\n", 2), 2);
	KUNIT_EXPECT_EQ(test, fx->sim->max_retries, 0u);
}

static struct kunit_case sim_dev_cases[] = {
	KUNIT_CASE(request_loops_data_back),
	KUNIT_CASE(results_come_in_order),
	KUNIT_CASE(a_short_buffer_gets_the_rest_next),
	KUNIT_CASE(sizes_are_checked),
	KUNIT_CASE(nonblocking_read_waits_for_nothing),
	KUNIT_CASE(a_full_queue_says_eagain),
	KUNIT_CASE(sixty_four_unread_results_say_enobufs),
	KUNIT_CASE(poll_tells_both_directions),
	KUNIT_CASE(hang_is_reset_and_retried),
	KUNIT_CASE(a_hung_reset_fails_with_eio),
	KUNIT_CASE(retries_run_out),
	KUNIT_CASE(no_retries_means_none),
	KUNIT_CASE(a_device_error_is_eio),
	KUNIT_CASE(a_late_interrupt_during_the_reset_is_ignored),
	KUNIT_CASE(a_late_interrupt_during_the_retry_is_ignored),
	KUNIT_CASE(spurious_interrupts_change_nothing),
	KUNIT_CASE(a_slow_reset_after_the_failure_is_spurious),
	KUNIT_CASE(a_failure_is_read_at_its_turn),
	KUNIT_CASE(dead_and_revived),
	KUNIT_CASE(a_lost_interrupt_is_asked_for),
	KUNIT_CASE(after_asking_the_next_has_all_its_time),
	KUNIT_CASE(the_resets_interrupt_is_asked_for_too),
	KUNIT_CASE(a_duplicate_is_late),
	KUNIT_CASE(a_storm_changes_nothing),
	KUNIT_CASE(gone_fails_with_eio),
	KUNIT_CASE(all_ones_are_no_cause),
	KUNIT_CASE(a_gone_device_is_not_bound),
	KUNIT_CASE(an_idle_device_rests),
	KUNIT_CASE(after_a_rest_time_is_as_exact),
	KUNIT_CASE(devices_are_independent),
	KUNIT_CASE(closing_cancels_what_is_queued),
	KUNIT_CASE(closing_during_the_reset),
	KUNIT_CASE(unbinding_fails_everything),
	KUNIT_CASE(unbinding_with_the_failure_under_way),
	KUNIT_CASE(bound_again_ignores_the_old_operations),
	KUNIT_CASE(bound_again_takes_no_old_end_for_its_own),
	KUNIT_CASE(an_asynchronous_request_completes_when_it_is_done),
	KUNIT_CASE(nowait_means_no_wait_for_room_only),
	KUNIT_CASE(an_asynchronous_request_gets_its_error),
	KUNIT_CASE(unbinding_completes_asynchronous_requests),
	KUNIT_CASE(fsync_tells_an_error_once),
	KUNIT_CASE(the_next_write_tells_an_error_once),
	KUNIT_CASE(suspend_lets_an_operation_finish),
	KUNIT_CASE(suspend_asks_the_device),
	KUNIT_CASE(resume_starts_an_operation_over),
	KUNIT_CASE(resume_goes_on_with_a_reset),
	KUNIT_CASE(nothing_is_retried_while_suspending),
	KUNIT_CASE(a_reset_that_fails_while_suspending),
	KUNIT_CASE(a_reset_that_fails_after_resume),
	KUNIT_CASE(an_interrupt_without_power),
	KUNIT_CASE(unbinding_without_power),
	KUNIT_CASE(shutdown_quiets_the_device),
	KUNIT_CASE(a_device_without_our_data_is_refused),
	KUNIT_CASE(no_interrupt_is_lost_at_latency_zero),
	KUNIT_CASE(lines_are_parsed),
	KUNIT_CASE(lines_take_effect),
	KUNIT_CASE(attributes_check_their_range),
	{}
};

static int make_devices(struct kunit_suite *suite)
{
	sim_param_devices.value = 2;
	return sim_main_init();
}

static void unmake_devices(struct kunit_suite *suite)
{
	sim_main_exit();
}

static struct kunit_suite sim_dev_suite = {
	.name = "sim_dev",
	.suite_init = make_devices,
	.suite_exit = unmake_devices,
	.init = open_device,
	.exit = close_device,
	.test_cases = sim_dev_cases,
};

kunit_test_suite(sim_dev_suite);
