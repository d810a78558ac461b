// SPDX-License-Identifier: GPL-2.0-only
/* Closing the file, unbinding and binding the driver. Part of sim_dev_test.c. */

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

	set_limit(fx->sim, &fx->sim->limits.reset, 3);
	command(fx, "hang");
	command(fx, "reset-latency 1500");
	queue_text(fx, "x");
	while (!GREW(fx, resets))
		msleep(20);
	sim_file_free(fx->file);
	wait_until_idle(fx->sim);
	KUNIT_EXPECT_EQ(test, GREW(fx, retries), 0ull);	/* cancelled */
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

/* The reset has failed, and the driver is unbound before the work item runs. */
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
	sim_dev_failed(&fx->sim->failed_work);	/* comes too late */
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
	msleep(virtual ? 400 : 1000);	/* the interrupt has no handler */
	KUNIT_EXPECT_EQ(test, device_attach(dev), 1);
	fx2 = open_another(test, device(0));
	KUNIT_EXPECT_EQ(test, write_text(fx2, "new"), 3);
	KUNIT_EXPECT_EQ(test, GREW(fx2, completed), 1ull);
	KUNIT_EXPECT_EQ(test, GREW(fx2, timeouts), 0ull);
	sim_file_free(fx2->file);
}

/* An operation of the old binding ends while one of the new binding is in flight. */
static void bound_again_takes_no_old_end_for_its_own(struct kunit *test)
{
	struct fixture *fx = test->priv, *fx1, *fx2;
	struct device *dev = fx->sim->dev;

	/* The old and the new operation are both the first of their binding. */
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

static void a_device_without_our_data_is_refused(struct kunit *test)
{
	static const char * const names[] = { SIM_DEV_NAME, "other" };
	struct fixture *fx = test->priv;
	struct platform_device *pdev;
	struct sim_hw *hw = fx->sim->hw;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		/* The first has no data, the second another driver's. */
		pdev = platform_device_register_data(NULL, names[i], 77,
						     i ? &hw : NULL,
						     i ? sizeof(hw) : 0);
		KUNIT_ASSERT_FALSE(test, IS_ERR(pdev));
		KUNIT_EXPECT_EQ(test, sim_dev_probe(pdev), -ENODEV);
		platform_device_unregister(pdev);
	}
}
