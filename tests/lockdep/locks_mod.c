// SPDX-License-Identifier: GPL-2.0-only
/*
 * iotimer_locks - P6: which locks a driver may hold when it stops a timer
 *
 * Loading the module runs one scenario under lockdep. "legal" does all that the rule
 * about locks allows (iotimer_stop_sync()), and lockdep must report nothing. The
 * other scenarios break the rule, and lockdep must report it.
 */
#include <linux/bottom_half.h>
#include <linux/delay.h>
#include <linux/device.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/string.h>

#include "iotimer.h"

static char *scenario = "legal";
module_param(scenario, charp, 0444);
MODULE_PARM_DESC(scenario, "legal (default), own-lock or own-lock-destroy");

/* A device with a timer */
struct party {
	struct device *dev;
	struct iotimer *timer;
	struct party *other;
	unsigned int calls;
};

static struct party party_a, party_b;

/* These locks protect nothing: lockdep looks only at where they are taken. */
static DEFINE_SPINLOCK(bus);
static DEFINE_SPINLOCK(own);
static DEFINE_SPINLOCK(shared);
static DEFINE_MUTEX(guard);

static int open_party(struct party *party, const char *name)
{
	party->calls = 0;
	party->dev = root_device_register(name);
	return PTR_ERR_OR_ZERO(party->dev);
}

static int open_both(void)
{
	int err = open_party(&party_a, "locks_a");

	if (err)
		return err;
	err = open_party(&party_b, "locks_b");
	if (err)
		root_device_unregister(party_a.dev);
	party_a.other = &party_b;
	party_b.other = &party_a;
	return err;
}

static void close_both(void)
{
	iotimer_destroy(party_a.timer);
	iotimer_destroy(party_b.timer);
	root_device_unregister(party_a.dev);
	root_device_unregister(party_b.dev);
}

/* Run a party's timer until its routine was called. */
static int run(struct party *party)
{
	if (IS_ERR(party->timer))
		return PTR_ERR(party->timer);
	iotimer_start(party->timer);
	msleep(1500);
	iotimer_stop_sync(party->timer);
	return party->calls ? 0 : -ETIME;
}

static int run_both(void)
{
	return run(&party_a) ?: run(&party_b);
}

static void plain_routine(struct device *dev, void *context)
{
	struct party *this = context;

	this->calls++;
}

static void bus_routine(struct device *dev, void *context)
{
	struct party *this = context;

	this->calls++;
	spin_lock(&bus);
	spin_unlock(&bus);
}

/* P6: A's routine takes the bus; B is stopped under it, and destroyed under a mutex. */
static int stop_under_others_lock(void)
{
	int err;

	party_a.timer = iotimer_create(party_a.dev, bus_routine, &party_a);
	party_b.timer = iotimer_create(party_b.dev, plain_routine, &party_b);
	err = run_both();
	if (err)
		return err;
	spin_lock_bh(&bus);
	iotimer_stop_sync(party_b.timer);
	spin_unlock_bh(&bus);
	mutex_lock(&guard);
	iotimer_destroy(party_b.timer);
	party_b.timer = NULL;
	mutex_unlock(&guard);
	return 0;
}

static void stop_other(struct party *this)
{
	this->calls++;
	iotimer_start(this->other->timer);
	iotimer_stop_sync(this->other->timer);
}

static void cross_a_routine(struct device *dev, void *context)
{
	stop_other(context);
}

static void cross_b_routine(struct device *dev, void *context)
{
	stop_other(context);
}

/* P5: A's routine stops B, and B's routine stops A. */
static int stop_each_other(void)
{
	party_a.timer = iotimer_create(party_a.dev, cross_a_routine, &party_a);
	party_b.timer = iotimer_create(party_b.dev, cross_b_routine, &party_b);
	return run_both();
}

static void holder_routine(struct device *dev, void *context)
{
	spin_lock(&shared);
	stop_other(context);
	spin_unlock(&shared);
}

static void shared_routine(struct device *dev, void *context)
{
	struct party *this = context;

	this->calls++;
	spin_lock(&shared);
	spin_unlock(&shared);
}

/* P5: A's routine stops B, without waiting, under a lock that B's routine takes. */
static int stop_inside_under_lock(void)
{
	party_a.timer = iotimer_create(party_a.dev, holder_routine, &party_a);
	party_b.timer = iotimer_create(party_b.dev, shared_routine, &party_b);
	return run_both();
}

static void twin_routine(struct device *dev, void *context)
{
	stop_other(context);
}

static struct iotimer *create_twin(struct party *party)
{
	return iotimer_create(party->dev, twin_routine, party);
}

/* P5: two timers of one lock class, since one place creates both, stop each other. */
static int stop_twin(void)
{
	party_a.timer = create_twin(&party_a);
	party_b.timer = create_twin(&party_b);
	return run_both();
}

/* With softirqs off, as in a tasklet. */
static int stop_with_softirqs_off(void)
{
	int err;

	party_a.timer = iotimer_create(party_a.dev, bus_routine, &party_a);
	party_b.timer = iotimer_create(party_b.dev, plain_routine, &party_b);
	err = run_both();
	if (err)
		return err;
	local_bh_disable();
	iotimer_stop_sync(party_a.timer);
	iotimer_stop_sync(party_b.timer);
	local_bh_enable();
	return 0;
}

static void own_lock_routine(struct device *dev, void *context)
{
	struct party *this = context;

	this->calls++;
	spin_lock(&own);
	spin_unlock(&own);
}

/* A is stopped under the lock that its own routine takes, while no routine runs. */
static int stop_under_own_lock(void)
{
	int err;

	party_a.timer = iotimer_create(party_a.dev, own_lock_routine, &party_a);
	party_b.timer = iotimer_create(party_b.dev, plain_routine, &party_b);
	err = run_both();
	if (err)
		return err;
	spin_lock_bh(&own);
	iotimer_stop_sync(party_a.timer);
	spin_unlock_bh(&own);
	return 0;
}

/* A routine takes only spinlocks, so under such a lock the context is atomic. */
static int destroy_under_own_lock(void)
{
	int err;

	party_a.timer = iotimer_create(party_a.dev, own_lock_routine, &party_a);
	party_b.timer = iotimer_create(party_b.dev, plain_routine, &party_b);
	err = run_both();
	if (err)
		return err;
	iotimer_start(party_a.timer);
	spin_lock_bh(&own);
	iotimer_destroy(party_a.timer);
	spin_unlock_bh(&own);
	/* The timer was stopped but not freed. */
	return iotimer_enabled(party_a.timer) ? -EBUSY : 0;
}

static const struct {
	const char *name;
	int (*play)(void);
} plays[] = {
	{ "legal", stop_under_others_lock },
	{ "legal", stop_each_other },
	{ "legal", stop_inside_under_lock },
	{ "legal", stop_twin },
	{ "legal", stop_with_softirqs_off },
	{ "own-lock", stop_under_own_lock },
	{ "own-lock-destroy", destroy_under_own_lock },
};

static int __init locks_init(void)
{
	int err = -EINVAL;

	for (unsigned int i = 0; i < ARRAY_SIZE(plays); i++) {
		if (strcmp(plays[i].name, scenario))
			continue;
		err = open_both();
		if (err)
			return err;
		err = plays[i].play();
		close_both();
		if (err) {
			pr_err("%ps: %d\n", plays[i].play, err);
			return err;
		}
	}
	return err;
}

static void __exit locks_exit(void)
{
}

module_init(locks_init);
module_exit(locks_exit);

MODULE_DESCRIPTION("Stops timers under locks, for lockdep");
MODULE_AUTHOR("The iotimer developers");
MODULE_LICENSE("GPL");
