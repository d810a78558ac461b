// SPDX-License-Identifier: GPL-2.0-only
/*
 * ported_hw - the device that ported.c drives: sim_dev's hardware model, in a
 * module
 *
 * Makes one platform device, ported.0, with an interrupt. It has no power while
 * the system is suspended. The parameters make it misbehave.
 */
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/pm.h>
#include <linux/pm_domain.h>

#include "sim_events.c"
#include "sim_rules.c"
#include "sim_hw.c"

EXPORT_SYMBOL_GPL(sim_hw_start);
EXPORT_SYMBOL_GPL(sim_hw_reset);
EXPORT_SYMBOL_GPL(sim_hw_read);
EXPORT_SYMBOL_GPL(sim_hw_read_tag);

static unsigned int faults[SIM_HW_NR_FAULTS];
module_param_named(hang, faults[SIM_HW_HANG], uint, 0444);
MODULE_PARM_DESC(hang, "operations that never end");
module_param_named(lost, faults[SIM_HW_LOST], uint, 0444);
MODULE_PARM_DESC(lost, "operations that end without an interrupt");
module_param_named(reset_hang, faults[SIM_HW_RESET_HANG], uint, 0444);
MODULE_PARM_DESC(reset_hang, "resets that never end");
module_param_named(reset_lost, faults[SIM_HW_RESET_LOST], uint, 0444);
MODULE_PARM_DESC(reset_lost, "resets that end without an interrupt");

static unsigned int latency_ms = 5;
module_param(latency_ms, uint, 0444);
MODULE_PARM_DESC(latency_ms, "ms that an operation takes");

static struct sim_hw *hw;
static struct platform_device *pdev;

static bool gone;

static int gone_set(const char *val, const struct kernel_param *kp)
{
	int err = param_set_bool(val, kp);

	if (!err && !IS_ERR_OR_NULL(hw))
		sim_hw_set_gone(hw, gone);
	return err;
}

static const struct kernel_param_ops gone_ops = {
	.set = gone_set,
	.get = param_get_bool,
};
module_param_cb(gone, &gone_ops, &gone, 0644);
MODULE_PARM_DESC(gone, "all registers read as ones; may be changed at any time");

static int ported_hw_power_off(struct device *dev)
{
	sim_hw_set_power(hw, false);
	return 0;
}

static int ported_hw_power_on(struct device *dev)
{
	sim_hw_set_power(hw, true);
	return 0;
}

/* Power goes off after the driver's suspend callback, on before its resume callback. */
static struct dev_pm_domain ported_hw_power = {
	.ops = {
		SYSTEM_SLEEP_PM_OPS(pm_generic_suspend, pm_generic_resume)
		NOIRQ_SYSTEM_SLEEP_PM_OPS(ported_hw_power_off,
					  ported_hw_power_on)
	},
};

static int __init ported_hw_add_device(void)
{
	struct resource irq = DEFINE_RES_IRQ(sim_hw_irq(hw));
	int err;

	pdev = platform_device_alloc("ported", 0);
	if (!pdev)
		return -ENOMEM;
	err = platform_device_add_resources(pdev, &irq, 1);
	if (!err)
		err = platform_device_add_data(pdev, &hw, sizeof(hw));
	if (!err) {
		dev_pm_domain_set(&pdev->dev, &ported_hw_power);
		err = platform_device_add(pdev);
	}
	if (err)
		platform_device_put(pdev);
	return err;
}

static int __init ported_hw_init(void)
{
	int fault, err;

	hw = sim_hw_create(1, min_t(u32, latency_ms, SIM_HW_MAX_MS), 5);
	if (IS_ERR(hw))
		return PTR_ERR(hw);
	for (fault = 0; fault < SIM_HW_NR_FAULTS; fault++)
		sim_hw_inject(hw, fault,
			      min_t(u32, faults[fault], SIM_HW_MAX_FAULTS));
	sim_hw_set_gone(hw, gone);
	err = ported_hw_add_device();
	if (err)
		sim_hw_put(hw);
	return err;
}

static void __exit ported_hw_exit(void)
{
	platform_device_unregister(pdev);
	sim_hw_put(hw);
}

module_init(ported_hw_init);
module_exit(ported_hw_exit);

MODULE_DESCRIPTION("The device of the porting example");
MODULE_AUTHOR("The iotimer developers");
MODULE_LICENSE("GPL");
