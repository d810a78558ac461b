// SPDX-License-Identifier: GPL-2.0-only
/*
 * iotimer_wake - end a suspend to idle after some seconds, as a button would
 *
 * This uses an hrtimer, so it works only where hrtimers run during suspend to idle, as
 * in a guest, which has no cpuidle driver that would stop them.
 */
#include <linux/hrtimer.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/suspend.h>

#include "compat.h"

static struct hrtimer wake_timer;

static enum hrtimer_restart wake(struct hrtimer *unused)
{
	pm_system_wakeup();
	return HRTIMER_NORESTART;
}

static int seconds_set(const char *val, const struct kernel_param *kp)
{
	unsigned int seconds;
	int err = kstrtouint(val, 0, &seconds);

	if (err)
		return err;
	hrtimer_start(&wake_timer, ktime_set(seconds, 0), HRTIMER_MODE_REL);
	return 0;
}

static const struct kernel_param_ops seconds_ops = {
	.set = seconds_set,
};
module_param_cb(seconds, &seconds_ops, NULL, 0200);
MODULE_PARM_DESC(seconds, "write after how many seconds the system wakes");

static int __init wake_init(void)
{
	hrtimer_setup(&wake_timer, wake, CLOCK_MONOTONIC, HRTIMER_MODE_REL);
	return 0;
}

static void __exit wake_exit(void)
{
	hrtimer_cancel(&wake_timer);
}

module_init(wake_init);
module_exit(wake_exit);

MODULE_DESCRIPTION("Ends a suspend to idle after some seconds");
MODULE_AUTHOR("The iotimer developers");
MODULE_LICENSE("GPL");
