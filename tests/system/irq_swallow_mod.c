// SPDX-License-Identifier: GPL-2.0-only
/*
 * irq_swallow - an interrupt line that loses interrupts
 *
 * Like a message-signalled interrupt that is lost on its way: the device has raised
 * the interrupt, and no handler is called. Only for a line of sim_hw, whose interrupts
 * are edges and need no acknowledge in an interrupt controller.
 */
#include <linux/atomic.h>
#include <linux/interrupt.h>
#include <linux/irq.h>
#include <linux/irqdesc.h>
#include <linux/module.h>

static unsigned int irq;
module_param(irq, uint, 0444);
MODULE_PARM_DESC(irq, "number of the line");

static atomic_t left;
static atomic_t swallowed;

static void swallow(struct irq_desc *desc)
{
	if (atomic_dec_if_positive(&left) >= 0)
		atomic_inc(&swallowed);
	else
		handle_edge_irq(desc);
}

static int lose_set(const char *val, const struct kernel_param *kp)
{
	unsigned int count;
	int err = kstrtouint(val, 0, &count);

	if (err)
		return err;
	atomic_set(&left, count);
	return 0;
}

static int lose_get(char *buf, const struct kernel_param *kp)
{
	return sysfs_emit(buf, "%d\n", atomic_read(&left));
}

static const struct kernel_param_ops lose_ops = {
	.set = lose_set,
	.get = lose_get,
};
module_param_cb(lose, &lose_ops, NULL, 0644);
MODULE_PARM_DESC(lose, "how many interrupts to swallow, the next ones");

static int swallowed_get(char *buf, const struct kernel_param *kp)
{
	return sysfs_emit(buf, "%d\n", atomic_read(&swallowed));
}

static const struct kernel_param_ops swallowed_ops = {
	.get = swallowed_get,
};
module_param_cb(swallowed, &swallowed_ops, NULL, 0444);
MODULE_PARM_DESC(swallowed, "how many were");

static int __init swallow_init(void)
{
	if (!irq)
		return -EINVAL;
	irq_set_handler(irq, swallow);
	return 0;
}

/* swallow() runs with interrupts off, so after a grace period no CPU is in it. */
static void __exit swallow_exit(void)
{
	irq_set_handler(irq, handle_edge_irq);
	synchronize_rcu();
}

module_init(swallow_init);
module_exit(swallow_exit);

MODULE_DESCRIPTION("An interrupt line that loses interrupts");
MODULE_AUTHOR("The iotimer developers");
MODULE_LICENSE("GPL");
