// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sequences of events, each step compared with the model: all of them up to some
 * length for 1 to 3 slots, random ones for up to 1024. Finally, all sequences for one
 * slot compared with io_timeout.h. Part of io_recovery_test.c.
 */

/* What is tested beside its model, the device's memory and the model's in one piece. */
struct pair {
	struct io_recovery *r;
	struct model *m;
	size_t r_size;
	size_t size;		/* of both */
	int own_limit;
	/* of the search */
	void *saved;		/* both, at each depth */
	u64 *seen;
	long states;
	long verdicts[IO_RECOVERY_FAILED + 1];
};

#define SEEN_BITS 20
#define SEEN_SIZE (sizeof(u64) << SEEN_BITS)

static long scheme_step(struct pair *pair, enum event_kind kind, int slot)
{
	struct io_recovery *r = pair->r;
	const struct model *m = pair->m;
	u32 generation = m->slot[slot].generation;
	bool due;
	long verdict;

	switch (kind) {
	case BEGIN:
		if (m->state == BUSY && m->slot[slot].state == IDLE)
			return io_recovery_begin(r, slot);
		return begin_again(r, slot, LIMIT);
	case BEGIN_OWN:
		return begin_again(r, slot, pair->own_limit);
	case OP:
		return io_recovery_op_interrupt(r, slot, generation);
	case ABORT:
		return io_recovery_abort_interrupt(r, slot, generation);
	case RESET:
		return io_recovery_reset_interrupt(r);
	case DONE:
		return io_recovery_reset_done(r);
	case BEGIN_RESET:
		io_recovery_begin_reset(r);
		return 0;
	case TICK:
		due = io_recovery_due(r);
		verdict = io_recovery_tick(r);
		pair->verdicts[verdict]++;
		return due == (verdict != IO_RECOVERY_OK) ? verdict : -2;
	case NEXT_ABORT:
		return io_recovery_next_abort(r);
	case CANCEL:
		io_recovery_cancel(r);
		return 0;
	default:
		io_recovery_set_limits(r, m->limit, m->abort_limit ? 0 : 2, m->reset_limit ^ 3);
		return 0;
	}
}

static bool slot_agrees(struct pair *pair, int slot)
{
	const struct record *s = &pair->m->slot[slot];

	return io_recovery_guilty(pair->r, slot) == s->guilty &&
	       !io_recovery_op_interrupt(pair->r, slot, s->generation - 1) &&
	       !io_recovery_op_interrupt(pair->r, slot, s->generation + 1) &&
	       !io_recovery_abort_interrupt(pair->r, slot, s->generation - 1) &&
	       !io_recovery_abort_interrupt(pair->r, slot, s->generation + 1);
}

static bool device_agrees(struct pair *pair)
{
	int left = model_left(pair->m);

	return io_recovery_left(pair->r) == left &&
	       io_recovery_due(pair->r) == (left == 1) &&
	       io_recovery_idle(pair->r) == model_is_idle(pair->m) &&
	       io_recovery_resetting(pair->r) == (pair->m->state != BUSY) &&
	       !io_recovery_op_interrupt(pair->r, pair->m->slots, 0) &&
	       !io_recovery_abort_interrupt(pair->r, pair->m->slots, 0);
}

static bool agrees(struct pair *pair)
{
	int slot;

	for (slot = 0; slot < pair->m->slots; slot++)
		if (!slot_agrees(pair, slot))
			return false;
	return device_agrees(pair);
}

/* Do both return the same? */
static bool step(struct pair *pair, enum event_kind kind, int slot)
{
	long scheme = scheme_step(pair, kind, slot);
	long model = model_step(pair->m, kind, slot, pair->own_limit);

	if (scheme == model)
		return true;
	pr_err("io_recovery: event %d in slot %d returns %ld, not %ld\n",
	       kind, slot, scheme, model);
	return false;
}

static void new_pair(struct kunit *test, struct pair *pair, int slots, int limit,
		     int abort_limit, int reset_limit)
{
	*pair = (struct pair){ .own_limit = 2 };
	pair->r_size = io_recovery_size(slots);
	pair->size = pair->r_size + struct_size(pair->m, slot, slots);
	pair->r = kunit_kzalloc(test, pair->size, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, pair->r);
	pair->m = (void *)pair->r + pair->r_size;
	io_recovery_init(pair->r, slots, limit, abort_limit, reset_limit);
	pair->m->state = BUSY;
	pair->m->limit = limit;
	pair->m->abort_limit = abort_limit;
	pair->m->reset_limit = reset_limit;
	pair->m->slots = slots;
}

/*
 * Was this state reached before, with at least as many events to follow? A place
 * for each hash: if two states share it, one may be tried again.
 */
static bool was_here(struct pair *pair, int depth)
{
	u32 low = jhash2((u32 *)pair->r, pair->size / 4, 0);
	u32 high = jhash2((u32 *)pair->r, pair->size / 4, low);
	u64 *place = &pair->seen[low & (BIT(SEEN_BITS) - 1)];
	u64 here = ((u64)high << 32 | low) & ~0xffULL;

	if ((*place & ~0xffULL) == here && (*place & 0xff) >= depth)
		return true;
	*place = here | depth;
	return false;
}

/* Try every event here, and all sequences of events that may follow. */
static bool try_all(struct pair *pair, int depth)
{
	void *saved = pair->saved + depth * pair->size;
	int i, slots = pair->m->slots;

	pair->states++;
	memcpy(saved, pair->r, pair->size);
	for (i = 0; i < NR_SLOT_KINDS * slots + NR_KINDS - NR_SLOT_KINDS; i++) {
		bool of_slot = i < NR_SLOT_KINDS * slots;
		int kind = of_slot ? i % NR_SLOT_KINDS : i - NR_SLOT_KINDS * (slots - 1);
		int slot = of_slot ? i / NR_SLOT_KINDS : 0;

		memcpy(pair->r, saved, pair->size);
		if (!step(pair, kind, slot) || !agrees(pair)) {
			pr_err("io_recovery: event %d in slot %d, %d before the end\n",
			       kind, slot, depth);
			return false;
		}
		if (depth > 1 && !was_here(pair, depth - 1) && !try_all(pair, depth - 1))
			return false;
	}
	return true;
}

static void expect_every_sequence(struct kunit *test, int slots, int depth)
{
	static const int limits[][3] = { { 1, 1, 1 }, { 1, 0, 2 }, { 2, 2, 1 } };
	long states = 0;
	int i;

	for (i = 0; i < ARRAY_SIZE(limits); i++) {
		struct pair pair;

		new_pair(test, &pair, slots, limits[i][0], limits[i][1], limits[i][2]);
		pair.saved = kunit_kzalloc(test, (depth + 1) * pair.size, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, pair.saved);
		pair.seen = vzalloc(SEEN_SIZE);
		KUNIT_ASSERT_NOT_NULL(test, pair.seen);
		KUNIT_EXPECT_TRUE(test, try_all(&pair, depth));
		vfree(pair.seen);
		KUNIT_EXPECT_GT(test, pair.verdicts[IO_RECOVERY_ABORT], 0);
		KUNIT_EXPECT_GT(test, pair.verdicts[IO_RECOVERY_RESET], 0);
		KUNIT_EXPECT_GT(test, pair.verdicts[IO_RECOVERY_FAILED], 0);
		states += pair.states;
		cond_resched();
	}
	kunit_info(test, "%d slots: %ld states", slots, states);
}

static void every_sequence_up_to_14_with_1_slot(struct kunit *test)
{
	expect_every_sequence(test, 1, 14);
}

static void every_sequence_up_to_9_with_2_slots(struct kunit *test)
{
	expect_every_sequence(test, 2, 9);
}

static void every_sequence_up_to_7_with_3_slots(struct kunit *test)
{
	expect_every_sequence(test, 3, 7);
}

/* So often of 100 events. */
static const struct {
	enum event_kind kind;
	int percent;
} mix[] = {
	{ BEGIN, 24 }, { BEGIN_OWN, 14 }, { OP, 22 }, { ABORT, 5 }, { TICK, 20 },
	{ NEXT_ABORT, 8 }, { RESET, 3 }, { DONE, 3 }, { BEGIN_RESET, 1 },
};

static enum event_kind random_kind(struct rnd_state *rnd)
{
	int i, percent = prandom_u32_state(rnd) % 100;

	/* Rarely, or nothing ever gets old. */
	if (!(prandom_u32_state(rnd) % 500))
		return percent < 10 ? CANCEL : SWAP_LIMITS;
	for (i = 0; percent >= mix[i].percent; i++)
		percent -= mix[i].percent;
	return mix[i].kind;
}

/* Mostly short, for many verdicts, and sometimes as long as can be. */
static int random_limit(struct rnd_state *rnd)
{
	return prandom_u32_state(rnd) % 8 ? 1 + prandom_u32_state(rnd) % 20 :
	       IO_RECOVERY_MAX_LIMIT - prandom_u32_state(rnd) % 5;
}

static bool random_steps(struct pair *pair, struct rnd_state *rnd, int steps)
{
	int i, slot;

	for (i = 0; i < steps; i++) {
		bool all = pair->m->slots < 10 || i % 100 == 0;

		slot = prandom_u32_state(rnd) % pair->m->slots;
		pair->own_limit = random_limit(rnd);
		if (!step(pair, random_kind(rnd), slot) || !slot_agrees(pair, slot) ||
		    (all && !agrees(pair))) {
			pr_err("io_recovery: random step %d, slot %d\n", i, slot);
			return false;
		}
	}
	return true;
}

static void random_sequences(struct kunit *test)
{
	static const struct {
		int slots, steps;
	} walks[] = {
		{ 1, 800000 }, { 3, 800000 }, { 64, 200000 }, { 65, 200000 }, { 1024, 50000 },
	};
	struct rnd_state rnd;
	struct pair pair;
	int i;

	prandom_seed_state(&rnd, 14);
	for (i = 0; i < ARRAY_SIZE(walks); i++) {
		new_pair(test, &pair, walks[i].slots, 5, 2, 1);
		KUNIT_EXPECT_TRUE(test, random_steps(&pair, &rnd, walks[i].steps));
		KUNIT_EXPECT_GT(test, pair.verdicts[IO_RECOVERY_OK], walks[i].steps / 12);
		KUNIT_EXPECT_GT(test, pair.verdicts[IO_RECOVERY_ABORT], 100);
		KUNIT_EXPECT_GT(test, pair.verdicts[IO_RECOVERY_RESET], 100);
		KUNIT_EXPECT_GT(test, pair.verdicts[IO_RECOVERY_FAILED], 100);
		cond_resched();
	}
}

/*
 * With one slot, without polling and abort, this is io_timeout: the same sequences
 * as in io_timeout_test.c.
 */
struct both {
	struct io_recovery *r;
	struct io_timeout t;
	void *saved;
};

static noinline void begin_timeout(struct io_timeout *t)
{
	io_timeout_begin(t);
}

/* An event of both; false if they return something else. */
static bool both_step(struct both *both, int event)
{
	struct io_recovery *r = both->r;
	struct io_timeout *t = &both->t;

	switch (event) {
	case 0:
		begin_again(r, 0, r->limit);
		begin_timeout(t);
		return true;
	case 1:
		return io_recovery_op_interrupt(r, 0, r->slot[0].generation) ==
		       io_timeout_op_interrupt(t);
	case 2:
		return io_recovery_reset_interrupt(r) == io_timeout_reset_interrupt(t);
	case 3:
		return io_recovery_reset_done(r) == io_timeout_reset_done(t);
	case 4:
		io_recovery_begin_reset(r);
		io_timeout_begin_reset(t);
		return true;
	default:
		switch (io_recovery_tick(r)) {
		case IO_RECOVERY_OK:
			return io_timeout_tick(t) == IO_TIMEOUT_OK;
		case IO_RECOVERY_RESET:
			return io_timeout_tick(t) == IO_TIMEOUT_RESET;
		case IO_RECOVERY_FAILED:
			return io_timeout_tick(t) == IO_TIMEOUT_FAILED;
		default:
			return false;
		}
	}
}

static bool both_agree(const struct both *both)
{
	return io_recovery_left(both->r) == io_timeout_left(&both->t) &&
	       io_recovery_due(both->r) == io_timeout_due(&both->t) &&
	       io_recovery_idle(both->r) == io_timeout_idle(&both->t) &&
	       io_recovery_resetting(both->r) == io_timeout_resetting(&both->t);
}

/* How many sequences of these 6 events there are, up to this length? */
static long both_sequences(int length)
{
	long all = 0;

	while (length--)
		all = 6 * (all + 1);
	return all;
}

/* Returns how many sequences were tried, or -1. */
static long try_both(struct both *both, int depth)
{
	size_t size = io_recovery_size(1);
	void *saved = both->saved + depth * size;
	struct io_timeout t = both->t;
	long steps = 0, more;
	int event;

	memcpy(saved, both->r, size);
	for (event = 0; event < 6; event++) {
		memcpy(both->r, saved, size);
		both->t = t;
		if (!both_step(both, event) || !both_agree(both)) {
			pr_err("io_recovery: unlike io_timeout at event %d, %d before the end\n",
			       event, depth);
			return -1;
		}
		/* If nothing changed, what may follow is among what is tried from here. */
		if (!memcmp(both->r, saved, size) && !memcmp(&both->t, &t, sizeof(t)))
			more = both_sequences(depth - 1);
		else
			more = depth > 1 ? try_both(both, depth - 1) : 0;
		if (more < 0)
			return -1;
		steps += 1 + more;
	}
	return steps;
}

static void one_slot_without_abort_is_io_timeout(struct kunit *test)
{
	int limit, reset_limit;
	struct both both;

	io_timeout_init(&both.t, 1, 1);
	begin_timeout(&both.t);
	expect_warning("io_timeout: begin while an operation is outstanding");
	begin_timeout(&both.t);
	both.saved = kunit_kzalloc(test, 10 * io_recovery_size(1), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, both.saved);
	for (limit = 1; limit <= 2; limit++) {
		for (reset_limit = 1; reset_limit <= 2; reset_limit++) {
			both.r = new_device(test, 1, limit, 0, reset_limit);
			io_timeout_init(&both.t, limit, reset_limit);
			KUNIT_EXPECT_EQ(test, try_both(&both, 9), both_sequences(9));
			cond_resched();
		}
	}
}
