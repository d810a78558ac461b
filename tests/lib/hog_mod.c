// SPDX-License-Identifier: GPL-2.0-only
/*
 * iotimer_hog - a timer whose routine takes as long as a parameter says
 *
 * For tests of what the engine reports about long ticks. The device is "hog".
 */
#include <linux/delay.h>
#include <linux/device.h>
#include <linux/module.h>

#include "iotimer.h"

static unsigned int us;
module_param(us, uint, 0644);
MODULE_PARM_DESC(us, "microseconds that the routine takes (default 0)");

static struct device *hog_dev;
static struct iotimer *hog_timer;

static int hog_set(const char *val, const struct kernel_param *kp)
{
	bool on;
	int err = kstrtobool(val, &on);

	if (err)
		return err;
	if (!hog_timer)	/* the module is being loaded or removed */
		return -EINVAL;
	if (on)
		iotimer_start(hog_timer);
	else
		iotimer_stop(hog_timer);
	return 0;
}

static int hog_get(char *buf, const struct kernel_param *kp)
{
	return sysfs_emit(buf, "%d\n", hog_timer && iotimer_enabled(hog_timer));
}

static const struct kernel_param_ops hog_ops = {
	.set = hog_set,
	.get = hog_get,
};
module_param_cb(enabled, &hog_ops, NULL, 0644);
MODULE_PARM_DESC(enabled, "write 1 to start the timer, 0 to stop it");

static void hog_routine(struct device *dev, void *context)
{
	unsigned int left = READ_ONCE(us);	/* pairs with a write to the parameter */

	mdelay(left / 1000);
	udelay(left % 1000);
}

/* The parameter's file exists before the timer, and after it. */
static void hog_publish(struct iotimer *timer)
{
	kernel_param_lock(THIS_MODULE);
	hog_timer = timer;
	kernel_param_unlock(THIS_MODULE);
}

static int __init hog_init(void)
{
	struct iotimer *timer;

	hog_dev = root_device_register("hog");
	if (IS_ERR(hog_dev))
		return PTR_ERR(hog_dev);
	timer = iotimer_create(hog_dev, hog_routine, NULL);
	if (IS_ERR(timer)) {
		root_device_unregister(hog_dev);
		return PTR_ERR(timer);
	}
	hog_publish(timer);
	return 0;
}

static void __exit hog_exit(void)
{
	struct iotimer *timer = hog_timer;

	hog_publish(NULL);
	iotimer_destroy(timer);
	root_device_unregister(hog_dev);
}

module_init(hog_init);
module_exit(hog_exit);

MODULE_DESCRIPTION("A routine that takes long");
MODULE_AUTHOR("The iotimer developers");
MODULE_LICENSE("GPL");
