// SPDX-License-Identifier: GPL-2.0-only
/* Suspend, resume and shutdown. Part of sim_dev_test.c. */

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
	KUNIT_EXPECT_EQ(test, queue_text(fx, "third"), 5);	/* third is queued too */
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

/* The operation is done, but its interrupt was lost: it is not done again. */
static void suspend_asks_the_device(struct kunit *test)
{
	struct fixture *fx = test->priv;

	set_limit(fx->sim, &fx->sim->limits.op, 10);
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
	set_limit(fx->sim, &fx->sim->limits.op, 10);
	command(fx, "latency 6000");
	queue_text(fx, "again");
	suspend(fx);
	/* Suspend waits for 2 s at most. */
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

/* The operation timed out before suspend: that counts as a retry. */
static void resume_goes_on_with_a_reset(struct kunit *test)
{
	struct fixture *fx = test->priv;

	set_limit(fx->sim, &fx->sim->limits.reset, 10);
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

/* The reset is done while suspend waits: the retry waits for resume. */
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
	KUNIT_EXPECT_EQ(test, io_recovery_left(fx->sim->recovery), -1);
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

/* The reset fails at the last tick before suspend: resume must not start its request. */
static void a_failure_is_handled_before_resume(struct kunit *test)
{
	struct fixture *fx = test->priv;
	struct sim_dev *sim = fx->sim;
	struct sim_dev_reports reports = {};
	unsigned long flags;
	unsigned int i;
	char back[8];

	set_limit(sim, &sim->limits.reset, 10);
	command(fx, "hang");
	command(fx, "reset-hang");
	queue_text(fx, "x");
	while (!GREW(fx, timeouts))
		msleep(20);
	sim_dev_suspend(sim->dev);
	spin_lock_irqsave(&sim->lock, flags);
	for (i = 0; i < 10 && !sim->failed; i++)
		sim_dev_tick(sim, &reports);
	KUNIT_EXPECT_TRUE(test, sim->failed);
	sim_dev_unlock(sim, flags);
	sim_dev_resume(sim->dev);
	KUNIT_EXPECT_EQ(test, GREW(fx, failed), 1ull);
	KUNIT_EXPECT_EQ(test, do_read(fx, back, 8, false), -EIO);
	KUNIT_EXPECT_EQ(test, write_text(fx, "y"), 1);
}

static void a_reset_that_fails_after_resume(struct kunit *test)
{
	struct fixture *fx = test->priv;

	command(fx, "reset-hang 2");
	suspend(fx);
	resume(fx);			/* nothing is under way */
	KUNIT_EXPECT_EQ(test, queue_text(fx, "x"), 1);
	expect_read(test, "x");
	KUNIT_EXPECT_EQ(test, GREW(fx, reset_failures), 1ull);
	command(fx, "latency 6000");
	set_limit(fx->sim, &fx->sim->limits.op, 10);
	queue_text(fx, "y");
	suspend(fx);
	command(fx, "latency 5");
	resume(fx);			/* an operation is under way */
	KUNIT_EXPECT_EQ(test, write_text(fx, "z"), 1);
	KUNIT_EXPECT_EQ(test, GREW(fx, reset_failures), 2ull);
	KUNIT_EXPECT_EQ(test, GREW(fx, failed), 1ull);
}

/* The handler must read no register: the hardware model would warn. */
static void an_interrupt_without_power(struct kunit *test)
{
	struct fixture *fx = test->priv;

	set_limit(fx->sim, &fx->sim->limits.op, 10);
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

	set_limit(fx->sim, &fx->sim->limits.op, 10);
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

	set_limit(fx->sim, &fx->sim->limits.op, 10);
	command(fx, "latency 6000");
	queue_text(fx, "x");
	sim_dev_shutdown(to_platform_device(fx->sim->dev));
	KUNIT_EXPECT_FALSE(test, sim_hw_read(fx->sim->hw, SIM_HW_STATUS) &
				 SIM_HW_STATUS_BUSY);
	KUNIT_EXPECT_FALSE(test, timer_is_enabled(fx));
	command(fx, "latency 5");
	sim_dev_resume(fx->sim->dev);	/* undo the shutdown for the next tests */
	expect_read(test, "x");
}
