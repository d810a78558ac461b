// SPDX-License-Identifier: GPL-2.0-only
/*
 * iotimer_count - timers that record when they are called
 *
 * Each timer counts its calls and compares them with the ticks that ran, the grid in
 * jiffies, and the ticks that the engine counted as missed (P2). The parameter
 * "report" shows the figures of all timers since they were started.
 */
#include <linux/delay.h>
#include <linux/device.h>
#include <linux/irqflags.h>
#include <linux/jiffies.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "iotimer.h"

static unsigned int timers = 256;
module_param(timers, uint, 0444);
MODULE_PARM_DESC(timers, "how many (default 256)");

static unsigned int us;
module_param(us, uint, 0644);
MODULE_PARM_DESC(us, "microseconds that each routine takes (default 0)");

/**
 * struct counted - a timer and what its routine recorded
 * @dev: its device
 * @timer: the timer itself
 * @calls: how often the routine was called
 * @first: jiffies of the first call
 * @last: jiffies of the last call
 * @gap: the fewest jiffies between two calls
 * @off_grid: calls at no multiple of HZ jiffies after the first
 * @tick: number of the tick of the last call
 * @irregular: calls whose tick does not follow the tick of the previous call
 * @miscounted: calls before which the number of seconds without a call differs from
 *	the number of ticks that the engine counted as missed
 * @first_missed: the engine's count of missed ticks at the first call
 * @missed: that count at the last call
 */
struct counted {
	struct device *dev;
	struct iotimer *timer;
	unsigned int calls;
	unsigned long first;
	unsigned long last;
	unsigned long gap;
	unsigned int off_grid;
	unsigned long tick;
	unsigned int irregular;
	unsigned int miscounted;
	unsigned long first_missed;
	unsigned long missed;
};

/* Written by the routines; read and cleared while all timers are stopped. */
static struct counted *counted;

/* Ticks run and missed when the timers were started. */
static struct iotimer_stats at_start;

static void count_routine(struct device *dev, void *context)
{
	struct counted *this = context;
	struct iotimer_stats now;
	unsigned long seconds;
	unsigned int left = READ_ONCE(us);	/* pairs with a write to the parameter */

	iotimer_get_stats(&now);
	if (!this->calls++) {
		this->first = jiffies;
		this->gap = ULONG_MAX;
		this->first_missed = now.missed;
	} else {
		this->gap = min(this->gap, jiffies - this->last);
		this->off_grid += (jiffies - this->first) % HZ > 0;
		this->irregular += now.ticks != this->tick + 1;
		seconds = (jiffies - this->first) / HZ -
			  (this->last - this->first) / HZ;
		this->miscounted += seconds != now.missed - this->missed + 1;
	}
	this->last = jiffies;
	this->tick = now.ticks;
	this->missed = now.missed;
	mdelay(left / 1000);
	udelay(left % 1000);
}

static void stop_all(void)
{
	for (unsigned int i = 0; i < timers; i++)
		iotimer_stop_sync(counted[i].timer);
}

static void start_all(void)
{
	for (unsigned int i = 0; i < timers; i++) {
		counted[i] = (struct counted) {
			.dev = counted[i].dev,
			.timer = counted[i].timer,
		};
	}
	iotimer_get_stats(&at_start);
	for (unsigned int i = 0; i < timers; i++)
		iotimer_start(counted[i].timer);
}

static int enabled_set(const char *val, const struct kernel_param *kp)
{
	bool on;
	int err = kstrtobool(val, &on);

	if (err)
		return err;
	if (!counted)	/* the module is being loaded or removed */
		return -EINVAL;
	stop_all();
	if (on)
		start_all();
	return 0;
}

static const struct kernel_param_ops enabled_ops = {
	.set = enabled_set,
};
module_param_cb(enabled, &enabled_ops, NULL, 0200);
MODULE_PARM_DESC(enabled, "write 1 to start all timers and to count from zero, 0 to stop them");

static int report_get(char *buf, const struct kernel_param *kp)
{
	unsigned int min_calls = UINT_MAX, max_calls = 0;
	unsigned int off_grid = 0, irregular = 0, miscounted = 0;
	unsigned long gap = ULONG_MAX;
	struct iotimer_stats now;
	int len;

	iotimer_get_stats(&now);
	for (unsigned int i = 0; counted && i < timers; i++) {
		const struct counted *this = &counted[i];

		min_calls = min(min_calls, this->calls);
		max_calls = max(max_calls, this->calls);
		off_grid = max(off_grid, this->off_grid);
		irregular += this->irregular;
		miscounted += this->miscounted;
		if (this->calls)
			gap = min(gap, this->gap);
	}
	len = sysfs_emit(buf, "ticks=%lu missed=%lu min_calls=%u max_calls=%u gap=%lu",
			 now.ticks - at_start.ticks,
			 now.missed - at_start.missed, min_calls, max_calls, gap);
	len += sysfs_emit_at(buf, len,
			     " off_grid=%u irregular=%u miscounted=%u jiffies=%lu",
			     off_grid, irregular, miscounted, jiffies);
	/* The first timer is called as soon as a tick begins. */
	if (counted)
		len += sysfs_emit_at(buf, len, " calls=%u span=%lu span_missed=%lu",
				     counted[0].calls,
				     counted[0].last - counted[0].first,
				     counted[0].missed - counted[0].first_missed);
	return len + sysfs_emit_at(buf, len, "\n");
}

static const struct kernel_param_ops report_ops = {
	.get = report_get,
};
module_param_cb(report, &report_ops, NULL, 0444);
MODULE_PARM_DESC(report, "what was recorded since the timers were started; exact once they are stopped");

/* As if the hypervisor or firmware had taken the CPU. */
static int stall_set(const char *val, const struct kernel_param *kp)
{
	unsigned int ms;
	int err = kstrtouint(val, 0, &ms);

	if (err)
		return err;
	local_irq_disable();
	mdelay(ms);
	local_irq_enable();
	return 0;
}

static const struct kernel_param_ops stall_ops = {
	.set = stall_set,
};
module_param_cb(stall_ms, &stall_ops, NULL, 0200);
MODULE_PARM_DESC(stall_ms, "write for how many ms this CPU takes no interrupt");

static void destroy_all(struct counted *all)
{
	for (unsigned int i = 0; i < timers && all[i].dev; i++) {
		iotimer_destroy(all[i].timer);
		root_device_unregister(all[i].dev);
	}
	kvfree(all);
}

static int create_one(struct counted *this, unsigned int number)
{
	char name[16];

	snprintf(name, sizeof(name), "count%u", number);
	this->dev = root_device_register(name);
	if (IS_ERR(this->dev)) {
		int err = PTR_ERR(this->dev);

		this->dev = NULL;
		return err;
	}
	this->timer = iotimer_create(this->dev, count_routine, this);
	return PTR_ERR_OR_ZERO(this->timer);
}

/* The parameters' files exist before the timers, and after them. */
static void publish(struct counted *all)
{
	kernel_param_lock(THIS_MODULE);
	counted = all;
	kernel_param_unlock(THIS_MODULE);
}

static int __init count_init(void)
{
	struct counted *all;
	int err = 0;

	all = kvcalloc(timers, sizeof(*all), GFP_KERNEL);
	if (!all)
		return -ENOMEM;
	for (unsigned int i = 0; i < timers && !err; i++)
		err = create_one(&all[i], i);
	if (err) {
		destroy_all(all);
		return err;
	}
	publish(all);
	return 0;
}

static void __exit count_exit(void)
{
	struct counted *all = counted;

	publish(NULL);
	destroy_all(all);
}

module_init(count_init);
module_exit(count_exit);

MODULE_DESCRIPTION("Timers that record when they are called");
MODULE_AUTHOR("The iotimer developers");
MODULE_LICENSE("GPL");
