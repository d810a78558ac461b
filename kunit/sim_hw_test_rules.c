// SPDX-License-Identifier: GPL-2.0-only
/* The rules of faults, without a device. Part of sim_hw_test.c. */

#define RULE_SLOTS	8	/* of the device for which rules are parsed */

/* Statistics are compared with their expectation by at most 5 standard deviations. */
#define OPERATIONS	100000

static int make_rules(struct kunit *test)
{
	struct sim_rules *rules = kunit_kzalloc(test, sizeof(*rules), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, rules);
	sim_rules_seed(rules, SIM_RULES_SEED);
	test->priv = rules;
	return 0;
}

static int parse(struct sim_rule *rule, const char *text)
{
	char line[130];

	strscpy(line, text, sizeof(line));
	return sim_rules_parse(rule, line, RULE_SLOTS);
}

static void add(struct kunit *test, const char *text)
{
	struct sim_rule rule;

	KUNIT_ASSERT_EQ_MSG(test, 0, parse(&rule, text), "%s", text);
	KUNIT_ASSERT_EQ_MSG(test, 0, sim_rules_add(test->priv, &rule), "%s", text);
}

/* The number of the rule that strikes an event, 0 if none does, -1 for one without number. */
static int strike(struct sim_rules *rules, enum sim_rules_event event,
		  unsigned int slot, unsigned int size)
{
	u64 before[SIM_RULES_MAX];
	enum sim_hw_fault fault;
	unsigned int i;

	for (i = 0; i < rules->nr; i++)
		before[i] = rules->rule[i].struck;
	fault = sim_rules_strike(rules, event, slot, size, NULL);
	for (i = 0; i < rules->nr; i++)
		if (rules->rule[i].struck != before[i])
			return rules->rule[i].number;
	return fault == SIM_HW_NR_FAULTS ? 0 : -1;
}

/* Expect for each operation the number of the rule that strikes, or '.' for none. */
static void expect_strikes(struct kunit *test, const char *expected)
{
	char seen[80] = "";
	unsigned int i;
	int by;

	for (i = 0; expected[i]; i++) {
		by = strike(test->priv, SIM_RULES_OPERATION, 0, 100);
		seen[i] = by ? '0' + by : '.';
	}
	KUNIT_EXPECT_STREQ(test, seen, expected);
}

static void rules_are_parsed(struct kunit *test)
{
	static const struct {
		const char *line;
		int err;
	} lines[] = {
		/* every fault, with its number */
		{ "hang", 0 }, { "late 0", 0 }, { "late 600000", 0 }, { "error", 0 },
		{ "lost", 0 }, { "duplicate", 0 }, { "corrupt", 0 }, { "short", 0 },
		{ "dead", 0 }, { "gone", 0 }, { "storm 1", 0 }, { "storm 1000000", 0 },
		{ "spurious", 0 }, { "spurious 7", 0 }, { "reset-hang", 0 },
		{ "reset-lost", 0 }, { "abort-hang", 0 },
		{ "", -EINVAL }, { "  ", -EINVAL }, { "hangs", -EINVAL },
		{ "revive", -EINVAL }, { "latency 5", -EINVAL }, { "after 5", -EINVAL },
		{ "hang 3", -EINVAL }, { "error 1 after 2", -EINVAL },
		{ "reset-hang 1", -EINVAL }, { "dead 1", -EINVAL },
		{ "late", -EINVAL }, { "late after 3", -EINVAL }, { "late x", -EINVAL },
		{ "late 600001", -ERANGE }, { "late -1", -ERANGE }, { "late 5 5", -EINVAL },
		{ "storm", -EINVAL }, { "storm after 1", -EINVAL }, { "storm 0", -ERANGE },
		{ "storm 1000001", -ERANGE }, { "spurious 0", -ERANGE },
		{ "spurious 1000001", -ERANGE }, { "spurious x", -EINVAL },
		{ "spurious 1 1", -EINVAL }, { "spurious after 2", 0 },
		/* after, every, times */
		{ "hang after 0", 0 }, { "hang after 1000000", 0 },
		{ "hang after 1000001", -ERANGE }, { "hang after -1", -ERANGE },
		{ "hang after", -EINVAL }, { "hang after x", -EINVAL },
		{ "hang after 1 after 1", -EINVAL },
		{ "hang every 1", 0 }, { "hang every 0", -ERANGE },
		{ "hang every 1000000", 0 }, { "hang every 1000001", -ERANGE },
		{ "hang every", -EINVAL }, { "hang every 1 every 2", -EINVAL },
		{ "hang times 1", 0 }, { "hang times 0", -ERANGE },
		{ "hang times 1000000", 0 }, { "hang times 1000001", -ERANGE },
		{ "hang times", -EINVAL }, { "hang times 5 times 5", -EINVAL },
		/* chance */
		{ "hang chance 1/1", 0 }, { "hang chance 1/1000000", 0 },
		{ "hang chance 1000000/1000000", 0 }, { "hang chance 0/5", -ERANGE },
		{ "hang chance 5/4", -ERANGE }, { "hang chance 1/1000001", -ERANGE },
		{ "hang chance 1", -EINVAL }, { "hang chance 1/", -EINVAL },
		{ "hang chance /2", -EINVAL }, { "hang chance /", -EINVAL },
		{ "hang chance 1/2/3", -EINVAL }, { "hang chance 1 /2", -EINVAL },
		{ "hang chance x/2", -EINVAL }, { "hang chance 1/x", -EINVAL },
		{ "hang chance", -EINVAL }, { "hang chance -1/2", -ERANGE },
		{ "hang chance 1/2 chance 1/2", -EINVAL },
		/* size */
		{ "hang size 1-4096", 0 }, { "hang size 5-5", 0 }, { "hang size 5", 0 },
		{ "hang size 0-5", -ERANGE }, { "hang size 1-4097", -ERANGE },
		{ "hang size 6-5", -ERANGE }, { "hang size 0", -ERANGE },
		{ "hang size 5-", -EINVAL }, { "hang size -", -EINVAL },
		{ "hang size -5", -ERANGE }, { "hang size -5-6", -ERANGE },
		{ "hang size 5--6", -ERANGE }, { "hang size 5-x", -EINVAL },
		{ "hang size 1-2-3", -EINVAL }, { "hang size", -EINVAL },
		{ "hang size 1-2 size 1-2", -EINVAL },
		/* slot */
		{ "hang slot 0", 0 }, { "hang slot 7", 0 }, { "hang slot 8", -ERANGE },
		{ "hang slot -1", -ERANGE }, { "hang slot 0-1", -EINVAL },
		{ "hang slot", -EINVAL }, { "hang slot 1 slot 1", -EINVAL },
		/* resets and aborts have neither size nor slot */
		{ "reset-hang size 1-2", -EINVAL }, { "reset-lost slot 0", -EINVAL },
		{ "abort-hang size 1", -EINVAL }, { "abort-hang slot 0", -EINVAL },
		{ "abort-hang after 1 every 2 times 3 chance 1/2", 0 },
		/* together: any order, and the first mistake decides */
		{ "late 5 after 1 every 2 times 3 chance 1/2 size 1-9 slot 1", 0 },
		{ "\tlate  5 slot 1 size 1-9 chance 1/2 times 3 every 2 after 1 ", 0 },
		{ "hang after x slot 9", -EINVAL }, { "hang slot 9 after x", -ERANGE },
		{ "hang after 1 x", -EINVAL }, { "hang AFTER 1", -EINVAL },
		{ "late 600001 after x", -ERANGE },
		{ "hang after 99999999999999999999", -ERANGE },
		{ "hang after 1x", -EINVAL }, { "hang after 0x1", -EINVAL },
		{ "hang after +1", 0 },
	};
	struct sim_rule rule;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(lines); i++)
		KUNIT_EXPECT_EQ_MSG(test, parse(&rule, lines[i].line), lines[i].err,
				    "'%s'", lines[i].line);
}

static void every_word_sets_its_field(struct kunit *test)
{
	static const char all[] =
		"late 11 slot 6 size 12-13 chance 14/15 times 16 every 17 after 18";
	struct sim_rule rule;

	KUNIT_EXPECT_EQ(test, 0, parse(&rule, "hang"));
	KUNIT_EXPECT_EQ(test, rule.fault, SIM_HW_HANG);
	KUNIT_EXPECT_EQ(test, rule.after, 0u);
	KUNIT_EXPECT_EQ(test, rule.every, 1u);
	KUNIT_EXPECT_EQ(test, rule.times, 0u);
	KUNIT_EXPECT_EQ(test, rule.chance.low, rule.chance.high);
	KUNIT_EXPECT_EQ(test, rule.size.low, 0u);
	KUNIT_EXPECT_EQ(test, rule.size.high, (unsigned int)SIM_HW_BUFFER_SIZE);
	KUNIT_EXPECT_EQ(test, rule.slot.high, UINT_MAX);
	KUNIT_EXPECT_EQ(test, 0, parse(&rule, all));
	KUNIT_EXPECT_EQ(test, rule.fault, SIM_HW_LATE);
	KUNIT_EXPECT_EQ(test, rule.arg, 11u);
	KUNIT_EXPECT_EQ(test, rule.slot.low, 6u);
	KUNIT_EXPECT_EQ(test, rule.slot.high, 6u);
	KUNIT_EXPECT_EQ(test, rule.size.low, 12u);
	KUNIT_EXPECT_EQ(test, rule.size.high, 13u);
	KUNIT_EXPECT_EQ(test, rule.chance.low, 14u);
	KUNIT_EXPECT_EQ(test, rule.chance.high, 15u);
	KUNIT_EXPECT_EQ(test, rule.times, 16u);
	KUNIT_EXPECT_EQ(test, rule.every, 17u);
	KUNIT_EXPECT_EQ(test, rule.after, 18u);
	parse(&rule, "spurious");
	KUNIT_EXPECT_EQ(test, rule.arg, 1u);
	parse(&rule, "spurious 5 times 2");
	KUNIT_EXPECT_EQ(test, rule.arg, 5u);
	parse(&rule, "storm 6");
	KUNIT_EXPECT_EQ(test, rule.arg, 6u);
	KUNIT_EXPECT_EQ(test, rule.fault, SIM_HW_STORM);
}

static void rules_have_their_turns(struct kunit *test)
{
	static const struct {
		const char *rule, *strikes;
	} cases[] = {
		{ "hang", "1111" },
		{ "hang after 3", "...1111" },
		{ "hang every 3", "..1..1..1." },
		{ "hang after 2 every 3", "....1..1..1." },
		{ "hang times 2", "11...." },
		{ "hang after 1 times 2", ".11..." },
		{ "hang after 1 every 2 times 2", "..1.1......." },
		{ "hang chance 1/1", "1111" },
		{ "hang chance 7/7", "1111" },
		{ "hang size 100", "1111" },
		{ "hang size 99-101", "1111" },
		{ "hang size 101-200", "...." },
		{ "hang size 1-99", "...." },
		{ "hang slot 0", "1111" },
		{ "hang slot 1", "...." },
		{ "reset-hang", "...." },
		{ "abort-hang", "...." },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		sim_rules_clear(test->priv);
		add(test, cases[i].rule);
		expect_strikes(test, cases[i].strikes);
	}
}

/* A rule counts only what is of its size, slot and kind. */
static void rules_count_their_own_kind(struct kunit *test)
{
	struct sim_rules *rules = test->priv;
	unsigned int i;

	add(test, "hang every 2 size 10-20");
	add(test, "error every 2 slot 3");
	add(test, "reset-hang every 2");
	add(test, "abort-hang every 2");
	for (i = 0; i < 3; i++) {
		KUNIT_EXPECT_EQ(test, strike(rules, SIM_RULES_OPERATION, 0, 10), 0);
		KUNIT_EXPECT_EQ(test, strike(rules, SIM_RULES_OPERATION, 0, 9), 0);
		KUNIT_EXPECT_EQ(test, strike(rules, SIM_RULES_OPERATION, 0, 21), 0);
		KUNIT_EXPECT_EQ(test, strike(rules, SIM_RULES_OPERATION, 3, 1), 0);
		KUNIT_EXPECT_EQ(test, strike(rules, SIM_RULES_RESET, 0, 0), 0);
		KUNIT_EXPECT_EQ(test, strike(rules, SIM_RULES_ABORT, 0, 0), 0);
		KUNIT_EXPECT_EQ(test, strike(rules, SIM_RULES_RESET, 0, 0), 3);
		KUNIT_EXPECT_EQ(test, strike(rules, SIM_RULES_ABORT, 0, 0), 4);
		KUNIT_EXPECT_EQ(test, strike(rules, SIM_RULES_OPERATION, 0, 20), 1);
		KUNIT_EXPECT_EQ(test, strike(rules, SIM_RULES_OPERATION, 3, 1), 2);
	}
}

static void the_first_rule_wins_and_others_keep_their_turns(struct kunit *test)
{
	struct sim_rules *rules = test->priv;

	add(test, "error every 2");
	add(test, "hang every 3");
	expect_strikes(test, ".121.1.121.1");
	/* Operation 12 was the turn of both. Without the first, the second stays. */
	KUNIT_EXPECT_EQ(test, 0, sim_rules_drop(rules, 1));
	add(test, "lost every 4");
	expect_strikes(test, "..23.2.32..2");	/* 24: the older one */
	KUNIT_EXPECT_EQ(test, rules->rule[0].struck, 6ull);
}

static void rules_come_first_then_pending_faults_in_their_order(struct kunit *test)
{
	static const enum sim_hw_fault order[] = {
		SIM_HW_HANG, SIM_HW_LATE, SIM_HW_ERROR, SIM_HW_LOST, SIM_HW_DUPLICATE,
		SIM_HW_CORRUPT, SIM_HW_SHORT,
	};
	struct sim_rules *rules = test->priv;
	unsigned int i, arg = 77;

	rules->pending[SIM_HW_HANG] = 1;
	add(test, "error times 1");
	KUNIT_EXPECT_EQ(test, SIM_HW_ERROR,
			sim_rules_strike(rules, SIM_RULES_OPERATION, 0, 9, NULL));
	KUNIT_EXPECT_EQ(test, SIM_HW_HANG,
			sim_rules_strike(rules, SIM_RULES_OPERATION, 0, 9, NULL));
	sim_rules_clear(rules);
	add(test, "late 5 every 2");
	for (i = 0; i < SIM_HW_DEAD; i++)
		rules->pending[i] = 1;
	for (i = 0; i < ARRAY_SIZE(order); i++) {
		KUNIT_EXPECT_EQ(test, order[i],
				sim_rules_strike(rules, SIM_RULES_OPERATION, 0, 9, &arg));
		KUNIT_EXPECT_EQ(test, arg, 77u);
		KUNIT_EXPECT_EQ(test, SIM_HW_LATE,
				sim_rules_strike(rules, SIM_RULES_OPERATION, 0, 9, &arg));
		KUNIT_EXPECT_EQ(test, arg, 5u);
		arg = 77;
	}
	KUNIT_EXPECT_EQ(test, SIM_HW_NR_FAULTS,
			sim_rules_strike(rules, SIM_RULES_OPERATION, 0, 9, &arg));
	KUNIT_EXPECT_EQ(test, SIM_HW_RESET_HANG,
			sim_rules_strike(rules, SIM_RULES_RESET, 0, 0, NULL));
	KUNIT_EXPECT_EQ(test, SIM_HW_RESET_LOST,
			sim_rules_strike(rules, SIM_RULES_RESET, 0, 0, NULL));
	KUNIT_EXPECT_EQ(test, SIM_HW_ABORT_HANG,
			sim_rules_strike(rules, SIM_RULES_ABORT, 0, 0, NULL));
	KUNIT_EXPECT_EQ(test, rules->pending[SIM_HW_SPURIOUS], 1u);
	KUNIT_EXPECT_EQ(test, rules->pending[SIM_HW_STORM], 1u);
}

static void rules_are_numbered_and_dropped(struct kunit *test)
{
	struct sim_rules *rules = test->priv;
	struct sim_rule rule;
	unsigned int i;

	for (i = 0; i < SIM_RULES_MAX; i++)
		add(test, "error times 1");
	parse(&rule, "hang");
	KUNIT_EXPECT_EQ(test, sim_rules_add(rules, &rule), -ENOSPC);
	KUNIT_EXPECT_EQ(test, rules->nr, (unsigned int)SIM_RULES_MAX);
	KUNIT_EXPECT_EQ(test, rules->last, (u32)SIM_RULES_MAX);
	for (i = 1; i <= SIM_RULES_MAX; i++)
		KUNIT_EXPECT_EQ(test, strike(rules, SIM_RULES_OPERATION, 0, 1), (int)i);
	KUNIT_EXPECT_EQ(test, sim_rules_drop(rules, 0), -ENOENT);
	KUNIT_EXPECT_EQ(test, sim_rules_drop(rules, SIM_RULES_MAX + 1), -ENOENT);
	KUNIT_EXPECT_EQ(test, sim_rules_drop(rules, 2), 0);
	KUNIT_EXPECT_EQ(test, sim_rules_drop(rules, 2), -ENOENT);
	KUNIT_EXPECT_EQ(test, rules->nr, SIM_RULES_MAX - 1u);
	KUNIT_EXPECT_EQ(test, rules->rule[0].number, 1u);
	KUNIT_EXPECT_EQ(test, rules->rule[1].number, 3u);
	KUNIT_EXPECT_EQ(test, sim_rules_drop(rules, SIM_RULES_MAX), 0);
	add(test, "hang");
	KUNIT_EXPECT_EQ(test, rules->rule[rules->nr - 1].number, SIM_RULES_MAX + 1u);
	sim_rules_clear(rules);
	KUNIT_EXPECT_EQ(test, strike(rules, SIM_RULES_OPERATION, 0, 1), 0);
	add(test, "hang");
	KUNIT_EXPECT_EQ(test, rules->rule[0].number, 1u);
	rules->last = U32_MAX;
	KUNIT_EXPECT_EQ(test, sim_rules_add(rules, &rule), -ENOSPC);
	KUNIT_EXPECT_EQ(test, rules->nr, 1u);
}

#define NR_BITS	1024

/* Which of NR_BITS operations the rule of this number strikes. */
static void record(struct kunit *test, unsigned int number, unsigned long *bits)
{
	unsigned int i;

	bitmap_zero(bits, NR_BITS);
	for (i = 0; i < NR_BITS; i++)
		if (strike(test->priv, SIM_RULES_OPERATION, 0, 1) == number)
			__set_bit(i, bits);
}

static void a_seed_repeats(struct kunit *test)
{
	DECLARE_BITMAP(first, NR_BITS);
	DECLARE_BITMAP(again, NR_BITS);
	struct sim_rules *rules = test->priv;
	unsigned int i, a[20];

	add(test, "hang chance 1/3");
	record(test, 1, first);
	record(test, 1, again);
	KUNIT_EXPECT_FALSE(test, bitmap_equal(first, again, NR_BITS));
	sim_rules_seed(rules, SIM_RULES_SEED);
	record(test, 1, again);
	KUNIT_EXPECT_TRUE(test, bitmap_equal(first, again, NR_BITS));
	sim_rules_seed(rules, SIM_RULES_SEED + 1);
	record(test, 1, again);
	KUNIT_EXPECT_FALSE(test, bitmap_equal(first, again, NR_BITS));
	/* A rule that is added later begins with the seed, too. */
	sim_rules_seed(rules, SIM_RULES_SEED);
	sim_rules_clear(rules);
	add(test, "hang chance 1/3");
	record(test, 1, again);
	KUNIT_EXPECT_TRUE(test, bitmap_equal(first, again, NR_BITS));
	/* Latencies. */
	sim_rules_seed(rules, 9);
	for (i = 0; i < ARRAY_SIZE(a); i++)
		a[i] = sim_rules_random(rules, 5, 600000);
	KUNIT_EXPECT_NE(test, a[0], a[1]);
	sim_rules_seed(rules, 9);
	record(test, 1, again);		/* a rule's chances do not disturb them */
	for (i = 0; i < ARRAY_SIZE(a); i++)
		KUNIT_EXPECT_EQ(test, a[i], sim_rules_random(rules, 5, 600000));
}

/* The chances of a rule do not depend on other rules, nor are they the same. */
static void rules_have_their_own_chances(struct kunit *test)
{
	DECLARE_BITMAP(alone, NR_BITS);
	DECLARE_BITMAP(beside, NR_BITS);
	DECLARE_BITMAP(differ, NR_BITS);
	struct sim_rules *rules = test->priv;
	unsigned int nr;

	add(test, "error chance 1/2 size 1000");	/* never strikes */
	add(test, "hang chance 1/2");
	record(test, 2, alone);
	sim_rules_clear(rules);
	add(test, "error chance 1/2 every 2");
	add(test, "hang chance 1/2");
	add(test, "lost chance 1/2");
	record(test, 2, beside);
	/* The same, but for operations of the first. */
	KUNIT_EXPECT_TRUE(test, bitmap_subset(beside, alone, NR_BITS));
	nr = bitmap_weight(alone, NR_BITS) - bitmap_weight(beside, NR_BITS);
	KUNIT_EXPECT_GE(test, nr, 128u - 57u);	/* an eighth, deviation 11 */
	KUNIT_EXPECT_LE(test, nr, 128u + 57u);

	sim_rules_clear(rules);
	add(test, "error chance 1/2");
	record(test, 1, beside);
	bitmap_xor(differ, alone, beside, NR_BITS);
	nr = bitmap_weight(differ, NR_BITS);
	KUNIT_EXPECT_GE(test, nr, 512u - 80u);	/* half, deviation 16 */
	KUNIT_EXPECT_LE(test, nr, 512u + 80u);
}

static void chances_are_what_they_say(struct kunit *test)
{
	static const struct {
		const char *rule;
		unsigned int mean, deviation;	/* of OPERATIONS: N p, sqrt(N p (1 - p)) */
	} cases[] = {
		{ "hang chance 1/2", 50000, 158 },
		{ "hang chance 1/3", 33333, 149 },
		{ "hang chance 2/3", 66667, 149 },
		{ "hang chance 1/10", 10000, 95 },
		{ "hang chance 1/1000", 100, 10 },
		{ "hang chance 999/1000", 99900, 10 },
		{ "hang chance 500000/1000000", 50000, 158 },
		{ "hang chance 1/2 every 10", 5000, 50 },
	};
	struct sim_rules *rules = test->priv;
	unsigned int i, n, seed;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		for (seed = 0; seed < 5; seed++) {
			s64 off;

			sim_rules_seed(rules, seed);
			sim_rules_clear(rules);
			add(test, cases[i].rule);
			for (n = 0; n < OPERATIONS; n++)
				sim_rules_strike(rules, SIM_RULES_OPERATION, 0, 1, NULL);
			off = (s64)rules->rule[0].struck - cases[i].mean;
			KUNIT_EXPECT_LE_MSG(test, abs(off), 5 * (s64)cases[i].deviation,
					    "%s, seed %u", cases[i].rule, seed);
		}
	}
}

static void random_numbers_are_uniform(struct kunit *test)
{
	struct sim_rules *rules = test->priv;
	unsigned int i, nr[10] = {}, same = 0, last = 0;

	for (i = 0; i < OPERATIONS; i++) {
		unsigned int number = sim_rules_random(rules, 20, 29);

		KUNIT_ASSERT_GE(test, number, 20u);
		KUNIT_ASSERT_LE(test, number, 29u);
		nr[number - 20]++;
		same += number == last;
		last = number;
	}
	for (i = 0; i < 10; i++) {
		KUNIT_EXPECT_GE(test, nr[i], 10000u - 475u);
		KUNIT_EXPECT_LE(test, nr[i], 10000u + 475u);
	}
	KUNIT_EXPECT_GE(test, same, 10000u - 475u);
	KUNIT_EXPECT_LE(test, same, 10000u + 475u);
	KUNIT_EXPECT_EQ(test, sim_rules_random(rules, 7, 7), 7u);
}

static struct kunit_case sim_rules_cases[] = {
	KUNIT_CASE(rules_are_parsed),
	KUNIT_CASE(every_word_sets_its_field),
	KUNIT_CASE(rules_have_their_turns),
	KUNIT_CASE(rules_count_their_own_kind),
	KUNIT_CASE(the_first_rule_wins_and_others_keep_their_turns),
	KUNIT_CASE(rules_come_first_then_pending_faults_in_their_order),
	KUNIT_CASE(rules_are_numbered_and_dropped),
	KUNIT_CASE(a_seed_repeats),
	KUNIT_CASE(rules_have_their_own_chances),
	KUNIT_CASE(chances_are_what_they_say),
	KUNIT_CASE(random_numbers_are_uniform),
	{}
};

static struct kunit_suite sim_rules_suite = {
	.name = "sim_rules",
	.init = make_rules,
	.test_cases = sim_rules_cases,
};
