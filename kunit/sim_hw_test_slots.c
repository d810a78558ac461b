// SPDX-License-Identifier: GPL-2.0-only
/* Many operations at a time: slots, aborts, rules. Part of sim_hw_test.c. */

static void start_in(struct fixture *fx, unsigned int slot, u32 tag,
		     const char *data)
{
	sim_hw_start(fx->hw, slot, tag, data, strlen(data) + 1);
}

static void add_rule(struct kunit *test, const char *text)
{
	struct fixture *fx = test->priv;
	struct sim_rule rule;
	char line[128];

	strscpy(line, text, sizeof(line));
	KUNIT_ASSERT_EQ(test, 0, sim_rules_parse(&rule, line, SIM_HW_MAX_SLOTS));
	KUNIT_ASSERT_EQ(test, 0, sim_hw_add_rule(fx->hw, &rule));
}

static u64 struck(struct kunit *test, unsigned int i)
{
	struct fixture *fx = test->priv;

	return fx->hw->rules.rule[i].struck;
}

static void expect_buffer_of(struct kunit *test, unsigned int slot,
			     const char *data)
{
	struct fixture *fx = test->priv;
	char back[64] = "";

	sim_hw_read_buffer(fx->hw, slot, back, sizeof(back));
	KUNIT_EXPECT_STREQ(test, back, data);
}

static void expect_cause(struct kunit *test, unsigned int i, u32 cause, u32 slot,
			 u32 tag, unsigned int ms)
{
	struct fixture *fx = test->priv;

	expect_seen(test, i, cause, tag, ms);
	KUNIT_EXPECT_EQ(test, fx->seen[i].slot, slot);
}

/* How many causes of this kind the handler read. */
static unsigned int count_seen(struct fixture *fx, u32 cause, u32 slot, u32 tag)
{
	unsigned int i, nr = 0;

	for (i = 0; i < min(fx->nr_seen, MAX_SEEN); i++)
		nr += fx->seen[i].cause == cause && fx->seen[i].slot == slot &&
		      fx->seen[i].tag == tag;
	return nr;
}

/* Give the test another device, with as many slots as there can be. */
static void make_large_device(struct kunit *test)
{
	destroy_device(test);
	KUNIT_ASSERT_EQ(test, 0, make_device_of(test, SIM_HW_MAX_SLOTS));
}

static void slots_have_a_limit(struct kunit *test)
{
	struct fixture *fx = test->priv;

	KUNIT_EXPECT_EQ(test, sim_hw_read(fx->hw, SIM_HW_SLOTS), (u64)SLOTS);
	KUNIT_EXPECT_PTR_EQ(test, sim_hw_create(0, 1, 1),
			    (struct sim_hw *)ERR_PTR(-EINVAL));
	KUNIT_EXPECT_PTR_EQ(test, sim_hw_create(SIM_HW_MAX_SLOTS + 1, 1, 1),
			    (struct sim_hw *)ERR_PTR(-EINVAL));
}

static void a_slot_that_is_not_there_does_nothing(struct kunit *test)
{
	struct fixture *fx = test->priv;
	u8 back = 0;

	start_in(fx, SLOTS, 1, "nowhere");
	sim_hw_abort(fx->hw, SLOTS, 1);
	start_in(fx, UINT_MAX, 1, "nowhere");
	KUNIT_EXPECT_EQ(test, status(test), 0u);
	settle();
	KUNIT_EXPECT_EQ(test, fx->nr_seen, 0u);
	KUNIT_EXPECT_EQ(test, sim_hw_read_tag(fx->hw, SLOTS), SIM_HW_ALL_ONES);
	sim_hw_read_buffer(fx->hw, SLOTS, &back, 1);
	KUNIT_EXPECT_EQ(test, back, (u8)0xff);
}

static void slots_keep_their_data_apart(struct kunit *test)
{
	struct fixture *fx = test->priv;

	start_in(fx, 2, 12, "two");
	start_in(fx, 0, 10, "zero");
	start_in(fx, 3, 13, "three");
	KUNIT_EXPECT_EQ(test, status(test), (u32)SIM_HW_STATUS_BUSY);
	settle();
	KUNIT_EXPECT_EQ(test, fx->nr_seen, 3u);
	expect_cause(test, 0, SIM_HW_CAUSE_DONE, 2, 12, LATENCY_MS);
	expect_cause(test, 1, SIM_HW_CAUSE_DONE, 0, 10, LATENCY_MS);
	expect_cause(test, 2, SIM_HW_CAUSE_DONE, 3, 13, LATENCY_MS);
	KUNIT_EXPECT_EQ(test, fx->seen[0].length, 4u);
	KUNIT_EXPECT_EQ(test, fx->seen[1].length, 5u);
	KUNIT_EXPECT_EQ(test, fx->seen[2].length, 6u);
	expect_buffer_of(test, 0, "zero");
	expect_buffer_of(test, 1, "");
	expect_buffer_of(test, 2, "two");
	expect_buffer_of(test, 3, "three");
	KUNIT_EXPECT_EQ(test, sim_hw_read_tag(fx->hw, 2), 12ull);
	KUNIT_EXPECT_EQ(test, sim_hw_read_tag(fx->hw, 1), 0ull);
	KUNIT_EXPECT_EQ(test, status(test), 0u);
}

static void busy_until_the_last_slot_is_done(struct kunit *test)
{
	struct fixture *fx = test->priv;

	start_in(fx, 1, 1, "a");
	sim_hw_set_ms(fx->hw, SIM_HW_LATENCY, 1000);
	start_in(fx, 3, 2, "b");
	settle();
	KUNIT_EXPECT_EQ(test, fx->nr_seen, 1u);
	KUNIT_EXPECT_EQ(test, status(test), (u32)SIM_HW_STATUS_BUSY);
	msleep(1000);
	KUNIT_EXPECT_EQ(test, fx->nr_seen, 2u);
	KUNIT_EXPECT_EQ(test, status(test), 0u);
}

static void operations_end_out_of_order(struct kunit *test)
{
	unsigned int i, early = 0, late = 0, inversions = 0;
	struct fixture *fx;
	s64 sum = 0;

	make_large_device(test);
	fx = test->priv;
	sim_hw_set_range(fx->hw, SIM_HW_LATENCY, 1000, 2000);
	fx->began = ktime_get();
	for (i = 0; i < SIM_HW_MAX_SLOTS; i++)
		start_in(fx, i, 1000 + i, "x");
	msleep(2000);
	settle();
	KUNIT_ASSERT_EQ(test, fx->nr_seen, (unsigned int)SIM_HW_MAX_SLOTS);
	for (i = 0; i < SIM_HW_MAX_SLOTS; i++) {
		struct seen *seen = &fx->seen[i];

		KUNIT_EXPECT_EQ(test, seen->tag, 1000 + seen->slot);
		KUNIT_EXPECT_EQ(test, count_seen(fx, SIM_HW_CAUSE_DONE, i, 1000 + i), 1u);
		KUNIT_EXPECT_GE(test, seen->ms, 1000);
		KUNIT_EXPECT_LE(test, seen->ms, virtual ? 2001 : 2500);
		early += seen->ms < 1100;
		late += seen->ms >= 1900;
		sum += seen->ms;
		inversions += i && seen->slot < fx->seen[i - 1].slot;
	}
	/* Uniform: a tenth is 26, with a deviation of 5; the mean 1500, of 18. */
	KUNIT_EXPECT_GE(test, early, 5u);
	KUNIT_EXPECT_LE(test, early, 50u);
	KUNIT_EXPECT_LE(test, late, 50u);
	KUNIT_EXPECT_GE(test, sum / SIM_HW_MAX_SLOTS, 1410);
	KUNIT_EXPECT_LE(test, sum / SIM_HW_MAX_SLOTS, virtual ? 1590 : 1900);
	KUNIT_EXPECT_GE(test, inversions, 64u);
}

static void a_start_drops_its_own_slot_only(struct kunit *test)
{
	struct fixture *fx = test->priv;

	start_in(fx, 0, 1, "a");
	start_in(fx, 1, 2, "old");
	start_in(fx, 1, 3, "new");
	settle();
	KUNIT_EXPECT_EQ(test, fx->nr_seen, 2u);
	expect_cause(test, 0, SIM_HW_CAUSE_DONE, 0, 1, LATENCY_MS);
	expect_cause(test, 1, SIM_HW_CAUSE_DONE, 1, 3, LATENCY_MS);
	expect_buffer_of(test, 1, "new");
}

static void a_start_in_any_slot_ends_a_reset(struct kunit *test)
{
	struct fixture *fx = test->priv;

	sim_hw_reset(fx->hw);
	start_in(fx, 3, 4, "x");
	KUNIT_EXPECT_EQ(test, status(test), (u32)SIM_HW_STATUS_BUSY);
	settle();
	KUNIT_EXPECT_EQ(test, fx->nr_seen, 1u);
	expect_cause(test, 0, SIM_HW_CAUSE_DONE, 3, 4, LATENCY_MS);
}

static void a_reset_drops_all_slots_and_aborts(struct kunit *test)
{
	struct fixture *fx = test->priv;
	unsigned int i;

	fx->keep = true;
	start_in(fx, 0, 1, "unread");
	settle();
	for (i = 0; i < SLOTS; i++)
		start_in(fx, i, 10 + i, "x");
	sim_hw_abort(fx->hw, 2, 12);
	fx->keep = false;
	fx->nr_seen = 0;
	fx->began = ktime_get();
	sim_hw_reset(fx->hw);
	KUNIT_EXPECT_EQ(test, status(test), (u32)SIM_HW_STATUS_RESETTING);
	settle();
	KUNIT_EXPECT_EQ(test, fx->nr_seen, 1u);
	expect_cause(test, 0, SIM_HW_CAUSE_RESET, 0, 10 + SLOTS - 1, RESET_LATENCY_MS);
	for (i = 1; i < SLOTS; i++)
		expect_buffer_of(test, i, "");
}

static void an_abort_ends_a_busy_operation(struct kunit *test)
{
	struct fixture *fx = test->priv;

	sim_hw_set_ms(fx->hw, SIM_HW_LATENCY, 1000);
	start_in(fx, 0, 1, "stays");
	start_in(fx, 2, 2, "aborted");
	sim_hw_abort(fx->hw, 2, 2);
	settle();
	KUNIT_EXPECT_EQ(test, fx->nr_seen, 1u);
	expect_cause(test, 0, SIM_HW_CAUSE_ABORT, 2, 2, RESET_LATENCY_MS);
	KUNIT_EXPECT_EQ(test, status(test), (u32)SIM_HW_STATUS_BUSY);
	msleep(1000);
	KUNIT_EXPECT_EQ(test, fx->nr_seen, 2u);
	expect_cause(test, 1, SIM_HW_CAUSE_DONE, 0, 1, 1000);
	expect_buffer_of(test, 2, "");
	KUNIT_EXPECT_EQ(test, status(test), 0u);
}

static void an_abort_ends_a_hung_operation(struct kunit *test)
{
	struct fixture *fx = test->priv;

	add_rule(test, "hang slot 1");
	start_in(fx, 1, 5, "hangs");
	sim_hw_abort(fx->hw, 1, 5);
	settle();
	KUNIT_EXPECT_EQ(test, fx->nr_seen, 1u);
	expect_cause(test, 0, SIM_HW_CAUSE_ABORT, 1, 5, RESET_LATENCY_MS);
	KUNIT_EXPECT_EQ(test, status(test), 0u);
}

static void an_operation_may_end_before_its_abort(struct kunit *test)
{
	struct fixture *fx = test->priv;

	start_in(fx, 1, 5, "done");	/* ends before the abort does */
	sim_hw_abort(fx->hw, 1, 5);
	settle();
	KUNIT_EXPECT_EQ(test, fx->nr_seen, 2u);
	expect_cause(test, 0, SIM_HW_CAUSE_DONE, 1, 5, LATENCY_MS);
	expect_cause(test, 1, SIM_HW_CAUSE_ABORT, 1, 5, RESET_LATENCY_MS);
	expect_buffer_of(test, 1, "done");
}

/* Done already and read or not, started with another tag, never started. */
static void an_abort_of_what_is_not_under_way_is_done_too(struct kunit *test)
{
	struct fixture *fx = test->priv;

	start_in(fx, 0, 1, "read");
	settle();
	fx->keep = true;
	start_in(fx, 1, 2, "unread");
	settle();
	msleep(1000);
	fx->keep = false;
	sim_hw_set_ms(fx->hw, SIM_HW_LATENCY, 1000);
	fx->nr_seen = 0;
	fx->began = ktime_get();
	start_in(fx, 2, 3, "other tag");	/* raises the interrupt for "unread" */
	sim_hw_abort(fx->hw, 0, 1);
	sim_hw_abort(fx->hw, 1, 2);
	sim_hw_abort(fx->hw, 2, 99);
	sim_hw_abort(fx->hw, 3, 0);
	settle();
	KUNIT_EXPECT_EQ(test, fx->nr_seen, 5u);
	expect_cause(test, 0, SIM_HW_CAUSE_DONE, 1, 2, 0);
	expect_cause(test, 1, SIM_HW_CAUSE_ABORT, 0, 1, RESET_LATENCY_MS);
	expect_cause(test, 2, SIM_HW_CAUSE_ABORT, 1, 2, RESET_LATENCY_MS);
	expect_cause(test, 3, SIM_HW_CAUSE_ABORT, 2, 99, RESET_LATENCY_MS);
	expect_cause(test, 4, SIM_HW_CAUSE_ABORT, 3, 0, RESET_LATENCY_MS);
	msleep(1000);
	KUNIT_EXPECT_EQ(test, fx->nr_seen, 6u);
	expect_buffer_of(test, 2, "other tag");
}

static void an_abort_leaves_the_next_operation_alone(struct kunit *test)
{
	struct fixture *fx = test->priv;

	add_rule(test, "hang times 1");
	start_in(fx, 1, 5, "old");
	sim_hw_abort(fx->hw, 1, 5);
	sim_hw_set_ms(fx->hw, SIM_HW_LATENCY, 50);
	start_in(fx, 1, 6, "new");
	settle();
	KUNIT_EXPECT_EQ(test, fx->nr_seen, 2u);
	expect_cause(test, 0, SIM_HW_CAUSE_ABORT, 1, 5, RESET_LATENCY_MS);
	expect_cause(test, 1, SIM_HW_CAUSE_DONE, 1, 6, 50);
	expect_buffer_of(test, 1, "new");
}

static void an_abort_replaces_that_of_its_slot(struct kunit *test)
{
	struct fixture *fx = test->priv;

	sim_hw_set_ms(fx->hw, SIM_HW_LATENCY, 1000);
	start_in(fx, 1, 5, "x");
	sim_hw_abort(fx->hw, 1, 4);
	sim_hw_abort(fx->hw, 2, 7);
	sim_hw_abort(fx->hw, 1, 5);
	settle();
	KUNIT_EXPECT_EQ(test, fx->nr_seen, 2u);
	expect_cause(test, 0, SIM_HW_CAUSE_ABORT, 2, 7, RESET_LATENCY_MS);
	expect_cause(test, 1, SIM_HW_CAUSE_ABORT, 1, 5, RESET_LATENCY_MS);
	KUNIT_EXPECT_EQ(test, status(test), 0u);
}

static void an_abort_does_not_take_back_a_late_interrupt(struct kunit *test)
{
	struct fixture *fx = test->priv;

	add_rule(test, "late 60 times 1");
	start_in(fx, 1, 5, "old");
	sim_hw_abort(fx->hw, 1, 5);
	msleep(40);
	KUNIT_EXPECT_EQ(test, status(test), 0u);
	start_in(fx, 1, 6, "new");	/* ends about when the late one comes */
	settle();
	KUNIT_EXPECT_EQ(test, fx->nr_seen, 3u);
	expect_cause(test, 0, SIM_HW_CAUSE_ABORT, 1, 5, RESET_LATENCY_MS);
	KUNIT_EXPECT_EQ(test, count_seen(fx, SIM_HW_CAUSE_DONE, 1, 5), 1u);
	KUNIT_EXPECT_EQ(test, count_seen(fx, SIM_HW_CAUSE_DONE, 1, 6), 1u);
	expect_buffer_of(test, 1, "new");
}

static void an_abort_raises_a_lost_interrupt_again(struct kunit *test)
{
	struct fixture *fx = test->priv;

	add_rule(test, "lost");
	start_in(fx, 1, 5, "lost");
	settle();
	KUNIT_EXPECT_EQ(test, fx->nr_seen, 0u);
	fx->began = ktime_get();
	sim_hw_abort(fx->hw, 0, 1);
	settle();
	KUNIT_EXPECT_EQ(test, fx->nr_seen, 2u);
	expect_cause(test, 0, SIM_HW_CAUSE_DONE, 1, 5, 0);
	expect_cause(test, 1, SIM_HW_CAUSE_ABORT, 0, 1, RESET_LATENCY_MS);
}

static void an_abort_and_a_reset_under_way(struct kunit *test)
{
	struct fixture *fx = test->priv;

	start_in(fx, 1, 5, "x");
	sim_hw_reset(fx->hw);
	sim_hw_abort(fx->hw, 1, 5);	/* the operation is gone, the reset goes on */
	settle();
	KUNIT_EXPECT_EQ(test, fx->nr_seen, 2u);
	expect_cause(test, 0, SIM_HW_CAUSE_RESET, 0, 5, RESET_LATENCY_MS);
	expect_cause(test, 1, SIM_HW_CAUSE_ABORT, 1, 5, RESET_LATENCY_MS);
}

static void abort_hang_never_ends(struct kunit *test)
{
	struct fixture *fx = test->priv;

	sim_hw_inject(fx->hw, SIM_HW_ABORT_HANG, 1);
	sim_hw_set_ms(fx->hw, SIM_HW_LATENCY, 1000);
	start_in(fx, 1, 5, "x");
	sim_hw_abort(fx->hw, 1, 5);
	settle();
	KUNIT_EXPECT_EQ(test, fx->nr_seen, 0u);
	KUNIT_EXPECT_EQ(test, status(test), (u32)SIM_HW_STATUS_BUSY);
	sim_hw_abort(fx->hw, 1, 5);
	settle();
	KUNIT_EXPECT_EQ(test, fx->nr_seen, 1u);
	KUNIT_EXPECT_EQ(test, status(test), 0u);
}

static void aborts_hang_while_dead_and_are_lost_while_gone(struct kunit *test)
{
	struct fixture *fx = test->priv;

	start_in(fx, 1, 5, "x");
	sim_hw_abort(fx->hw, 1, 5);
	sim_hw_set_dead(fx->hw, true);
	sim_hw_abort(fx->hw, 1, 5);
	settle();
	KUNIT_EXPECT_EQ(test, status(test), (u32)SIM_HW_STATUS_BUSY);
	sim_hw_set_dead(fx->hw, false);
	sim_hw_abort(fx->hw, 1, 5);
	sim_hw_set_gone(fx->hw, true);
	sim_hw_abort(fx->hw, 1, 5);
	settle();
	sim_hw_set_gone(fx->hw, false);
	settle();
	KUNIT_EXPECT_EQ(test, fx->nr_seen, 0u);
	KUNIT_EXPECT_EQ(test, status(test), 0u);
}

/* Late ones of two generations, before and after the third is done. */
static void data_belongs_to_its_tag(struct kunit *test)
{
	struct fixture *fx = test->priv;

	add_rule(test, "late 2500 times 1");
	add_rule(test, "late 500 after 1 times 1");
	sim_hw_set_ms(fx->hw, SIM_HW_LATENCY, 1500);
	start_in(fx, 1, 1, "first");
	start_in(fx, 1, 2, "second");
	start_in(fx, 1, 3, "third");
	start_in(fx, 2, 4, "neighbour");
	msleep(1000);
	KUNIT_EXPECT_EQ(test, fx->nr_seen, 1u);
	expect_cause(test, 0, SIM_HW_CAUSE_DONE, 1, 2, 500);
	expect_buffer_of(test, 1, "");
	msleep(1000);
	KUNIT_EXPECT_EQ(test, fx->nr_seen, 3u);
	expect_cause(test, 1, SIM_HW_CAUSE_DONE, 1, 3, 1500);
	expect_buffer_of(test, 1, "third");
	msleep(1000);
	KUNIT_EXPECT_EQ(test, fx->nr_seen, 4u);
	expect_cause(test, 3, SIM_HW_CAUSE_DONE, 1, 1, 2500);
	expect_buffer_of(test, 1, "third");
	expect_buffer_of(test, 2, "neighbour");
}

static void no_older_data_behind_a_shorter_operation(struct kunit *test)
{
	struct fixture *fx = test->priv;
	char back[12];

	sim_hw_start(fx->hw, 0, 1, "0123456789", 10);
	settle();
	sim_hw_start(fx->hw, 0, 2, "ab", 2);
	settle();
	memset(back, 'x', sizeof(back));
	sim_hw_read_buffer(fx->hw, 0, back, 10);
	KUNIT_EXPECT_TRUE(test, !memcmp(back, "ab\0\0\0\0\0\0\0\0xx", 12));
}

/* The causes that an operation must have had. */
static void expect_ends(struct kunit *test, const char *rule, u32 slot, u32 tag,
			unsigned int done, unsigned int error)
{
	struct fixture *fx = test->priv;

	KUNIT_EXPECT_EQ_MSG(test, done, count_seen(fx, SIM_HW_CAUSE_DONE, slot, tag),
			    "%s, slot %u", rule, slot);
	KUNIT_EXPECT_EQ_MSG(test, error, count_seen(fx, SIM_HW_CAUSE_ERROR, slot, tag),
			    "%s, slot %u", rule, slot);
}

/* What comes of an operation that a fault strikes, while its neighbours succeed. */
static void a_fault_strikes_its_slot_only(struct kunit *test)
{
	static const struct {
		const char *rule;
		unsigned int done, error;	/* causes of the struck one */
		bool busy;
	} cases[] = {
		{ "hang slot 1", .busy = true },
		{ "late 50 slot 1", .done = 1 },
		{ "error slot 1", .error = 1 },
		{ "lost slot 1", .done = 1 },	/* found behind a neighbour's */
		{ "duplicate slot 1", .done = 2 },
		{ "corrupt slot 1", .done = 1 },
		{ "short slot 1", .done = 1 },
		{ "spurious 2 slot 1", .done = 1 },
		{ "storm 3 slot 1", .done = 1 },
	};
	struct fixture *fx = test->priv;
	unsigned int i, slot;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		sim_hw_clear(fx->hw);
		add_rule(test, cases[i].rule);
		fx->nr_seen = 0;
		memset(fx->seen, 0, sizeof(fx->seen));
		for (slot = 0; slot < SLOTS; slot++)
			start_in(fx, slot, 100 * i + slot, "data");
		settle();
		KUNIT_EXPECT_EQ_MSG(test, struck(test, 0), 1ull, "%s", cases[i].rule);
		for (slot = 0; slot < SLOTS; slot++) {
			if (slot == 1)
				expect_ends(test, cases[i].rule, slot, 100 * i + slot,
					    cases[i].done, cases[i].error);
			else
				expect_ends(test, cases[i].rule, slot, 100 * i + slot, 1, 0);
		}
		KUNIT_EXPECT_EQ_MSG(test, !!(status(test) & SIM_HW_STATUS_BUSY),
				    cases[i].busy, "%s", cases[i].rule);
		expect_buffer_of(test, 0, "data");
		expect_buffer_of(test, SLOTS - 1, "data");
		sim_hw_reset(fx->hw);
		settle();
	}
}

static void spurious_and_storm_by_rule_are_counted(struct kunit *test)
{
	struct fixture *fx = test->priv;
	unsigned int i, none = 0;

	add_rule(test, "spurious 3 times 1");
	add_rule(test, "storm 4 after 1 times 1");
	start_in(fx, 0, 1, "a");
	settle();
	KUNIT_EXPECT_EQ(test, fx->nr_seen, 4u);
	start_in(fx, 1, 2, "b");
	settle();
	KUNIT_EXPECT_EQ(test, fx->nr_seen, 9u);
	for (i = 0; i < 9; i++)
		none += fx->seen[i].cause == SIM_HW_CAUSE_NONE;
	KUNIT_EXPECT_EQ(test, none, 7u);
}

static unsigned int bits_wrong(const u8 *a, const u8 *b, unsigned int len)
{
	unsigned int i, nr = 0;

	for (i = 0; i < len; i++)
		nr += hweight8(a[i] ^ b[i]);
	return nr;
}

static void corrupt_changes_one_bit(struct kunit *test)
{
	struct fixture *fx = test->priv;
	u8 data[8], back[8], all[8] = {};
	unsigned int i, j;

	memset(data, 0x5a, sizeof(data));
	sim_hw_set_ms(fx->hw, SIM_HW_LATENCY, 0);
	sim_hw_inject(fx->hw, SIM_HW_CORRUPT, 400);
	for (i = 0; i < 400; i++) {
		sim_hw_start(fx->hw, 1, i, data, sizeof(data));
		sim_hw_read_buffer(fx->hw, 1, back, sizeof(back));
		KUNIT_EXPECT_EQ(test, bits_wrong(data, back, sizeof(data)), 1u);
		for (j = 0; j < sizeof(data); j++)
			all[j] |= data[j] ^ back[j];
	}
	for (j = 0; j < sizeof(data); j++)	/* each bit is wrong at some time */
		KUNIT_EXPECT_EQ(test, all[j], (u8)0xff);
	settle();
	sim_hw_start(fx->hw, 1, i, data, sizeof(data));
	sim_hw_read_buffer(fx->hw, 1, back, sizeof(back));
	KUNIT_EXPECT_EQ(test, bits_wrong(data, back, sizeof(data)), 0u);
	sim_hw_inject(fx->hw, SIM_HW_CORRUPT, 1);
	sim_hw_start(fx->hw, 1, i, data, 0);	/* has no bit */
	settle();
	KUNIT_EXPECT_EQ(test, fx->seen[fx->nr_seen - 1].length, 0u);
}

static void short_loops_back_a_part(struct kunit *test)
{
	struct fixture *fx = test->priv;
	static const char data[] = "abcd";
	unsigned int i, seen = 0;

	sim_hw_set_ms(fx->hw, SIM_HW_LATENCY, 0);
	add_rule(test, "short");
	for (i = 0; i < 50; i++) {
		char back[4] = "xxxx";
		unsigned int len;

		sim_hw_start(fx->hw, 2, i, data, 4);
		settle();
		len = fx->seen[fx->nr_seen - 1].length;
		seen |= BIT(len);
		sim_hw_read_buffer(fx->hw, 2, back, 4);
		KUNIT_EXPECT_TRUE(test, !memcmp(back, data, len));
		KUNIT_EXPECT_TRUE(test, !memchr_inv(back + len, 0, 4 - len));
	}
	KUNIT_EXPECT_EQ(test, seen, (u32)(BIT(1) | BIT(2) | BIT(3)));
	for (i = 0; i < 3; i++) {	/* of 2 bytes 1, of 1 or 0 none */
		sim_hw_start(fx->hw, 2, i, data, i);
		settle();
		KUNIT_EXPECT_EQ(test, fx->seen[fx->nr_seen - 1].length, i / 2);
	}
}

static void dead_by_rule(struct kunit *test)
{
	struct fixture *fx = test->priv;
	struct sim_hw_state state;

	add_rule(test, "dead after 1");
	start_in(fx, 0, 1, "hangs too");
	start_in(fx, 1, 2, "hangs");
	sim_hw_get_state(fx->hw, &state);
	KUNIT_EXPECT_TRUE(test, state.dead);
	start_in(fx, 2, 3, "hangs");
	settle();
	KUNIT_EXPECT_EQ(test, fx->nr_seen, 0u);
	KUNIT_EXPECT_EQ(test, status(test), (u32)SIM_HW_STATUS_BUSY);
	KUNIT_EXPECT_EQ(test, struck(test, 0), 1ull);	/* nothing counts while dead */
	sim_hw_set_dead(fx->hw, false);
	sim_hw_clear(fx->hw);
	start_in(fx, 1, 4, "works");
	settle();
	KUNIT_EXPECT_EQ(test, fx->nr_seen, 1u);
}

static void gone_by_rule(struct kunit *test)
{
	struct fixture *fx = test->priv;

	add_rule(test, "late 50 times 1 slot 0");
	add_rule(test, "gone slot 1");
	start_in(fx, 0, 1, "forgotten");
	start_in(fx, 2, 2, "forgotten");
	start_in(fx, 1, 3, "forgotten");
	expect_all_ones(test);
	settle();
	KUNIT_EXPECT_EQ(test, fx->nr_seen, 0u);
	sim_hw_set_gone(fx->hw, false);
	KUNIT_EXPECT_EQ(test, status(test), 0u);
	start_in(fx, 0, 4, "works");
	settle();
	KUNIT_EXPECT_EQ(test, fx->nr_seen, 1u);
	expect_buffer_of(test, 0, "works");
}

static void rules_of_resets_and_aborts(struct kunit *test)
{
	struct fixture *fx = test->priv;

	add_rule(test, "reset-hang every 2");
	add_rule(test, "reset-lost after 2 times 1");
	add_rule(test, "abort-hang every 2");
	start_in(fx, 0, 1, "x");
	settle();
	sim_hw_reset(fx->hw);
	settle();
	KUNIT_EXPECT_EQ(test, fx->nr_seen, 2u);
	sim_hw_reset(fx->hw);		/* hangs */
	settle();
	KUNIT_EXPECT_EQ(test, status(test), (u32)SIM_HW_STATUS_RESETTING);
	sim_hw_reset(fx->hw);		/* is lost */
	settle();
	KUNIT_EXPECT_EQ(test, fx->nr_seen, 2u);
	KUNIT_EXPECT_EQ(test, status(test), (u32)SIM_HW_STATUS_IRQ);
	sim_hw_abort(fx->hw, 0, 1);
	settle();
	sim_hw_abort(fx->hw, 0, 1);	/* hangs */
	settle();
	KUNIT_EXPECT_EQ(test, fx->nr_seen, 4u);
	KUNIT_EXPECT_EQ(test, struck(test, 0), 1ull);
	KUNIT_EXPECT_EQ(test, struck(test, 1), 1ull);
	KUNIT_EXPECT_EQ(test, struck(test, 2), 1ull);
}

/* When nobody reads, causes are lost, but the device goes on. */
static void too_many_causes_are_lost(struct kunit *test)
{
	unsigned int i, round, nr;
	struct fixture *fx;

	make_large_device(test);
	fx = test->priv;
	fx->keep = true;
	sim_hw_inject(fx->hw, SIM_HW_DUPLICATE, 3 * SIM_HW_MAX_SLOTS);
	for (round = 0; round < 3; round++) {	/* 1536 causes */
		for (i = 0; i < SIM_HW_MAX_SLOTS; i++)
			start_in(fx, i, 1000 * round + i, "x");
		settle();
	}
	sim_hw_inject(fx->hw, SIM_HW_SPURIOUS, 1);	/* lost as well */
	settle();
	KUNIT_EXPECT_EQ(test, status(test), (u32)SIM_HW_STATUS_IRQ);
	for (nr = 0; status(test) & SIM_HW_STATUS_IRQ; nr++) {
		take_cause(fx, &fx->seen[0]);
		KUNIT_EXPECT_EQ(test, fx->seen[0].cause, (u32)SIM_HW_CAUSE_DONE);
		KUNIT_EXPECT_EQ(test, fx->seen[0].slot, nr / 2 % SIM_HW_MAX_SLOTS);
		KUNIT_EXPECT_EQ(test, fx->seen[0].tag,
				nr / 512 * 1000 + nr / 2 % SIM_HW_MAX_SLOTS);
	}
	KUNIT_EXPECT_EQ(test, nr, (unsigned int)SIM_HW_MAX_CAUSES);
	fx->keep = false;
	settle();
	fx->nr_seen = 0;
	for (i = 0; i < SIM_HW_MAX_SLOTS; i++)
		start_in(fx, i, 5000 + i, "works");
	sim_hw_inject(fx->hw, SIM_HW_SPURIOUS, 2);
	settle();
	KUNIT_EXPECT_EQ(test, fx->nr_seen, SIM_HW_MAX_SLOTS + 2u);
	expect_buffer_of(test, SIM_HW_MAX_SLOTS - 1, "works");
}

/* Late operations have a pool of their own, so no slot is silenced by them. */
static void too_many_late_operations_hang(struct kunit *test)
{
	const unsigned int late = SIM_EVENTS_MAX_LATE + SIM_HW_MAX_SLOTS;
	unsigned int i, nr_late = 0;
	struct fixture *fx;

	make_large_device(test);
	fx = test->priv;
	sim_hw_set_ms(fx->hw, SIM_HW_LATE_AFTER, 3000);
	sim_hw_inject(fx->hw, SIM_HW_LATE, late);
	for (i = 0; i < late; i++)
		start_in(fx, i % SIM_HW_MAX_SLOTS, i, "late");
	sim_hw_abort(fx->hw, 0, late);
	start_in(fx, 1, late, "works");
	settle();
	KUNIT_EXPECT_EQ(test, fx->nr_seen, 2u);
	expect_buffer_of(test, 1, "works");
	msleep(3000);
	settle();
	KUNIT_EXPECT_EQ(test, fx->nr_seen, 2u + SIM_EVENTS_MAX_LATE);
	for (i = 2; i < fx->nr_seen && i < MAX_SEEN; i++)
		nr_late += fx->seen[i].tag == i - 2;
	KUNIT_EXPECT_EQ(test, nr_late, (unsigned int)SIM_EVENTS_MAX_LATE);
	/* The pool is whole again. */
	fx->nr_seen = 0;
	sim_hw_set_ms(fx->hw, SIM_HW_LATE_AFTER, 10);
	sim_hw_inject(fx->hw, SIM_HW_LATE, SIM_EVENTS_MAX_LATE);
	for (i = 0; i < SIM_EVENTS_MAX_LATE; i++)
		start_in(fx, i % SIM_HW_MAX_SLOTS, i, "late");
	settle();
	KUNIT_EXPECT_EQ(test, fx->nr_seen, (unsigned int)SIM_EVENTS_MAX_LATE);
}

static struct kunit_case sim_hw_slots_cases[] = {
	KUNIT_CASE(slots_have_a_limit),
	KUNIT_CASE(a_slot_that_is_not_there_does_nothing),
	KUNIT_CASE(slots_keep_their_data_apart),
	KUNIT_CASE(busy_until_the_last_slot_is_done),
	KUNIT_CASE(operations_end_out_of_order),
	KUNIT_CASE(a_start_drops_its_own_slot_only),
	KUNIT_CASE(a_start_in_any_slot_ends_a_reset),
	KUNIT_CASE(a_reset_drops_all_slots_and_aborts),
	KUNIT_CASE(an_abort_ends_a_busy_operation),
	KUNIT_CASE(an_abort_ends_a_hung_operation),
	KUNIT_CASE(an_operation_may_end_before_its_abort),
	KUNIT_CASE(an_abort_of_what_is_not_under_way_is_done_too),
	KUNIT_CASE(an_abort_leaves_the_next_operation_alone),
	KUNIT_CASE(an_abort_replaces_that_of_its_slot),
	KUNIT_CASE(an_abort_does_not_take_back_a_late_interrupt),
	KUNIT_CASE(an_abort_raises_a_lost_interrupt_again),
	KUNIT_CASE(an_abort_and_a_reset_under_way),
	KUNIT_CASE(abort_hang_never_ends),
	KUNIT_CASE(aborts_hang_while_dead_and_are_lost_while_gone),
	KUNIT_CASE(data_belongs_to_its_tag),
	KUNIT_CASE(no_older_data_behind_a_shorter_operation),
	KUNIT_CASE(a_fault_strikes_its_slot_only),
	KUNIT_CASE(spurious_and_storm_by_rule_are_counted),
	KUNIT_CASE(corrupt_changes_one_bit),
	KUNIT_CASE(short_loops_back_a_part),
	KUNIT_CASE(dead_by_rule),
	KUNIT_CASE(gone_by_rule),
	KUNIT_CASE(rules_of_resets_and_aborts),
	KUNIT_CASE(too_many_causes_are_lost),
	KUNIT_CASE(too_many_late_operations_hang),
	{}
};

static struct kunit_suite sim_hw_slots_suite = {
	.name = "sim_hw_slots",
	.init = make_device,
	.exit = destroy_device,
	.test_cases = sim_hw_slots_cases,
};
