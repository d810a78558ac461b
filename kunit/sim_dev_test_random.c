// SPDX-License-Identifier: GPL-2.0-only
/*
 * Part of sim_dev_test.c: what the driver does, in random order.
 *
 * Handler, thread, tick and work item are called here, so that any of them can come
 * late: an interrupt is accepted and not handled when a reset, an abort, suspend or a
 * failure comes. After each step all that must hold under the lock is checked.
 */

#define RANDOM_REQUESTS	64
#define RANDOM_STEPS	200000
#define RANDOM_HOLD	200	/* steps in one hold of the lock */

/**
 * struct random_walk - the test
 * @sim: the device
 * @flags: of its lock, which is held
 * @numbers: where the random numbers are
 * @request: the requests, outstanding or not
 * @undone: how many have been submitted and not yet come back
 * @before: what the slots had before the last step
 * @reports: of the last step
 */
struct random_walk {
	struct sim_dev *sim;
	unsigned long flags;
	struct sim_rules numbers;
	struct random_request {
		struct sim_request req;
		struct random_walk *walk;
		bool submitted;
		u8 data[1];
	} *request[RANDOM_REQUESTS];
	unsigned int undone;
	struct {
		struct sim_request *request;
		unsigned int retries;
		unsigned int restarts;
		bool timed_out;
	} before[SLOTS];
	struct sim_dev_reports reports;
};

static unsigned int random_below(struct random_walk *walk, unsigned int bound)
{
	return sim_rules_random(&walk->numbers, 0, bound - 1);
}

static void random_lock(struct random_walk *walk)
	__acquires(&walk->sim->lock)
{
	unsigned int i;

	spin_lock_irqsave(&walk->sim->lock, walk->flags);
	for (i = 0; i < SLOTS; i++)	/* much may have happened meanwhile */
		walk->before[i].request = NULL;
}

/* The request is the test's again. */
static void random_back(struct random_request *request)
{
	request->walk->undone -= request->submitted;
	request->submitted = false;
}

static void random_done(struct sim_request *req)
{
	struct random_request *request =
		container_of(req, struct random_request, req);
	struct sim_dev *sim = request->walk->sim;
	unsigned long flags;

	spin_lock_irqsave(&sim->lock, flags);
	if (!request->submitted)
		request->walk->undone = RANDOM_STEPS;	/* done twice, or after a cancel */
	random_back(request);
	spin_unlock_irqrestore(&sim->lock, flags);
}

static void random_queue(struct random_walk *walk)
{
	unsigned int i = random_below(walk, RANDOM_REQUESTS);
	struct random_request *request = walk->request[i];

	if (request && request->submitted)
		return;
	kfree(request);
	request = kzalloc(sizeof(*request), GFP_ATOMIC);
	walk->request[i] = request;
	if (!request)
		return;
	request->walk = walk;
	request->submitted = true;
	walk->undone++;
	request->req.data = request->data;
	request->req.len = 1;
	request->req.done = random_done;
	sim_dev_queue(walk->sim, &request->req, true);
}

static void random_cancel(struct random_walk *walk)
{
	struct random_request *request =
		walk->request[random_below(walk, RANDOM_REQUESTS)];

	if (request && request->submitted &&
	    sim_dev_cancel(walk->sim, &request->req))
		random_back(request);
}

/* As the handler, or a broken device's. */
static void random_interrupt(struct random_walk *walk, bool broken)
{
	struct sim_dev *sim = walk->sim;
	struct sim_slot *slot = &sim->slots[random_below(walk, SLOTS)];

	if (sim->off)
		return;
	if (broken)
		sim_dev_take_cause(sim, (u64)slot->tag << 32 | 0xfff0000 |
					random_below(walk, SLOTS + 1) << 8 |
					random_below(walk, 6));
	else
		sim_dev_take_cause(sim, sim_hw_read(sim->hw, SIM_HW_CAUSE));
}

static void random_fault(struct random_walk *walk)
{
	static const enum sim_hw_fault faults[] = {
		SIM_HW_HANG, SIM_HW_HANG, SIM_HW_ERROR, SIM_HW_RESET_HANG,
		SIM_HW_LOST, SIM_HW_DUPLICATE, SIM_HW_RESET_LOST,
		SIM_HW_ABORT_HANG, SIM_HW_SHORT,
	};

	sim_hw_inject(walk->sim->hw,
		      faults[random_below(walk, ARRAY_SIZE(faults))],
		      1 + random_below(walk, 6));
}

static void random_limits(struct random_walk *walk)
{
	struct sim_dev *sim = walk->sim;

	sim->limits.op = 1 + random_below(walk, 3);
	sim->limits.abort = random_below(walk, 3);
	sim->limits.reset = 1 + random_below(walk, 2);
	sim_dev_set_limits(sim);
}

/* As sim_dev_quiesce() when the device is not quiet in time. */
static void random_suspend(struct random_walk *walk)
	__must_hold(&walk->sim->lock)
{
	struct sim_dev *sim = walk->sim;

	if (!sim->closed || sim->off) {
		sim->closed = true;
		return;
	}
	if (sim_dev_is_active(sim) && sim_dev_reap(sim, true))
		sim_dev_handle(sim, &walk->reports);
	sim->off = true;
	sim_dev_handle(sim, &walk->reports);	/* the last thread */
	sim_dev_unlock(sim, walk->flags);
	synchronize_irq(sim->irq);
	iotimer_stop_sync(sim->timer);
	sim_hw_set_power(sim->hw, false);
	random_lock(walk);
}

static void random_resume(struct random_walk *walk)
	__must_hold(&walk->sim->lock)
{
	struct sim_dev *sim = walk->sim;

	if (!sim->closed)
		return;
	sim_dev_unlock(sim, walk->flags);
	sim_hw_set_power(sim->hw, true);
	sim_dev_resume(sim->dev);
	random_lock(walk);
}

static void random_step(struct random_walk *walk)
	__must_hold(&walk->sim->lock)
{
	struct sim_dev *sim = walk->sim;

	walk->reports.nr = 0;
	switch (random_below(walk, 200)) {
	case 0 ... 59:
		random_queue(walk);
		break;
	case 60 ... 64:
		random_cancel(walk);
		break;
	case 65 ... 124:
		random_interrupt(walk, false);
		break;
	case 125:
		random_interrupt(walk, true);
		break;
	case 126 ... 159:
		if (!sim->off)
			sim_dev_handle(sim, &walk->reports);
		break;
	case 160 ... 183:
		if (!sim->off && iotimer_enabled(sim->timer))
			sim_dev_tick(sim, &walk->reports);
		break;
	case 184 ... 191:
		random_fault(walk);
		break;
	case 192:
		random_limits(walk);
		break;
	case 193:
		sim_hw_set_dead(sim->hw, !random_below(walk, 8));
		break;
	case 194:
		random_suspend(walk);
		break;
	case 195 ... 197:
		random_resume(walk);
		break;
	default:
		sim_dev_unlock(sim, walk->flags);
		sim_dev_failed(&sim->failed_work);
		random_lock(walk);
	}
}

/* What is wrong with the device's lists; NULL if nothing. */
static const char *random_wrong_lists(const struct sim_dev *sim)
{
	const struct sim_dev_stats *stats = &sim->stats;
	size_t busy = entries(&sim->busy);

	if (stats->submitted != stats->completed + stats->failed +
				stats->cancelled + sim->outstanding)
		return "the identity";
	if (sim->outstanding != busy + entries(&sim->queue))
		return "a request is lost";
	if (busy + free_slots(sim) != SLOTS)
		return "a slot is lost";
	if (sim_dev_is_open(sim) && list_empty(&sim->ended) && sim->free &&
	    !list_empty(&sim->queue))
		return "the queue starves";
	return NULL;
}

/* What is wrong with a slot. */
static const char *random_wrong_slot(const struct sim_dev *sim,
				     const struct sim_slot *slot)
{
	unsigned int nr = sim_slot_nr(sim, slot);
	bool busy = sim->recovery->slot[nr].flags & IO_RECOVERY_BUSY;
	bool ended = !list_empty(&slot->ended);

	if (!slot->request)
		return busy || ended ? "an operation without a request" : NULL;
	if (!slot->request->outstanding)
		return "a request in a slot is done";
	if (busy && (ended || sim->failed))
		return "an operation under way has ended";
	if (!busy && !ended && sim_dev_is_open(sim))
		return "a request in a slot is not started";
	if (busy && !sim->off && !iotimer_enabled(sim->timer))
		return "the timer is stopped";
	return NULL;
}

/* What is wrong with what the last step did to a slot's request. */
static const char *random_wrong_charge(struct random_walk *walk, unsigned int nr)
{
	const struct sim_slot *slot = &walk->sim->slots[nr];
	struct sim_request *req = slot->request;
	const char *wrong = NULL;

	if (req && req == walk->before[nr].request) {
		bool guilty = walk->before[nr].timed_out;

		if (req->retries > walk->before[nr].retries && !guilty &&
		    req->restarts < SIM_DEV_MAX_RESTARTS)
			wrong = "an innocent request is charged";
		if (req->restarts > walk->before[nr].restarts && guilty)
			wrong = "a guilty request is not charged";
	}
	walk->before[nr].request = req;
	walk->before[nr].retries = req ? req->retries : 0;
	walk->before[nr].restarts = req ? req->restarts : 0;
	walk->before[nr].timed_out = slot->timed_out;
	return wrong;
}

static const char *random_wrong(struct random_walk *walk)
{
	const char *wrong = random_wrong_lists(walk->sim);
	unsigned int i;

	for (i = 0; i < SLOTS && !wrong; i++) {
		wrong = random_wrong_slot(walk->sim, &walk->sim->slots[i]);
		if (!wrong)
			wrong = random_wrong_charge(walk, i);
	}
	return wrong;
}

static void anything_in_any_order(struct kunit *test)
{
	struct fixture *fx = test->priv;
	struct random_walk *walk = kunit_kzalloc(test, sizeof(*walk), GFP_KERNEL);
	const char *wrong = NULL;
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, walk);
	walk->sim = fx->sim;
	sim_rules_seed(&walk->numbers, 14);
	command(fx, "latency 0");
	command(fx, "reset-latency 0");
	random_lock(walk);
	for (i = 0; i < RANDOM_STEPS && !wrong; i++) {
		random_step(walk);
		wrong = random_wrong(walk);
		if (i % RANDOM_HOLD == 0) {
			sim_dev_unlock(fx->sim, walk->flags);
			cond_resched();
			random_lock(walk);
		}
	}
	sim_hw_set_dead(fx->sim->hw, false);
	sim_hw_clear(fx->sim->hw);
	random_resume(walk);
	sim_dev_unlock(fx->sim, walk->flags);
	if (wrong)
		KUNIT_FAIL(test, "step %u: %s", i, wrong);
	wait_until_idle(fx->sim);
	KUNIT_EXPECT_GT(test, GREW(fx, completed), 0ull);
	KUNIT_EXPECT_GT(test, GREW(fx, innocent), 0ull);
	KUNIT_EXPECT_GT(test, GREW(fx, reset_failures), 0ull);
	for (i = 0; i < 100 && READ_ONCE(walk->undone); i++)
		msleep(20);	/* done() is called after the request is counted */
	KUNIT_EXPECT_EQ(test, walk->undone, 0u);
	for (i = 0; i < RANDOM_REQUESTS; i++)
		kfree(walk->request[i]);
}
