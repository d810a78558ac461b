// SPDX-License-Identifier: GPL-2.0-only
/*
 * Devices that are made while the module is loaded, as configfs does it; the suite
 * has made devices 0 and 1.
 */

/* Make device 2, with settings that differ from the defaults. */
static void add_device(struct kunit *test, struct sim_main_dev *dev,
		       struct sim_dev_settings *settings)
{
	int number = sim_main_get_number();

	KUNIT_ASSERT_EQ(test, number, 2);
	*settings = sim_dev_defaults;
	settings->slots.value = 5;
	settings->timeout.value = 7;
	settings->abort_timeout.value = 8;
	settings->reset_timeout.value = 9;
	settings->max_retries.value = 10;
	settings->latency_ms.value = 11;
	settings->queue_depth.value = 12;
	KUNIT_ASSERT_EQ(test, sim_main_add(dev, number, settings), 0);
}

static void expect_settings(struct kunit *test, const struct sim_main_dev *dev)
{
	struct sim_dev *sim = dev_get_drvdata(&dev->pdev->dev);
	struct sim_hw_state hw;

	KUNIT_ASSERT_NOT_NULL(test, sim);
	KUNIT_EXPECT_EQ(test, sim->nr_slots, 5u);
	KUNIT_EXPECT_EQ(test, sim->limits.op, 7u);
	KUNIT_EXPECT_EQ(test, sim->limits.abort, 8u);
	KUNIT_EXPECT_EQ(test, sim->limits.reset, 9u);
	KUNIT_EXPECT_EQ(test, sim->max_retries, 10u);
	KUNIT_EXPECT_EQ(test, sim->depth, 12u);
	sim_hw_get_state(sim->hw, &hw);
	KUNIT_EXPECT_EQ(test, hw.ms[SIM_HW_LATENCY], 11u);
	KUNIT_EXPECT_EQ(test, hw.ms[SIM_HW_RESET_LATENCY], 11u);
}

static void a_device_has_its_own_settings(struct kunit *test)
{
	struct sim_dev_settings settings;
	struct sim_main_dev dev;

	add_device(test, &dev, &settings);
	expect_settings(test, &dev);
	KUNIT_EXPECT_EQ(test, device(1)->limits.op, sim_dev_defaults.timeout.value);
	KUNIT_EXPECT_EQ(test, device(1)->depth, sim_dev_defaults.queue_depth.value);
	sim_main_remove(&dev);
	sim_main_put_number(2);
}

static void settings_are_back_when_it_is_bound_again(struct kunit *test)
{
	struct sim_dev_settings settings;
	struct sim_main_dev dev;
	struct sim_dev *sim;

	add_device(test, &dev, &settings);
	sim = dev_get_drvdata(&dev.pdev->dev);
	set_limit(sim, &sim->limits.op, 100);
	device_release_driver(&dev.pdev->dev);
	KUNIT_EXPECT_EQ(test, device_attach(&dev.pdev->dev), 1);
	expect_settings(test, &dev);
	sim_main_remove(&dev);
	sim_main_put_number(2);
}

static void a_bound_device_may_be_bound(struct kunit *test)
{
	struct platform_device *pdev = sim_main_devs[1].pdev;
	struct sim_dev *sim = device(1);

	KUNIT_EXPECT_EQ(test, sim_dev_bind(pdev), 0);
	KUNIT_EXPECT_PTR_EQ(test, device(1), sim);
	device_release_driver(&pdev->dev);
	KUNIT_EXPECT_EQ(test, sim_dev_bind(pdev), 0);
	KUNIT_EXPECT_NOT_NULL(test, device(1));
}

static void a_bad_setting_makes_no_device(struct kunit *test)
{
	struct sim_dev_settings settings = sim_dev_defaults;
	int number = sim_main_get_number();
	struct sim_main_dev dev;

	settings.slots.value = SIM_HW_MAX_SLOTS + 1;
	KUNIT_EXPECT_EQ(test, sim_main_add(&dev, number, &settings), -EINVAL);
	settings.slots.value = 1;
	KUNIT_EXPECT_EQ(test, sim_main_add(&dev, number, &settings), 0);
	sim_main_remove(&dev);
	sim_main_put_number(number);
}

static void no_two_devices_have_a_number(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, sim_main_get_number(), 2);
	KUNIT_EXPECT_EQ(test, sim_main_get_number(), 3);
	sim_main_put_number(2);
	KUNIT_EXPECT_EQ(test, sim_main_get_number(), 2);
	sim_main_put_number(2);
	sim_main_put_number(3);
}

/* The control node's commands go to the hardware, also just when it is removed. */
static void hardware_stays_while_a_node_is_open(struct kunit *test)
{
	struct sim_dev_settings settings;
	struct sim_main_dev dev;
	struct sim_hw_state hw;
	struct sim_dev *sim;

	add_device(test, &dev, &settings);
	sim = dev_get_drvdata(&dev.pdev->dev);
	kref_get(&sim->ref);	/* as an open node does */
	sim_hw_set_gone(sim->hw, true);
	sim_main_remove(&dev);
	sim_main_put_number(2);
	KUNIT_EXPECT_EQ(test, kref_read(&sim->hw->ref), 1u);
	sim_hw_set_gone(sim->hw, false);
	sim_hw_inject(sim->hw, SIM_HW_SPURIOUS, 3);
	sim_hw_get_state(sim->hw, &hw);
	KUNIT_EXPECT_FALSE(test, hw.gone);
	sim_dev_put(sim);
}
