// SPDX-License-Identifier: GPL-2.0-only
/* The control node's lines, and the attributes. Part of sim_dev_test.c. */

static struct sim_rules *new_rules(struct kunit *test)
{
	struct sim_rules *rules = kunit_kzalloc(test, sizeof(*rules), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, rules);
	return rules;
}

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
		{ "latency 5-9", 0 }, { "latency 0-600000", 0 }, { "latency 5-5", 0 },
		{ "latency 9-5", -ERANGE }, { "latency 5-600001", -ERANGE },
		{ "latency 5-", -EINVAL }, { "latency -5", -ERANGE },
		{ "latency 5-6-7", -EINVAL }, { "latency 5-6 7", -EINVAL },
		{ "latency 5 -6", -EINVAL }, { "reset-latency 5-6", -EINVAL },
		{ "reset-latency 5", 0 }, { "reset-latency", -EINVAL },
		{ "lost", 0 }, { "lost 0", -ERANGE }, { "lost 1 1", -EINVAL },
		{ "duplicate 2", 0 }, { "reset-lost 3", 0 },
		{ "storm", -EINVAL }, { "storm 0", -ERANGE }, { "storm 1", 0 },
		{ "storm 1000001", -ERANGE }, { "gone 1", -EINVAL },
		{ "corrupt", 0 }, { "corrupt 0", -ERANGE }, { "short 1000000", 0 },
		{ "short 1 1", -EINVAL }, { "abort-hang 2", 0 }, { "abort-hang x", -EINVAL },
		{ "seed 0", 0 }, { "seed 4294967295", 0 }, { "seed", -EINVAL },
		{ "seed 4294967296", -ERANGE }, { "seed -1", -ERANGE }, { "seed 1 1", -EINVAL },
		{ "rule", -EINVAL }, { "rule hang", 0 }, { "rule rule", -EINVAL },
		{ "rule hang slot 0", 0 }, { "rule hang slot 1", -ERANGE },
		{ "rule late 5 after 1 every 2 times 3 chance 1/2 size 1-9 slot 0", 0 },
		{ "rule hang x", -EINVAL }, { "rule hang after 1000001", -ERANGE },
		{ "drop", -EINVAL }, { "drop 2", 0 }, { "drop 2", -ENOENT },
		{ "drop 0", -ERANGE }, { "drop 4294967295", -ENOENT },
		{ "drop 4294967296", -ERANGE }, { "drop 1 3", -EINVAL }, { "drop x", -EINVAL },
		{ "dead 1", -EINVAL }, { "revive 1", -EINVAL },
		{ "clear 1", -EINVAL }, { "clear", 0 },
	};
	struct fixture *fx = test->priv;
	struct sim_rules *rules_before = new_rules(test), *rules_after = new_rules(test);
	struct sim_hw_state before, after;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(lines); i++) {
		sim_hw_get_state(fx->sim->hw, &before);
		sim_hw_get_rules(fx->sim->hw, rules_before);
		KUNIT_EXPECT_EQ_MSG(test, command(fx, lines[i].line),
				    lines[i].err, "line '%s'", lines[i].line);
		sim_hw_get_state(fx->sim->hw, &after);
		sim_hw_get_rules(fx->sim->hw, rules_after);
		if (!lines[i].err)
			continue;
		KUNIT_EXPECT_TRUE(test, !memcmp(&before, &after, sizeof(before)));
		KUNIT_EXPECT_TRUE(test, !memcmp(rules_before, rules_after,
						sizeof(*rules_before)));
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

/* What a reader sees that no default device shows. */
static void expect_shown(struct kunit *test, const char *expected)
{
	struct fixture *fx = test->priv;
	struct seq_file seq = { .size = 2 * PAGE_SIZE, .private = fx->sim };
	char *rules;

	seq.buf = kunit_kzalloc(test, seq.size, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, seq.buf);
	KUNIT_EXPECT_EQ(test, sim_ctl_show(&seq, NULL), 0);
	KUNIT_ASSERT_LT(test, seq.count, seq.size);
	seq.buf[seq.count] = '\0';
	rules = strstr(seq.buf, "\ninnocent: ");
	KUNIT_ASSERT_NOT_NULL(test, rules);
	rules = strchr(rules + 1, '\n') + 1;
	KUNIT_EXPECT_STREQ(test, rules, expected);
}

static void rules_are_shown_as_they_are_written(struct kunit *test)
{
	struct fixture *fx = test->priv;
	char line[64], *full;
	unsigned int i;

	command(fx, "seed 1");	/* another test may have set one */
	expect_shown(test, "");
	command(fx, "rule hang");
	command(fx, "rule late 5 slot 0 size 7-9 chance 1/2 times 3 every 2 after 1");
	command(fx, "rule storm 1000000 after 0 every 1 chance 3/3 size 1-4096");
	command(fx, "rule spurious size 5-5");
	command(fx, "rule reset-lost times 9");
	command(fx, "drop 1");
	expect_shown(test,
		     "rule 2: late 5 after 1 every 2 times 3 chance 1/2 size 7-9 slot 0 struck 0\n"
		     "rule 3: storm 1000000 size 1-4096 struck 0\n"
		     "rule 4: spurious 1 size 5 struck 0\n"
		     "rule 5: reset-lost times 9 struck 0\n");
	command(fx, "clear");
	command(fx, "seed 77");
	command(fx, "rule lost every 2");
	for (i = 0; i < 4; i++)
		KUNIT_EXPECT_EQ(test, do_write(fx, "x", 1, false), 1);
	expect_shown(test, "seed: 77\nrule 1: lost every 2 struck 2\n");
	command(fx, "seed 1");
	command(fx, "clear");
	expect_shown(test, "");
	full = kunit_kzalloc(test, SIM_RULES_MAX * sizeof(line), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, full);
	for (i = 1; i <= SIM_RULES_MAX; i++) {
		KUNIT_EXPECT_EQ(test, command(fx, "rule reset-hang"), 0);
		snprintf(line, sizeof(line), "rule %u: reset-hang struck 0\n", i);
		strcat(full, line);
	}
	KUNIT_EXPECT_EQ(test, command(fx, "rule reset-hang"), -ENOSPC);
	expect_shown(test, full);
	command(fx, "clear");
}

static void new_faults_and_ranges_are_shown_while_they_are_set(struct kunit *test)
{
	struct fixture *fx = test->priv;
	struct seq_file seq = { .size = PAGE_SIZE, .private = fx->sim };

	seq.buf = kunit_kzalloc(test, seq.size, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, seq.buf);
	KUNIT_EXPECT_EQ(test, sim_ctl_show(&seq, NULL), 0);
	KUNIT_EXPECT_TRUE(test, strstr(seq.buf, "\nlatency_ms: 5\n"));
	KUNIT_EXPECT_TRUE(test, strstr(seq.buf, "\npending_storm: 0\nsubmitted: "));
	command(fx, "latency 7-9");
	command(fx, "corrupt 3");
	command(fx, "short 4");
	command(fx, "abort-hang 5");
	memset(seq.buf, 0, seq.size);
	seq.count = 0;
	KUNIT_EXPECT_EQ(test, sim_ctl_show(&seq, NULL), 0);
	KUNIT_EXPECT_TRUE(test, strstr(seq.buf, "\nlatency_ms: 7-9\n"));
	KUNIT_EXPECT_TRUE(test, strstr(seq.buf, "\npending_corrupt: 3\npending_short: 4\n"
						"pending_abort_hang: 5\nsubmitted: "));
	command(fx, "latency 5");
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
