// SPDX-License-Identifier: GPL-2.0-only
/* The control node's lines, and the attributes. Part of sim_dev_test.c. */

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
	KUNIT_EXPECT_EQ(test, fx->sim->limits.op, TIMEOUT);
	KUNIT_EXPECT_EQ(test, timeout_store(dev, NULL, "3600\n", 5), 5);
	KUNIT_EXPECT_EQ(test, fx->sim->limits.op, 3600u);
	KUNIT_EXPECT_EQ(test, max_retries_store(dev, NULL, "0\n", 2), 2);
	KUNIT_EXPECT_EQ(test, fx->sim->max_retries, 0u);
}
