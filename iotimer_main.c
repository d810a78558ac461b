// SPDX-License-Identifier: GPL-2.0-only
/* iotimer_main - the module's parameter, init and exit */
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/time64.h>

#include "iotimer_core.h"
#include "iotimer_debug.h"
#include "iotimer_slots.h"

static int set_budget(const char *val, const struct kernel_param *kp)
{
	unsigned int us;
	int err = kstrtouint(val, 0, &us);

	if (err)
		return err;
	if (us < 1 || us > USEC_PER_SEC)
		return -EINVAL;
	WRITE_ONCE(iotimer_budget_us, us);	/* pairs with the walk */
	return 0;
}

static const struct kernel_param_ops budget_ops = {
	.set = set_budget,
	.get = param_get_uint,
};
module_param_cb(budget_us, &budget_ops, &iotimer_budget_us, 0644);
MODULE_PARM_DESC(budget_us,
		 "longest time in us that a tick holds the softirq before it pauses (1 to 1000000, default 200)");

static int __init iotimer_init(void)
{
	iotimer_core_init();
	iotimer_debug_init();
	return 0;
}

static void __exit iotimer_exit(void)
{
	iotimer_debug_exit();
	iotimer_core_exit();
	iotimer_slots_exit();
}

subsys_initcall(iotimer_init);	/* built in, before any driver's probe */
module_exit(iotimer_exit);

MODULE_DESCRIPTION("A routine called once a second for each device, as Windows' IoTimer");
MODULE_AUTHOR("The iotimer developers");
MODULE_LICENSE("GPL");
