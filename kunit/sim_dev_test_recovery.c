// SPDX-License-Identifier: GPL-2.0-only
/* Time-outs, resets, retries and failures; faults of the device. Part of sim_dev_test.c. */

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
	if (virtual)	/* reset and retry take some ms */
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
	expect_read(test, "y");	/* x has left no result */
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

	/* times out at 1 to 2 s; the reset is done at 2.9 to 3.9 s */
	set_limit(fx->sim, &fx->sim->limits.reset, 4);
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

	/* retried at 1 to 2 s; the retry's own interrupt comes 4 s later */
	set_limit(fx->sim, &fx->sim->limits.op, 1);
	command(fx, "late 2500");
	command(fx, "hang 0");		/* refused, changes nothing */
	set_limit(fx->sim, &fx->sim->limits.reset, 2);
	KUNIT_EXPECT_EQ(test, queue_text(fx, "first"), 5);
	set_limit(fx->sim, &fx->sim->limits.op, 10);
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

/* As io_timeout_begin() says: after more than limit, and at most limit + 1 seconds. */
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

/* The tick that completes a request starts the next, but does not count for it. */
static void after_asking_the_next_has_all_its_time(struct kunit *test)
{
	struct fixture *fx = test->priv;

	command(fx, "lost");
	queue_text(fx, "lost");
	command(fx, "hang");
	queue_text(fx, "hangs");
	while (!GREW(fx, missed))
		usleep_range(500, 1000);
	KUNIT_EXPECT_EQ(test, io_recovery_left(fx->sim->recovery), TIMEOUT + 1);
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
	/* One may coincide with the operation's interrupt. */
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

/* If the device is gone the interrupt handler reads all ones, which must end nothing. */
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

static void a_wrong_number_of_slots_is_refused(struct kunit *test)
{
	static const unsigned int wrong[] = { 0, SIM_HW_MAX_SLOTS + 1 };
	struct fixture *fx = test->priv;
	struct sim_hw *hw = fx->sim->hw;
	struct device *dev = fx->sim->dev;
	unsigned int i, slots = hw->state.slots;

	device_release_driver(dev);
	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		hw->state.slots = wrong[i];
		KUNIT_EXPECT_NE(test, device_attach(dev), 1);
		KUNIT_EXPECT_NULL(test, dev->driver);
		device_release_driver(dev);
	}
	hw->state.slots = slots;
	KUNIT_EXPECT_EQ(test, device_attach(dev), 1);
}

static void an_idle_device_stops_its_timer(struct kunit *test)
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

static void time_is_as_exact_after_idling(struct kunit *test)
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
